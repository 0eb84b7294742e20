// Brings the stage of one partition number to the group's committed offsets: reads the state topic up to the end it had
// when the restore began (latest value per key), gives the entries to the stage, checks the position that stands in the
// state, and, where there is a checkpoint interval, folds the input from there to the committed offset with the outputs
// thrown away: they were published before.
//
// Lifecycle: made when a number is gained; step() until it says true; then read the results and destroy it. Each step
// is a bounded piece of work (one poll), so that a worker stays responsive and a simulator can crash in the middle. An
// error with a code that a repeat can mend leaves it where it was: step() again goes on. Threads: one.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "stream/log.h"
#include "stream/stage.h"
#include "stream/state_position.h"

namespace qc::stream {

// Whether a reader that has come to `seen` (the next offset after the last record it gave) has nothing more before
// `end`, after a poll that gave nothing (`quiet`) or something.
bool reached(const Reader& reader, const TopicPartition& tp, Offset seen, Offset end, bool quiet);

struct RestoreSpec {
  TopicPartition state;             // the partition of the state topic
  std::vector<std::string> topics;  // the inputs
  bool checkpoints = false;         // the state may stand behind the committed offset
  std::size_t records_max = 1000;   // of one step
  Milliseconds wait{0};             // of one step
};

class Restore {
 public:
  explicit Restore(RestoreSpec spec) : spec_(std::move(spec)) {}

  // true: the stage stands at positions(). state_corrupt and state_version: it must not be used.
  Result<bool> step(Log& log, Member& member, Stage& stage);

  const Positions& positions() const { return committed_; }
  // Whether the state topic has a position: where it has none, the first commit must write one, because later the
  // beginning of the input may be gone.
  bool found() const { return found_; }
  bool applying() const { return applying_; }  // the last error was the stage's
  std::size_t entries() const { return entries_; }
  std::size_t folded() const { return folded_; }
  // Input that retention took before it was ever read, one line; empty: none.
  const std::string& unread_lost() const { return unread_lost_; }

 private:
  enum class Phase { Begin, Read, Load, Fold, Done };
  Result<void> begin(Log& log, Member& member);
  Result<void> read_state();
  Result<void> load(Log& log, Stage& stage);
  Result<void> check(Log& log, const Positions& state);
  Result<void> fold(Log& log, Stage& stage);

  RestoreSpec spec_;
  Phase phase_ = Phase::Begin;
  Positions committed_;  // the truth
  bool ever_committed_ = false;
  std::unique_ptr<Reader> reader_;
  Batch batch_;
  std::size_t next_ = 0;  // within batch_
  Offset seen_ = 0;       // the next offset after the last record handled
  Offset end_ = 0;
  std::unordered_map<std::string, std::string> latest_;
  StageOutputs muted_;
  bool found_ = false;
  bool applying_ = false;
  std::size_t entries_ = 0;
  std::size_t folded_ = 0;
  std::string unread_lost_;
};

}  // namespace qc::stream
