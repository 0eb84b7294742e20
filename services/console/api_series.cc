// Latest values, and series over time: from the model, and what lies further back from the log.
#include <array>
#include <boost/json.hpp>

#include "console/alert_json.h"
#include "console/api_call.h"

namespace qc::console {
namespace {

namespace json = boost::json;

// What the model keeps (SeriesOptions), less the hour that may be on its way out.
constexpr core::Duration kModelHolds = std::chrono::hours(71);
constexpr core::Duration kSpanMax = std::chrono::hours(24 * 31);
constexpr core::Duration kSpanUsual = std::chrono::hours(24);

// "S1|1|2": as cursors name a series.
std::string text_of_key(const SeriesKey& key) {
  return key.subject + "|" + std::to_string(static_cast<int>(key.factor)) + "|" +
         std::to_string(static_cast<int>(key.window));
}
std::optional<SeriesKey> read_key(const std::string& text) {
  const std::size_t second = text.rfind('|');
  if (second == std::string::npos || second == 0) return std::nullopt;
  const std::size_t first = text.rfind('|', second - 1);
  if (first == std::string::npos) return std::nullopt;
  for (std::size_t f = 0; f < core::kFactors; ++f) {
    for (std::size_t w = 0; w < core::kWindows; ++w) {
      SeriesKey key{text.substr(0, first), static_cast<core::Factor>(f), static_cast<core::Window>(w)};
      if (text_of_key(key) == text) return key;
    }
  }
  return std::nullopt;
}

Answer get_latest(Call& call) {
  QueryReader& q = call.query;
  const core::Window window = q.window("window").value_or(core::Window::H1);
  const auto factor = q.factor("factor");
  const std::string region = q.text("region", 64);
  const std::string of = q.word("of", {"stations", "regions", "any"}, "any");
  const Paging paging = paging_of(call, call.api.options.page_max);
  std::optional<SeriesKey> after;
  if (!paging.after.empty() && !(after = read_key(paging.after))) {
    q.wrong("cursor", "must be the `next` of an answer of this list");
  }
  if (!q.fine()) return parameters_problem(q.errors());
  const auto* below = region.empty() || !call.places ? nullptr : &call.places->below(region);

  struct Latest {
    SeriesKey key;
    Series of;  // without its points
    SeriesPoint point;
  };
  std::vector<Latest> found;
  bool more = false;
  std::size_t total = 0;
  call.api.parts.model.read([&](const Tables& t) {
    for (const auto& [key, series] : t.series.all()) {
      if (key.window != window || (factor && key.factor != *factor) || series.points.empty() ||
          (of != "any" && series.of_region != (of == "regions")) || !call.sight.sees(series.region) ||
          (below != nullptr && below->find(series.region) == below->end())) {
        continue;
      }
      ++total;
      if (after && !(*after < key)) continue;
      if (found.size() == paging.limit) {
        more = true;
        continue;
      }
      found.push_back({key, {series.region, series.root, series.of_region, {}}, *series.latest()});
    }
  });
  json::array items;
  for (const Latest& one : found) items.push_back(mean_json(one.key, one.of, one.point, call.places.get()));
  std::optional<std::string> next;
  if (more) next = make_cursor(text_of_key(found.back().key));
  return list_answer(std::move(items), next, total);
}

// Where a series is, and what the model has of it.
struct Standing {
  bool seen = false;
  bool of_region = false;
  core::EventTime now{};
  std::vector<SeriesPoint> points;
};

Standing standing_of(const Call& call, const SeriesKey& key) {
  Standing s;
  call.api.parts.model.read([&](const Tables& t) {
    s.now = t.now == core::EventTime::min() ? call.now() : t.now;
    std::string region(t.places ? t.places->region_of(key.subject) : std::string_view());
    s.of_region = t.places && t.places->region(key.subject) != nullptr;
    // A station that registered itself is in no rules, but its series say where it is.
    const auto& all = t.series.all();
    const auto first = all.lower_bound({key.subject, core::Factor::None, core::Window::None});
    if (first != all.end() && first->first.subject == key.subject) {
      if (region.empty()) region = first->second.region;
      s.of_region = first->second.of_region;
    }
    s.seen = !region.empty() && call.sight.sees(region);
    if (!s.seen) return;
    if (const Series* series = t.series.find(key)) s.points.assign(series->points.begin(), series->points.end());
  });
  return s;
}

Answer get_series(Call& call) {
  QueryReader& q = call.query;
  for (const char* name : {"subject", "factor"}) q.require(name);
  SeriesKey key;
  key.subject = q.text("subject", 64);
  key.factor = q.factor("factor").value_or(core::Factor::None);
  key.window = q.window("window").value_or(core::Window::H1);
  const auto from_asked = q.time("from");
  const auto until_asked = q.time("until");
  if (!q.fine()) return parameters_problem(q.errors());
  Standing standing = standing_of(call, key);
  if (!standing.seen) return not_found("station or region");

  const core::EventTime until = until_asked.value_or(standing.now);
  const core::EventTime from = from_asked.value_or(until - kSpanUsual);
  if (until <= from) return parameters_problem({{{}, "until", "must be after from"}});
  if (until - from > kSpanMax) {
    return problem({.status = 422,
                    .code = "span_too_long",
                    .detail = "a series of at most 31 days is read at a time",
                    .errors = {{{}, "from", "must be at most 31 days before until"}}});
  }
  json::array points;
  const bool in_model = from >= standing.now - kModelHolds;
  if (in_model) {
    for (const SeriesPoint& p : standing.points) {
      if (p.interval.end > from && p.interval.end <= until) points.push_back(point_json(p, key.factor));
    }
  } else {
    const auto read = call.api.parts.history.series(key, standing.of_region, {from, until});
    if (!read) return error_problem(read.error());
    for (const SeriesPoint& p : *read) points.push_back(point_json(p, key.factor));
  }
  return json_answer(
      200,
      json::object{
          {"subject",
           json::object{{"id", key.subject},
                        {"name", call.places ? call.places->name(key.subject) : std::string_view(key.subject)},
                        {"name_en", call.places ? call.places->name_en(key.subject) : std::string_view(key.subject)}}},
          {"of", standing.of_region ? "region" : "station"},
          {"factor", factor_name(key.factor)},
          {"window", window_name(key.window)},
          {"unit", shown_unit(key.factor)},
          {"from", core::to_iso(from)},
          {"until", core::to_iso(until)},
          {"source", in_model ? "model" : "log"},
          {"points", std::move(points)}});
}

}  // namespace

std::span<const Route> series_routes() {
  static const std::array<Route, 2> routes = {
      Route{.method = "GET",
            .path = "/latest",
            .access = Access::Model,
            .query = {"window", "factor", "region", "of", "limit", "cursor"},
            .handler = get_latest},
      Route{.method = "GET",
            .path = "/series",
            .access = Access::Model,
            .query = {"subject", "factor", "window", "from", "until"},
            .handler = get_series},
  };
  return routes;
}

}  // namespace qc::console
