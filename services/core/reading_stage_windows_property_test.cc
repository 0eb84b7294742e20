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

// Nor one in which some fault never came, rose to its levels and passed.
void expect_all_faults(const fixture::ComparedEpisodes& episodes) {
  if (std::getenv("QC_SEED") != nullptr || std::getenv("QC_SEEDS") != nullptr) return;
  for (const auto& [rule, levels] :
       {std::pair{"no_data", 3}, std::pair{"suspect_range", 1}, std::pair{"suspect_clipped", 1},
        std::pair{"suspect_stuck", 2}, std::pair{"suspect_inverted", 1}}) {
    const auto found = episodes.find(rule);
    ASSERT_NE(found, episodes.end()) << rule;
    const auto count = [&](SignalState state, int level) {
      const auto its = found->second.find({state, level});
      return its == found->second.end() ? 0 : its->second;
    };
    for (int level = 1; level <= levels; ++level) {
      EXPECT_GT(count(SignalState::Cleared, level), 0) << rule << " level " << level;
    }
    const bool silence_speaks = rule == std::string("no_data");  // it is the value there
    EXPECT_EQ(count(SignalState::Stale, 1) > 0, !silence_speaks) << rule;
    EXPECT_EQ(count(SignalState::EndedNoData, 1) > 0, !silence_speaks) << rule;
  }
}

TEST(WindowsOrder, EveryLastPublishedWindowIsThatOfABatchOverTheSameReadings) {
  fixture::ComparedWindows compared;
  fixture::ComparedEpisodes episodes;
  for_each_seed([&](std::uint64_t seed) { fixture::check_order(seed, {.windows = true}, &compared, &episodes); });
  if (HasFailure()) return;
  expect_all_kinds(compared);
  expect_all_faults(episodes);
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
