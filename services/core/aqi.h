// The air quality index of HJ 633, both editions: what a concentration contributes (IAQI), what the four reports make
// of it, and what the index is called. Pure functions over the tables of a rule set; all arithmetic is on integers, so
// that "rounded up" means the same on every machine. The edition is the caller's choice: RuleSet::edition(last instant
// of the window).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
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
  std::vector<SubIndex> sub_indices;  // of every pollutant that has one, in that order; published with "NA" too
};

// What an index is made of (architecture section 6, "four AQIs, four names").
enum class AqiReport : std::uint8_t {
  Hour,      // `AQI` `1h`: six 1 h means; what the national network publishes
  HourPm24,  // `AQI_PM24` `1h`: trailing 24 h means of PM, 1 h means of the gases; without any PM it has none
  Rolling,   // `AQI` `24h`: trailing 24 h means, and the greatest 8 h ozone that ends within them
  Day        // `AQI` `day`: the edition's daily report
};

// Valid means only; nullopt where there is none. In the order of kSixPollutants.
struct AqiInputs {
  std::array<std::optional<Concentration>, kSixPollutants.size()> h1;   // O3, Rolling and Day: the greatest of the 24
  std::array<std::optional<Concentration>, kSixPollutants.size()> h24;  // trailing, or of the day
  std::optional<Concentration> o3_8h;                                   // the greatest
};

// Any of the four.
// - The hour's two take the items that the edition calls `hourly`: PM against its daily break points, gases against
//   those of the hour. The longer two take the 24 h items, of ozone the 8 h item. A pollutant without such an item is
//   not part of the report.
// - Day, where the edition has day_o3_1h: the greatest 1 h ozone is an item, too, and ozone's index is the greater.
// - Above its last break point an item counts as the edition says: as its last IAQI (2026: SO2 1 h above 800 is 200, O3
//   8 h above 800 is 300), or as the same factor's other item for that window's concentration (2012: SO2 by its 24 h
//   mean, O3 by its 1 h mean). Where that is not there, the item is missing.
// - Items missing: 2012 makes the index of the others. 2026 (5.3.1) publishes it only above 100; an `exempt` pollutant
//   (5.3.2) may be missing.
AqiResult aqi(const AqiEdition& edition, AqiReport report, const AqiInputs& inputs, std::span<const Factor> exempt);

// A level of the index (HJ 633 annex A, table A.1, the same in both editions), in words and colour.
struct AqiLevel {
  int number;                    // 1 .. 6
  int last;                      // its greatest AQI
  std::string_view name_zh;      // 一级
  std::string_view category_zh;  // 轻度污染
  std::string_view category_en;
  std::string_view colour_zh;
  std::string_view colour_en;
  std::string_view rgb;  // "#FF7E00"
};
inline constexpr std::array<AqiLevel, 6> kAqiLevels = {{
    {1, 50, "一级", "优", "excellent", "绿色", "green", "#00E400"},
    {2, 100, "二级", "良", "good", "黄色", "yellow", "#FFFF00"},
    {3, 150, "三级", "轻度污染", "lightly polluted", "橙色", "orange", "#FF7E00"},
    {4, 200, "四级", "中度污染", "moderately polluted", "红色", "red", "#FF0000"},
    {5, 300, "五级", "重度污染", "heavily polluted", "紫色", "purple", "#99004C"},
    {6, 500, "六级", "严重污染", "severely polluted", "褐红色", "maroon", "#7E0023"},
}};

// REQUIRES: 0 <= aqi <= 500.
const AqiLevel& aqi_level(int aqi);

// 优良天: a day whose AQI is at most 100. One without an AQI is neither good nor bad.
constexpr bool good_day(int aqi) {
  return aqi <= 100;
}

}  // namespace qc::core
