// The service `alerts` in a replay: `signals` of a partition in their order, each of `commands` put in behind the
// signal behind which it was read, folded by the service's own stage and compared with `alerts`, `outcomes` and
// `ledger`.
//
// Where a command was read stands in its outcome. One without an outcome is put behind the one before it: what cannot
// be read leaves no trace wherever it stands, and of what can be read the outcome is missing, and is told so.
//
// Function; threads: the caller's.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "qingchuan/replay.h"
#include "stream/log.h"

namespace qc::commands {

// Adds what it finds to `result`. A log in which no alerts were ever made has nothing to add. Errors as of replay().
Result<void> replay_alerts(stream::Log& log, processor::RulesStore& rules, const ReplaySpec& spec, ReplayResult& result,
                           std::stop_token stop);

}  // namespace qc::commands
