// Accounts and tokens over the API.
#include "console/api_testing.h"

namespace qc::console {
namespace {

using fixture::As;
using fixture::Heard;
namespace json = boost::json;

class ApiAccountsTest : public fixture::ApiTest {};

TEST_F(ApiAccountsTest, AnAdminKeepsAccounts) {
  const As admin = sign_in("admin", {});
  const Heard made = send("POST", "/accounts", admin,
                          {{"name", "li"},
                           {"full_name", "李"},
                           {"grants", {{{"role", "operator"}, {"region", "C"}}}},
                           {"offices", json::array{"office"}}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.headers.at("cache-control"), "no-store");
  const std::string password(made.json().at("password").as_string());
  const Heard in = send("POST", "/session", {}, {{"account", "li"}, {"password", password}});
  EXPECT_EQ(in.status, 200) << in.body;
  EXPECT_EQ(send("POST", "/accounts", admin, {{"name", "li"}}).code(), "already_there");
  EXPECT_EQ(send("POST", "/accounts", admin, {{"name", "Li Si"}}).code(), "bad_name");
  EXPECT_EQ(
      send("POST", "/accounts", admin, {{"name", "wang"}, {"grants", {{{"role", "king"}, {"region", "X"}}}}}).wrong(),
      "/grants/0/role,/grants/0/region");
  EXPECT_EQ(send("POST", "/accounts", admin, {{"name", "wang"}, {"offices", {1, ""}}}).wrong(),
            "/offices/0,/offices/1");

  const Heard changed = send("PATCH", "/accounts/li", admin,
                             {{"revision", get("/accounts/li", admin).json().at("revision")}, {"disabled", true}});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_TRUE(changed.json().at("disabled").as_bool());
  EXPECT_EQ(send("PATCH", "/accounts/li", admin, {{"revision", 1}, {"disabled", false}}).code(), "stale_revision");
  EXPECT_EQ(send("PATCH", "/accounts/nobody", admin, {{"revision", 1}}).status, 404);
  EXPECT_EQ(send("POST", "/accounts/li/password", admin, {}).status, 200);
  EXPECT_EQ(ask({"DELETE", "/accounts/li/sessions", {}, admin}).status, 204);
  EXPECT_EQ(get("/accounts", admin).json().at("total").as_int64(), 2);
  EXPECT_EQ(all_bytes().find(password), std::string::npos);
}

TEST_F(ApiAccountsTest, OthersKeepNone) {
  const As li = sign_in("li", {{Role::Operator, "*"}, {Role::Approver, "*"}, {Role::Dispatcher, "*"}});
  for (const auto& [method, target] :
       {std::pair{"GET", "/accounts"}, std::pair{"POST", "/accounts"}, std::pair{"GET", "/accounts/li"},
        std::pair{"PATCH", "/accounts/li"}, std::pair{"POST", "/accounts/li/password"},
        std::pair{"DELETE", "/accounts/li/sessions"}, std::pair{"GET", "/accounts/admin/tokens"},
        std::pair{"POST", "/accounts/admin/tokens"}, std::pair{"DELETE", "/accounts/admin/tokens/x"}}) {
    const Heard heard = ask({method, target, {}, li});
    EXPECT_EQ(heard.status, 403) << method << " " << target;
    EXPECT_EQ(heard.code(), "forbidden");
  }
}

TEST_F(ApiAccountsTest, TokensAreOnesOwnAndNeverMadeByTokens) {
  const As li = sign_in("li", {{Role::Operator, "C"}});
  const json::value wanted = {{"note", "wall"}, {"days", 30}, {"scope", {{{"role", "operator"}, {"region", "C"}}}}};
  const Heard made = send("POST", "/accounts/li/tokens", li, wanted);
  ASSERT_EQ(made.status, 201) << made.body;
  const As bot = {{"authorization", "Bearer " + std::string(made.json().at("secret").as_string())}};
  EXPECT_EQ(get("/session", bot).json().at("by").as_string(), "token");
  EXPECT_EQ(send("POST", "/accounts/li/tokens", bot, wanted).code(), "session_needed");
  EXPECT_EQ(send("POST", "/password", bot, {}).code(), "session_needed");
  EXPECT_EQ(get("/accounts/li/tokens", li).json().at("total").as_int64(), 1);
  EXPECT_EQ(get("/accounts/li/tokens", li).body.find(bot.at("authorization").substr(7)), std::string::npos);
  EXPECT_EQ(send("POST", "/accounts/li/tokens", li, {{"note", "x"}, {"days", 367}}).wrong(), "/days");
  EXPECT_EQ(send("POST", "/accounts/li/tokens", li,
                 {{"note", "x"}, {"days", 1}, {"scope", {{{"role", "approver"}, {"region", "*"}}}}})
                .code(),
            "bad_grant")
      << "more than the account has";
  const std::string id(made.json().at("token").at("id").as_string());
  EXPECT_EQ(ask({"DELETE", "/accounts/li/tokens/" + id, {}, li}).status, 204);
  EXPECT_EQ(get("/session", bot).status, 401);
  EXPECT_EQ(ask({"DELETE", "/accounts/li/tokens/" + id, {}, li}).status, 404);
}

TEST_F(ApiAccountsTest, TheLastAdminStays) {
  const As admin = sign_in("admin", {});
  const json::value revision = get("/accounts/admin", admin).json().at("revision");
  EXPECT_EQ(send("PATCH", "/accounts/admin", admin, {{"revision", revision}, {"disabled", true}}).code(), "last_admin");
  EXPECT_EQ(send("PATCH", "/accounts/admin", admin, {{"revision", revision}, {"grants", json::array{}}}).code(),
            "last_admin");
}

}  // namespace
}  // namespace qc::console
