// What goes out of alerts: one golden file a shape (tests/golden/webhooks; QC_UPDATE_GOLDEN=1 writes those of a new
// one), what is left out, and that messages of robots stay within their limits.
#include "wire/webhook_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace qc::wire {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

AlertWords words() {
  AlertWords w;
  w.place = [](const std::string& id) { return id == "S1" ? "孝义工业园区" : id == "C" ? "孝义市" : id; };
  w.rule = [](const std::string& rule, bool chinese) { return chinese && rule == "aqi_level" ? "级别超限" : rule; };
  w.state = [](core::SignalState s, bool chinese) {
    return std::string(!chinese ? core::name(s) : s == core::SignalState::Active ? "发生" : "解除");
  };
  return w;
}

core::ToldAlert told() {
  core::ToldAlert t;
  t.annunciate = true;
  core::Alert& a = t.alert;
  a.key = {"aqi_level", "S1", core::Factor::AQI};
  a.episode = 2;
  a.revision = 7;
  a.listed = true;
  core::Signal& s = a.condition;
  s.id = "aqi_level/S1/AQI/3";
  s.revision = 1;
  s.rule = "aqi_level";
  s.subject = "S1";
  s.region = "C";
  s.root = "P";
  s.factor = core::Factor::AQI;
  s.window = core::Window::H1;
  s.unit = core::Unit::Point;
  s.level = 1;
  s.state = core::SignalState::Active;
  s.began = s.at = *core::parse_iso("2026-11-24T10:00:00+08:00");
  s.interval = {s.at - core::kHour, s.at};
  s.value = {166'000'000};
  s.limit = {150'000'000};
  s.clause = "HJ 633 annex A";
  a.level_max = 1;
  a.occurrences = 1;
  a.owed = 1;
  a.announced_at = s.at;
  a.announced_revision = 7;
  a.begun_revision = 7;
  a.change = {s.at, "signals", "active 1", ""};
  return t;
}

// With everything that an alert can have.
core::ToldAlert told_full() {
  core::ToldAlert t = told();
  t.telling = core::Telling::Update;
  t.annunciate = false;
  core::Alert& a = t.alert;
  a.revision = 8;
  a.response = core::Response::Acked;
  a.owed = 0;
  a.acked_level = 1;
  a.acked_by = "li";
  a.acked_at = a.condition.at + std::chrono::minutes(3);
  a.comment = "\"seen\"\n";
  a.assignee = "wang";
  a.handled = true;
  a.shown_at = a.condition.at + std::chrono::minutes(1);
  a.shelf = {true, a.condition.at + core::kHour, "li", "calibration"};
  a.out_of_service = {true, a.condition.at + 2 * core::kHour, "zhao", "mast"};
  a.inhibited_by = "warning/P/";
  a.flapping = true;
  a.fold = "C/AQI/1";
  a.suppressed = true;
  a.notes = {{a.acked_at, "li", "called the station"}};
  a.condition.marks.add(core::Mark::Spike);
  a.change = {a.acked_at, "li", "acknowledge", "\"seen\"\n"};
  return t;
}

core::ToldAlert told_over() {
  core::ToldAlert t = told();
  t.telling = core::Telling::Cancel;
  t.annunciate = false;
  t.alert.revision = 9;
  t.alert.listed = false;
  t.alert.condition.state = core::SignalState::Cleared;
  t.alert.condition.at += core::kHour;
  t.alert.condition.value = {120'000'000};
  t.alert.change = {t.alert.condition.at, "signals", "cleared 1", ""};
  return t;
}

core::FoldRow row() {
  core::FoldRow r;
  r.id = "C/AQI/1";
  r.region = "C";
  r.factor = core::Factor::AQI;
  r.flood = 1;
  r.revision = 2;
  r.alerts = 12;
  r.began = *core::parse_iso("2026-11-24T10:05:00+08:00");
  r.at = r.began + std::chrono::minutes(5);
  return r;
}

std::vector<AlertItem> items() {
  return {told(), told_full(), told_over(), row()};
}

std::string ours(const std::vector<AlertItem>& all) {
  std::vector<std::string> objects;
  for (const AlertItem& item : all) objects.push_back(item_json(item, words()));
  return webhook_json("hall", objects);
}

std::vector<PostableAlert> postable() {
  const core::ToldAlert t = told();
  return {{alert_labels(t.alert), alert_annotations(t, words()), t.alert.condition.began,
           t.alert.condition.began + std::chrono::minutes(3)}};
}

// One line an item, so that a difference can be read.
std::string lined(std::string text) {
  for (std::size_t at = 0; (at = text.find("},{\"", at)) != std::string::npos; at += 3) text.insert(at + 2, "\n");
  return text + "\n";
}

TEST(WebhookJson, EachShapeIsTheGoldenOne) {
  const std::vector<std::pair<std::string, std::string>> shapes = {
      {"qingchuan", ours(items())},
      {"alertmanager-webhook", alertmanager_webhook_json("hall", items(), words())},
      {"alertmanager", alertmanager_json(postable())},
      {"wecom", wecom_json(items(), words())},
      {"dingtalk", dingtalk_json(items(), words())}};
  const fs::path folder = fs::path(QC_SOURCE_DIR) / "tests" / "golden" / "webhooks";
  for (const auto& [shape, text] : shapes) {
    const fs::path path = folder / (shape + ".json");
    if (std::getenv("QC_UPDATE_GOLDEN") != nullptr && !fs::exists(path)) {
      fs::create_directories(folder);
      std::ofstream(path, std::ios::binary) << lined(text);
    }
    std::ifstream in(path, std::ios::binary);
    std::ostringstream golden;
    golden << in.rdbuf();
    EXPECT_EQ(lined(text), golden.str()) << shape;
    json::error_code error;
    json::parse(text, error);
    EXPECT_FALSE(error) << shape;
  }
}

TEST(WebhookJson, AnIdNamesOneRevisionOfOneKey) {
  EXPECT_EQ(item_id(told()), "aqi_level/S1/AQI#7");
  EXPECT_EQ(item_id(row()), "@row|C/AQI/1#2");
}

TEST(WebhookJson, TheLineOfAPersonHasValuesOnTheRightSideOfTheirLimit) {
  core::ToldAlert t = told();
  EXPECT_EQ(alert_line(t.alert, words(), true),
            "▲ 孝义工业园区 AQI 级别超限 发生 1级: 166 > 150 (HJ 633 annex A) 2026-11-24 10:00");
  EXPECT_EQ(alert_line(t.alert, {}, false),
            "▲ S1 AQI aqi_level active level 1: 166 > 150 (HJ 633 annex A) 2026-11-24 10:00");
  core::Signal& s = t.alert.condition;
  s.factor = core::Factor::CO;
  s.unit = core::Unit::None;
  s.limit = core::mg(10);
  s.value = {10'001'000'000};
  EXPECT_EQ(value_text(s), "10.001 mg/m3");
  s.value = {10'018'000'000};
  EXPECT_EQ(value_text(s), "10.02 mg/m3");
  EXPECT_EQ(limit_text(s), "10 mg/m3");
}

TEST(WebhookJson, WhatComesFromOutsideStaysWithinItsLine) {
  AlertWords w;
  w.place = [](const std::string&) { return std::string("a\n<font>b"); };
  EXPECT_THAT(alert_line(told().alert, w, true), testing::StartsWith("▲ a  font>b AQI"));
}

TEST(Alertmanager, WhatIsSuppressedOverOrOffTheListDoesNotFire) {
  core::Alert a = told().alert;
  EXPECT_TRUE(fires(a));
  a.condition.state = core::SignalState::Stale;
  EXPECT_TRUE(fires(a));
  a.suppressed = true;
  EXPECT_FALSE(fires(a));
  EXPECT_FALSE(fires(told_over().alert));
}

TEST(Alertmanager, LabelsNameTheAlertAndNeverARevision) {
  core::ToldAlert t = told();
  const Labels before = alert_labels(t.alert);
  t.alert.revision = 99;
  t.alert.occurrences = 3;
  t.alert.condition.value = {1};
  EXPECT_EQ(alert_labels(t.alert), before);
  EXPECT_EQ(
      before,
      (Labels{{"alertname", "aqi_level"}, {"factor", "AQI"}, {"level", "1"}, {"region", "C"}, {"subject", "S1"}}));
  t.alert.condition.rule = core::kWarningRule;
  t.alert.condition.factor = core::Factor::None;
  t.alert.condition.level = 2;
  EXPECT_EQ(alert_labels(t.alert),
            (Labels{{"alertname", "warning"}, {"level", "orange"}, {"region", "C"}, {"subject", "S1"}}));
}

TEST(Alertmanager, RowsAreNotItsOwn) {
  EXPECT_EQ(alertmanager_webhook_json("hall", std::vector<AlertItem>{row()}, words()), "");
}

TEST(Robots, SpeakOfWhatAsksForAttentionOfEndsAndOfFloods) {
  EXPECT_TRUE(is_for_robots(told()));
  EXPECT_FALSE(is_for_robots(told_full()));
  EXPECT_TRUE(is_for_robots(told_over()));
  EXPECT_TRUE(is_for_robots(row()));
  core::ToldAlert folded = told();
  folded.alert.suppressed = true;
  EXPECT_FALSE(is_for_robots(folded));
  EXPECT_EQ(wecom_json(std::vector<AlertItem>{folded, told_full()}, words()), "");
  EXPECT_EQ(dingtalk_json(std::vector<AlertItem>{folded}, words()), "");
}

std::string string_at(const std::string& text, const char* pointer) {
  return std::string(json::parse(text).at_pointer(pointer).as_string());
}

TEST(Robots, AMessageStaysWithinItsLimitAndCountsTheRest) {
  for (const std::size_t count : {1U, 20U, 30U, 31U, 200U, 1000U}) {
    const std::vector<AlertItem> many(count, told());
    const std::string wecom = string_at(wecom_json(many, words()), "/markdown/content");
    const std::string dingtalk = string_at(dingtalk_json(many, words()), "/markdown/text");
    for (const auto& [text, limit] : {std::pair{wecom, kWecomBytesMax}, std::pair{dingtalk, kDingtalkBytesMax}}) {
      EXPECT_LE(text.size(), limit);
      std::size_t lines = 0;
      for (std::size_t at = 0; (at = text.find("▲", at)) != std::string::npos; ++at) ++lines;
      if (lines == count) {
        EXPECT_THAT(text, Not(HasSubstr("另有")));
      } else {
        EXPECT_GT(lines, 15U);
        EXPECT_THAT(text, testing::EndsWith("另有 " + std::to_string(count - lines) + " 条，见告警列表"));
      }
    }
    EXPECT_EQ(string_at(dingtalk_json(many, words()), "/markdown/title"), "晴川告警 " + std::to_string(count) + " 条");
  }
}

TEST(Robots, AnAnswerIsTakenOnlyWithErrcode0) {
  EXPECT_EQ(robot_refusal(R"({"errcode":0,"errmsg":"ok"})"), std::nullopt);
  EXPECT_EQ(robot_refusal(R"({"errcode":45009,"errmsg":"freq out of limit"})"), "errcode 45009: freq out of limit");
  EXPECT_EQ(robot_refusal(R"({"errcode":-1})"), "errcode -1");
  for (const char* garbage : {"", "ok", "[]", "{}", "{\"errcode\":\"0\"}", "{\"errcode\":0", "{\"errcode\":0.5}"}) {
    EXPECT_EQ(robot_refusal(garbage), "its answer has no errcode") << garbage;
  }
  EXPECT_EQ(robot_refusal(std::string(60'000, '[')), "its answer has no errcode");
}

}  // namespace
}  // namespace qc::wire
