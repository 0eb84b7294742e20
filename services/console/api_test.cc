// What is the same for all routes: who may come in, from where, how fast, and what a request must look like.
#include <algorithm>
#include <set>

#include "console/api_call.h"
#include "console/api_testing.h"

namespace qc::console {
namespace {

using fixture::As;
using fixture::Heard;
using fixture::kHost;

class ApiDoorTest : public fixture::ApiTest {
 protected:
  As operator_of(const std::string& region) { return sign_in("li", {{Role::Operator, region}}); }
  static As without(As as, const std::string& header) {
    as.erase(header);
    return as;
  }
  static As with(As as, const std::string& header, const std::string& value) {
    as[header] = value;
    return as;
  }
};

TEST_F(ApiDoorTest, EveryRouteIsInTheDocumentAndTheOtherWayRound) {
  std::set<std::string> routes, documented;
  for (const Route* route : api_routes()) {
    EXPECT_TRUE(routes.insert(std::string(route->method) + " " + std::string(route->path)).second) << route->path;
  }
  for (const auto& path : fixture::openapi().at("paths").as_object()) {
    for (const auto& operation : path.value().as_object()) {
      std::string method(operation.key());
      std::transform(method.begin(), method.end(), method.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      documented.insert(method + " " + std::string(path.key()));
    }
  }
  EXPECT_EQ(routes, documented);
}

TEST_F(ApiDoorTest, EveryQueryParameterIsInTheDocumentAndTheOtherWayRound) {
  for (const Route* route : api_routes()) {
    std::string method(route->method);
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::set<std::string> documented;
    const auto& operation = fixture::openapi().at("paths").at(std::string(route->path)).at(method).as_object();
    if (const auto* parameters = operation.if_contains("parameters")) {
      for (const auto& p : parameters->as_array()) {
        if (p.at("in").as_string() == "query") documented.insert(std::string(p.at("name").as_string()));
      }
    }
    EXPECT_EQ(documented, std::set<std::string>(route->query.begin(), route->query.end())) << route->path;
  }
}

TEST_F(ApiDoorTest, NothingButTheOpenRoutesAnswersWhoIsNotSignedIn) {
  for (const Route* route : api_routes()) {
    if (route->access == Access::Open) continue;
    std::string path(route->path);
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{')) {
      path.replace(at, path.find('}') - at + 1, "2026-11-27");
    }
    const Heard heard = ask({std::string(route->method), path});
    EXPECT_EQ(heard.status, 401) << route->method << " " << path;
    EXPECT_EQ(heard.headers.at("www-authenticate"), "Bearer");
    EXPECT_EQ(heard.code(), "not_signed_in");
  }
  EXPECT_EQ(get("/openapi.json", {}).status, 200);
  EXPECT_EQ(get("/health", {}).status, 200);
}

TEST_F(ApiDoorTest, AWrongCookieOrTokenIsNobody) {
  const As li = operator_of("C");
  EXPECT_EQ(get("/session", li).status, 200);
  EXPECT_EQ(get("/session", with(li, "cookie", li.at("cookie") + "0")).status, 401);
  EXPECT_EQ(get("/session", with(li, "cookie", li.at("cookie") + "; " + li.at("cookie"))).status, 401) << "twice";
  EXPECT_EQ(get("/session", with(li, "cookie", "__Host-" + li.at("cookie"))).status, 401) << "the name over TLS";
  EXPECT_EQ(get("/session", {{"authorization", "Bearer qct_x_y"}}).status, 401);
  EXPECT_EQ(get("/session", {{"authorization", "Basic bGk6cHc="}}).status, 401);
  EXPECT_EQ(get("/session", with(li, "authorization", "Bearer qct_x_y")).status, 401)
      << "a token stands before a cookie";
}

TEST_F(ApiDoorTest, AnExpiredTokenIsRefused) {
  operator_of("C");
  const As bot = token("li", {{Role::Viewer, "C"}}, std::chrono::hours(24));
  EXPECT_EQ(get("/session", bot).status, 200);
  now_ += std::chrono::hours(25);
  const Heard heard = get("/session", bot);
  EXPECT_EQ(heard.status, 401);
}

TEST_F(ApiDoorTest, AChangeByCookieNeedsOurOriginAndTheToken) {
  const As li = operator_of("C");
  const auto sign_out = [&](const As& as) { return ask({"DELETE", "/session", {}, as}); };
  EXPECT_EQ(sign_out(without(li, "x-csrf-token")).code(), "csrf");
  EXPECT_EQ(sign_out(with(li, "x-csrf-token", "0000")).code(), "csrf");
  EXPECT_EQ(sign_out(without(li, "origin")).code(), "origin_missing");
  EXPECT_EQ(sign_out(with(li, "origin", "http://evil.test")).code(), "foreign_origin");
  EXPECT_EQ(sign_out(with(li, "origin", "null")).code(), "foreign_origin");
  EXPECT_EQ(sign_out(with(li, "origin", std::string("http://") + kHost + ".evil.test")).code(), "foreign_origin");
  EXPECT_EQ(sign_out(with(li, "sec-fetch-site", "cross-site")).code(), "foreign_origin");
  EXPECT_EQ(sign_out(with(without(li, "origin"), "referer", "http://evil.test/" + std::string(kHost))).code(),
            "foreign_origin");
  for (const Heard& heard : {sign_out(without(li, "x-csrf-token")), sign_out(without(li, "origin"))}) {
    EXPECT_EQ(heard.status, 403);
  }
  EXPECT_EQ(get("/session", li).status, 200) << "and nothing was done";
  const As by_referer = with(without(li, "origin"), "referer", std::string("http://") + kHost + "/page?x#y");
  const Heard done = sign_out(by_referer);
  EXPECT_EQ(done.status, 204) << done.body;
  EXPECT_NE(done.headers.at("set-cookie").find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(get("/session", li).status, 401);
}

TEST_F(ApiDoorTest, ListedOriginsMayWriteAndWithTlsOnlyPagesWithTls) {
  const As li = operator_of("C");
  options_.origins = {"https://wall.example"};
  remake();
  const As wall = with(with(li, "origin", "https://wall.example"), "sec-fetch-site", "cross-site");
  EXPECT_EQ(send("POST", "/alerts/shown", wall, {{"console", "c"}}).status, 422) << "as far as the body";
  EXPECT_EQ(send("POST", "/alerts/shown", with(wall, "origin", "http://wall.example"), {}).code(), "foreign_origin");
  options_.secure_cookies = true;
  remake();
  As secure = li;
  secure["cookie"] = "__Host-" + li.at("cookie");
  EXPECT_EQ(send("POST", "/alerts/shown", secure, {}).code(), "foreign_origin") << "its Origin is http";
  secure["origin"] = std::string("https://") + kHost;
  EXPECT_EQ(send("POST", "/alerts/shown", secure, {{"console", "c"}}).status, 422);
}

TEST_F(ApiDoorTest, ATokenNeedsNeitherOriginNorCsrf) {
  operator_of("C");
  const As bot = token("li", {{Role::Operator, "C"}});
  EXPECT_EQ(send("POST", "/alerts/shown", bot, {{"console", "c"}}).status, 422);
  EXPECT_EQ(ask({"DELETE", "/session", {}, bot}).code(), "session_needed");
}

TEST_F(ApiDoorTest, SignInSetsTheCookieAndWhatItGivesWorks) {
  operator_of("C");
  const Heard heard = send("POST", "/session", {}, {{"account", "li"}, {"password", fixture::kPassword}});
  ASSERT_EQ(heard.status, 200) << heard.body;
  const std::string cookie = heard.headers.at("set-cookie");
  for (const char* wanted : {"qingchuan=", "; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age="}) {
    EXPECT_NE(cookie.find(wanted), std::string::npos) << cookie;
  }
  EXPECT_EQ(cookie.find("Secure"), std::string::npos);
  EXPECT_EQ(heard.headers.at("cache-control"), "no-store");
  EXPECT_EQ(heard.body.find(cookie.substr(10, 20)), std::string::npos) << "the secret is in the cookie alone";
  EXPECT_EQ(get("/session", {{"cookie", cookie.substr(0, cookie.find(';'))}}).status, 200);
  const auto session = heard.json();
  EXPECT_EQ(session.at("account").as_string(), "li");
  EXPECT_EQ(session.at("sees").at("everything").as_bool(), false);

  options_.secure_cookies = true;
  remake();
  const Heard secure = send("POST", "/session", {}, {{"account", "li"}, {"password", fixture::kPassword}});
  EXPECT_TRUE(secure.headers.at("set-cookie").starts_with("__Host-qingchuan="));
  EXPECT_TRUE(secure.headers.at("set-cookie").ends_with("; Secure"));
}

TEST_F(ApiDoorTest, AWrongPasswordIsTheSameForWhomThereIsAndIsNot) {
  operator_of("C");
  const Heard wrong = send("POST", "/session", {}, {{"account", "li"}, {"password", "a wrong password"}});
  const Heard nobody = send("POST", "/session", {}, {{"account", "nobody"}, {"password", "a wrong password"}});
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.body, nobody.body);
  EXPECT_EQ(wrong.body.find("a wrong password"), std::string::npos);
  EXPECT_EQ(all_bytes().find("a wrong password"), std::string::npos);
  EXPECT_EQ(all_bytes().find(fixture::kPassword), std::string::npos);
}

TEST_F(ApiDoorTest, GuessingIsLockedOut) {
  operator_of("C");
  Heard heard;
  for (int i = 0; i < 6; ++i)
    heard = send("POST", "/session", {}, {{"account", "li"}, {"password", "a wrong password"}});
  EXPECT_EQ(heard.status, 429);
  EXPECT_EQ(heard.code(), "locked");
  EXPECT_GE(std::stoi(heard.headers.at("retry-after")), 1);
  EXPECT_EQ(send("POST", "/session", {}, {{"account", "li"}, {"password", fixture::kPassword}}).status, 429);
}

TEST_F(ApiDoorTest, APageOfAnotherSiteCannotSignIn) {
  EXPECT_EQ(send("POST", "/session", {{"origin", "http://evil.test"}}, {}).code(), "foreign_origin");
  EXPECT_EQ(send("POST", "/session", {{"sec-fetch-site", "cross-site"}}, {}).code(), "foreign_origin");
}

TEST_F(ApiDoorTest, WithAOneTimePasswordNothingGoesButChangingIt) {
  const Heard in = send("POST", "/session", {}, {{"account", "admin"}, {"password", admin_password_}});
  ASSERT_EQ(in.status, 200) << in.body;
  EXPECT_TRUE(in.json().at("change_password").as_bool());
  const std::string cookie = in.headers.at("set-cookie");
  const As admin = {{"cookie", cookie.substr(0, cookie.find(';'))},
                    {"x-csrf-token", std::string(in.json().at("csrf").as_string())},
                    {"origin", std::string("http://") + kHost}};
  for (const char* target : {"/alerts", "/accounts", "/stream", "/rules"}) {
    const Heard heard = get(target, admin);
    EXPECT_EQ(heard.status, 403);
    EXPECT_EQ(heard.code(), "change_first");
  }
  EXPECT_EQ(
      send("POST", "/password", admin, {{"old_password", "not that"}, {"new_password", fixture::kPassword}}).code(),
      "wrong_password");
  EXPECT_EQ(send("POST", "/password", admin, {{"old_password", admin_password_}, {"new_password", "short"}}).code(),
            "weak_password");
  const Heard changed =
      send("POST", "/password", admin, {{"old_password", admin_password_}, {"new_password", fixture::kPassword}});
  EXPECT_EQ(changed.status, 204) << changed.body;
  EXPECT_EQ(get("/alerts", admin).status, 200);
}

TEST_F(ApiDoorTest, ARouteIsFoundByItsPartsAlone) {
  const As li = operator_of("C");
  for (const char* target : {"/", "/alerts/", "/nothing", "/alerts/a/b/c", "/alerts/../accounts",
                             "/alerts/%2e%2e/rules", "//alerts", "/cap/.xml", "/stations/%00"}) {
    EXPECT_EQ(get(target, li).status, 404) << target;
  }
  const Heard method = ask({"PUT", "/alerts", {}, li});
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(ask({"GET", "/alerts/shown", {}, li}).status, 405) << "no alert of that key";
  EXPECT_EQ(ask({"OPTIONS", "/session", {}, li}).headers.at("allow"), "GET, HEAD, POST, DELETE");
  EXPECT_EQ(ask({"HEAD", "/alerts", {}, li}).status, 200);
  EXPECT_EQ(ask({"HEAD", "/stream", {}, li}).status, 405);
}

TEST_F(ApiDoorTest, UnknownAndDoubleParametersAreRefused) {
  const As li = operator_of("C");
  EXPECT_EQ(get("/alerts?colour=red", li).wrong(), "colour");
  EXPECT_EQ(get("/alerts?limit=1&limit=2", li).status, 400);
  EXPECT_EQ(get("/alerts?limit=%zz", li).status, 400);
  EXPECT_EQ(get("/rules?x", li).status, 400);
  for (const char* limit : {"0", "1001", "-1", "1.5", "", "99999999999999999999", "1e2", " 1"}) {
    EXPECT_EQ(get(std::string("/alerts?limit=") + limit, li).wrong(), "limit") << limit;
  }
}

TEST_F(ApiDoorTest, WhoIsTooFastWaitsAndOthersDoNot) {
  const As li = operator_of("C");
  const As zhang = sign_in("zhang", {{Role::Viewer, "C"}});
  options_.requests_per_minute = 3;
  remake();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/session", li).status, 200);
  const Heard fast = get("/session", li);
  EXPECT_EQ(fast.status, 429);
  EXPECT_EQ(fast.headers.at("retry-after"), "20");
  EXPECT_EQ(get("/session", zhang).status, 200);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/session", {}).status, 401);
  EXPECT_EQ(get("/session", {}).status, 429) << "those whom nobody knows share their address's";
  now_ += std::chrono::seconds(20);
  EXPECT_EQ(get("/session", li).status, 200);
}

TEST_F(ApiDoorTest, BeforeTheConsoleIsReadyItSaysSo) {
  const As li = operator_of("C");
  unready_ = {"alerts-0 is read up to 5 of 9"};
  const Heard heard = get("/alerts", li);
  EXPECT_EQ(heard.status, 503);
  EXPECT_EQ(heard.code(), "not_ready");
  EXPECT_EQ(get("/health", {}).status, 503);
  EXPECT_EQ(get("/session", li).status, 200);
}

TEST_F(ApiDoorTest, AnswersHaveAnETagAndSecretsAreNotStored) {
  const As li = operator_of("C");
  const Heard one = get("/alerts", li);
  EXPECT_EQ(one.headers.at("cache-control"), "no-cache");
  EXPECT_EQ(one.headers.at("etag").size(), 18U);
  EXPECT_EQ(get("/alerts", li).headers.at("etag"), one.headers.at("etag"));
  signal("S1", 2);
  EXPECT_NE(get("/alerts", li).headers.at("etag"), one.headers.at("etag"));
  const Heard session = get("/session", li);
  EXPECT_EQ(session.headers.at("cache-control"), "no-store");
  EXPECT_EQ(session.headers.count("etag"), 0U);
  EXPECT_EQ(session.headers.at("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
  EXPECT_EQ(session.headers.at("referrer-policy"), "no-referrer");
}

TEST_F(ApiDoorTest, AStreamIsOpenedByItsSubjectsAndNothingElse) {
  const As li = operator_of("C");
  EXPECT_TRUE(get("/stream", li).streams);
  EXPECT_TRUE(get("/stream?subjects=alerts,means,region-means&console=wall", li).streams);
  EXPECT_EQ(get("/stream?subjects=alerts,everything", li).wrong(), "subjects");
  EXPECT_EQ(get("/stream?subjects=", li).wrong(), "subjects");
  EXPECT_EQ(get("/stream?last_event_id=a%0Ab", li).status, 400);
}

TEST(ApiRateLimiter, IsBoundedAndGivesBackWithTime) {
  RateLimiter limiter(60, 3);
  core::EventTime now = core::fixture::kAlertStart;
  for (const char* who : {"a", "b", "c"}) EXPECT_EQ(limiter.take(who, now).count(), 0);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(limiter.take("new" + std::to_string(i), now).count(), 0);
  EXPECT_EQ(limiter.take("another", now).count(), 1) << "newcomers share one bucket";
  EXPECT_LE(limiter.size(), 4U);
  now += std::chrono::seconds(61);
  EXPECT_EQ(limiter.take("another", now).count(), 0);
  EXPECT_LE(limiter.size(), 3U) << "full buckets are forgotten";
  EXPECT_EQ(limiter.take("another", now - std::chrono::hours(1)).count(), 0) << "a clock that goes back harms nobody";
}

}  // namespace
}  // namespace qc::console
