#include "core/rules.h"

#include <gtest/gtest.h>

#include "core/testing.h"

namespace qc::core {
namespace {

const EventTime kChange = beijing_midnight(2026, 3, 1);
const EventTime kFinal = beijing_midnight(2031, 1, 1);

TEST(Rules, TheLastHourBeforeAnEditionIsStillJudgedByTheOldOne) {
  const auto rules = test_rules();
  const Interval last{kChange - kHour, kChange};
  const Interval first{kChange, kChange + kHour};
  ASSERT_NE(rules->edition(last_instant(last)), nullptr);
  ASSERT_NE(rules->edition(last_instant(first)), nullptr);
  EXPECT_FALSE(rules->edition(last_instant(last))->round_input);
  EXPECT_TRUE(rules->edition(last_instant(first))->round_input);
  EXPECT_EQ(rules->limit(Factor::SO2, Window::H1, last_instant(last))->clause, "GB 3095-2012 table 1");
  EXPECT_EQ(rules->limit(Factor::SO2, Window::H1, last_instant(first))->clause, "GB 3095-2026 table 1");
}

TEST(Rules, FinalLimitsApplyFrom2031) {
  const auto rules = test_rules();
  EXPECT_EQ(rules->limit(Factor::SO2, Window::H1, kFinal - Duration(1))->class_2, ug(500));
  EXPECT_EQ(rules->limit(Factor::SO2, Window::H1, kFinal)->class_2, ug(150));
}

TEST(Rules, WhatTheStandardDoesNotLimitHasNoLimit) {
  const auto rules = test_rules();
  EXPECT_EQ(rules->limit(Factor::PM25, Window::H1, kChange), nullptr);  // PM has no hourly limit
  EXPECT_EQ(rules->limit(Factor::SO2, Window::H8, kChange), nullptr);
  EXPECT_EQ(RuleSet().limit(Factor::SO2, Window::H1, kChange), nullptr);
  EXPECT_EQ(RuleSet().edition(kChange), nullptr);
}

TEST(Rules, EveryInstantHasAnEdition) {
  const auto rules = test_rules();
  for (const EventTime t : {EventTime::min(), beijing_midnight(2013, 1, 1), kChange - Duration(1), kChange, kFinal,
                            EventTime::max() - Duration(1)}) {
    EXPECT_NE(rules->edition(t), nullptr) << to_iso(t);
    EXPECT_NE(rules->limit(Factor::O3, Window::H1, t), nullptr) << to_iso(t);
  }
}

TEST(Rules, LimitsAreChosenByAreaClass) {
  const auto rules = test_rules();
  const Limit* limit = rules->limit(Factor::O3, Window::H1, kChange);
  ASSERT_NE(limit, nullptr);
  EXPECT_EQ(limit->for_class(AreaClass::Class1), ug(160));
  EXPECT_EQ(limit->for_class(AreaClass::Class2), ug(200));
}

}  // namespace
}  // namespace qc::core
