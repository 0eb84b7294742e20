// The properties of architecture section 3 with every longer window: random prefectures over days and weeks, with late
// hours, corrections, silent sites and jumps of time across the turn of months, quarters, years and editions
// (reading_stage_world.h), against a naive batch (reading_stage_windows_oracle.h).
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/reading_stage_oracle_runs.h"

namespace qc::core {
namespace {

using fixture::for_each_seed;

// A property that compared nothing has shown nothing.
void expect_all_kinds(const fixture::ComparedWindows& compared) {
  if (std::getenv("QC_SEED") != nullptr || std::getenv("QC_SEEDS") != nullptr) return;
  for (const Window w :
       {Window::H8, Window::H24, Window::Day, Window::Mda8, Window::Month, Window::Quarter, Window::Year}) {
    const auto found = compared.find({w, false});
    ASSERT_NE(found, compared.end()) << name(w);
    EXPECT_GT(found->second.valid, 0) << name(w);
    EXPECT_GT(found->second.invalid, 0) << name(w);
    EXPECT_GT(found->second.amended, 0) << name(w);
  }
  for (const Window w : {Window::Day, Window::Mda8, Window::Year}) {
    EXPECT_GT(compared.at({w, false}).exceeding, 0) << name(w);
  }
  for (const Window w : {Window::H1, Window::H24, Window::Day}) {  // AQI_PM24, AQI, AQI
    const auto found = compared.find({w, true});
    ASSERT_NE(found, compared.end()) << "index " << name(w);
    EXPECT_GT(found->second.valid, 0) << "index " << name(w);
    EXPECT_GT(found->second.invalid, 0) << "index " << name(w);
    EXPECT_GT(found->second.amended, 0) << "index " << name(w);
  }
}

TEST(WindowsOrder, EveryLastPublishedWindowIsThatOfABatchOverTheSameReadings) {
  fixture::ComparedWindows compared;
  for_each_seed([&](std::uint64_t seed) { fixture::check_order(seed, {.windows = true}, &compared); });
  if (!HasFailure()) expect_all_kinds(compared);
}

TEST(WindowsOrder, AlsoWhereTimeJumpsFartherThanTheHorizons) {
  for_each_seed([](std::uint64_t seed) { fixture::check_order(seed, {.jump = true, .windows = true}); });
}

TEST(WindowsReplay, RestoredAnywhereTheSequenceOfOutputsIsTheUndisturbedOne) {
  for_each_seed([](std::uint64_t seed) {
    fixture::check_replay(seed, {.rules_change = seed % 2 == 0, .jump = seed % 5 == 0, .windows = true});
  });
}

TEST(WindowsState, BrokenBytesAreRefusedOrHarmless) {
  fixture::Loads loads;
  for_each_seed([&loads](std::uint64_t seed) { fixture::check_broken_bytes(seed, {.windows = true}, loads); });
  if (std::getenv("QC_SEED") == nullptr) {
    EXPECT_GT(loads.refused, 0);
    EXPECT_GT(loads.taken, 0);
  }
}

}  // namespace
}  // namespace qc::core
