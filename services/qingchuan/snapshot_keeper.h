// Snapshots that a service keeps by itself (`replay: snapshots` in the configuration; docs/replay.md): the state that
// each month began with, so that a replay has a beginning when retention has taken the log's own.
//
// DIR/2026-11-27/qingchuan.snapshot: the state on that day of the log, in Beijing. Each day's is folded on from the
// last one, so that the work is a day's, and while no mean of that day is old enough to be compacted away. Kept are the
// first of each month and the newest; what a month has beyond them is removed when the next one is whole.
//
// Lifecycle: made when the service runs, destroyed before its log. Threads: one of its own, of the lowest priority.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "processor/records.h"
#include "processor/rules_store.h"
#include "qingchuan/replay_snapshot.h"
#include "qingchuan/v1/config.pb.h"
#include "stream/log.h"

namespace qc::commands {

struct KeepSpec {
  std::string directory;
  int months = 14;                // of these the first days are kept
  processor::StageOptions stage;  // as the processor's
  std::int64_t now_ms = 0;        // the machine's time, by which compaction goes
};

struct KeptSnapshot {
  std::string day;                 // of the log's time
  Snapshot snapshot;               // empty: there was one already, or nothing is to be kept yet
  std::vector<std::string> notes;  // what is not in it, a line each
};

// Takes the day's snapshot, if there is none yet, and removes what is not kept. Errors: snapshot_invalid (the beginning
// is gone, and no snapshot in the directory stands in for it), file_unreadable, stopped, those of the log.
Result<KeptSnapshot> keep_snapshot(stream::Log& log, processor::RulesStore& rules, const KeepSpec& spec,
                                   std::stop_token stop = {});

class SnapshotKeeper {
 public:
  // Does nothing where the configuration names no directory.
  SnapshotKeeper(stream::Log& log, processor::RulesStore& rules, const ::qingchuan::v1::System& system,
                 processor::StageOptions stage);

 private:
  void run(const std::stop_token& stop);

  stream::Log& log_;
  processor::RulesStore& rules_;
  KeepSpec spec_;
  std::jthread thread_;
};

}  // namespace qc::commands
