// The embedded log: the whole log as one SQLite file in a directory, so that a county with one computer needs no broker
// and loses nothing when the power goes (architecture section 4).
//
//   DIR/log.sqlite   topics, records (a table per partition), group offsets, lease epochs; WAL mode, synchronous=FULL
//   DIR/leases       an empty file: a byte range lock in it is the ownership of a group's partition
//
// Any number of processes may open the directory at once; SQLite lets one of them write at a time, and here that is
// one writer thread a process, which commits whatever has queued up in one go (one fsync for all). What is exclusive is
// (group, partition number): an open-file-description lock that the system drops with its process, and an epoch in the
// database, bumped at each takeover and compared in every committing transaction, so that a former owner's commit gives
// log_fenced and changes nothing.
//
// A commit that reports an I/O error changed nothing that anyone can see. If the error was the fsync itself and the
// machine dies before the next commit, SQLite's recovery may still find it: whole, offsets included, so nothing
// doubles.
//
// Lifecycle: open_embedded, then create_topics, readers, appenders and members; the log outlives them. Its destructor
// commits what is queued. The owner calls maintain() now and then (once a minute is plenty) from any thread.
// Threads: as log.h says. Fork: open the log after the fork, never before (the locks would be shared with the child).
// Never open log.sqlite by other means inside a process that has the log open: closing that descriptor would drop
// SQLite's locks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/log.h"

namespace qc::stream {

struct EmbeddedOptions {
  // Make the directory and the log where there is none. Off: a missing log is log_unavailable, so that a mistyped path
  // is never mistaken for an empty log.
  bool create = false;
  // The time of writing, milliseconds since the epoch; retention and compaction go by it. Empty: the system's clock.
  std::function<std::int64_t()> clock_ms;

  // How long a commit may wait for company before its fsync. 0: none; what arrives during an fsync shares the next one
  // anyway, so this pays only for many small producers on a slow disk, and costs every one of them this latency.
  Milliseconds commit_linger{0};
  // Records waiting for the writer, over all producers; a producer that would pass it blocks. Costs no memory here (the
  // producer keeps its records), but bounds how much one commit may hold.
  std::size_t append_queue_max_records = 200'000;
  // Key, value and headers of one record. The greatest that SQLite could keep is about 1 GB.
  std::size_t record_bytes_max = 16UL << 20;
  // One poll stops after the record that reaches this; what a Batch may hold in memory.
  std::size_t poll_bytes_max = 32UL << 20;
  // How often an idle reader looks for commits of other processes (those of its own wake it at once). A look costs
  // about 3 microseconds of CPU; this is the latency between processes.
  Milliseconds tail_interval{5};
  // How often a member tries for partitions that others hold, and looks whether it has been fenced. A failed try is one
  // system call a partition.
  Milliseconds standby_interval{100};
  // How long a writer waits for another process's commit before log_unavailable.
  Milliseconds busy_max{10'000};
  // The WAL is written back to the file when it reaches this: larger means fewer writes of hot pages and a longer stall
  // of the one commit that waits for it. At four times this, new readers are briefly held up so that it can restart.
  std::size_t wal_bytes_target = 16UL << 20;
  // Page cache of the writer, and a quarter of it for each reader and member.
  std::size_t cache_bytes = 16UL << 20;
  // The greatest size of log.sqlite; reached: log_full until retention has freed pages. 0: the disk's.
  std::size_t log_bytes_max = 0;

  // Compaction of a partition begins when this share of its records is new since the last one. Lower keeps topics
  // smaller and reads (and rewrites) them more often. 0: at every maintain() that finds anything new.
  double compaction_dirty_ratio = 0.3;
  // Tombstones are kept at least this long after compaction has taken the older values of their keys, because a reader
  // that has read one must still meet the tombstone: it bounds how long a reader may take over a compacted topic.
  Milliseconds tombstones_kept{24 * 3600 * 1000};
  // Memory for the newest offset of each key while a partition is compacted; when full, the pass ends early and the
  // next one goes on from there.
  std::size_t compaction_bytes_max = 64UL << 20;
  // Rows a maintenance transaction deletes: the longest that a producer waits behind one.
  std::size_t maintenance_rows = 2000;
};

// Since open, this process only. Plain numbers: whoever serves metrics copies them.
struct EmbeddedStats {
  std::uint64_t appended_records = 0;
  std::uint64_t appended_bytes = 0;  // keys, values and headers
  std::uint64_t commits = 0;         // appends and transactions that succeeded
  std::uint64_t commit_groups = 0;   // SQLite transactions, each with one fsync: commits / groups share one
  double commit_seconds = 0;         // in those transactions
  std::uint64_t failed_commits = 0;
  std::uint64_t fenced_commits = 0;
  std::uint64_t queued_records = 0;  // now
  std::uint64_t queue_waits = 0;     // producers that met append_queue_max_records
  std::uint64_t deleted_by_retention = 0;
  std::uint64_t deleted_by_compaction = 0;
  std::uint64_t checkpoints = 0;
  double checkpoint_seconds = 0;
  std::uint64_t wal_bytes = 0;  // after the last commit
};

// Who owns, or last owned, a group's partition.
struct LeaseHolder {
  int partition = 0;
  std::int64_t pid = 0;
  std::string member;
  std::int64_t epoch = 0;
  bool held = false;  // now
};

struct Maintenance {
  bool ran = false;  // false: another process was at it
  std::uint64_t deleted_by_retention = 0;
  std::uint64_t deleted_by_compaction = 0;
};

class EmbeddedLog : public Log {
 public:
  // One pass of retention and compaction over all topics, in small transactions between those of the producers.
  virtual Result<Maintenance> maintain() = 0;
  // SQLite's integrity check and the log's own: offsets within [start, next), group offsets within range. Reads
  // everything. log_corrupt with what was found.
  virtual Result<void> check_integrity() = 0;
  // Those that have committed an offset.
  virtual Result<std::vector<std::string>> groups() = 0;
  // For the one clear line of a member that stands by.
  virtual Result<std::vector<LeaseHolder>> holders(std::string_view group) = 0;
  // Takes a partition from its owner, wherever it runs: its next commit is fenced, and it gives the partition up.
  virtual Result<void> fence(std::string_view group, int partition) = 0;
  virtual EmbeddedStats stats() const = 0;
};

// Errors: log_unavailable (no such directory, no permission), log_version, log_corrupt, log_full.
Result<std::unique_ptr<EmbeddedLog>> open_embedded(const std::string& directory, EmbeddedOptions options);

}  // namespace qc::stream
