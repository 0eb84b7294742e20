#include "qingchuan/topics.h"

#include <gtest/gtest.h>

namespace qc::commands {
namespace {

using stream::Cleanup;
using stream::Milliseconds;
using stream::TopicSpec;
using Kind = TopicDifference::Kind;

constexpr Milliseconds kDay{86'400'000};

const std::vector<TopicSpec> kWanted = {{"readings", 4, Cleanup::Delete, 400 * kDay, {}},
                                        {"means", 1, Cleanup::CompactDelete, 730 * kDay, 7 * kDay},
                                        {"rules", 1, Cleanup::Compact, {}, {}}};

TEST(Topics, WhatIsAsConfiguredIsNoDifference) {
  const auto all = compare_topics(kWanted, kWanted);
  EXPECT_FALSE(differ(all));
  EXPECT_FALSE(refused(all));
  EXPECT_EQ(to_text(all), "3 as configured\n");
}

TEST(Topics, AnEmptyLogLacksAllInTheOrderOfTheConfiguration) {
  const auto all = compare_topics({}, kWanted);
  EXPECT_TRUE(differ(all));
  EXPECT_FALSE(refused(all));
  EXPECT_EQ(to_text(all),
            "topic     partitions  cleanup         kept      compaction lag\n"
            "readings  4           delete          400d      -               missing\n"
            "means     1           compact+delete  730d      7d              missing\n"
            "rules     1           compact         for ever  0s              missing\n"
            "0 as configured, 3 missing\n");
}

TEST(Topics, SettingsShowWhatIsAndWhatIsWanted) {
  std::vector<TopicSpec> found = kWanted;
  found[1].retention = Milliseconds(0);
  found[2].cleanup = Cleanup::Delete;
  const auto all = compare_topics(found, kWanted);
  EXPECT_TRUE(differ(all));
  EXPECT_EQ(to_text(all),
            "topic  partitions  cleanup            kept              compaction lag\n"
            "means  1           compact+delete     for ever -> 730d  7d              differs\n"
            "rules  1           delete -> compact  for ever          - -> 0s         differs\n"
            "1 as configured, 2 with other settings\n");
}

TEST(Topics, AChangedPartitionCountIsRefusedWhateverElseDiffers) {
  std::vector<TopicSpec> found = kWanted;
  found[0].partitions = 3;
  found[0].retention = kDay;
  const auto all = compare_topics(found, kWanted);
  EXPECT_TRUE(differ(all));
  EXPECT_TRUE(refused(all));
  EXPECT_EQ(all[0].kind, Kind::Partitions);
  EXPECT_NE(to_text(all).find("3 -> 4"), std::string::npos);
  EXPECT_NE(to_text(all).find("REFUSED"), std::string::npos);
}

TEST(Topics, WhatNobodyConfiguredIsShownAndNoDifference) {
  std::vector<TopicSpec> found = kWanted;
  found.push_back({"somebody-elses", 12, Cleanup::Delete, kDay, {}});
  const auto all = compare_topics(found, kWanted);
  EXPECT_FALSE(differ(all));
  EXPECT_EQ(to_text(all),
            "topic           partitions  cleanup  kept  compaction lag\n"
            "somebody-elses  12          delete   1d    -               not configured: left alone\n"
            "3 as configured, 1 not configured\n");
}

}  // namespace
}  // namespace qc::commands
