#include "console/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <random>
#include <vector>

#include "console/console_testing.h"
#include "console/json_text.h"
#include "core/seeds_testing.h"

namespace qc::console {
namespace {

namespace json = boost::json;
using fixture::alert_record;
using fixture::Giver;
using fixture::kBegan;
using fixture::mean_record;
using fixture::model;
using fixture::told;

json::object alert_of(const Model& m, const std::string& key) {
  return m.read([&](const Tables& t) { return json::parse(*t.alerts.at(key).json).as_object(); });
}

TEST(Model, AnAlertIsShownWithItsPlaceAndItsNumbers) {
  auto m = model();
  Giver(*m).give(alert_record(told("S1", 1, 2)));
  const json::object alert = alert_of(*m, "aqi_level/S1/AQI");
  EXPECT_EQ(alert.at("revision"), 1);
  EXPECT_EQ(alert.at("level"), 2);
  EXPECT_EQ(alert.at("place").at("name"), "S1");
  EXPECT_EQ(alert.at("place").at("region"), "C");
  EXPECT_EQ(alert.at("number").at("value"), 166);
  EXPECT_EQ(alert.at("number").at("limit"), 150);
  EXPECT_EQ(alert.at("number").at("unit"), "point");
  EXPECT_EQ(alert.at("origin").at("rules"), fixture::kHash);
  EXPECT_TRUE(alert.at("formal").is_null());
}

TEST(Model, RecordsThatComeAgainChangeNothingAndAreToldOnce) {
  auto m = model();
  const auto first = alert_record(told("S1", 1));
  const auto second = alert_record(told("S1", 2));
  Giver giver(*m);
  giver.give(first);
  giver.give(second);
  giver.give_at(first, 0);
  giver.give_at(second, 1);
  EXPECT_EQ(alert_of(*m, "aqi_level/S1/AQI").at("revision"), 2);
  EXPECT_EQ(m->feed().end(), 2U);
}

TEST(Model, WhatCannotBeReadIsCountedAndMovesThePlaceInTheLog) {
  auto m = model();
  Giver giver(*m);
  giver.give({{kAlerts, 0}, "x", "\xff garbage", {}});
  giver.give({{kMeans, 0}, "x", "\xff garbage", {}});
  EXPECT_EQ(m->refused_records(), 2U);
  EXPECT_EQ(m->feed().end(), 0U);
  EXPECT_EQ(m->feed().positions().next, (std::vector<stream::Offset>{1, 1, 0}));
}

TEST(Model, ATombstoneTakesAnAlertAway) {
  auto m = model();
  Giver giver(*m);
  giver.give(alert_record(told("S1", 1, 0)));
  giver.give({{kAlerts, 0}, "aqi_level/S1/AQI", std::nullopt, {}});
  EXPECT_TRUE(m->read([](const Tables& t) { return t.alerts.empty(); }));
}

TEST(Model, OtherRulesRenameWhatIsShownOnceTheBatchIsOver) {
  auto m = model();
  Giver giver(*m);
  giver.give(alert_record(told("S1", 1)));
  giver.give(alert_record(told("S2", 1), "00000000000000b2"));
  EXPECT_EQ(alert_of(*m, "aqi_level/S1/AQI").at("place").at("name"), "S1");
  ASSERT_TRUE(m->settle());
  EXPECT_EQ(alert_of(*m, "aqi_level/S1/AQI").at("place").at("name"), "改名");
  EXPECT_EQ(m->read([](const Tables& t) { return t.rules; }), "00000000000000b2");
}

TEST(Model, BeyondItsLimitTheLongestOverGoAndWhatIsListedStays) {
  ModelOptions options;
  options.alerts_max = 20;
  auto m = model(options);
  Giver giver(*m);
  for (int i = 0; i < 15; ++i) giver.give(alert_record(told("L" + std::to_string(i), 1, 1)));
  for (int i = 0; i < 30; ++i) giver.give(alert_record(told("O" + std::to_string(i), i + 1, 0)));
  m->read([](const Tables& t) {
    EXPECT_LE(t.alerts.size(), 21U);
    EXPECT_EQ(std::count_if(t.alerts.begin(), t.alerts.end(), [](const auto& e) { return e.second.alert.listed; }), 15);
    EXPECT_TRUE(t.alerts.contains("aqi_level/O29/AQI"));
    EXPECT_FALSE(t.alerts.contains("aqi_level/O0/AQI"));
    return 0;
  });
}

TEST(Model, ASnapshotHoldsWhatIsListedInTheRegionsThatOneSees) {
  auto m = model();
  Giver giver(*m);
  giver.give(alert_record(told("S1", 1)));
  giver.give(alert_record(told("S2", 1, 1, "D")));
  giver.give(alert_record(told("S3", 1, 0)));
  giver.give(mean_record("S1", kBegan, 40));
  giver.give(mean_record("S1", kBegan + core::kHour, 50));
  Sight all;
  all.everything = true;
  Sight county;
  county.regions = {"C"};
  EXPECT_EQ(m->snapshot({Subject::Alerts}, all).frames.size(), 2U);
  EXPECT_EQ(m->snapshot({Subject::Alerts}, county).frames.size(), 1U);
  const Snapshot both = m->snapshot({Subject::Alerts, Subject::Means}, county);
  ASSERT_EQ(both.frames.size(), 2U) << "of a series only its latest";
  EXPECT_THAT(*both.frames[1], testing::HasSubstr(R"("value":50,)"));
  EXPECT_EQ(both.sequence, m->feed().end());
  EXPECT_EQ(both.id, text(m->feed().positions()));
}

// Whatever order revisions come in, and how old: a series holds the greatest revision of each end within the hours
// kept.
TEST(SeriesTableProperty, HoldsTheLatestRevisionOfEachEnd) {
  core::fixture::for_each_seed([](std::uint64_t seed) {
    std::mt19937_64 chance(seed);
    const auto below = [&](std::uint64_t n) { return static_cast<int>(chance() % n); };
    SeriesTable table({std::chrono::hours(10), 100});
    std::map<core::EventTime, std::pair<int, std::int64_t>> naive;  // end: revision, value
    core::EventTime newest = core::EventTime::min();
    for (int i = 0; i < 300; ++i) {
      core::Mean mean;
      mean.site = "S";
      mean.region = "C";
      mean.factor = core::Factor::PM10;
      mean.window = core::Window::H1;
      const core::EventTime end = kBegan + core::kHour * (i / 10 + below(12) - 8);
      mean.interval = {end - core::kHour, end};
      mean.revision = below(6) + 1;
      mean.count = 1;
      mean.value = {below(1'000)};
      table.take(mean, false);
      newest = std::max(newest, end);
      auto& kept = naive[end];
      if (end > newest - std::chrono::hours(10) && mean.revision > kept.first) kept = {mean.revision, mean.value.pg};
    }
    std::erase_if(naive, [&](const auto& e) { return e.first <= newest - std::chrono::hours(10); });
    const Series* series = table.find({"S", core::Factor::PM10, core::Window::H1});
    ASSERT_NE(series, nullptr);
    std::map<core::EventTime, std::pair<int, std::int64_t>> found;
    for (const SeriesPoint& p : series->points) found[p.interval.end] = {p.revision, p.value_pg};
    EXPECT_EQ(found, naive);
    EXPECT_EQ(found.size(), series->points.size());
    EXPECT_TRUE(std::is_sorted(series->points.begin(), series->points.end(),
                               [](const auto& a, const auto& b) { return a.interval.end < b.interval.end; }));
  });
}

TEST(SeriesTable, OneBeyondTheLimitIsCountedOnce) {
  SeriesTable table({std::chrono::hours(72), 2});
  core::Mean mean;
  mean.factor = core::Factor::PM10;
  mean.window = core::Window::H1;
  mean.revision = 1;
  for (const char* site : {"A", "B", "C", "C", "D"}) {
    mean.site = site;
    table.take(mean, false);
  }
  EXPECT_EQ(table.all().size(), 2U);
  EXPECT_EQ(table.refused(), 2U);
}

TEST(JsonText, NumbersAreAsPeopleWriteThem) {
  const json::value value = {
      {"a", 52.3}, {"b", {166.0, 0.001, -3, 1e20}}, {"text", "a\"\n晴"}, {"none", nullptr}, {"yes", true}};
  EXPECT_EQ(json_line(value),
            R"({"a":52.3,"b":[166,0.001,-3,100000000000000000000],"text":"a\"\n晴","none":null,"yes":true})");
  EXPECT_EQ(json::parse(json_line(value)).at("text"), value.at("text"));
}

TEST(Places, ARegionHoldsAllBelowItAndAGroupItsMembers) {
  auto rules = std::make_shared<core::RuleSet>(*core::test_rules());
  rules->regions["D"] = {.id = "D", .name = "丁县", .name_en = "", .parent = "P"};
  rules->regions["G"] = {.id = "G", .name = "组", .name_en = "Group", .parent = "P", .members = {"C", "G"}};
  const Places places(rules);
  using Set = std::set<std::string, std::less<>>;
  EXPECT_EQ(places.below("P"), (Set{"P", "C", "D", "G"}));
  EXPECT_EQ(places.below("G"), (Set{"G", "C"}));
  EXPECT_TRUE(places.below("nowhere").empty());
  EXPECT_EQ(places.region_of("S1"), "C");
  EXPECT_EQ(places.region_of("C"), "C");
  EXPECT_EQ(places.region_of("nobody"), "");
  EXPECT_EQ(places.name_en("D"), "丁县");
  EXPECT_EQ(places.name("nobody"), "nobody");
  EXPECT_EQ(ledger_region("aqi_level/S1/AQI", &places), "C");
  EXPECT_EQ(ledger_region("warning/P/AQI", &places), "P");
  EXPECT_EQ(ledger_region("flood/3", &places), "");
  EXPECT_EQ(ledger_region("account/admin", &places), "");
}

}  // namespace
}  // namespace qc::console
