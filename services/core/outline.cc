#include "core/outline.h"

#include <algorithm>
#include <cstddef>

namespace qc::core {
namespace {

// Twice the area of the triangle, signed: on which side of ab c lies. Degrees are at most 360e6 apart: no overflow.
std::int64_t side(const Point& a, const Point& b, const Point& c) {
  const auto d = [](std::int32_t from, std::int32_t to) { return static_cast<std::int64_t>(to) - from; };
  return d(a.lon_e6, b.lon_e6) * d(a.lat_e6, c.lat_e6) - d(a.lat_e6, b.lat_e6) * d(a.lon_e6, c.lon_e6);
}

int sign(std::int64_t n) {
  return n > 0 ? 1 : n < 0 ? -1 : 0;
}

// REQUIRES: c is on the line through a and b.
bool between(const Point& a, const Point& b, const Point& c) {
  return std::min(a.lon_e6, b.lon_e6) <= c.lon_e6 && c.lon_e6 <= std::max(a.lon_e6, b.lon_e6) &&
         std::min(a.lat_e6, b.lat_e6) <= c.lat_e6 && c.lat_e6 <= std::max(a.lat_e6, b.lat_e6);
}

bool meet(const Point& a, const Point& b, const Point& c, const Point& d) {
  const int abc = sign(side(a, b, c));
  const int abd = sign(side(a, b, d));
  const int cda = sign(side(c, d, a));
  const int cdb = sign(side(c, d, b));
  if (abc * abd < 0 && cda * cdb < 0) return true;
  return (abc == 0 && between(a, b, c)) || (abd == 0 && between(a, b, d)) || (cda == 0 && between(c, d, a)) ||
         (cdb == 0 && between(c, d, b));
}

// Sides ab and bc: whether c leads back along ab, or one of them has no length.
bool folded(const Point& a, const Point& b, const Point& c) {
  return a == b || b == c || (side(a, b, c) == 0 && (between(a, b, c) || between(b, c, a)));
}

}  // namespace

bool is_simple(const Ring& ring) {
  const std::size_t n = ring.size();
  if (n < 3) return false;
  const auto at = [&](std::size_t i) -> const Point& { return ring[i % n]; };
  for (std::size_t i = 0; i < n; ++i) {
    if (folded(at(i), at(i + 1), at(i + 2))) return false;
    // Against the sides behind the next one; the last side is the first one's neighbour.
    const std::size_t end = i == 0 ? n - 1 : n;
    for (std::size_t j = i + 2; j < end; ++j) {
      if (meet(at(i), at(i + 1), at(j), at(j + 1))) return false;
    }
  }
  return true;
}

}  // namespace qc::core
