#include "qingchuan/backtest.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "processor/readings_stage.h"
#include "processor/regions_stage.h"
#include "qingchuan/columns.h"
#include "stream/read_range.h"
#include "stream/state_restore.h"
#include "wire/codec.h"
#include "wire/csv_output.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;
using stream::Offset;
using stream::Stretch;

constexpr std::size_t kRecordsOfPoll = 4096;
constexpr stream::Milliseconds kWait{100};

// The records of one partition, as they are asked for.
class Input {
 public:
  static Result<std::unique_ptr<Input>> open(stream::Log& log, const Stretch& of) {
    auto reader = stream::reader_of(log, {&of, 1});
    if (!reader) return tl::make_unexpected(reader.error());
    return std::unique_ptr<Input>(new Input(std::move(*reader), of));
  }
  // nullptr: there are no more.
  Result<const stream::Record*> next() {
    while (at_ == batch_.records.size() && !ended_) {
      if (auto polled = reader_->poll(batch_, kRecordsOfPoll, kWait); !polled)
        return tl::make_unexpected(polled.error());
      at_ = 0;
      const bool quiet = batch_.records.empty();
      std::erase_if(batch_.records, [&](const stream::Record& r) { return r.offset >= left_.until; });
      if (!batch_.records.empty()) left_.from = batch_.records.back().offset + 1;
      ended_ = stream::reached(*reader_, left_.of, left_.from, left_.until, quiet);
    }
    return at_ < batch_.records.size() ? &batch_.records[at_] : nullptr;
  }
  void take() { ++at_; }

 private:
  Input(std::unique_ptr<stream::Reader> reader, const Stretch& of)
      : reader_(std::move(reader)), left_(of), ended_(of.from >= of.until) {}
  std::unique_ptr<stream::Reader> reader_;
  Stretch left_;
  bool ended_;
  stream::Batch batch_;
  std::size_t at_ = 0;
};

struct Lane {
  std::unique_ptr<Input> input;
  std::unique_ptr<processor::ReadingsStage> stage;
};
struct Region {
  stream::TopicPartition of;
  Offset offset = 0;  // that its next record gets
  std::unique_ptr<processor::RegionsStage> stage;
};

class Fold {
 public:
  Fold(stream::Log& log, processor::RulesStore& with, const BacktestSpec& spec)
      : log_(log), with_(with), rules_(spec.rules), options_(spec.stage), alarms_(spec.filter) {}

  Result<void> open();
  Result<void> run(const std::stop_token& stop);
  const AlarmCounter& alarms() const { return alarms_; }
  std::int64_t readings() const {
    std::int64_t sum = 0;
    for (const Lane& lane : lanes_) sum += lane.stage->core().ledger().in;
    return sum;
  }

 private:
  Result<Lane*> furthest_behind();
  Result<void> apply(Lane& lane, const stream::Record& record);
  Result<void> publish(const stream::StageOutputs& made);

  stream::Log& log_;
  processor::RulesStore& with_;
  std::string rules_;
  processor::StageOptions options_;
  AlarmCounter alarms_;
  wire::InputDecoder decoder_;
  std::vector<Lane> lanes_;
  std::vector<Region> regions_;
  stream::StageOutputs made_;
  stream::StageOutputs made_of_regions_;
};

Result<void> Fold::open() {
  if (auto learnt = processor::learn_partitions(log_, options_); !learnt) return learnt;
  const auto whole = stream::whole_topic(log_, processor::kReadings);
  if (!whole) return tl::make_unexpected(whole.error());
  for (const Stretch& s : *whole) {
    if (s.from > 0) {
      return fail(Errc::topic_unknown, stream::to_string(s.of) + " begins at " + std::to_string(s.from) +
                                           ": a back-test needs the log from its first record");
    }
    auto input = Input::open(log_, s);
    if (!input) return tl::make_unexpected(input.error());
    lanes_.push_back({std::move(*input), std::make_unique<processor::ReadingsStage>(s.of.partition, options_, with_)});
  }
  for (int q = 0; q < options_.means_partitions; ++q) {
    regions_.push_back({{processor::kMeans, q}, 0, std::make_unique<processor::RegionsStage>(q, options_, with_)});
  }
  return {};
}

// So no lane runs away from the others, and the region stage holds little.
Result<Lane*> Fold::furthest_behind() {
  Lane* found = nullptr;
  for (Lane& lane : lanes_) {
    const auto next = lane.input->next();
    if (!next) return tl::make_unexpected(next.error());
    if (*next == nullptr) continue;
    if (found == nullptr || lane.stage->core().now() < found->stage->core().now()) found = &lane;
  }
  return found;
}

Result<void> Fold::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto lane = furthest_behind();
    if (!lane) return tl::make_unexpected(lane.error());
    if (*lane == nullptr) return {};
    // As long as its time stands still it is the one.
    const core::EventTime now = (*lane)->stage->core().now();
    while ((*lane)->stage->core().now() == now) {
      const auto record = (*lane)->input->next();
      if (!record) return tl::make_unexpected(record.error());
      if (*record == nullptr) break;
      if (auto done = apply(**lane, **record); !done) return done;
      (*lane)->input->take();
    }
  }
  return fail(Errc::stopped, "asked to stop");
}

Result<void> Fold::apply(Lane& lane, const stream::Record& record) {
  made_.records.clear();
  stream::Record given = record;
  std::string other;
  // A switch of rules is keyed by its hash, and nothing else is that short.
  if (record.key.size() == rules_.size()) {
    const wire::Decoded decoded = decoder_.decode(record.value);
    if (const auto* to = std::get_if<core::RulesSwitch>(&decoded)) {
      other = wire::encode_rules_switch({rules_, to->timeline});
      given.value = other;
    }
  }
  if (auto done = lane.stage->apply(given, made_); !done) return done;
  return publish(made_);
}

Result<void> Fold::publish(const stream::StageOutputs& made) {
  for (const stream::NewRecord& m : made.records) {
    if (m.to.topic == processor::kSignals) alarms_.add(*m.value);
    if (m.to.topic != processor::kMeans) continue;
    Region& region = regions_[static_cast<std::size_t>(m.to.partition)];
    stream::Record mean;
    mean.from = &region.of;
    mean.offset = region.offset++;
    mean.key = m.key;
    mean.value = *m.value;
    mean.headers = stream::RecordHeaders(m.headers);
    made_of_regions_.records.clear();
    if (auto done = region.stage->apply(mean, made_of_regions_); !done) return done;
    for (const stream::NewRecord& s : made_of_regions_.records) {
      if (s.to.topic == processor::kSignals) alarms_.add(*s.value);
    }
  }
  return {};
}

// (published, recomputed) of each.
std::map<AlarmsOf, std::pair<std::int64_t, std::int64_t>> side_by_side(const Backtest& backtest) {
  std::map<AlarmsOf, std::pair<std::int64_t, std::int64_t>> both;
  for (const auto& [of, n] : backtest.published) both[of].first = n;
  for (const auto& [of, n] : backtest.recomputed) both[of].second = n;
  return both;
}

std::string change(std::int64_t was, std::int64_t is) {
  return is == was ? "" : (is > was ? "+" : "") + std::to_string(is - was);
}

}  // namespace

void AlarmCounter::add(std::string_view value) {
  v1::SignalRecord record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size())) || !record.has_signal()) return;
  const v1::Signal& s = record.signal();
  const core::EventTime began = core::event_time(s.began_ms());
  About a;
  a.site = s.subject();
  a.region = s.region();
  a.root = s.root();
  a.end = began;
  if (!filter_.holds(a)) return;
  Episode& e = episodes_[s.id()];
  e.day = core::to_iso(began).substr(0, 10);
  e.site = s.subject();
  e.level = std::max(e.level, s.level());
  e.withdrawn = s.state() == v1::WITHDRAWN;
}

std::map<AlarmsOf, std::int64_t> AlarmCounter::counts() const {
  std::map<AlarmsOf, std::int64_t> counts;
  for (const auto& [id, e] : episodes_) {
    if (!e.withdrawn) ++counts[{e.day, e.site, e.level}];
  }
  return counts;
}

Result<Backtest> backtest(stream::Log& log, processor::RulesStore& with, const BacktestSpec& spec,
                          std::stop_token stop) {
  Backtest result;
  result.rules = spec.rules;
  AlarmCounter published(spec.filter);
  const auto signals = stream::whole_topic(log, processor::kSignals);
  if (!signals) return tl::make_unexpected(signals.error());
  const auto add = [&](const stream::Record& r) {
    published.add(r.value);
    return true;
  };
  if (auto read = stream::read_range(log, *signals, add, stop); !read) return tl::make_unexpected(read.error());
  result.published = published.counts();
  Fold fold(log, with, spec);
  if (auto done = fold.open(); !done) return tl::make_unexpected(done.error());
  if (auto done = fold.run(stop); !done) return tl::make_unexpected(done.error());
  result.recomputed = fold.alarms().counts();
  result.readings = fold.readings();
  return result;
}

std::string to_text(const Backtest& backtest, double seconds, Language language) {
  const auto word = [zh = language == Language::Chinese](const char* a, const char* b) -> std::string {
    return zh ? a : b;
  };
  const std::vector<std::string> head = {word("日期", "day"),   word("站点", "site"),  word("级别", "level"),
                                         word("已发布", "was"), word("重算", "would"), word("变化", "change")};
  std::vector<std::vector<std::string>> rows = {head};
  std::map<int, std::pair<std::int64_t, std::int64_t>> levels;
  for (const auto& [of, n] : side_by_side(backtest)) {
    rows.push_back({of.day, of.site, std::to_string(of.level), std::to_string(n.first), std::to_string(n.second),
                    change(n.first, n.second)});
    levels[of.level].first += n.first;
    levels[of.level].second += n.second;
  }
  for (const auto& [level, n] : levels) {
    rows.push_back({word("合计", "all"), "", std::to_string(level), std::to_string(n.first), std::to_string(n.second),
                    change(n.first, n.second)});
  }
  std::array<char, 160> line{};
  std::snprintf(line.data(), line.size(), "%lld %s, %.2f s\n", static_cast<long long>(backtest.readings),
                word("个读数", "readings").c_str(), seconds);
  return word("回测，规则 ", "Back-test with the rules ") + backtest.rules + "\n" + table(rows, 3) + "\n" + line.data();
}

std::string to_csv(const Backtest& backtest) {
  std::string out = "day,site,level,published,recomputed\n";
  for (const auto& [of, n] : side_by_side(backtest)) {
    out += of.day + ",";
    wire::append_csv_field(of.site, out);
    out += "," + std::to_string(of.level) + "," + std::to_string(n.first) + "," + std::to_string(n.second) + "\n";
  }
  return out;
}

}  // namespace qc::commands
