// Regions, stations and factors, by the rules in force.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "console/alert_json.h"
#include "console/api_call.h"

namespace qc::console {
namespace {

namespace json = boost::json;

json::value dated_or_null(core::EventTime t) {
  if (t == core::EventTime::min() || t == core::EventTime::max()) return nullptr;
  return json::string(core::to_iso(t));
}

json::object region_json(const core::Region& r, const Places& places) {
  json::array members;
  for (const std::string& member : r.members) members.emplace_back(member);
  std::size_t stations = 0;
  const auto& below = places.below(r.id);
  for (const auto& [id, site] : places.rules().sites) stations += below.count(site.region);
  return {{"id", r.id},
          {"name", places.name(r.id)},
          {"name_en", places.name_en(r.id)},
          {"parent", r.parent.empty() ? json::value(nullptr) : json::value(json::string(r.parent))},
          {"members", std::move(members)},
          {"mean_of_members", r.mean_of_members},
          {"warned_together", r.joint_members > 0},
          {"stations", stations}};
}

json::object station_json(const core::SiteInfo& s, const Places& places, core::EventTime now) {
  json::array factors;
  for (const core::Factor f : s.factors) factors.emplace_back(core::name(f));
  const bool placed = s.lon_e6 != 0 || s.lat_e6 != 0;
  return {{"id", s.id},
          {"name", places.name(s.id)},
          {"name_en", places.name_en(s.id)},
          {"region", s.region},
          {"root", s.root},
          {"kind", core::name(s.kind)},
          {"area_class", s.class_at(now) == core::AreaClass::Class1 ? 1 : 2},
          {"lon", placed ? json::value(s.lon_e6 / 1e6) : json::value(nullptr)},
          {"lat", placed ? json::value(s.lat_e6 / 1e6) : json::value(nullptr)},
          {"factors", std::move(factors)},
          {"from", dated_or_null(s.dated.from)},
          {"until", dated_or_null(s.dated.until)}};
}

// The latest value of every series of a subject.
json::array latest_of(const Call& call, const std::string& subject) {
  json::array out;
  call.api.parts.model.read([&](const Tables& t) {
    const auto& all = t.series.all();
    for (auto it = all.lower_bound({subject, core::Factor::None, core::Window::None});
         it != all.end() && it->first.subject == subject; ++it) {
      const SeriesPoint* point = it->second.latest();
      if (point != nullptr && call.sight.sees(it->second.region)) {
        out.push_back(mean_json(it->first, it->second, *point, t.places.get()));
      }
    }
  });
  return out;
}

// A page of a map by id.
template <class Map, class Takes, class Json>
Answer page_of(Call& call, const Map* all, const Takes& takes, const Json& to_json) {
  const Paging paging = paging_of(call, call.api.options.page_max);
  if (!call.query.fine()) return parameters_problem(call.query.errors());
  json::array items;
  std::optional<std::string> next;
  std::size_t total = 0;
  std::string last;
  if (all != nullptr) {
    for (const auto& [id, one] : *all) {
      if (!takes(one)) continue;
      ++total;
      if (!paging.after.empty() && id <= paging.after) continue;
      if (items.size() < paging.limit) {
        items.push_back(to_json(one));
        last = id;
      } else if (!next) {
        next = make_cursor(last);
      }
    }
  }
  return list_answer(std::move(items), next, total);
}

Answer get_regions(Call& call) {
  return page_of(
      call, call.rules() == nullptr ? nullptr : &call.rules()->regions,
      [&](const core::Region& r) { return call.sight.sees(r.id); },
      [&](const core::Region& r) { return region_json(r, *call.places); });
}

Answer get_region(Call& call) {
  const core::Region* region = call.places ? call.places->region(call.parts[0]) : nullptr;
  if (region == nullptr || !call.sight.sees(region->id)) return not_found("region");
  json::object out = region_json(*region, *call.places);
  json::array children, stations;
  for (const auto& [id, other] : call.rules()->regions) {
    if (other.parent == region->id && call.sight.sees(id)) children.emplace_back(id);
  }
  for (const auto& [id, site] : call.rules()->sites) {
    if (site.region == region->id) stations.emplace_back(id);
  }
  out["children"] = std::move(children);
  out["own_stations"] = std::move(stations);
  out["latest"] = latest_of(call, region->id);
  return json_answer(200, out);
}

Answer get_stations(Call& call) {
  const std::string region = call.query.text("region", 64);
  const core::EventTime now = call.now();
  const auto* below = region.empty() || !call.places ? nullptr : &call.places->below(region);
  return page_of(
      call, call.rules() == nullptr ? nullptr : &call.rules()->sites,
      [&](const core::SiteInfo& s) {
        return call.sight.sees(s.region) && (below == nullptr || below->find(s.region) != below->end());
      },
      [&](const core::SiteInfo& s) { return station_json(s, *call.places, now); });
}

Answer get_station(Call& call) {
  const core::SiteInfo* site = call.places ? call.places->site(call.parts[0]) : nullptr;
  if (site == nullptr || !call.sight.sees(site->region)) return not_found("station");
  json::object out = station_json(*site, *call.places, call.now());
  out["latest"] = latest_of(call, site->id);
  return json_answer(200, out);
}

// The limits of a factor that are in force, by window.
json::array limits_of(core::Factor factor, const core::RuleSet& rules, core::EventTime now) {
  json::array out;
  for (std::size_t w = 1; w < core::kWindows; ++w) {
    const auto window = static_cast<core::Window>(w);
    const core::Limit* limit = rules.limit(factor, window, now);
    if (limit == nullptr) continue;
    out.push_back(json::object{{"window", core::name(window)},
                               {"class_1", shown_value(limit->class_1.pg, factor)},
                               {"class_2", shown_value(limit->class_2.pg, factor)},
                               {"clause", limit->clause}});
  }
  return out;
}

Answer get_factors(Call& call) {
  // Which windows there are is what has come.
  std::set<std::pair<core::Factor, core::Window>> windows;
  call.api.parts.model.read([&](const Tables& t) {
    for (const auto& [key, series] : t.series.all()) windows.emplace(key.factor, key.window);
  });
  json::array items;
  for (std::size_t f = 1; f < core::kFactors; ++f) {
    const auto factor = static_cast<core::Factor>(f);
    json::array seen;
    for (std::size_t w = 1; w < core::kWindows; ++w) {
      const auto window = static_cast<core::Window>(w);
      if (windows.count({factor, window}) > 0) seen.emplace_back(core::name(window));
    }
    items.push_back(json::object{
        {"factor", core::name(factor)},
        {"unit", shown_unit(factor)},
        {"index", core::is_index(factor)},
        {"windows", std::move(seen)},
        {"limits", call.rules() == nullptr ? json::array() : limits_of(factor, *call.rules(), call.now())}});
  }
  const std::size_t total = items.size();
  return list_answer(std::move(items), std::nullopt, total);
}

Route place_route(std::string_view path, std::vector<std::string_view> query, Handler handler) {
  return {.method = "GET", .path = path, .access = Access::Model, .query = std::move(query), .handler = handler};
}

}  // namespace

std::span<const Route> place_routes() {
  static const std::array<Route, 5> routes = {
      place_route("/regions", {"limit", "cursor"}, get_regions),
      place_route("/regions/{region}", {}, get_region),
      place_route("/stations", {"region", "limit", "cursor"}, get_stations),
      place_route("/stations/{station}", {}, get_station),
      place_route("/factors", {}, get_factors),
  };
  return routes;
}

}  // namespace qc::console
