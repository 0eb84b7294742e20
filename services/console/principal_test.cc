#include "console/principal.h"

#include <gtest/gtest.h>

namespace qc::console {
namespace {

// p has a, b and the group g; below a is a1. g's members are b and x, which is in another prefecture.
core::RuleSet principal_rules() {
  core::RuleSet rules;
  const auto add = [&rules](const char* id, const char* parent, std::vector<std::string> members = {}) {
    core::Region r;
    r.id = id;
    r.parent = parent;
    r.members = std::move(members);
    rules.regions[id] = r;
  };
  add("p", "");
  add("a", "p");
  add("a1", "a");
  add("b", "p");
  add("g", "p", {"b", "x"});
  add("q", "");
  add("x", "q");
  add("x1", "x");
  return rules;
}

std::set<std::string, std::less<>> regions_seen(const char* region) {
  const core::RuleSet rules = principal_rules();
  return sight_of({{Role::Operator, region}}, &rules).regions;
}
using RegionSet = std::set<std::string, std::less<>>;

TEST(Principal, NamesOfRolesAreReadBack) {
  for (int i = 1; i <= kRoles; ++i) EXPECT_EQ(role_named(name(static_cast<Role>(i))), static_cast<Role>(i));
  EXPECT_EQ(role_named(""), std::nullopt);
  EXPECT_EQ(role_named("Admin"), std::nullopt);
}

TEST(Principal, AGrantReachesItsRegionAndAllBelowIt) {
  EXPECT_EQ(regions_seen("a"), (RegionSet{"a", "a1"}));
  EXPECT_EQ(regions_seen("a1"), (RegionSet{"a1"}));
}

TEST(Principal, AGrantOfAGroupReachesItsMembersAndWhatIsBelowThem) {
  EXPECT_EQ(regions_seen("g"), (RegionSet{"g", "b", "x", "x1"}));
}

TEST(Principal, AGroupBelowTheGrantedRegionBringsNoMembersFromElsewhere) {
  EXPECT_EQ(regions_seen("p"), (RegionSet{"p", "a", "a1", "b", "g"}));
}

TEST(Principal, AGroupThatWasReachedFromAboveFirstStillBringsItsMembersToItsOwnGrant) {
  const core::RuleSet rules = principal_rules();
  const Sight both = sight_of({{Role::Operator, "p"}, {Role::Operator, "g"}}, &rules);
  EXPECT_EQ(both.regions, (RegionSet{"p", "a", "a1", "b", "g", "x", "x1"}));
  const Sight turned = sight_of({{Role::Operator, "g"}, {Role::Operator, "p"}}, &rules);
  EXPECT_EQ(both, turned);
}

TEST(Principal, GroupsInACircleEnd) {
  core::RuleSet rules = principal_rules();
  rules.regions["b"].members = {"g"};
  EXPECT_EQ(sight_of({{Role::Viewer, "g"}}, &rules).regions, (RegionSet{"g", "b", "x", "x1"}));
}

TEST(Principal, ARegionThatTheRulesDoNotKnowIsSeenByEverywhereAlone) {
  const core::RuleSet rules = principal_rules();
  EXPECT_FALSE(sight_of({{Role::Viewer, "nowhere"}}, &rules).sees("nowhere"));
  EXPECT_FALSE(sight_of({{Role::Viewer, "a"}}, nullptr).sees("a"));
  EXPECT_TRUE(sight_of({{Role::Viewer, "*"}}, nullptr).sees("nowhere"));
  EXPECT_TRUE(sight_of({{Role::Viewer, "*"}}, &rules).sees("a1"));
}

TEST(Principal, RolesDoNotIncludeOneAnotherButEachSees) {
  const core::RuleSet rules = principal_rules();
  Principal who;
  who.grants = {{Role::Dispatcher, "a"}, {Role::Operator, "b"}};
  EXPECT_TRUE(may(who, Role::Dispatcher, "a1", &rules));
  EXPECT_FALSE(may(who, Role::Operator, "a1", &rules));
  EXPECT_FALSE(may(who, Role::Viewer, "a1", &rules));
  EXPECT_TRUE(may(who, Role::None, "a1", &rules));
  EXPECT_FALSE(may(who, Role::None, "p", &rules));
  EXPECT_TRUE(has_role(who, Role::Operator));
  EXPECT_FALSE(has_role(who, Role::Admin));
}

TEST(Principal, NobodyHasTheRoleNone) {
  const core::RuleSet rules = principal_rules();
  EXPECT_EQ(sight_of({{Role::None, "*"}}, &rules), Sight{});
}

}  // namespace
}  // namespace qc::console
