// What an hour behind the horizon is restored to: what the stage would have made of the same packets.
#include "qingchuan/amend_measured.h"

#include <gtest/gtest.h>

#include "core/testing.h"

namespace qc::commands {
namespace {

class MeasuredTest : public ::testing::Test {
 protected:
  MeasuredTest() { measured.want("S1", core::Factor::SO2, hour); }

  // Minutes of one value from the hour's minute `first` on.
  void send(int first, int count, std::int64_t value, std::int64_t stamp_ms, char flag = 'N') {
    wire::BatchBuilder builder;
    const core::EventTime start = hour + std::chrono::minutes(first);
    builder.begin("S1", core::receive_time(core::ms(hour) + 7'200'000), core::ms(hour) + stamp_ms, core::Source::Minute,
                  start, std::chrono::minutes(1));
    for (int i = 0; i < count; ++i) {
      builder.add(static_cast<std::size_t>(i), core::Factor::SO2, core::Unit::UgM3, {value, 0},
                  *core::parse_flag(flag));
    }
    measured.take(builder.finish());
  }
  bool tick(core::EventTime now) { return measured.take(wire::encode_tick(now)); }
  std::optional<core::Mean> made() const { return measured.hour("S1", core::Factor::SO2, hour); }

  const core::EventTime hour = core::beijing_midnight(2026, 3, 10);
  std::shared_ptr<const core::RuleSet> rules = core::test_rules_with_windows();
  Measured measured{*rules};
};

TEST_F(MeasuredTest, IsTheMeanOfThePacketsWithResendsAndMarks) {
  measured.begins_whole();
  send(0, 60, 10, 1000);
  send(0, 30, 20, 2000);    // sent again, later: it counts
  send(30, 30, 40, 500);    // sent again with an earlier stamp: it does not
  send(59, 1, 1900, 3000);  // beyond the instrument's range
  send(0, 1, 5, 4000, 'D');
  const auto m = made();
  ASSERT_TRUE(m);
  EXPECT_EQ(m->count, 59) << "the broken instrument's minute is none";
  EXPECT_EQ(m->sum_pg, (29 * 20 + 29 * 10 + 1900) * core::kMillion);
  EXPECT_EQ(m->max, core::ug(1900));
  EXPECT_TRUE(m->valid);
  EXPECT_EQ(m->source, core::Source::Minute);
  EXPECT_EQ(m->suspect, 1);
  EXPECT_TRUE(m->marks.has(core::Mark::Clipped));
  EXPECT_EQ(measured.greatest("S1", core::Factor::SO2, hour), core::ug(1900));
}

TEST_F(MeasuredTest, WhatCameTooLateIsLeftOut) {
  measured.begins_whole();
  send(0, 50, 10, 1000);
  EXPECT_TRUE(tick(hour + core::kHour * 8));  // slots_kept is 6 h
  send(0, 60, 90, 2000);
  ASSERT_TRUE(made());
  EXPECT_EQ(made()->max, core::ug(10));
  EXPECT_FALSE(tick(hour + core::kHour * 97)) << "nothing later can matter";
}

TEST_F(MeasuredTest, APartitionThatBeginsTooLateDoesNotTell) {
  EXPECT_FALSE(made()) << "no time, and its first record is gone";
  tick(hour + std::chrono::minutes(10));
  send(10, 50, 10, 1000);
  EXPECT_FALSE(made()) << "ten minutes may be gone";
  EXPECT_FALSE(measured.greatest("S1", core::Factor::SO2, hour));
}

TEST_F(MeasuredTest, AnHourWithoutPacketsIsNothing) {
  tick(hour - core::kHour * 2);
  ASSERT_TRUE(made());
  EXPECT_EQ(made()->count, 0);
  EXPECT_FALSE(made()->valid);
  EXPECT_EQ(made()->source, core::Source::None);
}

}  // namespace
}  // namespace qc::commands
