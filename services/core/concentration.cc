#include "core/concentration.h"

#include <array>
#include <limits>

#include "base/assert.h"

namespace qc::core {
namespace {

// Magnitudes only: unsigned, so that nothing here can overflow unseen (2^63 * 10^9 < 2^93).
using Wide = unsigned __int128;

constexpr int kDecimalsMax = 18;  // 10^18 is the greatest power of ten in 64 bits

constexpr std::int64_t power_of_ten(int n) {
  std::int64_t p = 1;
  while (n-- > 0) p *= 10;
  return p;
}

// Millionths of a microgram (or of a point) in one unit.
std::int64_t pg_per(Unit unit) {
  switch (unit) {
    case Unit::UgM3:
    case Unit::Point:
    case Unit::Percent:
    case Unit::Hours:
    case Unit::Count:
      return kMillion;
    case Unit::MgM3:
      return 1000 * kMillion;
    case Unit::NgM3:
      return kMillion / 1000;
    case Unit::None:
      break;
  }
  return 0;
}

// The magnitude of a signed number, also of the least one.
constexpr std::uint64_t magnitude(std::int64_t n) {
  return n < 0 ? ~static_cast<std::uint64_t>(n) + 1 : static_cast<std::uint64_t>(n);
}

// n / d rounded half to even.
constexpr Wide divide(Wide n, Wide d) {
  const Wide q = n / d;
  const Wide r = n % d;
  const Wide rest = d - r;
  if (r > rest || (r == rest && (q & 1) != 0)) return q + 1;
  return q;
}

// Gives the sign back; nullopt where 64 bits are too few.
std::optional<std::int64_t> with_sign(Wide value, bool negative) {
  constexpr auto kMax = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());
  if (value > kMax + (negative ? 1 : 0)) return std::nullopt;
  const auto low = static_cast<std::uint64_t>(value);
  return static_cast<std::int64_t>(negative ? ~low + 1 : low);
}

}  // namespace

std::int64_t divide_half_even(std::int64_t n, std::int64_t d) {
  QC_ASSERT(d > 0);
  const auto quotient = with_sign(divide(magnitude(n), static_cast<Wide>(d)), n < 0);
  QC_ASSERT(quotient.has_value());  // no greater than |n|
  return *quotient;
}

std::optional<Concentration> scaled(std::int64_t mantissa, int decimals, Unit unit) {
  const std::int64_t per_unit = pg_per(unit);
  if (per_unit == 0 || decimals < 0 || decimals > kDecimalsMax) return std::nullopt;
  const Wide exact = Wide(magnitude(mantissa)) * static_cast<Wide>(per_unit);
  const auto pg = with_sign(divide(exact, static_cast<Wide>(power_of_ten(decimals))), mantissa < 0);
  if (!pg) return std::nullopt;
  return Concentration{*pg};
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::uint64_t mantissa = 0;
  int decimals = 0;
  int zeros = 0;  // of the fraction, not yet taken: they count only where another digit follows
  bool point = false;
  bool any = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    any = true;
    if (point && c == '0') {
      if (zeros <= kDecimalsMax) ++zeros;
      continue;
    }
    const int places = point ? zeros + 1 : 1;
    zeros = 0;
    if (point) decimals += places;
    if (decimals > kDecimalsMax) return std::nullopt;
    for (int i = 0; i < places; ++i) {
      const auto digit = static_cast<std::uint64_t>(i + 1 == places ? c - '0' : 0);
      if (mantissa > (kMax - digit) / 10) return std::nullopt;
      mantissa = mantissa * 10 + digit;
    }
  }
  if (!any) return std::nullopt;
  const auto value = static_cast<std::int64_t>(mantissa);
  return Decimal{negative ? -value : value, decimals};
}

std::string format_mean(std::int64_t sum_pg, std::int64_t count, Unit unit) {
  const std::int64_t per_unit = pg_per(unit);
  QC_ASSERT(count > 0 && per_unit > 0);
  const Wide millionths = divide(Wide(magnitude(sum_pg)) * static_cast<Wide>(kMillion),
                                 static_cast<Wide>(count) * static_cast<Wide>(per_unit));
  const auto whole = static_cast<std::uint64_t>(millionths / static_cast<Wide>(kMillion));
  const auto fraction = static_cast<std::uint64_t>(millionths % static_cast<Wide>(kMillion));

  std::string out = sum_pg < 0 && millionths != 0 ? "-" : "";
  out += std::to_string(whole);
  if (fraction != 0) {
    const std::string digits = std::to_string(fraction);
    out += '.';
    out.append(6 - digits.size(), '0');
    out += digits;
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out;
}

Concentration rounded(Concentration c, Unit unit, int decimals) {
  const std::int64_t per_unit = pg_per(unit);
  QC_ASSERT(per_unit > 0 && decimals >= 0);
  if (decimals > 9) return c;  // a milligram has 9: finer than we count
  const std::int64_t step = per_unit / power_of_ten(decimals);
  if (step <= 1) return c;
  return {divide_half_even(c.pg, step) * step};
}

}  // namespace qc::core
