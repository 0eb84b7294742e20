#include "core/region_plan.h"

#include <gtest/gtest.h>

#include <string>

namespace qc::core {
namespace {

// The prefecture P with the counties A, B, C and its own station; the group G of A and B.
RuleSet rules() {
  RuleSet r;
  for (const char* id : {"A", "B", "C", "G", "P"}) {
    Region& region = r.regions[id];
    region.id = id;
    region.parent = region.id == "P" ? "" : "P";
  }
  r.regions["G"].members = {"B", "A"};
  const auto add = [&r](const char* id, const char* region, SiteKind kind) {
    SiteInfo& site = r.sites[id];
    site.id = id;
    site.region = region;
    site.kind = kind;
  };
  add("a2", "A", SiteKind::Evaluation);
  add("a1", "A", SiteKind::Evaluation);
  add("a3", "A", SiteKind::Micro);
  add("b1", "B", SiteKind::Evaluation);
  add("c1", "C", SiteKind::Roadside);
  add("p1", "P", SiteKind::Evaluation);
  return r;
}

// "A: a1 a2" a region; "P: ... of A B" where it is a mean of members.
std::string text(const RuleSet& r) {
  std::string out;
  const auto plans = region_plans(r);
  for (const RegionPlan& plan : plans) {
    out += plan.region->id + ":";
    for (const SiteInfo* s : plan.stations) out += " " + s->id;
    if (!plan.members.empty()) out += " of";
    for (const std::size_t m : plan.members) out += " " + plans[m].region->id;
    out += "\n";
  }
  return out;
}

TEST(RegionPlan, AStationCountsOnceInEachRegionAboveItAndInEachGroup) {
  EXPECT_EQ(text(rules()),
            "A: a1 a2\n"
            "B: b1\n"
            "G: a1 a2 b1\n"
            "P: a1 a2 b1 p1\n");
}

TEST(RegionPlan, AMeanOfMembersStandsBehindThem) {
  RuleSet r = rules();
  r.regions["G"].mean_of_members = true;
  r.regions["P"].mean_of_members = true;  // of the counties: groups lie across them
  EXPECT_EQ(text(r),
            "A: a1 a2\n"
            "B: b1\n"
            "G: a1 a2 b1 of B A\n"
            "P: a1 a2 b1 p1 of A B\n");
  r.regions["A"].members = {"C"};  // by an id before theirs
  r.regions["A"].mean_of_members = true;
  r.sites["c1"].kind = SiteKind::Evaluation;
  EXPECT_EQ(text(r).substr(0, 21), "C: c1\nA: c1 of C\nB: b") << text(r);
}

TEST(RegionPlan, ACircleEnds) {
  RuleSet r = rules();
  r.regions["A"].members = {"G"};
  r.regions["A"].mean_of_members = r.regions["G"].mean_of_members = true;
  EXPECT_NE(text(r).find("B: b1\n"), std::string::npos);
}

}  // namespace
}  // namespace qc::core
