// Who is compared with whom, and how (rules.h: Neighbourhood): distances between places, and a value against the median
// of its neighbours' values. Integers throughout: the same places and values give the same answer on every machine.
// Functions; threads: none of their business.
#pragma once

#include <cstdint>
#include <vector>

#include "core/concentration.h"

namespace qc::core {

// In millionths of a degree; both 0: not known.
struct Place {
  std::int32_t lon_e6 = 0;
  std::int32_t lat_e6 = 0;
  bool known() const { return lon_e6 != 0 || lat_e6 != 0; }
  bool operator==(const Place&) const = default;
};

// Square metres between two places, each of the two legs rounded to a metre; on a sphere whose meridians are taken as
// parallel between them, which within 200 km of China is right to better than 1 %.
std::int64_t distance_squared_m2(const Place& a, const Place& b);

// The middle one; of an even number the mean of the two in the middle, half to even. Reorders `values`; there is one.
std::int64_t median_pg(std::vector<std::int64_t>& values);

// A share of nothing is as great as any; greater ones are said as this: 1,000,000 %.
inline constexpr std::int64_t kPercentMax = 1'000'000 * kMillion;

// own / median in millionths of a percent, half to even, at most kPercentMax; nothing of nothing is 100 %. Neither is
// negative.
std::int64_t percent_of(std::int64_t own_pg, std::int64_t median_pg);

}  // namespace qc::core
