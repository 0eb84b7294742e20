#include "core/time.h"

#include <gtest/gtest.h>

#include <random>

namespace qc::core {
namespace {

// 2016-01-02T03:04:05Z, counted by hand: 16802 days after the epoch.
constexpr std::int64_t kSample = (16'802LL * 86'400 + 3 * 3600 + 4 * 60 + 5) * 1000;

TEST(Time, HoursAreFlooredAlsoBefore1970) {
  EXPECT_EQ(ms(hour_of(event_time(3'600'000))), 3'600'000);
  EXPECT_EQ(ms(hour_of(event_time(7'199'999))), 3'600'000);
  EXPECT_EQ(ms(hour_of(event_time(-1))), -3'600'000);
  EXPECT_EQ(ms(hour_of(event_time(-3'600'000))), -3'600'000);
  EXPECT_EQ(ms(floor_to(event_time(299'999), std::chrono::minutes(5))), 0);
}

TEST(Time, MidnightInBeijingIsEightHoursBeforeUtcMidnight) {
  EXPECT_EQ(ms(beijing_midnight(1970, 1, 1)), -8 * 3'600'000);
  EXPECT_EQ(to_iso(beijing_midnight(2026, 3, 1)), "2026-03-01T00:00:00+08:00");
  EXPECT_EQ(beijing_midnight(2016, 3, 1) - beijing_midnight(2016, 2, 28), std::chrono::hours(48));  // a leap year
}

TEST(Time, IsoIsWrittenInBeijingTimeWithMillisecondsOnlyWhereThereAreSome) {
  EXPECT_EQ(to_iso(event_time(kSample)), "2016-01-02T11:04:05+08:00");
  EXPECT_EQ(to_iso(event_time(kSample + 250)), "2016-01-02T11:04:05.250+08:00");
  EXPECT_EQ(to_iso(event_time(-1)), "1970-01-01T07:59:59.999+08:00");
}

TEST(Time, EverIsWrittenAsTheFirstAndTheLastYear) {
  EXPECT_EQ(to_iso(EventTime::min()), "0000-01-01T00:00:00+08:00");
  EXPECT_EQ(to_iso(EventTime::max()), "9999-12-31T23:59:59.999+08:00");
}

TEST(Time, ParseReadsEveryAcceptedForm) {
  const auto at = [](std::string_view text) { return parse_iso(text); };
  EXPECT_EQ(at("2016-01-02T03:04:05Z"), event_time(kSample));
  EXPECT_EQ(at("2016-01-02T11:04:05+08:00"), event_time(kSample));
  EXPECT_EQ(at("2016-01-02 11:04:05"), event_time(kSample));
  EXPECT_EQ(at("2016-01-02T11:04:05"), event_time(kSample));
  EXPECT_EQ(at("2016-01-02 11:04"), event_time(kSample - 5000));
  EXPECT_EQ(at("2016-01-01T21:34-05:30"), event_time(kSample - 5000));
  EXPECT_EQ(at("2016-01-02T03:04:05.2Z"), event_time(kSample + 200));
  EXPECT_EQ(at("2016-01-02T03:04:05.25Z"), event_time(kSample + 250));
  EXPECT_EQ(at("2016-01-02 11:04:05.007"), event_time(kSample + 7));
  EXPECT_EQ(at("2016-02-29 00:00"), beijing_midnight(2016, 2, 29));
  EXPECT_EQ(at("1969-12-31T23:59:59.999Z"), event_time(-1));
}

TEST(Time, ParseRefusesEverythingElse) {
  for (const char* text : {"",
                           "2016-01-02",
                           "2016-13-02 03:04",
                           "2016-00-02 03:04",
                           "2016-01-32 03:04",
                           "2015-02-29 03:04",
                           "2016-04-31 03:04",
                           "2016-01-00 03:04",
                           "2016-01-02 24:00",
                           "2016-01-02 24:00:00",
                           "2016-01-02 25:00",
                           "2016-01-02 03:60",
                           "2016-01-02 03:04:60",
                           "2016-01-02 03",
                           "2016-01-02 03:04.5",
                           "2016-01-02 03:04:05.",
                           "2016-01-02 03:04:05.1234",
                           "2016-01-02 03:04:05,5",
                           "2016-01-02T03:04:05+0800",
                           "2016-01-02T03:04:05+08",
                           "2016-01-02T03:04:05+08:60",
                           "2016-01-02T03:04:05+14:01",
                           "2016-01-02T03:04:05+15:00",
                           "2016-01-02T03:04:05z",
                           "2016-01-02T03:04:05Z ",
                           " 2016-01-02T03:04:05Z",
                           "2016-01-02t03:04:05",
                           "2016-01-02  03:04",
                           "2016/01/02 03:04",
                           "2016-1-2 03:04",
                           "16-01-02 03:04",
                           "20160102T030405Z",
                           "2016-W01-2T03:04",
                           "-016-01-02 03:04",
                           "2016-01-02 +3:04",
                           "2016-01-02 03:04:05 +08:00"}) {
    EXPECT_FALSE(parse_iso(text).has_value()) << text;
  }
}

TEST(Time, WhatIsWrittenIsReadBackUnchanged) {
  std::mt19937_64 random(20151208);
  std::uniform_int_distribution<std::int64_t> instants(ms(beijing_midnight(1, 1, 1)),
                                                       ms(beijing_midnight(9999, 12, 31)));
  for (int i = 0; i < 10'000; ++i) {
    const EventTime t = event_time(instants(random));
    ASSERT_EQ(parse_iso(to_iso(t)), t) << ms(t);
  }
}

}  // namespace
}  // namespace qc::core
