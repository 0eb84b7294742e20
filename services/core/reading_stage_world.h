// A random prefecture for the property tests: a log of packets, registrations, amendments and ticks that arrive
// shuffled within the horizons (and sometimes beyond), with duplicates, conflicting resends, gaps, flags and several
// grids and kinds of data beside each other. The same seed gives the same log. For tests only.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <variant>
#include <vector>

#include "core/stage_testing.h"

namespace qc::core::fixture {

// The rules in force from a record on.
struct RulesRecord {
  std::shared_ptr<const RuleSet> rules;
};
using Record = std::variant<ReadingBatch, Register, Tick, Amend, RulesRecord>;

struct WorldOptions {
  bool rules_change = false;  // in the middle of the log
  bool jump = false;          // a silence longer than hours_kept
  // With every longer window: days, sometimes weeks, across the turn of a month, a quarter, a year or an edition;
  // mostly hour data, so that they are cheap.
  bool windows = false;
};

struct World {
  std::shared_ptr<const RuleSet> rules;
  std::vector<Record> log;
};

World make_world(std::uint64_t seed, const WorldOptions& options);

// Applies one record to a stage; a RulesRecord is the caller's.
void apply(ReadingStage& stage, const Record& record, Offset offset, Outputs& out);

}  // namespace qc::core::fixture
