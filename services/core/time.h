// Time in the domain: event time (when the air was measured) and receive time (when a door of ours saw the packet) are
// different types and never mix by accident. Both count milliseconds since the Unix epoch, UTC. There is no clock here:
// `now` is the greatest tick a stage has read.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qc::core {

using Duration = std::chrono::milliseconds;

struct EventClock {
  using rep = std::int64_t;
  using period = std::milli;
  using duration = Duration;
  static constexpr bool is_steady = false;
};
struct ReceiveClock : EventClock {};

using EventTime = std::chrono::time_point<EventClock, Duration>;
using ReceiveTime = std::chrono::time_point<ReceiveClock, Duration>;

inline constexpr Duration kHour = std::chrono::hours(1);
inline constexpr Duration kBeijing = std::chrono::hours(8);  // UTC+8 all year; no summer time since 1992

constexpr EventTime event_time(std::int64_t ms) {
  return EventTime(Duration(ms));
}
constexpr ReceiveTime receive_time(std::int64_t ms) {
  return ReceiveTime(Duration(ms));
}
constexpr std::int64_t ms(EventTime t) {
  return t.time_since_epoch().count();
}
constexpr std::int64_t ms(ReceiveTime t) {
  return t.time_since_epoch().count();
}
constexpr EventTime as_event(ReceiveTime t) {
  return EventTime(t.time_since_epoch());
}

// Rounds down to a multiple of `step` since the epoch, also before 1970.
constexpr EventTime floor_to(EventTime t, Duration step) {
  const std::int64_t n = ms(t);
  const std::int64_t s = step.count();
  const std::int64_t r = n % s;
  return event_time(n - (r < 0 ? r + s : r));
}
// The start of the hour that holds `t` (Beijing's hours are UTC's).
constexpr EventTime hour_of(EventTime t) {
  return floor_to(t, kHour);
}

// [start, end)
struct Interval {
  EventTime start;
  EventTime end;
  auto operator<=>(const Interval&) const = default;
};

// Midnight in Beijing of a civil date.
EventTime beijing_midnight(int year, unsigned month, unsigned day);

// "2015-12-08T07:00:00+08:00" (with ".250" where there are milliseconds). Beyond the years 0000..9999: the nearest of
// them.
std::string to_iso(EventTime t);

// Reads ISO 8601 with an offset ("+08:00", "Z"), or without one: then it is Beijing's. "T" or a space between date and
// time; seconds may be left out, and have at most 3 decimals. Nothing else: no week dates, no fractions of a minute, no
// 24:00. nullopt where it isn't one.
std::optional<EventTime> parse_iso(std::string_view text);

}  // namespace qc::core
