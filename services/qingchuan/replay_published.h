// What was published, as `replay` compares with it: each partition of an output topic is read once, and what each stage
// of each input partition made goes into a stream of that one's own, in its sequence.
//
// A stage that is asked for a record further on lets what the others made wait meanwhile. Where that becomes more than
// kWaitingMax records, the streams that wait the longest read the partition on their own from there: memory is bounded,
// and a log whose stages published far apart costs more reading.
//
// Lifecycle: open over an end that is known; add() the streams; then read. Threads: one.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "qingchuan/replay_made.h"
#include "stream/read_range.h"

namespace qc::commands {

// What was made before the fold began: it is passed over.
struct MadeBefore {
  stream::Offset at = 0;
  core::EventTime now = core::EventTime::min();
  stream::Offset events = 0;
  bool holds(const Made& made) const {
    if (made.event >= 0) return made.event < events;
    return made.tick ? made.now <= now : made.at < at;
  }
};

struct Published {
  stream::Record record;
  Made made;
  std::shared_ptr<stream::Batch> batch;  // what the record's views live in
};

class PublishedPartition;

// What one maker made.
class PublishedStream {
 public:
  // The one that comes so many behind the next; nullptr: there are not so many. Valid until take() passes it.
  Result<const Published*> ahead(std::size_t places = 0);
  // The next one, where it has been read; reads nothing.
  const Published* waiting() const { return queue_.empty() ? nullptr : &queue_.front(); }
  void take() { queue_.pop_front(); }
  const Maker& by() const { return by_; }
  std::int64_t passed_over() const { return passed_over_; }

 private:
  friend class PublishedPartition;
  PublishedStream(PublishedPartition& of, const Maker& by, const MadeBefore& before)
      : of_(of), by_(by), before_(before) {}
  void add(const stream::Record& record, const Made& made, const std::shared_ptr<stream::Batch>& batch);
  Result<bool> read_own();

  PublishedPartition& of_;
  Maker by_;
  MadeBefore before_;
  std::int64_t passed_over_ = 0;
  std::deque<Published> queue_;
  std::unique_ptr<stream::StretchReader> own_;  // from here on it reads alone
};

class PublishedPartition {
 public:
  static constexpr std::size_t kWaitingMax = 1UL << 16;
  // Told of each record whose maker has no stream, or of which nobody can say who made it; may be empty.
  using Other = std::function<void(const stream::Record&, const std::optional<Made>&)>;
  static Result<std::unique_ptr<PublishedPartition>> open(stream::Log& log, const stream::Stretch& of, Other other,
                                                          std::stop_token stop = {},
                                                          std::size_t waiting_max = kWaitingMax);

  const stream::TopicPartition& of() const { return stretch_.of; }
  // REQUIRES: nothing was read yet.
  PublishedStream& add(const Maker& by, const MadeBefore& before);
  // Whose record is the first that was not taken yet; nullptr: all were. Reads on where none waits.
  Result<PublishedStream*> first();

 private:
  friend class PublishedStream;
  PublishedPartition(stream::Log& log, stream::Stretch of, Other other, std::stop_token stop, std::size_t waiting_max)
      : log_(log),
        stretch_(std::move(of)),
        other_(std::move(other)),
        stop_(std::move(stop)),
        waiting_max_(waiting_max) {}
  // false: at the end.
  Result<bool> read_on();
  Result<void> let_go();
  PublishedStream* stream_of(const Maker& by);
  const std::shared_ptr<stream::Batch>& free_batch();

  stream::Log& log_;
  stream::Stretch stretch_;
  Other other_;
  std::stop_token stop_;
  std::size_t waiting_max_;
  std::unique_ptr<stream::StretchReader> reader_;
  bool ended_ = false;
  std::vector<std::unique_ptr<PublishedStream>> streams_;
  std::vector<std::shared_ptr<stream::Batch>> batches_;  // used again when no record of theirs waits
};

}  // namespace qc::commands
