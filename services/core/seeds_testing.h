// How many seeds a property runs over, for tests only: QC_SEEDS of them (300 by default), or QC_SEED alone.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

namespace qc::core::fixture {

// Stops at the first that fails, which is named.
inline void for_each_seed(const std::function<void(std::uint64_t)>& run) {
  if (const char* one = std::getenv("QC_SEED")) return run(std::strtoull(one, nullptr, 10));
  const char* many = std::getenv("QC_SEEDS");
  const std::uint64_t seeds = many == nullptr ? 300 : std::strtoull(many, nullptr, 10);
  for (std::uint64_t seed = 1; seed <= seeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
    run(seed);
  }
}

// Enough of them to say what must have occurred among them.
inline bool default_seeds() {
  return std::getenv("QC_SEED") == nullptr && std::getenv("QC_SEEDS") == nullptr;
}

}  // namespace qc::core::fixture
