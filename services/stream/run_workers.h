// The workers of a service, each on a thread of its own. A function; blocks.
#pragma once

#include <stop_token>
#include <vector>

#include "base/result.h"
#include "stream/worker.h"

namespace qc::stream {

// Until a stop is asked for or each has ended; the first that fails for good stops the others, and its error is
// returned.
Result<void> run_workers(const std::vector<Worker*>& workers, const std::stop_token& stop);

}  // namespace qc::stream
