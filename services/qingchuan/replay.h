// `qingchuan replay`: folds a log again and compares what comes out with what was published, byte for byte
// (architecture section 3): for each pair of input partition and output topic the same sequence, leaving out the
// binary's version and the time of writing. The reading stage is folded from `readings`, the region stage from the
// published means.
//
// It reads what stands in the log when it begins, up to where the services have come; it changes nothing and joins no
// group, so it is safe beside them. One input partition after the other, so that memory is the state of one and a few
// batches; the outputs are read as often as `readings` has partitions. Threads: the caller's.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "processor/records.h"
#include "processor/rules_store.h"
#include "qingchuan/replay_snapshot.h"
#include "qingchuan/replay_tally.h"
#include "stream/log.h"

namespace qc::commands {

struct ReplaySpec {
  ReplayFilter filter;
  processor::StageOptions stage;   // limits and version; the partition counts are taken from the log
  std::int64_t now_ms = 0;         // the machine's time, by which compaction goes
  const Snapshot* from = nullptr;  // the state that the fold begins with, and not with nothing
};

struct ReplayResult {
  ReplayTally tally;
  std::int64_t records = 0;        // of the inputs, folded
  std::int64_t readings = 0;       // in them
  std::int64_t outputs = 0;        // made again
  std::int64_t waiting = 0;        // input records that no service has come to
  std::int64_t before = 0;         // published records that were made before the snapshot
  std::vector<std::string> notes;  // what limits the result, a line each
};

// Errors: topic_unknown (no log to replay), rules_missing, snapshot_invalid (of another log), stopped, those of the
// log.
Result<ReplayResult> replay(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec,
                            std::stop_token stop = {});

// Folds as far as the services have saved their state, and gives the state; nothing is compared. The input that is gone
// must be covered by spec.from: snapshot_invalid.
Result<Snapshot> make_snapshot(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec,
                               std::stop_token stop = {});

}  // namespace qc::commands
