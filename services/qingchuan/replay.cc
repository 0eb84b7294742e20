#include "qingchuan/replay.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "processor/readings_stage.h"
#include "processor/regions_stage.h"
#include "qingchuan/replay_alerts.h"
#include "qingchuan/replay_look.h"
#include "qingchuan/replay_pass.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

using stream::Offset;
using stream::Stretch;
using stream::TopicPartition;

class Replay {
 public:
  Replay(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec, std::stop_token stop)
      : log_(log),
        rules_(rules),
        options_(spec.stage),
        spec_(spec),
        stop_(std::move(stop)),
        from_(spec.from),
        result_{ReplayTally(spec.filter), {}, {}} {}

  Result<ReplayResult> compare() {
    if (auto done = run(); !done) return tl::make_unexpected(done.error());
    if (auto done = replay_alerts(log_, rules_, spec_, result_, stop_); !done) return tl::make_unexpected(done.error());
    return std::move(result_);
  }
  Result<TakenSnapshot> snapshot() {
    Snapshot taken;
    to_ = &taken;
    if (auto done = run(); !done) return tl::make_unexpected(done.error());
    return TakenSnapshot{std::move(taken), std::move(result_.notes)};
  }

 private:
  Result<void> run() {
    if (auto done = look(); !done) return done;
    if (auto done = pass(ReplayStage::Readings); !done) return done;
    return pass(ReplayStage::Regions);
  }
  Result<void> look();
  Result<void> look_for_events();
  Result<bool> begins_with_rules(const TopicPartition& input, Offset at);
  Result<void> pass(ReplayStage stage);
  Result<void> add(ReplayPass& pass, const Maker& by);
  PublishedPartition::Other strangers();
  // Why it cannot be made again, for a person; nullopt: it can.
  Result<std::optional<std::string>> hindrance(const Maker& by);
  Result<bool> surely_whole(const TopicPartition& input, Offset from);
  Machine machine(const Maker& by);
  std::vector<ReplayPass::Beside> events_of(const Maker& by, Offset from) const;
  const StageSnapshot* kept(const Maker& by) const;
  Result<Offset> begin(const Maker& by, Machine& machine);
  Result<void> take(const Maker& by);
  Result<void> save(const Maker& by, Machine& machine, Offset next);

  stream::Log& log_;
  processor::RulesStore& rules_;
  processor::StageOptions options_;
  const ReplaySpec& spec_;
  std::stop_token stop_;
  const Snapshot* from_;
  Snapshot* to_ = nullptr;  // nothing is compared, the state is wanted
  ReplayResult result_;
  std::map<Maker, Offset> committed_;  // at least so far the service has come
  std::vector<ReplayOutput> outputs_;
  std::map<Maker, stream::Range> inputs_;
  std::map<int, bool> means_incomplete_;  // by partition of means
  std::map<int, std::vector<ReplayPass::Beside>>
      events_;  // by partition of means, in the order in which they were read
};

// First the positions, then the ends of the outputs: what stands before a position is published before those ends.
Result<void> Replay::look() {
  if (auto learnt = processor::learn_partitions(log_, options_); !learnt) return learnt;
  for (const auto& [stage, service, partitions] :
       {std::tuple{ReplayStage::Readings, processor::kService, options_.readings_partitions},
        std::tuple{ReplayStage::Regions, processor::kRegionsService, options_.means_partitions}}) {
    for (int p = 0; p < partitions; ++p) {
      const auto saved = saved_positions(log_, service, p, stop_);
      if (!saved) return tl::make_unexpected(saved.error());
      Offset& at = committed_[{stage, p}] = 0;
      if (*saved) {
        if (const auto it = (*saved)->find(std::string(input_topic(stage))); it != (*saved)->end()) at = it->second;
      }
    }
  }
  constexpr std::array kOutputs = {processor::kMeans, processor::kRegionMeans, processor::kSignals,
                                   processor::kDeadLetters};
  auto outputs = outputs_as_they_stand(log_, kOutputs, spec_.now_ms);
  if (!outputs) return tl::make_unexpected(outputs.error());
  outputs_ = std::move(*outputs);
  for (const auto& [maker, at] : committed_) {
    const auto range = log_.range({std::string(input_topic(maker.stage)), maker.partition});
    if (!range) return tl::make_unexpected(range.error());
    inputs_[maker] = *range;
  }
  return look_for_events();
}

// What the region stage read of `events`, and where among the means.
Result<void> Replay::look_for_events() {
  std::vector<Stretch> signals;
  for (const ReplayOutput& o : outputs_) {
    if (o.stretch.of.topic == processor::kSignals) signals.push_back(o.stretch);
  }
  const auto add = [this](const stream::Record& r) {
    const auto made = made_of(r);
    if (!made || made->event < 0) return true;
    ReplayPass::Beside& b = events_[made->by.partition].emplace_back();
    b.after = made->at;
    b.from = {processor::kEvents, made->by.partition};
    b.offset = made->event;
    b.written_ms = -1;  // not found yet
    return true;
  };
  if (auto read = stream::read_range(log_, signals, add, stop_); !read) return read;
  if (events_.empty()) return {};
  const auto whole = stream::whole_topic(log_, processor::kEvents);
  if (!whole) return tl::make_unexpected(whole.error());
  const auto find = [this](const stream::Record& r) {
    const auto its = events_.find(r.from->partition);
    if (its == events_.end()) return true;
    // The log's order is the order in which they were read.
    const auto at = std::lower_bound(its->second.begin(), its->second.end(), r.offset,
                                     [](const ReplayPass::Beside& b, Offset offset) { return b.offset < offset; });
    if (at == its->second.end() || at->offset != r.offset) return true;
    at->written_ms = r.written_ms;
    at->key = r.key;
    at->value = r.value;
    at->tombstone = r.tombstone;
    return true;
  };
  if (auto read = stream::read_range(log_, *whole, find, stop_); !read) return read;
  for (const auto& [partition, events] : events_) {
    const bool gone = std::any_of(events.begin(), events.end(), [](const auto& b) { return b.written_ms < 0; });
    if (gone) means_incomplete_[partition] = true;
  }
  return {};
}

// As every partition of a log does whose beginning is there; a copy of a trimmed one does not.
Result<bool> Replay::begins_with_rules(const TopicPartition& input, Offset at) {
  bool rules = false;
  wire::InputDecoder decoder(options_.decode);
  const std::vector<Stretch> first = {{input, at, at + 1}};
  const auto read = stream::read_range(log_, first, [&](const stream::Record& r) {
    rules = std::holds_alternative<core::RulesSwitch>(decoder.decode(r.value));
    return false;
  });
  if (!read) return tl::make_unexpected(read.error());
  return rules;
}

// Those that no stage of this log made.
PublishedPartition::Other Replay::strangers() {
  return [this](const stream::Record& r, const std::optional<Made>& made) {
    if (made && inputs_.contains(made->by)) return;
    if (is_letter_apart(r.from->topic, r.key)) return;
    if (made && made->by.stage == ReplayStage::Alerts) return;  // replay_alerts's
    result_.tally.unreadable(r);
    if (r.from->topic == processor::kMeans) means_incomplete_[r.from->partition] = true;
  };
}

const StageSnapshot* Replay::kept(const Maker& by) const {
  if (from_ == nullptr) return nullptr;
  const auto it = from_->stages.find(by);
  return it == from_->stages.end() ? nullptr : &it->second;
}

// The stage as the snapshot has it, and where the fold begins.
Result<Offset> Replay::begin(const Maker& by, Machine& machine) {
  const StageSnapshot* snapshot = kept(by);
  if (snapshot == nullptr) return inputs_.at(by).start;
  const TopicPartition input{std::string(input_topic(by.stage)), by.partition};
  if (auto same = check_snapshot(log_, input, *snapshot); !same) return tl::make_unexpected(same.error());
  for (const auto& [key, value] : snapshot->entries) {
    if (auto loaded = machine.stage->load(key, value); !loaded) return tl::make_unexpected(loaded.error());
  }
  if (auto loaded = machine.stage->loaded(); !loaded) return tl::make_unexpected(loaded.error());
  return snapshot->position;
}

// Those that the stage has not read when it begins.
std::vector<ReplayPass::Beside> Replay::events_of(const Maker& by, Offset from) const {
  const auto all = events_.find(by.partition);
  if (by.stage != ReplayStage::Regions || all == events_.end()) return {};
  std::vector<ReplayPass::Beside> its = all->second;
  std::erase_if(its, [from](const ReplayPass::Beside& b) { return b.offset < from; });
  return its;
}

// All stages of a kind, against what they published.
Result<void> Replay::pass(ReplayStage stage) {
  const int partitions = stage == ReplayStage::Readings ? options_.readings_partitions : options_.means_partitions;
  ReplayPass pass(log_, result_.tally, stop_);
  if (to_ == nullptr) {
    for (const ReplayOutput& o : outputs_) {
      const std::string& topic = o.stretch.of.topic;
      if (topic == (stage == ReplayStage::Readings ? processor::kRegionMeans : processor::kMeans)) continue;
      // The others are read again for the regions: what nobody made is counted once.
      const bool first = stage == ReplayStage::Readings || topic == processor::kRegionMeans;
      if (auto done = pass.open(o, first ? strangers() : nullptr); !done) return done;
    }
  }
  for (int p = 0; p < partitions; ++p) {
    const Maker by{stage, p};
    const auto hindered = hindrance(by);
    if (!hindered) return tl::make_unexpected(hindered.error());
    if (*hindered && to_ != nullptr && stage == ReplayStage::Readings) return fail(Errc::snapshot_invalid, **hindered);
    if (*hindered) {
      result_.notes.push_back(**hindered);
      if (to_ == nullptr)
        pass.give_up(by, stage == ReplayStage::Readings ? NotRecomputed::InputTrimmed : NotRecomputed::MeansIncomplete);
    } else if (auto done = to_ != nullptr ? take(by) : add(pass, by); !done) {
      return done;
    }
  }
  if (to_ != nullptr) return {};
  if (auto done = pass.run(); !done) return done;
  result_.counts += pass.counts();
  for (int q = 0; q < options_.means_partitions; ++q) {
    if (!pass.whole({processor::kMeans, q})) means_incomplete_[q] = true;
  }
  return {};
}

Result<void> Replay::add(ReplayPass& pass, const Maker& by) {
  Machine machine = this->machine(by);
  const auto from = begin(by, machine);
  if (!from) return tl::make_unexpected(from.error());
  MadeBefore before;
  if (kept(by) != nullptr) before = {*from, machine.now(), machine.events_next()};
  auto beside = events_of(by, machine.events_next());
  const TopicPartition input{std::string(input_topic(by.stage)), by.partition};
  return pass.add(
      {by, std::move(machine), {input, *from, inputs_.at(by).end}, committed_.at(by), before, std::move(beside)});
}

// Folded as far as its service has come, for its state.
Result<void> Replay::take(const Maker& by) {
  Machine machine = this->machine(by);
  const auto from = begin(by, machine);
  if (!from) return tl::make_unexpected(from.error());
  const Offset until = std::min(committed_.at(by), inputs_.at(by).end);
  const Stretch stretch{{std::string(input_topic(by.stage)), by.partition}, *from, until};
  stream::StageOutputs made;
  Offset next = *from;
  Result<void> applied;
  const std::vector<ReplayPass::Beside> events = events_of(by, machine.events_next());
  std::size_t event = 0;
  const auto apply_events = [&](Offset before) {
    for (; event < events.size() && events[event].after < before && applied; ++event) {
      made.records.clear();
      applied = machine.stage->apply(events[event].record(), made);
    }
  };
  const auto apply = [&](const stream::Record& r) {
    apply_events(r.offset);
    if (!applied) return false;
    made.records.clear();
    applied = machine.stage->apply(r, made);
    next = r.offset + 1;
    return applied.has_value();
  };
  if (auto read = stream::read_range(log_, {&stretch, 1}, apply, stop_); !read) return read;
  apply_events(until);
  if (!applied) return applied;
  if (stop_.stop_requested()) return fail(Errc::stopped, "asked to stop");
  return save(by, machine, next);
}

// All of the state: what was there in the beginning, and what changed.
Result<void> Replay::save(const Maker& by, Machine& machine, Offset next) {
  StageSnapshot snapshot;
  if (const StageSnapshot* before = kept(by)) snapshot.entries = before->entries;
  snapshot.position = next;
  snapshot.rules = machine.rules();
  class Sink : public stream::StateSink {
   public:
    explicit Sink(std::map<std::string, std::string>& into) : into_(into) {}
    void put(std::string_view key, std::string_view value) override { into_[std::string(key)] = value; }
    void erase(std::string_view key) override { into_.erase(std::string(key)); }

   private:
    std::map<std::string, std::string>& into_;
  } sink(snapshot.entries);
  machine.stage->save(sink);
  const auto last = fingerprint(log_, {std::string(input_topic(by.stage)), by.partition}, next);
  if (!last) return tl::make_unexpected(last.error());
  snapshot.fingerprint = last->value_or(0);
  to_->stages[by] = std::move(snapshot);
  return {};
}

Result<std::optional<std::string>> Replay::hindrance(const Maker& by) {
  const TopicPartition input{std::string(input_topic(by.stage)), by.partition};
  const stream::Range range = inputs_.at(by);
  const StageSnapshot* snapshot = kept(by);
  if (by.stage == ReplayStage::Regions) {
    if (from_ != nullptr && snapshot == nullptr) {
      return stream::to_string(input) +
             ": the snapshot does not hold the region stage, so its signals are not compared";
    }
    const Offset from = snapshot == nullptr ? 0 : snapshot->position;
    Result<bool> whole = !means_incomplete_[by.partition] && range.start <= from;
    if (*whole && to_ != nullptr) whole = surely_whole(input, from);
    if (!whole) return tl::make_unexpected(whole.error());
    if (*whole) return std::nullopt;
    return stream::to_string(input) + ": what stands there is not all that the region stage read, so its " +
           (to_ != nullptr ? "state is not kept" : "signals are not compared");
  }
  Result<bool> whole = snapshot != nullptr && snapshot->position >= range.start;
  if (snapshot == nullptr && range.start == 0 && range.end > 0) whole = begins_with_rules(input, 0);
  if (!whole) return tl::make_unexpected(whole.error());
  if (*whole || range.end == 0) return std::nullopt;
  for (int q = 0; q < options_.means_partitions; ++q) means_incomplete_[q] = true;
  return stream::to_string(input) + ": its beginning is gone (it begins at " + std::to_string(range.start) + ")" +
         (snapshot == nullptr ? "" : ", later than the snapshot ends");
}

// Whether all that was written behind that place is still there, whatever compaction does: the record before it is,
// and is young. Compared, it would be seen; a state says nothing of what it was folded from.
Result<bool> Replay::surely_whole(const TopicPartition& input, Offset from) {
  if (inputs_.at({ReplayStage::Regions, input.partition}).end <= from) return true;
  std::int64_t compacted_before_ms = Comparison::kNeverCompacted;
  for (const ReplayOutput& o : outputs_) {
    if (o.stretch.of == input) compacted_before_ms = o.compacted_before_ms;
  }
  if (compacted_before_ms == Comparison::kNeverCompacted) return true;
  constexpr std::int64_t kMargin = 3'600'000;  // it must stay young as long as the fold takes
  const Offset at = from > 0 ? from - 1 : 0;
  bool young = false;
  const std::vector<Stretch> one = {{input, at, at + 1}};
  const auto read = stream::read_range(log_, one, [&](const stream::Record& r) {
    young = r.written_ms >= compacted_before_ms + kMargin;
    return false;
  });
  if (!read) return tl::make_unexpected(read.error());
  return young;
}

Machine Replay::machine(const Maker& by) {
  if (by.stage == ReplayStage::Readings) {
    auto stage = std::make_unique<processor::ReadingsStage>(by.partition, options_, rules_);
    const core::ReadingStage& core = stage->core();
    return {std::move(stage), [&core] { return core.now(); }, [&core] { return core.ledger().in; },
            [&core] { return core.rules_hash(); }, [] { return Offset{0}; }};
  }
  auto stage = std::make_unique<processor::RegionsStage>(by.partition, options_, rules_);
  const core::RegionStage& core = stage->core();
  return {std::move(stage), [&core] { return core.now(); }, [] { return std::int64_t{0}; },
          [&core] { return core.rules_hash(); }, [&core] { return core.events_next(); }};
}

}  // namespace

Result<ReplayResult> replay(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec,
                            std::stop_token stop) {
  return Replay(log, rules, spec, std::move(stop)).compare();
}

Result<TakenSnapshot> make_snapshot(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec,
                                    std::stop_token stop) {
  return Replay(log, rules, spec, std::move(stop)).snapshot();
}

}  // namespace qc::commands
