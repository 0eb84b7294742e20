// The only place that reads clocks. Wall time is what a person's clock shows and may be set wrong; boot time
// (CLOCK_BOOTTIME) only ever advances, sleep included. Where the two depart, the wall clock was set, and a tick written
// then could make everything late for ever (architecture section 3): ClockWatch says so, the caller writes no tick.
//
// Threads: Clock implementations may be used from any; a ClockWatch belongs to one.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace qc::platform {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t wall_ms() const = 0;  // since the Unix epoch
  virtual std::int64_t boot_ms() const = 0;  // since the machine was started
};

// The machine's clocks; lives as long as the process.
const Clock& system_clock();

inline constexpr std::int64_t clock_departure_ms_max = 60'000;
inline constexpr std::int64_t clock_ahead_of_log_ms_max = 30LL * 24 * 3600 * 1000;

class ClockWatch {
 public:
  // Takes the two clocks' difference now as right. REQUIRES: `clock` outlives this.
  explicit ClockWatch(const Clock& clock = system_clock());

  // The wall time, or clock_jump when the wall clock has departed from the boot-time clock by more than
  // clock_departure_ms_max since the start. It is right again as soon as the clock is back.
  Result<std::int64_t> now_ms() const;

  // At start: clock_jump when the wall clock stands more than clock_ahead_of_log_ms_max past the log's last tick, or
  // more than clock_departure_ms_max before it. `accept` (--accept-clock) lets the first pass; nothing lets time go
  // backwards.
  Result<void> check_start(std::int64_t last_tick_ms, bool accept) const;

 private:
  const Clock& clock_;
  std::int64_t difference_ms_;
};

// "2026-11-23T18:30:00.123+08:00"
std::string beijing_time(std::int64_t ms);

}  // namespace qc::platform
