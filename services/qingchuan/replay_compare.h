// One sequence of a replay: what a stage of one input partition made again for one output partition, against what it
// published there. Two streams are merged; neither is held.
//
// What is recomputed and not there: compacted away, where the topic is compacted and a later record of its key is still
// there, or was one that erases the key; taken by retention, where the topic's beginning is gone and nothing has been
// equal yet; otherwise missing.
// What is there and was not recomputed in its place: unexpected. A record that has its place but other bytes: differs.
// Two records are equal where key, value and headers are, but for the binary's version.
//
// Lifecycle: take() in the order of making, then end(), when nothing that was published is left. Threads: one.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "core/time.h"
#include "qingchuan/replay_published.h"
#include "qingchuan/replay_tally.h"

namespace qc::commands {

// The input record that an output was made at, and the stage's time before it.
struct MadeAt {
  stream::Offset offset = 0;
  std::int64_t written_ms = 0;
  core::EventTime before{};
};

class Comparison {
 public:
  static constexpr std::int64_t kNeverCompacted = std::numeric_limits<std::int64_t>::min();
  struct Spec {
    Maker by;
    std::string topic;
    bool trimmed = false;  // retention took the beginning of the output partition
    // What was written before may have been compacted away; the least number: the topic is not compacted.
    std::int64_t compacted_before_ms = kNeverCompacted;
  };
  Comparison(Spec spec, PublishedStream& published, ReplayTally& tally)
      : spec_(std::move(spec)), published_(&published), tally_(tally), count_(tally.count(spec_.by, spec_.topic)) {}

  Result<void> take(const stream::NewRecord& made, const MadeAt& at);
  // What waits there as the next is not made any more. REQUIRES: it waits.
  void unexpected() { unexpected(*published_->waiting()); }
  void end();
  std::int64_t passed_over() const { return published_->passed_over(); }
  // What is published there is what was made, with nothing gone; whatever the filter counts.
  bool whole() const { return whole_; }

 private:
  struct Pending {
    stream::NewRecord made;  // the last of them
    stream::Offset at = 0;
    std::int64_t records = 0;
  };
  bool compacted() const { return spec_.compacted_before_ms != kNeverCompacted; }
  bool passed(const Published& head, const MadeAt& at) const;
  Result<bool> find_ahead(const stream::NewRecord& made);
  void unexpected(const Published& head);
  void absent(const stream::NewRecord& made, const MadeAt& at);
  void excuse(const std::string& key);
  void found(const stream::NewRecord& made, const Published& head);

  Spec spec_;
  PublishedStream* published_;
  ReplayTally& tally_;
  ReplayCount& count_;
  bool begun_ = false;                 // something was there
  std::int64_t found_written_ms_ = 0;  // when the last of those was written
  bool whole_ = true;
  std::unordered_map<std::string, Pending> pending_;  // by key: not there, and neither has a later one been
};

}  // namespace qc::commands
