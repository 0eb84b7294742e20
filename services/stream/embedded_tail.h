// Reading a set of partitions as they grow: what Reader and Member have in common. Each read is one short transaction
// over all of them, so the WAL is never pinned and a commit is seen whole or not at all.
//
// Lifecycle: open, add, read, wait. Threads: one at a time.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "stream/embedded_core.h"

namespace qc::stream::embedded {

// The bytes of one Batch: blocks that are kept and filled again at the next poll with the same Batch.
class Arena {
 public:
  char* take(std::size_t bytes) {
    if (bytes > room_) grow(bytes);
    char* at = at_;
    at_ += bytes;
    room_ -= bytes;
    used_ += bytes;
    return at;
  }
  std::size_t used() const { return used_; }
  void reset();

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  void grow(std::size_t bytes);

  std::vector<Block> blocks_;
  std::size_t next_block_ = 0;
  char* at_ = nullptr;
  std::size_t room_ = 0;
  std::size_t used_ = 0;
};

class Tail {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  static Result<std::unique_ptr<Tail>> open(Core& core);

  Result<void> add(const Partition& partition, Offset from);
  void remove(const Partition& partition);
  // false: it is not among them
  bool seek(const Partition& partition, Offset to);
  bool pause(const Partition& partition, bool paused);

  // Fills `out` with what is there now, at most `max` records, each partition its fair share first.
  Result<void> read(Batch& out, std::size_t max);
  // Until something was committed since the last read, in this process or another, or the deadline.
  Result<void> wait(Deadline deadline);

  Database& database() { return database_; }

 private:
  struct Cursor {
    const Partition* partition = nullptr;
    Offset next = 0;
    Offset reached = 0;  // by this read; becomes `next` when all of it succeeded
    bool paused = false;
    bool drained = false;  // in this read
    Statement select;
  };

  Tail(Core& core, Database database) : core_(core), database_(std::move(database)) {}
  Cursor* find(const Partition& partition);
  Result<std::int64_t> version();
  Result<void> read_one(Cursor& cursor, Batch& out, Arena& arena, std::size_t max);
  Result<void> read_all(Batch& out, Arena& arena, std::size_t max);

  Core& core_;
  Database database_;
  Statement begin_, end_, data_version_;
  std::vector<std::unique_ptr<Cursor>> cursors_;
  std::size_t first_ = 0;  // whose turn it is to be read first
  bool drained_ = false;   // there was nothing more at `seen_version_`
  std::int64_t seen_version_ = 0;
  std::uint64_t seen_rings_ = 0;
};

}  // namespace qc::stream::embedded
