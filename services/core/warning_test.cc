#include "core/warning.h"

#include <gtest/gtest.h>

#include <random>

#include "core/warning_oracle.h"
#include "core/warning_track.h"

namespace qc::core {
namespace {

using Mode = WarningMachine::Mode;

const EventTime kStart = beijing_midnight(2025, 12, 1);

RuleSet rules_2018() {
  WarningCriteria c = fixture::criteria_2018();
  c.dated = {};
  return fixture::rules_of({c});
}

TEST(WarningBar, IsWhatTheMildestAlternativeAsksForInFull) {
  EXPECT_EQ(fixture::criteria_2018().bar(1), 201);
  EXPECT_EQ(fixture::criteria_2018().bar(2), 201);
  EXPECT_EQ(fixture::criteria_2018().bar(3), 301) << "over 200 and over 300, or 500";
  EXPECT_EQ(fixture::criteria_2024().bar(1), 151);
  EXPECT_EQ(fixture::criteria_2024().bar(3), 301);
}

TEST(WarningDistance, SaysHowLongAndByHowMuchTheNextLevelIsMissed) {
  const RuleSet rules = rules_2018();
  WarningMachine m(Mode::Observed);
  EXPECT_EQ(m.distance(rules), Distance{}) << "nothing is known before the first hour";
  m.step(rules, kStart, {180}, {});
  EXPECT_EQ(m.distance(rules), (Distance{1, 21, 25}));
  m.step(rules, kStart + kHour, {210}, {});
  EXPECT_EQ(m.distance(rules), (Distance{1, 0, 24}));
  for (int h = 2; h <= 25; ++h) m.step(rules, kStart + kHour * h, {210}, {});
  EXPECT_EQ(m.level(), 1);
  EXPECT_EQ(m.distance(rules), (Distance{2, 0, 24}));
  EXPECT_EQ(m.episodes().back().changes.back().next, (Distance{2, 0, 24}));
}

TEST(WarningMachine, WithoutCriteriaNothingBegins) {
  const RuleSet none;
  WarningMachine m(Mode::Observed);
  for (int h = 0; h < 100; ++h) EXPECT_FALSE(m.step(none, kStart + kHour * h, {500}, {}));
  EXPECT_TRUE(m.episodes().empty());
}

TEST(WarningMachine, AJumpOfTimeIsAsManyHoursWithoutAnIndex) {
  const RuleSet rules = rules_2018();
  WarningMachine m(Mode::Observed);
  for (int h = 0; h < 25; ++h) m.step(rules, kStart + kHour * h, {210}, {});
  ASSERT_TRUE(m.open());
  EXPECT_TRUE(m.step(rules, kStart + kHour * 24 * 365 * 10, {210}, {}));
  ASSERT_EQ(m.episodes().size(), 1U);
  EXPECT_EQ(m.episodes()[0].state, SignalState::EndedNoData);
  EXPECT_EQ(m.episodes()[0].end(), kStart + kHour * 25);
  EXPECT_EQ(m.episodes()[0].hours_missing, 96);
  EXPECT_FALSE(m.open());
}

TEST(WarningMachine, ALiveWarningIsNotEndedBySilenceNorByGoodAirAlone) {
  const RuleSet rules = rules_2018();
  WarningMachine m(Mode::Live);
  for (int h = 0; h < 25; ++h) m.step(rules, kStart + kHour * h, {210}, {});
  for (int h = 25; h < 400; ++h) m.step(rules, kStart + kHour * h, h < 200 ? IndexHour{50} : IndexHour{}, {});
  EXPECT_EQ(m.level(), 1);
}

TEST(WarningMachine, AnEpisodeKeepsItsFirstAndItsLatestChanges) {
  WarningCriteria c = fixture::criteria_2018();
  c.dated = {};
  c.lift_hours = 1;
  c.levels[0] = {{{100, false, 24}}};
  c.levels[1] = {{{200, false, 24}}};
  const RuleSet rules = fixture::rules_of({c});
  WarningMachine m(Mode::Observed);
  for (int h = 0; h < 300; ++h) m.step(rules, kStart + kHour * h, {h % 2 == 0 ? 150 : 250}, {});
  ASSERT_EQ(m.episodes().size(), 1U);
  const auto& changes = m.episodes()[0].changes;
  ASSERT_EQ(changes.size(), kWarningChangesMax);
  EXPECT_EQ(changes.front().decided, kStart);
  EXPECT_EQ(changes.back().decided, kStart + kHour * 299);
}

TEST(WarningTrack, RefusesWhatLiesBeforeAllThatCanChange) {
  const RuleSet rules = rules_2018();
  WarningTrack track(Mode::Observed);
  std::vector<WarningEpisode> told;
  for (int h = 0; h < 200; ++h) ASSERT_TRUE(track.hour(rules, kStart + kHour * h, {100}, {}, told));
  EXPECT_FALSE(track.hour(rules, kStart + kHour * 50, {300}, "amended", told));
  EXPECT_TRUE(track.hour(rules, kStart + kHour * 199 - kHour * 120, {300}, "amended", told));
  EXPECT_TRUE(told.empty());
}

TEST(WarningTrack, KeepsNoMoreForecastsThanItMay) {
  const RuleSet rules = rules_2018();
  WarningTrack track(Mode::Live);
  std::vector<WarningEpisode> told;
  std::string bytes;
  std::size_t largest = 0;
  for (int h = 0; h < 300; ++h) {
    ASSERT_TRUE(track.hour(rules, kStart + kHour * h, {100}, {}, told));
    Forecast f;
    for (int i = 1; i < 500; ++i) f[kStart + kHour * (h + i)] = {120};
    track.forecast(rules, f, told);
    bytes.clear();
    ByteWriter out(bytes);
    track.write(out);
    largest = std::max(largest, bytes.size());
  }
  // A value takes 6 bytes for its time and 2 for itself.
  EXPECT_LT(largest, (kTrackForecasts + 3 * kForecastAhead) * 9);
  EXPECT_GT(largest, kTrackForecasts * 7);
  EXPECT_FALSE(track.hour(rules, kStart + kHour * 200, {300}, "amended", told)) << "the copy came nearer";
  EXPECT_TRUE(track.hour(rules, kStart + kHour * 250, {300}, "amended", told));
}

TEST(WarningTrack, BytesThatAreDamagedAreRefusedOrReadButNeverHarm) {
  const RuleSet rules = rules_2018();
  const fixture::WarningWorld world = fixture::make_warning_world(7, 200);
  WarningTrack track(Mode::Live);
  std::vector<WarningEpisode> told;
  for (std::size_t i = 0; i < world.hours.size(); ++i) {
    track.hour(rules, world.at(i), world.hours[i], {}, told);
    if (world.issued.contains(i)) track.forecast(rules, world.issued.at(i), told);
  }
  std::string good;
  ByteWriter out(good);
  track.write(out);
  std::mt19937_64 random(1);
  int refused = 0;
  for (int n = 0; n < 1000; ++n) {
    std::string bytes = good;
    if (n % 2 == 0) bytes.resize(random() % bytes.size());
    if (n % 2 == 1) bytes[random() % bytes.size()] = static_cast<char>(random());
    WarningTrack loaded;
    ByteReader in(bytes);
    if (!loaded.read(in) || !in.done()) {
      ++refused;
      continue;
    }
    // As much as a stage would do with it.
    if (loaded.now() < world.at(world.hours.size() + 1000)) {
      loaded.hour(rules, world.at(world.hours.size() + 1000), {210}, {}, told);
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace qc::core
