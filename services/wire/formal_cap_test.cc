// A warning's messages as CAP and Atom: tests/golden/cap/formal_*.xml (QC_UPDATE_GOLDEN=1 writes new ones).
#include "wire/formal_cap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <pugixml.hpp>
#include <sstream>

namespace qc::wire {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const core::AlertKey kKey{core::kWarningRule, "141100", core::Factor::None};
const CapSender kSender{"sthj.lvliang.example", {"吕梁市生态环境局", "Lüliang Ecology and Environment Bureau"}};
const core::EventTime kSent = *core::parse_iso("2026-11-27T10:05:00+08:00");

core::RuleSet rules() {
  core::RuleSet r;
  core::Region region;
  region.id = "141100";
  region.name = "吕梁市";
  region.name_en = "Lüliang";
  region.polygon = {{111'000'000, 37'000'000}, {112'000'000, 37'000'000}, {112'000'000, 38'000'000}};
  r.regions.emplace(region.id, region);
  core::Region group;
  group.id = "group";
  group.name = "联合";
  group.members = {"141100", "elsewhere"};
  r.regions.emplace(group.id, group);
  return r;
}

core::FormalWarning issued() {
  core::FormalWarning w;
  w.proposed = {2, core::Basis::Forecasted, "2024", kSent - std::chrono::hours(1), false};
  w.issued = {2,     "li",  "指挥部办公室",
              kSent, false, {2, core::Basis::Forecasted, "2024", "wang", "应急指挥部", kSent, ""}};
  w.message = {
      7, core::FormalType::Alert, core::FormalStatus::Actual, 2, core::Basis::Forecasted, "应急指挥部", kSent, kSent,
      {}};
  return w;
}

core::FormalWarning lifted() {
  core::FormalWarning w = issued();
  w.proposed.level = 0;
  w.lifted = {"li", "指挥部办公室", kSent + std::chrono::hours(30), "冷空气过境 <清>"};
  w.message = {9,
               core::FormalType::Cancel,
               core::FormalStatus::Actual,
               2,
               core::Basis::Observed,
               "指挥部办公室",
               kSent + std::chrono::hours(30),
               kSent + std::chrono::hours(30),
               {7, kSent}};
  return w;
}

core::FormalWarning candidate() {
  core::FormalWarning w;
  w.proposed = {1, core::Basis::Both, "2024", kSent, false};
  w.message = {1, core::FormalType::Alert, core::FormalStatus::Draft, 1, core::Basis::Both, "", kSent, kSent, {}};
  return w;
}

core::Signal condition() {
  core::Signal s;
  s.clause = "环大气〔2024〕6号";
  return s;
}

CapMessage message(const core::FormalWarning& w, const core::RuleSet& r) {
  return formal_cap(kKey, condition(), w, kSender, &r);
}

TEST(FormalCap, EachKindIsTheGoldenOne) {
  const core::RuleSet r = rules();
  const std::string issued_entry = atom_entry(message(issued(), r), "a.xml");
  const std::vector<std::string> entries = {atom_entry(message(lifted(), r), "b.xml"), issued_entry};
  const std::vector<std::pair<std::string, Result<std::string>>> all = {
      {"formal_draft", encode_cap(message(candidate(), r))},
      {"formal_issued", encode_cap(message(issued(), r))},
      {"formal_lifted", encode_cap(message(lifted(), r))},
      {"formal_feed", atom_feed(kSender, lifted().message.sent, "warnings.atom", entries)}};
  for (const auto& [kind, text] : all) {
    ASSERT_TRUE(text) << kind << ": " << text.error().text;
    const fs::path path = fs::path(QC_SOURCE_DIR) / "tests" / "golden" / "cap" / (kind + ".xml");
    if (std::getenv("QC_UPDATE_GOLDEN") != nullptr && !fs::exists(path)) {
      std::ofstream(path, std::ios::binary) << *text;
    }
    std::ifstream in(path, std::ios::binary);
    std::ostringstream golden;
    golden << in.rdbuf();
    EXPECT_EQ(*text, golden.str()) << kind;
    EXPECT_TRUE(pugi::xml_document().load_string(text->c_str())) << kind;
  }
}

TEST(FormalCap, AnIdentifierHoldsWhatCapAllows) {
  EXPECT_EQ(formal_cap_id(kKey, 7), "warning-141100-7");
  EXPECT_EQ(formal_cap_id({"warning", "a b,<&吕", core::Factor::None}, 12), "warning-a~20b~2C~3C~26~E5~90~95-12");
}

TEST(FormalCap, FilesStandInTheOrderOfTheirTimes) {
  const core::RuleSet r = rules();
  EXPECT_EQ(cap_file_name(message(issued(), r)), "20261127T100500-warning-141100-7.xml");
  EXPECT_LT(cap_file_name(message(issued(), r)), cap_file_name(message(lifted(), r)));
}

TEST(FormalCap, AGroupIsItsMembersAndARegionThatNobodyKnowsItsId) {
  const core::RuleSet r = rules();
  const CapMessage joint =
      formal_cap({core::kJointWarningRule, "group", core::Factor::None}, condition(), issued(), kSender, &r);
  ASSERT_EQ(joint.areas.size(), 2U);
  EXPECT_EQ(joint.areas[0].name.zh, "吕梁市");
  EXPECT_EQ(joint.areas[0].polygons.size(), 1U);
  EXPECT_EQ(joint.areas[1].region, "elsewhere");
  EXPECT_TRUE(encode_cap(joint));
  const CapMessage bare = formal_cap(kKey, condition(), issued(), kSender, nullptr);
  ASSERT_EQ(bare.areas.size(), 1U);
  EXPECT_EQ(bare.areas[0].region, "141100");
  EXPECT_TRUE(encode_cap(bare));
}

TEST(FormalCap, AnUpdateNamesWhatItFollows) {
  core::FormalWarning w = issued();
  w.message.type = core::FormalType::Update;
  w.message.number = 8;
  w.message.follows = {7, kSent};
  const CapMessage m = formal_cap(kKey, condition(), w, kSender, nullptr);
  ASSERT_EQ(m.references.size(), 1U);
  EXPECT_EQ(m.references[0].identifier, "warning-141100-7");
  EXPECT_THAT(*encode_cap(m), HasSubstr("<references>sthj.lvliang.example,warning-141100-7,2026-11-27T10:05:00+08:00"));
}

TEST(FormalCap, AnExerciseIsOneInTheFeed) {
  core::FormalWarning w = issued();
  w.message.status = core::FormalStatus::Exercise;
  w.message.approver.clear();
  const CapMessage m = formal_cap(kKey, condition(), w, kSender, nullptr);
  ASSERT_TRUE(encode_cap(m));
  const std::string entry = atom_entry(m, "x.xml");
  EXPECT_THAT(entry, HasSubstr("（演练）"));
  EXPECT_THAT(entry, HasSubstr("<category term=\"Exercise\" />"));
}

}  // namespace
}  // namespace qc::wire
