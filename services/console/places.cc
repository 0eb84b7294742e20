#include "console/places.h"

#include <utility>
#include <vector>

namespace qc::console {

Places::Places(std::shared_ptr<const core::RuleSet> rules) : rules_(std::move(rules)) {
  std::multimap<std::string_view, std::string_view> children;
  for (const auto& [id, region] : rules_->regions) {
    regions_.emplace(id, &region);
    if (!region.parent.empty()) children.emplace(region.parent, id);
    for (const std::string& member : region.members) children.emplace(id, member);
  }
  for (const auto& [id, site] : rules_->sites) sites_.emplace(id, &site);
  for (const auto& [id, region] : regions_) {
    // A group may hold what holds the group: each is visited once.
    std::set<std::string, std::less<>>& all = below_[id];
    std::vector<std::string_view> open{id};
    while (!open.empty()) {
      const std::string_view next = open.back();
      open.pop_back();
      if (!all.emplace(next).second) continue;
      for (auto [child, end] = children.equal_range(next); child != end; ++child) open.push_back(child->second);
    }
  }
}

const core::Region* Places::region(std::string_view id) const {
  const auto found = regions_.find(id);
  return found == regions_.end() ? nullptr : found->second;
}

const core::SiteInfo* Places::site(std::string_view id) const {
  const auto found = sites_.find(id);
  return found == sites_.end() ? nullptr : found->second;
}

std::string_view Places::name(std::string_view id) const {
  if (const core::SiteInfo* s = site(id); s != nullptr && !s->name.empty()) return s->name;
  if (const core::Region* r = region(id); r != nullptr && !r->name.empty()) return r->name;
  return id;
}

std::string_view Places::name_en(std::string_view id) const {
  if (const core::SiteInfo* s = site(id); s != nullptr && !s->name_en.empty()) return s->name_en;
  if (const core::Region* r = region(id); r != nullptr && !r->name_en.empty()) return r->name_en;
  return name(id);
}

const std::set<std::string, std::less<>>& Places::below(std::string_view region) const {
  static const std::set<std::string, std::less<>> kNone;
  const auto found = below_.find(region);
  return found == below_.end() ? kNone : found->second;
}

std::string_view Places::region_of(std::string_view id) const {
  if (const core::SiteInfo* s = site(id)) return s->region;
  const core::Region* r = region(id);
  return r == nullptr ? std::string_view() : std::string_view(r->id);
}

}  // namespace qc::console
