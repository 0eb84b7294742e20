// Which values are implausible, and why (architecture section 6: checks mark, they don't hide). A reading is marked as
// it arrives, by its value and the rules in force then; an hour is marked by its readings, by the hours before it and
// by the other factors beside it. Pure; the marks never change a value.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "core/factor.h"
#include "core/hour.h"
#include "core/rules.h"
#include "core/site.h"

namespace qc::core {

// How far back equal and silent hours are counted: what the history always holds before the oldest hour that can be
// corrected. A longer run counts as this long.
inline constexpr int kRunMax = 48;

// The readings of one factor that need no mark: from .. to.
struct Plain {
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
  bool holds(std::int64_t pg) const { return from <= pg && pg <= to; }
};
// By factor: some two hundred bytes for all series together, so that asking costs a reading next to nothing.
using PlainTable = std::array<Plain, kFactors>;
PlainTable plain_table(const RuleSet& rules);

Marks reading_marks(const QualityCheck& check, Concentration value);
// The same as the bits of Slot::key.
std::uint64_t slot_marks(Marks marks);

// How many hours in a row, ending with `hour`, had the very same valid mean of equal readings; at most kRunMax.
int stuck_hours(const Site& site, std::size_t column, EventTime hour);

// PM2.5 less PM10 in pg/m3 of a closed hour that has both.
std::optional<std::int64_t> inversion(const Site& site, EventTime hour);

// The marks of a closed hour's mean. REQUIRES: the hour is in the site's history (Windows::note_hour).
Marks hour_marks(const RuleSet& rules, const Site& site, std::size_t column, EventTime hour, const HourValue& value);

}  // namespace qc::core
