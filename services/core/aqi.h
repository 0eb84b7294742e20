// The air quality index of HJ 633, both editions: what a concentration contributes (IAQI), and what the real-time
// report makes of six 1 h means. Pure functions over the tables of a rule set; all arithmetic is on integers, so that
// "rounded up" means the same on every machine. The edition is the caller's choice: RuleSet::edition(last instant of
// the hour).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/concentration.h"
#include "core/factor.h"
#include "core/output.h"
#include "core/rules.h"

namespace qc::core {

// The individual index of one item, 0..500: linear between the break points and rounded up (HJ 633-2012 6.2, HJ
// 633-2026 4.2.6). Where the edition says so, the concentration is first rounded half to even to the item's decimals
// (HJ 633-2026 4.2.2, 4.2.3). Above the item's last break point: its last IAQI (Above::Cap), or none. nullopt also for
// a negative concentration, which is no measurement. REQUIRES: as many rising concentrations as IAQIs or fewer, at
// least two.
std::optional<int> iaqi(const AqiEdition& edition, const AqiItem& item, Concentration c);

struct AqiResult {
  std::optional<int> aqi;             // nullopt: not published ("NA")
  std::vector<Factor> primary;        // where AQI > 50: all with the greatest IAQI, in the order of kSixPollutants
  std::vector<SubIndex> sub_indices;  // of every item that has one, in that order; published with "NA" too
};

// What an index is made of (architecture section 6, "four AQIs, four names").
enum class AqiReport : std::uint8_t {
  Hour,      // `AQI` `1h`: six 1 h means; what the national network publishes
  HourPm24,  // `AQI_PM24` `1h`: trailing 24 h means of PM, 1 h means of the gases
  Rolling,   // `AQI` `24h`: trailing 24 h means, and the greatest 8 h ozone that ends within them
  Day        // `AQI` `day`: the edition's daily report
};

// Valid means only; nullopt where there is none. In the order of kSixPollutants.
struct AqiInputs {
  std::array<std::optional<Concentration>, kSixPollutants.size()> h1;   // O3, Rolling and Day: the greatest of the 24
  std::array<std::optional<Concentration>, kSixPollutants.size()> h24;  // trailing, or of the day
  std::optional<Concentration> o3_8h;                                   // the greatest
};

// Any of the four. An item above its last break point counts as its edition says, which may be by the same factor's
// other window (2012: SO2 1 h above 800 by its 24 h mean, O3 8 h above 800 by its 1 h mean).
AqiResult aqi(const AqiEdition& edition, AqiReport report, const AqiInputs& inputs, std::span<const Factor> exempt);

// The real-time report's index. `means` are the valid 1 h means of kSixPollutants in their order, nullopt where there
// is no valid one. 2012: from those that are there. 2026 (5.3.1): with an item missing, published only above 100; an
// `exempt` one (5.3.2) may be missing. An item for which the edition has no hourly table is not part of the report.
AqiResult hourly_aqi(const AqiEdition& edition,
                     std::span<const std::optional<Concentration>, kSixPollutants.size()> means,
                     std::span<const Factor> exempt);

}  // namespace qc::core
