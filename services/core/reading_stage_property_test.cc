// The two properties of architecture section 3, over random prefectures (reading_stage_world.h): *order* against a
// naive batch (reading_stage_oracle.h), *replay* against an undisturbed run. QC_SEEDS says how many; a failing seed is
// printed, and QC_SEED runs that one alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "core/reading_stage_oracle.h"
#include "core/reading_stage_world.h"

namespace qc::core {
namespace {

using fixture::make_world;
using fixture::Record;
using fixture::RulesRecord;
using fixture::SavedState;
using fixture::World;

void for_each_seed(const std::function<void(std::uint64_t)>& run) {
  if (const char* one = std::getenv("QC_SEED")) return run(std::strtoull(one, nullptr, 10));
  const char* many = std::getenv("QC_SEEDS");
  const std::uint64_t seeds = many == nullptr ? 300 : std::strtoull(many, nullptr, 10);
  for (std::uint64_t seed = 1; seed <= seeds && !::testing::Test::HasFailure(); ++seed) run(seed);
}

std::unique_ptr<ReadingStage> new_stage() {
  return std::make_unique<ReadingStage>([](std::string_view) { return true; });
}

Timeline timeline(std::uint64_t seed) {
  return seed % 3 == 0 ? Timeline::Fed : Timeline::Wall;
}

std::string text(const fixture::NaiveEpisode& e) {
  return e.rule + "/" + e.site + "/" + std::string(name(e.factor)) + " " + to_iso(e.began) + " .. " + to_iso(e.at) +
         " " + std::string(name(e.state)) + " " + std::to_string(e.level) + " limit " + std::to_string(e.limit) + " " +
         e.clause;
}

// What was published last, per key; revisions must count up from 1 without a gap.
struct Published {
  std::map<fixture::Oracle::Key, Mean> means;
  std::map<std::string, Signal> signals;

  void take(const Outputs& out) {
    for (const Mean& m : out.means) {
      auto& last = means[{m.site, m.factor, m.interval.start}];
      EXPECT_EQ(m.revision, last.revision + 1) << fixture::text(m);
      EXPECT_TRUE(m.status != Status::Running || last.status == Status::None || last.status == Status::Running)
          << fixture::text(m);
      last = m;
    }
    for (const Signal& s : out.signals) {
      auto& last = signals[s.id];
      EXPECT_EQ(s.revision, last.revision + 1) << fixture::text(s);
      last = s;
    }
  }
};

void compare_hours(const fixture::Oracle& oracle, const Published& published) {
  for (const auto& [key, expected] : oracle.hours()) {
    const auto& [site, factor, start] = key;
    if (start >= oracle.frontier()) continue;
    const std::string where = site + " " + std::string(name(factor)) + " " + to_iso(start);
    const auto found = published.means.find(key);
    if (expected.count == 0 && !expected.amended) {
      // Nothing was measured: that may have been said (the hour closed in silence) or not (flagged values came late).
      if (found != published.means.end()) {
        EXPECT_EQ(found->second.count, 0) << where;
        EXPECT_FALSE(found->second.valid) << where;
      }
      continue;
    }
    ASSERT_NE(found, published.means.end()) << where;
    const Mean& m = found->second;
    EXPECT_NE(m.status, Status::Running) << where;
    EXPECT_EQ(m.value.pg, expected.value) << where;
    EXPECT_EQ(m.sum_pg, expected.sum) << where;
    EXPECT_EQ(m.count, expected.count) << where;
    EXPECT_EQ(m.expected, expected.expected) << where;
    EXPECT_EQ(m.min.pg, expected.min) << where;
    EXPECT_EQ(m.max.pg, expected.max) << where;
    EXPECT_EQ(m.valid, expected.valid) << where;
    EXPECT_EQ(m.source, expected.source) << where;
    EXPECT_EQ(m.audited, expected.audited) << where;
  }
  // And nothing out of thin air.
  const auto hours = oracle.hours();
  for (const auto& [key, m] : published.means) {
    if (!is_index(m.factor) && m.count > 0) {
      EXPECT_TRUE(hours.contains(key)) << fixture::text(m);
    }
  }
}

void compare_indices(const fixture::Oracle& oracle, const Published& published) {
  for (const auto& [key, expected] : oracle.indices()) {
    if (key.second >= oracle.frontier()) continue;
    const std::string where = key.first + " AQI " + to_iso(key.second);
    const auto found = published.means.find({key.first, Factor::AQI, key.second});
    if (found == published.means.end()) {
      EXPECT_TRUE(expected.sub.empty()) << where;
      continue;
    }
    const Mean& m = found->second;
    EXPECT_NE(m.status, Status::Running) << where;
    EXPECT_EQ(m.valid, expected.value >= 0) << where;
    EXPECT_EQ(m.value.pg, std::max(expected.value, 0) * kMillion) << where;
    EXPECT_EQ(m.primary, expected.primary) << where;
    std::map<Factor, int> sub;
    for (const SubIndex& s : m.sub_indices) sub[s.factor] = s.iaqi;
    EXPECT_EQ(sub, expected.sub) << where;
  }
}

void compare_episodes(const fixture::Oracle& oracle, const RuleSet& rules, const Published& published) {
  std::vector<fixture::NaiveEpisode> stood;
  for (const auto& entry : published.signals) {
    const Signal& s = entry.second;
    const auto rule =
        std::find_if(rules.signals.begin(), rules.signals.end(), [&](const SignalRule& r) { return r.id == s.rule; });
    if (s.state == SignalState::Withdrawn || rule->kind == SignalKind::ReadingOverLimit) continue;
    stood.push_back({s.rule, s.subject, s.factor, s.began, s.at, s.state, s.level, s.limit.pg, s.clause});
  }
  std::sort(stood.begin(), stood.end());
  const auto expected = oracle.episodes();
  std::string difference;
  for (const auto& e : expected) {
    if (!std::binary_search(stood.begin(), stood.end(), e)) difference += "missing " + text(e) + '\n';
  }
  for (const auto& e : stood) {
    if (!std::binary_search(expected.begin(), expected.end(), e)) difference += "too much " + text(e) + '\n';
  }
  EXPECT_EQ(difference, "");
  EXPECT_EQ(stood.size(), expected.size());
}

// Whatever the order of arrival, the last published results are those of a batch over the same readings.
void check_order(std::uint64_t seed, const fixture::WorldOptions& options) {
  SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
  const World world = make_world(seed, options);
  fixture::Oracle oracle(*world.rules);
  const auto stage = new_stage();
  stage->use(world.rules, timeline(seed));
  Published published;
  Outputs out;
  for (std::size_t i = 0; i < world.log.size(); ++i) {
    std::visit(
        [&](const auto& record) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(record)>, RulesRecord>) oracle.read(record);
        },
        world.log[i]);
    out.clear();
    fixture::apply(*stage, world.log[i], static_cast<Offset>(i), out);
    published.take(out);
    ASSERT_TRUE(stage->ledger().balanced()) << "after record " << i;
  }
  compare_hours(oracle, published);
  compare_indices(oracle, published);
  compare_episodes(oracle, *world.rules, published);
  for (const Account a : {Account::Flagged, Account::Late, Account::Unknown, Account::Malformed}) {
    EXPECT_EQ(stage->ledger().of(a), oracle.count(a)) << name(a);
  }
  EXPECT_EQ(stage->ledger().of(Account::Stored) + stage->ledger().of(Account::Replaced) +
                stage->ledger().of(Account::Duplicate),
            oracle.measured());
}

TEST(ReadingStageOrder, TheLastPublishedResultsAreThoseOfABatchOverTheSameReadings) {
  for_each_seed([](std::uint64_t seed) { check_order(seed, {}); });
}

TEST(ReadingStageOrder, AlsoWhereTimeJumpsFartherThanTheHorizons) {
  for_each_seed([](std::uint64_t seed) { check_order(seed, {.jump = true}); });
}

// Applies a record, or the rules that it names, and gives the outputs as text.
std::string step(ReadingStage& stage, const Record& record, std::size_t offset) {
  Outputs out;
  if (const auto* rules = std::get_if<RulesRecord>(&record)) {
    stage.use(rules->rules, Timeline::None);
  } else {
    fixture::apply(stage, record, static_cast<Offset>(offset), out);
  }
  return fixture::text(out);
}

std::shared_ptr<const RuleSet> rules_at(const World& world, std::size_t offset) {
  auto rules = world.rules;
  for (std::size_t i = 0; i < offset; ++i) {
    if (const auto* r = std::get_if<RulesRecord>(&world.log[i])) rules = r->rules;
  }
  return rules;
}

std::unique_ptr<ReadingStage> restored(const SavedState& state, const std::shared_ptr<const RuleSet>& rules,
                                       std::mt19937_64& random) {
  std::vector<std::pair<std::string, std::string>> entries(state.begin(), state.end());
  std::shuffle(entries.begin(), entries.end(), random);
  auto stage = new_stage();
  for (const auto& [key, bytes] : entries) {
    EXPECT_TRUE(stage->load(key, bytes)) << key;
  }
  EXPECT_EQ(stage->rules_hash(), rules->hash);
  stage->use(rules, Timeline::None);
  return stage;
}

// Killed and restored anywhere, from a checkpoint of then or of before, the stage goes on as if nothing had happened.
TEST(ReadingStageReplay, RestoredAnywhereTheSequenceOfOutputsIsTheUndisturbedOne) {
  for_each_seed([](std::uint64_t seed) {
    SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
    const World world = make_world(seed, {.rules_change = seed % 2 == 0, .jump = seed % 5 == 0});
    const auto undisturbed = new_stage();
    undisturbed->use(world.rules, timeline(seed));
    std::vector<std::string> outputs;
    for (std::size_t i = 0; i < world.log.size(); ++i) outputs.push_back(step(*undisturbed, world.log[i], i));
    SavedState last;
    fixture::save_into(*undisturbed, last);

    std::mt19937_64 random(seed);
    auto stage = new_stage();
    stage->use(world.rules, timeline(seed));
    SavedState state;
    fixture::save_into(*stage, state);
    std::size_t checkpoint = 0;
    for (std::size_t i = 0; i < world.log.size(); ++i) {
      if (random() % 40 == 0) {
        fixture::save_into(*stage, state);
        checkpoint = i;
      }
      if (random() % 80 == 0) {
        stage = restored(state, rules_at(world, checkpoint), random);
        for (std::size_t muted = checkpoint; muted < i; ++muted) {
          ASSERT_EQ(step(*stage, world.log[muted], muted), outputs[muted]) << "refolded record " << muted;
        }
      }
      ASSERT_EQ(step(*stage, world.log[i], i), outputs[i]) << "record " << i;
    }
    fixture::save_into(*stage, state);
    ASSERT_EQ(state.size(), last.size());
    for (const auto& [key, bytes] : last) ASSERT_EQ(state[key], bytes) << "state of " << key;
    EXPECT_EQ(stage->ledger(), undisturbed->ledger());
  });
}

// Whatever the bytes, load says no or gives a stage that goes on and saves what it can load again.
TEST(ReadingStageState, BrokenBytesAreRefusedOrHarmless) {
  int refused = 0;
  int taken = 0;
  for_each_seed([&](std::uint64_t seed) {
    SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
    const World world = make_world(1 + seed % 8, {});
    std::mt19937_64 random(seed);
    const auto whole = new_stage();
    whole->use(world.rules, timeline(seed));
    const std::size_t stop = world.log.size() / 4 + random() % (world.log.size() / 2);
    for (std::size_t i = 0; i < stop; ++i) step(*whole, world.log[i], i);
    SavedState state;
    fixture::save_into(*whole, state);
    for (int round = 0; round < 4; ++round) {
      SavedState broken = state;
      auto entry = std::next(broken.begin(), static_cast<std::ptrdiff_t>(random() % broken.size()));
      std::string& bytes = entry->second;
      switch (random() % 4) {
        case 0:
          bytes.resize(random() % (bytes.size() + 1));
          break;
        case 1:
          for (char& c : bytes) c = static_cast<char>(random());
          break;
        default:
          for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
            bytes[random() % bytes.size()] ^= static_cast<char>(1U << random() % 8);
          }
      }
      auto stage = new_stage();
      const bool loaded =
          std::all_of(broken.begin(), broken.end(), [&](const auto& e) { return stage->load(e.first, e.second); });
      ++(loaded ? taken : refused);
      if (!loaded) continue;
      stage->use(world.rules, Timeline::None);
      const std::size_t end = std::min(stop + 60, world.log.size());
      for (std::size_t i = stop; i < end; ++i) step(*stage, world.log[i], i);
      SavedState again;
      fixture::save_into(*stage, again);
      auto third = new_stage();
      for (const auto& [key, saved] : again) EXPECT_TRUE(third->load(key, saved)) << key;
    }
  });
  if (std::getenv("QC_SEED") == nullptr) {
    EXPECT_GT(refused, 0);
    EXPECT_GT(taken, 0);
  }
}

}  // namespace
}  // namespace qc::core
