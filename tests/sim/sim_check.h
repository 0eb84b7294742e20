// The invariants of a simulation, over a log that has come to its end (sim_world.h). For tests only.
#pragma once

#include <string>

#include "core/rules.h"
#include "processor/records.h"
#include "processor/rules_store.h"
#include "sim/sim_world.h"
#include "stream/log.h"

namespace qc::sim {

// Empty: they hold. `rules`: by which hours are made, whatever the switches.
std::string check(stream::Log& log, processor::RulesStore& store, const core::RuleSet& rules,
                  const processor::StageOptions& options, Happened* happened);

}  // namespace qc::sim
