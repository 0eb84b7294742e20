#include "platform/clock.h"

#include <gtest/gtest.h>

namespace qc::platform {
namespace {

struct FakeClock : Clock {
  std::int64_t wall = 1'772'294'400'000;  // 2026-03-01T00:00:00+08:00
  std::int64_t boot = 5'000'000;
  std::int64_t wall_ms() const override { return wall; }
  std::int64_t boot_ms() const override { return boot; }
  void pass(std::int64_t ms) {
    wall += ms;
    boot += ms;
  }
};

TEST(ClockWatch, GivesTheWallTimeWhileTheClocksAgree) {
  FakeClock clock;
  const ClockWatch watch(clock);
  clock.pass(86'400'000);
  ASSERT_TRUE(watch.now_ms());
  EXPECT_EQ(*watch.now_ms(), clock.wall);
}

TEST(ClockWatch, ADepartureOfExactlySixtySecondsIsStillRight) {
  FakeClock clock;
  const ClockWatch watch(clock);
  clock.wall += 60'000;
  EXPECT_TRUE(watch.now_ms());
  clock.wall -= 120'000;
  EXPECT_TRUE(watch.now_ms());
}

TEST(ClockWatch, AClockSetForwardGivesNoTimeUntilItIsBack) {
  FakeClock clock;
  const ClockWatch watch(clock);
  clock.pass(10'000);
  clock.wall += 7'200'000;
  const auto now = watch.now_ms();
  ASSERT_FALSE(now);
  EXPECT_EQ(now.error().code, Errc::clock_jump);
  EXPECT_EQ(now.error().text,
            "the wall clock shows 2026-03-01T02:00:10.000+08:00, 7200 s ahead of the boot-time clock since the start; "
            "no tick is written");
  clock.wall -= 7'200'000;
  EXPECT_TRUE(watch.now_ms());
}

TEST(ClockWatch, AClockSetBackGivesNoTime) {
  FakeClock clock;
  const ClockWatch watch(clock);
  clock.wall -= 60'001;
  ASSERT_FALSE(watch.now_ms());
  EXPECT_EQ(watch.now_ms().error().text,
            "the wall clock shows 2026-02-28T23:58:59.999+08:00, 60 s behind the boot-time clock since the start; no "
            "tick is written");
}

TEST(ClockWatch, AStartLongAfterTheLogsLastTickNeedsAPersonsWord) {
  FakeClock clock;
  const ClockWatch watch(clock);
  const std::int64_t thirty_days = 30LL * 86'400'000;
  EXPECT_TRUE(watch.check_start(clock.wall - thirty_days, false));
  const auto late = watch.check_start(clock.wall - thirty_days - 1, false);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::clock_jump);
  EXPECT_EQ(late.error().text,
            "the wall clock shows 2026-03-01T00:00:00.000+08:00, 30 days past the log's last tick, "
            "2026-01-29T23:59:59.999+08:00");
  EXPECT_TRUE(watch.check_start(clock.wall - thirty_days - 1, true));
}

TEST(ClockWatch, AStartBeforeTheLogsLastTickIsNeverAccepted) {
  FakeClock clock;
  const ClockWatch watch(clock);
  EXPECT_TRUE(watch.check_start(clock.wall + 60'000, false));
  EXPECT_FALSE(watch.check_start(clock.wall + 60'001, false));
  EXPECT_FALSE(watch.check_start(clock.wall + 60'001, true));
}

TEST(SystemClock, BootTimeAdvancesAndWallTimeIsOfThisCentury) {
  const std::int64_t before = system_clock().boot_ms();
  EXPECT_GT(before, 0);
  EXPECT_GE(system_clock().boot_ms(), before);
  EXPECT_GT(system_clock().wall_ms(), 1'700'000'000'000);
  EXPECT_TRUE(ClockWatch().now_ms());
}

TEST(BeijingTime, IsIsoWithMillisecondsAlsoBefore1970) {
  EXPECT_EQ(beijing_time(0), "1970-01-01T08:00:00.000+08:00");
  EXPECT_EQ(beijing_time(-28'800'001), "1969-12-31T23:59:59.999+08:00");
  EXPECT_EQ(beijing_time(1'772'294'400'123), "2026-03-01T00:00:00.123+08:00");
}

}  // namespace
}  // namespace qc::platform
