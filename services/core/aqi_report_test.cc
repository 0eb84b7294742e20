// The four reports of HJ 633: what goes into each, and what each edition makes of it. The expected indices are worked
// out by hand from the tables (standards.md 2.1, 2.2).
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "core/aqi.h"
#include "core/testing.h"

namespace qc::core {
namespace {

// As in config/standards: 2012 with the other item above 800 and the greatest 1 h ozone of the day.
const AqiEdition k2012 = test_rules_with_windows()->editions.front();
const AqiEdition k2026 = test_rules_with_windows()->editions.back();

constexpr AqiReport kReports[] = {AqiReport::Hour, AqiReport::HourPm24, AqiReport::Rolling, AqiReport::Day};

using Means = std::array<std::optional<Concentration>, kSixPollutants.size()>;  // PM2.5 PM10 SO2 NO2 CO O3
constexpr std::size_t kSO2 = 2;
constexpr std::size_t kO3 = 5;
constexpr auto kNothing = std::nullopt;

AqiResult hourly(const AqiEdition& edition, const Means& means, std::vector<Factor> exempt = {}) {
  return aqi(edition, AqiReport::Hour, {.h1 = means, .h24 = {}, .o3_8h = {}}, exempt);
}

std::vector<std::pair<Factor, int>> subs(const AqiResult& r) {
  std::vector<std::pair<Factor, int>> out;
  for (const SubIndex& s : r.sub_indices) out.emplace_back(s.factor, s.iaqi);
  return out;
}

std::optional<int> sub(const AqiResult& r, Factor factor) {
  for (const SubIndex& s : r.sub_indices) {
    if (s.factor == factor) return s.iaqi;
  }
  return std::nullopt;
}

// The same air for every report: each window has values of its own, so that a wrong choice shows.
AqiInputs all_windows() {
  return {.h1 = {ug(115), ug(60), ug(150), ug(100), mg(5), ug(200)},
          .h24 = {ug(35), ug(50), ug(150), ug(80), mg(4), ug(90)},
          .o3_8h = ug(215)};
}

TEST(AqiReport, TheHourReadsAllSixHourMeansAndPmByItsDailyTable) {
  const auto r = aqi(k2012, AqiReport::Hour, all_windows(), {});
  EXPECT_EQ(subs(r), (std::vector<std::pair<Factor, int>>{{Factor::PM25, 150},
                                                          {Factor::PM10, 55},
                                                          {Factor::SO2, 50},
                                                          {Factor::NO2, 50},
                                                          {Factor::CO, 50},
                                                          {Factor::O3, 100}}));
  EXPECT_EQ(r.aqi, 150);
  EXPECT_EQ(r.primary, std::vector{Factor::PM25});
}

TEST(AqiReport, TheHourWithPm24TakesPmOf24HoursAndGasesOfOne) {
  const auto r = aqi(k2012, AqiReport::HourPm24, all_windows(), {});
  EXPECT_EQ(subs(r), (std::vector<std::pair<Factor, int>>{{Factor::PM25, 50},
                                                          {Factor::PM10, 50},
                                                          {Factor::SO2, 50},
                                                          {Factor::NO2, 50},
                                                          {Factor::CO, 50},
                                                          {Factor::O3, 100}}));
  EXPECT_EQ(r.aqi, 100);
  EXPECT_EQ(r.primary, std::vector{Factor::O3});
}

TEST(AqiReport, TheHourWithPm24IsNotPublishedWithoutAnyPm) {
  AqiInputs in = all_windows();
  in.h24[0].reset();  // PM2.5
  EXPECT_EQ(aqi(k2012, AqiReport::HourPm24, in, {}).aqi, 100);
  in.h24[1].reset();  // PM10
  for (const std::vector<Factor>& exempt : {std::vector<Factor>{}, std::vector{Factor::PM25, Factor::PM10}}) {
    const auto r = aqi(k2012, AqiReport::HourPm24, in, exempt);
    EXPECT_EQ(r.aqi, std::nullopt);
    EXPECT_TRUE(r.primary.empty());
    EXPECT_EQ(r.sub_indices.size(), 4U);
  }
  EXPECT_NE(aqi(k2012, AqiReport::Hour, in, {}).aqi, std::nullopt);
}

TEST(AqiReport, TheRolling24HoursTakeDailyTablesAndTheGreatest8hOzone) {
  const auto r = aqi(k2012, AqiReport::Rolling, all_windows(), {});
  EXPECT_EQ(subs(r), (std::vector<std::pair<Factor, int>>{{Factor::PM25, 50},
                                                          {Factor::PM10, 50},
                                                          {Factor::SO2, 100},
                                                          {Factor::NO2, 100},
                                                          {Factor::CO, 100},
                                                          {Factor::O3, 150}}));
  EXPECT_EQ(r.aqi, 150);
  EXPECT_EQ(r.primary, std::vector{Factor::O3});
}

TEST(AqiReport, Of2012TheDayHasSevenItemsAndOzoneTheGreaterOfTwo) {
  AqiInputs in = all_windows();
  EXPECT_EQ(aqi(k2012, AqiReport::Day, in, {}).aqi, 150);  // 8 h 215: 150; 1 h 200: 100
  in.h1[kO3] = ug(400);
  const auto by_hour = aqi(k2012, AqiReport::Day, in, {});
  EXPECT_EQ(by_hour.aqi, 200);
  EXPECT_EQ(by_hour.primary, std::vector{Factor::O3});
  EXPECT_EQ(by_hour.sub_indices.size(), 6U);
  in.o3_8h.reset();
  EXPECT_EQ(sub(aqi(k2012, AqiReport::Day, in, {}), Factor::O3), 200);
  in.h1[kO3].reset();
  EXPECT_EQ(sub(aqi(k2012, AqiReport::Day, in, {}), Factor::O3), std::nullopt);
  in.o3_8h = ug(160);
  EXPECT_EQ(sub(aqi(k2012, AqiReport::Day, in, {}), Factor::O3), 100);
  // The rolling report has no such item.
  in.h1[kO3] = ug(400);
  EXPECT_EQ(sub(aqi(k2012, AqiReport::Rolling, in, {}), Factor::O3), 100);
}

TEST(AqiReport, Of2026TheDayHasSixItems) {
  AqiInputs in = all_windows();
  in.h1[kO3] = ug(1200);
  const auto r = aqi(k2026, AqiReport::Day, in, {});
  EXPECT_EQ(r.aqi, 150);
  EXPECT_EQ(sub(r, Factor::O3), 150);
  in.o3_8h.reset();  // the hour does not stand in for it
  EXPECT_EQ(sub(aqi(k2026, AqiReport::Day, in, {}), Factor::O3), std::nullopt);
}

TEST(AqiReport, TheOrderOfTheItemsInTheTableDoesNotMatter) {
  for (const AqiEdition* edition : {&k2012, &k2026}) {
    AqiEdition reversed = *edition;
    std::reverse(reversed.items.begin(), reversed.items.end());
    for (const AqiReport report : kReports) {
      EXPECT_EQ(subs(aqi(reversed, report, all_windows(), {})), subs(aqi(*edition, report, all_windows(), {})));
    }
  }
}

TEST(AqiReport, HourMeansDoNotEnterLongerReportsNorLongerMeansTheHour) {
  const Means high = {ug(500), ug(600), ug(700), ug(3000), mg(150), ug(1200)};
  const AqiInputs hours{.h1 = high, .h24 = {}, .o3_8h = {}};
  EXPECT_EQ(aqi(k2026, AqiReport::Rolling, hours, {}).sub_indices.size(), 0U);
  EXPECT_EQ(aqi(k2026, AqiReport::Day, hours, {}).sub_indices.size(), 0U);
  EXPECT_EQ(aqi(k2026, AqiReport::Hour, hours, {}).sub_indices.size(), 6U);
  EXPECT_EQ(aqi(k2026, AqiReport::HourPm24, hours, {}).sub_indices.size(), 4U);
  const AqiInputs days{.h1 = {}, .h24 = high, .o3_8h = ug(800)};
  EXPECT_EQ(aqi(k2026, AqiReport::Rolling, days, {}).sub_indices.size(), 6U);
  EXPECT_EQ(aqi(k2026, AqiReport::Day, days, {}).sub_indices.size(), 6U);
  EXPECT_EQ(aqi(k2026, AqiReport::Hour, days, {}).sub_indices.size(), 0U);
  EXPECT_EQ(aqi(k2026, AqiReport::HourPm24, days, {}).sub_indices.size(), 2U);
}

// ---- above 800 ---------------------------------------------------------------------------------------------------

TEST(AqiAbove800, Of2012SulphurDioxideOfTheHourCountsByIts24Hours) {
  for (const AqiReport report : {AqiReport::Hour, AqiReport::HourPm24}) {
    AqiInputs in = all_windows();
    in.h24[kSO2] = ug(475);
    in.h1[kSO2] = ug(800);
    EXPECT_EQ(sub(aqi(k2012, report, in, {}), Factor::SO2), 200);
    in.h1[kSO2] = {ug(800).pg + 1};
    EXPECT_EQ(sub(aqi(k2012, report, in, {}), Factor::SO2), 150);
    in.h24[kSO2] = ug(3000);  // above that table, too: it stays at 500
    EXPECT_EQ(aqi(k2012, report, in, {}).aqi, 500);
    in.h24[kSO2].reset();
    EXPECT_EQ(sub(aqi(k2012, report, in, {}), Factor::SO2), std::nullopt);
  }
}

TEST(AqiAbove800, Of2012OzoneOf8HoursCountsByItsGreatestHour) {
  for (const AqiReport report : {AqiReport::Rolling, AqiReport::Day}) {
    AqiInputs in = all_windows();
    in.h1[kO3] = ug(900);
    in.o3_8h = {ug(800).pg + 1};
    EXPECT_EQ(sub(aqi(k2012, report, in, {}), Factor::O3), 350);  // 300 + 100 * 100 / 200
    in.h1[kO3].reset();
    EXPECT_EQ(sub(aqi(k2012, report, in, {}), Factor::O3), std::nullopt);
    in.o3_8h = ug(800);
    EXPECT_EQ(sub(aqi(k2012, report, in, {}), Factor::O3), 300);
  }
}

TEST(AqiAbove800, Of2026SulphurDioxideStaysAt200AndOzoneAt300) {
  AqiInputs in = all_windows();
  in.h1[kSO2] = ug(5000);
  in.h24[kSO2] = ug(2620);
  for (const AqiReport report : {AqiReport::Hour, AqiReport::HourPm24}) {
    EXPECT_EQ(sub(aqi(k2026, report, in, {}), Factor::SO2), 200);
  }
  in.o3_8h = ug(5000);
  in.h1[kO3] = ug(1200);
  for (const AqiReport report : {AqiReport::Rolling, AqiReport::Day}) {
    EXPECT_EQ(sub(aqi(k2026, report, in, {}), Factor::SO2), 500);
    EXPECT_EQ(sub(aqi(k2026, report, in, {}), Factor::O3), 300);
  }
}

TEST(AqiAbove800, Of2012TheHourlyOzoneAndDailySulphurTablesGoOnTo500) {
  EXPECT_EQ(sub(hourly(k2012, {kNothing, kNothing, kNothing, kNothing, kNothing, ug(1201)}), Factor::O3), 500);
  const AqiInputs day{.h1 = {}, .h24 = {kNothing, kNothing, ug(2621), kNothing, kNothing, kNothing}, .o3_8h = {}};
  EXPECT_EQ(aqi(k2012, AqiReport::Day, day, {}).aqi, 500);
}

TEST(AqiAbove800, AnEditionThatHasNoIndexThereLeavesTheItemOut) {
  const AqiResult r = hourly(fixture::edition(false), {ug(35), ug(50), ug(900), ug(10), mg(1), ug(40)});
  EXPECT_EQ(r.aqi, 50);
  EXPECT_EQ(r.sub_indices.size(), 5U);
}

TEST(AqiAbove800, AnItemWithoutTheOtherValueIsMissing) {
  // An edition with 2012's rule above the table and 2026's rule for missing items.
  AqiEdition both = k2012;
  both.incomplete_only_above_100 = true;
  const Means means = {ug(35), ug(50), ug(900), ug(10), mg(1), ug(40)};
  EXPECT_EQ(hourly(both, means).aqi, std::nullopt);
  EXPECT_EQ(hourly(both, means, {Factor::SO2}).aqi, 50);
}

// ---- the greatest, its pollutants, what is missing ---------------------------------------------------------------

TEST(HourlyAqi, IsTheGreatestOfTheSixWithItsPollutant) {
  const AqiResult r = hourly(k2012, {ug(163), ug(241), ug(18), ug(61), ug(1900), ug(14)});
  EXPECT_EQ(r.aqi, 213);  // PM2.5: 200 + 13 * 100 / 100
  EXPECT_EQ(r.primary, std::vector{Factor::PM25});
  EXPECT_EQ(subs(r), (std::vector<std::pair<Factor, int>>{{Factor::PM25, 213},
                                                          {Factor::PM10, 146},
                                                          {Factor::SO2, 6},
                                                          {Factor::NO2, 31},
                                                          {Factor::CO, 19},
                                                          {Factor::O3, 5}}));
}

TEST(HourlyAqi, TiesAreListedTogetherInTheOrderOfTheSix) {
  const AqiResult r = hourly(k2012, {ug(75), ug(150), ug(0), ug(200), ug(0), ug(200)});
  EXPECT_EQ(r.aqi, 100);
  EXPECT_EQ(r.primary, (std::vector{Factor::PM25, Factor::PM10, Factor::NO2, Factor::O3}));
}

TEST(HourlyAqi, GoodAirHasNoPrimaryPollutant) {
  EXPECT_TRUE(hourly(k2012, {ug(35), ug(50), ug(150), ug(100), mg(5), ug(160)}).primary.empty());
  const AqiResult r = hourly(k2012, {Concentration{35'000'001}, ug(50), ug(150), ug(100), mg(5), ug(160)});
  EXPECT_EQ(r.aqi, 51);
  EXPECT_EQ(r.primary, std::vector{Factor::PM25});
}

TEST(HourlyAqi, In2012WhateverIsThereMakesTheIndex) {
  const AqiResult r = hourly(k2012, {kNothing, kNothing, kNothing, ug(40), kNothing, kNothing});
  EXPECT_EQ(r.aqi, 20);
  EXPECT_EQ(r.sub_indices.size(), 1U);
  EXPECT_EQ(hourly(k2012, {}).aqi, std::nullopt);
}

TEST(HourlyAqi, ANegativeMeanIsNone) {
  const AqiResult r = hourly(k2012, {Concentration{-1}, kNothing, kNothing, ug(40), kNothing, kNothing});
  EXPECT_EQ(r.aqi, 20);
  EXPECT_EQ(r.sub_indices.size(), 1U);
}

TEST(HourlyAqi, ANegativeMeanIsNotReplacedByItsOtherWindow) {
  AqiInputs in = all_windows();
  in.h1[kSO2] = Concentration{-1};
  EXPECT_EQ(sub(aqi(k2012, AqiReport::Hour, in, {}), Factor::SO2), std::nullopt);
}

TEST(HourlyAqi, In2026AnIncompleteHourIsPublishedOnlyAbove100) {
  const AqiResult at = hourly(k2026, {ug(60), kNothing, ug(10), ug(40), mg(1), ug(40)});
  EXPECT_EQ(at.aqi, std::nullopt);
  EXPECT_TRUE(at.primary.empty());
  EXPECT_EQ(at.sub_indices.size(), 5U);  // single indices are published all the same
  const AqiResult above = hourly(k2026, {ug(61), kNothing, ug(10), ug(40), mg(1), ug(40)});
  EXPECT_EQ(above.aqi, 101);
  EXPECT_EQ(above.primary, std::vector{Factor::PM25});
  EXPECT_EQ(hourly(k2026, {}).aqi, std::nullopt);
}

TEST(AqiReport, In2026EveryIncompleteReportIsPublishedOnlyAbove100) {
  for (const AqiReport report : kReports) {
    AqiInputs in{.h1 = {ug(60), ug(10), ug(10), ug(10), kNothing, ug(10)},
                 .h24 = {ug(60), ug(10), ug(10), ug(10), kNothing, ug(10)},
                 .o3_8h = ug(10)};
    const std::vector exempt = {Factor::CO};
    EXPECT_EQ(aqi(k2026, report, in, {}).aqi, std::nullopt);
    EXPECT_EQ(aqi(k2026, report, in, exempt).aqi, 100);
    EXPECT_EQ(aqi(k2012, report, in, {}).aqi, 82);  // PM2.5: 50 + 25 * 50 / 40 = 81.25
    in.h1[0] = in.h24[0] = ug(61);
    EXPECT_EQ(aqi(k2026, report, in, {}).aqi, 101);
  }
}

TEST(HourlyAqi, AnExemptItemMayBeMissing) {
  const Means means = {ug(30), kNothing, ug(10), ug(40), mg(1), ug(40)};
  EXPECT_EQ(hourly(k2026, means, {Factor::PM10}).aqi, 43);
  EXPECT_EQ(hourly(k2026, means, {Factor::SO2}).aqi, std::nullopt);
  EXPECT_EQ(hourly(k2026, {}, {kSixPollutants.begin(), kSixPollutants.end()}).aqi, std::nullopt);
}

TEST(HourlyAqi, AnExemptItemThatIsThereCountsAllTheSame) {
  EXPECT_EQ(hourly(k2026, {ug(30), ug(250), ug(10), ug(40), mg(1), ug(40)}, {Factor::PM10}).aqi, 150);
}

TEST(AqiReport, CleanestAirIs0In2012And1In2026) {
  const Means clean = {ug(0), ug(0), ug(0), ug(0), ug(0), ug(0)};
  for (const AqiReport report : kReports) {
    const AqiInputs in{.h1 = clean, .h24 = clean, .o3_8h = ug(0)};
    EXPECT_EQ(aqi(k2012, report, in, {}).aqi, 0);
    EXPECT_EQ(aqi(k2026, report, in, {}).aqi, 1);
    EXPECT_TRUE(aqi(k2026, report, in, {}).primary.empty());
  }
}

TEST(AqiReport, NeverPasses500) {
  for (const AqiReport report : kReports) {
    const AqiInputs in{.h1 = {ug(900), ug(2000), ug(10), ug(40), mg(1), ug(40)},
                       .h24 = {ug(900), ug(2000), ug(10), ug(40), mg(1), ug(40)},
                       .o3_8h = ug(40)};
    for (const AqiEdition* edition : {&k2012, &k2026}) {
      const AqiResult r = aqi(*edition, report, in, {});
      EXPECT_EQ(r.aqi, 500);
      EXPECT_EQ(r.primary, (std::vector{Factor::PM25, Factor::PM10}));
    }
  }
}

TEST(HourlyAqi, APollutantWithoutAnItemIsNotPartOfTheReport) {
  AqiEdition without_co = k2026;
  std::erase_if(without_co.items, [](const AqiItem& i) { return i.factor == Factor::CO; });
  const AqiResult r = hourly(without_co, {ug(30), ug(10), ug(10), ug(40), mg(100), ug(40)});
  EXPECT_EQ(r.aqi, 43);
  EXPECT_EQ(r.sub_indices.size(), 5U);
}

TEST(AqiReport, TheEditionChangesWithTheWindowsLastInstant) {
  const auto rules = test_rules_with_windows();
  const EventTime change = beijing_midnight(2026, 3, 1);
  const Means means = {ug(75), ug(150), ug(10), ug(40), mg(1), ug(40)};
  const AqiInputs in{.h1 = means, .h24 = means, .o3_8h = ug(40)};
  for (const AqiReport report : kReports) {
    // A window that ends at midnight belongs to the day before; one that ends an hour later is the new edition's, also
    // where 23 of its 24 hours were before.
    const auto index = [&](EventTime end) {
      return aqi(*rules->edition(last_instant({end - kHour, end})), report, in, {}).aqi;
    };
    EXPECT_EQ(index(change), 100);
    EXPECT_EQ(index(change + kHour), 114);
  }
}

// ---- levels ------------------------------------------------------------------------------------------------------

TEST(AqiLevels, ChangeJustAboveTheirLastIndex) {
  const std::tuple<int, int, int> levels[] = {{1, 0, 50},    {2, 51, 100},  {3, 101, 150},
                                              {4, 151, 200}, {5, 201, 300}, {6, 301, 500}};
  for (const auto& [number, first, last] : levels) {
    EXPECT_EQ(aqi_level(first).number, number);
    EXPECT_EQ(aqi_level(last).number, number);
  }
}

TEST(AqiLevels, HaveTheNamesAndColoursOfAnnexA) {
  EXPECT_EQ(aqi_level(1).name_zh, "一级");
  EXPECT_EQ(aqi_level(50).category_zh, "优");
  EXPECT_EQ(aqi_level(50).rgb, "#00E400");
  EXPECT_EQ(aqi_level(100).category_zh, "良");
  EXPECT_EQ(aqi_level(100).rgb, "#FFFF00");
  EXPECT_EQ(aqi_level(150).category_zh, "轻度污染");
  EXPECT_EQ(aqi_level(150).rgb, "#FF7E00");
  EXPECT_EQ(aqi_level(200).category_zh, "中度污染");
  EXPECT_EQ(aqi_level(200).rgb, "#FF0000");
  EXPECT_EQ(aqi_level(300).category_zh, "重度污染");
  EXPECT_EQ(aqi_level(300).rgb, "#99004C");
  EXPECT_EQ(aqi_level(301).category_zh, "严重污染");
  EXPECT_EQ(aqi_level(500).name_zh, "六级");
  EXPECT_EQ(aqi_level(500).category_en, "severely polluted");
  EXPECT_EQ(aqi_level(500).colour_en, "maroon");
  EXPECT_EQ(aqi_level(500).rgb, "#7E0023");
}

TEST(AqiLevels, AGoodDayIsAtMost100) {
  EXPECT_TRUE(good_day(0));
  EXPECT_TRUE(good_day(100));
  EXPECT_FALSE(good_day(101));
}

TEST(AqiLevelsDeathTest, AnIndexThatCannotBeHasNoLevel) {
  EXPECT_DEATH(aqi_level(501), "bug");
  EXPECT_DEATH(aqi_level(-1), "bug");
}

}  // namespace
}  // namespace qc::core
