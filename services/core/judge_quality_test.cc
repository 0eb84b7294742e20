// The natural faults of the data are marked as what they are, and still count and still alert.
#include <gtest/gtest.h>

#include "core/hour.h"
#include "core/judge_fixture.h"
#include "core/site.h"

namespace qc::core {
namespace {

const EventTime kStart = beijing_midnight(2015, 12, 7);

TEST(JudgeQuality, AReadingThatIsImplausibleIsStoredWithAMarkAndCountedAsThat) {
  Driver d(judged_by({"suspect_range", "suspect_clipped"}, {Factor::PM25}));
  d.tick(kStart);
  std::vector<Concentration> values = same(60, ug(100));
  values[3] = ug(0);     // below what is plausible
  values[4] = ug(999);   // where the instrument ends
  values[5] = ug(1600);  // and above all belief, too
  d.apply(minutes("S1", Factor::PM25, kStart, values));
  EXPECT_EQ(d.count(Account::Stored), 57);
  EXPECT_EQ(d.count(Account::Suspect), 3);
  d.apply(minutes("S1", Factor::PM25, kStart, values));
  EXPECT_EQ(d.count(Account::Suspect), 3);
  EXPECT_EQ(d.count(Account::Duplicate), 60);
  EXPECT_TRUE(d.stage->ledger().balanced());
  d.restart();
  d.tick(kStart + kHour + kMinute * 10);
  const Mean* m = d.last("S1", Factor::PM25, kStart);
  for (const Mean& x : d.means) {
    if (x.factor == Factor::PM25 && x.window == Window::H1) m = &x;
  }
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->window, Window::H1);
  EXPECT_EQ(m->count, 60) << "they count";
  EXPECT_EQ(m->max, ug(1600));
  EXPECT_EQ(m->suspect, 3);
  EXPECT_TRUE(m->marks.has(Mark::Range));
  EXPECT_TRUE(m->marks.has(Mark::Clipped));
  EXPECT_FALSE(m->marks.has(Mark::Stuck));
  EXPECT_EQ(said(d), (Lines{"suspect_range/S1/PM2.5/1@1 1h 1 active: began",
                            "suspect_clipped/S1/PM2.5/2@1 1h 1 active: began"}));
  EXPECT_EQ(d.signals[0].value.pg, 2 * kMillion);
  EXPECT_EQ(d.signals[1].value.pg, 2 * kMillion);
  EXPECT_EQ(d.signals[1].unit, Unit::Count);
  EXPECT_EQ(d.signals[1].marks, m->marks);
  EXPECT_EQ(d.signals[1].origin.first_offset, 101);
  EXPECT_EQ(d.signals[1].count, 60);
  d.apply(minutes("S1", Factor::PM25, kStart + kHour, same(60, ug(100))));
  d.tick(kStart + kHour * 2 + kMinute * 10);
  EXPECT_EQ(said(d).back(), "suspect_clipped/S1/PM2.5/2@2 1h 1 cleared: cleared");
}

TEST(JudgeQuality, AMarkOfTheHourOutlivesItsMinutes) {
  Driver d(judged_by({"suspect_clipped"}, {Factor::PM25}));
  d.tick(kStart);
  d.apply(minutes("S1", Factor::PM25, kStart, same(50, ug(999))));
  for (int h = 1; h < 12; ++h) d.tick(kStart + kHour * h + kMinute * 10);  // sealed
  d.restart();
  d.apply(hour_data("S1", Factor::PM25, kStart, ug(998)));
  d.tick(kStart + kHour * 12);
  EXPECT_EQ(d.last("S1", Factor::PM25, kStart)->suspect, 0) << "the hour's own value has no mark";
  EXPECT_EQ(said(d).back(), "suspect_clipped/S1/PM2.5/1@3 1h 1 withdrawn: late readings") << "stale before";
  d.apply(amendment(Amend::Action::Invalidate, Factor::PM25, kStart));
  d.tick(kStart + kHour * 12 + kMinute);
  EXPECT_EQ(d.signals.size(), 3U);
}

TEST(JudgeQuality, ASuspectReadingStillAlertsAndSaysThatItIs) {
  auto rules = std::make_shared<RuleSet>(*test_rules_with_windows());
  Driver d(rules);
  d.tick(kEight);
  d.apply(minutes("S1", Factor::NO2, kEight, {ug(1100)}));
  ASSERT_EQ(d.signals.size(), 1U);
  EXPECT_EQ(d.signals[0].rule, "reading_over_limit");
  EXPECT_TRUE(d.signals[0].marks.has(Mark::Range));
  EXPECT_TRUE(d.signals[0].marks.has(Mark::Clipped));
  EXPECT_EQ(d.signals[0].unit, Unit::UgM3);
  EXPECT_EQ(d.signals[0].origin.first_offset, d.signals[0].origin.offset);
}

TEST(JudgeQuality, AValueThatStandsStillForHoursIsStuck) {
  WindowsRun run(judged_by({"suspect_stuck"}, {Factor::PM25}), kStart);
  run.send(Factor::PM25, kStart, 1, ug(40));
  run.send(Factor::PM25, kStart + kHour, 13, ug(42));
  run.send(Factor::PM25, kStart + kHour * 14, 1, {42 * kMillion + 1});
  std::vector<bool> stuck;
  for (int h = 1; h <= 15; ++h) {
    run.close(kStart + kHour * h);
    for (const Mean& m : run.d.out.means) {
      const bool hour = m.window == Window::H1 && m.factor == Factor::PM25 && m.status == Status::Closed;
      if (hour) stuck.push_back(m.marks.has(Mark::Stuck));
    }
    run.d.restart();
  }
  std::vector<bool> wanted(15, false);
  std::fill(wanted.begin() + 6, wanted.begin() + 14, true);  // from the sixth equal hour on
  EXPECT_EQ(stuck, wanted);
  EXPECT_EQ(said(run.d),
            (Lines{"suspect_stuck/S1/PM2.5/1@1 1h 1 active: began", "suspect_stuck/S1/PM2.5/1@2 1h 2 active: level up",
                   "suspect_stuck/S1/PM2.5/1@3 1h 2 cleared: cleared"}));
  EXPECT_EQ(run.d.signals[0].at, kStart + kHour * 7);
  EXPECT_EQ(run.d.signals[0].value.pg, 6 * kMillion);
  EXPECT_EQ(run.d.signals[0].unit, Unit::Hours);
  EXPECT_TRUE(run.d.signals[0].marks.has(Mark::Stuck));
  EXPECT_EQ(run.d.signals[1].at, kStart + kHour * 13);
  EXPECT_EQ(run.d.signals[2].at, kStart + kHour * 15);
}

TEST(JudgeQuality, EqualMeansOfUnequalReadingsAreNotStuck) {
  Driver d(judged_by({"suspect_stuck"}, {Factor::PM25}));
  d.tick(kStart);
  std::vector<Concentration> values = same(60, ug(42));
  values[0] = ug(41);
  values[1] = ug(43);
  for (int h = 0; h < 10; ++h) {
    d.apply(minutes("S1", Factor::PM25, kStart + kHour * h, values));
    d.tick(kStart + kHour * (h + 1) + kMinute * 10);
  }
  EXPECT_EQ(said(d), Lines{});
}

TEST(JudgeQuality, ACorrectedHourInTheMiddleEndsTheStuckRun) {
  WindowsRun run(judged_by({"suspect_stuck"}, {Factor::PM25}), kStart);
  run.send(Factor::PM25, kStart, 8, ug(42));
  run.close(kStart + kHour * 8);
  ASSERT_EQ(said(run.d), (Lines{"suspect_stuck/S1/PM2.5/1@1 1h 1 active: began"}));
  run.d.apply(amendment(Amend::Action::Replace, Factor::PM25, kStart + kHour * 3, ug(43)));
  run.close(kStart + kHour * 8 + kMinute);
  EXPECT_EQ(said(run.d).back(), "suspect_stuck/S1/PM2.5/1@2 1h 1 withdrawn: amended by li: zero drift");
}

TEST(JudgeQuality, PM25AbovePM10IsInvertedAndBothAreMarked) {
  WindowsRun run(judged_by({"suspect_inverted"}, {Factor::PM25, Factor::PM10}), kStart);
  run.send(Factor::PM25, kStart, {ug(50), ug(60), ug(61), ug(50)});
  run.send(Factor::PM10, kStart, {ug(50), ug(50), ug(50), ug(90)});
  run.close(kStart + kHour * 4);
  std::vector<int> inverted;
  for (const Mean& m : run.d.means) {
    if (m.window == Window::H1 && m.factor != Factor::AQI && m.factor != Factor::AQI_PM24 && m.count > 0) {
      inverted.push_back(m.marks.has(Mark::Inverted) ? 1 : 0);
    }
  }
  EXPECT_EQ(inverted, (std::vector<int>{0, 0, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(said(run.d), (Lines{"suspect_inverted/S1/PM2.5/1@1 1h 1 active: began",
                                "suspect_inverted/S1/PM2.5/1@2 1h 1 cleared: cleared"}));
  EXPECT_EQ(run.d.signals[0].value, ug(11)) << "10 is not over 10";
  EXPECT_EQ(run.d.signals[0].limit, ug(10));
  EXPECT_EQ(run.d.signals[0].unit, Unit::UgM3);
  EXPECT_EQ(run.d.signals[1].value, ug(-40));
}

TEST(JudgeQuality, WithoutAConfiguredCheckNothingIsMarked) {
  auto rules = judged_by({"suspect_range", "suspect_stuck"}, {Factor::PM25, Factor::PM10});
  rules->checks.clear();
  rules->prepare();
  WindowsRun run(rules, kStart);
  run.send(Factor::PM25, kStart, 10, ug(2000));
  run.send(Factor::PM10, kStart, 10, ug(2));
  run.close(kStart + kHour * 10);
  EXPECT_EQ(said(run.d), Lines{});
  EXPECT_EQ(run.d.count(Account::Suspect), 0);
  for (const Mean& m : run.d.means) EXPECT_FALSE(m.marks.any());
}

TEST(JudgeQuality, OtherRulesMarkWhatComesAfterThem) {
  auto rules = judged_by({}, {Factor::PM25});
  Driver d(rules);
  d.tick(kStart);
  d.apply(minutes("S1", Factor::PM25, kStart, {ug(500)}));
  auto stricter = std::make_shared<RuleSet>(*rules);
  stricter->hash = "00000000000000f7";
  stricter->checks[0].high = ug(400);
  stricter->prepare();
  d.use(stricter);
  d.apply(minutes("S1", Factor::PM25, kStart + kMinute, {ug(500)}));
  EXPECT_EQ(d.count(Account::Stored), 1);
  EXPECT_EQ(d.count(Account::Suspect), 1);
}

// ---- bytes --------------------------------------------------------------------------------------------------------

TEST(SumsBytes, WithoutMarksAreThoseOfVersion1AndWithThemComeBack) {
  Sums plain;
  for (int i = 0; i < 60; ++i) plain.add(Slot::of(i, ug(i), Flag::Normal));
  std::string bytes;
  ByteWriter w(bytes);
  write_sums(w, plain);
  std::string version_1;
  ByteWriter v1(version_1);
  v1.u64(60);
  v1.i64(plain.sum_pg);
  v1.i64(plain.min_pg);
  v1.i64(plain.max_pg);
  EXPECT_EQ(bytes, version_1);
  ByteReader in(bytes);
  EXPECT_EQ(read_sums(in, 60), plain);
  EXPECT_TRUE(in.done());

  Sums marked = plain;
  Slot slot = Slot::of(1, ug(2000), Flag::Normal);
  slot.key |= Slot::kRange | Slot::kClipped;
  marked.add(slot);
  EXPECT_EQ(marked.suspect, 1U);
  bytes.clear();
  write_sums(w, marked);
  ByteReader again(bytes);
  EXPECT_EQ(read_sums(again, 720), marked);
  EXPECT_TRUE(again.done());
  ByteReader too_many(bytes);
  read_sums(too_many, 60);
  EXPECT_FALSE(too_many.ok()) << "more than the hour has slots";
}

TEST(SiteBytes, AConditionOfVersion1IsOneOverHours) {
  // The header of a site as version 1 wrote it, with one open condition.
  std::string bytes;
  ByteWriter w(bytes);
  w.u8(1);
  w.u8(0);
  for (const char* text : {"S1", "S1", "C", "P"}) w.text(text);
  w.u8(static_cast<std::uint8_t>(SiteKind::Evaluation));
  w.u8(static_cast<std::uint8_t>(AreaClass::Class2));
  w.i64(5);
  w.time_or(EventTime::min(), EventTime::min());
  w.u64(0);  // series
  w.u64(1);
  w.text("hour_limit");
  w.u8(static_cast<std::uint8_t>(Factor::NO2));
  const auto track = [&](bool open) {
    w.u8(open ? 1 : 0);
    w.u8(0);
    for (int i = 0; i < 5; ++i) w.time_or(EventTime::max(), EventTime::max());
    w.u8(1);
    w.i64(ug(200).pg);
    w.i64(ug(200).pg);
    for (int i = 0; i < 4; ++i) w.i64(kHour.count());
    w.text("GB 3095-2012 table 1");
    w.u64(open ? 1 : 0);
    if (!open) return;
    w.i64(4);
    w.i64(1);
    w.time(kEight);
    w.time(kEight);
    w.u8(static_cast<std::uint8_t>(SignalState::Active));
    w.u8(1);
    w.u8(1);
    w.i64(ug(300).pg);
    w.i64(ug(200).pg);
    w.time(kEight - kHour);
    w.time(kEight);
    w.i64(60);
    w.i64(60);
    w.text("GB 3095-2012 table 1");
    w.text("began");
  };
  track(true);
  track(false);
  for (const EventTime t : {kEight - kHour, kEight, kEight - kHour}) w.time(t);
  w.u64(0);  // conditions over readings
  Site site;
  ASSERT_TRUE(site.read(bytes));
  ASSERT_EQ(site.conditions.size(), 1U);
  const Watch wanted{SignalKind::HourLimit, Mark::None, Factor::NO2, Window::H1};
  EXPECT_EQ(site.conditions[0].watch, wanted);
  EXPECT_TRUE(site.conditions[0].track.open());
  // Written again it is of today's version, and says the same.
  std::string now;
  site.write(now);
  EXPECT_EQ(now[0], static_cast<char>(kSiteVersion));
  Site copy;
  ASSERT_TRUE(copy.read(now));
  EXPECT_EQ(copy.conditions[0].watch, wanted);
  EXPECT_EQ(copy.conditions[0].track.episodes()[0].value, ug(300).pg);
}

}  // namespace
}  // namespace qc::core
