// Intervals as people give them on the command line: by times such as 2025-12-01T08:00, or dates, each its midnight.
//
// A function; any thread.
#pragma once

#include <string>

#include "base/result.h"
#include "core/time.h"

namespace qc::commands {

// An empty text is no bound. usage, with the name of the option: no time, or the beginning is not before the end.
Result<core::Interval> interval_option(const std::string& from, const std::string& until, const char* option);

}  // namespace qc::commands
