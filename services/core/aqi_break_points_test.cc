// Every break point of every item of both editions of HJ 633, from both sides. The expected indices were worked out in
// exact fractions from the standards' text, apart from this program.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "core/aqi.h"
#include "core/testing.h"

namespace qc::core {
namespace {

constexpr int kNone = -1;

// Indices at and around one break point. A unit is what the edition of 2026 rounds to: 1 ug/m3, of CO 0.1 mg/m3.
struct Row {
  Factor factor;
  Window window;
  int ug;  // the break point
  int unit_below;
  int pg_below;
  int at;
  int pg_above;
  int half_unit_above;
  int unit_above;
};

// HJ 633-2012 table 1: the concentration enters as it is. Of SO2 1 h and O3 8 h above 800 these items say nothing.
constexpr auto k2012 = std::to_array<Row>({
    {Factor::PM25, Window::H24, 0, kNone, kNone, 0, 1, 1, 2},
    {Factor::PM25, Window::H24, 35, 49, 50, 50, 51, 51, 52},
    {Factor::PM25, Window::H24, 75, 99, 100, 100, 101, 101, 102},
    {Factor::PM25, Window::H24, 115, 149, 150, 150, 151, 151, 152},
    {Factor::PM25, Window::H24, 150, 199, 200, 200, 201, 201, 201},
    {Factor::PM25, Window::H24, 250, 299, 300, 300, 301, 301, 301},
    {Factor::PM25, Window::H24, 350, 399, 400, 400, 401, 401, 401},
    {Factor::PM25, Window::H24, 500, 500, 500, 500, 500, 500, 500},
    {Factor::PM10, Window::H24, 0, kNone, kNone, 0, 1, 1, 1},
    {Factor::PM10, Window::H24, 50, 49, 50, 50, 51, 51, 51},
    {Factor::PM10, Window::H24, 150, 100, 100, 100, 101, 101, 101},
    {Factor::PM10, Window::H24, 250, 150, 150, 150, 151, 151, 151},
    {Factor::PM10, Window::H24, 350, 200, 200, 200, 201, 201, 202},
    {Factor::PM10, Window::H24, 420, 299, 300, 300, 301, 301, 302},
    {Factor::PM10, Window::H24, 500, 399, 400, 400, 401, 401, 401},
    {Factor::PM10, Window::H24, 600, 499, 500, 500, 500, 500, 500},
    {Factor::SO2, Window::H24, 0, kNone, kNone, 0, 1, 1, 1},
    {Factor::SO2, Window::H24, 50, 49, 50, 50, 51, 51, 51},
    {Factor::SO2, Window::H24, 150, 100, 100, 100, 101, 101, 101},
    {Factor::SO2, Window::H24, 475, 150, 150, 150, 151, 151, 151},
    {Factor::SO2, Window::H24, 800, 200, 200, 200, 201, 201, 201},
    {Factor::SO2, Window::H24, 1600, 300, 300, 300, 301, 301, 301},
    {Factor::SO2, Window::H24, 2100, 400, 400, 400, 401, 401, 401},
    {Factor::SO2, Window::H24, 2620, 500, 500, 500, 500, 500, 500},
    {Factor::SO2, Window::H1, 0, kNone, kNone, 0, 1, 1, 1},
    {Factor::SO2, Window::H1, 150, 50, 50, 50, 51, 51, 51},
    {Factor::SO2, Window::H1, 500, 100, 100, 100, 101, 101, 101},
    {Factor::SO2, Window::H1, 650, 150, 150, 150, 151, 151, 151},
    {Factor::SO2, Window::H1, 800, 200, 200, 200, kNone, kNone, kNone},
    {Factor::NO2, Window::H24, 0, kNone, kNone, 0, 1, 1, 2},
    {Factor::NO2, Window::H24, 40, 49, 50, 50, 51, 51, 52},
    {Factor::NO2, Window::H24, 80, 99, 100, 100, 101, 101, 101},
    {Factor::NO2, Window::H24, 180, 150, 150, 150, 151, 151, 151},
    {Factor::NO2, Window::H24, 280, 200, 200, 200, 201, 201, 201},
    {Factor::NO2, Window::H24, 565, 300, 300, 300, 301, 301, 301},
    {Factor::NO2, Window::H24, 750, 400, 400, 400, 401, 401, 401},
    {Factor::NO2, Window::H24, 940, 500, 500, 500, 500, 500, 500},
    {Factor::NO2, Window::H1, 0, kNone, kNone, 0, 1, 1, 1},
    {Factor::NO2, Window::H1, 100, 50, 50, 50, 51, 51, 51},
    {Factor::NO2, Window::H1, 200, 100, 100, 100, 101, 101, 101},
    {Factor::NO2, Window::H1, 700, 150, 150, 150, 151, 151, 151},
    {Factor::NO2, Window::H1, 1200, 200, 200, 200, 201, 201, 201},
    {Factor::NO2, Window::H1, 2340, 300, 300, 300, 301, 301, 301},
    {Factor::NO2, Window::H1, 3090, 400, 400, 400, 401, 401, 401},
    {Factor::NO2, Window::H1, 3840, 500, 500, 500, 500, 500, 500},
    {Factor::CO, Window::H24, 0, kNone, kNone, 0, 1, 2, 3},
    {Factor::CO, Window::H24, 2000, 48, 50, 50, 51, 52, 53},
    {Factor::CO, Window::H24, 4000, 98, 100, 100, 101, 101, 101},
    {Factor::CO, Window::H24, 14000, 150, 150, 150, 151, 151, 151},
    {Factor::CO, Window::H24, 24000, 200, 200, 200, 201, 201, 201},
    {Factor::CO, Window::H24, 36000, 300, 300, 300, 301, 301, 301},
    {Factor::CO, Window::H24, 48000, 400, 400, 400, 401, 401, 401},
    {Factor::CO, Window::H24, 60000, 500, 500, 500, 500, 500, 500},
    {Factor::CO, Window::H1, 0, kNone, kNone, 0, 1, 1, 1},
    {Factor::CO, Window::H1, 5000, 49, 50, 50, 51, 51, 51},
    {Factor::CO, Window::H1, 10000, 99, 100, 100, 101, 101, 101},
    {Factor::CO, Window::H1, 35000, 150, 150, 150, 151, 151, 151},
    {Factor::CO, Window::H1, 60000, 200, 200, 200, 201, 201, 201},
    {Factor::CO, Window::H1, 90000, 300, 300, 300, 301, 301, 301},
    {Factor::CO, Window::H1, 120000, 400, 400, 400, 401, 401, 401},
    {Factor::CO, Window::H1, 150000, 500, 500, 500, 500, 500, 500},
    {Factor::O3, Window::H8, 0, kNone, kNone, 0, 1, 1, 1},
    {Factor::O3, Window::H8, 100, 50, 50, 50, 51, 51, 51},
    {Factor::O3, Window::H8, 160, 100, 100, 100, 101, 101, 101},
    {Factor::O3, Window::H8, 215, 150, 150, 150, 151, 151, 151},
    {Factor::O3, Window::H8, 265, 199, 200, 200, 201, 201, 201},
    {Factor::O3, Window::H8, 800, 300, 300, 300, kNone, kNone, kNone},
    {Factor::O3, Window::H1, 0, kNone, kNone, 0, 1, 1, 1},
    {Factor::O3, Window::H1, 160, 50, 50, 50, 51, 51, 52},
    {Factor::O3, Window::H1, 200, 99, 100, 100, 101, 101, 101},
    {Factor::O3, Window::H1, 300, 150, 150, 150, 151, 151, 151},
    {Factor::O3, Window::H1, 400, 200, 200, 200, 201, 201, 201},
    {Factor::O3, Window::H1, 800, 300, 300, 300, 301, 301, 301},
    {Factor::O3, Window::H1, 1000, 400, 400, 400, 401, 401, 401},
    {Factor::O3, Window::H1, 1200, 500, 500, 500, 500, 500, 500},
});

// HJ 633-2026 table 3: rounded half to even first, so that a picogram makes no difference, and half a unit only above
// an odd number (every break point of CO is even in tenths). SO2 1 h above 800 is 200, O3 8 h above 800 is 300.
constexpr auto k2026 = std::to_array<Row>({
    {Factor::PM25, Window::H24, 0, kNone, kNone, 0, 0, 0, 2},
    {Factor::PM25, Window::H24, 35, 49, 50, 50, 50, 52, 52},
    {Factor::PM25, Window::H24, 60, 98, 100, 100, 100, 100, 101},
    {Factor::PM25, Window::H24, 115, 150, 150, 150, 150, 152, 152},
    {Factor::PM25, Window::H24, 150, 199, 200, 200, 200, 200, 201},
    {Factor::PM25, Window::H24, 250, 299, 300, 300, 300, 300, 301},
    {Factor::PM25, Window::H24, 350, 399, 400, 400, 400, 400, 401},
    {Factor::PM25, Window::H24, 500, 500, 500, 500, 500, 500, 500},
    {Factor::PM10, Window::H24, 0, kNone, kNone, 0, 0, 0, 1},
    {Factor::PM10, Window::H24, 50, 49, 50, 50, 50, 50, 51},
    {Factor::PM10, Window::H24, 120, 100, 100, 100, 100, 100, 101},
    {Factor::PM10, Window::H24, 250, 150, 150, 150, 150, 150, 151},
    {Factor::PM10, Window::H24, 350, 200, 200, 200, 200, 200, 202},
    {Factor::PM10, Window::H24, 420, 299, 300, 300, 300, 300, 302},
    {Factor::PM10, Window::H24, 500, 399, 400, 400, 400, 400, 401},
    {Factor::PM10, Window::H24, 600, 499, 500, 500, 500, 500, 500},
    {Factor::SO2, Window::H24, 0, kNone, kNone, 0, 0, 0, 1},
    {Factor::SO2, Window::H24, 50, 49, 50, 50, 50, 50, 51},
    {Factor::SO2, Window::H24, 150, 100, 100, 100, 100, 100, 101},
    {Factor::SO2, Window::H24, 475, 150, 150, 150, 150, 151, 151},
    {Factor::SO2, Window::H24, 800, 200, 200, 200, 200, 200, 201},
    {Factor::SO2, Window::H24, 1600, 300, 300, 300, 300, 300, 301},
    {Factor::SO2, Window::H24, 2100, 400, 400, 400, 400, 400, 401},
    {Factor::SO2, Window::H24, 2620, 500, 500, 500, 500, 500, 500},
    {Factor::SO2, Window::H1, 0, kNone, kNone, 0, 0, 0, 1},
    {Factor::SO2, Window::H1, 150, 50, 50, 50, 50, 50, 51},
    {Factor::SO2, Window::H1, 500, 100, 100, 100, 100, 100, 101},
    {Factor::SO2, Window::H1, 650, 150, 150, 150, 150, 150, 151},
    {Factor::SO2, Window::H1, 800, 200, 200, 200, 200, 200, 200},
    {Factor::NO2, Window::H24, 0, kNone, kNone, 0, 0, 0, 2},
    {Factor::NO2, Window::H24, 40, 49, 50, 50, 50, 50, 52},
    {Factor::NO2, Window::H24, 80, 99, 100, 100, 100, 100, 101},
    {Factor::NO2, Window::H24, 180, 150, 150, 150, 150, 150, 151},
    {Factor::NO2, Window::H24, 280, 200, 200, 200, 200, 200, 201},
    {Factor::NO2, Window::H24, 565, 300, 300, 300, 300, 301, 301},
    {Factor::NO2, Window::H24, 750, 400, 400, 400, 400, 400, 401},
    {Factor::NO2, Window::H24, 940, 500, 500, 500, 500, 500, 500},
    {Factor::NO2, Window::H1, 0, kNone, kNone, 0, 0, 0, 1},
    {Factor::NO2, Window::H1, 100, 50, 50, 50, 50, 50, 51},
    {Factor::NO2, Window::H1, 200, 100, 100, 100, 100, 100, 101},
    {Factor::NO2, Window::H1, 700, 150, 150, 150, 150, 150, 151},
    {Factor::NO2, Window::H1, 1200, 200, 200, 200, 200, 200, 201},
    {Factor::NO2, Window::H1, 2340, 300, 300, 300, 300, 300, 301},
    {Factor::NO2, Window::H1, 3090, 400, 400, 400, 400, 400, 401},
    {Factor::NO2, Window::H1, 3840, 500, 500, 500, 500, 500, 500},
    {Factor::CO, Window::H24, 0, kNone, kNone, 0, 0, 0, 3},
    {Factor::CO, Window::H24, 2000, 48, 50, 50, 50, 50, 53},
    {Factor::CO, Window::H24, 4000, 98, 100, 100, 100, 100, 101},
    {Factor::CO, Window::H24, 14000, 150, 150, 150, 150, 150, 151},
    {Factor::CO, Window::H24, 24000, 200, 200, 200, 200, 200, 201},
    {Factor::CO, Window::H24, 36000, 300, 300, 300, 300, 300, 301},
    {Factor::CO, Window::H24, 48000, 400, 400, 400, 400, 400, 401},
    {Factor::CO, Window::H24, 60000, 500, 500, 500, 500, 500, 500},
    {Factor::CO, Window::H1, 0, kNone, kNone, 0, 0, 0, 1},
    {Factor::CO, Window::H1, 5000, 49, 50, 50, 50, 50, 51},
    {Factor::CO, Window::H1, 10000, 99, 100, 100, 100, 100, 101},
    {Factor::CO, Window::H1, 35000, 150, 150, 150, 150, 150, 151},
    {Factor::CO, Window::H1, 60000, 200, 200, 200, 200, 200, 201},
    {Factor::CO, Window::H1, 90000, 300, 300, 300, 300, 300, 301},
    {Factor::CO, Window::H1, 120000, 400, 400, 400, 400, 400, 401},
    {Factor::CO, Window::H1, 150000, 500, 500, 500, 500, 500, 500},
    {Factor::O3, Window::H8, 0, kNone, kNone, 0, 0, 0, 1},
    {Factor::O3, Window::H8, 100, 50, 50, 50, 50, 50, 51},
    {Factor::O3, Window::H8, 160, 100, 100, 100, 100, 100, 101},
    {Factor::O3, Window::H8, 215, 150, 150, 150, 150, 151, 151},
    {Factor::O3, Window::H8, 265, 199, 200, 200, 200, 201, 201},
    {Factor::O3, Window::H8, 800, 300, 300, 300, 300, 300, 300},
    {Factor::O3, Window::H1, 0, kNone, kNone, 0, 0, 0, 1},
    {Factor::O3, Window::H1, 160, 50, 50, 50, 50, 50, 52},
    {Factor::O3, Window::H1, 200, 99, 100, 100, 100, 100, 101},
    {Factor::O3, Window::H1, 300, 150, 150, 150, 150, 150, 151},
    {Factor::O3, Window::H1, 400, 200, 200, 200, 200, 200, 201},
    {Factor::O3, Window::H1, 800, 300, 300, 300, 300, 300, 301},
    {Factor::O3, Window::H1, 1000, 400, 400, 400, 400, 400, 401},
    {Factor::O3, Window::H1, 1200, 500, 500, 500, 500, 500, 500},
});

void expect_rows(const AqiEdition& edition, std::span<const Row> rows) {
  for (const Row& row : rows) {
    const auto item = std::find_if(edition.items.begin(), edition.items.end(),
                                   [&](const AqiItem& i) { return i.factor == row.factor && i.window == row.window; });
    ASSERT_NE(item, edition.items.end()) << name(row.factor) << ' ' << name(row.window);
    const std::int64_t unit = row.factor == Factor::CO ? 100 * kMillion : kMillion;
    const auto expect = [&](std::int64_t pg, int index, const char* where) {
      EXPECT_EQ(iaqi(edition, *item, {ug(row.ug).pg + pg}).value_or(kNone), index)
          << edition.clause << ' ' << name(row.factor) << ' ' << name(row.window) << ' ' << row.ug << ' ' << where;
    };
    expect(-unit, row.unit_below, "a unit below");
    expect(-1, row.pg_below, "a picogram below");
    expect(0, row.at, "at");
    expect(1, row.pg_above, "a picogram above");
    expect(unit / 2, row.half_unit_above, "half a unit above");
    expect(unit, row.unit_above, "a unit above");
  }
}

std::size_t break_points(const AqiEdition& edition) {
  std::size_t n = 0;
  for (const AqiItem& item : edition.items) n += item.concentrations.size();
  return n;
}

TEST(AqiBreakPoints, Of2012AreMetFromBothSides) {
  const AqiEdition edition = fixture::edition(false);
  EXPECT_EQ(break_points(edition), k2012.size());
  expect_rows(edition, k2012);
}

TEST(AqiBreakPoints, Of2012AreTheSameWhereAnotherItemSpeaksAboveAShortTable) {
  expect_rows(test_rules_with_windows()->editions.front(), k2012);
}

TEST(AqiBreakPoints, Of2026AreMetFromBothSides) {
  const AqiEdition edition = fixture::edition(true);
  EXPECT_EQ(break_points(edition), k2026.size());
  expect_rows(edition, k2026);
}

}  // namespace
}  // namespace qc::core
