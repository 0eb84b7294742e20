// The log that is copied, as it stands: held so that nobody works on it, where its partitions end, what its offsets
// become, and its records as they are to stand in the copy. Part of copy_log.h, which says the whole.
//
// Lifecycle: open, then each() as often as one likes; while it lives the groups are held. Threads: one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "qingchuan/copy_log.h"

namespace qc::commands {

// A record as it is to stand in the copy. The views live as long as the call that gives them.
struct CopyRecord {
  std::string_view key;
  std::optional<std::string_view> value;  // nullopt: a tombstone
  std::string_view headers;
  std::int64_t written_ms = 0;
  bool changed = false;
};

class CopySource {
 public:
  static Result<std::unique_ptr<CopySource>> open(stream::Log& log, const CopyOptions& options, std::stop_token stop);

  // In the order in which they are to be copied: state first, then rules, then the others by name.
  const std::vector<stream::TopicSpec>& topics() const { return topics_; }
  // About how many records there are.
  std::uint64_t records() const { return records_; }
  bool renumbered() const { return renumber_->needed(); }
  // What a group has read, in the copy's offsets: of every partition of its inputs. nullptr: the log has not all of
  // them.
  const std::vector<std::pair<stream::TopicPartition, stream::Offset>>* next(const std::string& group) const {
    const auto at = next_.find(group);
    return at == next_.end() ? nullptr : &at->second;
  }
  const std::vector<std::string>& unread_lost() const { return unread_lost_; }

  // All records of a partition in their order; the visitor's error ends it.
  Result<void> each(const stream::TopicPartition& tp, const std::function<Result<void>(const CopyRecord&)>& visit);
  // copy_refused where somebody has written since it was opened.
  Result<void> unchanged();

 private:
  // The state of one partition, written anew.
  struct State {
    StateEntries entries;
    std::int64_t written_ms = 0;  // of the last record
  };
  CopySource(stream::Log& log, const CopyOptions& options, std::stop_token stop)
      : log_(log), options_(options), stop_(std::move(stop)) {}
  Result<void> look();
  Result<void> hold();
  Result<void> hold(const CopyGroup& group);
  Result<void> map_offsets();
  Result<void> read_states();
  Result<State> fold(const stream::TopicPartition& state);
  Result<void> check_trimmed(const CopyGroup& group, int partition, const StateEntries& entries);

  stream::Log& log_;
  const CopyOptions& options_;
  std::stop_token stop_;
  std::vector<stream::TopicSpec> topics_;
  std::map<stream::TopicPartition, stream::Range> ranges_;
  std::vector<std::unique_ptr<stream::Member>> held_;
  std::map<stream::TopicPartition, std::optional<stream::Offset>> committed_;  // of the inputs; each has one group
  std::map<stream::TopicPartition, OffsetMap> maps_;
  std::unique_ptr<Renumber> renumber_;
  std::map<stream::TopicPartition, State> states_;
  std::map<std::string, std::vector<std::pair<stream::TopicPartition, stream::Offset>>> next_;
  std::vector<std::string> unread_lost_;
  std::uint64_t records_ = 0;
};

}  // namespace qc::commands
