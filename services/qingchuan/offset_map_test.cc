#include "qingchuan/offset_map.h"

#include <gtest/gtest.h>

#include <random>

namespace qc::commands {
namespace {

using stream::Offset;

OffsetMap map_of(const std::vector<Offset>& there, Offset end) {
  OffsetMap map;
  for (const Offset o : there) map.add(o);
  map.end(end);
  return map;
}

TEST(OffsetMap, ALogThatNothingWasTakenFromKeepsItsOffsetsInOneRun) {
  const OffsetMap map = map_of({0, 1, 2, 3}, 4);
  EXPECT_TRUE(map.keeps_all());
  EXPECT_EQ(map.runs(), 1U);
  for (Offset o = 0; o < 4; ++o) {
    EXPECT_EQ(map.exact(o), o);
    EXPECT_EQ(map.at_or_after(o), o);
    EXPECT_EQ(map.at_or_before(o), o);
  }
  EXPECT_EQ(map.exact(4), std::nullopt);
  EXPECT_EQ(map.at_or_after(4), 4);
  EXPECT_EQ(map.at_or_before(4), 3);
}

TEST(OffsetMap, AnEmptyPartitionKeepsAllOnlyWhereNothingEverStoodInIt) {
  EXPECT_TRUE(OffsetMap().keeps_all());
  const OffsetMap taken = map_of({}, 7);
  EXPECT_FALSE(taken.keeps_all());
  EXPECT_EQ(taken.at_or_after(7), 0);
  EXPECT_EQ(taken.at_or_before(6), std::nullopt);
}

TEST(OffsetMap, WhatFollowsATrimmedStartMovesByAsMuch) {
  const OffsetMap map = map_of({100, 101, 102}, 103);
  EXPECT_FALSE(map.keeps_all());
  EXPECT_EQ(map.runs(), 1U);
  EXPECT_EQ(map.exact(101), 1);
  EXPECT_EQ(map.exact(99), std::nullopt);
  EXPECT_EQ(map.at_or_after(3), 0);
  EXPECT_EQ(map.at_or_before(99), std::nullopt);
  EXPECT_EQ(map.at_or_after(103), 3);
}

TEST(OffsetMap, EveryAnswerIsThatOfCountingWhatIsThere) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const Offset end = 1 + static_cast<Offset>(random() % 60);
    std::vector<Offset> there;
    for (Offset o = 0; o < end; ++o) {
      if (random() % 3 != 0) there.push_back(o);
    }
    const OffsetMap map = map_of(there, end);
    EXPECT_EQ(map.records(), static_cast<Offset>(there.size()));
    EXPECT_EQ(map.keeps_all(), there.size() == static_cast<std::size_t>(end));
    for (Offset o = 0; o <= end; ++o) {
      Offset before = 0;
      bool is = false;
      for (const Offset t : there) {
        before += t < o ? 1 : 0;
        is = is || t == o;
      }
      EXPECT_EQ(map.exact(o), is ? std::optional(before) : std::nullopt);
      EXPECT_EQ(map.at_or_after(o), before);
      const Offset upto = before + (is ? 1 : 0);
      EXPECT_EQ(map.at_or_before(o), upto == 0 ? std::nullopt : std::optional(upto - 1));
    }
  }
}

}  // namespace
}  // namespace qc::commands
