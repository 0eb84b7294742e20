// `qingchuan replay`: folds a log again and compares what comes out with what was published, byte for byte
// (architecture section 3): for each pair of input partition and output topic the same sequence, leaving out the
// binary's version and the time of writing. The reading stage is folded from `readings`, the region stage from the
// published means, `alerts` from the published signals and the commands (replay_alerts.h).
//
// It reads what stands in the log when it begins, up to where the services have come; it changes nothing and joins no
// group, so it is safe beside them. First all partitions of `readings` at once, then all of the regions', then all of
// `signals` (replay_pass.h); a snapshot is made one partition after the other. Threads: the caller's.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "processor/records.h"
#include "processor/rules_store.h"
#include "qingchuan/replay_pass.h"
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
  ReplayCounts counts;
  std::vector<std::string> notes;  // what limits the result, a line each
};

// Errors: topic_unknown (no log to replay), rules_missing, snapshot_invalid (of another log), stopped, those of the
// log.
Result<ReplayResult> replay(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec,
                            std::stop_token stop = {});

struct TakenSnapshot {
  Snapshot snapshot;
  std::vector<std::string> notes;  // which stages are not in it, and why, a line each
};

// Folds as far as the services have saved their state, and gives the state; nothing is compared. Readings that are gone
// must be covered by spec.from: snapshot_invalid. A region stage whose means may have been compacted since is left out.
Result<TakenSnapshot> make_snapshot(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec,
                                    std::stop_token stop = {});

}  // namespace qc::commands
