#include "core/history.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace qc::core {
namespace {

using std::chrono::hours;

const EventTime kMay1 = beijing_midnight(2026, 5, 1);

constexpr EventTime at(EventTime day, int hour) {
  return day + kHour * hour;
}

// Sets the mean of one hour of column 0, in ug/m3.
void set(History& history, EventTime hour, std::int64_t whole, std::size_t column = 0) {
  const EventTime day = day_of(hour);
  history.make_day(day).column(column).mean[static_cast<std::size_t>((hour - day) / kHour)] = ug(whole).pg;
}

// Hours [from, until) of a day.
void fill(History& history, EventTime day, int from, int until, std::int64_t whole) {
  for (int h = from; h < until; ++h) set(history, at(day, h), whole);
}

// ---- the calendar ------------------------------------------------------------------------------------------------

TEST(HistoryCalendar, ADayBeginsAtMidnightInBeijing) {
  EXPECT_EQ(day_of(*parse_iso("2026-05-01T00:00:00+08:00")), kMay1);
  EXPECT_EQ(day_of(*parse_iso("2026-05-01T23:59:59.999+08:00")), kMay1);
  EXPECT_EQ(day_of(*parse_iso("2026-04-30T16:00:00Z")), kMay1);
  EXPECT_EQ(day_of(*parse_iso("2026-04-30T15:59:59.999Z")), kMay1 - kDay);
  EXPECT_EQ(day_of(*parse_iso("1969-12-31T23:00:00+08:00")), beijing_midnight(1969, 12, 31));
}

TEST(HistoryCalendar, PeriodsEndWhereTheNextBegins) {
  const EventTime last = beijing_midnight(2026, 1, 1) - Duration(1);
  EXPECT_EQ(month_of(last), (Interval{beijing_midnight(2025, 12, 1), beijing_midnight(2026, 1, 1)}));
  EXPECT_EQ(quarter_of(last), (Interval{beijing_midnight(2025, 10, 1), beijing_midnight(2026, 1, 1)}));
  EXPECT_EQ(year_of(last), (Interval{beijing_midnight(2025, 1, 1), beijing_midnight(2026, 1, 1)}));
  const EventTime first = last + Duration(1);
  EXPECT_EQ(month_of(first), (Interval{beijing_midnight(2026, 1, 1), beijing_midnight(2026, 2, 1)}));
  EXPECT_EQ(quarter_of(first), (Interval{beijing_midnight(2026, 1, 1), beijing_midnight(2026, 4, 1)}));
  EXPECT_EQ(year_of(first), (Interval{beijing_midnight(2026, 1, 1), beijing_midnight(2027, 1, 1)}));
}

TEST(HistoryCalendar, EveryMonthLiesInItsQuarterAndHasItsDays) {
  constexpr int kDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};  // 2024
  for (unsigned m = 1; m <= 12; ++m) {
    const EventTime t = beijing_midnight(2024, m, 17) + hours(5);
    const Interval month = month_of(t);
    EXPECT_EQ(month.start, beijing_midnight(2024, m, 1));
    EXPECT_EQ((month.end - month.start) / kDay, kDays[m - 1]) << m;
    EXPECT_EQ(quarter_of(t).start, beijing_midnight(2024, m <= 3 ? 1 : m <= 6 ? 4 : m <= 9 ? 7 : 10, 1)) << m;
  }
  EXPECT_EQ((year_of(beijing_midnight(2024, 2, 29)).end - beijing_midnight(2024, 1, 1)) / kDay, 366);
  EXPECT_EQ((month_of(beijing_midnight(2026, 2, 28)).end - beijing_midnight(2026, 2, 1)) / kDay, 28);
  EXPECT_EQ((month_of(beijing_midnight(2100, 2, 1)).end - beijing_midnight(2100, 2, 1)) / kDay, 28);
}

// ---- trailing windows --------------------------------------------------------------------------------------------

TEST(HistoryTrailing, SumsTheHoursBeforeTheEndAcrossMidnight) {
  History history;
  fill(history, kMay1, 0, 24, 10);
  fill(history, kMay1 + kDay, 0, 24, 40);
  const Total t = history.trailing(0, at(kMay1 + kDay, 6), 24);  // 18 of 10, 6 of 40
  EXPECT_EQ(t, (Total{ug(18 * 10 + 6 * 40).pg, 24, ug(10).pg, ug(40).pg}));
  EXPECT_EQ(t.mean(), Concentration{17'500'000});
  EXPECT_EQ(history.trailing(0, at(kMay1, 24), 24), history.day(0, kMay1));
  EXPECT_EQ(history.day(0, kMay1 + kDay).mean(), ug(40));
}

TEST(HistoryTrailing, ItsFirstHourIsInAndTheOneAtItsEndIsNot) {
  History history;
  set(history, at(kMay1, 3), 7);
  EXPECT_EQ(history.trailing(0, at(kMay1, 3), 8).count, 0);
  EXPECT_EQ(history.trailing(0, at(kMay1, 4), 8).count, 1);
  EXPECT_EQ(history.trailing(0, at(kMay1, 11), 8).count, 1);
  EXPECT_EQ(history.trailing(0, at(kMay1, 12), 8).count, 0);
  // 24 hours that begin on the day before.
  EXPECT_EQ(history.trailing(0, at(kMay1 + kDay, 3), 24).count, 1);
  EXPECT_EQ(history.trailing(0, at(kMay1 + kDay, 4), 24).count, 0);
}

TEST(HistoryTrailing, WhatIsNotThereIsNotCounted) {
  History history;
  EXPECT_EQ(history.trailing(0, kMay1, 24), Total{});
  EXPECT_EQ(Total{}.mean(), Concentration{0});
  fill(history, kMay1, 0, 3, 6);
  set(history, at(kMay1 + kDay, 1), 12);  // column 0; column 3 has nothing
  EXPECT_EQ(history.trailing(0, at(kMay1 + kDay, 2), 26).count, 4);
  EXPECT_EQ(history.trailing(3, at(kMay1 + kDay, 2), 26).count, 0);
  EXPECT_EQ(history.trailing(0, at(kMay1 + kDay, 2), 26).mean(), Concentration{7'500'000});
}

TEST(HistoryTrailing, AMeanIsRoundedHalfToEvenToAPicogram) {
  Total t;
  t.add(1);
  t.add(2);
  EXPECT_EQ(t.mean(), Concentration{2});  // 1.5
  t = {};
  t.add(2);
  t.add(3);
  EXPECT_EQ(t.mean(), Concentration{2});  // 2.5
}

TEST(HistoryTrailing, EqualsANaiveSumOfEveryHour) {
  std::mt19937_64 random(3095);
  std::vector<std::int64_t> hour(24 * 6, Day::kNone);  // of six days, of which the fourth has nothing
  History history;
  for (std::size_t h = 0; h < hour.size(); ++h) {
    if (h / 24 == 3 || random() % 4 == 0) continue;
    hour[h] = static_cast<std::int64_t>(random() % 900) * kMillion + 1;
    set(history, at(kMay1, static_cast<int>(h)), 0);
    history.make_day(day_of(at(kMay1, static_cast<int>(h)))).column(0).mean[h % 24] = hour[h];
  }
  for (int end = 0; end <= 24 * 6; ++end) {
    for (const int length : {1, 8, 24, 30}) {
      Total naive;
      for (int h = std::max(0, end - length); h < end; ++h) {
        if (hour[static_cast<std::size_t>(h)] != Day::kNone) naive.add(hour[static_cast<std::size_t>(h)]);
      }
      ASSERT_EQ(history.trailing(0, at(kMay1, end), length), naive) << end << ' ' << length;
    }
  }
}

TEST(History, AnHourIsFoundByItsStartAlone) {
  History history;
  set(history, at(kMay1, 23), 5);
  EXPECT_EQ(history.mean(0, at(kMay1, 23)), ug(5).pg);
  EXPECT_EQ(history.mean(0, at(kMay1, 22)), std::nullopt);
  EXPECT_EQ(history.mean(1, at(kMay1, 23)), std::nullopt);
  EXPECT_EQ(history.mean(0, at(kMay1, 24)), std::nullopt);
}

TEST(History, AnHourIsPublishedOrFlatByItsBit) {
  History history;
  set(history, at(kMay1, 4), 5);
  Day& day = history.make_day(kMay1);
  day.column(0).published = 1U << 4 | 1U << 5;
  day.column(0).flat = 1U << 4;
  EXPECT_TRUE(history.published(0, at(kMay1, 4)));
  EXPECT_TRUE(history.published(0, at(kMay1, 5)));  // published, and not valid
  EXPECT_FALSE(history.published(0, at(kMay1, 6)));
  EXPECT_FALSE(history.published(1, at(kMay1, 4)));
  EXPECT_FALSE(history.published(0, at(kMay1 + kDay, 4)));
  EXPECT_TRUE(day.any_published(5));
  EXPECT_FALSE(day.any_published(6));
  EXPECT_EQ(history.flat_mean(0, at(kMay1, 4)), ug(5).pg);
  EXPECT_EQ(history.flat_mean(0, at(kMay1, 5)), std::nullopt);
}

TEST(History, DaysAndMonthsAreKeptInOrderHoweverTheyAreMade) {
  History history;
  for (const int d : {3, 1, 2, 1}) history.make_day(kMay1 + kDay * d);
  ASSERT_EQ(history.days.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(history.days[i].start, kMay1 + kDay * (static_cast<int>(i) + 1));
  EXPECT_EQ(history.find_day(kMay1), nullptr);
  EXPECT_EQ(history.find_day(kMay1 + kDay * 2)->start, kMay1 + kDay * 2);
  EXPECT_EQ(std::as_const(history).find_day(kMay1 + kDay * 3)->start, kMay1 + kDay * 3);
  history.make_month(beijing_midnight(2026, 5, 1));
  history.make_month(beijing_midnight(2026, 4, 1));
  EXPECT_EQ(history.months.front().start, beijing_midnight(2026, 4, 1));
  EXPECT_EQ(history.find_month(beijing_midnight(2026, 3, 1)), nullptr);
}

// ---- the greatest 8 h mean ---------------------------------------------------------------------------------------

TEST(HistoryMda8, IsTheGreatestOfTheSeventeenThatEndBetween8And24) {
  History history;
  fill(history, kMay1 - kDay, 0, 24, 900);  // the night before is in none of them
  fill(history, kMay1, 0, 24, 20);
  fill(history, kMay1, 12, 20, 180);
  fill(history, kMay1 + kDay, 0, 24, 900);
  const Greatest8h g = history.mda8(0, kMay1, 6);
  EXPECT_EQ(g.valid, 17);
  EXPECT_EQ(g.best, (Total{ug(8 * 180).pg, 8, ug(180).pg, ug(180).pg}));
}

TEST(HistoryMda8, AnEightHourMeanNeedsSixHours) {
  History history;
  fill(history, kMay1, 0, 5, 100);
  EXPECT_EQ(history.greatest_8h(0, at(kMay1, 8), at(kMay1, 8), 6), Greatest8h{});
  set(history, at(kMay1, 7), 40);
  const Greatest8h g = history.greatest_8h(0, at(kMay1, 8), at(kMay1, 8), 6);
  EXPECT_EQ(g.valid, 1);
  EXPECT_EQ(g.best.mean(), ug(90));  // (5 * 100 + 40) / 6
}

TEST(HistoryMda8, FourteenValidMeansWithFiveHoursMissingAtTheDaysBeginThirteenWithSix) {
  for (const auto& [missing, valid] : {std::pair{2, 17}, {3, 16}, {4, 15}, {5, 14}, {6, 13}, {18, 1}, {19, 0}}) {
    History history;
    fill(history, kMay1, missing, 24, 50);
    const Greatest8h g = history.mda8(0, kMay1, 6);
    EXPECT_EQ(g.valid, valid) << missing;
    EXPECT_EQ(g.best.count, valid == 0 ? 0 : 6) << missing;  // the first of equals, with just enough hours
  }
}

TEST(HistoryMda8, AGapTakesAwayOnlyTheMeansThatHoldTooMuchOfIt) {
  History history;
  fill(history, kMay1, 0, 24, 50);
  for (int h = 10; h < 13; ++h) history.make_day(kMay1).column(0).mean[static_cast<std::size_t>(h)] = Day::kNone;
  // All three hours lie in the means that end 13:00 .. 18:00: six of them have five hours.
  EXPECT_EQ(history.mda8(0, kMay1, 6).valid, 11);
}

TEST(HistoryMda8, OfEqualMeansTheFirstIsKept) {
  History history;
  fill(history, kMay1, 0, 24, 50);
  history.make_day(kMay1).column(0).mean[0] = ug(40).pg;
  history.make_day(kMay1).column(0).mean[7] = ug(60).pg;
  // 08:00: 40 60 and six 50; 09:00 on: 60 and seven 50, the greatest until 15:00.
  const Greatest8h g = history.mda8(0, kMay1, 6);
  EXPECT_EQ(g.best, (Total{ug(410).pg, 8, ug(50).pg, ug(60).pg}));
  // The mean decides, not the sum: six hours of 55 are more than eight of 51.25.
  History fewer = history;
  fewer.make_day(kMay1).column(0).mean.fill(Day::kNone);
  fill(fewer, kMay1, 0, 6, 55);
  fill(fewer, kMay1, 8, 16, 51);
  EXPECT_EQ(fewer.mda8(0, kMay1, 6).best, (Total{ug(330).pg, 6, ug(55).pg, ug(55).pg}));
}

TEST(HistoryMda8, WithoutAMinimumAMeanOfNothingIsStillNone) {
  History history;
  EXPECT_EQ(history.mda8(0, kMay1, 0), Greatest8h{});
  set(history, at(kMay1, 23), 0);  // a mean of zero is one
  const Greatest8h g = history.mda8(0, kMay1, 0);
  EXPECT_EQ(g.valid, 1);
  EXPECT_EQ(g.best.count, 1);
}

// ---- percentiles -------------------------------------------------------------------------------------------------

std::int64_t percentile_of(std::vector<std::int64_t> values, int percent) {
  return percentile(values, percent).pg;
}

TEST(HistoryPercentile, LiesBetweenItsTwoNeighbours) {
  std::vector<std::int64_t> days(31);
  std::iota(days.begin(), days.end(), 1);
  for (std::int64_t& d : days) d *= 100;
  std::shuffle(days.begin(), days.end(), std::mt19937_64(663));
  EXPECT_EQ(percentile_of(days, 90), 2800);  // k = 1 + 30 * 0.90 = 28
  EXPECT_EQ(percentile_of(days, 95), 2950);  // k = 29.5
  EXPECT_EQ(percentile_of(days, 98), 3040);  // k = 30.4
  days.resize(365);
  std::iota(days.begin(), days.end(), 1);
  EXPECT_EQ(percentile_of(days, 50), 183);
  for (std::int64_t& d : days) d *= 100;
  EXPECT_EQ(percentile_of(days, 95), 34680);  // k = 346.8
  EXPECT_EQ(percentile_of(days, 98), 35772);  // k = 357.72
}

TEST(HistoryPercentile, OfOneDayIsThatDayAndOfEqualDaysTheirValue) {
  EXPECT_EQ(percentile_of({7}, 1), 7);
  EXPECT_EQ(percentile_of({7}, 99), 7);
  EXPECT_EQ(percentile_of({7, 7, 7, 7}, 95), 7);
}

TEST(HistoryPercentile, HalvesGoToTheEvenPicogram) {
  EXPECT_EQ(percentile_of({1, 2}, 50), 2);
  EXPECT_EQ(percentile_of({3, 2}, 50), 2);
  EXPECT_EQ(percentile_of({0, 1}, 49), 0);
  EXPECT_EQ(percentile_of({0, 1}, 51), 1);
}

TEST(HistoryPercentile, TheGreatestConcentrationsDoNotOverflow) {
  EXPECT_EQ(percentile_of({kConcentrationMax, kConcentrationMax - 2}, 50), kConcentrationMax - 1);
}

TEST(HistoryPercentileDeathTest, OfNothingIsABug) {
  EXPECT_DEATH(percentile_of({}, 50), "bug");
  EXPECT_DEATH(percentile_of({1}, 0), "bug");
  EXPECT_DEATH(percentile_of({1}, 100), "bug");
}

// ---- revisions ---------------------------------------------------------------------------------------------------

TEST(HistoryRevision, CountsFrom1ForEachKindColumnAndHour) {
  Day day;
  EXPECT_EQ(day.next_revision(k24hKind, 2, 7, true), 1);
  EXPECT_TRUE(day.republished.empty());  // most are published once, and cost nothing
  EXPECT_EQ(day.next_revision(k24hKind, 2, 7, false), 2);
  EXPECT_EQ(day.next_revision(k24hKind, 2, 7, false), 3);
  EXPECT_EQ(day.next_revision(k8hKind, 2, 7, false), 2);
  EXPECT_EQ(day.next_revision(k24hKind, 1, 7, false), 2);
  EXPECT_EQ(day.next_revision(k24hKind, 2, 6, false), 2);
  EXPECT_EQ(day.next_revision(k24hKind, 2, 7, false), 4);
  EXPECT_TRUE(std::is_sorted(day.republished.begin(), day.republished.end(),
                             [](const Republished& a, const Republished& b) { return a.place() < b.place(); }));
}

}  // namespace
}  // namespace qc::core
