// What an episode of the exceedance machine (condition.h) says, as a signal: for everyone who runs that machine.
// A function; any thread.
#pragma once

#include <string>

#include "core/condition.h"
#include "core/output.h"

namespace qc::core {

// All but region, root and evidence, which are the caller's. Episodes that name no unit are of concentrations and
// indices: it is the factor's. `offset`: of the record whose reading changed the episode.
Signal signal_of(const Episode& episode, const std::string& rule, const std::string& subject, Factor factor,
                 Window window, Offset offset);

}  // namespace qc::core
