// The two properties of architecture section 3 over the hours of random prefectures (reading_stage_oracle_runs.h); with
// every longer window: reading_stage_windows_property_test.cc.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/reading_stage_oracle_runs.h"

namespace qc::core {
namespace {

using fixture::for_each_seed;

TEST(ReadingStageOrder, TheLastPublishedResultsAreThoseOfABatchOverTheSameReadings) {
  for_each_seed([](std::uint64_t seed) { fixture::check_order(seed, {}); });
}

TEST(ReadingStageOrder, AlsoWhereTimeJumpsFartherThanTheHorizons) {
  for_each_seed([](std::uint64_t seed) { fixture::check_order(seed, {.jump = true}); });
}

TEST(ReadingStageReplay, RestoredAnywhereTheSequenceOfOutputsIsTheUndisturbedOne) {
  for_each_seed(
      [](std::uint64_t seed) { fixture::check_replay(seed, {.rules_change = seed % 2 == 0, .jump = seed % 5 == 0}); });
}

TEST(ReadingStageState, BrokenBytesAreRefusedOrHarmless) {
  fixture::Loads loads;
  for_each_seed([&loads](std::uint64_t seed) { fixture::check_broken_bytes(seed, {}, loads); });
  if (std::getenv("QC_SEED") == nullptr) {
    EXPECT_GT(loads.refused, 0);
    EXPECT_GT(loads.taken, 0);
  }
}

}  // namespace
}  // namespace qc::core
