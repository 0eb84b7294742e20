// A warning episode (core/warning.h) and its message (output.proto). Functions; any thread.
#pragma once

#include "core/output.h"
#include "core/warning.h"
#include "qingchuan/v1/output.pb.h"

namespace qc::wire {

void set_warning(const core::WarningEpisode& episode, ::qingchuan::v1::Warning& out);

// The episode that a signal of rule `warning` tells of, as it stood then. Its number is left out. What is out of range
// is brought into it: the log holds what a stage wrote.
core::WarningEpisode warning_of(const ::qingchuan::v1::Signal& signal);

}  // namespace qc::wire
