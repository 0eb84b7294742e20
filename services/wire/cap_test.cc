// CAP messages: what each kind looks like (tests/golden/cap; QC_UPDATE_GOLDEN=1 writes new ones), what is refused, and
// what becomes of strange text. tests/integration/test_cap.py holds thousands against the schema.
#include "wire/cap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "core/testing.h"

namespace qc::wire {
namespace {

namespace fs = std::filesystem;
using core::EmergencyLevel;
using testing::HasSubstr;
using testing::Not;

core::EventTime at(const char* text) {
  return core::parse_iso(text).value();
}

core::RuleSet rules() {
  core::RuleSet r;
  r.regions["P"] = {.id = "P", .name = "吕梁市", .name_en = "Lüliang Prefecture", .parent = ""};
  r.regions["C"] = {.id = "C",
                    .name = "孝义市",
                    .name_en = "Xiaoyi City",
                    .parent = "P",
                    .polygon = {{111'300'000, 37'150'000}, {111'500'000, 37'020'000}, {111'380'001, 37'300'000}}};
  r.regions["D"] = {.id = "D",
                    .name = "汾阳市",
                    .name_en = "Fenyang City",
                    .parent = "P",
                    .polygon = {{111'380'000, 37'300'000}, {111'600'000, 37'180'000}, {111'650'000, 37'420'000}}};
  core::ProductionLine oven{"1号焦炉", "oven 1", {100, 0, 0, 0}, {}};
  oven.measures = {{EmergencyLevel::Yellow, {20, 0, 0, 0}, "出焦时间延长至24小时", "coking time lengthened to 24 h"}};
  r.emergency.enterprises = {
      {"E1", "焦化厂", "Coke Works", "C", "焦化", "coking", core::Rating::B, "执法队", "team", {oven}}};
  return r;
}

CapMessage issued() {
  const core::RuleSet r = rules();
  CapMessage m;
  m.identifier = "14110000000001_20261127180000_1";
  m.sender = "qingchuan.lvliang.example";
  m.sent = at("2026-11-27T18:00:00.750+08:00");
  m.status = CapStatus::Actual;
  m.approver = "分管副市长 vice mayor in charge";
  m.level = EmergencyLevel::Orange;
  m.forecast = true;
  m.effective = at("2026-11-28T00:00:00+08:00");
  m.expires = at("2026-12-01T00:00:00+08:00");
  m.sender_name = {"吕梁市重污染天气应急指挥部", "Lüliang heavy-pollution command"};
  m.evidence = {"预计日AQI>200持续48小时", "Daily AQI > 200 forecast for 48 h"};
  m.measures = measures_text(r, *core::measures_due(r, "P", EmergencyLevel::Orange, m.sent));
  m.areas = {cap_area(r, "P")};
  return m;
}

void follows(CapMessage& m, CapType type) {
  m.references = {{m.sender, m.identifier, m.sent}};
  m.type = type;
  m.identifier.back() = '2';
  m.sent += std::chrono::hours(30);
}

CapMessage made(const std::string& kind) {
  CapMessage m = issued();
  if (kind == "draft" || kind == "exercise") {
    m.status = kind == "draft" ? CapStatus::Draft : CapStatus::Exercise;
    m.approver.clear();
    m.forecast = kind == "draft";
  } else if (kind == "update") {
    follows(m, CapType::Update);
    m.level = EmergencyLevel::Red;
    m.forecast = false;
    m.expires.reset();
    m.evidence = {"AQI 24小时滑动值 347 > 300", "Trailing 24 h AQI 347 > 300"};
  } else if (kind == "cancel") {
    follows(m, CapType::Cancel);
    m.effective = m.sent;
    m.expires.reset();
    m.measures = {};
    m.evidence = {"空气质量已改善，预计36小时内低于黄色预警启动条件",
                  "Below the yellow criterion, forecast to stay so for 36 h"};
  }
  return m;
}

TEST(Cap, EachKindIsAsItWas) {
  const fs::path folder = fs::path(QC_SOURCE_DIR) / "tests" / "golden" / "cap";
  for (const std::string kind : {"draft", "actual", "update", "cancel", "exercise"}) {
    const auto text = encode_cap(made(kind));
    ASSERT_TRUE(text) << kind << ": " << text.error().text;
    const fs::path path = folder / (kind + ".xml");
    if (std::getenv("QC_UPDATE_GOLDEN") != nullptr && !fs::exists(path)) {
      fs::create_directories(folder);
      std::ofstream(path) << *text;
    }
    std::ifstream in(path);
    std::ostringstream golden;
    golden << in.rdbuf();
    EXPECT_EQ(*text, golden.str()) << kind;
  }
}

TEST(Cap, WhatIsWrongIsRefused) {
  struct Case {
    const char* says;
    std::function<void(CapMessage&)> spoil;
  };
  const std::vector<Case> cases = {
      {"identifier", [](auto& m) { m.identifier = ""; }},
      {"identifier", [](auto& m) { m.identifier = "a b"; }},
      {"identifier", [](auto& m) { m.identifier = "a,b"; }},
      {"identifier", [](auto& m) { m.identifier = "a<b"; }},
      {"identifier", [](auto& m) { m.identifier = std::string(kCapIdBytesMax + 1, 'a'); }},
      {"sender", [](auto& m) { m.sender = "a&b"; }},
      {"sender", [](auto& m) { m.sender = "吕梁"; }},
      {"sent: a time", [](auto& m) { m.sent = core::EventTime::max(); }},
      {"effective: a time", [](auto& m) { m.effective = core::event_time(-1); }},
      {"never Actual", [](auto& m) { m.approver = " \n"; }},
      {"no Draft", [](auto& m) { m.status = CapStatus::Draft; }},
      {"an Update and a Cancel name", [](auto& m) { m.type = CapType::Update; }},
      {"an Update and a Cancel name", [](auto& m) { m.type = CapType::Cancel; }},
      {"an Alert follows nothing",
       [](auto& m) {
         m.references = {{"s", "i", m.sent}};
       }},
      {"it names itself",
       [](auto& m) {
         follows(m, CapType::Update);
         m.references[0].identifier = m.identifier;
       }},
      {"sent after it",
       [](auto& m) {
         follows(m, CapType::Update);
         m.references[0].sent = m.sent + std::chrono::seconds(1);
       }},
      {"identifier of a reference",
       [](auto& m) {
         follows(m, CapType::Cancel);
         m.references[0].identifier = "a b";
       }},
      {"too many",
       [](auto& m) {
         follows(m, CapType::Update);
         m.references.resize(kCapReferencesMax + 1, m.references[0]);
       }},
      {"level expected", [](auto& m) { m.level = EmergencyLevel::None; }},
      {"expires", [](auto& m) { m.expires = m.effective; }},
      {"expires", [](auto& m) { m.expires = m.effective + std::chrono::milliseconds(900); }},
      {"evidence: a text expected", [](auto& m) { m.evidence.zh = "  "; }},
      {"measures: longer", [](auto& m) { m.measures.en.assign(kCapTextBytesMax + 1, 'a'); }},
      {"sender_name: a text expected", [](auto& m) { m.sender_name = {}; }},
      {"areas", [](auto& m) { m.areas.clear(); }},
      {"areas", [](auto& m) { m.areas.resize(kCapAreasMax + 1, m.areas[0]); }},
      {"name of an area", [](auto& m) { m.areas[0].region = m.areas[0].name.zh = ""; }},
      {"three points", [](auto& m) { m.areas[0].polygons[0].resize(2); }},
      {"three points", [](auto& m) { m.areas[0].polygons[0][0].lat_e6 = 91'000'000; }},
  };
  ASSERT_TRUE(encode_cap(issued()));
  for (const Case& c : cases) {
    CapMessage m = issued();
    c.spoil(m);
    const auto text = encode_cap(m);
    ASSERT_FALSE(text) << c.says;
    EXPECT_THAT(text.error().text, HasSubstr(c.says));
  }
}

TEST(Cap, WhatXmlCannotCarryIsReplacedAndTheRestIsEscaped) {
  CapMessage m = issued();
  m.evidence.zh = std::string("a<b>&\"'\x01\0", 9) + "\xff\xc0\x80\xed\xa0\x80\xef\xbf\xbf" + "]]>\r\nz\ry\t😀";
  const auto text = encode_cap(m);
  ASSERT_TRUE(text) << text.error().text;
  const std::string bad = "\uFFFD";
  EXPECT_THAT(*text, HasSubstr("a&lt;b&gt;&amp;\"'" + bad + bad));
  EXPECT_THAT(*text, HasSubstr(bad + "]]&gt;\nz\ny\t😀</description>"));
  for (const char c : *text) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
  EXPECT_THAT(*text, Not(HasSubstr("\xff")));
}

TEST(Cap, WithoutEnglishTheChineseTextStandsInBothBlocks) {
  CapMessage m = issued();
  m.evidence.en = " ";
  const auto text = encode_cap(m);
  ASSERT_TRUE(text);
  const auto first = text->find("预计日AQI");
  EXPECT_NE(text->find("预计日AQI", first + 1), std::string::npos);
}

TEST(Cap, ManyAreasAreCountedInTheHeadline) {
  CapMessage m = issued();
  m.areas.resize(5, m.areas[0]);
  const auto text = encode_cap(m);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("<headline>吕梁市、吕梁市、吕梁市等5地发布重污染天气橙色预警</headline>"));
  EXPECT_THAT(*text, HasSubstr("Lüliang Prefecture and others, 5 in all</headline>"));
}

TEST(Cap, PlacesAreExact) {
  CapMessage m = issued();
  m.areas[0].polygons = {{{-179'999'999, -1}, {180'000'000, 90'000'000}, {10, 2'000'000}}};
  EXPECT_THAT(encode_cap(m).value(),
              HasSubstr("<polygon>-0.000001,-179.999999 90,180 2,0.00001 -0.000001,-179.999999</polygon>"));
}

TEST(Cap, ARegionWithoutAnOutlineHasThoseBelowIt) {
  const core::RuleSet r = rules();
  EXPECT_EQ(cap_area(r, "C").polygons.size(), 1u);
  EXPECT_EQ(cap_area(r, "P").polygons.size(), 2u);
  EXPECT_EQ(cap_area(r, "P").name.zh, "吕梁市");
}

TEST(Cap, OfAVeryLongListTheRestIsCounted) {
  core::RuleSet r = rules();
  while (r.emergency.enterprises.size() < kCapMeasuresMax + 7) {
    r.emergency.enterprises.push_back(r.emergency.enterprises.front());
  }
  const CapText text = measures_text(r, *core::measures_due(r, "P", EmergencyLevel::Red, core::event_time(0)));
  EXPECT_THAT(text.zh, HasSubstr("孝义市 焦化厂 1号焦炉：出焦时间延长至24小时\n"));
  EXPECT_THAT(text.zh, HasSubstr("另有 7 项"));
  EXPECT_THAT(text.en, HasSubstr("Xiaoyi City, Coke Works, oven 1: coking time lengthened to 24 h\n"));
  EXPECT_THAT(text.en, HasSubstr("7 more are on"));
}

}  // namespace
}  // namespace qc::wire
