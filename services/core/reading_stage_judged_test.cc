// What is made of hours: the index, corrections, signals; and the state.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/reading_stage.h"
#include "core/reading_stage_fixture.h"

namespace qc::core {
namespace {

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
