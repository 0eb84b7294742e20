#include "console/principal.h"

#include <algorithm>
#include <array>

namespace qc::console {
namespace {

constexpr std::array<std::string_view, kRoles + 1> kRoleNames = {"",         "viewer",     "operator",
                                                                 "approver", "dispatcher", "admin"};

// `members` too, where the grant names the group itself. A group that merely stands below a granted region brings none
// of its members: those may be elsewhere.
void reach_region(const core::RuleSet& rules, const std::string& region, bool members, Sight& sight) {
  std::vector<std::pair<std::string_view, bool>> left = {{region, members}};
  std::set<std::string_view> opened;  // groups whose members are in, so that circles end
  while (!left.empty()) {
    const std::string_view id = left.back().first;
    const bool with_members = left.back().second;
    left.pop_back();
    const auto known = rules.regions.find(id);
    if (known == rules.regions.end()) continue;
    const bool open_now = with_members && opened.insert(known->first).second;
    const bool is_new = sight.regions.insert(known->first).second;
    if (open_now) {
      for (const std::string& member : known->second.members) left.emplace_back(member, true);
    }
    if (!is_new) continue;  // what is below it was looked for when it came in
    for (const auto& [child, what] : rules.regions) {
      if (what.parent == id) left.emplace_back(child, false);
    }
  }
}

}  // namespace

std::string_view name(Role role) {
  return kRoleNames.at(static_cast<std::size_t>(role));
}

std::optional<Role> role_named(std::string_view text) {
  for (std::size_t i = 1; i < kRoleNames.size(); ++i) {
    if (kRoleNames[i] == text) return static_cast<Role>(i);
  }
  return std::nullopt;
}

Sight sight_of(const std::vector<Grant>& grants, const core::RuleSet* rules, Role role) {
  Sight sight;
  for (const Grant& grant : grants) {
    if (grant.role == Role::None || (role != Role::None && grant.role != role)) continue;
    if (grant.region == kEverywhere) {
      sight.everything = true;
    } else if (rules != nullptr) {
      reach_region(*rules, grant.region, true, sight);
    }
  }
  // One way to say it, so that equal sights compare equal.
  if (sight.everything) sight.regions.clear();
  return sight;
}

bool may(const Principal& who, Role role, std::string_view region, const core::RuleSet* rules) {
  return sight_of(who.grants, rules, role).sees(region);
}

bool has_role(const Principal& who, Role role) {
  return std::any_of(who.grants.begin(), who.grants.end(), [role](const Grant& g) { return g.role == role; });
}

}  // namespace qc::console
