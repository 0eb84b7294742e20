#include "core/good_day.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/aqi.h"
#include "core/testing.h"

namespace qc::core {
namespace {

const EventTime kDay2013 = beijing_midnight(2013, 12, 1);
const EventTime kDay2026 = beijing_midnight(2026, 7, 1);

// A site of one series with the given hours, in ug/m3; negative: none.
Site site(Factor factor, EventTime day, std::initializer_list<double> hours) {
  Site s;
  s.column_of(factor, day);
  Day& d = s.history.make_day(day);
  std::size_t h = 0;
  for (const double v : hours) {
    d.column(0).mean[h++] = v < 0 ? Day::kNone : static_cast<std::int64_t>(v * 1e6);
  }
  return s;
}

std::optional<Concentration> rest(Factor factor, EventTime day, std::initializer_list<double> hours) {
  return remaining_mean(*test_rules_with_windows(), site(factor, day, hours), day, 0, static_cast<int>(hours.size()));
}

TEST(GoodDay, WhatIsLeftOfTheLimitIsSharedByTheHoursThatRemain) {
  // IAQI 100 of PM2.5 in 2012 is 75 ug/m3, not rounded: (75 * 24 - 6 * 150) / 18.
  EXPECT_EQ(rest(Factor::PM25, kDay2013, {150, 150, 150, 150, 150, 150}), ug(50));
  EXPECT_EQ(rest(Factor::PM25, kDay2013, {}), ug(75));
  // 2026: 60, and the day's mean is rounded half to even first, so that 60.5 is still 60.
  EXPECT_EQ(rest(Factor::PM25, kDay2026, {}), Concentration{60'500'000});
  // (60.5 * 24 - 6 * 100) / 18, and as much more as the day's mean rounds away.
  EXPECT_EQ(rest(Factor::PM25, kDay2026, {100, 100, 100, 100, 100, 100}), Concentration{47'333'334});
}

TEST(GoodDay, AMissingHourSharesNothing) {
  EXPECT_EQ(rest(Factor::PM25, kDay2013, {150, -1, 150, -1, 150, -1}),
            Concentration{(75'000'000L * 21 - 450'000'000L) / 18});
}

TEST(GoodDay, ALostDayHasNoRest) {
  EXPECT_EQ(rest(Factor::PM25, kDay2013, {700, 700, 700}), std::nullopt);  // 2100 of 1800
  EXPECT_TRUE(rest(Factor::PM25, kDay2013, {600, 600, 600}).has_value());
}

TEST(GoodDay, OzoneIsAllowedByItsWorstEightHours) {
  // 160 ug/m3 over 8 h: hours 8 .. 15 hold 200 each up to now (hour 12), so 120 in the four that follow.
  const auto so_far = {50., 50., 50., 50., 50., 50., 50., 50., 200., 200., 200., 200.};
  const auto allowed = rest(Factor::O3, kDay2013, so_far);
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed->pg, 120'000'001);  // 4 pg in 8 hours are half a picogram of their mean: to the even one, 160
}

TEST(GoodDay, WhatIsNoItemHasNone) {
  EXPECT_EQ(rest(Factor::TSP, kDay2013, {}), std::nullopt);
}

// The greatest one, and no greater: by trying both, over days that differ in everything.
TEST(GoodDay, APicogramMoreLosesTheDay) {
  std::mt19937_64 r(1);
  for (int n = 0; n < 300; ++n) {
    const EventTime day = n % 2 == 0 ? kDay2013 : kDay2026;
    const Factor factor = kSixPollutants[r() % kSixPollutants.size()];
    Site s = site(factor, day, {});
    const int over = static_cast<int>(r() % 24);
    auto& mean = s.history.days.front().column(0).mean;
    for (int h = 0; h < over; ++h)
      mean[static_cast<std::size_t>(h)] = r() % 5 == 0 ? Day::kNone : static_cast<std::int64_t>(r() % 120'000'000);
    const auto rules = test_rules_with_windows();
    const auto allowed = remaining_mean(*rules, s, day, 0, over);
    if (!allowed || allowed->pg == kConcentrationMax) continue;
    const auto index = [&](std::int64_t pg) {
      for (int h = over; h < 24; ++h) mean[static_cast<std::size_t>(h)] = pg;
      std::int64_t sum = 0;
      std::int64_t count = 0;
      std::int64_t best = -1;
      std::int64_t highest = 0;
      for (std::size_t h = 0; h < 24; ++h) {
        if (mean[h] == Day::kNone) continue;
        sum += mean[h];
        ++count;
        highest = std::max(highest, mean[h]);
      }
      for (std::size_t end = 8; end <= 24; ++end) {
        std::int64_t eight = 0;
        std::int64_t valid = 0;
        for (std::size_t h = end - 8; h < end; ++h) {
          if (mean[h] == Day::kNone) continue;
          eight += mean[h];
          ++valid;
        }
        if (valid >= 6) best = std::max(best, divide_half_even(eight, valid));
      }
      const AqiEdition& edition = *rules->edition(day);
      int worst = 0;
      for (const AqiItem& item : edition.items) {
        if (item.factor != factor) continue;
        if (item.window == Window::H24)
          worst = std::max(worst, iaqi(edition, item, {divide_half_even(sum, count)}).value());
        if (item.window == Window::H8 && best >= 0) worst = std::max(worst, iaqi(edition, item, {best}).value());
        if (item.window == Window::H1 && factor == Factor::O3 && edition.day_o3_1h)
          worst = std::max(worst, iaqi(edition, item, {highest}).value());
      }
      return worst;
    };
    EXPECT_LE(index(allowed->pg), 100) << name(factor) << ' ' << over;
    EXPECT_GT(index(allowed->pg + 1), 100) << name(factor) << ' ' << over << ' ' << allowed->pg;
  }
}

}  // namespace
}  // namespace qc::core
