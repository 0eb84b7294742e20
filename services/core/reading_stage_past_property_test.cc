// Corrections of hours behind the horizon in random prefectures: each written from what was published alone
// (past_gather.h), days, months or more than a year after the hour. Whatever they are, the last published hours,
// windows and indices are those of a naive batch over the same readings and corrections, revisions count up without a
// gap, and nothing of the past stays in the state.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "core/past_gather.h"
#include "core/reading_stage_oracle_runs.h"

namespace qc::core {
namespace {

using namespace fixture;  // NOLINT(google-build-using-namespace): the test is about them

struct Made {
  int records = 0;
  int restored = 0;
  int far = 0;  // more than a year later
};

class PastRun {
 public:
  explicit PastRun(std::uint64_t seed)
      : world_(faulty_world(seed, {.jump = seed % 5 == 0, .windows = true})),
        timeline_(timeline(seed)),
        random_(seed),
        oracle_(*world_.rules, timeline_) {
    start(SavedState());
  }

  void run(ComparedWindows* compared, Made& made) {
    for (const Record& record : world_.log) {
      take(record);
      const auto* tick = std::get_if<Tick>(&record);
      if (tick == nullptr) continue;
      now_ = tick->now;
      if (random_() % 60 == 0) correct(made);
    }
    // Then nothing but corrections, from farther and farther away: the year is over in the end.
    for (const int days : {0, 3, 20, 200, 400}) {
      now_ += kHour * 24 * days + kMinute;
      take(Tick{now_});
      for (int i = 0; i < 2; ++i) {
        correct(made);
        made.far += days == 400 ? 1 : 0;
        now_ += kMinute;
        take(Tick{now_});
      }
    }
    compare_values(oracle_, published_, compared);
  }

 private:
  void start(const SavedState& state) {
    stage_ = std::make_unique<ReadingStage>([](std::string_view) { return true; });
    for (const auto& [key, bytes] : state) ASSERT_TRUE(stage_->load(key, bytes)) << key;
    stage_->use(world_.rules, state.empty() ? timeline_ : Timeline::None);
  }

  void take(const Record& record) {
    std::visit(
        [&](const auto& r) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(r)>, RulesRecord>) oracle_.read(r);
        },
        record);
    out_.clear();
    fixture::apply(*stage_, record, offset_++, out_);
    published_.take(out_);
  }

  // Some hours of one site that the stage no longer holds.
  void correct(Made& made) {
    std::vector<const Mean*> old;
    for (const auto& [key, m] : published_.means) {
      const bool hour = m.window == Window::H1 && !is_index(m.factor) && m.status != Status::Running;
      if (hour && now_ >= m.interval.end + world_.rules->horizons.hours_kept) old.push_back(&m);
    }
    if (old.empty()) return;
    const Mean* first = old[random_() % old.size()];
    std::vector<Amend> amends;
    for (int i = 0; i < 1 + static_cast<int>(random_() % 4); ++i) {
      const Mean* m = i == 0 ? first : old[random_() % old.size()];
      const auto apart = m->interval.start - first->interval.start;
      if (m->site != first->site || apart > kPastSpanMax / 3 || -apart > kPastSpanMax / 3) continue;
      Amend a;
      a.id = "P" + std::to_string(offset_);
      a.site = m->site;
      a.factor = m->factor;
      a.interval = m->interval;
      a.action = static_cast<Amend::Action>(1 + random_() % 3);
      a.value = {m->value.pg / 2 + static_cast<std::int64_t>(random_() % 1000) * kMillion / 4};
      a.audited = random_() % 3 == 0;
      a.reason = "checked";
      a.who = "li";
      amends.push_back(a);
    }
    apply(amends, made);
  }

  void apply(const std::vector<Amend>& amends, Made& made) {
    PastGather gather(*world_.rules, amends, now_);
    for (const auto& [id, s] : published_.signals) gather.take(s);
    for (const auto& [key, m] : published_.means) gather.take(m);
    PastAmend past = gather.finish();
    for (const Amend& a : amends) {
      if (a.action != Amend::Action::Restore) continue;
      const NaiveHour h = oracle_.measured({a.site, a.factor, a.interval.start});
      Mean m;
      m.factor = a.factor;
      m.window = Window::H1;
      m.interval = a.interval;
      m.valid = h.valid;
      m.sum_pg = h.sum;
      m.count = h.count;
      m.expected = h.count == 0 ? 60 : h.expected;
      m.min = {h.min};
      m.max = {h.max};
      m.source = h.source;
      m.suspect = h.suspect;
      if (h.beyond_range > 0) m.marks.add(Mark::Range);
      if (h.clipped > 0) m.marks.add(Mark::Clipped);
      past.measured.push_back(m);
      ++made.restored;
    }
    SavedState before;
    save_into(*stage_, state_);
    before = state_;
    out_.clear();
    stage_->apply(past, offset_++, out_);
    ASSERT_TRUE(out_.rejected.empty()) << out_.rejected.front().detail;
    published_.take(out_);
    for (const Amend& a : amends) oracle_.read_past(a);
    ++made.records;
    save_into(*stage_, state_);
    for (const auto& [key, bytes] : state_) ASSERT_TRUE(before.contains(key)) << "kept from the past: " << key;
    if (random_() % 3 == 0) start(state_);
  }

  World world_;
  Timeline timeline_;
  std::mt19937_64 random_;
  Oracle oracle_;
  std::unique_ptr<ReadingStage> stage_;
  SavedState state_;
  Published published_;
  Outputs out_;
  EventTime now_{};
  Offset offset_ = 0;
};

TEST(PastAmends, WhatStandsInTheEndIsThatOfABatchOverTheSameReadingsAndCorrections) {
  ComparedWindows compared;
  Made made;
  for_each_seed([&](std::uint64_t seed) {
    SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
    PastRun(seed).run(&compared, made);
  });
  if (::testing::Test::HasFailure() || std::getenv("QC_SEED") != nullptr || std::getenv("QC_SEEDS") != nullptr) return;
  EXPECT_GT(made.records, 1000);
  EXPECT_GT(made.restored, 300);
  EXPECT_GT(made.far, 300);
  for (const Window w :
       {Window::H8, Window::H24, Window::Day, Window::Mda8, Window::Month, Window::Quarter, Window::Year}) {
    EXPECT_GT((compared[{w, false}].amended), 0) << name(w);
  }
}

}  // namespace
}  // namespace qc::core
