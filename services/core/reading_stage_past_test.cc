// Corrections of hours behind the horizon, one by one: what they publish is what the same correction in time would have
// left, signals go that they caused, and a record that does not fit is refused whole. In random prefectures:
// reading_stage_past_property_test.cc.
#include <gtest/gtest.h>

#include <tuple>

#include "core/judge_fixture.h"
#include "core/past_gather.h"

namespace qc::core {
namespace {

using fixture::kMinute;

// Ten days of 10 ug/m3 SO2, but for one hour far over every limit.
class PastAmendTest : public ::testing::Test {
 protected:
  static constexpr int kDays = 10;
  PastAmendTest() { play(run, kDays); }

  static std::shared_ptr<RuleSet> rules() {
    return judged_by({"hour_limit", "day_limit", "rolling_24h_over_limit", "aqi_level", "reading_over_limit"},
                     {Factor::SO2, Factor::PM25});
  }
  // Hour by hour; `at`: after so many hours a correction comes.
  void play(WindowsRun& r, int days, int at = -1, const Amend& amend = {}) {
    for (int h = 0; h < days * 24; ++h) {
      const EventTime hour = start + kHour * h;
      r.send(Factor::SO2, hour, 1, hour == high ? ug(5000) : ug(10));
      r.send(Factor::PM25, hour, 1, ug(20));
      r.close(hour + kHour);
      if (h == at) r.d.apply(amend);
    }
  }
  static Amend invalidate(EventTime hour) { return amendment(Amend::Action::Invalidate, Factor::SO2, hour); }
  static PastAmend gathered(const WindowsRun& r, const std::vector<Amend>& amends) {
    const auto its_rules = rules();
    PastGather gather(*its_rules, amends, r.d.stage->now());
    for (const Signal& s : r.d.signals) gather.take(s);
    for (const auto& of : gather.reading_hours()) {
      const auto first = std::find_if(r.d.means.begin(), r.d.means.end(), [&of](const Mean& m) {
        return m.factor == of.factor && m.window == Window::H1 && m.interval.start == of.hour;
      });
      gather.take(of, first->max);
    }
    for (const Mean& m : r.d.means) gather.take(m);
    return gather.finish();
  }
  std::string refusal(const PastAmend& past) {
    const std::size_t before = run.d.means.size() + run.d.signals.size();
    const auto& rejected = run.d.apply(past).rejected;
    EXPECT_EQ(run.d.means.size() + run.d.signals.size(), before) << "and yet it published";
    return rejected.empty() ? std::string() : rejected.front().detail;
  }

  // What a reader takes from the last revision of each window.
  static auto values(const WindowsRun& r) {
    std::map<std::tuple<Factor, Window, EventTime>,
             std::tuple<std::int64_t, bool, std::int64_t, int, int, bool, bool, std::vector<Factor>>>
        last;
    for (const Mean& m : r.d.means) {
      if (m.status == Status::Running) continue;  // says it with its next day
      last[{m.factor, m.window, m.interval.end}] = {m.value.pg, m.valid,   m.sum_pg,  m.count,
                                                    m.expected, m.exceeds, m.audited, m.primary};
    }
    return last;
  }
  static std::map<std::string, SignalState> states(const WindowsRun& r) {
    std::map<std::string, SignalState> last;
    for (const Signal& s : r.d.signals) last[s.id] = s.state;
    return last;
  }

  const EventTime start = beijing_midnight(2026, 3, 10);
  const EventTime high = start + kHour * 6;
  WindowsRun run{rules(), start};
};

TEST_F(PastAmendTest, LeavesWhatTheSameCorrectionInTimeWouldHaveLeft) {
  WindowsRun in_time(rules(), start);
  play(in_time, kDays, 30, invalidate(high));
  ASSERT_NE(values(run), values(in_time));
  EXPECT_TRUE(run.d.apply(gathered(run, {invalidate(high)})).rejected.empty());
  EXPECT_EQ(values(run), values(in_time));
  const auto gone = states(run);
  EXPECT_EQ(gone, states(in_time));
  for (const char* rule : {"hour_limit", "day_limit", "rolling_24h_over_limit", "aqi_level", "reading_over_limit"}) {
    const Signal* s = last_of(run.d, rule);
    ASSERT_NE(s, nullptr) << rule;
    EXPECT_EQ(s->state, SignalState::Withdrawn) << rule;
    EXPECT_EQ(s->reason, "amended by li: zero drift") << rule;
  }
  // What comes after goes on from what the stage holds, restored or not.
  run.d.restart();
  for (WindowsRun* r : {&run, &in_time}) r->send(Factor::SO2, start + kHour * 24 * kDays, 1, ug(600));
  for (WindowsRun* r : {&run, &in_time}) r->close(start + kHour * (24 * kDays + 1));
  EXPECT_EQ(values(run), values(in_time));
  EXPECT_EQ(states(run), states(in_time));
}

TEST_F(PastAmendTest, AnEpisodeThatReachesOverTheHorizonGoesToo) {
  // day_limit begins with the end of the first day and is cleared a day later: between 96 and 120 hours both lie on
  // different sides.
  WindowsRun late(rules(), start);
  play(late, 5);
  WindowsRun in_time(rules(), start);
  play(in_time, 5, 30, invalidate(high));
  EXPECT_TRUE(late.d.apply(gathered(late, {invalidate(high)})).rejected.empty());
  EXPECT_EQ(states(late), states(in_time));
  EXPECT_EQ(values(late), values(in_time));
  for (WindowsRun* r : {&late, &in_time}) r->close(start + kHour * 24 * 9);
  EXPECT_EQ(states(late), states(in_time));
}

TEST_F(PastAmendTest, ASignalThatAnotherHourHoldsUpStands) {
  WindowsRun two(rules(), start);
  for (int h = 0; h < kDays * 24; ++h) {
    const EventTime hour = start + kHour * h;
    two.send(Factor::SO2, hour, 1, hour == high || hour == high + kHour ? ug(5000) : ug(10));
    two.close(hour + kHour);
  }
  const auto before = states(two);
  EXPECT_TRUE(two.d.apply(gathered(two, {invalidate(high)})).rejected.empty());
  EXPECT_EQ(states(two), before) << "one episode, two hours";
  two.close(start + kHour * 24 * kDays + kMinute);
  EXPECT_TRUE(two.d.apply(gathered(two, {invalidate(high + kHour)})).rejected.empty());
  for (const auto& [id, state] : states(two)) {
    EXPECT_EQ(state, SignalState::Withdrawn) << id;
  }
}

TEST_F(PastAmendTest, AReplacedHourOverTheLimitIsPublishedAndRaisesNothing) {
  Amend replace = amendment(Amend::Action::Replace, Factor::SO2, high + kHour * 5, ug(900));
  replace.audited = true;
  const std::size_t signals = run.d.signals.size();
  EXPECT_TRUE(run.d.apply(gathered(run, {replace})).rejected.empty());
  const Mean* m = run.last(Factor::SO2, Window::H1, high + kHour * 6);
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->value, ug(900));
  EXPECT_TRUE(m->exceeds && m->audited);
  EXPECT_EQ(m->revision, 2);
  EXPECT_EQ(run.d.signals.size(), signals);
}

TEST_F(PastAmendTest, RestoredItIsWhatTheRecordSaysWasMeasured) {
  const auto before = values(run);
  const Mean measured = *run.last(Factor::SO2, Window::H1, high + kHour);
  run.d.apply(gathered(run, {invalidate(high)}));
  ASSERT_NE(values(run), before);
  run.close(start + kHour * 24 * kDays + kMinute);
  PastAmend past = gathered(run, {amendment(Amend::Action::Restore, Factor::SO2, high)});
  EXPECT_NE(refusal(past).find("what was measured at"), std::string::npos);
  past.measured.push_back(measured);
  EXPECT_TRUE(run.d.apply(past).rejected.empty());
  EXPECT_EQ(values(run), before);
}

TEST_F(PastAmendTest, ASecondRecordFromTheSameViewIsRefusedAndMadeAgainItIsTaken) {
  const PastAmend first = gathered(run, {invalidate(high)});
  const PastAmend second = gathered(run, {invalidate(high + kHour)});
  EXPECT_TRUE(run.d.apply(second).rejected.empty());
  EXPECT_NE(refusal(first).find("has changed since"), std::string::npos);
  run.close(start + kHour * 24 * kDays + kMinute);
  EXPECT_EQ(run.d.apply(gathered(run, {invalidate(high)})).rejected.size(), 0U);
}

TEST_F(PastAmendTest, WhatDoesNotFitIsRefusedWhole) {
  const PastAmend good = gathered(run, {invalidate(high)});
  const auto without = [&](auto unwanted) {
    PastAmend p = good;
    std::erase_if(p.means, unwanted);
    return p;
  };
  EXPECT_NE(refusal(without([&](const Mean& m) { return m.interval.start == high && m.window == Window::H1; })), "");
  EXPECT_NE(refusal(without([&](const Mean& m) { return m.interval.start == high + kHour && m.window == Window::H1; })),
            "")
      << "the day is not the sum of its hours then";
  PastAmend p = good;
  p.as_of = run.d.stage->now() + kMinute;
  EXPECT_NE(refusal(p), "") << "read in the future";
  p = good;
  p.as_of -= kHour * 25;
  EXPECT_NE(refusal(p), "") << "read long ago";
  p = good;
  p.site = p.amends[0].site = "X";
  EXPECT_NE(refusal(p), "");
  p = good;
  p.amends[0].factor = Factor::TSP;
  EXPECT_NE(refusal(p), "") << "not measured there";
  p = good;
  p.amends.push_back(invalidate(high - kHour * 24 * 40));
  EXPECT_NE(refusal(p), "") << "too far apart";
  p = good;
  p.amends.clear();
  EXPECT_NE(refusal(p), "");
  p = good;
  for (Mean& m : p.means) m.count = 721;
  EXPECT_NE(refusal(p), "");
  EXPECT_EQ(run.d.stage->ledger().in, kDays * 24 * 2) << "no reading was lost with them";
  EXPECT_TRUE(run.d.apply(good).rejected.empty()) << "and the good one is taken";
}

TEST_F(PastAmendTest, TheRecordIsTheFirstInputOfWhatItPublishes) {
  const Offset record = run.d.next_offset;
  run.d.apply(gathered(run, {invalidate(high)}));
  const Mean* m = run.last(Factor::SO2, Window::H1, high + kHour);
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->origin.offset, record);
  EXPECT_EQ(m->origin.first_offset, record) << "it brings along all that is needed to compute it";
}

}  // namespace
}  // namespace qc::core
