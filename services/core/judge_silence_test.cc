// "No data": how long a series is silent, without costing anything once it is said.
#include <gtest/gtest.h>

#include "core/judge_fixture.h"

namespace qc::core {
namespace {

const EventTime kStart = beijing_midnight(2015, 12, 7);

class JudgeSilence : public ::testing::Test {
 protected:
  void hours(int from, int until) {
    for (int h = from; h < until; ++h) run.close(kStart + kHour * (h + 1));
  }
  WindowsRun run{judged_by({"no_data"}, {Factor::PM25}), kStart};
};

const Lines kThreeLevels = {"no_data/S1/PM2.5/1@1 1h 1 active: began", "no_data/S1/PM2.5/1@2 1h 2 active: level up",
                            "no_data/S1/PM2.5/1@3 1h 3 active: level up"};

TEST_F(JudgeSilence, ThreeDaysOfItRaiseThreeLevelsAndTheFirstValidHourClears) {
  run.send(Factor::PM25, kStart, 2, ug(30));
  hours(0, 74);
  EXPECT_EQ(said(run.d), kThreeLevels);
  EXPECT_EQ(run.d.signals[0].at, kStart + kHour * 4) << "two hours";
  EXPECT_EQ(run.d.signals[1].at, kStart + kHour * 8) << "six";
  EXPECT_EQ(run.d.signals[2].at, kStart + kHour * 26) << "a day";
  EXPECT_EQ(run.d.signals[2].value.pg, 24 * kMillion);
  EXPECT_EQ(run.d.signals[2].limit.pg, 23 * kMillion);
  EXPECT_EQ(run.d.signals[2].unit, Unit::Hours);
  run.send(Factor::PM25, kStart + kHour * 74, 1, ug(30));
  hours(74, 75);
  EXPECT_EQ(said(run.d).back(), "no_data/S1/PM2.5/1@4 1h 3 cleared: cleared");
  EXPECT_EQ(run.d.signals.back().at, kStart + kHour * 75);
}

TEST_F(JudgeSilence, AJumpOfTimeSaysTheSameAtTheSameHours) {
  run.send(Factor::PM25, kStart, 2, ug(30));
  hours(0, 3);
  run.close(kStart + kDay * 30);
  EXPECT_EQ(said(run.d), kThreeLevels);
  EXPECT_EQ(run.d.signals[2].at, kStart + kHour * 26);
  run.d.restart();
  // Years are nothing, and silence goes on as if they were hours.
  run.close(kStart + kDay * 30'000);
  EXPECT_EQ(run.d.signals.size(), 3U);
  run.send(Factor::PM25, kStart + kDay * 30'000, 1, ug(30));
  run.close(kStart + kDay * 30'000 + kHour);
  EXPECT_EQ(said(run.d).back(), "no_data/S1/PM2.5/1@4 1h 3 cleared: cleared");
}

TEST_F(JudgeSilence, ASeriesThatNeverCameIsMissedOnceItHasBeenKnownForSoLong) {
  hours(0, 1);
  EXPECT_EQ(said(run.d), Lines{});
  hours(1, 2);
  EXPECT_EQ(said(run.d).size(), 1U);
}

TEST_F(JudgeSilence, HoursBeforeASeriesWasKnownAreNotSilent) {
  WindowsRun other(judged_by({"no_data"}, {Factor::PM25}), kStart);
  other.send(Factor::PM25, kStart, 48, ug(30));
  other.close(kStart + kHour * 48);
  other.send(Factor::SO2, kStart + kHour * 48, 2, ug(9));
  other.send(Factor::PM25, kStart + kHour * 48, 2, ug(30));
  other.close(kStart + kHour * 50);
  // Folding again from long before.
  Amend amend = amendment(Amend::Action::Invalidate, Factor::SO2, kStart + kHour * 49);
  other.d.apply(amend);
  other.send(Factor::PM25, kStart + kHour * 50, 1, ug(30));
  other.close(kStart + kHour * 51);
  ASSERT_EQ(said(other.d), Lines{"no_data/S1/SO2/1@1 1h 1 active: began"});
  EXPECT_EQ(other.d.signals[0].value.pg, 2 * kMillion);
  other.d.apply(amendment(Amend::Action::Invalidate, Factor::SO2, kStart + kHour * 48));
  other.close(kStart + kHour * 51 + kMinute);
  ASSERT_EQ(other.d.signals.size(), 2U);
  EXPECT_EQ(other.d.signals[1].began, kStart + kHour * 50);
}

TEST_F(JudgeSilence, HoursThatWereOverWhenASeriesBecameKnownAreNotSilent) {
  hours(0, 6);
  run.send(Factor::PM25, kStart, 6, ug(30));
  run.close(kStart + kHour * 6 + kMinute);
  // Neither says a value: an amendment is taken back that there never was, and a reading is flagged.
  run.d.apply(amendment(Amend::Action::Restore, Factor::SO2, kStart + kHour * 2));
  ReadingBatch flagged = packet("S1", Source::Hour, kStart + kHour * 3, kHour);
  add_column(flagged, Factor::NO2, {ug(20)}, {Flag::Calibrating});
  run.d.apply(flagged);
  run.send(Factor::PM25, kStart + kHour * 6, 2, ug(30));
  const std::size_t before = run.d.signals.size();
  const auto since = [&] {
    const Lines all = said(run.d);
    return Lines(all.begin() + static_cast<std::ptrdiff_t>(before), all.end());
  };
  hours(6, 7);
  EXPECT_EQ(since(), Lines{}) << "one hour";
  hours(7, 8);
  const Lines two = {"no_data/S1/SO2/2@1 1h 1 active: began", "no_data/S1/NO2/3@1 1h 1 active: began"};
  ASSERT_EQ(since(), two);
  EXPECT_EQ(run.d.signals.back().value.pg, 2 * kMillion);
  // Folded again, they are what they were.
  run.d.apply(amendment(Amend::Action::Replace, Factor::PM25, kStart + kHour * 2, ug(31)));
  run.close(kStart + kHour * 8 + kMinute);
  EXPECT_EQ(since(), two);
}

TEST_F(JudgeSilence, AJumpOfTimeMissesASeriesFromTheHourInWhichItBecameKnown) {
  run.close(kStart + kDay * 30);
  ASSERT_EQ(said(run.d), kThreeLevels);
  EXPECT_EQ(run.d.signals[0].at, kStart + kHour * 2);
  EXPECT_EQ(run.d.signals[1].at, kStart + kHour * 6);
  EXPECT_EQ(run.d.signals[2].at, kStart + kHour * 24);
}

TEST_F(JudgeSilence, AnHourWithTooFewReadingsIsSilentAndOneThatComesLateIsNot) {
  run.send(Factor::PM25, kStart, 1, ug(30));
  hours(0, 1);
  run.d.apply(minutes("S1", Factor::PM25, kStart + kHour, same(10, ug(30))));
  hours(1, 3);
  EXPECT_EQ(said(run.d), Lines{"no_data/S1/PM2.5/1@1 1h 1 active: began"});
  run.send(Factor::PM25, kStart + kHour * 2, 1, ug(30));
  run.close(kStart + kHour * 3 + kMinute);
  EXPECT_EQ(said(run.d).back(), "no_data/S1/PM2.5/1@2 1h 1 withdrawn: late readings");
}

TEST_F(JudgeSilence, ADeadSiteIsNotSavedAgainEveryHour) {
  hours(0, 200);
  fixture::save_into(*run.d.stage, run.d.state);
  hours(200, 203);
  std::vector<std::string> keys;
  run.d.stage->save_changed([&](std::string_view key, std::string_view) { keys.emplace_back(key); });
  EXPECT_EQ(keys, Lines{"P"});
  EXPECT_EQ(said(run.d), kThreeLevels);
}

TEST_F(JudgeSilence, ARuleThatComesWhenASiteIsLongDeadFindsItDead) {
  run.d.use(windows_rules({Factor::PM25}));
  hours(0, 200);
  EXPECT_EQ(said(run.d), Lines{});
  auto rules = judged_by({"no_data"}, {Factor::PM25});
  rules->hash = "00000000000000e6";
  run.d.use(rules);
  hours(200, 201);
  EXPECT_EQ(said(run.d), Lines{"no_data/S1/PM2.5/1@1 1h 3 active: began"});
}

}  // namespace
}  // namespace qc::core
