// Heavy-pollution warnings: by region, what the criteria say and what people made of it; and their episodes.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "console/alert_json.h"
#include "console/api_call.h"

namespace qc::console {
namespace {

namespace json = boost::json;

json::object region_head(std::string_view region, const Places* places) {
  return {{"region", region},
          {"name", places == nullptr ? region : places->name(region)},
          {"name_en", places == nullptr ? region : places->name_en(region)}};
}

// By region; of a region alone where `only` is not empty.
std::map<std::string, json::array> warnings_by_region(const Call& call, const std::string& only) {
  std::map<std::string, json::array> out;
  call.api.parts.model.read([&](const Tables& t) {
    for (const char* rule : {core::kWarningRule, core::kJointWarningRule}) {
      const std::string prefix = std::string(rule) + "/";
      for (auto it = t.alerts.lower_bound(prefix); it != t.alerts.end() && it->first.starts_with(prefix); ++it) {
        const core::Alert& a = it->second.alert;
        if (!call.sight.sees(a.condition.region) || (!only.empty() && a.key.subject != only)) continue;
        json::object one{{"rule", a.key.rule},
                         {"key", it->first},
                         {"revision", a.revision},
                         {"listed", a.listed},
                         {"level", a.condition.level},
                         {"state", core::name(a.condition.state)},
                         {"formal", warning_json(a.formal)},
                         {"episode", nullptr}};
        if (a.condition.warning != nullptr) one["episode"] = episode_json(a.condition, t.places.get());
        out[a.key.subject].push_back(std::move(one));
      }
    }
  });
  return out;
}

Answer get_warnings(Call& call) {
  json::array items;
  for (auto& [region, warnings] : warnings_by_region(call, {})) {
    json::object one = region_head(region, call.places.get());
    one["warnings"] = std::move(warnings);
    items.push_back(std::move(one));
  }
  const std::size_t total = items.size();
  return list_answer(std::move(items), std::nullopt, total);
}

Answer get_warning(Call& call) {
  const std::string& region = call.parts[0];
  auto found = warnings_by_region(call, region);
  const bool known = call.places && call.places->region(region) != nullptr && call.sight.sees(region);
  if (found.empty() && !known) return not_found("region");
  json::object one = region_head(region, call.places.get());
  one["warnings"] = found.empty() ? json::array() : std::move(found.begin()->second);
  return json_answer(200, one);
}

Answer get_episodes(Call& call) {
  const std::string region = call.query.text("region", 64);
  const auto from = call.query.time("from");
  const auto until = call.query.time("until");
  const Paging paging = paging_of(call);
  if (from && until && *until <= *from) call.query.wrong("until", "must be after from");
  if (!call.query.fine()) return parameters_problem(call.query.errors());
  json::array items;
  std::optional<std::string> next;
  std::size_t total = 0;
  call.api.parts.model.read([&](const Tables& t) {
    const auto* below = region.empty() || !call.places ? nullptr : &call.places->below(region);
    std::string last;
    for (const auto& [id, entry] : t.episodes) {
      const core::Signal& s = entry.signal;
      const bool over = s.state != core::SignalState::Active && s.state != core::SignalState::Stale;
      if (!call.sight.sees(s.region) || (until && s.began >= *until) || (from && over && s.at < *from)) continue;
      if (!region.empty() && s.region != region && (below == nullptr || below->find(s.region) == below->end()))
        continue;
      ++total;
      if (!paging.after.empty() && id <= paging.after) continue;
      if (items.size() < paging.limit) {
        items.push_back(episode_json(s, t.places.get()));
        last = id;
      } else if (!next) {
        next = make_cursor(last);
      }
    }
  });
  return list_answer(std::move(items), next, total);
}

}  // namespace

std::span<const Route> warning_routes() {
  static const std::array<Route, 3> routes = {
      Route{.method = "GET", .path = "/warnings", .access = Access::Model, .handler = get_warnings},
      Route{.method = "GET", .path = "/warnings/{region}", .access = Access::Model, .handler = get_warning},
      Route{.method = "GET",
            .path = "/episodes",
            .access = Access::Model,
            .query = {"region", "from", "until", "limit", "cursor"},
            .handler = get_episodes},
  };
  return routes;
}

}  // namespace qc::console
