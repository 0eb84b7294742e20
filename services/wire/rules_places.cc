// Regions and sites.
#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "core/region_plan.h"
#include "wire/rules_builder.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

Result<void> RulesBuilder::regions() {
  auto read = each("regions", in_.regions(), [&](const v1::Region& r) -> Result<void> {
    const std::string what = "region \"" + r.id() + '"';
    auto outline = polygon(r, what);
    if (!outline) return tl::make_unexpected(outline.error());
    core::Region made;
    made.id = r.id();
    made.name = r.name();
    made.name_en = r.name_en();
    made.parent = r.parent();
    made.mean_of_members = r.mean() == v1::MEMBERS;
    made.valid_percent = r.valid_percent();
    made.joint_members = r.joint();
    made.polygon = std::move(*outline);
    made.members.assign(r.members().begin(), r.members().end());
    if (r.id().empty() || !out_.regions.emplace(r.id(), std::move(made)).second) {
      return invalid(what + ": an id of its own expected");
    }
    return {};
  });
  if (!read) return read;
  return each("regions", in_.regions(), [&](const v1::Region& r) -> Result<void> {
    if (auto found = root(r.id()); !found) return tl::make_unexpected(found.error());
    return members(out_.regions.at(r.id()));
  });
}

// Of its prefecture, since one partition has all of a prefecture's stations; each once; and no region is a part of
// itself.
Result<void> RulesBuilder::members(const core::Region& region) const {
  const std::string what = "region \"" + region.id + '"';
  for (auto member = region.members.begin(); member != region.members.end(); ++member) {
    if (!out_.regions.contains(*member)) return invalid(what + ": its member \"" + *member + "\" is not defined");
    if (std::find(region.members.begin(), member, *member) != member) {
      return invalid(what + ": its member \"" + *member + "\" stands twice");
    }
    const auto its = root(*member);
    const auto ours = root(region.id);
    if (!its || !ours) return tl::make_unexpected(its ? ours.error() : its.error());
    if (*its != *ours) return invalid(what + ": its member \"" + *member + "\" belongs to another prefecture");
  }
  std::set<std::string> seen;
  std::vector<const core::Region*> open{&region};
  const auto add = [&](const core::Region& part) {
    if (seen.insert(part.id).second) open.push_back(&part);
  };
  while (!open.empty()) {
    const core::Region& at = *open.back();
    open.pop_back();
    for (const core::Region* part : out_.parts(at)) add(*part);
  }
  const std::size_t parts = out_.parts(region).size();
  if (region.joint_members < 0 || static_cast<std::size_t>(region.joint_members) > parts) {
    return invalid(what + ": warned together when " + std::to_string(region.joint_members) + " of its " +
                   std::to_string(parts) + " parts are");
  }
  if (seen.contains(region.id)) return invalid(what + " is, through its members, a part of itself");
  return {};
}

Result<core::Ring> RulesBuilder::polygon(const v1::Region& r, const std::string& what) {
  // Longitudes and latitudes of China share no number, so that a swapped pair is found.
  constexpr std::int64_t kDegree = 1'000'000;
  core::Ring ring;
  if (r.polygon_size() % 2 != 0) return invalid(what + ": `polygon`: a longitude without its latitude");
  for (int i = 0; i < r.polygon_size(); i += 2) {
    const std::int64_t lon = r.polygon(i);
    const std::int64_t lat = r.polygon(i + 1);
    if (lon < 73 * kDegree || lon > 136 * kDegree || lat < 3 * kDegree || lat > 54 * kDegree) {
      return invalid(what + ": `polygon`: point " + std::to_string(i / 2 + 1) +
                     " is no longitude (73 to 136) with its latitude (3 to 54)");
    }
    ring.push_back({static_cast<std::int32_t>(lon), static_cast<std::int32_t>(lat)});
  }
  // GeoJSON's rings end where they begin.
  if (ring.size() > 1 && ring.front() == ring.back()) ring.pop_back();
  if (!ring.empty() && !core::is_simple(ring)) {
    return invalid(what + ": `polygon`: three points or more expected, once round, whose sides do not cross or touch");
  }
  return ring;
}

Result<std::string> RulesBuilder::root(const std::string& region) const {
  const core::Region* at = nullptr;
  std::string id = region;
  // A chain longer than the number of regions goes in a circle.
  for (std::size_t steps = 0; steps <= out_.regions.size(); ++steps) {
    const auto found = out_.regions.find(id);
    if (found == out_.regions.end()) {
      return invalid(at == nullptr ? "region \"" + id + "\" is not defined"
                                   : "region \"" + at->id + "\": its parent \"" + id + "\" is not defined");
    }
    at = &found->second;
    if (at->parent.empty()) return at->id;
    id = at->parent;
  }
  return invalid("region \"" + region + "\" is its own ancestor");
}

Result<void> RulesBuilder::sites() {
  auto read = each("sites", in_.sites(), [&](const v1::Site& s) -> Result<void> {
    const std::string what = "site \"" + s.id() + '"';
    auto made = site(s, what);
    if (!made) return tl::make_unexpected(made.error());
    if (s.id().empty() || !out_.sites.emplace(s.id(), std::move(*made)).second) {
      return invalid(what + ": an id of its own expected");
    }
    return {};
  });
  if (!read) return read;
  auto named = each("sites", in_.sites(), [&](const v1::Site& s) { return aliases(s); });
  if (!named) return named;
  for (const core::RegionPlan& plan : core::region_plans(out_)) {
    if (plan.stations.size() <= core::kRegionStationsMax) continue;
    return invalid("region \"" + plan.region->id + "\" has " + std::to_string(plan.stations.size()) +
                   " evaluation stations; at most " + std::to_string(core::kRegionStationsMax) + " make its mean");
  }
  return {};
}

// A name in a file is one site's, or it would be a toss-up whose values those are.
Result<void> RulesBuilder::aliases(const v1::Site& s) {
  for (const std::string& alias : s.aliases()) {
    if (alias.empty() || out_.sites.contains(alias) || !out_.aliases.emplace(alias, s.id()).second) {
      return invalid("site \"" + s.id() + "\": its alias \"" + alias + "\": a name of its own expected");
    }
  }
  return {};
}

Result<core::SiteInfo> RulesBuilder::site(const v1::Site& s, const std::string& what) const {
  const auto top = root(s.region());
  if (!top) return invalid(what + ": " + top.error().text);
  const auto d = dated(s.from(), s.until(), what);
  if (!d) return tl::make_unexpected(d.error());
  if (s.kind() <= 0 || s.kind() > v1::BACKGROUND) return invalid(what + ": kind expected");
  if (s.area_class() <= 0 || s.area_class() > v1::CLASS_2) return invalid(what + ": class expected");
  core::SiteInfo made;
  made.id = s.id();
  made.name = s.name();
  made.name_en = s.name_en();
  made.region = s.region();
  made.root = *top;
  made.kind = static_cast<core::SiteKind>(s.kind());
  made.area_class = static_cast<core::AreaClass>(s.area_class());
  made.dated = *d;
  for (const auto& c : s.classes()) {
    const auto when = dated(c.from(), c.until(), what + ", `classes`");
    if (!when) return tl::make_unexpected(when.error());
    if (c.area_class() <= 0 || c.area_class() > v1::CLASS_2) return invalid(what + ", `classes`: class expected");
    for (const auto& other : made.classes) {
      if (overlap(other.first, *when)) return invalid(what + ", `classes`: two classes hold at the same time");
    }
    made.classes.emplace_back(*when, static_cast<core::AreaClass>(c.area_class()));
  }
  for (const auto& [from, to] : {std::pair{&s.factors(), &made.factors}, std::pair{&s.exempt(), &made.exempt}}) {
    for (const int n : *from) {
      const auto f = pollutant(n, what);
      if (!f) return tl::make_unexpected(f.error());
      to->push_back(*f);
    }
  }
  if (auto stands = place(s, what, made); !stands) return tl::make_unexpected(stands.error());
  return made;
}

Result<void> RulesBuilder::place(const v1::Site& s, const std::string& what, core::SiteInfo& site) {
  constexpr double kMillionths = 1e6;
  if (s.lon() == 0 && s.lat() == 0) return {};  // not known; that point of the sea has no station
  // Written so that what is no number is refused too.
  if (!(std::abs(s.lon()) <= 180 && std::abs(s.lat()) <= 90) || s.lon() == 0 || s.lat() == 0) {
    return invalid(what + ": `lon` and `lat` expected, both, in degrees");
  }
  site.lon_e6 = static_cast<std::int32_t>(std::lround(s.lon() * kMillionths));
  site.lat_e6 = static_cast<std::int32_t>(std::lround(s.lat() * kMillionths));
  return {};
}

}  // namespace qc::wire
