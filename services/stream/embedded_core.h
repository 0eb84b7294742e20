// What the parts of one embedded log share: options, paths, counters, the catalogue and the bell that tells readers of
// this process that something was committed. Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "stream/embedded_log.h"
#include "stream/embedded_schema.h"

namespace qc::stream::embedded {

// Rung after each commit of this process, and when a member gives partitions up.
class Bell {
 public:
  std::uint64_t rings() const { return rings_.load(std::memory_order_acquire); }
  void ring() {
    {
      std::lock_guard lock(mutex_);
      rings_.fetch_add(1, std::memory_order_release);
    }
    rung_.notify_all();
  }
  // Returns when it has rung since `seen`, or at the deadline.
  void wait(std::uint64_t seen, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    rung_.wait_until(lock, deadline, [&] { return rings() != seen; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  std::atomic<std::uint64_t> rings_{0};
};

// EmbeddedStats while it is counted.
struct Counters {
  using Count = std::atomic<std::uint64_t>;
  Count appended_records{0}, appended_bytes{0}, commits{0}, commit_groups{0}, commit_ns{0}, failed_commits{0},
      fenced_commits{0}, queued_records{0}, queue_waits{0}, deleted_by_retention{0}, deleted_by_compaction{0},
      checkpoints{0}, checkpoint_ns{0}, wal_bytes{0};
};

struct Core {
  EmbeddedOptions options;
  std::string directory;
  std::string file;    // DIR/log.sqlite
  std::string leases;  // DIR/leases
  Catalogue catalogue;
  Counters counters;
  Bell bell;

  Result<Database> connect(Database::Access access) const {
    const std::size_t cache = access == Database::Access::Read ? options.cache_bytes / 4 : options.cache_bytes;
    return Database::open(file, access, options.busy_max, cache);
  }
};

// Names to partitions, for one thread: the last names seen are found without a lock.
class Resolver {
 public:
  explicit Resolver(Core& core) : core_(core) {}
  // topic_unknown where there is no such partition, after a look whether another process has just made it.
  Result<const Partition*> find(const TopicPartition& name);
  Result<const Topic*> topic(const std::string& name);

 private:
  Core& core_;
  const Partition* last_ = nullptr;
  std::map<std::string, const Topic*, std::less<>> topics_;
};

}  // namespace qc::stream::embedded
