// The file's format, and the topics in it.
//
//   meta        key, value                       format = 1
//   topics      id, name, partitions, cleanup, retention_ms, compaction_lag_ms
//   partitions  id, topic, number, start, next   the range of offsets; `next` only ever rises, whatever is deleted
//               cleaned, kept, tombstones_due    compaction: the first offset not compacted, how many records stand
//                                                below it, when the oldest tombstone among them may go
//   records_<partition id>  offset (the rowid), written_ms, key, value (NULL: a tombstone), headers (NULL: none)
//   groups      id, name
//   group_offsets (grp, part) -> next            the next input offset to read
//   leases (grp, number) -> epoch, pid, member   the epoch rises with every owner
//
// A table for each partition, keyed by the offset alone: every append is at the right edge of its tree, so pages are
// filled to the brim and written in order, and retention frees whole pages at the left edge.
//
// Catalogue: the topics known so far, with addresses that stay for the log's life. Threads: any.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/embedded_sqlite.h"
#include "stream/log.h"

namespace qc::stream::embedded {

inline constexpr std::int64_t kFormat = 1;

struct Partition {
  std::int64_t id = 0;
  TopicPartition name;
};

struct Topic {
  std::int64_t id = 0;
  std::vector<std::unique_ptr<const Partition>> partitions;  // by number
};

std::string records_table(std::int64_t partition_id);  // "records_7"

// Makes what is missing in a new file; log_version or log_corrupt where it is another's.
Result<void> prepare_file(Database& database, bool create, const std::string& path);

// Within a transaction of the caller.
Result<void> create_topic(Database& database, const TopicSpec& spec);
Result<std::vector<TopicSpec>> read_topics(Database& database);
// The group's id, made if `create`; 0: there is none.
Result<std::int64_t> group_id(Database& database, std::string_view group, bool create);
class Catalogue {
 public:
  // Reads what other processes (or this one) have made since.
  Result<void> refresh(Database& database);
  // nullptr: not known yet.
  const Topic* find(std::string_view topic) const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;  // topics are never removed
};

}  // namespace qc::stream::embedded
