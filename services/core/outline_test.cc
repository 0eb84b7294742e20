#include "core/outline.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace qc::core {
namespace {

TEST(Outline, ARingWithAnInsideIsSimple) {
  EXPECT_TRUE(is_simple({{0, 0}, {4, 0}, {0, 3}}));
  EXPECT_TRUE(is_simple({{0, 0}, {4, 0}, {4, 4}, {2, 1}, {0, 4}}));  // a dent
  EXPECT_TRUE(is_simple({{0, 0}, {2, 0}, {4, 0}, {4, 4}, {0, 4}}));  // a point on a straight side
  EXPECT_TRUE(is_simple({{136'000'000, 3'000'000}, {73'000'000, 3'000'000}, {73'000'000, 54'000'000}}));  // all of it
}

TEST(Outline, WhatHasNoInsideOrMeetsItselfIsNot) {
  EXPECT_FALSE(is_simple({}));
  EXPECT_FALSE(is_simple({{0, 0}, {4, 0}}));
  EXPECT_FALSE(is_simple({{0, 0}, {4, 0}, {2, 0}}));                          // flat
  EXPECT_FALSE(is_simple({{0, 0}, {4, 4}, {4, 0}, {0, 4}}));                  // crossing
  EXPECT_FALSE(is_simple({{0, 0}, {4, 0}, {4, 0}, {0, 3}}));                  // a point twice in a row
  EXPECT_FALSE(is_simple({{0, 0}, {4, 0}, {4, 4}, {2, 0}, {0, 4}}));          // touching
  EXPECT_FALSE(is_simple({{0, 0}, {4, 0}, {6, 0}, {4, 0}, {4, 4}, {0, 4}}));  // a spike
}

TEST(Outline, WhereTheRingBeginsAndWhichWayItGoesIsAllTheSame) {
  Ring good = {{0, 0}, {4, 0}, {4, 4}, {2, 1}, {0, 4}};
  Ring bad = {{0, 0}, {4, 0}, {4, 4}, {2, 0}, {0, 4}};
  for (int turn = 0; turn < 5; ++turn) {
    std::rotate(good.begin(), good.begin() + 1, good.end());
    std::rotate(bad.begin(), bad.begin() + 1, bad.end());
    EXPECT_TRUE(is_simple(good)) << turn;
    EXPECT_FALSE(is_simple(bad)) << turn;
    std::reverse(good.begin(), good.end());
    std::reverse(bad.begin(), bad.end());
    EXPECT_TRUE(is_simple(good)) << turn;
    EXPECT_FALSE(is_simple(bad)) << turn;
  }
}

}  // namespace
}  // namespace qc::core
