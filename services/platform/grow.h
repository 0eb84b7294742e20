// A metric that follows a total of a stage's state. A function; any thread.
#pragma once

#include <prometheus/counter.h>

#include <cstdint>

namespace qc::platform {

// `counted`: what of the total is in the counter. A restore may start behind it; it catches up before anything new is
// counted.
inline void grow(prometheus::Counter& counter, std::int64_t& counted, std::int64_t now) {
  if (now <= counted) return;
  counter.Increment(static_cast<double>(now - counted));
  counted = now;
}

}  // namespace qc::platform
