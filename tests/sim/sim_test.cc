// The simulation's seeds, and the proof that it would find something: bugs put in on purpose.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "platform/log.h"
#include "sim/sim_world.h"

namespace qc::sim {
namespace {

std::uint64_t number(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The workers' lines are thousands, each of them expected.
const bool quiet = [] {
  platform::set_log_level(platform::Level::off);
  return true;
}();

// What a person needs to see it again.
std::string report(const Script& script, Bug bug, std::string failure) {
  const std::size_t steps = shortest_failing(script, bug, failure);
  return "QC_SEED=" + std::to_string(script.seed) + " QC_STEPS=" + std::to_string(steps) + " (of " +
         std::to_string(script.steps.size()) + "): " + failure;
}

TEST(Simulation, WhateverHappensAllThatIsPublishedIsAFunctionOfTheLog) {
  const std::uint64_t only = number("QC_SEED", 0);
  const std::uint64_t seeds = number("QC_SEEDS", 300);
  Happened happened;
  for (std::uint64_t seed = only > 0 ? only : 1; seed <= (only > 0 ? only : seeds); ++seed) {
    const Script script = make_script(seed);
    const std::size_t steps = number("QC_STEPS", script.steps.size());
    const std::string failure = run(script, steps, Bug::None, &happened);
    ASSERT_TRUE(failure.empty()) << (steps < script.steps.size() ? failure : report(script, Bug::None, failure));
  }
  std::printf(
      "%lld readings, %lld outputs equal an undisturbed fold's, %lld hours a naive batch's (%lld records amended), "
      "%lld region signals; %lld times put out of the group, %lld restores that folded again, %lld failed commits, "
      "%lld switches of rules\n",
      static_cast<long long>(happened.readings), static_cast<long long>(happened.outputs),
      static_cast<long long>(happened.hours), static_cast<long long>(happened.amended),
      static_cast<long long>(happened.region_signals), static_cast<long long>(happened.rejoined),
      static_cast<long long>(happened.refolded), static_cast<long long>(happened.commits_failed),
      static_cast<long long>(happened.switches));
  if (only > 0 || seeds < 100) return;
  // A simulation that never reaches the rare branches proves nothing.
  EXPECT_GT(happened.hours, 1000);
  EXPECT_GT(happened.amended, 100);
  EXPECT_GT(happened.region_signals, 0);
  EXPECT_GT(happened.rejoined, 100);
  EXPECT_GT(happened.refolded, 100);
  EXPECT_GT(happened.commits_failed, 100);
  EXPECT_GT(happened.switches * 300, 100 * static_cast<std::int64_t>(seeds));  // more than 100 in 300 seeds
}

class PutInOnPurpose : public ::testing::TestWithParam<Bug> {};

TEST_P(PutInOnPurpose, IsFoundWithinAThousandSeeds) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const Script script = make_script(seed);
    const std::string failure = run(script, script.steps.size(), GetParam(), nullptr);
    if (failure.empty()) continue;
    const std::string found = report(script, GetParam(), failure);
    std::printf("found: %s\n", found.c_str());
    EXPECT_NE(found.find("QC_SEED=" + std::to_string(seed)), std::string::npos);
    // The prefix fails, and with the bug alone.
    std::string again;
    const std::size_t steps = shortest_failing(script, GetParam(), again);
    EXPECT_FALSE(run(script, steps, GetParam(), nullptr).empty());
    EXPECT_EQ(run(script, steps, Bug::None, nullptr), "");
    EXPECT_LE(steps, script.steps.size());
    return;
  }
  FAIL() << "1,000 seeds and nothing seen";
}

INSTANTIATE_TEST_SUITE_P(Bugs, PutInOnPurpose,
                         ::testing::Values(Bug::DropsKey, Bug::TwiceAfterRestore, Bug::ArrivalOrder));

}  // namespace
}  // namespace qc::sim
