#include "core/neighbours.h"

#include <algorithm>

#include "base/assert.h"

namespace qc::core {
namespace {

constexpr int kBits = 30;
constexpr std::int64_t kOne = std::int64_t{1} << kBits;

// cos of an angle of 0 to 90 degrees as a share of kOne: the series to x^12, better than 10^-6 at 90 degrees. No
// floating point: compilers contract that differently.
std::int64_t cosine(std::int64_t degrees_e6) {
  constexpr std::int64_t kRadianPerDegree = 18'740'330;  // kOne * pi / 180
  const std::int64_t x = degrees_e6 * kRadianPerDegree / 1'000'000;
  const std::int64_t x2 = x * x >> kBits;
  std::int64_t sum = kOne;
  for (const std::int64_t k : {11 * 12, 9 * 10, 7 * 8, 5 * 6, 3 * 4, 1 * 2}) sum = kOne - (x2 * sum >> kBits) / k;
  return std::max<std::int64_t>(sum, 0);
}

// Millionths of a degree of a meridian to millimetres: 111.195 km a degree, a sphere of 6,371 km.
std::int64_t millimetres(std::int64_t degrees_e6) {
  return divide_half_even(degrees_e6 * 111'195, 1000);
}

}  // namespace

std::int64_t distance_squared_m2(const Place& a, const Place& b) {
  const std::int64_t latitudes = std::int64_t{a.lat_e6} + b.lat_e6;
  const std::int64_t middle = std::clamp<std::int64_t>((latitudes < 0 ? -latitudes : latitudes) / 2, 0, 90'000'000);
  const std::int64_t north = divide_half_even(millimetres(std::int64_t{a.lat_e6} - b.lat_e6), 1000);
  // 20 bits of the cosine are enough for a metre in 1,000 km and leave room for the length.
  const std::int64_t share = cosine(middle) >> (kBits - 20);
  const std::int64_t east = divide_half_even(millimetres(std::int64_t{a.lon_e6} - b.lon_e6) * share, 1000 << 20);
  return north * north + east * east;
}

std::int64_t median_pg(std::vector<std::int64_t>& values) {
  QC_ASSERT(!values.empty());
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  if (values.size() % 2 == 1) return values[half];
  return divide_half_even(values[half - 1] + values[half], 2);
}

std::int64_t percent_of(std::int64_t own_pg, std::int64_t median) {
  constexpr std::int64_t kHundred = 100 * kMillion;
  if (median <= 0) return own_pg > 0 ? kPercentMax : kHundred;
  using Wide = unsigned __int128;
  const Wide n = static_cast<Wide>(own_pg) * static_cast<Wide>(kHundred);
  const auto d = static_cast<Wide>(median);
  Wide q = n / d;
  const Wide twice = n % d * 2;
  if (twice > d || (twice == d && q % 2 == 1)) ++q;
  return q >= static_cast<Wide>(kPercentMax) ? kPercentMax : static_cast<std::int64_t>(q);
}

}  // namespace qc::core
