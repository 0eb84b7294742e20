#include "console/positions.h"

#include <gtest/gtest.h>

#include <limits>

namespace qc::console {
namespace {

TEST(Positions, TextIsReadBack) {
  const Positions positions{{0, 4711, std::numeric_limits<stream::Offset>::max()}};
  EXPECT_EQ(text(positions), "1.0.4711.9223372036854775807");
  EXPECT_EQ(parse_positions(text(positions), 3), positions);
  EXPECT_EQ(text(Positions{}), "1");
  EXPECT_EQ(parse_positions("1", 0), Positions{});
}

TEST(Positions, OnlyOneWayOfWritingIsTaken) {
  for (const char* wrong : {"",
                            "2.0.1",
                            "1",
                            "1.",
                            "1.0",
                            "1.0.",
                            "1.0.1.2",
                            "1.0.01",
                            "1.0.+1",
                            "1.0.-1",
                            "1.0. 1",
                            "1.0.1 ",
                            "1 .0.1",
                            "10.1",
                            "1.0,1",
                            "1..1",
                            "1.0.9223372036854775808",
                            "1.0.1\n",
                            "1.0.0x1",
                            "11.0.1"}) {
    EXPECT_FALSE(parse_positions(wrong, 2)) << '"' << wrong << '"';
  }
  EXPECT_TRUE(parse_positions("1.0.1", 2));
}

TEST(Positions, WhatIsTooLongIsNotRead) {
  // As long as it may be, and one byte more.
  std::string most = "1";
  std::size_t slots = 0;
  for (; most.size() + 2 < kPositionsBytesMax; ++slots) most += ".7";
  most += std::string(kPositionsBytesMax - most.size(), '1');
  EXPECT_TRUE(parse_positions(most, slots));
  EXPECT_FALSE(parse_positions(most + ".1", slots + 1));
}

}  // namespace
}  // namespace qc::console
