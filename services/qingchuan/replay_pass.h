// Several stages folded again at once, each from its partition of the input, against what they published: each
// partition of the output topics is read once. The stage that published first what is not compared yet is the one that
// goes on, so they advance as they did when the log was written, and little waits for them.
//
// Lifecycle: open() each output, add() and give_up() the stages, then run(). Memory: the state of all of them, and what
// waits (replay_published.h). Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "qingchuan/replay_compare.h"
#include "qingchuan/replay_published.h"
#include "stream/read_range.h"
#include "stream/stage.h"

namespace qc::commands {

// A stage with its time, whichever it is.
struct Machine {
  std::unique_ptr<stream::Stage> stage;
  std::function<core::EventTime()> now;
  std::function<std::int64_t()> readings;  // that it has counted
  std::function<std::string()> rules;
  std::function<stream::Offset()> events_next;  // of `events`, which it has not read
};

// A partition of an output topic, as it stood at the beginning.
struct ReplayOutput {
  stream::Stretch stretch;
  bool trimmed = false;
  std::int64_t compacted_before_ms = Comparison::kNeverCompacted;
};

struct ReplayCounts {
  std::int64_t records = 0;   // of the inputs, folded
  std::int64_t readings = 0;  // in them
  std::int64_t outputs = 0;   // made again
  std::int64_t waiting = 0;   // input records that no service has come to
  std::int64_t before = 0;    // published records that were made before the fold began
  ReplayCounts& operator+=(const ReplayCounts& more) {
    records += more.records;
    readings += more.readings;
    outputs += more.outputs;
    waiting += more.waiting;
    before += more.before;
    return *this;
  }
};

class ReplayPass {
 public:
  // A record of another input, and the record of the input behind which the service read it.
  struct Beside {
    stream::Offset after = -1;
    stream::TopicPartition from;
    stream::Offset offset = 0;
    std::int64_t written_ms = 0;
    std::string key;
    std::string value;
    bool tombstone = false;
    stream::Record record() const { return {&from, offset, written_ms, key, value, tombstone, {}}; }
  };
  struct Lane {
    Maker by;
    Machine machine;
    stream::Stretch input;
    stream::Offset committed = 0;  // at least so far the service has come
    MadeBefore before;
    std::vector<Beside> beside = {};  // in the order in which they were read
  };
  ReplayPass(stream::Log& log, ReplayTally& tally, std::stop_token stop)
      : log_(log), tally_(tally), stop_(std::move(stop)) {}

  Result<void> open(const ReplayOutput& output, PublishedPartition::Other other);
  Result<void> add(Lane lane);
  // Nothing of it can be made again: all that it published is counted as that.
  void give_up(const Maker& by, NotRecomputed why);

  Result<void> run();
  const ReplayCounts& counts() const { return counts_; }
  // What stands in that output is what was made, with nothing gone. After run().
  bool whole(const stream::TopicPartition& output) const;

 private:
  struct Folded {
    Lane lane;
    std::unique_ptr<stream::StretchReader> input;
    stream::Batch batch;
    std::size_t at = 0;
    bool ended = false;
    stream::Offset next = 0;  // of the input
    std::size_t beside_at = 0;
    stream::Record beside;  // the record that is next, where it is one of those
    std::int64_t readings_before = 0;
    std::vector<std::unique_ptr<Comparison>> against;  // by output
  };
  struct GivenUp {
    Maker by;
    NotRecomputed why{};
  };
  struct Output {
    ReplayOutput of;
    std::unique_ptr<PublishedPartition> published;
  };

  // Of the one whose record was written first among those that are not compared; nullptr: all are.
  Result<Folded*> next_of_published();
  Result<bool> left_over(Output& output, PublishedStream& stream);
  Folded* find(const Maker& by);
  Result<const stream::Record*> next_input(Folded& folded);
  static const stream::Record* next_beside(Folded& folded, stream::Offset before);
  Result<void> step(Folded& folded, const stream::Record& record);
  Result<void> finish(Folded& folded);

  stream::Log& log_;
  ReplayTally& tally_;
  std::stop_token stop_;
  ReplayCounts counts_;
  std::vector<Output> outputs_;
  std::vector<std::unique_ptr<Folded>> folded_;
  std::vector<GivenUp> given_up_;
  stream::StageOutputs made_;
};

}  // namespace qc::commands
