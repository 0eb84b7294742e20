// Which edition, which limit and which class of area judge a window that is longer than an hour, and what exceeds.
// Expected numbers are worked by hand.
#include <gtest/gtest.h>

#include "core/reading_stage_windows_fixture.h"

namespace qc::core {
namespace {

const EventTime kMarch10 = beijing_midnight(2026, 3, 10);

// HJ 633-2026 and GB 3095-2026 hold for windows whose last instant lies in March: of two running 24 h windows that
// share 23 hours, one is judged by the edition of 2012 and one by that of 2026.
TEST(WindowsLimits, TheEditionChangesInsideARunning24hWindow) {
  const EventTime change = beijing_midnight(2026, 3, 1);
  WindowsRun run(windows_rules({Factor::PM25}), change - kDayLong * 2);
  run.send(Factor::PM25, change - kDayLong * 2, 72, ug(70));
  for (EventTime t = change - kDayLong * 2 + kHour; t <= change + kDayLong; t += kHour) run.close(t);
  struct Case {
    EventTime end;
    int index;
    std::string_view clause;
  };
  // 2012: 50 + 50 * (70 - 35) / (75 - 35) = 93.75; 2026: 100 + 50 * (70 - 60) / (115 - 60) = 109.09.
  for (const Case& c :
       {Case{change - kHour, 94, "HJ 633-2012 table 1"}, Case{change, 94, "HJ 633-2012 table 1"},
        Case{change + kHour, 110, "HJ 633-2026 table 3"}, Case{change + kDayLong, 110, "HJ 633-2026 table 3"}}) {
    for (const auto& [factor, window] : {std::pair{Factor::AQI, Window::H24}, std::pair{Factor::AQI_PM24, Window::H1},
                                         std::pair{Factor::AQI, Window::H1}}) {
      ASSERT_WINDOW(m, run, factor, window, c.end);
      EXPECT_EQ(m->value, ug(c.index)) << name(factor) << ' ' << name(window) << " until " << to_iso(c.end);
      EXPECT_EQ(m->clause, c.clause);
      EXPECT_EQ(m->primary, std::vector<Factor>{Factor::PM25});
    }
  }
  ASSERT_WINDOW(february, run, Factor::PM25, Window::Day, change);
  ASSERT_TRUE(february->limit.has_value());
  EXPECT_EQ(*february->limit, ug(75));
  EXPECT_FALSE(february->exceeds);
  EXPECT_EQ(february->clause, "GB 3095-2012 table 1");
  ASSERT_WINDOW(march, run, Factor::PM25, Window::Day, change + kDayLong);
  EXPECT_EQ(*march->limit, ug(60));
  EXPECT_TRUE(march->exceeds);
  EXPECT_EQ(march->multiple, 17) << "(70 - 60) / 60 = 0.1667";
  EXPECT_EQ(march->clause, "GB 3095-2026 table 1");
  ASSERT_WINDOW(index_2012, run, Factor::AQI, Window::Day, change);
  EXPECT_EQ(index_2012->value, ug(94));
  ASSERT_WINDOW(index_2026, run, Factor::AQI, Window::Day, change + kDayLong);
  EXPECT_EQ(index_2026->value, ug(110));
}

// The limits are compared with the whole value, not with one rounded for showing; the multiple is rounded half to even.
TEST(WindowsLimits, ADayExceedsFromTheFirstPicogramAboveItsLimit) {
  struct Case {
    Factor factor;
    Concentration value;
    bool exceeds;
    int multiple;
  };
  for (const Case& c :
       {Case{Factor::PM25, ug(60), false, 0}, Case{Factor::PM25, {ug(60).pg + 1}, true, 0},
        Case{Factor::PM25, ug(90), true, 50}, Case{Factor::PM10, ug(120), false, 0},
        Case{Factor::PM10, {ug(120).pg + 600'000}, true, 0}, Case{Factor::PM10, {ug(120).pg + 1'800'000}, true, 2},
        Case{Factor::CO, mg(4), false, 0}, Case{Factor::CO, {mg(4).pg + mg(1).pg / 10}, true, 2}}) {
    WindowsRun run(windows_rules({c.factor}), kMarch10);
    run.day(c.factor, kMarch10, c.value);
    ASSERT_WINDOW(m, run, c.factor, Window::Day, kMarch10 + kDayLong);
    EXPECT_EQ(m->exceeds, c.exceeds) << name(c.factor) << ' ' << c.value.pg;
    EXPECT_EQ(m->multiple, c.multiple) << name(c.factor) << ' ' << c.value.pg;
    ASSERT_WINDOW(rolling, run, c.factor, Window::H24, kMarch10 + kDayLong);
    EXPECT_FALSE(rolling->exceeds) << "only the natural day is judged by law";
  }
}

TEST(WindowsLimits, ADayWithTooFewHoursOrStillRunningExceedsNothing) {
  WindowsRun run(windows_rules({Factor::PM25}), kMarch10);
  run.send(Factor::PM25, kMarch10, 19, ug(900));
  run.close(kMarch10 + kHour * 19);
  ASSERT_WINDOW(running, run, Factor::PM25, Window::Day, kMarch10 + kDayLong);
  EXPECT_EQ(running->status, Status::Running);
  EXPECT_FALSE(running->exceeds);
  run.close(kMarch10 + kDayLong);
  ASSERT_WINDOW(closed, run, Factor::PM25, Window::Day, kMarch10 + kDayLong);
  EXPECT_EQ(closed->status, Status::Closed);
  EXPECT_FALSE(closed->valid);
  EXPECT_FALSE(closed->exceeds);
}

TEST(WindowsLimits, TheAreasClassIsThatOfTheLastInstant) {
  auto rules = windows_rules({Factor::PM25, Factor::O3});
  rules->sites["S1"].classes = {{{kMarch10, EventTime::max()}, AreaClass::Class1}};
  WindowsRun run(rules, kMarch10 - kDayLong);
  for (const Factor f : {Factor::PM25, Factor::O3}) run.send(f, kMarch10 - kDayLong, 48, ug(50));
  run.close(kMarch10 + kDayLong);
  struct Case {
    Factor factor;
    Window window;
    EventTime end;
    Concentration limit;
  };
  for (const Case& c :
       {Case{Factor::PM25, Window::Day, kMarch10, ug(60)}, Case{Factor::PM25, Window::Day, kMarch10 + kDayLong, ug(35)},
        Case{Factor::O3, Window::Mda8, kMarch10, ug(160)}, Case{Factor::O3, Window::Mda8, kMarch10 + kDayLong, ug(100)},
        Case{Factor::O3, Window::H1, kMarch10, ug(200)}, Case{Factor::O3, Window::H1, kMarch10 + kHour, ug(160)}}) {
    ASSERT_WINDOW(m, run, c.factor, c.window, c.end);
    ASSERT_TRUE(m->limit.has_value()) << name(c.factor) << name(c.window);
    EXPECT_EQ(*m->limit, c.limit) << name(c.factor) << ' ' << name(c.window) << ' ' << to_iso(c.end);
    EXPECT_EQ(m->exceeds, ug(50) > c.limit);
  }
}

// HJ 633-2012: the daily report has the greatest 1 h ozone as an item of its own; HJ 633-2026 has not.
TEST(WindowsLimits, OnlyTheDayOf2012CountsTheGreatestHourOfOzone) {
  struct Case {
    EventTime day;
    bool published;
    std::vector<int> ozone;
  };
  for (const Case& c : {Case{beijing_midnight(2025, 6, 10), true, {47}}, Case{kMarch10, false, {}}}) {
    WindowsRun run(windows_rules({Factor::O3, Factor::PM25}), c.day);
    // Three hours missing in a row leave 11 valid 8 h means: no MDA8, though the day has 21 hours.
    std::vector<Concentration> hours(24, ug(20));
    std::fill(hours.begin() + 6, hours.begin() + 9, kMissing);
    hours[20] = ug(150);
    run.send(Factor::O3, c.day, hours);
    run.send(Factor::PM25, c.day, 24, ug(14));
    run.close(c.day + kDayLong);
    ASSERT_WINDOW(mda8, run, Factor::O3, Window::Mda8, c.day + kDayLong);
    ASSERT_FALSE(mda8->valid);
    EXPECT_EQ(mda8->count, 11);
    ASSERT_WINDOW(m, run, Factor::AQI, Window::Day, c.day + kDayLong);
    EXPECT_EQ(m->valid, c.published);
    std::vector<int> ozone;
    for (const SubIndex& s : m->sub_indices) {
      if (s.factor == Factor::O3) ozone.push_back(s.iaqi);
    }
    EXPECT_EQ(ozone, c.ozone) << "50 * 150 / 160 = 46.875";
  }
}

}  // namespace
}  // namespace qc::core
