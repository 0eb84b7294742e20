// Alerts as the API shows them, and commands on them.
#include <gmock/gmock.h>

#include "console/api_testing.h"

namespace qc::console {
namespace {

using fixture::As;
using fixture::Heard;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace json = boost::json;

const std::string kKey = "aqi_level/S1/AQI";
const std::string kPart = "/alerts/aqi_level%2FS1%2FAQI";

class ApiAlertsTest : public fixture::ApiTest {
 protected:
  std::vector<std::string> keys(const std::string& query, const As& as) {
    std::vector<std::string> out;
    const Heard heard = get("/alerts" + query, as);
    EXPECT_EQ(heard.status, 200) << heard.body;
    if (heard.status != 200) return out;
    const json::value list = heard.json();
    for (const auto& item : list.at("items").as_array()) {
      out.emplace_back(item.at("subject").as_string());
    }
    return out;
  }
  std::int64_t revision(const std::string& key = kKey) {
    return model_->read([&](const Tables& t) { return t.alerts.at(key).alert.revision; });
  }
  // A region's warning that the criteria propose.
  void candidate(int level) {
    core::Signal s =
        core::fixture::alert_signal({"warning", "C", core::Factor::AQI}, 1, 1, core::SignalState::Active, level, now_);
    s.region = "C";
    s.window = core::Window::H24;
    auto episode = std::make_shared<core::WarningEpisode>();
    episode->number = 1;
    episode->began = now_;
    episode->level_max = level;
    episode->criteria = "plan";
    core::LevelChange change;
    change.level = level;
    change.decided = change.at = change.began = now_;
    change.basis = core::Basis::Observed;
    change.conditions.push_back({{200, false, 24}, now_ - core::kHour, now_, 1, 201, 0});
    episode->changes.push_back(change);
    s.warning = std::move(episode);
    signal(std::move(s));
  }
};

TEST_F(ApiAlertsTest, TheMostUrgentStandsFirst) {
  const As li = sign_in("li", {{Role::Operator, "P"}});
  signal("S1", 1);
  signal("S2", 3);
  now_ += std::chrono::minutes(1);
  signal("S3", 3);
  signal("T1", 2, "D");
  EXPECT_THAT(keys("", li), ElementsAre("S2", "S3", "T1", "S1"));
  EXPECT_THAT(keys("?order=newest", li), ElementsAre("S3", "T1", "S1", "S2"));
  ASSERT_EQ(command("aqi_level/S2/AQI", li, {{"action", "acknowledge"}, {"revision", 1}}).status, 200);
  EXPECT_THAT(keys("", li), ElementsAre("S3", "S2", "T1", "S1")) << "what is acknowledged comes after";
}

TEST_F(ApiAlertsTest, FiltersNarrowTheListAndTotalCountsAll) {
  const As li = sign_in("li", {{Role::Operator, "P"}});
  for (const char* s : {"S1", "S2"}) signal(s, 1);
  signal("S3", 2);
  signal("T1", 3, "D");
  EXPECT_THAT(keys("?region=C", li), ElementsAre("S3", "S1", "S2"));
  EXPECT_THAT(keys("?region=P&level_min=2", li), ElementsAre("T1", "S3"));
  EXPECT_THAT(keys("?region=nowhere", li), IsEmpty());
  EXPECT_THAT(keys("?subject=S2", li), ElementsAre("S2"));
  EXPECT_THAT(keys("?q=s3%2Faq", li), ElementsAre("S3")) << "in either case";
  EXPECT_THAT(keys("?q=%E9%82%BB%E5%8E%BF", li), ElementsAre("T1")) << "the region's name";
  EXPECT_THAT(keys("?rule=hour_limit", li), IsEmpty());
  EXPECT_THAT(keys("?factor=AQI&response=unacked&suppressed=false&state=active&listed=any", li).size(), 4U);
  EXPECT_EQ(get("/alerts?limit=1", li).json().at("total").as_int64(), 4);
  for (const char* bad : {"factor=pm25", "state=angry", "response=maybe", "suppressed=1", "level_min=4", "order=worst",
                          "cursor=zz", "cursor=c00", "region="}) {
    EXPECT_EQ(get(std::string("/alerts?") + bad, li).status, 400) << bad;
  }
}

TEST_F(ApiAlertsTest, PagesGiveEveryAlertOnceInOrder) {
  const As li = sign_in("li", {{Role::Operator, "P"}});
  std::vector<std::string> expected;
  for (int i = 0; i < 25; ++i) {
    signal("S" + std::to_string(100 + i), 1 + i % 3);
    if (i % 4 == 0) now_ += std::chrono::minutes(1);
  }
  for (const char* order : {"urgent", "newest"}) {
    const std::vector<std::string> all = keys(std::string("?limit=100&order=") + order, li);
    ASSERT_EQ(all.size(), 25U);
    std::vector<std::string> paged;
    std::string cursor;
    for (int page = 0; page < 30; ++page) {
      const json::value list =
          get("/alerts?limit=7&order=" + std::string(order) + (cursor.empty() ? "" : "&cursor=" + cursor), li).json();
      for (const auto& item : list.at("items").as_array()) paged.emplace_back(item.at("subject").as_string());
      if (list.at("next").is_null()) break;
      cursor = list.at("next").as_string();
    }
    EXPECT_EQ(paged, all);
  }
}

TEST_F(ApiAlertsTest, WhatLiesOutsideOnesRegionsIsNotThere) {
  const As of_c = sign_in("li", {{Role::Operator, "C"}, {Role::Approver, "C"}}, {"office"});
  signal("S1", 1);
  signal("T1", 3, "D");
  EXPECT_THAT(keys("", of_c), ElementsAre("S1"));
  EXPECT_THAT(keys("?region=D", of_c), IsEmpty());
  const std::string hidden = "/alerts/aqi_level%2FT1%2FAQI";
  const std::string nothing = "/alerts/aqi_level%2FT9%2FAQI";
  for (const char* more : {"", "/why", "/history"}) {
    EXPECT_EQ(get(hidden + more, of_c).status, 404);
    EXPECT_EQ(get(hidden + more, of_c).body, get(nothing + more, of_c).body) << "the same as what there never was";
  }
  EXPECT_EQ(command("aqi_level/T1/AQI", of_c, {{"action", "unshelve"}, {"revision", 1}}).status, 404);
  EXPECT_EQ(get("/stations/T1", of_c).status, 404);
  EXPECT_EQ(get("/regions/D", of_c).status, 404);
  EXPECT_EQ(get("/series?subject=T1&factor=PM2.5", of_c).status, 404);
  EXPECT_EQ(get("/warnings/D", of_c).status, 404);
  const Heard shown = send("POST", "/alerts/shown", of_c,
                           {{"console", "c"}, {"items", {{{"key", "aqi_level/T1/AQI"}, {"revision", 1}}}}});
  EXPECT_EQ(shown.json().at("unknown").as_array().size(), 1U);
  EXPECT_EQ(commands_written(), 0U);
}

TEST_F(ApiAlertsTest, AnAlertSaysWhyItIs) {
  const As li = sign_in("li", {{Role::Viewer, "C"}});
  signal("S1", 1);
  const json::value why = get(kPart + "/why", li).json();
  EXPECT_EQ(why.at("clause").as_string(), "HJ 633");
  EXPECT_EQ(why.at("judged").at("value").as_double(), 166.5);
  EXPECT_EQ(why.at("signal").at("rules").as_string(), rules_->hash);
  EXPECT_EQ(why.at("signal").at("partition").as_int64(), 3);
  EXPECT_EQ(why.at("origin").at("binary").as_string(), "1.2.3");
  candidate(2);
  const json::value warning = get("/alerts/warning%2FC%2FAQI/why", li).json();
  EXPECT_EQ(warning.at("warning").at("changes").as_array().size(), 1U);
}

TEST_F(ApiAlertsTest, ACommandIsAnsweredAndStandsInTheHistory) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  signal("S1", 2);
  const Heard done = command(kKey, li, {{"action", "acknowledge"}, {"revision", 1}, {"comment", "已看"}});
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.json().at("outcome").as_string(), "accepted");
  EXPECT_EQ(done.json().at("revision").as_int64(), 2);
  const json::value alert = get(kPart, li).json();
  EXPECT_EQ(alert.at("response").as_string(), "acked");
  EXPECT_EQ(alert.at("acked").at("who").as_string(), "li (某人)");
  const json::value history = get(kPart + "/history", li).json();
  EXPECT_EQ(history.at("items").as_array().back().at("what").as_string(), "acknowledge");
  EXPECT_EQ(get(kPart + "/history?limit=1", li).json().at("total").as_int64(), 1);
}

TEST_F(ApiAlertsTest, AStaleRevisionIsAConflictWithTheAlertAsItIs) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  signal("S1", 1);
  signal("S1", 2, "C", 2);
  const Heard stale = command(kKey, li, {{"action", "acknowledge"}, {"revision", 1}});
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.code(), "stale_revision");
  EXPECT_EQ(stale.json().at("current").at("revision").as_int64(), revision());
  EXPECT_EQ(stale.json().at("current").at("level").as_int64(), 2);
}

TEST_F(ApiAlertsTest, ARefusalSaysWhich) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  signal("S1", 3);
  const Heard shelved = command(kKey, li, {{"action", "shelve"}, {"revision", 1}, {"reason", "repair"}});
  EXPECT_EQ(shelved.status, 422);
  EXPECT_EQ(shelved.json().at("refusal").as_string(), "level_breaks");
  EXPECT_EQ(command(kKey, li, {{"action", "close"}, {"revision", 1}, {"reason", "over"}}).code(), "condition_stands");
  EXPECT_EQ(command(kKey, li, {{"action", "unshelve"}, {"revision", 1}}).code(), "not_shelved");
}

TEST_F(ApiAlertsTest, TheSameKeyIsTheSameCommandAndNoOther) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  const As zhang = sign_in("zhang", {{Role::Operator, "C"}});
  signal("S1", 1);
  signal("S2", 1);
  const As key = {{"idempotency-key", "k"}};
  const json::value note = {{"action", "note"}, {"revision", 1}, {"text", "smoke"}};
  const Heard first = send("POST", kPart + "/commands", li, note, key);
  const Heard again = send("POST", kPart + "/commands", li, note, key);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.body, again.body);
  EXPECT_EQ(get(kPart, li).json().at("notes").as_array().size(), 1U);
  EXPECT_EQ(send("POST", "/alerts/aqi_level%2FS2%2FAQI/commands", li, note, key).code(), "idempotency_key_used");
  EXPECT_EQ(send("POST", kPart + "/commands", zhang, note, key).status, 200) << "another's key is another command";
  EXPECT_EQ(get(kPart, li).json().at("notes").as_array().size(), 2U);
  for (const std::string& bad : {std::string(), std::string(129, 'k'), std::string("a b"), std::string("\xc3\xa9")}) {
    EXPECT_EQ(send("POST", kPart + "/commands", li, note, {{"idempotency-key", bad}}).code(), "idempotency_key");
  }
}

TEST_F(ApiAlertsTest, ALateCommandIsAcceptedToBeAnswered) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  signal("S1", 1);
  outcomes_held_ = true;
  const Heard late = command(kKey, li, {{"action", "acknowledge"}, {"revision", 1}});
  EXPECT_EQ(late.status, 202);
  EXPECT_EQ(late.json().at("outcome").as_string(), "pending");
}

TEST_F(ApiAlertsTest, ALogThatCannotBeWrittenIsSaidWithoutDetails) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  signal("S1", 1);
  log_->fail_appends(1);
  const Heard failed = command(kKey, li, {{"action", "acknowledge"}, {"revision", 1}});
  EXPECT_EQ(failed.status, 503);
  EXPECT_EQ(failed.code(), "command_not_written");
  EXPECT_EQ(failed.headers.at("retry-after"), "1");
}

TEST_F(ApiAlertsTest, RolesHoldInTheirRegionsOnly) {
  const As viewer = sign_in("viewer", {{Role::Viewer, "P"}});
  const As other = sign_in("other", {{Role::Viewer, "C"}, {Role::Operator, "D"}, {Role::Approver, "D"}});
  const As oper = sign_in("oper", {{Role::Operator, "C"}});
  const As approver = sign_in("approver", {{Role::Approver, "C"}}, {"office"});
  signal("S1", 1);
  candidate(2);
  const json::object ack = {{"action", "acknowledge"}, {"revision", 1}};
  const json::object approve = {{"action", "approve"}, {"revision", 1}, {"level", 2}, {"office", "office"}};
  for (const As& as : {viewer, other, approver}) EXPECT_EQ(command(kKey, as, ack).code(), "forbidden");
  for (const As& as : {viewer, other, oper}) EXPECT_EQ(command("warning/C/AQI", as, approve).code(), "forbidden");
  const json::object maintain = {
      {"subject", "S1"}, {"from", core::to_iso(now_)}, {"until", core::to_iso(now_ + core::kHour)}, {"reason", "r"}};
  const As key = {{"idempotency-key", "k"}};
  EXPECT_EQ(send("POST", "/maintenance", viewer, maintain, key).code(), "forbidden");
  EXPECT_EQ(send("POST", "/maintenance", other, maintain, key).code(), "forbidden");
  EXPECT_EQ(commands_written(), 0U) << "nothing of it was written";
  EXPECT_EQ(command("warning/C/AQI", approver, approve).status, 200);
}

TEST_F(ApiAlertsTest, AWarningIsApprovedIssuedAndPublished) {
  const As approver = sign_in("zhang", {{Role::Approver, "C"}}, {"office"});
  candidate(2);
  EXPECT_EQ(
      command("warning/C/AQI", approver, {{"action", "approve"}, {"revision", 1}, {"level", 2}, {"office", "another"}})
          .code(),
      "not_your_office");
  EXPECT_EQ(get("/cap/warnings.atom", approver).body.find("<entry"), std::string::npos) << "a draft is not published";
  const auto act = [&](json::object body) {
    body["revision"] = revision("warning/C/AQI");
    body["office"] = "office";
    const Heard heard = command("warning/C/AQI", approver, body);
    EXPECT_EQ(heard.status, 200) << heard.body;
  };
  act({{"action", "approve"}, {"level", 2}, {"comment", "会商同意"}});
  act({{"action", "issue"}});
  const json::value warnings = get("/warnings/C", approver).json();
  const json::value& formal = warnings.at("warnings").at(0).at("formal");
  EXPECT_TRUE(formal.at("in_force").as_bool());
  EXPECT_EQ(formal.at("issued").at("approved").at("by").as_string(), "zhang (某人)");
  EXPECT_EQ(get("/warnings", approver).json().at("total").as_int64(), 1);
  EXPECT_EQ(get("/episodes?region=C", approver).json().at("total").as_int64(), 1);
  const Heard feed = get("/cap/warnings.atom", approver);
  const std::size_t link = feed.body.find("http://console.test:8440/api/v1/cap/warning-C-");
  ASSERT_NE(link, std::string::npos) << feed.body;
  const std::string url = feed.body.substr(link, feed.body.find('"', link) - link);
  const Heard message = get(url.substr(url.find("/cap/")), approver);
  EXPECT_EQ(message.status, 200);
  EXPECT_EQ(message.type, "application/cap+xml");
  EXPECT_NE(message.body.find("<status>Actual</status>"), std::string::npos);
  EXPECT_EQ(get("/cap/warning-C-999.xml", approver).status, 404);
  EXPECT_EQ(get("/cap/warnings.atom", sign_in("far", {{Role::Viewer, "D"}})).body.find("<entry"), std::string::npos);
}

TEST_F(ApiAlertsTest, MaintenanceIsPlannedAndCancelled) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  json::object plan = {
      {"subject", "S1"}, {"from", core::to_iso(now_)}, {"until", core::to_iso(now_ + core::kHour)}, {"reason", "校准"}};
  const Heard planned = send("POST", "/maintenance", li, plan, {{"idempotency-key", "a"}});
  ASSERT_EQ(planned.status, 200) << planned.body;
  const json::value listed = get("/maintenance", li).json();
  ASSERT_EQ(listed.at("total").as_int64(), 1);
  EXPECT_EQ(listed.at("items").at(0).at("reason").as_string(), "校准");
  const Heard stale = send("POST", "/maintenance", li, plan, {{"idempotency-key", "b"}});
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.json().at("current").at("subject").as_string(), "S1");
  EXPECT_EQ(ask({"DELETE", "/maintenance/S1", {}, li}).code(), "idempotency_key");
  As cancel = li;
  cancel["idempotency-key"] = "c";
  EXPECT_EQ(ask({"DELETE", "/maintenance/S1", {}, cancel}).wrong(), "revision,reason");
  const std::string revision = std::to_string(listed.at("items").at(0).at("revision").as_int64());
  EXPECT_EQ(ask({"DELETE", "/maintenance/T1?reason=x&revision=1", {}, cancel}).status, 404);
  EXPECT_EQ(ask({"DELETE", "/maintenance/S1?reason=done&revision=" + revision, {}, cancel}).status, 200);
  EXPECT_EQ(get("/maintenance", li).json().at("total").as_int64(), 0);
  plan["until"] = plan["from"];
  EXPECT_EQ(send("POST", "/maintenance", li, plan, {{"idempotency-key", "d"}}).wrong(), "/until");
}

TEST_F(ApiAlertsTest, ReceiptsAreWrittenOnceForWhatNobodyHasShown) {
  const As viewer = sign_in("viewer", {{Role::Viewer, "C"}});
  signal("S1", 1);
  signal("S2", 1);
  const json::value body = {{"console", "wall"},
                            {"items",
                             {{{"key", kKey}, {"revision", 1}},
                              {{"key", "aqi_level/S2/AQI"}, {"revision", 1}},
                              {{"key", "aqi_level/S9/AQI"}, {"revision", 1}}}}};
  const json::value first = send("POST", "/alerts/shown", viewer, body).json();
  EXPECT_EQ(first.at("posted").as_int64(), 2);
  EXPECT_EQ(first.at("unknown").as_array().size(), 1U);
  EXPECT_EQ(send("POST", "/alerts/shown", viewer, body).json().at("known_already").as_int64(), 2);
  EXPECT_EQ(commands_written(), 2U);
  signal("S1", 2, "C", 2);
  EXPECT_EQ(get(kPart, viewer).json().at("announced_revision").as_int64(), 2);
  const auto again = [&](std::int64_t revision) {
    return send("POST", "/alerts/shown", viewer,
                {{"console", "wall"}, {"items", json::array{json::object{{"key", kKey}, {"revision", revision}}}}})
        .json();
  };
  EXPECT_EQ(again(1).at("known_already").as_int64(), 1) << "what it shows is not what asks for attention";
  EXPECT_EQ(again(99).at("unknown").as_array().size(), 1U) << "nobody can have seen that yet";
  EXPECT_EQ(again(2).at("posted").as_int64(), 1) << "it asks again";
}

TEST_F(ApiAlertsTest, EveryMemberOfABodyIsChecked) {
  const As li = sign_in("li", {{Role::Operator, "C"}, {Role::Approver, "C"}}, {"office"});
  signal("S1", 1);
  const auto wrong = [&](json::object body) {
    const Heard heard = command(kKey, li, body);
    EXPECT_EQ(heard.status, 422) << heard.body;
    return heard.wrong();
  };
  EXPECT_EQ(wrong({}), "/action,/revision");
  EXPECT_EQ(wrong({{"action", "explode"}, {"revision", 1}}), "/action");
  EXPECT_EQ(wrong({{"action", 7}, {"revision", "1"}}), "/action,/revision");
  EXPECT_EQ(wrong({{"action", "note"}, {"revision", 1}}), "/text");
  EXPECT_EQ(wrong({{"action", "note"}, {"revision", -1}, {"text", "x"}}), "/revision");
  EXPECT_EQ(wrong({{"action", "note"}, {"revision", 1.5}, {"text", "x"}}), "/revision");
  EXPECT_EQ(wrong({{"action", "note"}, {"revision", 1}, {"text", std::string(2001, 'x')}}), "/text");
  EXPECT_EQ(wrong({{"action", "note"}, {"revision", 1}, {"text", std::string("a\0b", 3)}}), "/text");
  EXPECT_EQ(wrong({{"action", "note"}, {"revision", 1}, {"text", "x"}, {"a/b~", 1}}), "/a~1b~0");
  EXPECT_EQ(wrong({{"action", "acknowledge"}, {"revision", 1}, {"text", "x"}}), "/text") << "of another action";
  EXPECT_EQ(wrong({{"action", "shelve"}, {"revision", 1}, {"until", "soon"}, {"reason", "r"}}), "/until");
  EXPECT_EQ(wrong({{"action", "approve"}, {"revision", 1}, {"level", 4}, {"office", "office"}}), "/level");
  EXPECT_EQ(commands_written(), 0U);
}

TEST_F(ApiAlertsTest, ABodyMustBeJsonAndMeanOneThing) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  signal("S1", 1);
  const auto said = [&](const std::string& body, const std::string& type = "application/json") {
    As headers = li;
    headers["content-type"] = type;
    headers["idempotency-key"] = "k";
    return ask({"POST", kPart + "/commands", body, headers});
  };
  EXPECT_EQ(said("{}", "text/plain").status, 415);
  EXPECT_EQ(said("{}", "").status, 415);
  EXPECT_EQ(said("{}", "application/x-www-form-urlencoded").status, 415);
  EXPECT_EQ(said("{}", "application/json; charset=utf-8").status, 422) << "as far as its members";
  for (const char* malformed : {"", "{", "{\"a\":1,}", "[1", "{\"a\":NaN}", "{\"a\":1}{}", "{'a':1}", "\xff",
                                "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\\ud800\"}"}) {
    EXPECT_EQ(said(malformed).status, 400) << malformed;
  }
  EXPECT_EQ(said("[]").status, 422);
  EXPECT_EQ(said("7").status, 422);
  EXPECT_EQ(said(R"({"action":"note","action":"close","revision":1})").code(), "malformed_json") << "a name twice";
  EXPECT_EQ(said(R"({"action":"note","\u0061ction":"close","revision":1})").code(), "malformed_json");
  EXPECT_EQ(said(R"({"x":{"a":1,"a":2}})").code(), "malformed_json");
  EXPECT_EQ(said(R"({"action":"a:\":b","revision":1})").wrong(), "/action") << "a colon in a text is no name";
  EXPECT_EQ(said(std::string(17, '[') + std::string(17, ']')).status, 400) << "too deep";
  EXPECT_EQ(said(std::string(200'000, '[')).status, 400);
  EXPECT_EQ(commands_written(), 0U);
}

}  // namespace
}  // namespace qc::console
