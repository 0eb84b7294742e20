// Reads the log for the console: what people see into the model, accounts into the identity, outcomes to who waits for
// them. One reader outside any group, committed records only: any number of consoles may follow a log, and none of them
// is missed when it goes.
//
// It begins with all of `alerts` and `users`, the last `series_kept` of the means, the last entries of the ledger, and
// the end of `outcomes`; until it has read what was there at the start it is not ready, and says how far it is.
//
// Where the log is away it tries again, waiting longer each time, from where it was.
//
// Lifecycle: create, run (blocks), destroy. Threads: run() on one of its own; unready() and figures() from any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "console/commands.h"
#include "console/identity.h"
#include "console/model.h"
#include "stream/log.h"

namespace qc::console {

struct FollowerOptions {
  core::Duration series_kept = std::chrono::hours(72);
  stream::Offset ledger_max = 50'000;
  std::size_t poll_records_max = 4'096;
  core::EventTime now{};  // of the clock, at the start: where the log holds no time yet
};

// The partitions whose records are told on the stream, in the order of the id of an event.
Result<Slots> slots_of(stream::Log& log);

class Follower {
 public:
  struct Parts {
    Model& model;
    Identity& identity;
    CommandDesk& commands;
  };
  static Result<std::unique_ptr<Follower>> create(stream::Log& log, Parts parts, FollowerOptions options);

  // Until a stop is asked for, or the log fails for good.
  Result<void> run(const std::stop_token& stop);

  std::vector<std::string> unready() const;
  std::uint64_t records() const { return records_.load(std::memory_order_relaxed); }

 private:
  Follower(stream::Log& log, Parts parts, FollowerOptions options);
  Result<void> find_start();
  Result<void> step(const std::stop_token& stop);
  void take(const stream::Record& record);
  bool caught_up(bool nothing_came);
  void set_status(std::string status);
  std::string progress() const;

  stream::Log& log_;
  const Parts parts_;
  const FollowerOptions options_;
  std::unique_ptr<stream::Reader> reader_;
  std::map<stream::TopicPartition, stream::Offset> next_;
  std::map<stream::TopicPartition, stream::Offset> target_;  // ends at the start
  std::map<stream::TopicPartition, stream::Offset> begin_;
  bool live_ = false;
  stream::Batch batch_;
  std::atomic<std::uint64_t> records_{0};
  mutable std::mutex mutex_;
  std::string status_ = "the console begins to read the log";  // empty: ready
};

}  // namespace qc::console
