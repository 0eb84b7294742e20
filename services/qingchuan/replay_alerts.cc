#include "qingchuan/replay_alerts.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alerts/alerts_stage.h"
#include "qingchuan/alerts_options.h"
#include "qingchuan/replay_look.h"
#include "qingchuan/replay_pass.h"
#include "stream/read_range.h"
#include "wire/alert_codec.h"

namespace qc::commands {
namespace {

using stream::Offset;
using stream::Stretch;

constexpr std::array kOutputs = {alerts::kAlerts, alerts::kOutcomes, alerts::kLedger, alerts::kDeadLetters};
constexpr Maker maker(int partition) {
  return {ReplayStage::Alerts, partition};
}

class AlertsReplay {
 public:
  AlertsReplay(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec, ReplayResult& result,
               std::stop_token stop)
      : log_(log), rules_(rules), spec_(spec), result_(result), stop_(std::move(stop)) {}

  Result<void> run();

 private:
  struct Lane {
    Offset signals = 0;  // at least so far the service has come, in either
    Offset commands = 0;
    stream::Range of_signals;
    stream::Range of_commands;
    std::map<Offset, Offset> answered;                // which command, after which signal
    std::vector<ReplayPass::Beside> to_be_read = {};  // the commands, in their order
  };

  Result<bool> is_there();
  Result<void> look();
  Result<void> look_for_outcomes();
  Result<void> look_for_commands();
  Result<bool> ledger_is_apart();
  std::optional<std::string> hindrance(int partition) const;
  PublishedPartition::Other strangers();
  Machine machine(int partition);

  stream::Log& log_;
  processor::RulesStore& rules_;
  const ReplaySpec& spec_;
  ReplayResult& result_;
  std::stop_token stop_;
  alerts::StageOptions options_;
  std::vector<Lane> lanes_;  // by partition of signals
  std::vector<ReplayOutput> outputs_;
};

Result<bool> AlertsReplay::is_there() {
  const auto topics = log_.topics();
  if (!topics) return tl::make_unexpected(topics.error());
  for (const char* name : {alerts::kAlerts, alerts::kOutcomes, alerts::kLedger, alerts::kCommands}) {
    if (std::none_of(topics->begin(), topics->end(), [&](const auto& t) { return t.name == name; })) return false;
  }
  return true;
}

Result<void> AlertsReplay::look() {
  options_.decode = spec_.stage.decode;
  options_.dead_letter_bytes_max = spec_.stage.dead_letter_bytes_max;
  options_.version = spec_.stage.version;
  if (auto learnt = alerts::learn_partitions(log_, options_); !learnt) return learnt;
  auto upstreams = upstreams_of_alerts(log_);
  if (!upstreams) return tl::make_unexpected(upstreams.error());
  options_.upstreams = std::move(*upstreams);
  lanes_.resize(static_cast<std::size_t>(options_.signals_partitions));
  for (int p = 0; p < options_.signals_partitions; ++p) {
    const auto saved = saved_positions(log_, alerts::kService, p, stop_);
    if (!saved) return tl::make_unexpected(saved.error());
    if (!*saved) continue;
    Lane& lane = lanes_[static_cast<std::size_t>(p)];
    for (const auto& [topic, at] : **saved) (topic == alerts::kCommands ? lane.commands : lane.signals) = at;
  }
  auto outputs = outputs_as_they_stand(log_, kOutputs, spec_.now_ms);
  if (!outputs) return tl::make_unexpected(outputs.error());
  outputs_ = std::move(*outputs);
  for (int p = 0; p < options_.signals_partitions; ++p) {
    Lane& lane = lanes_[static_cast<std::size_t>(p)];
    for (const auto& [topic, to] :
         {std::pair{alerts::kSignals, &lane.of_signals}, std::pair{alerts::kCommands, &lane.of_commands}}) {
      const auto range = log_.range({topic, p});
      if (!range) return tl::make_unexpected(range.error());
      *to = *range;
    }
  }
  if (auto done = look_for_outcomes(); !done) return done;
  return look_for_commands();
}

Result<void> AlertsReplay::look_for_outcomes() {
  std::vector<Stretch> outcomes;
  for (const ReplayOutput& o : outputs_) {
    if (o.stretch.of.topic == alerts::kOutcomes) outcomes.push_back(o.stretch);
  }
  const auto add = [this](const stream::Record& r) {
    const auto made = made_of(r);
    const auto outcome = made ? wire::decode_outcome(r.value) : std::nullopt;
    if (!outcome || made->by.partition < 0 || made->by.partition >= options_.signals_partitions) return true;
    Lane& lane = lanes_[static_cast<std::size_t>(made->by.partition)];
    lane.answered.emplace(outcome->origin.commands - 1, made->at);
    lane.commands = std::max(lane.commands, outcome->origin.commands);
    return true;
  };
  return stream::read_range(log_, outcomes, add, stop_);
}

Result<void> AlertsReplay::look_for_commands() {
  std::vector<Stretch> commands;
  for (int p = 0; p < options_.signals_partitions; ++p) {
    const Lane& lane = lanes_[static_cast<std::size_t>(p)];
    commands.push_back({{alerts::kCommands, p}, lane.of_commands.start, lane.of_commands.end});
  }
  std::vector<Offset> after(lanes_.size(), -1);
  const auto add = [&](const stream::Record& r) {
    const auto p = static_cast<std::size_t>(r.from->partition);
    Lane& lane = lanes_[p];
    if (r.offset >= lane.commands) {
      ++result_.counts.waiting;
      return true;
    }
    if (const auto it = lane.answered.find(r.offset); it != lane.answered.end()) after[p] = it->second;
    ReplayPass::Beside& b = lane.to_be_read.emplace_back();
    b.after = after[p];
    b.from = *r.from;
    b.offset = r.offset;
    b.written_ms = r.written_ms;
    b.key = r.key;
    b.value = r.value;
    b.tombstone = r.tombstone;
    return true;
  };
  return stream::read_range(log_, commands, add, stop_);
}

// All that the ledger holds is of accounts, which there may be before the service was ever started.
Result<bool> AlertsReplay::ledger_is_apart() {
  std::vector<Stretch> ledger;
  for (const ReplayOutput& o : outputs_) {
    if (o.stretch.of.topic == alerts::kLedger) ledger.push_back(o.stretch);
  }
  bool apart = true;
  const auto look_at = [&apart](const stream::Record& r) { return apart = apart && is_entry_apart(r); };
  if (auto read = stream::read_range(log_, ledger, look_at, stop_); !read) return tl::make_unexpected(read.error());
  return apart;
}

// Why nothing of it can be made again, for a person.
std::optional<std::string> AlertsReplay::hindrance(int partition) const {
  const Lane& lane = lanes_[static_cast<std::size_t>(partition)];
  for (const auto& [topic, range] :
       {std::pair{alerts::kSignals, lane.of_signals}, std::pair{alerts::kCommands, lane.of_commands}}) {
    if (range.start > 0)
      return stream::to_string({topic, partition}) + ": its beginning is gone (it begins at " +
             std::to_string(range.start) + "), so alerts are not compared";
  }
  for (const ReplayOutput& o : outputs_) {
    if (o.stretch.of.topic == alerts::kOutcomes && o.trimmed &&
        o.stretch.of.partition == partition % options_.outcomes_partitions)
      return stream::to_string(o.stretch.of) +
             ": its beginning is gone, and with it where the first commands were read, so alerts are not compared";
  }
  return std::nullopt;
}

// What stands in the outputs and was made by none of the partitions.
PublishedPartition::Other AlertsReplay::strangers() {
  return [this](const stream::Record& r, const std::optional<Made>& made) {
    // Of letters, those of others and of nobody were counted with the others.
    if (r.from->topic == alerts::kDeadLetters && (!made || made->by.stage != ReplayStage::Alerts)) return;
    if (is_entry_apart(r)) return;
    result_.tally.unreadable(r);
  };
}

Machine AlertsReplay::machine(int partition) {
  auto stage = std::make_unique<alerts::AlertsStage>(partition, options_, rules_for_alerts(rules_));
  const core::AlertStage& core = stage->core();
  return {std::move(stage), [&core] { return core.now(); }, [] { return std::int64_t{0}; },
          [&core] { return core.rules_hash(); }, [] { return Offset{0}; }};
}

Result<void> AlertsReplay::run() {
  const auto there = is_there();
  if (!there) return tl::make_unexpected(there.error());
  if (!*there) return {};
  if (auto done = look(); !done) return done;
  const bool never =
      std::all_of(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.signals + l.commands == 0; });
  if (never && std::all_of(outputs_.begin(), outputs_.end(), [](const ReplayOutput& o) {
        const std::string& topic = o.stretch.of.topic;
        return topic == alerts::kDeadLetters || topic == alerts::kLedger || o.stretch.until == 0;
      })) {
    const auto apart = ledger_is_apart();
    if (!apart) return tl::make_unexpected(apart.error());
    if (*apart) return {};
  }
  if (options_.alerts_partitions < options_.signals_partitions) {
    // The end of a flood's row has no content that says who wrote it.
    result_.notes.emplace_back("alerts has fewer partitions than signals: alerts are not compared");
    return {};
  }
  ReplayPass pass(log_, result_.tally, stop_);
  for (const ReplayOutput& o : outputs_) {
    if (auto done = pass.open(o, strangers()); !done) return done;
  }
  for (int p = 0; p < options_.signals_partitions; ++p) {
    Lane& lane = lanes_[static_cast<std::size_t>(p)];
    if (auto hindered = hindrance(p)) {
      result_.notes.push_back(std::move(*hindered));
      pass.give_up(maker(p), NotRecomputed::InputTrimmed);
      continue;
    }
    const Stretch input{{alerts::kSignals, p}, lane.of_signals.start, lane.of_signals.end};
    if (auto done = pass.add({maker(p), machine(p), input, lane.signals, {}, std::move(lane.to_be_read)}); !done)
      return done;
  }
  if (auto done = pass.run(); !done) return done;
  result_.counts += pass.counts();
  return {};
}

}  // namespace

Result<void> replay_alerts(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec, ReplayResult& result,
                           std::stop_token stop) {
  return AlertsReplay(log, rules, spec, result, std::move(stop)).run();
}

}  // namespace qc::commands
