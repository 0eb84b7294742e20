// Rules over windows longer than an hour: the day's limit, and the rolling means that tell of it early.
#include <gtest/gtest.h>

#include "core/judge_fixture.h"

namespace qc::core {
namespace {

const EventTime kDay7 = beijing_midnight(2015, 12, 7);
const std::vector<std::string_view> kBoth = {"day_limit", "rolling_24h_over_limit"};

// A clean day, then a day at 200 ug/m3, as in December 2015.
WindowsRun episode() {
  WindowsRun run(judged_by(kBoth, {Factor::PM25}), kDay7);
  run.day(Factor::PM25, kDay7, ug(30));
  for (int h = 0; h < 24; ++h) {
    run.send(Factor::PM25, kDay7 + kDay + kHour * h, 1, ug(200));
    run.close(kDay7 + kDay + kHour * (h + 1));
  }
  return run;
}

TEST(JudgeWindows, TheRollingMeanTellsEarlyAndTheDayWhenItIsOver) {
  const WindowsRun run = episode();
  EXPECT_EQ(said(run.d), (Lines{"rolling_24h_over_limit/S1/PM2.5/1@1 24h 1 active: began",
                                "day_limit/S1/PM2.5/2@1 day 1 active: began"}));
  // (24 - n) * 30 + n * 200 > 24 * 75: after 7 hours.
  const Signal& rolling = run.d.signals[0];
  const EventTime end = kDay7 + kDay + kHour * 7;
  EXPECT_EQ(rolling.at, end);
  EXPECT_EQ(rolling.interval, (Interval{end - kDay, end}));
  EXPECT_EQ(rolling.value.pg, divide_half_even((17 * 30 + 7 * 200) * kMillion, 24));
  EXPECT_EQ(rolling.limit, ug(75));
  EXPECT_EQ(rolling.unit, Unit::UgM3);
  EXPECT_EQ(rolling.clause, "GB 3095-2012 table 1");
  EXPECT_EQ(rolling.count, 24);
  EXPECT_EQ(rolling.expected, 24);
  EXPECT_GE(rolling.origin.first_offset, 100);
  EXPECT_LT(rolling.origin.first_offset, rolling.origin.offset);
  const Signal& day = run.d.signals[1];
  EXPECT_EQ(day.window, Window::Day);
  EXPECT_EQ(day.value, ug(200));
  EXPECT_EQ(day.limit, ug(75));
  EXPECT_EQ(day.interval, (Interval{kDay7 + kDay, kDay7 + kDay * 2}));
  EXPECT_EQ(day.at, kDay7 + kDay * 2);
  EXPECT_EQ(day.count, 24);
}

TEST(JudgeWindows, AtTheLimitIsNotOverIt) {
  WindowsRun run(judged_by(kBoth, {Factor::PM25}), kDay7);
  run.day(Factor::PM25, kDay7, ug(75));
  EXPECT_EQ(said(run.d), Lines{});
  run.day(Factor::PM25, kDay7 + kDay, {75 * kMillion + 1});
  EXPECT_EQ(run.d.signals.size(), 2U);
}

TEST(JudgeWindows, AnAmendmentOfTheHoursWithdrawsWhatTheyRaised) {
  WindowsRun run = episode();
  Amend amend = amendment(Amend::Action::Replace, Factor::PM25, kDay7 + kDay, ug(20));
  amend.interval.end = kDay7 + kDay * 2;
  run.d.apply(amend);
  run.d.restart();
  run.close(kDay7 + kDay * 2 + kHour);
  EXPECT_EQ(said(run.d), (Lines{"rolling_24h_over_limit/S1/PM2.5/1@1 24h 1 active: began",
                                "day_limit/S1/PM2.5/2@1 day 1 active: began",
                                "rolling_24h_over_limit/S1/PM2.5/1@2 24h 1 withdrawn: amended by li: zero drift",
                                "day_limit/S1/PM2.5/2@2 day 1 withdrawn: amended by li: zero drift"}));
}

TEST(JudgeWindows, AnAmendmentRaisesADayThatWasClean) {
  WindowsRun run(judged_by(kBoth, {Factor::PM25}), kDay7);
  run.day(Factor::PM25, kDay7, ug(30));
  run.day(Factor::PM25, kDay7 + kDay, ug(30));
  Amend amend = amendment(Amend::Action::Replace, Factor::PM25, kDay7, ug(200));
  amend.interval.end = kDay7 + kHour * 12;
  run.d.apply(amend);
  run.close(kDay7 + kDay * 2 + kHour);
  const Signal* day = last_of(run.d, "day_limit");
  ASSERT_NE(day, nullptr);
  EXPECT_EQ(count_of(run.d, "day_limit"), 1) << "its end, a day later, is known when it is said";
  EXPECT_EQ(day->began, kDay7 + kDay);
  EXPECT_EQ(day->state, SignalState::Cleared);
  EXPECT_EQ(day->at, kDay7 + kDay * 2);
  const Signal* rolling = last_of(run.d, "rolling_24h_over_limit");
  ASSERT_NE(rolling, nullptr);
  EXPECT_EQ(rolling->began, kDay7 + kHour * 20) << "20 valid hours, the first at which the window is valid";
}

TEST(JudgeWindows, OzoneIsJudgedByEightHoursAndTheDaysGreatestOfThem) {
  WindowsRun run(judged_by(kBoth, {Factor::O3}), kDay7);
  for (int h = 0; h < 24; ++h) {
    run.send(Factor::O3, kDay7 + kHour * h, 1, h >= 10 && h < 18 ? ug(170) : ug(60));
    run.close(kDay7 + kHour * (h + 1));
  }
  EXPECT_EQ(said(run.d), (Lines{"rolling_24h_over_limit/S1/O3/1@1 8h 1 active: began",
                                "rolling_24h_over_limit/S1/O3/1@2 8h 1 cleared: cleared",
                                "day_limit/S1/O3/2@1 mda8 1 active: began"}));
  EXPECT_EQ(run.d.signals[0].at, kDay7 + kHour * 18);
  EXPECT_EQ(run.d.signals[0].limit, ug(160));
  EXPECT_EQ(run.d.signals[2].value, ug(170));
  EXPECT_EQ(run.d.signals[2].count, 17);
}

TEST(JudgeWindows, AnEpisodeAcrossTheSwitchOfEditionsKeepsTheCriteriaThatItBeganWith) {
  const EventTime change = beijing_midnight(2026, 3, 1);
  WindowsRun run(judged_by(kBoth, {Factor::PM25}), change - kDay);
  run.day(Factor::PM25, change - kDay, ug(80));  // over 75
  run.day(Factor::PM25, change, ug(70));         // not over 75; over 60, which now holds
  run.day(Factor::PM25, change + kDay, ug(70));  // a new episode
  EXPECT_EQ(
      said(run.d),
      (Lines{"rolling_24h_over_limit/S1/PM2.5/1@1 24h 1 active: began", "day_limit/S1/PM2.5/2@1 day 1 active: began",
             "rolling_24h_over_limit/S1/PM2.5/1@2 24h 1 cleared: cleared",
             "rolling_24h_over_limit/S1/PM2.5/3@1 24h 1 active: began", "day_limit/S1/PM2.5/2@2 day 1 cleared: cleared",
             "day_limit/S1/PM2.5/4@1 day 1 active: began"}));
  EXPECT_EQ(run.d.signals[2].limit, ug(75));
  EXPECT_EQ(run.d.signals[2].clause, "GB 3095-2012 table 1");
  EXPECT_EQ(run.d.signals[3].limit, ug(60));
  EXPECT_EQ(run.d.signals[5].clause, "GB 3095-2026 table 1");
}

TEST(JudgeWindows, DaysWithoutDataMakeADayLimitStaleAndEndIt) {
  WindowsRun run(judged_by({"day_limit"}, {Factor::PM25}), kDay7);
  run.day(Factor::PM25, kDay7, ug(200));
  for (int d = 1; d <= 8; ++d) {
    for (int h = 1; h <= 24; ++h) run.close(kDay7 + kDay * d + kHour * h);
    run.d.restart();
  }
  EXPECT_EQ(said(run.d),
            (Lines{"day_limit/S1/PM2.5/1@1 day 1 active: began", "day_limit/S1/PM2.5/1@2 day 1 stale: no data",
                   "day_limit/S1/PM2.5/1@3 day 1 ended_no_data: no data: ended"}));
  EXPECT_EQ(run.d.signals[1].at, kDay7 + kDay * 3);
  EXPECT_EQ(run.d.signals[2].at, kDay7 + kDay * 5);
}

TEST(JudgeWindows, ADayThatCameLateIsJudgedOnceAndInItsPlace) {
  WindowsRun run(judged_by({"day_limit"}, {Factor::PM25}), kDay7);
  run.day(Factor::PM25, kDay7 + kDay, ug(30));
  run.send(Factor::PM25, kDay7, 24, ug(200));
  run.close(kDay7 + kDay * 2 + kHour);
  const Signal* day = last_of(run.d, "day_limit");
  ASSERT_NE(day, nullptr);
  EXPECT_EQ(run.d.signals.size(), 1U);
  EXPECT_EQ(day->began, kDay7 + kDay);
  EXPECT_EQ(day->state, SignalState::Cleared);
}

}  // namespace
}  // namespace qc::core
