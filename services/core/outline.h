// The outline of a region: a ring of points, exact, each once (the last is joined to the first). Values and one
// function; any thread.
#pragma once

#include <cstdint>
#include <vector>

namespace qc::core {

// In millionths of a degree.
struct Point {
  std::int32_t lon_e6 = 0;
  std::int32_t lat_e6 = 0;
  bool operator==(const Point&) const = default;
};

using Ring = std::vector<Point>;

// Whether it has an inside: three points or more, and no two of its sides cross, touch or lie on one another, beside
// the corners that neighbours share. Quadratic in the number of points.
bool is_simple(const Ring& ring);

}  // namespace qc::core
