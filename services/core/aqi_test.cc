#include "core/aqi.h"

#include <gtest/gtest.h>

#include <random>

#include "core/testing.h"

namespace qc::core {
namespace {

const AqiEdition k2012 = fixture::edition(false);
const AqiEdition k2026 = fixture::edition(true);

const AqiItem& item(const AqiEdition& edition, Factor factor, Window window) {
  for (const AqiItem& i : edition.items) {
    if (i.factor == factor && i.window == window) return i;
  }
  ADD_FAILURE() << "no table for " << name(factor) << " " << name(window);
  return edition.items.front();
}

std::optional<int> pm25(const AqiEdition& edition, Concentration c) {
  return iaqi(edition, item(edition, Factor::PM25, Window::H24), c);
}
std::optional<int> pm10(const AqiEdition& edition, Concentration c) {
  return iaqi(edition, item(edition, Factor::PM10, Window::H24), c);
}

// The smallest step that the edition sees of this item.
Concentration step(const AqiEdition& edition, const AqiItem& i) {
  if (!edition.round_input) return {1};
  return i.factor == Factor::CO ? ug(100) : ug(1);
}

TEST(Iaqi, EveryBreakPointIsMetFromBothSides) {
  for (const AqiEdition* edition : {&k2012, &k2026}) {
    for (const AqiItem& i : edition->items) {
      for (std::size_t n = 0; n < i.concentrations.size(); ++n) {
        const Concentration at = i.concentrations[n];
        const int index = edition->iaqi[n];
        const std::string where = edition->clause + " " + std::string(name(i.factor)) + " " +
                                  std::string(name(i.window)) + " " + std::to_string(index);
        EXPECT_EQ(iaqi(*edition, i, at), index) << where;
        const Concentration below{at.pg - step(*edition, i).pg};
        const Concentration above{at.pg + step(*edition, i).pg};
        // Rounding up: a hair below still has this index at most, a hair above has more.
        if (n > 0) {
          const auto value = iaqi(*edition, i, below);
          ASSERT_TRUE(value.has_value()) << where;
          EXPECT_LE(*value, index) << where;
          EXPECT_GT(*value, edition->iaqi[n - 1]) << where;
          if (!edition->round_input) {
            EXPECT_EQ(*value, index) << where;
          }
        }
        if (n + 1 < i.concentrations.size()) {
          const auto value = iaqi(*edition, i, above);
          ASSERT_TRUE(value.has_value()) << where;
          EXPECT_GT(*value, index) << where;
          if (!edition->round_input) {
            EXPECT_EQ(*value, index + 1) << where;
          }
        }
      }
    }
  }
}

TEST(Iaqi, WorkedValuesOfThe2026Edition) {
  const std::pair<int, int> fine[] = {{35, 50},   {36, 52},   {60, 100},  {61, 101},  {75, 114},  {115, 150},
                                      {116, 152}, {150, 200}, {151, 201}, {250, 300}, {251, 301}, {350, 400}};
  for (const auto& [c, index] : fine) EXPECT_EQ(pm25(k2026, ug(c)), index) << c;
  const std::pair<int, int> coarse[] = {{50, 50},   {51, 51},   {120, 100}, {121, 101}, {150, 112},
                                        {250, 150}, {350, 200}, {351, 202}, {420, 300}, {421, 302}};
  for (const auto& [c, index] : coarse) EXPECT_EQ(pm10(k2026, ug(c)), index) << c;
}

TEST(Iaqi, TheNodeAt100IsWhatChangedIn2026) {
  EXPECT_EQ(pm25(k2012, ug(75)), 100);
  EXPECT_EQ(pm25(k2026, ug(75)), 114);
  EXPECT_EQ(pm10(k2012, ug(150)), 100);
  EXPECT_EQ(pm10(k2026, ug(150)), 112);
  for (const int c : {115, 150, 250, 350, 500}) EXPECT_EQ(pm25(k2012, ug(c)), pm25(k2026, ug(c))) << c;
  for (const int c : {250, 350, 420, 500, 600}) EXPECT_EQ(pm10(k2012, ug(c)), pm10(k2026, ug(c))) << c;
}

TEST(Iaqi, Only2026RoundsItsInputHalfToEven) {
  const Concentration half_up_to_60{60'500'000};
  EXPECT_EQ(pm25(k2026, half_up_to_60), 100);
  EXPECT_EQ(pm25(k2026, {60'500'001}), 101);
  EXPECT_EQ(pm25(k2026, {61'500'000}), pm25(k2026, ug(62)));
  EXPECT_EQ(pm25(k2012, {35'000'001}), 51);
  EXPECT_EQ(pm25(k2026, {35'000'001}), 50);
  const AqiItem& co = item(k2026, Factor::CO, Window::H1);
  EXPECT_EQ(iaqi(k2026, co, ug(5050)), 50);  // 5.05 mg/m3 is 5.0 by GB/T 8170
  EXPECT_EQ(iaqi(k2026, co, ug(5150)), 52);  // 5.15 is 5.2
  EXPECT_EQ(iaqi(k2012, item(k2012, Factor::CO, Window::H1), ug(5050)), 51);
}

TEST(Iaqi, AboveTheLastBreakPointFullTablesStayAt500) {
  for (const AqiEdition* edition : {&k2012, &k2026}) {
    EXPECT_EQ(pm25(*edition, ug(501)), 500);
    EXPECT_EQ(pm10(*edition, ug(1000)), 500);
    EXPECT_EQ(iaqi(*edition, item(*edition, Factor::O3, Window::H1), ug(1200)), 500);
    EXPECT_EQ(iaqi(*edition, item(*edition, Factor::O3, Window::H1), ug(1201)), 500);
    EXPECT_EQ(pm25(*edition, {kConcentrationMax}), 500);
  }
}

TEST(Iaqi, AboveAShortTable2012HasNoneAnd2026Holds) {
  const auto so2 = [](const AqiEdition& e, Concentration c) { return iaqi(e, item(e, Factor::SO2, Window::H1), c); };
  EXPECT_EQ(so2(k2012, ug(800)), 200);
  EXPECT_EQ(so2(k2012, {ug(800).pg + 1}), std::nullopt);
  EXPECT_EQ(so2(k2026, ug(801)), 200);
  EXPECT_EQ(so2(k2026, ug(5000)), 200);
  const auto o3 = [](const AqiEdition& e, Concentration c) { return iaqi(e, item(e, Factor::O3, Window::H8), c); };
  EXPECT_EQ(o3(k2012, ug(801)), std::nullopt);
  EXPECT_EQ(o3(k2026, ug(801)), 300);
}

TEST(Iaqi, ANegativeConcentrationHasNone) {
  EXPECT_EQ(pm25(k2012, {-1}), std::nullopt);
  EXPECT_EQ(pm25(k2012, {0}), 0);
}

TEST(Iaqi, NeverFallsWhenTheConcentrationRises) {
  std::mt19937_64 random(633);
  for (const AqiEdition* edition : {&k2012, &k2026}) {
    for (const AqiItem& i : edition->items) {
      const std::int64_t top = i.concentrations.back().pg;
      std::uniform_int_distribution<std::int64_t> values(0, top);
      for (int n = 0; n < 2000; ++n) {
        const auto [low, high] = std::minmax({values(random), values(random)});
        ASSERT_LE(*iaqi(*edition, i, {low}), *iaqi(*edition, i, {high})) << name(i.factor) << " " << low << " " << high;
      }
    }
  }
}

TEST(Iaqi, EqualsTheFormulaInExactFractions) {
  // Independent of the implementation: the least integer index whose line value is not below the concentration.
  std::mt19937_64 random(3095);
  for (const AqiItem& i : k2012.items) {
    std::uniform_int_distribution<std::int64_t> values(1, i.concentrations.back().pg);
    for (int n = 0; n < 500; ++n) {
      const std::int64_t c = values(random);
      std::size_t high = 1;
      while (i.concentrations[high].pg < c) ++high;
      const std::int64_t bp_low = i.concentrations[high - 1].pg;
      const std::int64_t bp_high = i.concentrations[high].pg;
      int least = k2012.iaqi[high - 1];
      while ((least - k2012.iaqi[high - 1]) * (bp_high - bp_low) <
             (k2012.iaqi[high] - k2012.iaqi[high - 1]) * (c - bp_low)) {
        ++least;
      }
      ASSERT_EQ(iaqi(k2012, i, {c}), least) << name(i.factor) << " " << c;
    }
  }
}

using Means = std::array<std::optional<Concentration>, kSixPollutants.size()>;  // PM2.5 PM10 SO2 NO2 CO O3

AqiResult hourly(const AqiEdition& edition, const Means& means, std::vector<Factor> exempt = {}) {
  return hourly_aqi(edition, means, exempt);
}

TEST(HourlyAqi, IsTheGreatestOfTheSixWithItsPollutant) {
  const AqiResult r = hourly(k2012, {ug(163), ug(241), ug(18), ug(61), ug(1900), ug(14)});
  EXPECT_EQ(r.aqi, 213);  // PM2.5: 200 + 13 * 100 / 100
  EXPECT_EQ(r.primary, std::vector{Factor::PM25});
  ASSERT_EQ(r.sub_indices.size(), 6U);
  const int expected[] = {213, 146, 6, 31, 19, 5};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(r.sub_indices[i].factor, kSixPollutants[i]);
    EXPECT_EQ(r.sub_indices[i].iaqi, expected[i]) << name(kSixPollutants[i]);
  }
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
  const AqiResult r = hourly(k2012, {std::nullopt, std::nullopt, std::nullopt, ug(40), std::nullopt, std::nullopt});
  EXPECT_EQ(r.aqi, 20);
  EXPECT_EQ(r.sub_indices.size(), 1U);
  EXPECT_EQ(hourly(k2012, {}).aqi, std::nullopt);
}

TEST(HourlyAqi, In2026AnIncompleteHourIsPublishedOnlyAbove100) {
  const AqiResult at = hourly(k2026, {ug(60), std::nullopt, ug(10), ug(40), mg(1), ug(40)});
  EXPECT_EQ(at.aqi, std::nullopt);
  EXPECT_TRUE(at.primary.empty());
  EXPECT_EQ(at.sub_indices.size(), 5U);  // single indices are published all the same
  const AqiResult above = hourly(k2026, {ug(61), std::nullopt, ug(10), ug(40), mg(1), ug(40)});
  EXPECT_EQ(above.aqi, 101);
  EXPECT_EQ(above.primary, std::vector{Factor::PM25});
  EXPECT_EQ(hourly(k2026, {}).aqi, std::nullopt);
}

TEST(HourlyAqi, AnExemptItemMayBeMissing) {
  const Means means = {ug(30), std::nullopt, ug(10), ug(40), mg(1), ug(40)};
  EXPECT_EQ(hourly(k2026, means, {Factor::PM10}).aqi, 43);
  EXPECT_EQ(hourly(k2026, means, {Factor::SO2}).aqi, std::nullopt);
  EXPECT_EQ(hourly(k2026, {}, {kSixPollutants.begin(), kSixPollutants.end()}).aqi, std::nullopt);
}

TEST(HourlyAqi, CleanestAirIs0In2012And1In2026) {
  const Means clean = {ug(0), ug(0), ug(0), ug(0), ug(0), ug(0)};
  EXPECT_EQ(hourly(k2012, clean).aqi, 0);
  EXPECT_EQ(hourly(k2026, clean).aqi, 1);
}

TEST(HourlyAqi, SulphurDioxideAboveItsTableLeavesOrHolds) {
  const Means means = {ug(35), ug(50), ug(900), ug(10), mg(1), ug(40)};
  const AqiResult before = hourly(k2012, means);
  EXPECT_EQ(before.aqi, 50);
  EXPECT_EQ(before.sub_indices.size(), 5U);
  const AqiResult now = hourly(k2026, means);
  EXPECT_EQ(now.aqi, 200);
  EXPECT_EQ(now.primary, std::vector{Factor::SO2});
  // In 2012 with nothing else there, no index remains.
  EXPECT_EQ(hourly(k2012, {std::nullopt, std::nullopt, ug(900), std::nullopt, std::nullopt, std::nullopt}).aqi,
            std::nullopt);
}

TEST(HourlyAqi, NeverPasses500) {
  const AqiResult r = hourly(k2026, {ug(900), ug(2000), ug(10), ug(40), mg(1), ug(40)});
  EXPECT_EQ(r.aqi, 500);
  EXPECT_EQ(r.primary, (std::vector{Factor::PM25, Factor::PM10}));
}

}  // namespace
}  // namespace qc::core
