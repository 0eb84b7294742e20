// Copies a whole log with the state and the offsets of its services into another one, so that the services go on there
// without a gap or a double: `qingchuan topics copy`, embedded to Kafka (docs/kafka.md says what a person must know).
//
// Records keep key, value, headers and their time of writing. In the copy they stand one behind the other from 0 on, so
// where the source has gaps (retention, compaction) offsets change, and whatever names them is said anew
// (copy_records.h). Where the inputs of the services have none, all is copied byte for byte.
//
// What can go wrong on the way:
//  - Somebody works on the source: refused. While it is copied its groups' partitions are held, so nobody starts.
//  - It is killed: the same call again goes on. What stands in the target must be, record by record and at the very
//    offsets, what this copy would have written; the rest is appended behind it. That is why the target's topics clean
//    up nothing (cleanup `delete`, kept for ever) until all is there: it is also how an unfinished copy is known.
//  - Somebody starts a service on a half copy: the state is copied first and the groups' offsets last, and state that
//  is
//    ahead of its group is refused by the engine.
//  - The target holds anything else, or has gone on since: refused, and nothing in it is changed.
// At the end every partition is read back: count and hash.
//
// Functions; any thread. Memory: one batch, the offset maps (16 bytes a run), and where positions change the state.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "qingchuan/copy_records.h"
#include "stream/log.h"

namespace qc::commands {

struct CopyOptions {
  std::vector<stream::TopicSpec> topics;         // as configured; what else the source has keeps its own settings
  std::vector<CopyGroup> groups;                 // whose offsets and state go along
  std::function<void(const std::string&)> line;  // one for a person; empty: dropped
  std::function<void(std::uint64_t done, std::uint64_t of)> progress;  // records, written and read back; may be empty
  std::size_t batch_records_max = 5000;                                // of one append
  std::size_t batch_bytes_max = 4UL << 20;
  std::size_t runs_max = 8'000'000;          // of the offset maps, all together
  stream::Milliseconds source_wait{1000};    // for the source's partitions: who works on it keeps them
  stream::Milliseconds target_wait{60'000};  // for the target's: a copy that was killed is a member for a while
};

struct CopiedTopic {
  std::string name;
  int partitions = 0;
  std::int64_t records = 0;
  std::int64_t found = 0;    // of them, in the target already
  std::int64_t changed = 0;  // of them, that name other positions now
  std::uint64_t bytes = 0;   // keys, values and headers
  std::uint64_t hash = 0;    // of all records, in the order of the partitions; the same in source and target
};

struct CopyReport {
  std::vector<CopiedTopic> topics;
  bool renumbered = false;               // positions of the inputs are others in the copy
  bool nothing_to_do = false;            // it was finished before
  std::vector<std::string> unread_lost;  // input that retention took before a service read it, one line each
};

// Errors: copy_refused, partitions_changed, stopped, state_version, record_too_large, log_* of either log.
Result<CopyReport> copy_log(stream::Log& from, stream::Log& to, const CopyOptions& options, std::stop_token stop = {});

}  // namespace qc::commands
