// What a late hour or a correction does to the windows that are longer than an hour: each that holds it and has another
// outcome is published again, as a revision of its own that says why.
#include <gtest/gtest.h>

#include <set>

#include "core/reading_stage_windows_fixture.h"

namespace qc::core {
namespace {

using fixture::kMinute;

constexpr std::string_view kByLi = "amended by li: zero drift";

Amend amendment(EventTime hour, Amend::Action action, Concentration value = {}) {
  Amend a;
  a.id = "A1";
  a.site = "S1";
  a.factor = Factor::PM25;
  a.interval = {hour, hour + kHour};
  a.action = action;
  a.value = value;
  a.reason = "zero drift";
  a.who = "li";
  return a;
}

// The last two days of 2025 and the first two of 2026, of 20 ug/m3, without 20:00 of 31 December.
class AmendedWindowsTest : public ::testing::Test {
 protected:
  static constexpr int kLateHour = 20;
  AmendedWindowsTest() {
    std::vector<Concentration> hours(96, ug(20));
    hours[24 + kLateHour] = kMissing;
    run.send(Factor::PM25, year_end - kDayLong * 2, hours);
    for (EventTime t = year_end - kDayLong * 2 + kHour; t <= year_end + kDayLong * 2; t += kHour) run.close(t);
    before = run.d.means.size();
  }
  // All rows since `before`, by window and end; each is the next revision of its window, with the reason.
  std::set<std::pair<Window, EventTime>> amended(Factor factor, std::string_view reason) {
    std::set<std::pair<Window, EventTime>> found;
    for (std::size_t i = before; i < run.d.means.size(); ++i) {
      const Mean& m = run.d.means[i];
      if (m.factor != factor || m.status == Status::Running) continue;
      EXPECT_EQ(m.status, Status::Amended) << fixture::text(m);
      EXPECT_EQ(m.reason, reason) << fixture::text(m);
      EXPECT_TRUE(found.insert({m.window, m.interval.end}).second) << "twice: " << fixture::text(m);
      int revision = 0;
      for (std::size_t j = 0; j < before; ++j) {
        const Mean& earlier = run.d.means[j];
        if (earlier.factor == factor && earlier.window == m.window && earlier.interval == m.interval) ++revision;
      }
      EXPECT_EQ(m.revision, revision + 1) << fixture::text(m);
    }
    return found;
  }
  std::set<std::pair<Window, EventTime>> all_that_hold_the_hour() const {
    std::set<std::pair<Window, EventTime>> all;
    all.insert({Window::H1, late + kHour});
    for (int h = 1; h <= 24; ++h) all.insert({Window::H24, late + kHour * h});
    all.insert({Window::Day, year_end});
    all.insert({Window::Month, year_end});
    all.insert({Window::Quarter, year_end});
    all.insert({Window::Year, year_end});
    return all;
  }

  const EventTime year_end = beijing_midnight(2026, 1, 1);
  const EventTime late = year_end - kDayLong + kHour * kLateHour;
  WindowsRun run{windows_rules({Factor::PM25}), year_end - kDayLong * 2};
  std::size_t before = 0;
};

TEST_F(AmendedWindowsTest, ALateHourChangesEveryWindowThatHoldsIt) {
  run.send(Factor::PM25, late, 1, ug(116));
  run.close(year_end + kDayLong * 2 + kMinute);
  EXPECT_EQ(amended(Factor::PM25, "late readings"), all_that_hold_the_hour());
  const Mean* day = run.last(Factor::PM25, Window::Day, year_end);
  EXPECT_EQ(day->value, ug(24)) << "(23 * 20 + 116) / 24";
  EXPECT_EQ(day->count, 24);
  EXPECT_EQ(day->max, ug(116));
  EXPECT_EQ(run.last(Factor::PM25, Window::H24, late + kHour * 24)->value, ug(24));
  EXPECT_EQ(run.last(Factor::PM25, Window::H24, late + kHour * 25)->value, ug(20));
  EXPECT_EQ(run.last(Factor::PM25, Window::H24, late + kHour * 25)->revision, 1);
  for (const Window w : {Window::Month, Window::Quarter, Window::Year}) {
    EXPECT_EQ(run.last(Factor::PM25, w, year_end)->value, ug(22)) << name(w) << ": of 20 and 24";
  }
  EXPECT_EQ(run.last(Factor::PM25, Window::Day, year_end + kDayLong)->status, Status::Closed) << "holds it not";
}

TEST_F(AmendedWindowsTest, TheIndicesMadeOfThoseWindowsFollowWithTheReason) {
  run.send(Factor::PM25, late, 1, ug(116));
  run.close(year_end + kDayLong * 2 + kMinute);
  // 2012: 20 -> 50 * 20 / 35 = 28.6, 24 -> 34.3; each of the 24 h windows changes.
  std::set<std::pair<Window, EventTime>> expected = {{Window::H1, late + kHour}, {Window::Day, year_end}};
  for (int h = 1; h <= 24; ++h) expected.insert({Window::H24, late + kHour * h});
  EXPECT_EQ(amended(Factor::AQI, "late readings"), expected);
  std::set<std::pair<Window, EventTime>> pm24;
  for (int h = 1; h <= 24; ++h) pm24.insert({Window::H1, late + kHour * h});
  EXPECT_EQ(amended(Factor::AQI_PM24, "late readings"), pm24);
  EXPECT_EQ(run.last(Factor::AQI, Window::Day, year_end)->value, ug(35));
  EXPECT_EQ(run.last(Factor::AQI_PM24, Window::H1, late + kHour * 24)->value, ug(35));
  EXPECT_EQ(run.last(Factor::AQI_PM24, Window::H1, late + kHour * 25)->value, ug(29));
}

TEST_F(AmendedWindowsTest, ACorrectionSaysItsReasonAndCanBeTakenBack) {
  run.d.apply(amendment(late, Amend::Action::Replace, ug(116)));
  run.close(year_end + kDayLong * 2 + kMinute);
  EXPECT_EQ(amended(Factor::PM25, kByLi), all_that_hold_the_hour());
  EXPECT_EQ(run.last(Factor::PM25, Window::Year, year_end)->value, ug(22));
  before = run.d.means.size();
  run.d.apply(amendment(late, Amend::Action::Restore));
  run.close(year_end + kDayLong * 2 + kMinute * 2);
  EXPECT_EQ(amended(Factor::PM25, kByLi), all_that_hold_the_hour());
  EXPECT_EQ(run.last(Factor::PM25, Window::Year, year_end)->value, ug(20));
  EXPECT_EQ(run.last(Factor::PM25, Window::Day, year_end)->count, 23);
}

TEST_F(AmendedWindowsTest, ACorrectionThatChangesNoOutcomePublishesNoLongerWindow) {
  run.d.apply(amendment(late - kHour, Amend::Action::Replace, ug(20)));
  run.close(year_end + kDayLong * 2 + kMinute);
  const std::set<std::pair<Window, EventTime>> expected = {{Window::H1, late}};
  EXPECT_EQ(amended(Factor::PM25, kByLi), expected) << "another source, the same mean";
}

TEST_F(AmendedWindowsTest, ADayThatLosesItsValidityLeavesTheMonth) {
  for (int h = 0; h < 4; ++h) run.d.apply(amendment(late - kHour * (h + 1), Amend::Action::Invalidate));
  run.close(year_end + kDayLong * 2 + kMinute);
  const Mean* day = run.last(Factor::PM25, Window::Day, year_end);
  EXPECT_EQ(day->count, 19);
  EXPECT_FALSE(day->valid);
  const Mean* month = run.last(Factor::PM25, Window::Month, year_end);
  EXPECT_EQ(month->count, 1);
  EXPECT_EQ(month->status, Status::Amended);
  EXPECT_EQ(month->reason, kByLi);
}

TEST_F(AmendedWindowsTest, SeveralLateHoursMakeOneRevisionOfAWindowATick) {
  for (int h = 1; h <= 3; ++h) run.d.apply(amendment(late - kHour * h, Amend::Action::Replace, ug(20 + h)));
  run.close(year_end + kDayLong * 2 + kMinute);
  const auto all = amended(Factor::PM25, kByLi);  // checks that none comes twice
  EXPECT_TRUE(all.contains({Window::Day, year_end}));
  EXPECT_EQ(run.last(Factor::PM25, Window::Day, year_end)->sum_pg, ug(23 * 20 + 1 + 2 + 3).pg);
}

// An hour whose series was not known when it closed: the windows that end with it are published then, for the first
// time.
TEST(AmendedWindows, AnHourThatIsPublishedLateBringsTheWindowsThatEndWithIt) {
  const EventTime day = beijing_midnight(2026, 3, 10);
  auto rules = windows_rules({Factor::PM25});
  WindowsRun run(rules, day);
  run.send(Factor::PM25, day, 6, ug(20));
  run.close(day + kHour * 6);
  EXPECT_EQ(run.last(Factor::PM10, Window::H24, day + kHour * 5), nullptr);
  run.send(Factor::PM10, day + kHour * 4, 1, ug(40));
  run.close(day + kHour * 6 + kMinute);
  const Mean* m = run.last(Factor::PM10, Window::H24, day + kHour * 5);
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->revision, 1);
  EXPECT_EQ(m->value, ug(40));
  EXPECT_EQ(m->count, 1);
  EXPECT_FALSE(m->valid);
  EXPECT_EQ(run.last(Factor::PM10, Window::H24, day + kHour * 6), nullptr) << "its last hour was not published";
}

}  // namespace
}  // namespace qc::core
