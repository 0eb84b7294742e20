// Accounts and tokens: what admins keep, and the tokens that everybody keeps for oneself.
#include <array>
#include <boost/json.hpp>

#include "console/api_call.h"

namespace qc::console {
namespace {

namespace json = boost::json;
using platform::WebResponse;

constexpr std::size_t kBodyGrantsMax = 50;
constexpr std::size_t kBodyOfficesMax = 20;
constexpr std::int64_t kTokenDaysMax = 366;

json::array grants_json(const std::vector<Grant>& grants) {
  json::array out;
  for (const Grant& grant : grants) {
    out.push_back(json::object{{"role", name(grant.role)}, {"region", grant.region}});
  }
  return out;
}

json::object account_json(const AccountView& a) {
  json::array offices;
  for (const std::string& office : a.offices) offices.emplace_back(office);
  return {{"name", a.name},
          {"full_name", a.full_name},
          {"revision", a.revision},
          {"grants", grants_json(a.grants)},
          {"offices", std::move(offices)},
          {"has_password", a.has_password},
          {"change_password", a.change_password},
          {"disabled", a.disabled},
          {"changed", core::to_iso(a.changed)},
          {"changed_by", a.changed_by},
          {"sessions", a.sessions},
          {"tokens", a.tokens}};
}

json::object token_json(const TokenView& t) {
  return {{"id", t.id},
          {"account", t.account},
          {"note", t.note},
          {"scope", grants_json(t.scope)},
          {"made", core::to_iso(t.made)},
          {"expires", core::to_iso(t.expires)}};
}

template <class T>
WebResponse identity_refusal(const Answered<T>& answered) {
  return identity_problem(answered.refused, answered.retry_after, answered.detail);
}

// [{"role": "operator", "region": "fenyang"}]; a region that the rules know, or "*".
std::vector<Grant> read_grants(const json::array& given, BodyReader& reader, std::string_view member,
                               const Places* places) {
  std::vector<Grant> grants;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string at = reader.pointer(member) + "/" + std::to_string(i);
    const json::object* one = given[i].if_object();
    if (one == nullptr) {
      reader.errors().push_back({at, {}, "must be an object with role and region"});
      continue;
    }
    BodyReader inner(*one, at);
    const std::string role_text = inner.text("role", {.least = 1, .most = 32});
    const std::string region = inner.text("region", {.least = 1, .most = 64});
    const auto role = role_named(role_text);
    if (!role && !role_text.empty()) inner.wrong("role", "must be viewer, operator, approver, dispatcher or admin");
    const bool known = region == kEverywhere || (places != nullptr && places->region(region) != nullptr);
    if (!known && !region.empty()) inner.wrong("region", "must be a region of the rules in force, or *");
    for (FieldError& e : inner.finish()) reader.errors().push_back(std::move(e));
    if (role) grants.push_back({*role, region});
  }
  return grants;
}

std::vector<std::string> read_offices(const json::array& given, BodyReader& reader) {
  std::vector<std::string> offices;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const json::string* text = given[i].if_string();
    if (text == nullptr || text->empty() || text->size() > 100 || !is_clean_text({text->data(), text->size()}, false)) {
      reader.errors().push_back(
          {reader.pointer("offices") + "/" + std::to_string(i), {}, "must be a text of 1 to 100 bytes"});
      continue;
    }
    offices.emplace_back(text->data(), text->size());
  }
  return offices;
}

// The members that a new account and a change share.
void read_account(BodyReader& reader, const Places* places, AccountChange& change) {
  change.full_name = reader.maybe_text("full_name", {.least = 0, .most = 100});
  if (const json::array* grants = reader.maybe_array("grants", kBodyGrantsMax)) {
    change.grants = read_grants(*grants, reader, "grants", places);
  }
  if (const json::array* offices = reader.maybe_array("offices", kBodyOfficesMax)) {
    change.offices = read_offices(*offices, reader);
  }
}

Answer get_accounts(Call& call) {
  json::array items;
  for (const AccountView& account : call.api.parts.identity.accounts()) items.push_back(account_json(account));
  const std::size_t total = items.size();
  return list_answer(std::move(items), std::nullopt, total);
}

Answer post_accounts(Call& call) {
  const auto body = parse_body(call.request);
  if (!body) return body.error();
  BodyReader reader(*body);
  AccountChange change;
  change.name = reader.text("name", {.least = 2, .most = 32});
  read_account(reader, call.places.get(), change);
  if (auto errors = reader.finish(); !errors.empty()) return fields_problem(std::move(errors));
  Identity& identity = call.api.parts.identity;
  const auto made = identity.add_account(change, who_said(call.who));
  if (!made.ok()) return identity_refusal(made);
  const auto account = identity.account(change.name);
  if (!account) return not_found("account");
  return json_answer(201, json::object{{"account", account_json(*account)}, {"password", made.value}});
}

Answer get_account(Call& call) {
  const auto account = call.api.parts.identity.account(call.parts[0]);
  return account ? json_answer(200, account_json(*account)) : not_found("account");
}

Answer patch_account(Call& call) {
  Identity& identity = call.api.parts.identity;
  if (!identity.account(call.parts[0])) return not_found("account");
  const auto body = parse_body(call.request);
  if (!body) return body.error();
  BodyReader reader(*body);
  AccountChange change;
  change.name = call.parts[0];
  change.expected_revision = reader.number("revision", 0, INT64_MAX);
  read_account(reader, call.places.get(), change);
  change.disabled = reader.maybe_flag("disabled");
  if (auto errors = reader.finish(); !errors.empty()) return fields_problem(std::move(errors));
  const auto changed = identity.change_account(change, who_said(call.who));
  if (!changed.ok()) return identity_refusal(changed);
  return json_answer(200, account_json(changed.value));
}

Answer post_account_password(Call& call) {
  const auto made = call.api.parts.identity.reset_password(call.parts[0], who_said(call.who));
  if (!made.ok()) return identity_refusal(made);
  return json_answer(200, json::object{{"password", made.value}});
}

Answer delete_account_sessions(Call& call) {
  const auto done = call.api.parts.identity.end_sessions(call.parts[0], who_said(call.who));
  return done.ok() ? empty_answer() : identity_refusal(done);
}

// Of tokens: an admin, or oneself.
std::optional<WebResponse> refuse_others(const Call& call) {
  if (call.parts[0] == call.who.account || has_role(call.who, Role::Admin)) return std::nullopt;
  return problem({.status = 403, .code = "forbidden", .detail = "these are another account's tokens"});
}

Answer get_tokens(Call& call) {
  if (auto refused = refuse_others(call)) return *refused;
  Identity& identity = call.api.parts.identity;
  if (!identity.account(call.parts[0])) return not_found("account");
  json::array items;
  for (const TokenView& token : identity.tokens(call.parts[0])) items.push_back(token_json(token));
  const std::size_t total = items.size();
  return list_answer(std::move(items), std::nullopt, total);
}

Answer post_tokens(Call& call) {
  if (auto refused = refuse_others(call)) return *refused;
  // Otherwise one that leaked could make itself successors for ever.
  if (call.who.by != SignedInBy::Session) {
    return problem({.status = 403, .code = "session_needed", .detail = "a token cannot make tokens; sign in"});
  }
  Identity& identity = call.api.parts.identity;
  if (!identity.account(call.parts[0])) return not_found("account");
  const auto body = parse_body(call.request);
  if (!body) return body.error();
  BodyReader reader(*body);
  const std::string note = reader.text("note", {.least = 1, .most = 200});
  const std::int64_t days = reader.number("days", 1, kTokenDaysMax);
  std::vector<Grant> scope;
  if (const json::array* given = reader.maybe_array("scope", kBodyGrantsMax)) {
    scope = read_grants(*given, reader, "scope", call.places.get());
  }
  if (auto errors = reader.finish(); !errors.empty()) return fields_problem(std::move(errors));
  const auto made = identity.make_token(call.parts[0], note, scope, std::chrono::hours(24) * days, who_said(call.who));
  if (!made.ok()) return identity_refusal(made);
  return json_answer(201, json::object{{"token", token_json(made.value.token)}, {"secret", made.value.secret}});
}

Answer delete_token(Call& call) {
  if (auto refused = refuse_others(call)) return *refused;
  const auto done = call.api.parts.identity.revoke_token(call.parts[0], call.parts[1], who_said(call.who));
  if (done.ok()) return empty_answer();
  // The account is there, so what is not is the token.
  if (done.refused == Refused::UnknownAccount || done.refused == Refused::NotSignedIn) return not_found("token");
  return identity_refusal(done);
}

Route admins(std::string_view method, std::string_view path, Handler handler) {
  return {.method = method, .path = path, .role = Role::Admin, .no_store = true, .handler = handler};
}
Route everyones(std::string_view method, std::string_view path, Handler handler) {
  return {.method = method, .path = path, .no_store = true, .handler = handler};
}

}  // namespace

std::span<const Route> account_routes() {
  static const std::array<Route, 9> routes = {
      admins("GET", "/accounts", get_accounts),
      admins("POST", "/accounts", post_accounts),
      admins("GET", "/accounts/{name}", get_account),
      admins("PATCH", "/accounts/{name}", patch_account),
      admins("POST", "/accounts/{name}/password", post_account_password),
      admins("DELETE", "/accounts/{name}/sessions", delete_account_sessions),
      everyones("GET", "/accounts/{name}/tokens", get_tokens),
      everyones("POST", "/accounts/{name}/tokens", post_tokens),
      everyones("DELETE", "/accounts/{name}/tokens/{id}", delete_token),
  };
  return routes;
}

}  // namespace qc::console
