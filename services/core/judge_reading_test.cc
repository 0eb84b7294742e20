// What a correction does to an episode over single readings: it goes when every hour that made it is invalidated.
#include <gtest/gtest.h>

#include "core/judge_fixture.h"

namespace qc::core {
namespace {

// The last that was said of readings.
class ReadingEpisodesTest : public ReadingStageTest {
 protected:
  void over(EventTime from, std::size_t n) { d.apply(minutes("S1", Factor::SO2, from, same(n, ug(600)))); }
  void under(EventTime from, std::size_t n) { d.apply(minutes("S1", Factor::SO2, from, same(n, ug(10)))); }
  void amend(Amend::Action action, EventTime hour, Concentration value = {}) {
    d.apply(amendment(action, Factor::SO2, hour, value));
    d.tick(now += kMinute);
  }
  void to(EventTime t) { d.tick(now = t); }
  const Signal& said() const { return *last_of(d, "reading_over_limit"); }

  EventTime now{};
};

TEST_F(ReadingEpisodesTest, InvalidatingTheOnlyHourThatMadeItWithdrawsItWithTheReason) {
  over(kEight + kMinute * 30, 3);
  under(kEight + kMinute * 33, 27);
  const Signal ended = said();
  ASSERT_EQ(ended.state, SignalState::Cleared);
  to(kEight + kHour + kMinute * 10);
  d.restart();
  amend(Amend::Action::Invalidate, kEight);
  EXPECT_EQ(said().id, ended.id);
  EXPECT_EQ(said().revision, ended.revision + 1);
  EXPECT_EQ(said().state, SignalState::Withdrawn);
  EXPECT_EQ(said().reason, "amended by li: zero drift");
  EXPECT_EQ(said().at, now);
  // It is an indicator of the moment: restored, the hour is back, and it is not.
  const auto count = count_of(d, "reading_over_limit");
  amend(Amend::Action::Restore, kEight);
  EXPECT_EQ(count_of(d, "reading_over_limit"), count);
}

TEST_F(ReadingEpisodesTest, AReplacedHourStillHoldsItsReadings) {
  over(kEight + kMinute * 30, 3);
  under(kEight + kMinute * 33, 27);
  to(kEight + kHour + kMinute * 10);
  amend(Amend::Action::Replace, kEight, ug(10));
  EXPECT_EQ(said().state, SignalState::Cleared);
}

TEST_F(ReadingEpisodesTest, OneThatSeveralHoursMadeGoesWithTheLastOfThem) {
  over(kEight + kMinute * 58, 2);
  over(kEight + kHour, 2);
  under(kEight + kHour + kMinute * 2, 58);
  to(kEight + kHour * 2 + kMinute * 10);
  amend(Amend::Action::Invalidate, kEight);
  EXPECT_EQ(said().state, SignalState::Cleared) << "the hour after it holds such readings, too";
  d.restart();
  amend(Amend::Action::Invalidate, kEight + kHour);
  EXPECT_EQ(said().state, SignalState::Withdrawn);
}

TEST_F(ReadingEpisodesTest, OnlyTheHoursThatWereOverTheLevelCount) {
  over(kEight + kMinute * 58, 2);
  under(kEight + kHour, 60);
  const Signal ended = said();
  ASSERT_GT(ended.at, kEight + kHour) << "it ended in the next hour";
  to(kEight + kHour * 2 + kMinute * 10);
  amend(Amend::Action::Invalidate, kEight);
  EXPECT_EQ(said().state, SignalState::Withdrawn);
}

TEST_F(ReadingEpisodesTest, AnOpenOneGoesToo) {
  over(kEight + kMinute * 50, 10);
  d.apply(minutes("S1", Factor::SO2, kEight + kHour, same(12, ug(480))));  // in the dead-band
  to(kEight + kHour + kMinute * 12);
  ASSERT_EQ(said().state, SignalState::Active);
  amend(Amend::Action::Invalidate, kEight);
  EXPECT_EQ(said().state, SignalState::Withdrawn);
  over(kEight + kHour + kMinute * 14, 1);
  EXPECT_EQ(said().state, SignalState::Active) << "another episode";
  EXPECT_EQ(said().revision, 1);
}

TEST_F(ReadingEpisodesTest, WhatIsSettledStands) {
  over(kEight + kMinute * 58, 2);
  over(kEight + kHour, 2);
  under(kEight + kHour + kMinute * 2, 58);
  to(kEight + kHour * 97 + kMinute * 10);  // the first hour has left the horizon, the second can be corrected
  amend(Amend::Action::Invalidate, kEight + kHour);
  EXPECT_EQ(said().state, SignalState::Cleared) << "readings of the first hour were over, too";
}

}  // namespace
}  // namespace qc::core
