// A concentration as a 64-bit integer of picograms per cubic metre (a millionth of a ug/m3): sums are exact, so the
// same readings in any order give the same mean, bit for bit. Indices use the same type in millionths of a point.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/factor.h"

namespace qc::core {

struct Concentration {
  std::int64_t pg = 0;
  auto operator<=>(const Concentration&) const = default;
};

inline constexpr std::int64_t kMillion = 1'000'000;

// 1 g/m3: nothing measured in ambient air comes near. It bounds every sum: a year of 5 s readings (6.4 million) of it
// stays below 2^63. Readings outside [0, this] are malformed.
inline constexpr std::int64_t kConcentrationMax = 1'000'000'000'000;

constexpr Concentration ug(std::int64_t whole) {
  return {whole * kMillion};
}
constexpr Concentration mg(std::int64_t whole) {
  return {whole * 1000 * kMillion};
}

// n / d rounded half to even (GB/T 8170); d > 0.
std::int64_t divide_half_even(std::int64_t n, std::int64_t d);

// mantissa / 10^decimals in `unit`, exactly. Digits finer than a picogram are rounded half to even. nullopt where it
// overflows, where decimals is outside 0..18 or the unit is None.
std::optional<Concentration> scaled(std::int64_t mantissa, int decimals, Unit unit);

// A plain decimal number ("-12.5", ".5", "1e3" is refused, as are "NaN" and "inf") as mantissa and decimals. Trailing
// zeros of the fraction are dropped ("12.50" is 125 and 1); more digits than 64 bits or 18 decimals hold are refused.
struct Decimal {
  std::int64_t mantissa = 0;
  int decimals = 0;
};
std::optional<Decimal> parse_decimal(std::string_view text);

// sum / count in the unit, rounded half to even once, at most 6 decimals, trailing zeros cut: "163", "0.8",
// "12.333333".
std::string format_mean(std::int64_t sum_pg, std::int64_t count, Unit unit);
inline std::string format(Concentration c, Unit unit) {
  return format_mean(c.pg, 1, unit);
}

// c rounded half to even to `decimals` of its publishing unit (HJ 633-2026 4.2.2, 4.2.3).
Concentration rounded(Concentration c, Unit unit, int decimals);

}  // namespace qc::core
