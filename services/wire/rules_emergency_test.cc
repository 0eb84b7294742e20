// The emergency-cut list, its duties and the outlines of regions, from messages to the rule set.
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <functional>

#include "qingchuan/v1/config.pb.h"
#include "wire/rules.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

v1::RuleSet rules() {
  v1::RuleSet r;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    standards { id: "guide" source: "read" confidence: SINGLE }
    regions { id: "C" name: "c" parent: "P" polygon: [111000000, 37000000, 112000000, 37000000, 111500000, 38250001] }
    regions { id: "P" name: "p" }
    emergency {
      inventories { region: "P" base { so2: 900 nox: 800 pm: 70 vocs: 10 } source: "s" confidence: SINGLE }
      enterprises { id: "E1" name: "厂" name_en: "works" region: "C" trade: "焦化" trade_en: "coking" rating: RATING_B
        responsible: "局" responsible_en: "bureau"
        lines { name: "1" base { so2: 100 nox: 50 vocs: 10 }
          measures { level: EMERGENCY_RED cut { so2: 50 nox: 20 } text: "停" text_en: "stop" }
          measures { level: EMERGENCY_YELLOW cut { so2: 10 } text: "减" } }
        lines { name: "2" base { so2: 800 } } } }
    emergency_duties { standard: "guide" clause: "3" level: EMERGENCY_RED at_least { so2: 30 vocs: 5 } confidence: SINGLE
      until: 1772294400000 }
    emergency_duties { standard: "guide" clause: "4" level: EMERGENCY_RED at_least { so2: 40 } confidence: UNCONFIRMED
      from: 1772294400000 })",
                                                            &r));
  return r;
}

TEST(BuildEmergencyRules, TheListIsTheMessages) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  ASSERT_EQ(built->emergency.inventories.size(), 1u);
  EXPECT_EQ(built->emergency.inventories[0].base, (core::Emissions{900, 800, 70, 10}));
  ASSERT_EQ(built->emergency.enterprises.size(), 1u);
  const core::Enterprise& e = built->emergency.enterprises[0];
  EXPECT_EQ(e.rating, core::Rating::B);
  EXPECT_EQ(e.trade_en, "coking");
  EXPECT_EQ(e.responsible, "局");
  ASSERT_EQ(e.lines.size(), 2u);
  ASSERT_EQ(e.lines[0].measures.size(), 2u);  // rising, however they were written
  EXPECT_EQ(e.lines[0].measures[0].level, core::EmergencyLevel::Yellow);
  EXPECT_EQ(e.lines[0].measures[1].cut, (core::Shares{50, 20, 0, 0}));
  EXPECT_EQ(e.lines[0].at(core::EmergencyLevel::Orange)->text, "减");
  EXPECT_EQ(e.lines[1].at(core::EmergencyLevel::Red), nullptr);
}

TEST(BuildEmergencyRules, DutiesAreDated) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  const auto before = core::event_time(1'772'294'399'999);
  ASSERT_NE(built->emergency_duty(core::EmergencyLevel::Red, before), nullptr);
  EXPECT_EQ(built->emergency_duty(core::EmergencyLevel::Red, before)->clause, "guide 3");
  EXPECT_EQ(built->emergency_duty(core::EmergencyLevel::Red, before)->at_least, (core::Shares{30, 0, 0, 5}));
  const auto* after = built->emergency_duty(core::EmergencyLevel::Red, core::event_time(1'772'294'400'000));
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->clause, "guide 4");
  EXPECT_EQ(after->confidence, core::Confidence::Unconfirmed);
  EXPECT_EQ(built->emergency_duty(core::EmergencyLevel::Yellow, before), nullptr);
}

TEST(BuildEmergencyRules, OutlinesAreExactAndOpen) {
  v1::RuleSet r = rules();
  const core::Ring ring = {{111'000'000, 37'000'000}, {112'000'000, 37'000'000}, {111'500'000, 38'250'001}};
  EXPECT_EQ(build_rules(r)->regions.at("C").polygon, ring);
  EXPECT_TRUE(build_rules(r)->regions.at("P").polygon.empty());
  for (const std::int64_t n : {111'000'000, 37'000'000}) r.mutable_regions(0)->add_polygon(n);  // as GeoJSON has it
  EXPECT_EQ(build_rules(r)->regions.at("C").polygon, ring);
}

TEST(BuildEmergencyRules, TheyComeBackFromTheLog) {
  const auto bytes = canonical_bytes(rules());
  const auto parsed = parse_rules(bytes);
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->emergency.enterprises.size(), 1u);
  EXPECT_EQ(parsed->emergency_duties.size(), 2u);
  EXPECT_EQ(parsed->hash, build_rules(rules())->hash);
}

TEST(BuildEmergencyRules, WhatIsWrongIsSaid) {
  struct Case {
    const char* says;
    std::function<void(v1::RuleSet&)> spoil;
  };
  const auto line = [](v1::RuleSet& r) { return r.mutable_emergency()->mutable_enterprises(0)->mutable_lines(0); };
  const std::vector<Case> cases = {
      {"a longitude without its latitude", [](auto& r) { r.mutable_regions(0)->add_polygon(111'000'000); }},
      {"point 1 is no longitude", [](auto& r) { r.mutable_regions(0)->set_polygon(0, 37'000'000); }},
      {"point 2 is no longitude", [](auto& r) { r.mutable_regions(0)->set_polygon(3, 112'000'000); }},
      {"do not cross or touch", [](auto& r) { r.mutable_regions(0)->set_polygon(5, 37'000'000); }},
      {"the region is not defined", [](auto& r) { r.mutable_emergency()->mutable_inventories(0)->set_region("X"); }},
      {"the second of this region",
       [](auto& r) { *r.mutable_emergency()->add_inventories() = r.emergency().inventories(0); }},
      {"`base` is out of range",
       [](auto& r) { r.mutable_emergency()->mutable_inventories(0)->mutable_base()->set_pm(-1); }},
      {"confidence expected", [](auto& r) { r.mutable_emergency()->mutable_inventories(0)->clear_confidence(); }},
      {"an id of its own", [](auto& r) { *r.mutable_emergency()->add_enterprises() = r.emergency().enterprises(0); }},
      {"the region is not defined", [](auto& r) { r.mutable_emergency()->mutable_enterprises(0)->set_region("X"); }},
      {"rating expected", [](auto& r) { r.mutable_emergency()->mutable_enterprises(0)->clear_rating(); }},
      {"two of that name",
       [](auto& r) { r.mutable_emergency()->mutable_enterprises(0)->mutable_lines(1)->set_name("1"); }},
      {"`base` is out of range", [&](auto& r) { line(r)->mutable_base()->set_so2(1'000'000'001); }},
      {"level expected", [&](auto& r) { line(r)->mutable_measures(0)->clear_level(); }},
      {"`cut` is out of range", [&](auto& r) { line(r)->mutable_measures(0)->mutable_cut()->set_so2(101); }},
      {"it cuts PM, which its `base` has none of",
       [&](auto& r) { line(r)->mutable_measures(0)->mutable_cut()->set_pm(1); }},
      {"two measures of one level", [&](auto& r) { line(r)->mutable_measures(0)->set_level(v1::EMERGENCY_YELLOW); }},
      {"it cuts less SO2 at a higher level", [&](auto& r) { line(r)->mutable_measures(0)->mutable_cut()->set_so2(9); }},
      {"the listed lines alone emit 900 kg of SO2 a day, more than its 899",
       [](auto& r) { r.mutable_emergency()->mutable_inventories(0)->mutable_base()->set_so2(899); }},
      {"standard \"X\" is not defined", [](auto& r) { r.mutable_emergency_duties(0)->set_standard("X"); }},
      {"`from` must lie before `until`", [](auto& r) { r.mutable_emergency_duties(0)->set_from(1'772'294'400'000); }},
      {"level expected", [](auto& r) { r.mutable_emergency_duties(0)->clear_level(); }},
      {"confidence expected", [](auto& r) { r.mutable_emergency_duties(0)->clear_confidence(); }},
      {"`at_least` is out of range", [](auto& r) { r.mutable_emergency_duties(0)->mutable_at_least()->set_nox(101); }},
      {"two duties of one level", [](auto& r) { r.mutable_emergency_duties(1)->clear_from(); }},
  };
  for (const Case& c : cases) {
    v1::RuleSet r = rules();
    c.spoil(r);
    const auto built = build_rules(r);
    ASSERT_FALSE(built) << c.says;
    EXPECT_NE(built.error().text.find(c.says), std::string::npos) << built.error().text << "\nexpected: " << c.says;
  }
}

}  // namespace
}  // namespace qc::wire
