// The worker: the engine of architecture section 4. One thread, one Member of its service's group, one Stage per owned
// partition number; nothing is shared between workers. It polls, applies each record, gathers the outputs in memory and
// commits them with the input offsets and, when due, the changed state, in one transaction that is open for
// milliseconds. The stage sees nothing of this.
//
// State goes to the compacted topic "<service>-state", same partition number as the input. With checkpoint_interval 0
// the changed keys go with every commit. With a longer one they go once per interval (and at a graceful stop), and a
// restore loads them, folds the input from their position to the group's committed offset with outputs muted, and goes
// on. The group's committed offset is the truth; the position that stands in the state is an assertion about it.
//
// What goes wrong and what it does:
// - log_abortable: the same transaction again at once, abort_retries_max times, then with back-off.
// - log_full, log_unavailable, log_refused, queue_full: not ready, one line, the same again with back-off; nothing more
//   is polled.
// - log_fenced: everything uncommitted and all stages are dropped; it joins again and restores.
// - A partition lost: the same for that partition alone.
// - A partition about to be lost: committed with its state, so that the next owner folds nothing again; one try only.
// - Stage::apply fails: the same record again with back-off.
// - Anything else: step() and run() return the error.
//
// Lifecycle: create(), then either run() on its own thread, or step() by a simulator that owns the clock. Destroying it
// without stop() is a crash as far as the log can tell: what was not committed is folded again by the next owner.
// Threads: all from one thread, except ready() and status(), which any thread may call.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/log.h"
#include "stream/stage.h"

namespace qc::stream {

class WorkerEngine;
class WorkerProbe;

enum class LineLevel { Info, Warning, Error };
using LineSink = std::function<void(LineLevel, const std::string&)>;

// What the owner of an input partition does for it: appends ticks, rules. Called on the worker's thread.
class Custodian {
 public:
  virtual ~Custodian() = default;
  // About once per tend_interval for each owned partition of the first input topic that is restored. `read_to`: the
  // next offset that will be applied; `end`: after the last record in the log. Never while a commit is failing.
  virtual void tend(const TopicPartition& input, Offset read_to, Offset end) = 0;
  // The partition is no longer ours: nothing more may be appended to it.
  virtual void lost(const TopicPartition& /*input*/) {}
};

struct WorkerOptions {
  std::string service;                  // the group's name; the state topic is "<service>-state"
  std::string name;                     // stable name of this worker's slot in the group
  int members = 1;                      // workers of this service in this process
  std::vector<std::string> topics;      // inputs, of equal partition counts; with a checkpoint interval only one
  Milliseconds checkpoint_interval{0};  // longer: fewer bytes written, longer restores; 0: with every commit
  Milliseconds commit_interval{100};    // longest time that an output that is not urgent waits
  // Urgent outputs go at once, but where a poll brought all that it may, so that more is at hand, they wait this long
  // for company: in a backlog a commit each would be most of the work, and what they tell is old anyway.
  Milliseconds urgent_wait{50};
  Milliseconds poll_wait{100};               // longest wait of one step, so also of a stop; 0 for simulators
  std::size_t poll_records_max = 1000;       // records of one poll, and of one step of a restore
  std::size_t gathered_records_max = 20000;  // outputs in memory before a commit is forced
  std::size_t gathered_bytes_max = 16u << 20;
  int abort_retries_max = 3;           // at once; after that with back-off
  Milliseconds retry_wait_min{100};    // back-off: doubled each time,
  Milliseconds retry_wait_max{10000};  // up to this
  Milliseconds tend_interval{100};
  Milliseconds observe_interval{1000};
  Milliseconds line_interval{30000};  // a failure that lasts is said again this often
  Milliseconds stop_wait_max{10000};  // a stop that cannot commit for this long leaves without
  bool until_end = false;  // stop when all that was in the inputs (every partition) at the start is committed
};

// What a service hands to its worker. Everything pointed to outlives the worker.
struct WorkerParts {
  StageFactory stages;
  LineSink line;  // one line for a person; empty: dropped
  Custodian* custodian = nullptr;
  std::function<void(int partition, Stage&)> observer;  // every observe_interval, for each restored partition
  WorkerProbe* probe = nullptr;
  std::function<std::chrono::steady_clock::time_point()> clock = &std::chrono::steady_clock::now;
};

struct WorkerStep {
  bool done = false;     // stopped, or until_end was reached: everything is committed and the group is left
  bool busy = false;     // something was applied, restored or committed
  Milliseconds wait{0};  // nothing can be done before this has passed
};

class Worker {
 public:
  // Checks the options and makes the state topic; joins at the first step. Errors: usage, topic_unknown,
  // partitions_changed, log_*.
  static Result<std::unique_ptr<Worker>> create(Log& log, WorkerOptions options, WorkerParts parts);
  ~Worker();

  // Steps until a stop is asked for (then commits what was applied, writes a checkpoint and leaves), until_end is
  // reached, or an error that no repeat can mend.
  Result<void> run(std::stop_token stop);

  // One turn of the loop: waits at most poll_wait, for anything. After an error the worker is of no further use.
  Result<WorkerStep> step();
  // From now on step() only finishes: commit, checkpoint, leave.
  void stop();

  // Joined, restored, and neither poll nor commit failing.
  bool ready() const;
  // One line: what it is doing, or what is wrong.
  std::string status() const;

 private:
  explicit Worker(std::unique_ptr<WorkerEngine> engine);
  std::unique_ptr<WorkerEngine> engine_;
};

}  // namespace qc::stream
