// Stations, regions and alerts as GeoJSON (RFC 7946): WGS 84, longitude first; outlines closed and counter-clockwise.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "console/alert_json.h"
#include "console/api_call.h"
#include "console/json_text.h"
#include "wire/cap.h"

namespace qc::console {
namespace {

namespace json = boost::json;

constexpr std::size_t kFeaturesMax = 20'000;

json::array position(double lon_e6, double lat_e6) {
  json::array out;
  out.emplace_back(lon_e6 / 1e6);
  out.emplace_back(lat_e6 / 1e6);
  return out;
}

// Twice the area, in square millionths of a degree; positive: counter-clockwise.
double area_of(const core::Ring& ring) {
  double sum = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const core::Point& a = ring[i];
    const core::Point& b = ring[(i + 1) % ring.size()];
    sum += static_cast<double>(a.lon_e6) * b.lat_e6 - static_cast<double>(b.lon_e6) * a.lat_e6;
  }
  return sum;
}

json::array ring_json(core::Ring ring) {
  if (area_of(ring) < 0) std::reverse(ring.begin(), ring.end());
  json::array out;
  for (const core::Point& p : ring) out.emplace_back(position(p.lon_e6, p.lat_e6));
  if (!ring.empty()) out.emplace_back(position(ring.front().lon_e6, ring.front().lat_e6));
  return out;
}

json::value outline_json(const std::vector<core::Ring>& rings) {
  json::array polygons;
  for (const core::Ring& ring : rings) {
    if (ring.size() < 3) continue;
    json::array polygon;  // in braces compilers differ on whether an array of one array is a copy
    polygon.emplace_back(ring_json(ring));
    polygons.emplace_back(std::move(polygon));
  }
  if (polygons.empty()) return nullptr;
  if (polygons.size() == 1) return json::object{{"type", "Polygon"}, {"coordinates", std::move(polygons[0])}};
  return json::object{{"type", "MultiPolygon"}, {"coordinates", std::move(polygons)}};
}

json::value point_geometry(double lon_e6, double lat_e6) {
  return json::object{{"type", "Point"}, {"coordinates", position(lon_e6, lat_e6)}};
}

// The middle of the largest outline: where a region's alert is drawn.
json::value middle_of(const std::vector<core::Ring>& rings) {
  const core::Ring* largest = nullptr;
  for (const core::Ring& ring : rings) {
    if (ring.size() >= 3 && (largest == nullptr || std::abs(area_of(ring)) > std::abs(area_of(*largest))))
      largest = &ring;
  }
  if (largest == nullptr || area_of(*largest) == 0) return nullptr;
  // Relative to a corner: products of whole coordinates would lose the digits that matter.
  const core::Point origin = largest->front();
  double lon = 0, lat = 0, twice = 0;
  for (std::size_t i = 0; i < largest->size(); ++i) {
    const core::Point& a = (*largest)[i];
    const core::Point& b = (*largest)[(i + 1) % largest->size()];
    const double ax = a.lon_e6 - origin.lon_e6, ay = a.lat_e6 - origin.lat_e6;
    const double bx = b.lon_e6 - origin.lon_e6, by = b.lat_e6 - origin.lat_e6;
    const double cross = ax * by - bx * ay;
    lon += (ax + bx) * cross;
    lat += (ay + by) * cross;
    twice += cross;
  }
  return point_geometry(std::round(origin.lon_e6 + lon / (3 * twice)), std::round(origin.lat_e6 + lat / (3 * twice)));
}

json::value site_geometry(const core::SiteInfo& site) {
  if (site.lon_e6 == 0 && site.lat_e6 == 0) return nullptr;
  return point_geometry(site.lon_e6, site.lat_e6);
}

json::object feature(std::string_view id, json::value geometry, json::object properties) {
  return {{"type", "Feature"}, {"id", id}, {"geometry", std::move(geometry)}, {"properties", std::move(properties)}};
}

Answer collection(json::array features) {
  return text_answer("application/geo+json",
                     json_line(json::object{{"type", "FeatureCollection"}, {"features", std::move(features)}}));
}

Answer get_geo_stations(Call& call) {
  json::array features;
  if (call.rules() != nullptr) {
    for (const auto& [id, site] : call.rules()->sites) {
      if (features.size() == kFeaturesMax) break;
      if (!call.sight.sees(site.region)) continue;
      features.push_back(feature(id, site_geometry(site),
                                 {{"name", call.places->name(id)},
                                  {"name_en", call.places->name_en(id)},
                                  {"region", site.region},
                                  {"kind", core::name(site.kind)}}));
    }
  }
  return collection(std::move(features));
}

Answer get_geo_regions(Call& call) {
  json::array features;
  if (call.rules() != nullptr) {
    for (const auto& [id, region] : call.rules()->regions) {
      if (features.size() == kFeaturesMax) break;
      if (!call.sight.sees(id)) continue;
      features.push_back(feature(id, outline_json(wire::cap_area(*call.rules(), id).polygons),
                                 {{"name", call.places->name(id)},
                                  {"name_en", call.places->name_en(id)},
                                  {"parent", region.parent.empty() ? json::value(nullptr) : json::value(region.parent)},
                                  {"group", !region.members.empty()}}));
    }
  }
  return collection(std::move(features));
}

Answer get_geo_alerts(Call& call) {
  struct Drawn {
    std::string key;
    std::string subject;
    json::object properties;
  };
  std::vector<Drawn> drawn;
  call.api.parts.model.read([&](const Tables& t) {
    for (const auto& [key, entry] : t.alerts) {
      const core::Alert& a = entry.alert;
      if (!a.listed || !call.sight.sees(a.condition.region)) continue;
      if (drawn.size() == kFeaturesMax) break;
      drawn.push_back({key,
                       a.key.subject,
                       {{"rule", a.key.rule},
                        {"subject", a.key.subject},
                        {"region", a.condition.region},
                        {"factor", core::name(a.key.factor)},
                        {"level", a.condition.level},
                        {"state", core::name(a.condition.state)},
                        {"response", a.response == core::Response::Acked ? "acked" : "unacked"},
                        {"suppressed", a.suppressed},
                        {"began", core::to_iso(a.condition.began)},
                        {"revision", a.revision}}});
    }
  });
  json::array features;
  std::map<std::string, json::value, std::less<>> middles;
  for (Drawn& one : drawn) {
    json::value geometry;
    if (const core::SiteInfo* site = call.places ? call.places->site(one.subject) : nullptr) {
      geometry = site_geometry(*site);
    } else if (call.places && call.places->region(one.subject) != nullptr) {
      auto known = middles.find(one.subject);
      if (known == middles.end()) {
        const auto area = wire::cap_area(*call.rules(), one.subject);
        known = middles.emplace(one.subject, middle_of(area.polygons)).first;
      }
      geometry = known->second;
    }
    features.push_back(feature(one.key, std::move(geometry), std::move(one.properties)));
  }
  return collection(std::move(features));
}

}  // namespace

std::span<const Route> geo_routes() {
  static const std::array<Route, 3> routes = {
      Route{.method = "GET", .path = "/geo/stations", .access = Access::Model, .handler = get_geo_stations},
      Route{.method = "GET", .path = "/geo/regions", .access = Access::Model, .handler = get_geo_regions},
      Route{.method = "GET", .path = "/geo/alerts", .access = Access::Model, .handler = get_geo_alerts},
  };
  return routes;
}

}  // namespace qc::console
