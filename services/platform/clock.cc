#include "platform/clock.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace qc::platform {
namespace {

std::int64_t read_ms(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

class SystemClock : public Clock {
 public:
  std::int64_t wall_ms() const override { return read_ms(CLOCK_REALTIME); }
  std::int64_t boot_ms() const override { return read_ms(CLOCK_BOOTTIME); }
};

std::string seconds(std::int64_t ms) {
  return std::to_string(std::llabs(ms) / 1000) + " s";
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

ClockWatch::ClockWatch(const Clock& clock) : clock_(clock), difference_ms_(clock.wall_ms() - clock.boot_ms()) {}

Result<std::int64_t> ClockWatch::now_ms() const {
  // Wall first: whatever is lost between the two reads makes the wall clock look late, never ahead.
  const std::int64_t wall = clock_.wall_ms();
  const std::int64_t departure = wall - clock_.boot_ms() - difference_ms_;
  if (std::llabs(departure) <= clock_departure_ms_max) return wall;
  return fail(Errc::clock_jump, "the wall clock shows " + beijing_time(wall) + ", " + seconds(departure) +
                                    (departure > 0 ? " ahead of" : " behind") +
                                    " the boot-time clock since the start; no tick is written");
}

Result<void> ClockWatch::check_start(std::int64_t last_tick_ms, bool accept) const {
  const std::int64_t wall = clock_.wall_ms();
  const std::int64_t ahead = wall - last_tick_ms;
  if (ahead < -clock_departure_ms_max) {
    return fail(Errc::clock_jump, "the wall clock shows " + beijing_time(wall) + ", " + seconds(ahead) +
                                      " before the log's last tick, " + beijing_time(last_tick_ms));
  }
  if (ahead > clock_ahead_of_log_ms_max && !accept) {
    return fail(Errc::clock_jump, "the wall clock shows " + beijing_time(wall) + ", " +
                                      std::to_string(ahead / 86'400'000) + " days past the log's last tick, " +
                                      beijing_time(last_tick_ms));
  }
  return {};
}

std::string beijing_time(std::int64_t ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> local{milliseconds(ms) + hours(8)};
  const auto day = floor<days>(local);
  const year_month_day date(day);
  const hh_mm_ss time(local - day);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%03d+08:00", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return buffer;
}

}  // namespace qc::platform
