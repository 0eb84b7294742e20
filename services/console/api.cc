#include "console/api.h"

#include <algorithm>
#include <utility>

#include "console/api_call.h"
#include "console/api_guard.h"
#include "platform/web_text.h"

namespace qc::console {
namespace {

using platform::WebReply;
using platform::WebRequest;
using platform::WebResponse;

// "/alerts/{key}/why" in its parts.
std::vector<std::string_view> parts_of_route(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

// What stands for the {} of a route's part: "{id}.xml" takes "a.xml" and gives "a". nullopt: it does not match.
std::optional<std::string> taken_by(std::string_view wanted, const std::string& given) {
  const std::size_t close = wanted.find('}');
  const std::string_view suffix = wanted.substr(close + 1);
  if (given.size() <= suffix.size() || !given.ends_with(suffix)) return std::nullopt;
  return given.substr(0, given.size() - suffix.size());
}

bool matches_route(const std::vector<std::string_view>& wanted, const std::vector<std::string>& given,
                   std::vector<std::string>& taken) {
  taken.clear();
  if (wanted.size() != given.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{')) {
      auto part = taken_by(wanted[i], given[i]);
      if (!part) return false;
      taken.push_back(std::move(*part));
    } else if (wanted[i] != given[i]) {
      return false;
    }
  }
  return true;
}

bool changes_something(const Route& route) {
  return route.method != "GET";
}

}  // namespace

std::vector<const Route*> api_routes() {
  std::vector<const Route*> all;
  for (const auto& group : {system_routes(), identity_routes(), account_routes(), alert_routes(), command_routes(),
                            receipt_routes(), warning_routes(), place_routes(), series_routes(), ledger_routes(),
                            rules_routes(), geo_routes(), cap_routes()}) {
    for (const Route& route : group) all.push_back(&route);
  }
  return all;
}

bool is_part_text(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && is_clean_text(text, false);
}

std::string who_said(const Principal& who) {
  return who.full_name.empty() ? who.account : who.full_name;
}

Expected<std::string> idempotency_key(const WebRequest& request) {
  const std::string_view key = request.header("idempotency-key");
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!key.empty() && key.size() <= 128 && printable) return std::string(key);
  return refuse({.status = 400,
                 .code = "idempotency_key",
                 .detail = "the header Idempotency-Key is required: 1 to 128 printable ASCII characters, another one "
                           "for each command, the same one to send a command again"});
}

std::optional<WebResponse> Call::must(Role role, std::string_view region) const {
  if (may(who, role, region, rules())) return std::nullopt;
  return problem(
      {.status = 403,
       .code = "forbidden",
       .detail = "this needs the role " + std::string(name(role)) + " in the region " + std::string(region)});
}

Paging paging_of(Call& call, std::size_t otherwise) {
  const auto most = static_cast<std::int64_t>(call.api.options.page_max);
  Paging paging;
  paging.limit = static_cast<std::size_t>(
      call.query.number("limit", 1, most, std::min<std::int64_t>(most, static_cast<std::int64_t>(otherwise))));
  const std::string cursor = call.query.text("cursor", kCursorBytesMax);
  if (cursor.empty()) return paging;
  if (auto place = read_cursor(cursor)) {
    paging.after = std::move(*place);
  } else {
    call.query.wrong("cursor", "must be the `next` of an answer of this list");
  }
  return paging;
}

struct Api::Impl {
  struct KnownRoute {
    const Route* route = nullptr;
    std::vector<std::string_view> parts;
  };
  Impl(ApiParts parts, ApiOptions options) : context(std::move(parts), std::move(options)) {
    for (const Route* route : api_routes()) routes.push_back({route, parts_of_route(route->path)});
  }

  // The route, or why there is none.
  Expected<const Route*> find(const WebRequest& request, std::vector<std::string>& taken) const;
  std::optional<WebResponse> too_fast(const std::string& who);
  Answer answer(const WebRequest& request, bool& no_store);

  ApiContext context;
  std::vector<KnownRoute> routes;
};

Expected<const Route*> Api::Impl::find(const WebRequest& request, std::vector<std::string>& taken) const {
  const auto given = platform::path_parts(request.raw_path);
  const auto root = parts_of_route(kApiRoot);
  if (!given || given->size() <= root.size() || !std::equal(root.begin(), root.end(), given->begin())) {
    return tl::make_unexpected(not_found("route"));
  }
  const std::vector<std::string> rest(given->begin() + static_cast<std::ptrdiff_t>(root.size()), given->end());
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  // A route that names all of a path itself comes before one that takes a part of it: "/alerts/shown" is no alert.
  const bool named = std::any_of(routes.begin(), routes.end(), [&](const KnownRoute& known) {
    return std::equal(known.parts.begin(), known.parts.end(), rest.begin(), rest.end());
  });
  for (const KnownRoute& known : routes) {
    if (!matches_route(known.parts, rest, taken) || (named && !taken.empty())) continue;
    if (known.route->method == method) {
      if (std::all_of(taken.begin(), taken.end(), [](const std::string& part) { return is_part_text(part); })) {
        return known.route;
      }
      return tl::make_unexpected(not_found("thing"));
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(known.route->method);
    if (known.route->method == "GET") allowed += ", HEAD";
  }
  if (allowed.empty()) return tl::make_unexpected(not_found("route"));
  return refuse({.status = 405,
                 .code = "method_not_allowed",
                 .detail = "this route takes " + allowed,
                 .headers = {{"Allow", allowed}}});
}

std::optional<WebResponse> Api::Impl::too_fast(const std::string& who) {
  const auto wait = context.limiter.take(who, context.options.now());
  if (wait.count() == 0) return std::nullopt;
  return console::problem({.status = 429,
                           .code = "too_many_requests",
                           .detail = "more than " + std::to_string(context.options.requests_per_minute) +
                                     " requests a minute; try again after Retry-After seconds",
                           .retry_after = wait});
}

Answer Api::Impl::answer(const WebRequest& request, bool& no_store) {
  const std::string peer = "peer/" + request.peer;
  std::vector<std::string> taken;
  const auto found = find(request, taken);
  if (!found) {
    if (auto fast = too_fast(peer)) return *fast;
    return found.error();
  }
  const Route& route = **found;
  no_store = route.no_store;
  Call call{.api = context,
            .request = request,
            .route = route,
            .parts = std::move(taken),
            .query = QueryReader({}),
            .who = {},
            .places = context.parts.model.read([](const Tables& t) { return t.places; }),
            .sight = {}};
  if (route.access == Access::Open) {
    if (auto fast = too_fast(peer)) return *fast;
    if (changes_something(route)) {
      if (auto foreign = refuse_foreign(request, context.options, true)) return *foreign;
    }
  } else {
    auto known = context.parts.identity.authenticate(credentials_of(request, context.options.secure_cookies));
    if (auto fast = too_fast(known.ok() ? "who/" + known.value.id : peer)) return *fast;
    if (!known.ok()) return identity_problem(known.refused, known.retry_after, known.detail, true);
    call.who = std::move(known.value);
    if (changes_something(route)) {
      if (auto forged = refuse_forged(request, call.who, context.options)) return *forged;
    }
    if (call.who.change_password && route.access != Access::Password) {
      return console::problem(
          {.status = 403, .code = "change_first", .detail = "change the password first (POST password)"});
    }
    if (route.role != Role::None && !has_role(call.who, route.role)) {
      return console::problem(
          {.status = 403, .code = "forbidden", .detail = "this needs the role " + std::string(name(route.role))});
    }
    call.sight = sight_of(call.who.grants, call.rules());
  }
  auto query = parse_known_query(request.query, route.query);
  if (!query) return query.error();
  call.query = std::move(*query);
  if (route.access == Access::Model) {
    if (const auto why = context.options.unready(); !why.empty()) {
      return console::problem({.status = 503,
                               .code = "not_ready",
                               .detail = "the console still reads what it shows: " + why.front(),
                               .retry_after = std::chrono::seconds(1)});
    }
  }
  return route.handler(call);
}

Api::Api(ApiParts parts, ApiOptions options) : impl_(std::make_unique<Impl>(std::move(parts), std::move(options))) {}
Api::~Api() = default;

void Api::ask(const WebRequest& request, std::function<void(WebResponse)> done) {
  bool no_store = false;
  Answer answer = impl_->answer(request, no_store);
  if (auto* response = std::get_if<WebResponse>(&answer)) {
    finish_answer(*response, no_store);
    done(std::move(*response));
    return;
  }
  std::get<Later>(answer)([done = std::move(done), no_store](WebResponse response) {
    finish_answer(response, no_store);
    done(std::move(response));
  });
}

void Api::handle(const WebRequest& request, WebReply reply) {
  // std::function wants to be copied; the reply is one.
  auto shared = std::make_shared<WebReply>(std::move(reply));
  ask(request, [shared](WebResponse response) { (*shared)(std::move(response)); });
}

WebResponse Api::problem(int status, std::string_view detail) {
  const std::string_view code = status == 400   ? "bad_request"
                                : status == 404 ? "not_found"
                                : status == 408 ? "too_slow"
                                : status == 413 ? "body_too_large"
                                : status == 414 ? "target_too_long"
                                : status == 431 ? "headers_too_large"
                                : status == 503 ? "busy"
                                                : "error";
  WebResponse response = console::problem({.status = status, .code = code, .detail = std::string(detail)});
  finish_answer(response, true);
  return response;
}

}  // namespace qc::console
