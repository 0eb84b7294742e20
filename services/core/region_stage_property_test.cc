// The region stage over random prefectures: what it says does not depend on how the partitions of `readings` lie beside
// one another in `means`; it is what a naive batch over the final values says; and a crash anywhere leaves no trace.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/region_stage_oracle.h"
#include "core/region_stage_oracle_events.h"
#include "core/seeds_testing.h"
#include "core/warning_oracle.h"
#include "core/warning_signal.h"

namespace qc::core {
namespace {

using fixture::default_seeds;
using fixture::for_each_seed;
using fixture::interleave;
using fixture::RegionRecord;
using fixture::RegionWorld;

std::unique_ptr<RegionStage> stage_of(const RegionWorld& world) {
  auto stage = std::make_unique<RegionStage>(static_cast<int>(world.partitions.size()));
  for (const auto& rules : world.rules) stage->know(rules);
  return stage;
}

// What one apply gave, a line each, as the wrapper says it: with the time and the rules of then.
class Sayings {
 public:
  explicit Sayings(bool with_offsets) : with_offsets_(with_offsets) {}

  void apply(RegionStage& stage, const RegionRecord& record, Offset offset) {
    Outputs out;
    out.drain = [&](Outputs& ready) {
      take(stage, ready);
      ready.clear();
    };
    fixture::apply(stage, record, offset, out);
    take(stage, out);
  }
  void apply(RegionStage& stage, const Event& event, Offset offset) {
    Outputs out;
    const auto refused = stage.apply(event, offset, out);
    if (refused) lines.push_back("refused: " + refused->detail);
    take(stage, out);
  }
  std::vector<std::string> lines;
  std::vector<Signal> signals;
  std::vector<Mean> means;

 private:
  void take(const RegionStage& stage, Outputs& out) {
    for (Signal& s : out.signals) {
      if (!with_offsets_) s.origin = {};
      std::string line = fixture::text(s) + " by " + stage.rules_hash();
      for (const Evidence& e : s.evidence) line += ' ' + e.subject + '=' + std::to_string(e.value.pg);
      if (s.warning != nullptr) line += ' ' + s.warning->criteria + ' ' + std::to_string(s.warning->changes.size());
      for (const std::string& region : s.covers) line += " covers " + region;
      line += " marks " + std::to_string(s.marks.bits()) + " from " + std::to_string(s.origin.first_offset);
      lines.push_back(std::move(line));
      signals.push_back(s);
    }
    for (Mean& m : out.means) {
      if (!with_offsets_) m.origin = {};
      lines.push_back(fixture::text(m) + " by " + stage.rules_hash());
      means.push_back(m);
    }
    if (out.tick) lines.push_back("tick " + to_iso(stage.now()));
  }
  bool with_offsets_;
};

RegionWorld world_of(std::uint64_t seed) {
  return fixture::make_region_world(seed, {.rules_change = seed % 3 == 0, .jump = seed % 4 == 0});
}

// What it says of a whole world, however its partitions lie.
Sayings said_of(const RegionWorld& world, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  auto stage = stage_of(world);
  Sayings sayings(true);
  Offset offset = 100;
  for (const RegionRecord& r : interleave(world, random)) sayings.apply(*stage, r, offset++);
  return sayings;
}

TEST(RegionStageOrder, HowThePartitionsLieBesideOneAnotherMakesNoDifference) {
  std::size_t said = 0;
  for_each_seed([&said](std::uint64_t seed) {
    const RegionWorld world = world_of(seed);
    std::mt19937_64 random(seed);
    std::vector<std::string> first;
    for (int round = 0; round < 3; ++round) {
      auto stage = stage_of(world);
      Sayings sayings(false);
      Offset offset = 100;
      for (const RegionRecord& r : interleave(world, random)) sayings.apply(*stage, r, offset++);
      EXPECT_EQ(stage->held(), 0U);
      EXPECT_EQ(stage->now(), world.end);
      if (round == 0) first = sayings.lines;
      ASSERT_EQ(first, sayings.lines);
      said += sayings.signals.size();
    }
  });
  if (!default_seeds()) return;
  EXPECT_GT(said, 1000U);
}

TEST(RegionStageOrder, TheLastRevisionsAreWhatABatchOverTheFinalValuesSays) {
  std::map<std::pair<std::string, SignalState>, int> compared;
  int amended = 0;
  for_each_seed([&](std::uint64_t seed) {
    const RegionWorld world = fixture::make_region_world(seed, {.rules_change = false, .jump = seed % 4 == 0});
    std::mt19937_64 random(seed);
    auto stage = stage_of(world);
    Sayings sayings(true);
    Offset offset = 100;
    for (const RegionRecord& r : interleave(world, random)) sayings.apply(*stage, r, offset++);
    std::map<std::string, Signal> last;
    for (const Signal& s : sayings.signals) {
      EXPECT_EQ(s.revision, last.contains(s.id) ? last[s.id].revision + 1 : 1) << fixture::text(s);
      last[s.id] = s;
    }
    fixture::RegionEpisodes found;
    for (const auto& [id, s] : last) {
      if (s.rule == kWarningRule || s.rule == kJointWarningRule) continue;
      if (s.state == SignalState::Withdrawn) {
        ++amended;
        continue;
      }
      ++compared[{s.rule, s.state}];
      const bool is_new =
          found.emplace(std::tuple(s.rule, s.subject, s.factor, s.began), std::tuple(s.at, s.state, s.level)).second;
      EXPECT_TRUE(is_new) << id;
    }
    const auto expected = fixture::naive_episodes(world);
    for (const auto& [key, value] : expected) {
      const auto at = found.find(key);
      const auto& [rule, site, factor, began] = key;
      const std::string what = rule + " " + site + " " + std::string(name(factor)) + " " + to_iso(began);
      ASSERT_NE(at, found.end()) << what;
      ASSERT_EQ(at->second, value) << what << ": " << to_iso(std::get<0>(at->second)) << " "
                                   << name(std::get<1>(at->second)) << ", expected " << to_iso(std::get<0>(value))
                                   << " " << name(std::get<1>(value));
    }
    ASSERT_EQ(found.size(), expected.size());
  });
  if (!default_seeds()) return;
  for (const char* rule : {"high", "spike"}) {
    EXPECT_GT((compared[{rule, SignalState::Cleared}]), 20) << rule;
    EXPECT_GT((compared[{rule, SignalState::Active}]), 0) << rule;
  }
  EXPECT_GT((compared[{"high", SignalState::EndedNoData}]), 5);
  EXPECT_GT(amended, 20);
}

TEST(RegionStageOrder, TheAirOfARegionIsWhatABatchOverTheFinalValuesSays) {
  std::map<std::pair<Window, bool>, int> compared;
  int amended = 0;
  for_each_seed([&](std::uint64_t seed) {
    const RegionWorld world = fixture::make_region_world(seed, {.rules_change = false, .jump = seed % 4 == 0});
    const Sayings sayings = said_of(world, seed);
    const auto expected = fixture::naive_air(world);
    std::map<std::tuple<std::string, Factor, Window, EventTime>, Mean> last;
    for (const Mean& m : sayings.means) {
      if (m.status == Status::Running || m.window == Window::Day) continue;  // as at a site, which has its own batch
      const auto key = std::tuple(m.site, m.factor, m.window, m.interval.end);
      const std::int32_t before = last.contains(key) ? last[key].revision : 0;
      ASSERT_EQ(m.revision, before + 1) << fixture::text(m);
      ASSERT_EQ(m.status, before == 0 ? Status::Closed : Status::Amended) << fixture::text(m);
      amended += before == 0 ? 0 : 1;
      ASSERT_EQ(m.region, m.site);
      last[key] = m;
    }
    for (const auto& [key, m] : last) {
      if (m.factor == Factor::AQI_PM24) continue;
      const auto at = expected.find(key);
      ASSERT_NE(at, expected.end()) << fixture::text(m);
      const auto value = m.valid ? std::optional(m.value.pg) : std::nullopt;
      ASSERT_EQ(value, at->second.value) << fixture::text(m);
      ASSERT_EQ(std::pair(m.count, m.expected), std::pair(at->second.valid, at->second.all)) << fixture::text(m);
      ++compared[{m.window, m.valid}];
    }
    // What is valid was published: an hour always, what ends with it where anything was said of the hour itself, which
    // it is not where the region slept through it and only hours before it came late.
    for (const auto& [key, v] : expected) {
      const auto& [region, factor, window, end] = key;
      const bool said = window == Window::H1 || last.contains({region, factor, Window::H1, end});
      ASSERT_TRUE(!v.value || !said || last.contains(key))
          << region << ' ' << name(factor) << ' ' << name(window) << " until " << to_iso(end);
    }
  });
  if (!default_seeds()) return;
  EXPECT_GT(amended, 1000);
  for (const Window w : {Window::H1, Window::H24}) {
    EXPECT_GT((compared[{w, true}]), 10'000) << name(w);
    EXPECT_GT((compared[{w, false}]), 1000) << name(w);
  }
}

TEST(RegionStageOrder, WarningsAreThoseOfAMachineOverTheFinalIndices) {
  int told = 0;
  int withdrawn = 0;
  for_each_seed([&](std::uint64_t seed) {
    const RegionWorld world = fixture::make_region_world(seed, {.rules_change = false, .jump = seed % 4 == 0});
    const Sayings sayings = said_of(world, seed);
    std::map<std::string, std::map<EventTime, IndexHour>> indices;
    for (const Mean& m : sayings.means) {
      if (m.factor != Factor::AQI || m.window != Window::H24 || m.status == Status::Running) continue;
      indices[m.site][m.interval.end] = index_hour(m);
    }
    std::map<std::string, std::vector<fixture::PlainEpisode>> expected;
    for (const auto& [region, hours] : indices) {
      WarningMachine machine;
      for (const auto& [at, hour] : hours) machine.step(*world.rules.front(), at, hour, {});
      for (const WarningEpisode& e : machine.episodes()) expected[region].push_back(fixture::plain(e).outcome());
    }
    std::map<std::string, Signal> last;
    for (const Signal& s : sayings.signals) {
      if (s.rule != kWarningRule) continue;
      ASSERT_EQ(s.revision, last.contains(s.id) ? last[s.id].revision + 1 : 1) << fixture::text(s);
      last[s.id] = s;
    }
    std::map<std::string, std::vector<fixture::PlainEpisode>> found;
    for (const auto& [id, s] : last) {
      if (s.state == SignalState::Withdrawn) {
        ++withdrawn;
        continue;
      }
      ++told;
      found[s.subject].push_back(fixture::plain(*s.warning).outcome());
    }
    const auto by_time = [](const fixture::PlainEpisode& a, const fixture::PlainEpisode& b) {
      return a.changes.front().decided < b.changes.front().decided;
    };
    for (auto& [region, episodes] : found) std::sort(episodes.begin(), episodes.end(), by_time);
    ASSERT_EQ(found, expected);
  });
  if (!default_seeds()) return;
  EXPECT_GT(told, 300);
  EXPECT_GT(withdrawn, 20);
}

TEST(RegionStageReplay, RestoredAnywhereTheSequenceOfOutputsIsTheUndisturbedOne) {
  std::int64_t scored = 0;
  for_each_seed([&scored](std::uint64_t seed) {
    const RegionWorld world = world_of(seed);
    std::mt19937_64 random(seed);
    const std::vector<RegionRecord> log = interleave(world, random);
    // What is said from outside is read anywhere among the means; each at the same place when it is read again.
    const std::vector<Event> events = fixture::make_events(world.end, random);
    std::vector<std::size_t> places(events.size());
    for (std::size_t& place : places) place = random() % log.size();
    std::sort(places.begin(), places.end());
    auto undisturbed = stage_of(world);
    Sayings expected(true);
    std::size_t event = 0;
    const auto apply = [&](RegionStage& stage, Sayings& sayings, std::size_t i) {
      for (; event < events.size() && places[event] == i; ++event) {
        sayings.apply(stage, events[event], static_cast<Offset>(event));
      }
      sayings.apply(stage, log[i], static_cast<Offset>(i));
    };
    for (std::size_t i = 0; i < log.size(); ++i) apply(*undisturbed, expected, i);
    event = 0;

    // Saved with every commit; a crash goes back to the last one, and what was said after it was never committed.
    fixture::SavedState state;
    auto stage = stage_of(world);
    Sayings said(true);
    std::size_t committed = 0;
    std::size_t lines_committed = 0;
    for (std::size_t i = 0; i < log.size(); ++i) {
      apply(*stage, said, i);
      if (random() % 40 == 0) {
        stage->save_changed([&state](std::string_view key, std::string_view bytes) {
          if (bytes.empty()) {
            // The air's parts are a site's, which may come and go between two saves.
            const std::size_t gone = state.erase(std::string(key));
            ASSERT_TRUE(gone == 1 || key[0] < 'E') << "what was never saved is erased";
          } else {
            state[std::string(key)] = std::string(bytes);
          }
        });
        committed = i + 1;
        lines_committed = said.lines.size();
      }
      if (random() % 300 != 0) continue;
      stage = std::make_unique<RegionStage>(static_cast<int>(world.partitions.size()));
      for (const auto& [key, bytes] : state) ASSERT_TRUE(stage->load(key, bytes));
      for (const std::string& hash : stage->needed()) {
        for (const auto& rules : world.rules) {
          if (rules->hash == hash) stage->know(rules);
        }
      }
      ASSERT_TRUE(stage->needed().empty());
      for (const auto& rules : world.rules) stage->know(rules);
      said.lines.resize(lines_committed);
      event = static_cast<std::size_t>(stage->events_next());
      i = committed - 1;  // unsigned: from the beginning where nothing was committed
    }
    ASSERT_EQ(expected.lines, said.lines);
    ASSERT_EQ(undisturbed->forecast_scores(), stage->forecast_scores());
    for (const ForecastScore& day : stage->forecast_scores()) scored += day.hours;
  });
  EXPECT_GT(scored, 0);
}

TEST(RegionStageState, IsBoundedByTheHorizon) {
  for_each_seed([](std::uint64_t seed) {
    const RegionWorld world = world_of(seed);
    std::mt19937_64 random(seed);
    auto stage = stage_of(world);
    Outputs out;
    Offset offset = 0;
    for (const RegionRecord& r : interleave(world, random)) fixture::apply(*stage, r, offset++, out);
    std::map<char, int> kinds;
    stage->save_changed([&kinds](std::string_view key, std::string_view) { ++kinds[key[0]]; });
    EXPECT_EQ(kinds['Q'], 0);
    EXPECT_LE(kinds['H'], static_cast<int>(stage->sites()) * 27) << "24 hours, two before, and the open one";
    EXPECT_EQ(kinds['S'], static_cast<int>(stage->sites()));
  });
}

TEST(RegionStageState, BrokenBytesAreRefusedOrHarmless) {
  int refused = 0;
  int taken = 0;
  for_each_seed([&](std::uint64_t seed) {
    const RegionWorld world = world_of(seed);
    std::mt19937_64 random(seed);
    const std::vector<RegionRecord> log = interleave(world, random);
    auto stage = stage_of(world);
    Outputs out;
    const std::size_t half = log.size() / 2;
    for (std::size_t i = 0; i < half; ++i) fixture::apply(*stage, log[i], static_cast<Offset>(i), out);
    fixture::SavedState state;
    stage->save_changed([&state](std::string_view key, std::string_view bytes) {
      if (!bytes.empty()) state[std::string(key)] = std::string(bytes);
    });
    for (int round = 0; round < 8; ++round) {
      auto at = state.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(random() % state.size()));
      std::string key = at->first;
      std::string bytes = at->second;
      std::string& broken = random() % 6 == 0 ? key : bytes;
      if (random() % 3 == 0) {
        broken.resize(random() % (broken.size() + 1));
      } else {
        broken[random() % broken.size()] = static_cast<char>(random());
      }
      RegionStage other(static_cast<int>(world.partitions.size()));
      bool fine = true;
      for (const auto& [k, b] : state) fine = fine && (k == at->first ? other.load(key, bytes) : other.load(k, b));
      for (const auto& rules : world.rules) other.know(rules);
      if (!fine || !other.needed().empty()) {
        ++refused;
        continue;
      }
      ++taken;
      for (std::size_t i = half; i < std::min(log.size(), half + 400); ++i) {
        fixture::apply(other, log[i], static_cast<Offset>(i), out);
      }
      fixture::SavedState again;
      other.save_changed([&again](std::string_view k, std::string_view b) { again[std::string(k)] = std::string(b); });
    }
  });
  if (!default_seeds()) return;
  EXPECT_GT(refused, 100);
  EXPECT_GT(taken, 20);
}

}  // namespace
}  // namespace qc::core
