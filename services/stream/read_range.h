// Reads what a log holds up to an end that is known beforehand: a whole topic as it stands now, or stretches of its
// partitions. What is written meanwhile is not read, so it ends beside any writer. Gaps (compaction, retention, aborted
// records) are passed over, also where an implementation's fetch is slow and its empty poll means nothing.
//
// On Kafka a reader is connections and threads: who reads several times makes one with reader_of and reads with that.
//
// Functions; any thread (those with a Reader: the reader's). Memory: one batch.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/log.h"

namespace qc::stream {

// The number of partitions of a topic; topic_unknown.
Result<int> partitions_of(Log& log, std::string_view topic);

// [from, until) of a partition.
struct Stretch {
  TopicPartition of;
  Offset from = 0;
  Offset until = 0;
};

// All that a topic holds now, partition by partition.
Result<std::vector<Stretch>> whole_topic(Log& log, std::string_view topic);

// Called with each record, whose views end with the call; false: enough, nothing more is read.
using Visit = std::function<bool(const Record&)>;

// Every record of the stretches (at most one of each partition), those of a partition in order. Returns when all were
// visited, when the visitor has enough, or when a stop is asked for.
Result<void> read_range(Log& log, std::span<const Stretch> stretches, const Visit& visit, std::stop_token stop = {});

// The same again and again: with one reader, which is made for the partitions of `all`.
Result<std::unique_ptr<Reader>> reader_of(Log& log, std::span<const Stretch> all);
Result<void> read_range(Reader& reader, std::span<const Stretch> stretches, const Visit& visit,
                        std::stop_token stop = {});

// The records of one stretch, a batch at a time, as they are asked for.
class StretchReader {
 public:
  static Result<std::unique_ptr<StretchReader>> open(Log& log, Stretch of, std::stop_token stop = {});
  // At least one more record, into `batch`; false: there are no more. Errors: stopped, those of the log.
  Result<bool> next(Batch& batch);
  // The next offset that it would look at.
  Offset position() const { return left_.from; }

 private:
  StretchReader(std::unique_ptr<Reader> reader, Stretch of, std::stop_token stop)
      : reader_(std::move(reader)), left_(std::move(of)), stop_(std::move(stop)), ended_(left_.from >= left_.until) {}
  std::unique_ptr<Reader> reader_;
  Stretch left_;
  std::stop_token stop_;
  bool ended_;
};

}  // namespace qc::stream
