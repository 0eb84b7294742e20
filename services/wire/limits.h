// What every door agrees on: which times and which names can be true at all. Functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/time.h"

namespace qc::wire {

// Event, receive and sender's times outside [1990, 2200) are nonsense, whoever says so; the bound also keeps every sum
// of a time and a packet's length far from overflow.
inline constexpr std::int64_t kTimeMinMs = 631'152'000'000;
inline constexpr std::int64_t kTimeMaxMs = 7'258'118'400'000;
constexpr bool sane_time(std::int64_t ms) {
  return ms >= kTimeMinMs && ms < kTimeMaxMs;
}

// Longest site, region, id ... of any record, in bytes of UTF-8.
inline constexpr std::size_t kNameBytesMax = 64;
// Of a display name: longer than an id, because it is for people.
inline constexpr std::size_t kDisplayNameBytesMax = 256;

// The grids a series may have.
constexpr bool is_grid(core::Duration step) {
  using std::chrono::seconds;
  return step == seconds(5) || step == seconds(60) || step == seconds(300) || step == seconds(3600);
}

// 1 to bytes_max bytes of well-formed UTF-8 without control characters.
bool printable(std::string_view text, std::size_t bytes_max);

}  // namespace qc::wire
