#include "core/reading_stage.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/stage_testing.h"
#include "core/testing.h"

namespace qc::core {
namespace {

using fixture::add_column;
using fixture::Driver;
using fixture::kMinute;
using fixture::packet;

// 8 December 2015, 08:00 in Beijing: GB 3095-2012 and HJ 633-2012 are in force.
const EventTime kEight = beijing_midnight(2015, 12, 8) + kHour * 8;

std::vector<Concentration> same(std::size_t n, Concentration value) {
  return std::vector<Concentration>(n, value);
}

// Minutes of one factor from `start` on.
ReadingBatch minutes(std::string_view site, Factor factor, EventTime start, const std::vector<Concentration>& values) {
  ReadingBatch batch = packet(site, Source::Minute, start, kMinute);
  add_column(batch, factor, values);
  return batch;
}

ReadingBatch hour_data(std::string_view site, Factor factor, EventTime hour, Concentration value) {
  ReadingBatch batch = packet(site, Source::Hour, hour, kHour);
  add_column(batch, factor, {value});
  return batch;
}

Amend amendment(Amend::Action action, Factor factor, EventTime hour, Concentration value = {}) {
  Amend a;
  a.id = "A1";
  a.site = "S1";
  a.factor = factor;
  a.interval = {hour, hour + kHour};
  a.action = action;
  a.value = value;
  a.reason = "zero drift";
  a.who = "li";
  return a;
}

std::shared_ptr<RuleSet> changed_rules() {
  auto rules = std::make_shared<RuleSet>(*test_rules());
  rules->hash = "00000000000000b2";
  return rules;
}

// Without the rule over single readings, so that hours are judged alone.
std::shared_ptr<RuleSet> hourly_rules() {
  auto rules = changed_rules();
  rules->hash = "00000000000000c3";
  std::erase_if(rules->signals, [](const SignalRule& r) { return r.kind == SignalKind::ReadingOverLimit; });
  return rules;
}

// The first tick has been read, so that hours from 08:00 on close in front of us.
class ReadingStageTest : public ::testing::Test {
 protected:
  ReadingStageTest() { d.tick(kEight); }
  Driver d{test_rules()};
};

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

// ---- the index ----------------------------------------------------------------------------------------------------

void six_hours(Driver& d, EventTime hour, Concentration pm25) {
  d.apply(hour_data("S1", Factor::PM25, hour, pm25));
  d.apply(hour_data("S1", Factor::PM10, hour, ug(50)));
  d.apply(hour_data("S1", Factor::SO2, hour, ug(10)));
  d.apply(hour_data("S1", Factor::NO2, hour, ug(20)));
  d.apply(hour_data("S1", Factor::CO, hour, mg(1)));
  d.apply(hour_data("S1", Factor::O3, hour, ug(30)));
}

TEST(ReadingStageIndex, TheEditionIsTheOneInForceAtTheLastInstantOfTheHour) {
  const EventTime change = beijing_midnight(2026, 3, 1);
  Driver d(test_rules());
  d.tick(change - kHour * 2);
  six_hours(d, change - kHour, ug(75));
  six_hours(d, change, ug(75));
  d.tick(change + kHour * 2);
  const Mean* before = d.last("S1", Factor::AQI, change - kHour);
  const Mean* after = d.last("S1", Factor::AQI, change);
  EXPECT_EQ(before->value, ug(100));
  EXPECT_EQ(before->clause, "HJ 633-2012 table 1");
  EXPECT_EQ(after->value, ug(114));
  EXPECT_EQ(after->clause, "HJ 633-2026 table 3");
  EXPECT_EQ(after->primary, std::vector<Factor>{Factor::PM25});
  EXPECT_EQ(after->sub_indices.size(), 6U);
  EXPECT_EQ(after->count, 6);
}

TEST(ReadingStageIndex, AnIncompleteHourHasNoIndexIn2026UnlessWhatIsMissingIsExempt) {
  const EventTime start = beijing_midnight(2026, 4, 1);
  auto rules = changed_rules();
  rules->sites["S2"].exempt = {Factor::PM10, Factor::SO2, Factor::NO2, Factor::CO, Factor::O3};
  Driver d(rules);
  d.tick(start);
  d.apply(hour_data("S1", Factor::PM25, start, ug(35)));
  d.apply(hour_data("S2", Factor::PM25, start, ug(35)));
  d.apply(hour_data("S3", Factor::PM25, start, ug(115)));
  d.tick(start + kHour * 2);
  EXPECT_FALSE(d.last("S1", Factor::AQI, start)->valid);
  EXPECT_EQ(d.last("S1", Factor::AQI, start)->sub_indices.size(), 1U);
  EXPECT_EQ(d.last("S2", Factor::AQI, start)->value, ug(50));
  EXPECT_EQ(d.last("S3", Factor::AQI, start)->value, ug(150)) << "above 100 it is published incomplete";
}

TEST_F(ReadingStageTest, TheIndexIsAmendedWithTheHourThatMadeIt) {
  six_hours(d, kEight, ug(75));
  d.tick(kEight + kHour * 2);
  d.apply(amendment(Amend::Action::Replace, Factor::PM25, kEight, ug(115)));
  d.tick(kEight + kHour * 2 + kMinute);
  const Mean* m = d.last("S1", Factor::AQI, kEight);
  EXPECT_EQ(m->value, ug(150));
  EXPECT_EQ(m->status, Status::Amended);
  EXPECT_EQ(m->reason, "amended by li: zero drift");
}

// ---- amendments ---------------------------------------------------------------------------------------------------

TEST_F(ReadingStageTest, InvalidateReplaceAndRestoreGoThroughMeansAndSignals) {
  d.apply(minutes("S1", Factor::NO2, kEight, same(60, ug(250))));
  d.tick(kEight + kHour + kMinute * 10);
  const auto of_rule = [&](std::string_view rule) {
    std::vector<Signal> found;
    for (const Signal& s : d.signals) {
      if (s.rule == rule) found.push_back(s);
    }
    return found;
  };
  ASSERT_EQ(of_rule("hour_limit").size(), 1U);
  const Signal began = of_rule("hour_limit")[0];
  EXPECT_EQ(began.state, SignalState::Active);

  d.apply(amendment(Amend::Action::Invalidate, Factor::NO2, kEight));
  d.tick(kEight + kHour + kMinute * 11);
  const Mean* m = d.last("S1", Factor::NO2, kEight);
  EXPECT_EQ(m->status, Status::Amended);
  EXPECT_FALSE(m->valid);
  EXPECT_EQ(m->count, 0);
  EXPECT_EQ(m->source, Source::Amended);
  ASSERT_EQ(of_rule("hour_limit").size(), 2U);
  const Signal withdrawn = of_rule("hour_limit")[1];
  EXPECT_EQ(withdrawn.id, began.id);
  EXPECT_EQ(withdrawn.revision, 2);
  EXPECT_EQ(withdrawn.state, SignalState::Withdrawn);
  EXPECT_EQ(withdrawn.reason, "amended by li: zero drift");

  Amend replace = amendment(Amend::Action::Replace, Factor::NO2, kEight, ug(150));
  replace.audited = true;
  d.apply(replace);
  d.tick(kEight + kHour + kMinute * 12);
  EXPECT_EQ(d.last("S1", Factor::NO2, kEight)->value, ug(150));
  EXPECT_TRUE(d.last("S1", Factor::NO2, kEight)->audited);
  EXPECT_EQ(of_rule("hour_limit").size(), 2U);

  d.apply(amendment(Amend::Action::Restore, Factor::NO2, kEight));
  d.tick(kEight + kHour + kMinute * 13);
  EXPECT_EQ(d.last("S1", Factor::NO2, kEight)->value, ug(250));
  EXPECT_EQ(d.last("S1", Factor::NO2, kEight)->source, Source::Minute);
  EXPECT_FALSE(d.last("S1", Factor::NO2, kEight)->audited);
  ASSERT_EQ(of_rule("hour_limit").size(), 3U);
  EXPECT_EQ(of_rule("hour_limit")[2].id, began.id);
  EXPECT_EQ(of_rule("hour_limit")[2].revision, 3);
  EXPECT_EQ(of_rule("hour_limit")[2].state, SignalState::Active);
}

TEST_F(ReadingStageTest, SeveralHoursAmendedAtOnceAreJudgedOnce) {
  for (int h = 0; h < 3; ++h) d.apply(hour_data("S1", Factor::NO2, kEight + kHour * h, ug(10)));
  d.tick(kEight + kHour * 4);
  Amend amend = amendment(Amend::Action::Replace, Factor::NO2, kEight, ug(300));
  amend.interval.end = kEight + kHour * 3;
  d.apply(amend);
  d.tick(kEight + kHour * 4 + kMinute);
  EXPECT_EQ(std::count_if(d.signals.begin(), d.signals.end(), [](const Signal& s) { return s.rule == "hour_limit"; }),
            1);
}

TEST_F(ReadingStageTest, AnEarlierHourThatTurnsOutOverMovesTheBeginningOfTheEpisode) {
  d.apply(hour_data("S1", Factor::NO2, kEight, ug(10)));
  d.apply(hour_data("S1", Factor::NO2, kEight + kHour, ug(300)));
  d.tick(kEight + kHour * 2 + kMinute * 10);
  const Signal began = d.signals.back();
  d.apply(amendment(Amend::Action::Replace, Factor::NO2, kEight, ug(300)));
  d.tick(kEight + kHour * 2 + kMinute * 11);
  const Signal moved = d.signals.back();
  EXPECT_EQ(moved.id, began.id);
  EXPECT_EQ(moved.revision, began.revision + 1);
  EXPECT_EQ(moved.began, kEight + kHour);
}

TEST_F(ReadingStageTest, AnAmendmentThatCannotBeAppliedSaysWhy) {
  const auto refused = [&](const Amend& a) {
    d.apply(a);
    return d.out.rejected.empty() ? Reason::None : d.out.rejected[0].reason;
  };
  const Amend good = amendment(Amend::Action::Invalidate, Factor::SO2, kEight - kHour);
  EXPECT_EQ(refused(good), Reason::BadShape) << "at the first tick that hour was not closed here";
  d.tick(kEight + kHour * 2);
  EXPECT_EQ(refused(good), Reason::None);
  Amend bad = good;
  bad.site = "X";
  EXPECT_EQ(refused(bad), Reason::UnknownSite);
  bad = good;
  bad.factor = Factor::AQI;
  EXPECT_EQ(refused(bad), Reason::UnknownFactor);
  bad = good;
  bad.interval.end += kMinute;
  EXPECT_EQ(refused(bad), Reason::BadShape);
  bad = good;
  bad.interval = {kEight + kHour, kEight + kHour * 2};
  EXPECT_EQ(refused(bad), Reason::BadShape) << "not closed yet";
  d.tick(kEight + kHour * 200);
  EXPECT_EQ(refused(good), Reason::NotSupported) << "behind hours_kept";
  EXPECT_EQ(d.stage->ledger().in, 0) << "an amendment is no reading";
}

// ---- signals ------------------------------------------------------------------------------------------------------

TEST_F(ReadingStageTest, AnHourOverItsLimitIsSignalledWithItsEvidence) {
  d.use(hourly_rules());
  d.apply(hour_data("S1", Factor::NO2, kEight, ug(200)));
  d.tick(kEight + kHour + kMinute * 10);
  EXPECT_TRUE(d.signals.empty()) << "at the limit";
  d.apply(hour_data("S1", Factor::NO2, kEight + kHour, {200 * kMillion + 1}));
  d.tick(kEight + kHour * 2 + kMinute * 10);
  ASSERT_EQ(d.signals.size(), 1U);
  const Signal s = d.signals[0];
  EXPECT_EQ(s.id, "hour_limit/S1/NO2/1");
  EXPECT_EQ(s.revision, 1);
  EXPECT_EQ(s.rule, "hour_limit");
  EXPECT_EQ(s.subject, "S1");
  EXPECT_EQ(s.window, Window::H1);
  EXPECT_EQ(s.level, 1);
  EXPECT_EQ(s.value.pg, 200 * kMillion + 1);
  EXPECT_EQ(s.limit, ug(200));
  EXPECT_EQ(s.clause, "GB 3095-2012 table 1");
  EXPECT_EQ(s.at, kEight + kHour * 2);
  EXPECT_EQ(s.interval, (Interval{kEight + kHour, kEight + kHour * 2}));
  EXPECT_EQ(s.origin.offset, d.next_offset - 1);
  EXPECT_TRUE(d.out.urgent);
  d.apply(hour_data("S1", Factor::NO2, kEight + kHour * 2, ug(10)));
  d.tick(kEight + kHour * 3 + kMinute * 10);
  ASSERT_EQ(d.signals.size(), 2U);
  EXPECT_EQ(d.signals[1].id, s.id);
  EXPECT_EQ(d.signals[1].revision, 2);
  EXPECT_EQ(d.signals[1].state, SignalState::Cleared);
}

TEST_F(ReadingStageTest, AClass1SiteHasItsOwnLimits) {
  auto rules = hourly_rules();
  rules->sites["S1"].area_class = AreaClass::Class1;
  d.use(rules);
  d.apply(hour_data("S1", Factor::SO2, kEight, ug(151)));
  d.apply(hour_data("S2", Factor::SO2, kEight, ug(151)));
  d.tick(kEight + kHour + kMinute * 10);
  ASSERT_EQ(d.signals.size(), 1U);
  EXPECT_EQ(d.signals[0].subject, "S1");
  EXPECT_EQ(d.signals[0].limit, ug(150));
}

TEST_F(ReadingStageTest, TheIndexHasLevels) {
  const int values[] = {115, 116, 151, 251, 400, 100};
  for (int h = 0; h < 6; ++h) {
    six_hours(d, kEight + kHour * h, ug(values[h]));
    d.tick(kEight + kHour * (h + 1) + kMinute * 10);
  }
  std::vector<std::string> said;
  for (const Signal& s : d.signals) {
    EXPECT_EQ(s.factor, Factor::AQI);
    EXPECT_EQ(s.clause, "HJ 633");
    said.push_back(s.id + "@" + std::to_string(s.revision) + " " + std::to_string(s.level) + " " + s.reason);
  }
  EXPECT_EQ(said, (std::vector<std::string>{"aqi_level/S1/AQI/1@1 1 began", "aqi_level/S1/AQI/1@2 2 level up",
                                            "aqi_level/S1/AQI/1@3 3 level up", "aqi_level/S1/AQI/1@4 3 cleared"}));
}

TEST_F(ReadingStageTest, OneReadingOverTheHoursLimitIsSignalledAtOnceAndClearsThroughItsDeadBand) {
  d.apply(minutes("S1", Factor::NO2, kEight, {ug(200)}));
  EXPECT_TRUE(d.signals.empty());
  d.apply(minutes("S1", Factor::NO2, kEight + kMinute, {ug(201)}));
  ASSERT_EQ(d.signals.size(), 1U);
  EXPECT_TRUE(d.out.urgent);
  EXPECT_EQ(d.signals[0].id, "reading_over_limit/S1/NO2/1");
  EXPECT_EQ(d.signals[0].window, Window::Reading);
  EXPECT_EQ(d.signals[0].value, ug(201));
  EXPECT_EQ(d.signals[0].limit, ug(200));
  EXPECT_EQ(d.signals[0].interval, (Interval{kEight + kMinute, kEight + kMinute * 2}));
  // 10 % below for 10 minutes.
  d.apply(minutes("S1", Factor::NO2, kEight + kMinute * 2, same(20, ug(181))));
  EXPECT_EQ(d.signals.size(), 1U);
  d.apply(minutes("S1", Factor::NO2, kEight + kMinute * 22, same(10, ug(180))));
  EXPECT_EQ(d.signals.size(), 1U);
  d.apply(minutes("S1", Factor::NO2, kEight + kMinute * 32, same(1, ug(180))));
  ASSERT_EQ(d.signals.size(), 2U);
  EXPECT_EQ(d.signals[1].id, d.signals[0].id);
  EXPECT_EQ(d.signals[1].state, SignalState::Cleared);
}

TEST_F(ReadingStageTest, AReadingConditionGoesStaleAndEndsAsTimePasses) {
  d.apply(minutes("S1", Factor::NO2, kEight, {ug(201)}));
  d.tick(kEight + kMinute * 30);
  EXPECT_EQ(d.signals.size(), 1U);
  d.tick(kEight + kMinute * 31);
  ASSERT_EQ(d.signals.size(), 2U);
  EXPECT_EQ(d.signals[1].state, SignalState::Stale);
  d.tick(kEight + kMinute + kHour * 6);
  EXPECT_EQ(std::count_if(d.signals.begin(), d.signals.end(),
                          [](const Signal& s) { return s.state == SignalState::EndedNoData; }),
            1);
}

TEST_F(ReadingStageTest, AnEarlyIndicatorLooksForwardOnly) {
  d.tick(kEight + kHour);
  d.apply(minutes("S1", Factor::NO2, kEight, {ug(900)}));
  EXPECT_TRUE(d.signals.empty()) << "an hour old: it says nothing of now";
  d.apply(minutes("S1", Factor::NO2, kEight + kMinute * 58, {ug(201)}));
  d.apply(minutes("S1", Factor::NO2, kEight + kMinute * 40, same(18, ug(1))));
  EXPECT_EQ(d.signals.size(), 1U) << "older readings don't clear it";
}

TEST_F(ReadingStageTest, AFlaggedReadingRaisesNothing) {
  ReadingBatch batch = packet("S1", Source::Minute, kEight, kMinute);
  add_column(batch, Factor::NO2, {ug(900)}, {Flag::Calibrating});
  d.apply(batch);
  EXPECT_TRUE(d.signals.empty());
}

TEST_F(ReadingStageTest, ARulesSwitchKeepsTheCriteriaOfAnEpisodeThatIsOpen) {
  d.use(hourly_rules());
  d.apply(hour_data("S1", Factor::NO2, kEight, ug(300)));
  d.apply(hour_data("S2", Factor::NO2, kEight, ug(150)));
  d.tick(kEight + kHour + kMinute * 10);
  ASSERT_EQ(d.signals.size(), 1U);
  auto rules = hourly_rules();
  rules->hash = "00000000000000d4";
  for (Limit& l : rules->limits) {
    if (l.factor == Factor::NO2) l.class_2 = ug(100);
  }
  d.use(rules);
  EXPECT_EQ(d.stage->rules_hash(), rules->hash);
  d.apply(hour_data("S1", Factor::NO2, kEight + kHour, ug(190)));
  d.apply(hour_data("S2", Factor::NO2, kEight + kHour, ug(150)));
  d.tick(kEight + kHour * 2 + kMinute * 10);
  ASSERT_EQ(d.signals.size(), 3U);
  EXPECT_EQ(d.signals[1].subject, "S1");
  EXPECT_EQ(d.signals[1].state, SignalState::Cleared) << "below 200, which it began with";
  EXPECT_EQ(d.signals[2].subject, "S2");
  EXPECT_EQ(d.signals[2].limit, ug(100));
  d.apply(amendment(Amend::Action::Replace, Factor::NO2, kEight, ug(1)));
  d.tick(kEight + kHour * 2 + kMinute * 11);
  EXPECT_EQ(d.signals.size(), 3U) << "what other rules judged is final";
}

// ---- state --------------------------------------------------------------------------------------------------------

TEST_F(ReadingStageTest, OnlyWhatChangedIsSaved) {
  fixture::save_into(*d.stage, d.state);
  std::vector<std::string> keys;
  const auto save = [&] {
    keys.clear();
    d.stage->save_changed([&](std::string_view key, std::string_view) { keys.emplace_back(key); });
    return keys;
  };
  EXPECT_TRUE(save().empty());
  d.apply(minutes("S2", Factor::SO2, kEight, same(1, ug(1))));
  const auto changed = save();
  ASSERT_EQ(changed.size(), 3U) << "the partition, the hour and, because its latest hour moved, the site";
  EXPECT_EQ(changed[0], "P");
  EXPECT_EQ(changed[1].substr(0, 3), "HS2");
  EXPECT_EQ(changed[2], "SS2");
  d.apply(minutes("S2", Factor::SO2, kEight + kMinute, same(1, ug(1))));
  EXPECT_EQ(save().size(), 2U);
}

TEST_F(ReadingStageTest, HoursBehindTheHorizonLeaveTheState) {
  d.apply(minutes("S1", Factor::SO2, kEight, same(60, ug(1))));
  for (int h = 1; h < 300; ++h) {
    d.tick(kEight + kHour * h + kMinute * 10);
    fixture::save_into(*d.stage, d.state);
  }
  EXPECT_EQ(d.state.size(), 1U + 3U) << "the partition and three sleeping sites";
}

TEST_F(ReadingStageTest, BytesOfAnotherVersionOrWithoutAKnownKeyAreRefused) {
  fixture::save_into(*d.stage, d.state);
  for (const auto& [key, bytes] : d.state) {
    ReadingStage fresh([](std::string_view) { return true; });
    std::string other = bytes;
    other[0] = 99;
    EXPECT_FALSE(fresh.load(key, other)) << key;
    EXPECT_FALSE(fresh.load("Z" + key.substr(1), bytes));
    EXPECT_FALSE(fresh.load("", bytes));
    EXPECT_FALSE(fresh.load("HS1", bytes));
  }
}

TEST_F(ReadingStageTest, TheLastHourOfEverySeriesCanBeSeen) {
  six_hours(d, kEight, ug(75));
  d.tick(kEight + kHour + kMinute * 10);
  d.restart();
  std::size_t seen = 0;
  bool index = false;
  d.stage->for_each_last_hour([&](const ReadingStage::LastHour& h) {
    ++seen;
    EXPECT_EQ(h.end, kEight + kHour);
    if (h.site == "S1" && h.factor == Factor::AQI) index = h.value == ug(100);
  });
  EXPECT_EQ(seen, 3U * 6U + 1U);
  EXPECT_TRUE(index);
  EXPECT_EQ(d.stage->sites(), 3U);
  EXPECT_EQ(d.stage->series(), 18U);
  EXPECT_GT(d.stage->bytes(), 1000U);
}

}  // namespace
}  // namespace qc::core
