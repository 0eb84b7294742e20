// Chance without state: every draw is a hash of a seed and of what it is drawn for, so the same question has the same
// answer at any time, in any order. Values; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/time.h"

namespace qc::simulator {

class Chance {
 public:
  explicit Chance(std::uint64_t seed);

  // What is drawn for one thing among others: a site, a day, a minute.
  Chance of(std::string_view name) const;
  Chance of(std::int64_t number) const { return Chance(mixed_, static_cast<std::uint64_t>(number)); }

  double uniform() const;  // [0, 1)
  double normal() const;   // about the normal distribution: mean 0, deviation 1, never beyond 3.5
  bool happens(double probability) const { return uniform() < probability; }
  // A normal value that moves smoothly with time: drawn anew every `knot`, in between from one to the next.
  double smooth(core::EventTime t, core::Duration knot) const;

 private:
  Chance(std::uint64_t before, std::uint64_t more);
  std::uint64_t mixed_;
};

}  // namespace qc::simulator
