#include "core/condition.h"

#include <gtest/gtest.h>

#include <random>

namespace qc::core {
namespace {

constexpr Duration kH = std::chrono::hours(1);
constexpr EventTime kStart = event_time(1'448'900'000'000);

// Three levels, 100, 200 and 300, with a dead-band of 10 %.
SignalRule three_levels() {
  SignalRule rule{.id = "r", .kind = SignalKind::AqiLevel, .clause = "c", .on = {{100}, {200}, {300}}};
  rule.dead_band_percent = 10;
  rule.no_data = 3 * kH;
  rule.stale_max = 10 * kH;
  return rule;
}

Observation seen(int hour, std::optional<std::int64_t> value) {
  Observation o;
  o.at = kStart + kH * hour;
  o.pg = value;
  o.interval = {o.at - kH, o.at};
  return o;
}

class Machine {
 public:
  explicit Machine(const SignalRule& rule) : criteria(make_criteria(rule, rule.on, rule.clause)) {}
  // The next hour: its value, or nothing.
  bool step(std::optional<std::int64_t> value) { return track.step(&criteria, seen(hour++, value)); }
  const Episode& last() const { return track.episodes().back(); }

  Criteria criteria;
  Track track;
  int hour = 0;
};

TEST(Condition, AValueAtTheLimitIsNotOverIt) {
  Machine m(three_levels());
  EXPECT_FALSE(m.step(100));
  EXPECT_TRUE(m.track.normal());
  EXPECT_TRUE(m.step(101));
  EXPECT_EQ(m.last().state, SignalState::Active);
  EXPECT_EQ(m.last().level, 1);
  EXPECT_EQ(m.last().limit, 100);
  EXPECT_EQ(m.last().value, 101);
  EXPECT_EQ(m.last().began, kStart + kH);
  EXPECT_EQ(m.last().reason, "began");
}

TEST(Condition, TheDeadBandHoldsAnEpisodeUntilTheValueIsAtItsLowerEdge) {
  Machine m(three_levels());
  m.step(101);
  EXPECT_FALSE(m.step(100));
  EXPECT_FALSE(m.step(91));
  EXPECT_TRUE(m.track.open());
  EXPECT_TRUE(m.step(90));
  EXPECT_EQ(m.last().state, SignalState::Cleared);
  EXPECT_EQ(m.last().level, 1) << "an ended episode keeps the level that it had";
  EXPECT_TRUE(m.track.normal());
}

TEST(Condition, WithoutADeadBandAValueAtTheLimitEndsTheEpisode) {
  SignalRule rule = three_levels();
  rule.dead_band_percent = 0;
  Machine m(rule);
  m.step(101);
  EXPECT_TRUE(m.step(100));
  EXPECT_EQ(m.last().state, SignalState::Cleared);
}

TEST(Condition, ItBeginsOnlyOnceTheValueHasBeenOverForHoldOn) {
  SignalRule rule = three_levels();
  rule.hold_on = 2 * kH;
  Machine m(rule);
  EXPECT_FALSE(m.step(150));
  EXPECT_FALSE(m.track.normal());
  EXPECT_FALSE(m.track.open());
  EXPECT_FALSE(m.step(150));
  EXPECT_FALSE(m.step(100)) << "back at the limit: what was pending is dropped";
  EXPECT_TRUE(m.track.normal());
  EXPECT_FALSE(m.step(150));
  EXPECT_FALSE(m.step(150));
  EXPECT_TRUE(m.step(150));
  EXPECT_EQ(m.last().began, kStart + kH * 5);
}

TEST(Condition, EachLevelIsHeldForItself) {
  SignalRule rule = three_levels();
  rule.hold_on = 2 * kH;
  Machine m(rule);
  m.step(150);
  m.step(250);
  EXPECT_TRUE(m.step(250));
  EXPECT_EQ(m.last().level, 1);
  EXPECT_TRUE(m.step(250));
  EXPECT_EQ(m.last().level, 2);
  EXPECT_EQ(m.last().limit, 200);
}

TEST(Condition, LevelsGoUpSeveralAtOnceAndComeDownToTheOneThatHolds) {
  Machine m(three_levels());
  EXPECT_TRUE(m.step(301));
  EXPECT_EQ(m.last().level, 3);
  EXPECT_TRUE(m.step(150));
  EXPECT_EQ(m.last().level, 1);
  EXPECT_EQ(m.last().level_max, 3);
  EXPECT_EQ(m.last().reason, "level down");
  EXPECT_TRUE(m.step(201));
  EXPECT_EQ(m.last().level, 2);
  EXPECT_EQ(m.last().reason, "level up");
  EXPECT_FALSE(m.step(181)) << "above off[2]";
  EXPECT_TRUE(m.step(180));
  EXPECT_EQ(m.last().level, 1);
  EXPECT_TRUE(m.step(10));
  EXPECT_EQ(m.last().state, SignalState::Cleared);
  EXPECT_EQ(m.track.episodes().size(), 1U) << "it was one episode";
}

TEST(Condition, OneLevelDownWhereTheNextOneIsHeldByItsDeadBand) {
  Machine m(three_levels());
  m.step(301);
  EXPECT_TRUE(m.step(195));
  EXPECT_EQ(m.last().level, 2);
}

TEST(Condition, RecoveringLastsHoldOffAndReturnsSilently) {
  SignalRule rule = three_levels();
  rule.hold_off = 2 * kH;
  Machine m(rule);
  m.step(150);
  EXPECT_FALSE(m.step(50));
  EXPECT_FALSE(m.step(50));
  EXPECT_FALSE(m.step(95)) << "above off again: nobody is told";
  EXPECT_FALSE(m.step(50));
  EXPECT_FALSE(m.step(50));
  EXPECT_TRUE(m.step(50));
  EXPECT_EQ(m.last().state, SignalState::Cleared);
  EXPECT_EQ(m.last().at, kStart + kH * 6);
}

TEST(Condition, NoDataMakesItStaleHoldsTheLevelAndNeverClearsIt) {
  Machine m(three_levels());
  m.step(250);
  EXPECT_FALSE(m.step(std::nullopt));
  EXPECT_FALSE(m.step(std::nullopt));
  EXPECT_TRUE(m.step(std::nullopt));
  EXPECT_EQ(m.last().state, SignalState::Stale);
  EXPECT_EQ(m.last().level, 2);
  EXPECT_EQ(m.last().value, 250) << "the last value stands as evidence";
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(m.step(std::nullopt));
  EXPECT_TRUE(m.track.open());
  EXPECT_TRUE(m.step(std::nullopt));
  EXPECT_EQ(m.last().state, SignalState::EndedNoData);
  EXPECT_EQ(m.last().at, kStart + kH * 10);
  EXPECT_EQ(m.last().level, 2);
  EXPECT_TRUE(m.step(250)) << "later data begin a new episode";
  EXPECT_EQ(m.track.episodes().size(), 2U);
}

TEST(Condition, ReturnedDataEndStaleness) {
  Machine m(three_levels());
  m.step(150);
  for (int i = 0; i < 3; ++i) m.step(std::nullopt);
  EXPECT_TRUE(m.step(150));
  EXPECT_EQ(m.last().state, SignalState::Active);
  EXPECT_EQ(m.last().reason, "data returned");
  for (int i = 0; i < 3; ++i) m.step(std::nullopt);
  EXPECT_TRUE(m.step(250));
  EXPECT_EQ(m.last().reason, "level up");
  for (int i = 0; i < 3; ++i) m.step(std::nullopt);
  EXPECT_TRUE(m.step(0));
  EXPECT_EQ(m.last().state, SignalState::Cleared);
}

TEST(Condition, SilenceHoldsNothingThatWaits) {
  SignalRule rule = three_levels();
  rule.hold_on = kH;
  rule.hold_off = kH;
  Machine pending(rule);
  pending.step(150);
  for (int i = 0; i < 3; ++i) pending.step(std::nullopt);
  EXPECT_TRUE(pending.track.normal());
  EXPECT_FALSE(pending.step(150)) << "it waits anew";

  Machine rising(rule);
  rising.step(150);
  rising.step(150);
  rising.step(250);
  for (int i = 0; i < 3; ++i) rising.step(std::nullopt);
  EXPECT_TRUE(rising.step(250));
  EXPECT_EQ(rising.last().reason, "data returned") << "the second level waits anew";
  EXPECT_EQ(rising.last().level, 1);

  Machine recovering(rule);
  recovering.step(150);
  recovering.step(150);
  recovering.step(50);
  for (int i = 0; i < 3; ++i) recovering.step(std::nullopt);
  EXPECT_TRUE(recovering.step(50));
  EXPECT_EQ(recovering.last().reason, "data returned") << "one value after the silence doesn't clear it";
  EXPECT_TRUE(recovering.step(50));
  EXPECT_EQ(recovering.last().state, SignalState::Cleared);
}

TEST(Condition, AShortSilenceKeepsWhatIsPending) {
  SignalRule rule = three_levels();
  rule.hold_on = 3 * kH;
  Machine m(rule);
  m.step(150);
  m.step(std::nullopt);
  m.step(std::nullopt);
  EXPECT_TRUE(m.step(150));
}

TEST(Condition, AnEpisodeKeepsTheCriteriaItBeganWith) {
  Machine m(three_levels());
  m.step(150);
  SignalRule stricter = three_levels();
  stricter.on = {{10}, {20}, {30}};
  stricter.clause = "new";
  m.criteria = make_criteria(stricter, stricter.on, stricter.clause);
  EXPECT_FALSE(m.step(120)) << "level 1 by the old criteria";
  EXPECT_EQ(m.last().clause, "c");
  EXPECT_TRUE(m.step(90));
  EXPECT_EQ(m.last().state, SignalState::Cleared);
  EXPECT_TRUE(m.step(25)) << "the next one is judged by the new";
  EXPECT_EQ(m.last().level, 2);
  EXPECT_EQ(m.last().clause, "new");
}

TEST(Condition, WithoutALimitNothingBeginsAndNothingWaitsButWhatIsOpenGoesOn) {
  SignalRule rule = three_levels();
  rule.hold_on = kH;
  Machine m(rule);
  EXPECT_FALSE(m.track.step(nullptr, seen(0, 1000)));
  m.track.step(&m.criteria, seen(1, 150));
  m.track.step(nullptr, seen(2, 150));
  EXPECT_TRUE(m.track.normal());
  m.track.step(&m.criteria, seen(3, 150));
  m.track.step(&m.criteria, seen(4, 150));
  ASSERT_TRUE(m.track.open());
  EXPECT_TRUE(m.track.step(nullptr, seen(5, 10)));
  EXPECT_EQ(m.last().state, SignalState::Cleared);
}

TEST(Condition, ARuleWithFewerLevelsNeverReachesMore) {
  SignalRule rule = three_levels();
  rule.on = {{100}};
  Machine m(rule);
  m.step(100'000);
  EXPECT_EQ(m.last().level, 1);
}

// ---- corrections --------------------------------------------------------------------------------------------------

struct Story {
  std::int64_t next_number = 1;
  Track track;

  static Track fold(const std::vector<std::optional<std::int64_t>>& values) {
    Machine m(three_levels());
    for (const auto& v : values) m.step(v);
    return m.track;
  }
  void publish(const std::vector<std::optional<std::int64_t>>& values) {
    track = fold(values);
    for (Episode& e : track.episodes()) {
      e.number = next_number++;
      e.revision = 1;
    }
  }
  std::vector<Episode> correct(const std::vector<std::optional<std::int64_t>>& values) {
    Track folded = fold(values);
    const auto changed = reconcile(track.episodes(), folded, next_number, kStart + kH * 100, "late readings");
    track = folded;
    std::vector<Episode> told;
    for (const std::size_t i : changed) told.push_back(track.episodes()[i]);
    return told;
  }
};

TEST(Reconcile, ACorrectionThatChangesNoOutcomeIsNotTold) {
  Story s;
  s.publish({50, 150, 150, 50});
  EXPECT_TRUE(s.correct({60, 160, 130, 20}).empty());
  EXPECT_EQ(s.track.episodes().size(), 1U);
  EXPECT_EQ(s.track.episodes()[0].number, 1);
  EXPECT_EQ(s.track.episodes()[0].revision, 1);
}

TEST(Reconcile, AnEpisodeThatNeverWasIsWithdrawn) {
  Story s;
  s.publish({50, 150, 50});
  const auto told = s.correct({50, 80, 50});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].number, 1);
  EXPECT_EQ(told[0].revision, 2);
  EXPECT_EQ(told[0].state, SignalState::Withdrawn);
  EXPECT_EQ(told[0].reason, "late readings");
  EXPECT_TRUE(s.correct({50, 80, 50}).empty()) << "said once";
}

TEST(Reconcile, AnOpenEpisodeThatNeverWasIsWithdrawn) {
  Story s;
  s.publish({50, 150, 150});
  const auto told = s.correct({50, 80, 80});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].state, SignalState::Withdrawn);
  EXPECT_TRUE(s.track.normal());
}

TEST(Reconcile, ARestoredEpisodeGetsItsOldIdBack) {
  Story s;
  s.publish({50, 150, 50});
  s.correct({50, 80, 50});
  const auto told = s.correct({50, 150, 50});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].number, 1);
  EXPECT_EQ(told[0].revision, 3);
  EXPECT_EQ(told[0].state, SignalState::Cleared);
  EXPECT_EQ(s.track.episodes().size(), 1U);
}

TEST(Reconcile, AMovedEndIsANewRevisionOfTheSameEpisode) {
  Story s;
  s.publish({50, 150, 50, 50});
  const auto told = s.correct({50, 150, 150, 50});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].number, 1);
  EXPECT_EQ(told[0].revision, 2);
  EXPECT_EQ(told[0].at, kStart + kH * 3);
  EXPECT_EQ(told[0].reason, "late readings: cleared");
}

TEST(Reconcile, AnEpisodeFoundLaterGetsANewNumber) {
  Story s;
  s.publish({50, 50, 50, 50, 150});
  const auto told = s.correct({50, 150, 50, 50, 150});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].number, 2);
  EXPECT_EQ(told[0].revision, 1);
  EXPECT_EQ(told[0].state, SignalState::Cleared);
  ASSERT_EQ(s.track.episodes().size(), 2U);
  EXPECT_TRUE(s.track.episodes().back().open()) << "the open one stays last";
}

TEST(Reconcile, TwoThatBecomeOneKeepTheFirstAndWithdrawTheSecondUntilTheyPartAgain) {
  Story s;
  s.publish({50, 150, 50, 150, 50});
  auto told = s.correct({50, 150, 150, 150, 50});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].number, 1);
  EXPECT_EQ(told[0].state, SignalState::Cleared);
  EXPECT_EQ(told[1].number, 2);
  EXPECT_EQ(told[1].state, SignalState::Withdrawn);
  told = s.correct({50, 150, 50, 150, 50});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].number, 1);
  EXPECT_EQ(told[1].number, 2);
  EXPECT_EQ(told[1].state, SignalState::Cleared);
}

TEST(Reconcile, AnEpisodeThatStandsIsPreferredToAWithdrawnOne) {
  Story s;
  s.publish({150, 50, 150, 50, 50});
  s.correct({150, 150, 150, 150, 150});  // 1 goes on, 2 is withdrawn
  const auto told = s.correct({50, 150, 150, 150, 150});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].number, 1) << "moved, not given up for the withdrawn one that it overlaps, too";
  EXPECT_EQ(told[0].state, SignalState::Active);
}

TEST(Track, ForgetsWhatEndedAtOrBeforeAndNothingElse) {
  Track t = Story::fold({150, 50, 150, 50, 150});
  t.forget(kStart + kH);
  EXPECT_EQ(t.episodes().size(), 2U);
  t.forget(EventTime::max());
  ASSERT_EQ(t.episodes().size(), 1U);
  EXPECT_TRUE(t.episodes()[0].open());
}

TEST(Track, IsAtItsTopWhileTheHighestLevelStandsAndNothingRecovers) {
  Criteria c;
  c.levels = 2;
  c.on = {10, 20};
  c.off = {10, 20};
  c.hold_off = kHour;
  c.no_data = c.stale_max = kHour * 100;
  Track t;
  const auto at_top_after = [&](int hour, std::int64_t value) {
    t.step(&c, {event_time(0) + kHour * hour, value});
    return t.at_top();
  };
  EXPECT_FALSE(at_top_after(0, 5));
  EXPECT_FALSE(at_top_after(1, 15));
  EXPECT_TRUE(at_top_after(2, 25));
  EXPECT_FALSE(at_top_after(3, 15)) << "recovering";
  EXPECT_TRUE(at_top_after(4, 25));
}

TEST(Track, BytesGiveBackTheSameMachineAtEveryStep) {
  std::mt19937_64 random(5);
  SignalRule rule = three_levels();
  rule.hold_on = kH;
  rule.hold_off = 2 * kH;
  Machine m(rule);
  for (int i = 0; i < 400; ++i) {
    std::string bytes;
    ByteWriter out(bytes);
    m.track.write(out);
    Machine copy = m;
    copy.track = Track();
    ByteReader in(bytes);
    ASSERT_TRUE(copy.track.read(in));
    ASSERT_TRUE(in.done());
    const auto value =
        random() % 4 == 0 ? std::nullopt : std::optional<std::int64_t>(static_cast<std::int64_t>(random() % 400));
    ASSERT_EQ(copy.step(value), m.step(value)) << i;
    std::string after;
    std::string after_copy;
    ByteWriter w(after);
    ByteWriter w_copy(after_copy);
    m.track.write(w);
    copy.track.write(w_copy);
    ASSERT_EQ(after, after_copy) << i;
  }
  EXPECT_GT(m.track.episodes().size(), 10U);
}

TEST(Track, BytesThatContradictThemselvesAreRefused) {
  // An active level without an open episode, an open one that isn't last, a state that isn't one.
  Track open = Story::fold({150});
  std::string bytes;
  ByteWriter out(bytes);
  open.write(out);
  int refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string broken = bytes;
      broken[i] ^= static_cast<char>(1 << bit);
      Track t;
      ByteReader in(broken);
      if (!t.read(in)) {
        ++refused;
        continue;
      }
      EXPECT_EQ(t.open(), !t.episodes().empty() && t.episodes().back().open());
    }
    Track t;
    const std::string cut = bytes.substr(0, i);
    ByteReader in(cut);
    EXPECT_FALSE(t.read(in)) << i;
  }
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace qc::core
