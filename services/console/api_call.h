// What the files of the API share: a request on its way (who asks, what they see, what the route is), and the table of
// routes, one part of it in each file. Internal to api*.cc.
//
// A handler is called once everything that is the same for all routes holds: the route is there, the caller is signed
// in (where it must be), holds the role at all, comes from our own pages, is not too fast, and the query's names are
// known. What depends on the thing asked for (is it there, is its region the caller's) and the body are the handler's,
// in this order.
#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "console/api.h"
#include "console/api_body.h"
#include "console/api_limits.h"
#include "console/api_problem.h"

namespace qc::console {

struct ApiContext {
  ApiContext(ApiParts p, ApiOptions o)
      : parts(std::move(p)), options(std::move(o)), limiter(options.requests_per_minute) {}
  ApiParts parts;
  ApiOptions options;
  RateLimiter limiter;
  // The rules in force as JSON: the same until others are.
  std::mutex rules_mutex;
  std::string rules_hash;
  std::shared_ptr<const std::string> rules_json;
  // Receipts on their way: by key, the revision with which the alert asked for attention. That an alert was shown makes
  // no revision of it, so the model hears of it late, and every wall would say it again and again. Bounded.
  std::mutex receipts_mutex;
  std::map<std::string, std::int64_t, std::less<>> receipts;
};

struct Route;

struct Call {
  ApiContext& api;
  const platform::WebRequest& request;
  const Route& route;
  std::vector<std::string> parts;  // what stands for each {} of the route's path
  QueryReader query;
  Principal who;                         // nobody on an open route
  std::shared_ptr<const Places> places;  // null: no rules are known yet
  Sight sight;

  const core::RuleSet* rules() const { return places ? &places->rules() : nullptr; }
  core::EventTime now() const { return api.options.now(); }
  // Whether a role holds where the thing is; otherwise why not.
  std::optional<platform::WebResponse> must(Role role, std::string_view region) const;
};

// An answer, or work that gives it later, from any thread.
using Later = std::function<void(std::function<void(platform::WebResponse)>)>;
using Answer = std::variant<platform::WebResponse, Later>;
using Handler = Answer (*)(Call& call);

enum class Access : std::uint8_t {
  Open,      // nobody need be signed in
  Password,  // signed in, also where the password must be changed first
  Signed,    // signed in
  Model,     // signed in, and the console has read what it shows
};

struct Route {
  std::string_view method;  // GET answers HEAD, too
  std::string_view path;    // below /api/v1: "/alerts/{key}/commands"; "{id}.xml" takes what ends so
  Access access = Access::Signed;
  Role role = Role::None;  // that the caller must hold somewhere; None: any
  bool no_store = false;
  std::vector<std::string_view> query{};
  Handler handler = nullptr;
};

std::span<const Route> identity_routes();
std::span<const Route> account_routes();
std::span<const Route> alert_routes();
std::span<const Route> command_routes();
std::span<const Route> receipt_routes();
std::span<const Route> warning_routes();
std::span<const Route> place_routes();
std::span<const Route> series_routes();
std::span<const Route> ledger_routes();
std::span<const Route> rules_routes();
std::span<const Route> geo_routes();
std::span<const Route> cap_routes();
std::span<const Route> system_routes();

// All of them.
std::vector<const Route*> api_routes();

inline constexpr std::string_view kApiRoot = "/api/v1";

// How the ledger names who did it: "zhang (张三)".
std::string who_said(const Principal& who);
// The header Idempotency-Key; 400: it is missing or no 1..128 printable ASCII characters.
Expected<std::string> idempotency_key(const platform::WebRequest& request);

// The alert of that key, where the caller sees it; `use` is called with the model's lock held and copies what it needs.
template <class F>
bool with_alert(const Call& call, std::string_view key, F&& use) {
  return call.api.parts.model.read([&](const Tables& t) {
    const auto found = t.alerts.find(key);
    if (found == t.alerts.end() || !call.sight.sees(found->second.alert.condition.region)) return false;
    use(found->second, t);
    return true;
  });
}

// The latest `limit` entries of the ledger on a subject, or on all that the caller sees where it is empty; from the
// log where the model holds too few. Then `total` says how many they are.
Expected<std::vector<LedgerItem>> ledger_of(const Call& call, const std::string& subject, std::size_t limit);
boost::json::object ledger_json(const LedgerItem& item);

// The names of a part of a path: clean text, at most `most` bytes.
bool is_part_text(std::string_view text, std::size_t most = 400);
// `limit` and `cursor` of a list, both checked.
struct Paging {
  std::size_t limit = 100;
  std::string after;  // the place in the order that the page begins behind; empty: at the beginning
};
Paging paging_of(Call& call, std::size_t otherwise = 100);

}  // namespace qc::console
