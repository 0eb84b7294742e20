// The region stage case by case: who is compared with whom, what is high and what a spike, what an amendment and a
// switch of rules change, and that nothing is judged before every partition has come as far.
#include "core/region_stage.h"

#include <gtest/gtest.h>

#include "core/stage_testing.h"
#include "core/testing.h"

namespace qc::core {
namespace {

const EventTime kStart = beijing_midnight(2026, 3, 2);
constexpr const char* kRules = "00000000000000a9";

EventTime hour(int n) {
  return kStart + kHour * n;
}

// Sites A to E of county C (root P) without a place; PM2.5 is high at 200 % and 75 ug/m3 above, level 2 at 300 %.
std::shared_ptr<RuleSet> rules_of(const char* hash = kRules) {
  auto rules = std::make_shared<RuleSet>();
  rules->hash = hash;
  rules->horizons.hours_kept = kHour * 24;
  rules->neighbourhood.least = 3;
  QualityCheck& check = rules->checks.emplace_back();
  check.factor = Factor::PM25;
  check.rise = ug(75);
  SignalRule high{
      .id = "hour_high", .kind = SignalKind::HourHigh, .clause = "above", .on = fixture::levels({200, 300})};
  high.no_data = kHour * 3;
  high.stale_max = kHour * 6;
  SignalRule spike{.id = "spike", .kind = SignalKind::Spike, .clause = "alone", .on = fixture::levels({300})};
  spike.no_data = kHour * 3;
  spike.stale_max = kHour * 6;
  rules->signals = {high, spike};
  for (const char* id : {"A", "B", "C", "D", "E"}) {
    SiteInfo& site = rules->sites[id];
    site.id = id;
    site.region = "C";
    site.root = "P";
    site.kind = SiteKind::Evaluation;
  }
  rules->prepare();
  return rules;
}

class RegionStageTest : public ::testing::Test {
 protected:
  void begin(std::shared_ptr<RuleSet> rules = rules_of(), int partitions = 1) {
    stage = std::make_unique<RegionStage>(partitions);
    rules_hash = rules->hash;
    stage->know(std::move(rules));
    for (int p = 0; p < partitions; ++p) tick(kStart, p);
  }

  Mean mean(const char* site, int h, double value, Status status = Status::Closed) const {
    Mean m;
    m.site = site;
    m.region = "C";
    m.root = "P";
    m.factor = Factor::PM25;
    m.window = Window::H1;
    m.interval = {hour(h), hour(h + 1)};
    m.valid = value >= 0;
    m.value = {m.valid ? static_cast<std::int64_t>(value * 1e6) : 0};
    m.count = m.valid ? 58 : 0;
    m.expected = 60;
    m.status = status;
    m.reason = status == Status::Amended ? "calibration" : "";
    return m;
  }
  void give(const Mean& m, int partition = 0) { stage->apply(m, {partition, rules_hash}, offset++, out); }
  void tick(EventTime now, int partition = 0) {
    out.clear();
    stage->apply(Tick{now}, partition, offset++, out);
    signals.insert(signals.end(), out.signals.begin(), out.signals.end());
  }
  // An hour of A and of the others, closed by the tick that follows it.
  void close(int h, double a, std::initializer_list<double> others) {
    give(mean("A", h, a));
    const char* names[] = {"B", "C", "D", "E"};
    const char** at = names;
    for (const double v : others) give(mean(*at++, h, v));
    tick(hour(h + 1) + std::chrono::minutes(10));
  }
  void amend(const char* site, int h, double value, EventTime at) {
    give(mean(site, h, value, Status::Amended));
    tick(at);
  }
  void restart() {
    stage->save_changed([this](std::string_view key, std::string_view bytes) {
      if (bytes.empty()) {
        state.erase(std::string(key));
      } else {
        state[std::string(key)] = std::string(bytes);
      }
    });
    auto next = std::make_unique<RegionStage>(1);
    for (const auto& [key, bytes] : state) ASSERT_TRUE(next->load(key, bytes));
    stage = std::move(next);
  }

  // The signals since the last call: "hour_high A 2 active 250 %".
  std::vector<std::string> said() {
    std::vector<std::string> lines;
    for (const Signal& s : signals) {
      lines.push_back(s.rule + " " + s.subject + " " + std::to_string(s.level) + " " + std::string(name(s.state)) +
                      " " + format(s.value, s.unit) + " " + std::string(name(s.unit)));
    }
    signals.clear();
    return lines;
  }
  using Lines = std::vector<std::string>;

  std::unique_ptr<RegionStage> stage;
  std::string rules_hash;
  Offset offset = 100;
  Outputs out;
  std::vector<Signal> signals;
  fixture::SavedState state;
};

TEST_F(RegionStageTest, AnHourFarAboveTheMedianOfTheNeighboursIsHighAndSaysWithWhomItWasCompared) {
  begin();
  close(0, 200, {80, 90, 100, 110});  // the median is 95; 200 is 210.5 % and 105 above
  ASSERT_EQ(signals.size(), 1U);
  const Signal& s = signals.front();
  EXPECT_EQ(s.id, "hour_high/A/PM2.5/1");
  EXPECT_EQ(s.revision, 1);
  EXPECT_EQ(s.level, 1);
  EXPECT_EQ(s.value.pg, 210'526'316);
  EXPECT_EQ(s.limit.pg, 200 * kMillion);
  EXPECT_EQ(s.unit, Unit::Percent);
  EXPECT_EQ(s.clause, "above");
  EXPECT_EQ(s.reason, "began; 200 against 95 ug/m3, the median of 4");
  EXPECT_EQ(s.window, Window::H1);
  EXPECT_EQ(s.interval, (Interval{hour(0), hour(1)}));
  EXPECT_EQ(s.at, hour(1));
  EXPECT_EQ(s.count, 58);
  EXPECT_EQ(s.region, "C");
  EXPECT_EQ(s.root, "P");
  ASSERT_EQ(s.evidence.size(), 4U);
  EXPECT_EQ(s.evidence[3].subject, "E");
  EXPECT_EQ(s.evidence[3].value, ug(110));
  EXPECT_EQ(s.origin.first_offset, 101) << "the first mean of the hour";
  EXPECT_EQ(s.origin.offset, 106) << "the tick that let it be judged";
  EXPECT_TRUE(out.urgent);
  EXPECT_TRUE(out.tick);
}

TEST_F(RegionStageTest, WhatIsAboveByLittleIsNoDifferenceHoweverManyTimesItIs) {
  begin();
  close(0, 80, {5, 5, 5, 5});  // 1,600 %, 75 above: that is as much as `rise`
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 1600 %"}));
  close(1, 79.9, {5, 5, 5, 5});  // 74.9 above
  EXPECT_EQ(said(), (Lines{"hour_high A 2 cleared 100 %"}));
}

TEST_F(RegionStageTest, LevelsAreExceededStrictly) {
  begin();
  close(0, 200, {100, 100, 100, 100});
  close(1, 200.1, {100, 100, 100, 100});
  close(2, 300, {100, 100, 100, 100});
  EXPECT_EQ(said(), (Lines{"hour_high A 1 active 200.1 %"}));
  close(3, 301, {100, 100, 100, 100});
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 301 %"}));
}

TEST_F(RegionStageTest, WithTooFewValidNeighboursNothingIsJudged) {
  begin();
  close(0, 900, {50, 50});
  close(1, 900, {50, 50, -1, -1});
  EXPECT_EQ(said(), Lines{});
  close(2, 900, {50, 50, 50, -1});
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 1800 %"}));
  for (int h = 3; h < 6; ++h) close(h, 900, {50, 50});
  EXPECT_EQ(said(), (Lines{"hour_high A 2 stale 1800 %"}));
}

TEST_F(RegionStageTest, ASiteOfTheBackgroundIsComparedWithNobodyButOthersAreWithIt) {
  auto rules = rules_of();
  rules->sites["A"].kind = SiteKind::Background;
  begin(rules);
  close(0, 900, {50, 50, 50, 50});
  EXPECT_EQ(said(), Lines{});
  give(mean("A", 1, 50));
  give(mean("B", 1, 400));
  give(mean("C", 1, 50));
  give(mean("D", 1, 50));
  tick(hour(2) + std::chrono::minutes(10));
  EXPECT_EQ(said(), (Lines{"hour_high B 2 active 800 %"})) << "A is the third";
}

TEST_F(RegionStageTest, AnHourIsJudgedWhenItMayBeClosedAndNotBefore) {
  begin();
  give(mean("A", 0, 300));
  for (const char* other : {"B", "C", "D"}) give(mean(other, 0, 50));
  tick(hour(1) + std::chrono::minutes(9));
  EXPECT_EQ(said(), Lines{});
  tick(hour(1) + std::chrono::minutes(10));
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 600 %"}));
}

TEST_F(RegionStageTest, TheSlowestPartitionIsWaitedFor) {
  begin(rules_of(), 2);
  give(mean("A", 0, 300), 0);
  tick(hour(1) + std::chrono::minutes(10), 0);
  // Partition 0 runs ahead: what it corrects later has not been yet when the hour is judged.
  give(mean("A", 0, 60, Status::Amended), 0);
  tick(hour(2) + std::chrono::minutes(10), 0);
  EXPECT_EQ(stage->held(), 2U);
  EXPECT_EQ(stage->now(), kStart);
  for (const char* other : {"B", "C", "D"}) give(mean(other, 0, 50), 1);
  tick(hour(1) + std::chrono::minutes(20), 1);
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 600 %"}));
  EXPECT_EQ(stage->now(), hour(1) + std::chrono::minutes(10));
  tick(hour(2) + std::chrono::minutes(10), 1);
  EXPECT_EQ(said(), (Lines{"hour_high A 2 withdrawn 600 %"}));
  EXPECT_EQ(stage->held(), 0U);
}

TEST_F(RegionStageTest, OneHourAloneIsASpikeAnHourLater) {
  begin();
  close(0, 100, {100, 100, 100, 100});
  close(1, 350, {100, 100, 100, 100});
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 350 %"}));
  close(2, 110, {100, 100, 100, 100});
  ASSERT_EQ(signals.size(), 2U);
  const Signal spike = signals[1];
  EXPECT_EQ(said(), (Lines{"hour_high A 2 cleared 100 %", "spike A 1 active 350 %"}));
  EXPECT_TRUE(spike.marks.has(Mark::Spike));
  EXPECT_EQ(spike.interval, (Interval{hour(1), hour(2)}));
  EXPECT_EQ(spike.at, hour(2));
  EXPECT_EQ(spike.reason, "began; 350 against 100 ug/m3, the median of 4");
  close(3, 110, {100, 100, 100, 100});
  EXPECT_EQ(said(), (Lines{"spike A 1 cleared 100 %"}));
}

TEST_F(RegionStageTest, TwoHighHoursInARowAreNoSpike) {
  begin();
  close(0, 100, {100, 100, 100, 100});
  close(1, 350, {100, 100, 100, 100});
  close(2, 350, {100, 100, 100, 100});
  close(3, 100, {100, 100, 100, 100});
  close(4, 100, {100, 100, 100, 100});
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 350 %", "hour_high A 2 cleared 100 %"}));
}

TEST_F(RegionStageTest, AnHourBesideWhichNothingIsKnownIsNoSpike) {
  begin();
  close(0, 100, {100, 100, 100, 100});
  close(1, 350, {100, 100, 100, 100});
  close(2, -1, {100, 100, 100, 100});
  close(3, 100, {100, 100, 100, 100});
  for (const std::string& line : said()) EXPECT_NE(line.substr(0, 5), "spike") << line;
}

TEST_F(RegionStageTest, AnAmendedNeighbourWithdrawsWhatNeverWas) {
  begin();
  close(0, 200, {80, 80, 80, 80});
  said();
  give(mean("B", 0, 190, Status::Amended));
  amend("C", 0, 190, hour(1) + std::chrono::minutes(30));
  // 80 80 190 190: the median is 135, 200 is 148 % and 65 above.
  ASSERT_EQ(signals.size(), 1U);
  EXPECT_EQ(signals[0].revision, 2);
  EXPECT_EQ(signals[0].reason, "calibration; 200 against 135 ug/m3, the median of 4");
  EXPECT_EQ(said(), (Lines{"hour_high A 1 withdrawn 250 %"}));
}

TEST_F(RegionStageTest, AnAmendedHourIsJudgedAgainWithTheReason) {
  begin();
  close(0, 100, {80, 80, 80, 80});
  close(1, 100, {80, 80, 80, 80});
  EXPECT_EQ(said(), Lines{});
  amend("A", 0, 200, hour(2) + std::chrono::minutes(30));
  ASSERT_EQ(signals.size(), 1U) << "the whole episode is told at once, in one revision";
  EXPECT_EQ(signals[0].revision, 1);
  EXPECT_EQ(signals[0].began, hour(1));
  EXPECT_EQ(signals[0].at, hour(2));
  EXPECT_EQ(signals[0].reason.substr(0, 20), "calibration: cleared");
  EXPECT_EQ(said(), (Lines{"hour_high A 1 cleared 100 %"}));
  amend("A", 0, 200.5, hour(2) + std::chrono::minutes(40));
  EXPECT_EQ(said(), Lines{}) << "the outcome is the same";
}

TEST_F(RegionStageTest, WhatCanNoLongerBeAmendedIsFinalAndForgotten) {
  begin();
  close(0, 200, {80, 80, 80, 80});
  for (int h = 1; h < 40; ++h) close(h, 80, {80, 80, 80, 80});
  said();
  amend("A", 0, 80, hour(40) + std::chrono::minutes(30));
  EXPECT_EQ(said(), Lines{});
  restart();
  int hours = 0;
  for (const auto& [key, bytes] : state) hours += key[0] == 'H' ? 1 : 0;
  EXPECT_EQ(hours, 5 * 26) << "24 hours and two before, of five sites";
}

TEST_F(RegionStageTest, WithPlacesTheNearestWithinTheRadiusCount) {
  auto rules = rules_of();
  rules->neighbourhood = {5000, 1, 2};
  const auto put = [&](const char* id, int metres_north) {
    rules->sites[id].lon_e6 = 111'000'000;
    rules->sites[id].lat_e6 = 37'000'000 + metres_north * 1000 / 111;
  };
  put("A", 0);
  put("B", 4000);
  put("C", 1000);
  put("D", 5100);  // too far
  put("E", 2000);
  begin(rules);
  close(0, 400, {10, 150, 10, 100});  // C and E are the two nearest: the median is 125
  ASSERT_EQ(signals.size(), 1U);
  EXPECT_EQ(signals[0].evidence.size(), 2U);
  EXPECT_EQ(signals[0].evidence[0].subject, "C");
  EXPECT_EQ(signals[0].evidence[1].subject, "E");
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 320 %"}));
  close(1, 400, {-1, 400, 10, 100});  // 250: 160 % is no longer high
  EXPECT_EQ(said(), (Lines{"hour_high A 2 cleared 160 %"}));
  close(2, 400, {10, -1, 10, 100});  // without C, B is the second: 55
  EXPECT_EQ(said(), (Lines{"hour_high A 2 active 727.272727 %"}));
}

TEST_F(RegionStageTest, SitesOfAnotherRootOrRegionAreNoNeighbours) {
  auto rules = rules_of();
  rules->sites["D"].region = "other";
  rules->sites["E"].root = "Q";
  begin(rules);
  close(0, 900, {50, 50, 50, 50});
  EXPECT_EQ(said(), Lines{}) << "two are left, three are needed";
}

TEST_F(RegionStageTest, WhatWasJudgedBeforeASwitchOfRulesStaysAndAnOpenEpisodeKeepsItsLevels) {
  begin();
  close(0, 250, {100, 100, 100, 100});
  EXPECT_EQ(said(), (Lines{"hour_high A 1 active 250 %"}));
  auto strict = rules_of("00000000000000b0");
  strict->signals[0].on = fixture::levels({400});
  stage->know(strict);
  rules_hash = strict->hash;
  close(1, 240, {100, 100, 100, 100});
  EXPECT_EQ(stage->rules_hash(), strict->hash) << "the rules that the closing means name";
  EXPECT_EQ(said(), Lines{}) << "still above the 200 % that it began with";
  amend("A", 0, 100, hour(2) + std::chrono::minutes(30));
  EXPECT_EQ(said(), Lines{}) << "judged by other rules: final";
  close(2, 150, {100, 100, 100, 100});
  close(3, 390, {100, 100, 100, 100});
  EXPECT_EQ(said(), (Lines{"hour_high A 1 cleared 100 %"}));
}

TEST_F(RegionStageTest, RunningMeansIndicesAndLongerWindowsAreOfNoInterest) {
  begin();
  Mean m = mean("A", 0, 900, Status::Running);
  EXPECT_FALSE(RegionStage::takes(m));
  m.status = Status::Closed;
  EXPECT_TRUE(RegionStage::takes(m));
  m.factor = Factor::AQI;
  EXPECT_FALSE(RegionStage::takes(m));
  m.factor = Factor::PM25;
  m.window = Window::H24;
  EXPECT_FALSE(RegionStage::takes(m));
  give(m);
  EXPECT_EQ(stage->held(), 0U);
}

TEST_F(RegionStageTest, LoadedStateNamesTheRulesThatItNeeds) {
  begin();
  close(0, 250, {100, 100, 100, 100});
  give(mean("A", 1, 250));
  restart();
  EXPECT_EQ(stage->needed(), (std::vector<std::string>{kRules}));
  stage->know(rules_of());
  EXPECT_TRUE(stage->needed().empty());
  EXPECT_EQ(stage->held(), 1U);
  said();
  for (const char* other : {"B", "C", "D"}) give(mean(other, 1, 100));
  tick(hour(2) + std::chrono::minutes(10));
  EXPECT_EQ(said(), Lines{}) << "it goes on where it was";
  EXPECT_EQ(stage->now(), hour(2) + std::chrono::minutes(10));
}

TEST_F(RegionStageTest, StateOfAnotherNumberOfPartitionsOrVersionIsRefused) {
  begin();
  close(0, 250, {100, 100, 100, 100});
  restart();
  RegionStage other(2);
  EXPECT_FALSE(other.load("P", state.at("P")));
  RegionStage same(1);
  std::string bytes = state.at("P");
  bytes[0] = 9;
  EXPECT_FALSE(same.load("P", bytes));
  EXPECT_FALSE(same.load("X", state.at("P")));
  EXPECT_FALSE(same.load("", state.at("P")));
}

}  // namespace
}  // namespace qc::core
