// The inside of the worker (worker.h says what it does). Parents decide, leaves compute: this class decides; Restore,
// Stage and Member do the work. worker_engine.cc is the loop, worker_commit.cc what is committed and what failures
// mean.
//
// Invariants: while `pending_` holds a transaction nothing is polled or applied, so it can be given again as it is; an
// Owned's stage is never further than its `position`; what is gathered of a number dies with it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "stream/state_restore.h"
#include "stream/worker.h"

namespace qc::stream {

class WorkerEngine {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Ends = std::map<TopicPartition, Offset>;

  // `ends`: where the inputs ended when it started; only used with until_end.
  WorkerEngine(Log& log, WorkerOptions options, WorkerParts parts, Ends ends);
  ~WorkerEngine();

  Result<WorkerStep> step();
  void stop();
  bool ready() const { return ready_.load(); }
  std::string status() const;

 private:
  enum class Doing { Join, Restore, Poll, Apply, Commit };
  struct Failure {
    Doing doing;
    Error error;
  };
  using Outcome = tl::expected<void, Failure>;

  // One partition number of ours, over all input topics.
  struct Owned {
    int number = 0;
    std::unique_ptr<Stage> stage;
    std::unique_ptr<Restore> restore;  // until it stands at the committed offsets
    TimePoint gained_at;
    Positions position;   // the next offset to apply
    Positions committed;  // as the group knows it
    StageOutputs gathered;
    std::size_t gathered_bytes = 0;
    TimePoint checkpointed_at;
    bool has_checkpoint = false;  // the state topic holds a position
    bool changed = false;         // something was applied since the last checkpoint
    bool live() const { return restore == nullptr; }
  };

  // A kind of work that fails again and again.
  struct Trouble {
    TimePoint since;
    TimePoint said;
    int tries = 0;
    std::string text;
  };

  // worker_engine.cc
  Outcome advance();
  Outcome join();
  Outcome poll();
  void reassign(const Assignment& change);
  void gain(int number);
  void drop(int number);
  void drop_all();
  Outcome restore();
  Outcome go_live(Owned& owned);
  Outcome apply();
  Result<Range> range_of(const TopicPartition& input);
  void tend();
  Milliseconds poll_wait() const;
  Result<bool> at_end();
  Result<bool> nothing_between(const TopicPartition& tp, Offset from, Offset end);

  // worker_commit.cc
  bool commit_due() const;
  bool checkpoint_due(const Owned& owned, bool force) const;
  void build(bool force_checkpoint);
  void build_checkpoint(Owned& owned);
  Outcome commit();
  Outcome finish();
  Result<WorkerStep> failed(const Failure& failure);
  WorkerStep rejoin(const Failure& failure);
  WorkerStep retry(const Failure& failure);
  WorkerStep leave(LineLevel level, const std::string& how);
  void works(Doing doing);
  Milliseconds back_off(int tries) const;

  TimePoint now() const { return parts_.clock(); }
  TopicPartition state_of(int number) const { return {options_.service + "-state", number}; }
  void line(LineLevel level, const std::string& text) const;
  void refresh();

  Log& log_;
  const WorkerOptions options_;
  const WorkerParts parts_;
  const Ends ends_;

  std::unique_ptr<Member> member_;
  std::map<int, Owned> owned_;
  Batch batch_;
  std::size_t next_ = 0;  // within batch_
  bool quiet_ = false;    // the last poll brought nothing
  bool leaving_ = false;  // what is ours goes at the next poll, and others wait for it
  bool busy_ = false;

  std::size_t gathered_records_ = 0;
  std::size_t gathered_bytes_ = 0;
  std::optional<TimePoint> urgent_since_;
  std::optional<TimePoint> uncommitted_since_;
  Transaction pending_;
  std::vector<int> pending_numbers_;
  std::vector<int> pending_checkpoints_;

  std::map<Doing, Trouble> troubles_;
  std::optional<TimePoint> retry_at_;
  int abort_tries_ = 0;
  int fences_ = 0;         // in a row, without a commit between
  std::string fenced_by_;  // why, until it is in the group again

  bool stopping_ = false;  // asked to stop
  bool ending_ = false;    // until_end was reached
  TimePoint stop_deadline_;
  bool finished_ = false;
  std::optional<TimePoint> tended_at_;
  std::optional<TimePoint> observed_at_;

  std::atomic<bool> ready_{false};
  mutable std::mutex status_mutex_;
  std::string status_ = "starting";
};

}  // namespace qc::stream
