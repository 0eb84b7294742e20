#include "core/forecast_score.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

namespace qc::core {
namespace {

const EventTime kStart = beijing_midnight(2025, 12, 1);

Forecast all(EventTime from, int hours, int index) {
  Forecast f;
  for (int h = 0; h < hours; ++h) f[from + kHour * h] = {index};
  return f;
}

TEST(ForecastScorer, CountsByHowLongBeforeItWasSaid) {
  ForecastScorer scorer;
  const EventTime at = kStart + kHour / 2;
  EXPECT_TRUE(scorer.issue(at, 180, all(kStart + kHour, 72, 210)));
  EXPECT_TRUE(scorer.observed(kStart + kHour, 190));  // said 210: a false alarm, 20 too high; persistence 10 too low
  EXPECT_TRUE(scorer.observed(kStart + 24 * kHour, 250));  // a hit, 40 too low; persistence misses by 70
  EXPECT_TRUE(scorer.observed(kStart + 25 * kHour, 201));  // 24.5 h ahead: the second day
  EXPECT_FALSE(scorer.observed(kStart + 25 * kHour, 201)) << "an hour is scored once";
  EXPECT_EQ(scorer.scores()[0], (ForecastScore{2, {60, 1, 0, 1}, {80, 0, 1, 0}}));
  EXPECT_EQ(scorer.scores()[1], (ForecastScore{1, {9, 1, 0, 0}, {21, 0, 1, 0}}));
  EXPECT_EQ(scorer.scores()[2], ForecastScore{});
}

TEST(ForecastScorer, HeavyBeginsAbove200) {
  ForecastScorer scorer;
  scorer.issue(kStart, 201, all(kStart + kHour, 2, 200));
  scorer.observed(kStart + kHour, 200);
  scorer.observed(kStart + 2 * kHour, 201);
  EXPECT_EQ(scorer.scores()[0].forecast, (ForecastErrors{1, 0, 1, 0}));
  EXPECT_EQ(scorer.scores()[0].persistence, (ForecastErrors{1, 1, 0, 1}));
}

TEST(ForecastScorer, ALaterIssueOfTheSameDayTakesThePlaceOfAnEarlierOne) {
  ForecastScorer scorer;
  scorer.issue(kStart, 100, all(kStart + 30 * kHour, 1, 300));
  scorer.issue(kStart + 5 * kHour, 110, all(kStart + 30 * kHour, 1, 200));  // 25 h ahead
  scorer.issue(kStart + 8 * kHour, 120, all(kStart + 30 * kHour, 1, 150));  // 22 h ahead
  scorer.observed(kStart + 30 * kHour, 140);
  EXPECT_EQ(scorer.scores()[1], (ForecastScore{1, {60, 0, 0, 0}, {30, 0, 0, 0}}));
  EXPECT_EQ(scorer.scores()[0], (ForecastScore{1, {10, 0, 0, 0}, {20, 0, 0, 0}}));
}

TEST(ForecastScorer, WhatIsNotKnownIsNotScored) {
  ForecastScorer scorer;
  EXPECT_FALSE(scorer.issue(kStart, kNoIndex, all(kStart + kHour, 5, 100))) << "no persistence to compare with";
  EXPECT_FALSE(scorer.issue(kStart, 100, all(kStart - 5 * kHour, 6, 100))) << "only what is past";
  EXPECT_FALSE(scorer.issue(kStart, 100, all(kStart + kHour * 24 * kScoredDays + kHour, 3, 100))) << "too far ahead";
  EXPECT_FALSE(scorer.issue(kStart, 100, all(kStart + kHour, 2, kNoIndex)));
  EXPECT_TRUE(scorer.issue(kStart, 100, all(kStart + kHour, 3, 100)));
  EXPECT_TRUE(scorer.observed(kStart + kHour, kNoIndex)) << "it is forgotten";
  scorer.observed(kStart + 3 * kHour, 100);  // and that of the hour between, which never came, too
  scorer.observed(kStart + 2 * kHour, 100);
  EXPECT_EQ(scorer.scores()[0].hours, 1);
}

// What was said last of each day before each hour, by looking through all issues.
ForecastScores naive(const std::vector<std::pair<EventTime, Forecast>>& issues, const std::map<EventTime, int>& came) {
  ForecastScores scores{};
  const auto add = [](ForecastErrors& e, int said, int index) {
    e.absolute += std::abs(said - index);
    if (said > 200 && index > 200) ++e.hits;
    if (said <= 200 && index > 200) ++e.misses;
    if (said > 200 && index <= 200) ++e.alarms;
  };
  for (const auto& [end, index] : came) {
    for (int day = 0; day < static_cast<int>(kScoredDays); ++day) {
      int said = kNoIndex;
      int stayed = kNoIndex;
      for (const auto& [at, hours] : issues) {
        const bool of_day = at + day * 24 * kHour < end && end <= at + (day + 1) * 24 * kHour;
        if (!of_day || !hours.contains(end)) continue;
        said = hours.at(end).index;
        stayed = came.at(hour_of(at));
      }
      if (said == kNoIndex) continue;
      ForecastScore& score = scores[static_cast<std::size_t>(day)];
      ++score.hours;
      add(score.forecast, said, index);
      add(score.persistence, stayed, index);
    }
  }
  return scores;
}

TEST(ForecastScorer, EqualsANaiveCountHoweverOftenItIsSavedAndLoaded) {
  std::mt19937 random(7);
  const auto below = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int seed = 0; seed < 50; ++seed) {
    ForecastScorer scorer;
    std::vector<std::pair<EventTime, Forecast>> issues;
    std::map<EventTime, int> came;
    for (int h = 0; h < 24 * 12; ++h) {
      const EventTime at = kStart + kHour * h;
      came[at] = below(400);
      scorer.observed(at, came[at]);
      if (below(5) == 0) {
        Forecast f;
        for (int ahead = 0; ahead < 24 * 10; ahead += 1 + below(4)) f[at + kHour * ahead] = {below(400)};
        issues.emplace_back(at + Duration(below(3'600'000)), f);
        scorer.issue(issues.back().first, came[at], f);
      }
      if (below(20) != 0) continue;
      std::string bytes;
      ByteWriter out(bytes);
      scorer.write(out);
      ForecastScorer loaded;
      ByteReader in(bytes);
      ASSERT_TRUE(loaded.read(in) && in.done());
      std::string again;
      ByteWriter out_again(again);
      loaded.write(out_again);
      ASSERT_EQ(again, bytes);
      scorer = loaded;
    }
    ASSERT_EQ(scorer.scores(), naive(issues, came)) << seed;
    ASSERT_GT(scorer.scores()[6].hours, 10) << seed;
  }
}

}  // namespace
}  // namespace qc::core
