#include "wire/rules.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <functional>

#include "qingchuan/v1/config.pb.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

v1::RuleSet rules() {
  v1::RuleSet r;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    standards { id: "GB 3095-2012" source: "read" confidence: PRIMARY }
    standards { id: "HJ 633-2012" source: "read" confidence: PRIMARY }
    limits { standard: "GB 3095-2012" clause: "table 1" factor: CO window: H1 class_1: 10000000 class_2: 10000000 unit: MG_M3 until: 1772294400000 }
    limits { standard: "GB 3095-2012" clause: "table 2" factor: BAP window: DAY class_1: 2500 class_2: 2500 unit: UG_M3 }
    limits { standard: "GB 3095-2012" clause: "table 2" factor: BAP window: YEAR class_1: 1000000 class_2: 1000000 unit: NG_M3 }
    aqi_editions { standard: "HJ 633-2012" clause: "table 1" iaqi: [0, 50, 100] round_input: true minimum: 0
      items { factor: SO2 window: H1 unit: UG_M3 concentrations: [0, 150000000] above: NONE hourly: true }
      items { factor: O3 window: H8 unit: UG_M3 concentrations: [0, 100000000, 160000000] above: CAP decimals: 1 } }
    signals { id: "aqi" kind: AQI_LEVEL on: [150000000, 200000000] no_data: 7200000 stale_max: 86400000 }
    signals { id: "hour" kind: HOUR_LIMIT dead_band_percent: 10 hold_on: 1 hold_off: 2 no_data: 3 stale_max: 4 clause: "table 1" }
    regions { id: "C" name: "c" parent: "M" } regions { id: "M" name: "m" parent: "P" } regions { id: "P" name: "p" }
    sites { id: "S1" name: "s" region: "C" kind: EVALUATION area_class: CLASS_1 factors: [PM2_5] exempt: [O3] from: 1400000000000 }
    sites { id: "S2" name: "s" region: "P" kind: MICRO area_class: CLASS_2 factors: [PM2_5] }
  )",
                                                            &r));
  return r;
}

TEST(BuildRules, ConvertsUnitsDatesAndRoots) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  ASSERT_EQ(built->limits.size(), 3u);
  EXPECT_EQ(built->limits[0].class_2, core::mg(10));
  EXPECT_EQ(built->limits[0].clause, "GB 3095-2012 table 1");
  EXPECT_EQ(built->limits[0].dated.from, core::EventTime::min());
  EXPECT_EQ(core::ms(built->limits[0].dated.until), 1'772'294'400'000);
  EXPECT_EQ(built->limits[1].class_1.pg, 2'500);  // 0.0025 ug/m3
  EXPECT_EQ(built->limits[1].dated.until, core::EventTime::max());
  EXPECT_EQ(built->limits[2].class_1.pg, 1'000);  // 1 ng/m3
  ASSERT_EQ(built->editions.size(), 1u);
  ASSERT_EQ(built->editions[0].items.size(), 2u);
  EXPECT_EQ(built->editions[0].items[0].above, core::Above::NoIndex);
  EXPECT_EQ(built->editions[0].items[1].above, core::Above::Cap);
  EXPECT_EQ(built->editions[0].items[1].concentrations[2], core::ug(160));
  EXPECT_EQ(built->signals[0].on[1], core::ug(200));
  EXPECT_EQ(built->signals[1].hold_off, core::Duration(2));
  EXPECT_EQ(built->sites.at("S1").root, "P");
  EXPECT_EQ(built->sites.at("S1").exempt, std::vector<core::Factor>{core::Factor::O3});
  EXPECT_EQ(built->sites.at("S2").root, "P");
  EXPECT_EQ(built->regions.at("C").parent, "M");
}

TEST(BuildRules, AnAliasIsAnotherNameOfItsSite) {
  v1::RuleSet r = rules();
  r.mutable_sites(0)->add_aliases("Station One");
  r.mutable_sites(0)->add_aliases("1号站");
  const auto built = build_rules(r);
  ASSERT_TRUE(built) << built.error().text;
  const std::map<std::string, std::string, std::less<>> expected = {{"Station One", "S1"}, {"1号站", "S1"}};
  EXPECT_EQ(built->aliases, expected);
  EXPECT_EQ(built->sites.size(), 2u);
}

TEST(BuildRules, AbsentHorizonsAreTheDefaultsAndAZeroThatIsWrittenIsAZero) {
  const core::Horizons defaults;
  v1::RuleSet r = rules();
  EXPECT_EQ(build_rules(r)->horizons.running_every, defaults.running_every);
  EXPECT_EQ(build_rules(r)->horizons.slots_kept, defaults.slots_kept);
  r.mutable_horizons()->set_running_every(0);
  r.mutable_horizons()->set_valid_minutes(40);
  const auto built = build_rules(r);
  EXPECT_EQ(built->horizons.running_every, core::Duration(0));
  EXPECT_EQ(built->horizons.valid_minutes, 40);
  EXPECT_EQ(built->horizons.close_after, defaults.close_after);
  EXPECT_EQ(built->horizons.hours_kept, defaults.hours_kept);
}

struct Case {
  const char* text;  // a part of the error
  std::function<void(v1::RuleSet&)> spoil;
};

TEST(BuildRules, NamesWhatDoesNotFitTogether) {
  const std::vector<Case> cases = {
      {"standard \"GB 3095-2012\" stands twice", [](auto& r) { r.add_standards()->set_id("GB 3095-2012"); }},
      {"standard \"GB 1\" is not defined", [](auto& r) { r.mutable_limits(0)->set_standard("GB 1"); }},
      {"factor expected", [](auto& r) { r.mutable_limits(0)->clear_factor(); }},
      {"window expected", [](auto& r) { r.mutable_limits(0)->set_window(v1::READING); }},
      {"unit of a concentration", [](auto& r) { r.mutable_limits(0)->set_unit(v1::POINT); }},
      {"out of range", [](auto& r) { r.mutable_limits(0)->set_class_1(-1); }},
      {"a pollutant expected", [](auto& r) { r.mutable_limits(0)->set_factor(v1::AQI); }},
      {"two limits hold at the same time", [](auto& r) { *r.add_limits() = r.limits(0); }},
      {"`from` must lie before `until`", [](auto& r) { r.mutable_limits(0)->set_from(1'772'294'400'000); }},
      {"two or more rising numbers", [](auto& r) { r.mutable_aqi_editions(0)->set_iaqi(1, 0); }},
      {"two editions are in force", [](auto& r) { *r.add_aqi_editions() = r.aqi_editions(0); }},
      {"2 to 3 rising concentrations",
       [](auto& r) { r.mutable_aqi_editions(0)->mutable_items(1)->add_concentrations(900'000'000); }},
      {"2 to 3 rising concentrations",
       [](auto& r) { r.mutable_aqi_editions(0)->mutable_items(1)->set_concentrations(1, 0); }},
      {"`above` expected", [](auto& r) { r.mutable_aqi_editions(0)->mutable_items(0)->clear_above(); }},
      {"signal \"hour\": an id of its own", [](auto& r) { r.mutable_signals(0)->set_id("hour"); }},
      {"kind expected", [](auto& r) { r.mutable_signals(0)->clear_kind(); }},
      {"1 to 3 rising levels", [](auto& r) { r.mutable_signals(0)->set_on(0, 300'000'000); }},
      {"here the limit decides", [](auto& r) { r.mutable_signals(1)->add_on(1); }},
      {"`slots_kept` is longer than `hours_kept`",
       [](auto& r) { r.mutable_horizons()->set_slots_kept(500LL * 3'600'000); }},
      {"`close_after` is longer than `slots_kept`",
       [](auto& r) { r.mutable_horizons()->set_close_after(7LL * 3'600'000); }},
      {"region \"P\": an id of its own", [](auto& r) { r.add_regions()->set_id("P"); }},
      {"is its own ancestor", [](auto& r) { r.mutable_regions(2)->set_parent("C"); }},
      {"its parent \"X\" is not defined", [](auto& r) { r.mutable_regions(2)->set_parent("X"); }},
      {"its member \"X\" is not defined", [](auto& r) { r.mutable_regions(1)->add_members("X"); }},
      {"its member \"C\" stands twice",
       [](auto& r) {
         r.mutable_regions(1)->add_members("C");
         r.mutable_regions(1)->add_members("C");
       }},
      {"its member \"R\" belongs to another prefecture",
       [](auto& r) {
         r.add_regions()->set_id("R");
         r.mutable_regions(1)->add_members("R");
       }},
      {"region \"M\" is, through its members, a part of itself",
       [](auto& r) { r.mutable_regions(1)->add_members("M"); }},
      {"region \"C\" is, through its members, a part of itself",
       [](auto& r) {
         r.mutable_regions(0)->add_members("M");
         r.mutable_regions(1)->add_members("C");
       }},
      {"site \"S1\": region \"X\" is not defined", [](auto& r) { r.mutable_sites(0)->set_region("X"); }},
      {"site \"S1\": an id of its own", [](auto& r) { r.mutable_sites(1)->set_id("S1"); }},
      {"region \"C\" has 721 evaluation stations",
       [](auto& r) {
         for (int i = 0; i < 720; ++i) {
           *r.add_sites() = r.sites(0);
           r.mutable_sites(r.sites_size() - 1)->set_id("E" + std::to_string(i));
         }
       }},
      {"site \"S1\": its alias \"S2\": a name of its own", [](auto& r) { r.mutable_sites(0)->add_aliases("S2"); }},
      {"site \"S2\": its alias \"s\": a name of its own",
       [](auto& r) {
         r.mutable_sites(0)->add_aliases("s");
         r.mutable_sites(1)->add_aliases("s");
       }},
      {"site \"S1\": its alias \"\": a name of its own", [](auto& r) { r.mutable_sites(0)->add_aliases(""); }},
      {"site \"S1\": kind expected", [](auto& r) { r.mutable_sites(0)->clear_kind(); }},
      {"site \"S1\": class expected", [](auto& r) { r.mutable_sites(0)->clear_area_class(); }},
      {"computed, not measured or limited", [](auto& r) { r.mutable_sites(0)->add_factors(v1::AQI); }},
  };
  for (const auto& c : cases) {
    v1::RuleSet r = rules();
    c.spoil(r);
    const auto built = build_rules(r);
    ASSERT_FALSE(built) << c.text;
    EXPECT_EQ(built.error().code, Errc::config_invalid) << c.text;
    EXPECT_NE(built.error().text.find(c.text), std::string::npos) << c.text << " | " << built.error().text;
  }
}

v1::RuleSet rules_with_warnings() {
  v1::RuleSet r = rules();
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(R"(
    warnings { id: "w" standard: "GB 3095-2012" clause: "c" until: 1704038400000 lasting: EVERY_HOUR lift_hours: 36
      downgrade: BELOW_YELLOW excluded: [SAND_DUST] stale_hours: 96
      yellow { all { over: 200 lasting: 86400000 } }
      yellow { all { over: 150 lasting: 172800000 } }
      orange { all { over: 200 lasting: 172800000 } }
      red { all { over: 200 lasting: 259200000 } all { reaches: 300 lasting: 86400000 } } }
  )",
                                                            &r));
  return r;
}

TEST(BuildRules, MakesCriteriaOfWarnings) {
  const auto built = build_rules(rules_with_warnings());
  ASSERT_TRUE(built) << built.error().text;
  ASSERT_EQ(built->warnings.size(), 1u);
  const core::WarningCriteria& w = built->warnings[0];
  EXPECT_EQ(w.id, "w");
  EXPECT_EQ(w.clause, "GB 3095-2012 c");
  EXPECT_EQ(w.levels[0], (std::vector<core::WarningAlternative>{{{200, false, 24}}, {{150, false, 48}}}));
  EXPECT_EQ(w.levels[2], (std::vector<core::WarningAlternative>{{{200, false, 72}, {300, true, 24}}}));
  EXPECT_EQ(w.lasting, core::Lasting::EveryHour);
  EXPECT_EQ(w.downgrade, core::Downgrade::BelowYellow);
  EXPECT_TRUE(w.without_dust);
  EXPECT_FALSE(w.without_ozone);
  EXPECT_EQ(built->warning(core::event_time(1'704'038'399'999)), &w);
  EXPECT_EQ(built->warning(core::event_time(1'704'038'400'000)), nullptr);
}

TEST(BuildRules, NamesWhatIsWrongWithCriteriaOfWarnings) {
  const auto condition = [](v1::RuleSet& r) { return r.mutable_warnings(0)->mutable_yellow(0)->mutable_all(0); };
  const std::vector<Case> cases = {
      {"`over` or `reaches` expected", [&](auto& r) { condition(r)->set_reaches(200); }},
      {"`over` or `reaches` expected", [&](auto& r) { condition(r)->clear_over(); }},
      {"an index of 500 at most", [&](auto& r) { condition(r)->set_over(500); }},
      {"whole days expected", [&](auto& r) { condition(r)->set_lasting(3'600'000); }},
      {"whole days expected", [&](auto& r) { condition(r)->set_lasting(11LL * 86'400'000); }},
      {"`all`: 1 to 4 conditions", [](auto& r) { r.mutable_warnings(0)->mutable_red(0)->clear_all(); }},
      {"`red`: 1 to 4 alternatives", [](auto& r) { r.mutable_warnings(0)->clear_red(); }},
      {"`lasting` expected", [](auto& r) { r.mutable_warnings(0)->clear_lasting(); }},
      {"`downgrade` expected", [](auto& r) { r.mutable_warnings(0)->clear_downgrade(); }},
      {"1 to 240 expected", [](auto& r) { r.mutable_warnings(0)->set_lift_hours(0); }},
      {"it asks for a lower index than `yellow`",
       [](auto& r) { r.mutable_warnings(0)->mutable_orange(0)->mutable_all(0)->set_over(100); }},
      {"an id of its own", [](auto& r) { *r.add_warnings() = r.warnings(0); }},
      {"two criteria hold at the same time",
       [](auto& r) {
         *r.add_warnings() = r.warnings(0);
         r.mutable_warnings(1)->set_id("other");
       }},
      {"is not defined", [](auto& r) { r.mutable_warnings(0)->set_standard("GB 1"); }},
  };
  for (const auto& c : cases) {
    v1::RuleSet r = rules_with_warnings();
    c.spoil(r);
    const auto built = build_rules(r);
    ASSERT_FALSE(built) << c.text;
    EXPECT_NE(built.error().text.find(c.text), std::string::npos) << c.text << " | " << built.error().text;
  }
}

TEST(RulesHash, IsTheBeginningOfSha256) {
  EXPECT_EQ(rules_hash(""), "e3b0c44298fc1c14");
  EXPECT_EQ(rules_hash("abc"), "ba7816bf8f01cfea");
}

TEST(ParseRules, GivesBackWhatWasStoredUnderItsHash) {
  const std::string bytes = canonical_bytes(rules());
  EXPECT_EQ(bytes, canonical_bytes(rules()));
  const auto parsed = parse_rules(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->hash, rules_hash(bytes));
  EXPECT_EQ(parsed->hash, build_rules(rules())->hash);
  EXPECT_EQ(parsed->sites.size(), 2u);
  const auto garbage = parse_rules("no rules");
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, Errc::log_corrupt);
}

}  // namespace
}  // namespace qc::wire
