#include "core/measures.h"

#include <gtest/gtest.h>

namespace qc::core {
namespace {

// The prefecture P with counties C and D, and Q beside it. C has two enterprises, D one.
RuleSet rules() {
  RuleSet r;
  for (const auto& [id, parent] : {std::pair{"P", ""}, {"C", "P"}, {"D", "P"}, {"D1", "D"}, {"Q", ""}}) {
    r.regions[id] = Region{id, id, id, parent};
  }
  r.emergency.inventories = {{"C", {1000, 2000, 3000, 400}, "test", Confidence::Single},
                             {"D", {500, 0, 100, 0}, "test", Confidence::Single}};
  const Measure yellow{EmergencyLevel::Yellow, {10, 20, 0, 0}, "黄", "yellow"};
  const Measure red{EmergencyLevel::Red, {50, 100, 33, 0}, "红", "red"};
  ProductionLine oven{"1号炉", "oven 1", {333, 100, 7, 0}, {yellow, red}};
  ProductionLine yard{"料场", "yard", {0, 0, 11, 0}, {{EmergencyLevel::Orange, {0, 0, 50, 0}, "停", "stop"}}};
  const auto works = [](const char* id, const char* region, std::vector<ProductionLine> lines) {
    return Enterprise{id, id, id, region, "焦化", "coking", Rating::C, "局", "bureau", std::move(lines)};
  };
  r.emergency.enterprises = {works("E3", "D1", {oven}), works("E1", "C", {oven, yard}), works("E2", "C", {yard})};
  r.emergency_duties = {
      {{EventTime::min(), event_time(1000)}, EmergencyLevel::Yellow, {10, 10, 10, 10}, "old", Confidence::Single},
      {{event_time(1000), EventTime::max()}, EmergencyLevel::Yellow, {4, 1, 0, 10}, "new", Confidence::Single},
      {{}, EmergencyLevel::Red, {30, 30, 30, 30}, "red", Confidence::Single}};
  return r;
}

TEST(Measures, ARegionHasThoseOfAllBelowIt) {
  const RuleSet r = rules();
  const auto due = measures_due(r, "P", EmergencyLevel::Orange, event_time(1000));
  ASSERT_TRUE(due);
  ASSERT_EQ(due->due.size(), 4u);  // by region, in the list's order within it
  EXPECT_EQ(due->due[0].enterprise->id, "E1");
  EXPECT_EQ(due->due[1].line->name, "料场");
  EXPECT_EQ(due->due[2].enterprise->id, "E2");
  EXPECT_EQ(due->due[3].enterprise->id, "E3");
  EXPECT_TRUE(due->nothing_due.empty());
  const auto of_c = measures_due(r, "C", EmergencyLevel::Orange, event_time(1000));
  ASSERT_TRUE(of_c);
  EXPECT_EQ(of_c->due.size(), 3u);
  const auto of_q = measures_due(r, "Q", EmergencyLevel::Orange, event_time(1000));
  ASSERT_TRUE(of_q);
  EXPECT_TRUE(of_q->due.empty());
}

TEST(Measures, ALevelWithoutARowOfItsOwnDoesWhatTheNextLowerOneSays) {
  const RuleSet r = rules();
  const auto at = [&](EmergencyLevel level) { return measures_due(r, "C", level, event_time(0)).value(); };
  const MeasuresDue yellow = at(EmergencyLevel::Yellow);
  ASSERT_EQ(yellow.due.size(), 1u);  // the yard has nothing below orange
  EXPECT_EQ(yellow.due[0].measure->text_en, "yellow");
  ASSERT_EQ(yellow.nothing_due.size(), 1u);
  EXPECT_EQ(yellow.nothing_due[0]->id, "E2");
  const MeasuresDue orange = at(EmergencyLevel::Orange);
  EXPECT_EQ(orange.due[0].measure->text_en, "yellow");
  EXPECT_EQ(orange.due[1].measure->text_en, "stop");
  const MeasuresDue red = at(EmergencyLevel::Red);
  EXPECT_EQ(red.due[0].measure->text_en, "red");
  EXPECT_EQ(red.due[1].measure->text_en, "stop");
}

TEST(Measures, CutsAreExact) {
  const RuleSet r = rules();
  const MeasuresDue red = measures_due(r, "P", EmergencyLevel::Red, event_time(0)).value();
  EXPECT_EQ(red.due[0].cut, (Hundredths{333 * 50, 100 * 100, 7 * 33, 0}));
  EXPECT_EQ(red.cuts[0].cut, 2 * 333 * 50);
  EXPECT_EQ(red.cuts[2].cut, 2 * 7 * 33 + 2 * 11 * 50);
  EXPECT_EQ(red.cuts[0].listed_kg, 666);
  EXPECT_EQ(red.cuts[2].listed_kg, 2 * 7 + 2 * 11);
}

TEST(Measures, TheDutyIsAShareOfAllThatTheRegionEmits) {
  const RuleSet r = rules();
  const MeasuresDue red = measures_due(r, "P", EmergencyLevel::Red, event_time(0)).value();
  ASSERT_EQ(red.inventories.size(), 2u);
  EXPECT_EQ(red.cuts[0].base_kg, 1500);
  EXPECT_EQ(red.cuts[0].missing, 1500 * 30 - 2 * 333 * 50);  // 117.00 kg
  EXPECT_EQ(red.cuts[0].share(), 2220);                      // 333 of 1500 kg
  EXPECT_EQ(red.cuts[3].missing, 400 * 30);
  EXPECT_EQ(red.cuts[3].share(), 0);
}

TEST(Measures, TheDutyInForceThenCounts) {
  const RuleSet r = rules();
  const auto clause = [&](EmergencyLevel level, std::int64_t at) {
    const auto* duty = measures_due(r, "C", level, event_time(at)).value().duty;
    return duty == nullptr ? "none" : duty->clause;
  };
  EXPECT_EQ(clause(EmergencyLevel::Yellow, 999), "old");
  EXPECT_EQ(clause(EmergencyLevel::Yellow, 1000), "new");
  EXPECT_EQ(clause(EmergencyLevel::Orange, 1000), "none");
}

TEST(Measures, ADutyIsMetToTheHundredthOfAKilogram) {
  RuleSet r = rules();
  r.emergency.inventories[0].base = {333, 2001, 1, 0};  // yellow cuts 33.30 kg of SO2, 20.00 of NOx
  r.emergency_duties[1].at_least = {10, 1, 0, 50};
  const MeasuresDue due = measures_due(r, "C", EmergencyLevel::Yellow, event_time(1000)).value();
  EXPECT_EQ(due.cuts[0].missing, 0);
  EXPECT_EQ(due.cuts[1].missing, 1);   // of 20.01 kg
  EXPECT_EQ(due.cuts[1].share(), 99);  // 0.9995 % reads as 0.99, not as 1.00
  EXPECT_EQ(due.cuts[3].missing, 0);   // nothing is emitted: nothing is missing
  EXPECT_EQ(due.cuts[3].share(), std::nullopt);
}

TEST(Measures, WithoutAnInventoryNothingIsJudged) {
  RuleSet r = rules();
  r.emergency.inventories.pop_back();  // D has none: nor has P, its parent
  const MeasuresDue due = measures_due(r, "P", EmergencyLevel::Red, event_time(0)).value();
  EXPECT_TRUE(due.inventories.empty());
  for (const Cut& c : due.cuts) {
    EXPECT_FALSE(c.judged());
    EXPECT_EQ(c.missing, 0);
  }
  // Its own wins over those below it.
  r.emergency.inventories.push_back({"P", {9, 9, 9, 9}, "own", Confidence::Single});
  EXPECT_EQ(measures_due(r, "P", EmergencyLevel::Red, event_time(0)).value().cuts[0].base_kg, 9);
}

TEST(Measures, AnUnknownRegionOrNoLevelIsNothing) {
  const RuleSet r = rules();
  EXPECT_FALSE(measures_due(r, "X", EmergencyLevel::Red, event_time(0)));
  EXPECT_FALSE(measures_due(r, "P", EmergencyLevel::None, event_time(0)));
  EXPECT_TRUE(is_within(r, "D1", "P"));
  EXPECT_FALSE(is_within(r, "P", "D1"));
  EXPECT_FALSE(is_within(r, "X", "P"));
}

}  // namespace
}  // namespace qc::core
