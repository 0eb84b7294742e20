// What the concentration of each region is made of: its dated evaluation stations (国控, 省控), never micro, roadside
// or background ones (architecture section 6, "Regions").
//
// A function of the rule set; the pointers are into it. Threads: none of its business.
#pragma once

#include <cstddef>
#include <vector>

#include "core/rules.h"

namespace qc::core {

inline constexpr std::size_t kRegionStationsMax = 720;  // as many as an hour may have slots

struct RegionPlan {
  const Region* region = nullptr;
  std::vector<const SiteInfo*> stations;  // by id, each once, whenever they hold
  std::vector<std::size_t> members;       // where it is a mean of members: their places among the plans, before its own
};

// By id, but each after the members that it is a mean of. Regions without an evaluation station are left out.
std::vector<RegionPlan> region_plans(const RuleSet& rules);

}  // namespace qc::core
