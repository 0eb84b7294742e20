// The log that is copied into: what stands in it, what is appended, whether it is whole. Part of copy_log.h, which says
// the whole.
//
// Lifecycle: prepare; then a CopyPartition for each partition, finished by finish(); commit; settle. Threads: one.
#pragma once

#include <map>
#include <memory>

#include "qingchuan/copy_source.h"

namespace qc::commands {

// Of a sequence of records: key, value, headers, time of writing.
class CopyHash {
 public:
  void add(const CopyRecord& record);
  void add(std::uint64_t number);
  std::uint64_t value() const { return hash_; }

 private:
  void add(std::string_view bytes);
  std::uint64_t hash_ = 14695981039346656037ULL;  // FNV-1a
};

class CopyTarget {
 public:
  CopyTarget(stream::Log& log, const CopyOptions& options, std::stop_token stop)
      : log_(log), options_(options), stop_(std::move(stop)) {}

  // Looks at what is there, and refuses what is not fit; changes nothing yet.
  Result<void> look(const std::vector<stream::TopicSpec>& source);
  // The topic was finished before: it has its own settings and holds records, some of which may be cleaned up by now.
  bool finished(const std::string& topic) const { return finished_.contains(topic); }
  // Makes the missing topics; those that are not finished clean up nothing from here on.
  Result<void> prepare();
  // Compares what stands in the partition with what is to stand there and appends the rest, where it may. `told` is
  // called for every record.
  struct Done {
    std::int64_t records = 0;
    std::int64_t found = 0;
    std::int64_t changed = 0;
    std::uint64_t bytes = 0;
    std::uint64_t hash = 0;
  };
  Result<Done> copy(CopySource& source, const stream::TopicPartition& tp, const std::function<void()>& told);
  // Reads it back.
  Result<void> verify(const stream::TopicPartition& tp, const Done& done, const std::function<void()>& told);
  // The group's offsets, and no others. copy_refused: somebody is at work in the group.
  Result<void> commit(const CopyGroup& group,
                      const std::vector<std::pair<stream::TopicPartition, stream::Offset>>& next);
  // The topics' own settings: the copy is finished.
  Result<void> settle();

 private:
  stream::Log& log_;
  const CopyOptions& options_;
  std::stop_token stop_;
  std::vector<stream::TopicSpec> wanted_;  // with their own settings
  std::set<std::string> there_;
  std::set<std::string> finished_;
  std::unique_ptr<stream::Appender> appender_;
};

}  // namespace qc::commands
