// 保良: what the rest of a natural day may hold for the day to stay good, that is for its AQI to stay at or below 100
// (HJ 633 annex A; 优良天). One factor at a time: a day is good when each of them allows it.
//
// A pure function; threads: none of its business.
#pragma once

#include <cstddef>
#include <optional>

#include "core/concentration.h"
#include "core/history.h"
#include "core/rules.h"
#include "core/site.h"

namespace qc::core {

// The greatest mean that each of the day's remaining hours may have, all alike and all valid, with which the factor's
// item of the daily report stays at or below 100; exact to a picogram, with the edition's own rounding. Of O3 also its
// greatest 1 h mean, where the edition has it in the daily report. nullopt: with nothing at all in them the day is
// lost, or the edition has no such item. Where any value would do: kConcentrationMax.
// `hours_over`: of the day, 0..23. REQUIRES: column < site.series.size().
std::optional<Concentration> remaining_mean(const RuleSet& rules, const Site& site, EventTime day, std::size_t column,
                                            int hours_over);

}  // namespace qc::core
