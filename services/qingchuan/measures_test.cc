#include "qingchuan/measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace qc::commands {
namespace {

using core::EmergencyLevel;
using testing::HasSubstr;
using testing::Not;

core::RuleSet rules() {
  core::RuleSet r;
  r.hash = "0123456789abcdef";
  r.regions["P"] = {.id = "P", .name = "吕梁市", .name_en = "Prefecture", .parent = ""};
  r.regions["C"] = {.id = "C", .name = "孝义市", .name_en = "County", .parent = "P"};
  r.emergency.inventories = {{"P", {1000, 1000, 1000, 0}, "test", core::Confidence::Unconfirmed}};
  core::ProductionLine line{"1号炉", "oven 1", {333, 500, 0, 0}, {}};
  line.measures = {{EmergencyLevel::Yellow, {35, 10, 0, 0}, "延长, 至24小时", "longer, to 24 h"}};
  r.emergency.enterprises = {
      {"E1", "焦化厂", "Works", "C", "焦化", "coking", core::Rating::C, "执法队", "team", {line}},
      {"E2", "供热站", "", "C", "供热", "", core::Rating::NotLeading, "局", "", {{"炉", "", {1, 1, 1, 1}, {}}}}};
  r.emergency_duties = {{{}, EmergencyLevel::Yellow, {10, 10, 10, 10}, "guide 3", core::Confidence::Single}};
  return r;
}

core::MeasuresDue due(const core::RuleSet& r, EmergencyLevel level = EmergencyLevel::Yellow) {
  return core::measures_due(r, "P", level, core::event_time(0)).value();
}

TEST(MeasuresText, ADispatcherReadsWhoDoesWhatAndWhetherItIsEnough) {
  const core::RuleSet r = rules();
  const std::string zh = to_text(r, due(r), Language::Chinese);
  EXPECT_THAT(zh, HasSubstr("吕梁市 重污染天气黄色（Ⅲ级）应急减排措施"));
  EXPECT_THAT(zh, HasSubstr("焦化厂"));
  EXPECT_THAT(zh, HasSubstr("116.55"));  // 333 kg * 35 %
  EXPECT_THAT(zh, HasSubstr("11.65%"));
  EXPECT_THAT(zh, HasSubstr("达到"));
  EXPECT_THAT(zh, HasSubstr("差 50"));  // NOx: 50 of 100 kg
  EXPECT_THAT(zh, HasSubstr("本级别无措施: 供热站 (非引领性)"));
  EXPECT_THAT(zh, HasSubstr("要求: guide 3 (单一来源)"));
  EXPECT_THAT(zh, HasSubstr("test (未经证实)"));
  const std::string en = to_text(r, due(r), Language::English);
  EXPECT_THAT(en, HasSubstr("Prefecture heavy pollution, yellow (III): emergency measures"));
  EXPECT_THAT(en, HasSubstr("longer, to 24 h"));
  EXPECT_THAT(en, HasSubstr("供热站 (not leading)"));  // no English name: the Chinese one
  EXPECT_THAT(en, HasSubstr("short of it by 50"));
}

TEST(MeasuresText, WithoutListOrDutyItSaysSo) {
  core::RuleSet r = rules();
  r.emergency = {};
  r.emergency_duties.clear();
  const std::string text = to_text(r, due(r), Language::English);
  EXPECT_THAT(text, HasSubstr("The list has no measures for this level."));
  EXPECT_THAT(text, HasSubstr("no duty"));
  EXPECT_THAT(text, Not(HasSubstr("duty:")));
}

TEST(MeasuresCsv, OneLineAMeasureAndSixOfTotals) {
  const core::RuleSet r = rules();
  EXPECT_EQ(
      to_csv(r, due(r), Language::English),
      "row,region,region_name,enterprise,enterprise_name,trade,rating,line,level,measure,so2,nox,pm,vocs,responsible\n"
      "measure,C,County,E1,Works,coking,C,oven 1,yellow,\"longer, to 24 h\",116.55,50,0,0,team\n"
      "cut,P,Prefecture,,,,,,yellow,,116.55,50,0,0,\n"
      "listed,P,Prefecture,,,,,,yellow,,334,501,1,1,\n"
      "base,P,Prefecture,,,,,,yellow,,1000,1000,1000,0,\n"
      "share_percent,P,Prefecture,,,,,,yellow,,11.65,5,0,,\n"
      "at_least_percent,P,Prefecture,,,,,,yellow,,10,10,10,10,\n"
      "missing,P,Prefecture,,,,,,yellow,,0,50,100,0,\n");
}

TEST(MeasuresJson, HoldsTheSame) {
  const core::RuleSet r = rules();
  const auto all = boost::json::parse(to_json(r, due(r, EmergencyLevel::Red), Language::Chinese)).as_object();
  EXPECT_EQ(all.at("level"), "red");
  EXPECT_EQ(all.at("duty"), "");
  const auto& measure = all.at("measures").as_array().at(0).as_object();
  EXPECT_EQ(measure.at("level"), "yellow");  // red has no entry of its own
  EXPECT_EQ(measure.at("cut_kg").as_object().at("SO2"), "116.55");
  EXPECT_EQ(all.at("nothing_due").as_array().at(0).as_object().at("enterprise"), "E2");
  EXPECT_FALSE(all.at("pollutants").as_object().at("SO2").as_object().contains("met"));  // no duty at red
  const auto yellow = boost::json::parse(to_json(r, due(r), Language::Chinese)).as_object();
  EXPECT_EQ(yellow.at("pollutants").as_object().at("SO2").as_object().at("met"), true);
  EXPECT_EQ(yellow.at("pollutants").as_object().at("PM").as_object().at("met"), false);
}

TEST(FindRegion, ByIdOrNameOrTheNearest) {
  const core::RuleSet r = rules();
  EXPECT_EQ(find_region(r, "C").value(), "C");
  EXPECT_EQ(find_region(r, "孝义市").value(), "C");
  EXPECT_EQ(find_region(r, "孝义").value(), "C");
  EXPECT_FALSE(find_region(r, "孝"));
  EXPECT_EQ(find_region(r, "Prefecture").value(), "P");
  EXPECT_THAT(find_region(r, "Prefectrue").error().text, HasSubstr("did you mean `Prefecture`?"));
  EXPECT_THAT(find_region(r, "zzzzzzzz").error().text,
              HasSubstr("there is no region `zzzzzzzz`; expected one of C, P"));
  EXPECT_FALSE(find_region(r, ""));
  core::RuleSet two = rules();
  two.regions["D"] = {.id = "D", .name = "孝义县", .name_en = "", .parent = "P"};
  EXPECT_FALSE(find_region(two, "孝义"));
}

TEST(FindLevel, ByEitherNameOrTheNearest) {
  EXPECT_EQ(find_level("orange").value(), EmergencyLevel::Orange);
  EXPECT_EQ(find_level("红色").value(), EmergencyLevel::Red);
  EXPECT_THAT(find_level("yelow").error().text, HasSubstr("did you mean `yellow`?"));
  EXPECT_THAT(find_level("blue").error().text, HasSubstr("there is no level `blue`"));
  EXPECT_FALSE(find_level(""));
}

}  // namespace
}  // namespace qc::commands
