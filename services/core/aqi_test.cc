// One item's index. Every break point from both sides: aqi_break_points_test.cc; the reports: aqi_report_test.cc.
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

}  // namespace
}  // namespace qc::core
