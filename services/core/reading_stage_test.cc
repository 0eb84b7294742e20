// Hours: how they close, what comes late, what is refused, what runs.
#include "core/reading_stage.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/reading_stage_fixture.h"

namespace qc::core {
namespace {

// ---- hours --------------------------------------------------------------------------------------------------------

TEST_F(ReadingStageTest, AnHourClosesAtCloseAfterWithTheExactMean) {
  std::vector<Concentration> values;
  for (int i = 0; i < 60; ++i) values.push_back({i * kMillion / 10 + 1});
  d.apply(minutes("S1", Factor::SO2, kEight, values));
  d.tick(kEight + kHour + kMinute * 9);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->status, Status::Running);
  d.tick(kEight + kHour + kMinute * 10);
  const Mean* m = d.last("S1", Factor::SO2, kEight);
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->status, Status::Closed);
  EXPECT_TRUE(m->valid);
  EXPECT_EQ(m->sum_pg, 59 * 60 / 2 * kMillion / 10 + 60);
  EXPECT_EQ(m->value.pg, 2'950'001);
  EXPECT_EQ(m->count, 60);
  EXPECT_EQ(m->expected, 60);
  EXPECT_EQ(m->min.pg, 1);
  EXPECT_EQ(m->max.pg, 5'900'001);
  EXPECT_EQ(m->source, Source::Minute);
  EXPECT_EQ(m->interval, (Interval{kEight, kEight + kHour}));
  EXPECT_EQ(m->region, "C");
  EXPECT_EQ(m->root, "P");
  EXPECT_EQ(m->origin.first_offset, 101);
  EXPECT_EQ(m->origin.offset, 103);
}

TEST_F(ReadingStageTest, FortyFourMinutesAreNoValidHourFortyFiveAre) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(44, ug(10))));
  d.apply(minutes("S2", Factor::SO2, kEight, same(45, ug(10))));
  d.tick(kEight + kHour + kMinute * 10);
  EXPECT_FALSE(d.last("S1", Factor::SO2, kEight)->valid);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->count, 44);
  EXPECT_TRUE(d.last("S2", Factor::SO2, kEight)->valid);
}

TEST_F(ReadingStageTest, HourDataBeatMinutesOnlyWhereValidAndNeverMix) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(60, ug(10))));
  ReadingBatch faulty = packet("S1", Source::Hour, kEight, kHour);
  add_column(faulty, Factor::SO2, {ug(90)}, {Flag::Fault});
  d.apply(faulty);
  d.apply(minutes("S1", Factor::NO2, kEight, same(60, ug(10))));
  d.apply(hour_data("S1", Factor::NO2, kEight, ug(90)));
  d.tick(kEight + kHour + kMinute * 10);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->value, ug(10));
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->source, Source::Minute);
  EXPECT_EQ(d.last("S1", Factor::NO2, kEight)->value, ug(90));
  EXPECT_EQ(d.last("S1", Factor::NO2, kEight)->source, Source::Hour);
  EXPECT_EQ(d.last("S1", Factor::NO2, kEight)->count, 1);
}

TEST_F(ReadingStageTest, AResendIsADuplicateAndTheLaterStampWinsAConflict) {
  ReadingBatch first = minutes("S1", Factor::SO2, kEight, same(60, ug(10)));
  first.stamp_ms = ms(kEight) + 1;
  ReadingBatch other = minutes("S1", Factor::SO2, kEight, same(60, ug(4)));
  other.stamp_ms = ms(kEight) + 2;
  d.apply(first);
  d.apply(first);
  EXPECT_EQ(d.count(Account::Stored), 60);
  EXPECT_EQ(d.count(Account::Duplicate), 60);
  d.apply(other);
  EXPECT_EQ(d.count(Account::Replaced), 60);
  d.apply(first);
  EXPECT_EQ(d.count(Account::Duplicate), 120) << "the lesser stamp comes late and is kept out";
  d.tick(kEight + kHour + kMinute * 10);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->value, ug(4));
  EXPECT_EQ(d.stage->ledger().in, 240);
}

TEST_F(ReadingStageTest, OnlyValuesThatTheDeviceCallsNormalCount) {
  ReadingBatch batch = packet("S1", Source::Minute, kEight, kMinute);
  std::vector<Flag> flags(60, Flag::Normal);
  for (std::size_t i = 0; i < 14; ++i) flags[i] = static_cast<Flag>(1 + i % 7);
  flags[14] = flags[15] = Flag::Missing;
  add_column(batch, Factor::SO2, same(60, ug(10)), flags);
  d.apply(batch);
  EXPECT_EQ(d.count(Account::Flagged), 14);
  EXPECT_EQ(d.count(Account::Stored), 44);
  EXPECT_EQ(d.stage->ledger().in, 58) << "a missing row is no reading";
  d.tick(kEight + kHour + kMinute * 10);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->count, 44);
  EXPECT_FALSE(d.last("S1", Factor::SO2, kEight)->valid);
}

TEST_F(ReadingStageTest, ARowOfMissingValuesLeavesNoTrace) {
  ReadingBatch batch = packet("S1", Source::Minute, kEight - kHour * 3, kMinute);
  add_column(batch, Factor::SO2, same(2, ug(10)), {Flag::Missing, Flag::Missing});
  fixture::save_into(*d.stage, d.state);
  const auto before = d.state;
  d.apply(batch);
  fixture::save_into(*d.stage, d.state);
  EXPECT_EQ(d.state, before);
  EXPECT_EQ(d.stage->ledger().in, 0);
}

TEST_F(ReadingStageTest, ASilentSiteClosesItsHoursWithCoverageZero) {
  d.tick(kEight + kHour + kMinute * 10);
  for (const char* site : {"S1", "S2", "S3"}) {
    for (const Factor f : kSixPollutants) {
      const Mean* m = d.last(site, f, kEight);
      ASSERT_NE(m, nullptr) << site;
      EXPECT_EQ(m->status, Status::Closed);
      EXPECT_EQ(m->count, 0);
      EXPECT_EQ(m->expected, 60);
      EXPECT_FALSE(m->valid);
      EXPECT_EQ(m->origin.first_offset, -1);
    }
    ASSERT_NE(d.last(site, Factor::AQI, kEight), nullptr);
    EXPECT_FALSE(d.last(site, Factor::AQI, kEight)->valid);
  }
  EXPECT_TRUE(d.signals.empty());
}

TEST_F(ReadingStageTest, InAFedLogASiteThatIsNotFedIsNotSilent) {
  Driver fed(test_rules(), Timeline::Fed);
  fed.tick(kEight);
  fed.apply(hour_data("S2", Factor::SO2, kEight, ug(10)));
  fed.tick(kEight + kHour + kMinute * 10);
  EXPECT_NE(fed.last("S2", Factor::SO2, kEight), nullptr);
  EXPECT_EQ(fed.last("S1", Factor::SO2, kEight), nullptr);
}

TEST_F(ReadingStageTest, BeforeTheFirstTickNothingIsLateAndWhatIsBehindItClosesThen) {
  Driver early(test_rules());
  early.apply(minutes("S1", Factor::SO2, kEight - kHour * 30, same(60, ug(10))));
  EXPECT_TRUE(early.means.empty());
  early.tick(kEight);
  const Mean* m = early.last("S1", Factor::SO2, kEight - kHour * 30);
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->status, Status::Closed);
  EXPECT_EQ(m->value, ug(10));
}

TEST_F(ReadingStageTest, TimeNeverGoesBack) {
  d.tick(kEight + kHour * 2);
  const std::size_t published = d.means.size();
  d.tick(kEight + kHour);
  EXPECT_EQ(d.stage->now(), kEight + kHour * 2);
  EXPECT_EQ(d.means.size(), published);
  EXPECT_FALSE(d.out.tick);
}

TEST_F(ReadingStageTest, TimeIsForwardedOnceAMinute) {
  EXPECT_FALSE(d.tick(kEight + Duration(1000)).tick);
  EXPECT_FALSE(d.tick(kEight + Duration(59'000)).tick);
  EXPECT_TRUE(d.tick(kEight + Duration(60'000)).tick);
}

TEST_F(ReadingStageTest, ATickThatIsDrainedGivesTheSameSequenceWithoutHoldingItAll) {
  Driver drained(test_rules());
  std::vector<Mean> means;
  std::vector<Signal> signals;
  std::size_t most = 0;
  drained.out.drain_at = 8;
  drained.out.drain = [&](Outputs& out) {
    most = std::max(most, out.means.size());
    means.insert(means.end(), out.means.begin(), out.means.end());
    signals.insert(signals.end(), out.signals.begin(), out.signals.end());
    out.clear();
  };
  drained.tick(kEight);
  for (Driver* driver : {&d, &drained}) {
    for (const char* site : {"S1", "S2", "S3"}) driver->apply(hour_data(site, Factor::NO2, kEight, ug(300)));
    driver->tick(kEight + kHour + kMinute * 10);
  }
  means.insert(means.end(), drained.out.means.begin(), drained.out.means.end());
  signals.insert(signals.end(), drained.out.signals.begin(), drained.out.signals.end());
  ASSERT_EQ(means.size(), d.out.means.size());
  for (std::size_t i = 0; i < means.size(); ++i) EXPECT_EQ(fixture::text(means[i]), fixture::text(d.out.means[i]));
  ASSERT_EQ(signals.size(), d.out.signals.size());
  for (std::size_t i = 0; i < signals.size(); ++i)
    EXPECT_EQ(fixture::text(signals[i]), fixture::text(d.out.signals[i]));
  EXPECT_LE(most, 8U + 7U) << "no more than one site's beyond the limit";
}

// ---- late ---------------------------------------------------------------------------------------------------------

TEST_F(ReadingStageTest, ALateMinuteAmendsItsHourAtTheNextTickWithAReason) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(50, ug(10))));
  d.tick(kEight + kHour + kMinute * 10);
  const int before = d.last("S1", Factor::SO2, kEight)->revision;
  d.apply(minutes("S1", Factor::SO2, kEight + kMinute * 50, same(10, ug(40))));
  EXPECT_TRUE(d.out.means.empty()) << "not at once: at the next tick";
  d.tick(kEight + kHour + kMinute * 11);
  const Mean* m = d.last("S1", Factor::SO2, kEight);
  EXPECT_EQ(m->status, Status::Amended);
  EXPECT_EQ(m->revision, before + 1);
  EXPECT_EQ(m->reason, "late readings");
  EXPECT_EQ(m->value, ug(15));
  d.tick(kEight + kHour + kMinute * 12);
  EXPECT_TRUE(d.out.means.empty()) << "once";
}

TEST_F(ReadingStageTest, ATickBetweenSecondsIsPassedOnInAFedLogAlone) {
  for (const Timeline timeline : {Timeline::Fed, Timeline::Wall}) {
    Driver of(test_rules(), timeline);
    const EventTime last = kEight + kHour + kMinute * 10;
    of.tick(last);
    EXPECT_EQ(of.tick(last + Duration(1)).tick, timeline == Timeline::Fed) << "it is there for corrections";
    EXPECT_FALSE(of.tick(last + std::chrono::seconds(1)).tick) << "a reading's second, of a minute that was passed on";
    EXPECT_TRUE(of.tick(last + kMinute).tick);
  }
}

TEST_F(ReadingStageTest, ALateReadingThatChangesNothingPublishesNothing) {
  const ReadingBatch batch = minutes("S1", Factor::SO2, kEight, same(50, ug(10)));
  d.apply(batch);
  d.tick(kEight + kHour + kMinute * 10);
  d.apply(batch);
  d.tick(kEight + kHour + kMinute * 11);
  EXPECT_TRUE(d.out.means.empty());
}

TEST_F(ReadingStageTest, MinutesAreTakenUntilSlotsKeptAndHoursUntilHoursKept) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(50, ug(10))));
  const EventTime end = kEight + kHour;
  d.tick(end + kHour * 6 - Duration(1));
  d.apply(minutes("S1", Factor::SO2, kEight + kMinute * 50, same(1, ug(10))));
  EXPECT_EQ(d.count(Account::Stored), 51);
  d.tick(end + kHour * 6);
  d.apply(minutes("S1", Factor::SO2, kEight + kMinute * 51, same(1, ug(10))));
  EXPECT_EQ(d.count(Account::Late), 1);
  d.tick(end + kHour * 96 - Duration(1));
  d.apply(hour_data("S1", Factor::SO2, kEight, ug(77)));
  EXPECT_EQ(d.count(Account::Stored), 52);
  d.tick(end + kHour * 96);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->value, ug(77));
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->status, Status::Amended);
  d.apply(hour_data("S1", Factor::SO2, kEight, ug(78)));
  EXPECT_EQ(d.count(Account::Late), 2);
  EXPECT_EQ(d.stage->ledger().in, 54);
}

TEST_F(ReadingStageTest, ASealedHourKeepsItsMinutesWhereTheHourValueIsFlagged) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(50, ug(10))));
  d.tick(kEight + kHour * 9);
  ReadingBatch faulty = packet("S1", Source::Hour, kEight, kHour);
  add_column(faulty, Factor::SO2, {ug(90)}, {Flag::Fault});
  d.apply(faulty);
  d.tick(kEight + kHour * 9 + kMinute);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->value, ug(10));
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->count, 50);
}

// ---- silence and jumps --------------------------------------------------------------------------------------------

TEST_F(ReadingStageTest, AfterHoursKeptOfSilenceASeriesIsDormantUntilItsNextReading) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(60, ug(10))));
  EventTime hour = kEight;
  for (; hour < kEight + kHour * 100; hour += kHour) d.tick(hour + kHour + kMinute * 10);
  EXPECT_NE(d.last("S1", Factor::SO2, kEight + kHour * 95), nullptr);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight + kHour * 96), nullptr);
  d.apply(minutes("S1", Factor::SO2, hour, same(60, ug(20))));
  d.tick(hour + kHour + kMinute * 10);
  EXPECT_EQ(d.last("S1", Factor::SO2, hour)->value, ug(20));
  EXPECT_EQ(d.last("S1", Factor::NO2, hour), nullptr) << "its neighbours sleep on";
}

TEST_F(ReadingStageTest, AJumpOfTimeCostsOneStepASeriesNotOneAnHour) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(60, ug(10))));
  d.tick(kEight + kHour * 24 * 365 * 10);
  EXPECT_LE(d.out.means.size(), 3U * 7U * 2U);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->value, ug(10));
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->status, Status::Closed);
}

TEST_F(ReadingStageTest, AnEpisodeThatAJumpRunsOverEndsWhenItWouldHaveEnded) {
  d.apply(hour_data("S1", Factor::NO2, kEight, ug(300)));
  d.tick(kEight + kHour + kMinute * 10);
  ASSERT_FALSE(d.signals.empty());
  d.tick(kEight + kHour * 24 * 365);
  const auto of_hours =
      std::find_if(d.signals.rbegin(), d.signals.rend(), [](const Signal& s) { return s.rule == "hour_limit"; });
  ASSERT_NE(of_hours, d.signals.rend());
  const Signal& last = *of_hours;
  EXPECT_EQ(last.state, SignalState::EndedNoData);
  EXPECT_EQ(last.at, kEight + kHour + kHour * 24) << "stale_max after its last value";
}

// ---- what is refused ----------------------------------------------------------------------------------------------

TEST_F(ReadingStageTest, AReadingMoreThanFiveMinutesAheadOfItsReceiveTimeIsMalformedAndChangesNothingElse) {
  ReadingBatch batch = minutes("S1", Factor::SO2, kEight, same(10, ug(10)));
  batch.received = ReceiveTime((kEight + kMinute * 3).time_since_epoch());
  d.apply(batch);  // rows end at 1 .. 10 minutes; 8 is the last that may be true
  EXPECT_EQ(d.count(Account::Stored), 8);
  EXPECT_EQ(d.count(Account::Malformed), 2);
  ASSERT_EQ(d.out.rejected.size(), 1U);
  EXPECT_EQ(d.out.rejected[0].reason, Reason::Future);
  EXPECT_EQ(d.out.rejected[0].readings, 2);

  ReadingBatch instant = packet("S1", Source::Realtime, kEight + kMinute * 8, kMinute);
  instant.received = batch.received;
  add_column(instant, Factor::NO2, same(2, ug(1)));
  d.apply(instant);  // an instant has no end to wait for: the first is just in time
  EXPECT_EQ(d.count(Account::Stored), 9);
  EXPECT_EQ(d.count(Account::Malformed), 3);
}

TEST_F(ReadingStageTest, ASiteThatNobodyKnowsIsUnknownUntilItIsRegistered) {
  const ReadingBatch batch = minutes("X", Factor::SO2, kEight, same(60, ug(10)));
  d.apply(batch);
  EXPECT_EQ(d.count(Account::Unknown), 60);
  ASSERT_EQ(d.out.rejected.size(), 1U);
  EXPECT_EQ(d.out.rejected[0].reason, Reason::UnknownSite);
  EXPECT_EQ(d.out.rejected[0].readings, 60);
  d.apply(Register{"X", "new", SiteKind::Park, AreaClass::Class1, "C", "P"});
  d.apply(batch);
  EXPECT_EQ(d.count(Account::Stored), 60);
  d.tick(kEight + kHour + kMinute * 10);
  EXPECT_EQ(d.last("X", Factor::SO2, kEight)->root, "P");
  d.restart();
  d.apply(minutes("X", Factor::SO2, kEight + kHour, same(60, ug(10))));
  EXPECT_EQ(d.count(Account::Stored), 120) << "it stays registered";
}

TEST_F(ReadingStageTest, ARegistrationDoesNotOverruleTheConfiguration) {
  d.apply(Register{"S1", "other", SiteKind::Park, AreaClass::Class1, "elsewhere", "Q"});
  d.tick(kEight + kHour + kMinute * 10);
  EXPECT_EQ(d.last("S1", Factor::SO2, kEight)->root, "P");
}

TEST_F(ReadingStageTest, ASiteIsKnownOnlyWithinItsDates) {
  auto rules = changed_rules();
  rules->sites["S1"].dated = {kEight + kHour, kEight + kHour * 2};
  d.use(rules);
  d.apply(minutes("S1", Factor::SO2, kEight, same(1, ug(10))));
  d.apply(minutes("S1", Factor::SO2, kEight + kHour, same(1, ug(10))));
  d.apply(minutes("S1", Factor::SO2, kEight + kHour * 2, same(1, ug(10))));
  EXPECT_EQ(d.count(Account::Unknown), 2);
  EXPECT_EQ(d.count(Account::Stored), 1);
}

TEST_F(ReadingStageTest, ASiteThatTheRulesNoLongerNameIsUnknown) {
  auto rules = changed_rules();
  rules->sites.erase("S1");
  d.use(rules);
  d.apply(minutes("S1", Factor::SO2, kEight, same(1, ug(10))));
  EXPECT_EQ(d.count(Account::Unknown), 1);
}

TEST_F(ReadingStageTest, ASiteHoldsAtMostSiteHoursMax) {
  auto rules = changed_rules();
  rules->horizons.site_hours_max = 3;
  d.use(rules);
  for (int h = 0; h < 5; ++h) d.apply(hour_data("S1", Factor::SO2, kEight - kHour * (h + 1), ug(10)));
  EXPECT_EQ(d.count(Account::Stored), 3);
  EXPECT_EQ(d.count(Account::Malformed), 2);
  EXPECT_EQ(d.out.rejected.back().reason, Reason::TooManyHours);
}

TEST_F(ReadingStageTest, WhatTheDecoderRefusedIsCountedAndTheRestIsTaken) {
  ReadingBatch batch = minutes("S1", Factor::SO2, kEight, same(3, ug(10)));
  batch.rejected.push_back({Reason::Negative, 4, "column 2"});
  d.apply(batch);
  d.stage->reject({Reason::Garbage, 0, "no message"}, 999, d.out);
  EXPECT_EQ(d.count(Account::Stored), 3);
  EXPECT_EQ(d.count(Account::Malformed), 5);
  EXPECT_EQ(d.stage->ledger().malformed[static_cast<std::size_t>(Reason::Garbage)], 1);
  EXPECT_TRUE(d.stage->ledger().balanced());
  EXPECT_EQ(d.out.rejected.size(), 2U);
}

// ---- running ------------------------------------------------------------------------------------------------------

TEST_F(ReadingStageTest, RunningValuesComeOnlyAtTicksThatCrossRunningEveryAndOnlyOfChangedSeries) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(4, ug(10))));
  EXPECT_TRUE(d.tick(kEight + kMinute * 4).means.empty());
  d.tick(kEight + kMinute * 5);
  ASSERT_EQ(d.out.means.size(), 2U) << "the series and the index";
  EXPECT_EQ(d.out.means[0].status, Status::Running);
  EXPECT_EQ(d.out.means[0].count, 4);
  EXPECT_EQ(d.out.means[0].revision, 1);
  d.tick(kEight + kMinute * 10);
  for (const Mean& m : d.out.means) EXPECT_EQ(m.status, Status::Closed) << "nothing came: only the hour before closes";
  d.apply(minutes("S1", Factor::SO2, kEight + kMinute * 4, same(6, ug(10))));
  d.apply(minutes("S2", Factor::SO2, kEight + kMinute * 3, same(1, ug(10))));
  d.tick(kEight + kMinute * 16);
  EXPECT_EQ(
      std::count_if(d.out.means.begin(), d.out.means.end(), [](const Mean& m) { return m.factor == Factor::SO2; }), 2);
}

TEST_F(ReadingStageTest, ARunningValueIsValidWhereThreeQuartersOfTheTimeSoFarAreCovered) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(8, ug(10))));
  d.apply(minutes("S2", Factor::SO2, kEight, same(7, ug(10))));
  d.tick(kEight + kMinute * 10);
  EXPECT_TRUE(d.last("S1", Factor::SO2, kEight)->valid);
  EXPECT_FALSE(d.last("S2", Factor::SO2, kEight)->valid);
}

TEST_F(ReadingStageTest, RunningEveryZeroPublishesNoneAtAll) {
  auto rules = changed_rules();
  rules->horizons.running_every = Duration(0);
  d.use(rules);
  d.apply(minutes("S1", Factor::SO2, kEight, same(30, ug(10))));
  d.tick(kEight + kMinute * 30);
  for (const Mean& m : d.means) EXPECT_NE(m.status, Status::Running);
}

}  // namespace
}  // namespace qc::core
