// For tests of the region stage only: what makes the random prefectures of region_stage_oracle.h warn, and what is said
// of them from outside.
#pragma once

#include <random>
#include <vector>

#include "core/event.h"
#include "core/rules.h"

namespace qc::core::fixture {

// Criteria with levels about where the air of those worlds is; G and P are warned together.
void warn(RuleSet& rules);

// Forecasts and orders until the world's end, by when they were received; some for a region that there is not.
std::vector<Event> make_events(EventTime end, std::mt19937_64& random);

}  // namespace qc::core::fixture
