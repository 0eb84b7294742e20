// The windows that are longer than an hour, clause by clause: how much data each needs, where it begins and ends, what
// months and years are made of. Expected numbers are worked by hand.
#include <gtest/gtest.h>

#include "core/reading_stage_windows_fixture.h"

namespace qc::core {
namespace {

using fixture::kMinute;

const EventTime kMarch10 = beijing_midnight(2026, 3, 10);

std::vector<Concentration> first_hours(std::size_t valid, std::size_t of, Concentration value) {
  std::vector<Concentration> hours(of, kMissing);
  std::fill_n(hours.begin(), valid, value);
  return hours;
}

// ---- how much data ------------------------------------------------------------------------------------------------

// GB 3095-2026 table 4: O3, at least 6 hourly means in every 8 hours.
TEST(Windows, EightHoursNeedSixValidHours) {
  struct Case {
    std::size_t valid;
    bool enough;
  };
  for (const Case& c : {Case{5, false}, Case{6, true}, Case{7, true}, Case{8, true}}) {
    WindowsRun run(windows_rules({Factor::O3}), kMarch10);
    run.send(Factor::O3, kMarch10, first_hours(c.valid, 8, ug(90)));
    run.close(kMarch10 + kHour * 8);
    ASSERT_WINDOW(m, run, Factor::O3, Window::H8, kMarch10 + kHour * 8);
    EXPECT_EQ(m->valid, c.enough) << c.valid;
    EXPECT_EQ(m->count, static_cast<int>(c.valid));
    EXPECT_EQ(m->expected, 8);
    EXPECT_EQ(m->value, ug(90));
    EXPECT_EQ(m->interval.start, kMarch10);
    EXPECT_EQ(m->status, Status::Closed);
  }
}

// The same table: at least 20 hourly means; a trailing window needs what a day needs.
TEST(Windows, TwentyFourHoursAndADayNeedTwentyValidHours) {
  struct Case {
    std::size_t valid;
    bool enough;
  };
  for (const Case& c : {Case{19, false}, Case{20, true}, Case{24, true}}) {
    for (const Factor f : {Factor::PM25, Factor::PM10, Factor::SO2, Factor::NO2, Factor::CO}) {
      WindowsRun run(windows_rules({f}), kMarch10);
      run.send(f, kMarch10, first_hours(c.valid, 24, ug(40)));
      run.close(kMarch10 + kDayLong);
      for (const Window w : {Window::H24, Window::Day}) {
        ASSERT_WINDOW(m, run, f, w, kMarch10 + kDayLong);
        EXPECT_EQ(m->valid, c.enough) << name(f) << ' ' << name(w) << ' ' << c.valid;
        EXPECT_EQ(m->count, static_cast<int>(c.valid));
        EXPECT_EQ(m->expected, 24);
        EXPECT_EQ(m->value, ug(40));
      }
    }
  }
}

TEST(Windows, AnHourWithTooFewMinutesDoesNotEnterALongerWindow) {
  WindowsRun run(windows_rules({Factor::PM25}), kMarch10);
  run.send(Factor::PM25, kMarch10, 23, ug(40));
  ReadingBatch minutes = fixture::packet("S1", Source::Minute, kMarch10 + kHour * 23, kMinute);
  fixture::add_column(minutes, Factor::PM25, std::vector<Concentration>(44, ug(900)));
  run.d.apply(minutes);
  run.close(kMarch10 + kDayLong);
  ASSERT_WINDOW(hour, run, Factor::PM25, Window::H1, kMarch10 + kDayLong);
  EXPECT_EQ(hour->count, 44);
  EXPECT_FALSE(hour->valid);
  ASSERT_WINDOW(day, run, Factor::PM25, Window::Day, kMarch10 + kDayLong);
  EXPECT_EQ(day->count, 23);
  EXPECT_EQ(day->value, ug(40));
  EXPECT_EQ(day->max, ug(40));
}

// HJ 663 6.1.2: at least 14 valid 8 h means of the 17 that end 08:00 .. 24:00; with fewer, valid all the same where it
// is above the limit. With the first n hours of a day, n - 5 of them are valid.
TEST(Windows, TheGreatest8hMeanNeedsFourteenOrToBeAboveTheLimit) {
  struct Case {
    std::size_t hours;
    Concentration value;
    AreaClass area;
    int count;
    bool valid;
    bool exceeds;
  };
  const Concentration just_above{ug(160).pg + 1};
  for (const Case& c :
       {Case{18, ug(100), AreaClass::Class2, 13, false, false}, Case{19, ug(100), AreaClass::Class2, 14, true, false},
        Case{18, ug(160), AreaClass::Class2, 13, false, false}, Case{18, just_above, AreaClass::Class2, 13, true, true},
        Case{6, just_above, AreaClass::Class2, 1, true, true}, Case{5, just_above, AreaClass::Class2, 0, false, false},
        Case{18, ug(100), AreaClass::Class1, 13, false, false}, Case{18, ug(101), AreaClass::Class1, 13, true, true},
        Case{24, ug(100), AreaClass::Class1, 17, true, false}}) {
    auto rules = windows_rules({Factor::O3});
    rules->sites["S1"].area_class = c.area;
    WindowsRun run(rules, kMarch10);
    run.send(Factor::O3, kMarch10, first_hours(c.hours, 24, c.value));
    run.close(kMarch10 + kDayLong);
    ASSERT_WINDOW(m, run, Factor::O3, Window::Mda8, kMarch10 + kDayLong);
    const std::string which = std::to_string(c.hours) + " hours of " + std::to_string(c.value.pg);
    EXPECT_EQ(m->count, c.count) << which;
    EXPECT_EQ(m->expected, 17) << which;
    EXPECT_EQ(m->valid, c.valid) << which;
    EXPECT_EQ(m->exceeds, c.exceeds) << which;
    EXPECT_EQ(m->value, c.count == 0 ? ug(0) : c.value) << which;
    ASSERT_TRUE(m->limit.has_value());
    EXPECT_EQ(*m->limit, c.area == AreaClass::Class1 ? ug(100) : ug(160));
  }
}

// GB 3095-2026 3.10: within one natural day.
TEST(Windows, TheGreatest8hMeanDoesNotReachIntoTheEveningBefore) {
  WindowsRun run(windows_rules({Factor::O3}), kMarch10);
  run.send(Factor::O3, kMarch10 + kHour * 20, 4, ug(300));
  run.send(Factor::O3, kMarch10 + kDayLong, 24, ug(40));
  run.close(kMarch10 + kDayLong * 2);
  ASSERT_WINDOW(at_three, run, Factor::O3, Window::H8, kMarch10 + kDayLong + kHour * 3);
  EXPECT_EQ(at_three->count, 7);
  EXPECT_EQ(at_three->value.pg, 188'571'429) << "(4 * 300 + 3 * 40) / 7";
  EXPECT_TRUE(at_three->valid);
  ASSERT_WINDOW(day, run, Factor::O3, Window::Mda8, kMarch10 + kDayLong * 2);
  EXPECT_EQ(day->value, ug(40));
}

// ---- where it begins and ends -------------------------------------------------------------------------------------

TEST(Windows, ADayRunsFromMidnightToMidnightInBeijing) {
  WindowsRun run(windows_rules({Factor::SO2}), kMarch10 - kHour);
  std::vector<Concentration> hours = {ug(400)};  // 23:00 of the day before
  for (int h = 0; h < 24; ++h) hours.push_back({ug(10 + h).pg + 1});
  hours.push_back(ug(400));  // 00:00 of the day after
  run.send(Factor::SO2, kMarch10 - kHour, hours);
  run.close(kMarch10 + kDayLong + kHour);
  ASSERT_WINDOW(m, run, Factor::SO2, Window::Day, kMarch10 + kDayLong);
  EXPECT_EQ(m->interval.start, kMarch10);
  EXPECT_EQ(to_iso(m->interval.start), "2026-03-10T00:00:00+08:00");
  EXPECT_EQ(m->count, 24);
  EXPECT_EQ(m->sum_pg, 516'000'024) << "10 + 11 + ... + 33, and 24 picograms";
  EXPECT_EQ(m->value.pg, 21'500'001);
  EXPECT_EQ(m->min.pg, 10'000'001);
  EXPECT_EQ(m->max.pg, 33'000'001);
  ASSERT_WINDOW(next, run, Factor::SO2, Window::Day, kMarch10 + kDayLong * 2);
  EXPECT_EQ(next->status, Status::Running);
  EXPECT_EQ(next->count, 1);
  ASSERT_WINDOW(before, run, Factor::SO2, Window::Day, kMarch10);
  EXPECT_EQ(before->count, 1);
  EXPECT_EQ(before->status, Status::Closed);
}

TEST(Windows, ADayIsRunningUntilItsLastHourClosesAndNeverAfter) {
  WindowsRun run(windows_rules({Factor::PM25}), kMarch10);
  for (int h = 0; h < 24; ++h) {
    run.send(Factor::PM25, kMarch10 + kHour * h, 1, ug(h));
    run.close(kMarch10 + kHour * (h + 1));
    const auto rows = run.rows(Factor::PM25, Window::Day);
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(h + 1));
    EXPECT_EQ(rows.back()->status, h < 23 ? Status::Running : Status::Closed) << h;
    EXPECT_EQ(rows.back()->count, h + 1);
    EXPECT_EQ(rows.back()->sum_pg, ug(h * (h + 1) / 2).pg);
    EXPECT_EQ(rows.back()->revision, h + 1);
  }
  run.send(Factor::PM25, kMarch10 + kDayLong, 1, ug(5));
  run.close(kMarch10 + kDayLong + kHour);
  EXPECT_EQ(run.rows(Factor::PM25, Window::Day).size(), 25U) << "the next day's";
  EXPECT_EQ(run.last(Factor::PM25, Window::Day, kMarch10 + kDayLong)->status, Status::Closed);
}

TEST(Windows, TrailingWindowsHaveNoRunningRows) {
  WindowsRun run(windows_rules({Factor::O3, Factor::PM25}), kMarch10);
  run.send(Factor::O3, kMarch10, 3, ug(50));
  run.send(Factor::PM25, kMarch10, 3, ug(50));
  for (int minute = 5; minute < 60 * 3; minute += 5) run.d.tick(kMarch10 + kMinute * minute);
  for (const auto& [factor, window] :
       {std::pair{Factor::O3, Window::H8}, std::pair{Factor::PM25, Window::H24}, std::pair{Factor::AQI, Window::H24}}) {
    const auto rows = run.rows(factor, window);
    EXPECT_EQ(rows.size(), 2U) << name(factor);
    for (const Mean* m : rows) EXPECT_EQ(m->status, Status::Closed);
  }
}

TEST(Windows, WithoutARuleForItAWindowIsNotComputed) {
  WindowsRun run(test_rules(), kMarch10);
  run.send(Factor::O3, kMarch10, 24, ug(50));
  run.close(kMarch10 + kDayLong);
  EXPECT_FALSE(run.rows(Factor::O3, Window::H1).empty());
  for (const Mean& m : run.d.means) {
    EXPECT_EQ(m.window, Window::H1);
    EXPECT_NE(m.factor, Factor::AQI_PM24);
  }
}

// ---- months, quarters, years --------------------------------------------------------------------------------------

struct MonthCase {
  EventTime start;
  EventTime end;
  int days;
  int valid_days;
  bool enough;
};

// GB 3095-2026 table 4: 27 daily means a month, 25 in February.
TEST(Windows, AMonthNeedsTwentySevenDaysAndAFebruaryTwentyFive) {
  const auto month = [](int year, unsigned m) { return beijing_midnight(year, m, 1); };
  for (const MonthCase& c : {MonthCase{month(2026, 1), month(2026, 2), 31, 26, false},
                             MonthCase{month(2026, 1), month(2026, 2), 31, 27, true},
                             MonthCase{month(2026, 4), month(2026, 5), 30, 26, false},
                             MonthCase{month(2026, 4), month(2026, 5), 30, 27, true},
                             MonthCase{month(2026, 2), month(2026, 3), 28, 24, false},
                             MonthCase{month(2026, 2), month(2026, 3), 28, 25, true},
                             MonthCase{month(2028, 2), month(2028, 3), 29, 24, false},
                             MonthCase{month(2028, 2), month(2028, 3), 29, 25, true}}) {
    WindowsRun run(windows_rules({Factor::PM10}), c.start);
    for (int i = 0; i < c.days; ++i) {
      const EventTime midnight = c.start + kDayLong * i;
      // What is no valid day has 19 hours, far from the others.
      if (i < c.valid_days) {
        run.send(Factor::PM10, midnight, 20, ug(10 + i));
      } else {
        run.send(Factor::PM10, midnight, 19, ug(400));
      }
      run.close(midnight + kDayLong);
      ASSERT_WINDOW(m, run, Factor::PM10, Window::Month, c.end);
      EXPECT_EQ(m->status, i + 1 < c.days ? Status::Running : Status::Closed) << i;
      EXPECT_EQ(m->count, std::min(i + 1, c.valid_days));
    }
    ASSERT_WINDOW(m, run, Factor::PM10, Window::Month, c.end);
    EXPECT_EQ(m->interval.start, c.start);
    EXPECT_EQ(m->valid, c.enough) << c.valid_days << " of " << c.days;
    EXPECT_EQ(m->expected, c.days);
    EXPECT_EQ(m->sum_pg, ug(10 * c.valid_days + c.valid_days * (c.valid_days - 1) / 2).pg);
    EXPECT_EQ(m->min, ug(10));
    EXPECT_EQ(m->max, ug(9 + c.valid_days));
    EXPECT_EQ(m->percentile, 95);
  }
}

// HJ 663 table 1 and annex A: k = 1 + (n - 1) p, linear between its neighbours.
TEST(Windows, APeriodCarriesThePercentileOfItsDailyValues) {
  const EventTime april = beijing_midnight(2026, 4, 1);
  WindowsRun run(windows_rules({Factor::PM10, Factor::O3}), april);
  for (int i = 0; i < 30; ++i) {
    run.send(Factor::PM10, april + kDayLong * i, 24, ug((i * 7) % 30 + 1));  // 1 .. 30 in some order
    run.send(Factor::O3, april + kDayLong * i, 24, ug((i * 7) % 30 + 1));
    run.close(april + kDayLong * (i + 1));
  }
  ASSERT_WINDOW(pm, run, Factor::PM10, Window::Month, beijing_midnight(2026, 5, 1));
  EXPECT_EQ(pm->value.pg, 15'500'000);
  EXPECT_EQ(pm->percentile, 95);
  EXPECT_EQ(pm->percentile_value.pg, 28'550'000) << "k = 1 + 29 * 0.95 = 28.55";
  ASSERT_WINDOW(o3, run, Factor::O3, Window::Month, beijing_midnight(2026, 5, 1));
  EXPECT_EQ(o3->percentile, 90);
  EXPECT_EQ(o3->percentile_value.pg, 27'100'000) << "k = 1 + 29 * 0.90 = 27.1";
}

// The daily value of ozone is its greatest 8 h mean, not the mean of the day.
TEST(Windows, AMonthOfOzoneIsMadeOfTheGreatest8hMeans) {
  const EventTime april = beijing_midnight(2026, 4, 1);
  WindowsRun run(windows_rules({Factor::O3}), april);
  std::vector<Concentration> hours(24, ug(20));
  std::fill(hours.begin() + 10, hours.begin() + 18, ug(120));
  run.send(Factor::O3, april, hours);
  run.close(april + kDayLong);
  ASSERT_WINDOW(month, run, Factor::O3, Window::Month, beijing_midnight(2026, 5, 1));
  EXPECT_EQ(month->value, ug(120));
  EXPECT_EQ(month->count, 1);
}

struct YearCase {
  std::map<unsigned, int> missing;  // days, by month
  int count;
  bool enough;
};

constexpr std::array<int, 13> kDaysOf2025 = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

// GB 3095-2026 table 4: 324 daily means a year, and 27 in each month (25 in February).
TEST(Windows, AYearNeeds324DaysAndEnoughInEveryMonth) {
  const std::map<unsigned, int> missing_41 = {{1, 4}, {2, 3}, {3, 4}, {4, 3},  {5, 4},  {6, 3},
                                              {7, 4}, {8, 4}, {9, 3}, {10, 4}, {11, 3}, {12, 2}};
  auto missing_42 = missing_41;
  missing_42[12] = 3;
  auto one_of_26 = missing_41;
  one_of_26[1] = 5;
  one_of_26[3] = 0;
  auto february_24 = missing_41;
  february_24[2] = 4;
  february_24[3] = 0;
  for (const YearCase& c : {YearCase{missing_41, 324, true}, YearCase{missing_42, 323, false},
                            YearCase{one_of_26, 327, false}, YearCase{february_24, 327, false}}) {
    WindowsRun run(windows_rules({Factor::PM25}), beijing_midnight(2025, 1, 1));
    EventTime day = beijing_midnight(2025, 1, 1);
    for (unsigned month = 1; month <= 12; ++month) {
      for (int i = 0; i < kDaysOf2025[month]; ++i, day += kDayLong) {
        if (i >= c.missing.at(month)) run.send(Factor::PM25, day, 24, ug(static_cast<int>(month)));
        run.close(day + kDayLong);
      }
    }
    ASSERT_WINDOW(year, run, Factor::PM25, Window::Year, beijing_midnight(2026, 1, 1));
    EXPECT_EQ(year->interval.start, beijing_midnight(2025, 1, 1));
    EXPECT_EQ(year->status, Status::Closed);
    EXPECT_EQ(year->count, c.count);
    EXPECT_EQ(year->expected, 365);
    EXPECT_EQ(year->valid, c.enough) << c.count;
    EXPECT_EQ(year->min, ug(1));
    EXPECT_EQ(year->max, ug(12));
    std::int64_t sum = 0;
    for (unsigned month = 1; month <= 12; ++month) {
      sum += static_cast<std::int64_t>(month) * (kDaysOf2025[month] - c.missing.at(month));
    }
    EXPECT_EQ(year->sum_pg, ug(sum).pg);
  }
}

TEST(Windows, AQuarterNeedsEnoughDaysInEachOfItsMonths) {
  for (const auto& [missing, enough] : {std::pair{3, true}, std::pair{4, false}}) {
    const EventTime april = beijing_midnight(2026, 4, 1);
    const EventTime july = beijing_midnight(2026, 7, 1);
    WindowsRun run(windows_rules({Factor::NO2}), april);
    for (EventTime day = april; day < july; day += kDayLong) {
      const bool silent =
          day >= beijing_midnight(2026, 6, 1) && day < beijing_midnight(2026, 6, 1) + kDayLong * missing;
      if (!silent) run.send(Factor::NO2, day, 24, ug(30));
      run.close(day + kDayLong);
    }
    ASSERT_WINDOW(quarter, run, Factor::NO2, Window::Quarter, july);
    EXPECT_EQ(quarter->interval.start, april);
    EXPECT_EQ(quarter->count, 91 - missing);
    EXPECT_EQ(quarter->expected, 91);
    EXPECT_EQ(quarter->valid, enough);
    EXPECT_EQ(quarter->status, Status::Closed);
  }
}

// A series that fell silent says no more hours, but what it said still has an end.
TEST(Windows, ADormantSiteStillClosesItsMonthQuarterAndYear) {
  for (const bool jump : {false, true}) {
    const EventTime december = beijing_midnight(2025, 12, 1);
    const EventTime january = beijing_midnight(2026, 1, 1);
    WindowsRun run(windows_rules({Factor::PM25}), december);
    for (int i = 0; i < 10; ++i) run.day(Factor::PM25, december + kDayLong * i, ug(50));
    if (!jump) {
      for (EventTime t = december + kDayLong * 10; t < january; t += kHour * 6) run.close(t);
    }
    ASSERT_EQ(run.last(Factor::PM25, Window::Year, january)->status, Status::Running);
    run.close(january);
    for (const auto& [window, days] :
         {std::pair{Window::Month, 31}, std::pair{Window::Quarter, 92}, std::pair{Window::Year, 365}}) {
      ASSERT_WINDOW(m, run, Factor::PM25, window, january);
      EXPECT_EQ(m->status, Status::Closed) << name(window) << (jump ? " after a jump" : "");
      EXPECT_EQ(m->count, 10);
      EXPECT_EQ(m->expected, days);
      EXPECT_FALSE(m->valid);
      EXPECT_EQ(m->value, ug(50));
    }
    const std::size_t said = run.d.means.size();
    for (EventTime t = january; t < january + kDayLong * 8; t += kHour * 6) run.close(t);
    EXPECT_EQ(run.d.means.size(), said) << "nothing more";
  }
}

// A year goes on from the saved bytes of its days: nothing is read again.
TEST(Windows, AYearSurvivesRestartsWithoutReadingItAgain) {
  const EventTime first = beijing_midnight(2025, 1, 1);
  const auto rules = windows_rules({Factor::PM25});
  WindowsRun undisturbed(rules, first);
  WindowsRun run(rules, first);
  std::size_t entries_max = 0;
  for (int i = 0; i < 365; ++i) {
    undisturbed.day(Factor::PM25, first + kDayLong * i, ug(i + 1));
    run.day(Factor::PM25, first + kDayLong * i, ug(i + 1));
    if (i % 20 != 7) continue;
    run.d.restart();
    entries_max = std::max(entries_max, run.d.state.size());
  }
  ASSERT_WINDOW(year, run, Factor::PM25, Window::Year, beijing_midnight(2026, 1, 1));
  EXPECT_EQ(year->count, 365);
  EXPECT_TRUE(year->valid);
  EXPECT_EQ(year->value, ug(183)) << "the mean of 1 .. 365";
  EXPECT_EQ(year->percentile_value.pg, 346'800'000) << "k = 1 + 364 * 0.95 = 346.8";
  EXPECT_EQ(year->origin.first_offset, 101) << "the first packet of the year";
  ASSERT_EQ(run.d.means.size(), undisturbed.d.means.size());
  for (std::size_t i = 0; i < run.d.means.size(); ++i) {
    ASSERT_EQ(fixture::text(run.d.means[i]), fixture::text(undisturbed.d.means[i]));
  }
  EXPECT_LT(entries_max, 160U) << "hours and days behind the horizon are forgotten, months are packed";
}

}  // namespace
}  // namespace qc::core
