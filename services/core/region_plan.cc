#include "core/region_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace qc::core {
namespace {

class Planner {
 public:
  explicit Planner(const RuleSet& rules) : rules_(rules) {
    for (const auto& [id, site] : rules.sites) {
      if (site.kind == SiteKind::Evaluation) at_[site.region].push_back(&site);
    }
  }

  std::vector<RegionPlan> all() {
    for (const auto& [id, region] : rules_.regions) plan(region);
    return std::move(plans_);
  }

 private:
  using Stations = std::map<std::string_view, const SiteInfo*>;

  // A circle of members, which no rule set that was checked has, ends where it began.
  void gather(const Region& region, Stations& stations, std::set<std::string_view>& seen) const {
    if (!seen.insert(region.id).second) return;
    const auto own = at_.find(region.id);
    if (region.members.empty() && own != at_.end()) {
      for (const SiteInfo* site : own->second) stations.emplace(site->id, site);
    }
    for (const Region* part : rules_.parts(region)) gather(*part, stations, seen);
  }

  void plan(const Region& region) {
    if (!planned_.insert(region.id).second) return;
    RegionPlan plan;
    plan.region = &region;
    Stations stations;
    std::set<std::string_view> seen;
    gather(region, stations, seen);
    if (stations.empty()) return;
    for (const auto& [id, site] : stations) plan.stations.push_back(site);
    if (region.mean_of_members) {
      for (const Region* member : rules_.parts(region)) {
        this->plan(*member);
        const auto at = place_.find(member->id);
        if (at != place_.end()) plan.members.push_back(at->second);
      }
    }
    place_[region.id] = plans_.size();
    plans_.push_back(std::move(plan));
  }

  const RuleSet& rules_;
  std::map<std::string_view, std::vector<const SiteInfo*>> at_;
  std::set<std::string_view> planned_;
  std::map<std::string_view, std::size_t> place_;
  std::vector<RegionPlan> plans_;
};

}  // namespace

std::vector<RegionPlan> region_plans(const RuleSet& rules) {
  return Planner(rules).all();
}

}  // namespace qc::core
