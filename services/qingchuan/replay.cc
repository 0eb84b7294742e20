#include "qingchuan/replay.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "processor/readings_stage.h"
#include "processor/regions_stage.h"
#include "qingchuan/replay_compare.h"
#include "stream/read_range.h"
#include "stream/state_position.h"

namespace qc::commands {
namespace {

using stream::Offset;
using stream::Stretch;
using stream::TopicPartition;

// A partition of an output topic, as it stood at the beginning.
struct Output {
  Stretch stretch;
  bool trimmed = false;
  std::int64_t compacted_before_ms = Comparison::kNeverCompacted;
};

// A stage with its time, whichever it is.
struct Machine {
  std::unique_ptr<stream::Stage> stage;
  std::function<core::EventTime()> now;
  std::function<std::int64_t()> readings;  // that it has counted
  std::function<std::string()> rules;
};

class Replay {
 public:
  Replay(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec, std::stop_token stop)
      : log_(log),
        rules_(rules),
        options_(spec.stage),
        now_ms_(spec.now_ms),
        stop_(std::move(stop)),
        from_(spec.from),
        result_{ReplayTally(spec.filter), 0, 0, 0, 0, 0, {}} {}

  Result<ReplayResult> compare() {
    if (auto done = run(); !done) return tl::make_unexpected(done.error());
    return std::move(result_);
  }
  Result<Snapshot> snapshot() {
    Snapshot taken;
    to_ = &taken;
    if (auto done = run(); !done) return tl::make_unexpected(done.error());
    return taken;
  }

 private:
  using Comparisons = std::map<TopicPartition, std::unique_ptr<Comparison>>;

  Result<void> run() {
    if (auto done = look(); !done) return done;
    for (int p = 0; p < options_.readings_partitions; ++p) {
      if (auto done = readings(p); !done) return done;
    }
    for (int p = 0; p < options_.means_partitions; ++p) {
      if (auto done = regions(p); !done) return done;
    }
    return {};
  }
  Result<void> look();
  Result<std::optional<Offset>> position(const char* service, int partition, const std::string& input);
  Result<bool> begins_with_rules(const TopicPartition& input, Offset at);
  Result<void> readings(int partition);
  Result<void> regions(int partition);
  PublishedStream::Other strangers();
  Result<Comparisons> comparisons(const Maker& by, const MadeBefore& before);
  const StageSnapshot* kept(const Maker& by) const;
  Result<Offset> begin(const Maker& by, Machine& machine);
  Result<void> fold(const Maker& by, Machine machine);
  Result<void> save(const Maker& by, Machine& machine, Offset next);
  Result<void> give_up(const Maker& by, NotRecomputed why, const std::string& note);

  stream::Log& log_;
  processor::RulesStore& rules_;
  processor::StageOptions options_;
  std::int64_t now_ms_;
  std::stop_token stop_;
  const Snapshot* from_;
  Snapshot* to_ = nullptr;  // nothing is compared, the state is wanted
  ReplayResult result_;
  std::map<Maker, Offset> committed_;  // at least so far the service has come
  std::vector<Output> outputs_;
  std::map<Maker, stream::Range> inputs_;
  std::map<int, bool> means_incomplete_;  // by partition of means
};

// First the positions, then the ends of the outputs: what stands before a position is published before those ends.
Result<void> Replay::look() {
  const auto topics = log_.topics();
  if (!topics) return tl::make_unexpected(topics.error());
  if (auto learnt = processor::learn_partitions(log_, options_); !learnt) return learnt;
  for (const auto& [stage, service, partitions] :
       {std::tuple{ReplayStage::Readings, processor::kService, options_.readings_partitions},
        std::tuple{ReplayStage::Regions, processor::kRegionsService, options_.means_partitions}}) {
    for (int p = 0; p < partitions; ++p) {
      const std::string input(input_topic(stage));
      const auto at = position(service, p, input);
      if (!at) return tl::make_unexpected(at.error());
      committed_[{stage, p}] = at->value_or(0);
    }
  }
  for (const char* name : {processor::kMeans, processor::kSignals, processor::kDeadLetters}) {
    const auto spec = std::find_if(topics->begin(), topics->end(), [&](const auto& t) { return t.name == name; });
    const auto whole = stream::whole_topic(log_, name);
    if (!whole) return tl::make_unexpected(whole.error());
    for (const Stretch& s : *whole) {
      outputs_.push_back({s, s.from > 0});
      if (spec->cleanup != stream::Cleanup::Delete) {
        outputs_.back().compacted_before_ms = now_ms_ - spec->compaction_lag.count();
      }
    }
  }
  for (const auto& [maker, at] : committed_) {
    const auto range = log_.range({std::string(input_topic(maker.stage)), maker.partition});
    if (!range) return tl::make_unexpected(range.error());
    inputs_[maker] = *range;
  }
  return {};
}

// Up to where the state in the log is folded; nullopt: there is none.
Result<std::optional<Offset>> Replay::position(const char* service, int partition, const std::string& input) {
  const TopicPartition state{std::string(service) + "-state", partition};
  const auto range = log_.range(state);
  if (!range) {
    if (range.error().code == Errc::topic_unknown) return std::optional<Offset>();
    return tl::make_unexpected(range.error());
  }
  std::optional<Offset> at;
  Result<void> read_well;
  const std::vector<Stretch> whole = {{state, range->start, range->end}};
  const auto read = stream::read_range(
      log_, whole,
      [&](const stream::Record& r) {
        if (r.key != stream::kPositionKey || r.tombstone) return true;
        const auto positions = stream::decode_positions(r.value);
        if (!positions) {
          read_well = tl::make_unexpected(positions.error());
          return false;
        }
        const auto of = positions->find(input);
        if (of != positions->end()) at = of->second;
        return true;
      },
      stop_);
  if (!read) return tl::make_unexpected(read.error());
  if (!read_well) return tl::make_unexpected(read_well.error());
  return at;
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

// Every output partition is read for each input partition; those that nobody made are counted once.
PublishedStream::Other Replay::strangers() {
  return [this](const stream::Record& r, const std::optional<Made>& made) {
    if (made && inputs_.contains(made->by)) return;
    result_.tally.unreadable(r);
    if (r.from->topic == processor::kMeans) means_incomplete_[r.from->partition] = true;
  };
}

Result<Replay::Comparisons> Replay::comparisons(const Maker& by, const MadeBefore& before) {
  Comparisons all;
  if (to_ != nullptr) return all;
  const bool first = by == Maker{};
  for (const Output& o : outputs_) {
    if (by.stage == ReplayStage::Regions && o.stretch.of.topic == processor::kMeans) continue;
    auto stream = PublishedStream::open(log_, o.stretch, by, before, first ? strangers() : nullptr);
    if (!stream) return tl::make_unexpected(stream.error());
    Comparison::Spec spec{by, o.stretch.of.topic, o.trimmed, o.compacted_before_ms};
    all[o.stretch.of] = std::make_unique<Comparison>(std::move(spec), std::move(*stream), result_.tally);
  }
  return all;
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

Result<void> Replay::fold(const Maker& by, Machine machine) {
  const TopicPartition input{std::string(input_topic(by.stage)), by.partition};
  const Offset committed = committed_.at(by);
  const auto from = begin(by, machine);
  if (!from) return tl::make_unexpected(from.error());
  const bool anew = kept(by) == nullptr;
  auto against = comparisons(by, {anew ? 0 : *from, anew ? core::EventTime::min() : machine.now()});
  if (!against) return tl::make_unexpected(against.error());
  const Stretch stretch{input, *from, inputs_.at(by).end};
  const std::int64_t readings_before = machine.readings();
  stream::StageOutputs made;
  Offset next = *from;
  bool waits = false;  // it has come to where the service has
  const auto apply = [&](const stream::Record& r) -> Result<void> {
    if (r.offset >= committed) {
      // Beyond what the saved state says, as far as anything was published.
      waits = true;
      for (const auto& [of, comparison] : *against) {
        const auto done = comparison->exhausted();
        if (!done) return tl::make_unexpected(done.error());
        waits = waits && *done;
      }
      if (waits) return {};
    }
    const MadeAt at{r.offset, r.written_ms, machine.now()};
    made.records.clear();
    if (auto done = machine.stage->apply(r, made); !done) return done;
    next = r.offset + 1;
    ++result_.records;
    result_.outputs += static_cast<std::int64_t>(made.records.size());
    if (to_ != nullptr) return {};
    for (const stream::NewRecord& m : made.records) {
      if (auto done = against->at(m.to)->take(m, at); !done) return done;
    }
    return {};
  };
  Result<void> applied;
  const auto visit = [&](const stream::Record& r) {
    applied = apply(r);
    return applied && !waits;
  };
  if (auto read = stream::read_range(log_, {&stretch, 1}, visit, stop_); !read) return read;
  if (!applied) return applied;
  if (stop_.stop_requested()) return fail(Errc::stopped, "asked to stop");
  if (waits) result_.waiting += stretch.until - next;
  result_.readings += machine.readings() - readings_before;
  if (to_ != nullptr) return save(by, machine, next);
  for (const auto& [of, comparison] : *against) {
    if (auto done = comparison->end(); !done) return done;
    result_.before += comparison->passed_over();
    if (of.topic == processor::kMeans && !comparison->whole()) means_incomplete_[of.partition] = true;
  }
  return {};
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

// Nothing of it can be made again: all that it published is counted as that.
Result<void> Replay::give_up(const Maker& by, NotRecomputed why, const std::string& note) {
  if (to_ != nullptr) return fail(Errc::snapshot_invalid, note);
  result_.notes.push_back(note);
  for (const Output& o : outputs_) {
    if (by.stage == ReplayStage::Regions && o.stretch.of.topic == processor::kMeans) continue;
    auto stream = PublishedStream::open(log_, o.stretch, by, {}, by == Maker{} ? strangers() : nullptr);
    if (!stream) return tl::make_unexpected(stream.error());
    ReplayCount& count = result_.tally.count(by, o.stretch.of.topic);
    while (true) {
      const auto head = (*stream)->ahead();
      if (!head) return tl::make_unexpected(head.error());
      if (*head == nullptr) break;
      const stream::Record& r = (*head)->record;
      result_.tally.not_recomputed(count, why, r.from->topic, r.key, r.value);
      (*stream)->take();
    }
    if (stop_.stop_requested()) return fail(Errc::stopped, "asked to stop");
  }
  return {};
}

Result<void> Replay::readings(int partition) {
  const Maker by{ReplayStage::Readings, partition};
  const TopicPartition input{processor::kReadings, partition};
  const stream::Range range = inputs_.at(by);
  const StageSnapshot* snapshot = kept(by);
  Result<bool> whole = snapshot != nullptr && snapshot->position >= range.start;
  if (snapshot == nullptr && range.start == 0 && range.end > 0) whole = begins_with_rules(input, 0);
  if (!whole) return tl::make_unexpected(whole.error());
  if (!*whole && range.end > 0) {
    for (int q = 0; q < options_.means_partitions; ++q) means_incomplete_[q] = true;
    return give_up(by, NotRecomputed::InputTrimmed,
                   stream::to_string(input) + ": its beginning is gone (it begins at " + std::to_string(range.start) +
                       ")" + (snapshot == nullptr ? "" : ", later than the snapshot ends"));
  }
  auto stage = std::make_unique<processor::ReadingsStage>(partition, options_, rules_);
  const core::ReadingStage& core = stage->core();
  return fold(by, {std::move(stage), [&core] { return core.now(); }, [&core] { return core.ledger().in; },
                   [&core] { return core.rules_hash(); }});
}

Result<void> Replay::regions(int partition) {
  const Maker by{ReplayStage::Regions, partition};
  const StageSnapshot* snapshot = kept(by);
  const bool trimmed = inputs_.at(by).start > (snapshot == nullptr ? 0 : snapshot->position);
  if (means_incomplete_[partition] || trimmed) {
    return give_up(by, NotRecomputed::MeansIncomplete,
                   "means-" + std::to_string(partition) +
                       ": what stands there is not all that the region stage read, so its signals are not compared");
  }
  auto stage = std::make_unique<processor::RegionsStage>(partition, options_, rules_);
  const core::RegionStage& core = stage->core();
  return fold(by, {std::move(stage), [&core] { return core.now(); }, [] { return std::int64_t{0}; },
                   [&core] { return core.rules_hash(); }});
}

}  // namespace

Result<ReplayResult> replay(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec,
                            std::stop_token stop) {
  return Replay(log, rules, spec, std::move(stop)).compare();
}

Result<Snapshot> make_snapshot(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec,
                               std::stop_token stop) {
  return Replay(log, rules, spec, std::move(stop)).snapshot();
}

}  // namespace qc::commands
