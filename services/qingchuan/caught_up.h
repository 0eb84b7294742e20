// Waits for the processor: a command that reads what is published, in order to write what goes by it, must see all that
// the log's records make. Function; any thread; blocks.
#pragma once

#include <chrono>
#include <map>
#include <set>

#include "base/result.h"
#include "core/factor.h"
#include "core/time.h"
#include "stream/log.h"

namespace qc::commands {

// Returns once the processor's state in the log is folded up to what these partitions of `readings` held at the call,
// in a wall log up to a tick that came after it; with the last tick by then of each partition. log_unavailable: not
// within `at_most`. A running processor writes its state once in a checkpoint interval, a stopping one at its end.
Result<std::map<int, core::EventTime>> wait_for_processor(stream::Log& log, const std::set<int>& partitions,
                                                          core::Timeline timeline, std::chrono::milliseconds at_most);

}  // namespace qc::commands
