// Signing in and out, and the own password.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "console/api_call.h"
#include "console/api_guard.h"

namespace qc::console {
namespace {

namespace json = boost::json;
using platform::WebResponse;

// Longer than any that is taken (256 characters of up to four bytes).
constexpr std::size_t kGivenPasswordBytesMax = 1'024;

json::object session_json(const Principal& who, const core::RuleSet* rules) {
  json::array roles;
  for (const Grant& grant : who.grants) {
    roles.push_back(json::object{{"role", name(grant.role)}, {"region", grant.region}});
  }
  json::array offices;
  for (const std::string& office : who.offices) offices.emplace_back(office);
  const Sight sight = sight_of(who.grants, rules);
  json::array regions;
  for (const std::string& region : sight.regions) regions.emplace_back(region);
  return {{"account", who.account},
          {"full_name", who.full_name},
          {"by", who.by == SignedInBy::Session ? "session" : "token"},
          {"id", who.id},
          {"roles", std::move(roles)},
          {"offices", std::move(offices)},
          {"sees", json::object{{"everything", sight.everything}, {"regions", std::move(regions)}}},
          {"csrf", who.csrf},
          {"change_password", who.change_password},
          {"expires", core::to_iso(who.expires)}};
}

WebResponse only_sessions() {
  return problem(
      {.status = 403, .code = "session_needed", .detail = "a token cannot do this; sign in with the password"});
}

Answer get_session(Call& call) {
  return json_answer(200, session_json(call.who, call.rules()));
}

Answer post_session(Call& call) {
  const auto body = parse_body(call.request);
  if (!body) return body.error();
  BodyReader reader(*body);
  const std::string account = reader.text("account", {.least = 1, .most = 64});
  const std::string password = reader.text("password", {.least = 1, .most = kGivenPasswordBytesMax});
  if (auto errors = reader.finish(); !errors.empty()) return fields_problem(std::move(errors));
  auto made = call.api.parts.identity.sign_in(account, password, call.request.peer);
  if (!made.ok()) return identity_problem(made.refused, made.retry_after, made.detail, true);
  WebResponse response = json_answer(200, session_json(made.value.who, call.rules()));
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(made.value.who.expires - call.now());
  response.headers.emplace_back("Set-Cookie", set_cookie(made.value.secret, std::max<std::int64_t>(left.count(), 1),
                                                         call.api.options.secure_cookies));
  return response;
}

Answer delete_session(Call& call) {
  if (call.who.by != SignedInBy::Session) return only_sessions();
  const auto done = call.api.parts.identity.sign_out(call.who);
  if (!done.ok()) return identity_problem(done.refused, done.retry_after, done.detail);
  WebResponse response = empty_answer();
  response.headers.emplace_back("Set-Cookie", set_cookie("", 0, call.api.options.secure_cookies));
  return response;
}

Answer post_password(Call& call) {
  if (call.who.by != SignedInBy::Session) return only_sessions();
  const auto body = parse_body(call.request);
  if (!body) return body.error();
  BodyReader reader(*body);
  const std::string old_password = reader.text("old_password", {.least = 1, .most = kGivenPasswordBytesMax});
  const std::string new_password = reader.text("new_password", {.least = 1, .most = kGivenPasswordBytesMax});
  if (auto errors = reader.finish(); !errors.empty()) return fields_problem(std::move(errors));
  const auto done = call.api.parts.identity.change_password(call.who, old_password, new_password);
  if (!done.ok()) return identity_problem(done.refused, done.retry_after, done.detail);
  return empty_answer();
}

}  // namespace

std::span<const Route> identity_routes() {
  static const std::array<Route, 4> routes = {
      Route{.method = "GET", .path = "/session", .access = Access::Password, .no_store = true, .handler = get_session},
      Route{.method = "POST", .path = "/session", .access = Access::Open, .no_store = true, .handler = post_session},
      Route{.method = "DELETE",
            .path = "/session",
            .access = Access::Password,
            .no_store = true,
            .handler = delete_session},
      Route{.method = "POST",
            .path = "/password",
            .access = Access::Password,
            .no_store = true,
            .handler = post_password},
  };
  return routes;
}

}  // namespace qc::console
