// The document, health, and the event stream.
#include <array>
#include <boost/json.hpp>

#include "console/api_call.h"
#include "console/api_guard.h"

namespace qc::console {
namespace {

namespace json = boost::json;
using platform::WebResponse;

Answer get_openapi(Call& /*call*/) {
  static const auto document = std::make_shared<const std::string>(kOpenApi);
  WebResponse response = text_answer("application/json", {});
  response.body = document;
  return response;
}

Answer get_health(Call& call) {
  const std::vector<std::string> why = call.api.options.unready();
  json::array reasons;
  for (const std::string& reason : why) reasons.emplace_back(reason);
  return json_answer(
      why.empty() ? 200 : 503,
      json::object{{"ready", why.empty()}, {"reasons", std::move(reasons)}, {"version", call.api.options.version}});
}

// "alerts,means"
Subjects read_subjects(Call& call) {
  Subjects subjects;
  std::string_view left = "alerts";
  const std::string given = call.query.text("subjects", 100);
  if (!given.empty()) left = given;
  for (;;) {
    const std::size_t end = std::min(left.find(','), left.size());
    if (const auto subject = subject_named(left.substr(0, end))) {
      subjects.insert(*subject);
    } else {
      call.query.wrong("subjects", "must be some of alerts, means, region-means with commas between");
      return subjects;
    }
    if (end == left.size()) return subjects;
    left.remove_prefix(end + 1);
  }
}

// Asked every few seconds in the socket thread: a look into two maps.
std::function<std::optional<Sight>()> still_may(Call& call) {
  const Credentials given = credentials_of(call.request, call.api.options.secure_cookies);
  return [session = std::string(given.session), bearer = std::string(given.bearer), peer = call.request.peer,
          &identity = call.api.parts.identity, &model = call.api.parts.model]() -> std::optional<Sight> {
    const auto known = identity.authenticate({session, bearer, peer});
    if (!known.ok() || known.value.change_password) return std::nullopt;
    const auto places = model.read([](const Tables& t) { return t.places; });
    return sight_of(known.value.grants, places ? &places->rules() : nullptr);
  };
}

Answer get_stream(Call& call) {
  if (call.request.method == "HEAD") {
    return problem({.status = 405,
                    .code = "method_not_allowed",
                    .detail = "a stream has no end, so nothing but GET",
                    .headers = {{"Allow", "GET"}}});
  }
  StreamAsked asked;
  asked.subjects = read_subjects(call);
  asked.console = call.query.text("console", 100);
  // The header is what a browser sends when it comes back by itself; the parameter is for one that was closed.
  const std::string from = call.query.text("last_event_id", kPositionsBytesMax);
  asked.last_event_id = std::string(call.request.header("last-event-id"));
  if (asked.last_event_id.empty()) asked.last_event_id = from;
  if (asked.last_event_id.size() > kPositionsBytesMax || !is_clean_text(asked.last_event_id, false)) {
    call.query.wrong("last_event_id", "must be the id of an event of this stream");
  }
  if (!call.query.fine()) return parameters_problem(call.query.errors());
  asked.who = call.who;
  asked.sight = call.sight;
  asked.still = still_may(call);
  return call.api.parts.streams.open(std::move(asked));
}

}  // namespace

std::span<const Route> system_routes() {
  static const std::array<Route, 3> routes = {
      Route{.method = "GET", .path = "/openapi.json", .access = Access::Open, .handler = get_openapi},
      Route{.method = "GET", .path = "/health", .access = Access::Open, .no_store = true, .handler = get_health},
      Route{.method = "GET",
            .path = "/stream",
            .access = Access::Model,
            .no_store = true,
            .query = {"subjects", "console", "last_event_id"},
            .handler = get_stream},
  };
  return routes;
}

}  // namespace qc::console
