#include "core/reading_stage_oracle_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "core/reading_stage_oracle_quality.h"

namespace qc::core::fixture {
namespace {

std::unique_ptr<ReadingStage> new_stage() {
  return std::make_unique<ReadingStage>([](std::string_view) { return true; });
}

std::string text(const WindowKey& key) {
  const auto& [site, factor, window, end] = key;
  return site + " " + std::string(name(factor)) + " " + std::string(name(window)) + " until " + to_iso(end);
}

WindowKey key_of(const Mean& m) {
  return {m.site, m.factor, m.window, m.interval.end};
}

bool hourly(const Mean& m) {
  return m.window == Window::H1 && m.factor != Factor::AQI_PM24;
}

// What a reader may take from a window; the rest says how it came about.
auto outcome(const Mean& m) {
  std::map<Factor, int> sub;
  for (const SubIndex& s : m.sub_indices) sub[s.factor] = s.iaqi;
  return std::tuple(m.value, m.valid, m.sum_pg, m.count, m.min, m.max, m.primary, sub, m.percentile_value);
}

NaiveIndex index_of(const Mean& m) {
  NaiveIndex index;
  index.value = m.valid ? static_cast<int>(m.value.pg / kMillion) : -1;
  index.primary = m.primary;
  for (const SubIndex& s : m.sub_indices) index.sub[s.factor] = s.iaqi;
  return index;
}

void compare_limit(const NaiveWindow& expected, const Mean& m) {
  EXPECT_EQ(m.limit ? std::optional(m.limit->pg) : std::nullopt, expected.limit) << fixture::text(m);
  EXPECT_EQ(m.exceeds, expected.exceeds) << fixture::text(m);
  EXPECT_EQ(m.multiple, expected.multiple) << fixture::text(m);
}

void compare_hours(const Oracle& oracle, const Published& published) {
  const auto& hours = oracle.hours();
  for (const auto& [key, expected] : hours) {
    const auto& [site, factor, start] = key;
    if (start >= oracle.frontier()) continue;
    const std::string where = site + " " + std::string(name(factor)) + " " + to_iso(start);
    const auto found = published.means.find({site, factor, Window::H1, start + kHour});
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
    // Marks of the hour's own readings; whether it is stuck or inverted depends on other hours, and is said once.
    EXPECT_EQ(m.suspect, expected.suspect) << where;
    EXPECT_EQ(m.marks.has(Mark::Range), expected.beyond_range > 0) << where;
    EXPECT_EQ(m.marks.has(Mark::Clipped), expected.clipped > 0) << where;
    NaiveWindow judged;
    judged.valid = expected.valid;
    judged.value = expected.value;
    judge_naively(oracle, site, factor, Window::H1, start + kHour, judged);
    compare_limit(judged, m);
  }
  // And nothing out of thin air.
  for (const auto& [key, m] : published.means) {
    if (m.window == Window::H1 && !is_index(m.factor) && m.count > 0) {
      EXPECT_TRUE(hours.contains({m.site, m.factor, m.interval.start})) << fixture::text(m);
    }
  }
}

void compare_indices(const Oracle& oracle, const Published& published) {
  for (const auto& [key, expected] : oracle.indices()) {
    if (key.second >= oracle.frontier()) continue;
    const std::string where = key.first + " AQI " + to_iso(key.second);
    const auto found = published.means.find({key.first, Factor::AQI, Window::H1, key.second + kHour});
    if (found == published.means.end()) {
      EXPECT_TRUE(expected.sub.empty()) << where;
      continue;
    }
    const Mean& m = found->second;
    EXPECT_NE(m.status, Status::Running) << where;
    const NaiveIndex stood = index_of(m);
    EXPECT_EQ(m.valid, expected.value >= 0) << where;
    EXPECT_EQ(m.value.pg, std::max(expected.value, 0) * kMillion) << where;
    EXPECT_EQ(stood.primary, expected.primary) << where;
    EXPECT_EQ(stood.sub, expected.sub) << where;
  }
}

void compare_window(const NaiveWindow& expected, const Mean& m) {
  EXPECT_NE(m.status, Status::Running);
  EXPECT_EQ(m.interval.start, expected.start);
  EXPECT_EQ(m.valid, expected.valid);
  EXPECT_EQ(m.value.pg, expected.value);
  compare_limit(expected, m);
  if (is_index(m.factor)) {
    const NaiveIndex stood = index_of(m);
    EXPECT_EQ(stood.primary, expected.index.primary);
    EXPECT_EQ(stood.sub, expected.index.sub);
    return;
  }
  EXPECT_EQ(m.count, expected.count);
  EXPECT_EQ(m.expected, expected.expected);
  EXPECT_EQ(m.percentile_value.pg, expected.percentile_value);
  if (expected.count > 0) {
    EXPECT_EQ(m.percentile, expected.percentile);
  }
  if (m.window == Window::Mda8) return;
  EXPECT_EQ(m.sum_pg, expected.sum);
  EXPECT_EQ(m.min.pg, expected.min);
  EXPECT_EQ(m.max.pg, expected.max);
}

std::set<Oracle::Key> published_hours(const Published& published) {
  std::set<Oracle::Key> hours;
  for (const auto& [key, m] : published.means) {
    if (hourly(m) && m.status != Status::Running) hours.insert({m.site, m.factor, m.interval.start});
  }
  return hours;
}

void compare_windows(const WindowsOracle& batch, const Published& published, ComparedWindows* compared) {
  for (const auto& [key, expected] : batch.over()) {
    SCOPED_TRACE(text(key));
    const auto found = published.means.find(key);
    ASSERT_NE(found, published.means.end()) << "was not published";
    const Mean& m = found->second;
    compare_window(expected, m);
    if (compared == nullptr) continue;
    Compared& its = (*compared)[{m.window, is_index(m.factor)}];
    ++(m.valid ? its.valid : its.invalid);
    its.exceeding += m.exceeds ? 1 : 0;
    its.amended += m.status == Status::Amended ? 1 : 0;
  }
  for (const auto& [key, m] : published.means) {
    if (hourly(m)) continue;
    const bool expected = m.status == Status::Running ? batch.open().contains(key) : batch.over().contains(key);
    EXPECT_TRUE(expected) << "out of thin air: " << fixture::text(m);
  }
}

void compare_episodes(const EpisodesOracle& oracle, const RuleSet& rules, const Published& published,
                      ComparedEpisodes* compared) {
  std::vector<NaiveEpisode> stood;
  for (const auto& entry : published.signals) {
    const Signal& s = entry.second;
    const auto rule =
        std::find_if(rules.signals.begin(), rules.signals.end(), [&](const SignalRule& r) { return r.id == s.rule; });
    if (s.state == SignalState::Withdrawn || !EpisodesOracle::judged(rule->kind)) continue;
    stood.push_back({s.rule, s.subject, s.factor, s.window, s.began, s.at, s.state, s.level, s.limit.pg, s.clause});
  }
  std::sort(stood.begin(), stood.end());
  const auto& expected = oracle.episodes();
  std::string difference;
  for (const auto& e : expected) {
    if (compared != nullptr) ++(*compared)[e.rule][{e.state, e.level}];
    if (!std::binary_search(stood.begin(), stood.end(), e)) difference += "missing " + text(e) + '\n';
  }
  for (const auto& e : stood) {
    if (!std::binary_search(expected.begin(), expected.end(), e)) difference += "too much " + text(e) + '\n';
  }
  EXPECT_EQ(difference, "");
  EXPECT_EQ(stood.size(), expected.size());
}

// Applies a record, or the rules that it names, and gives the outputs as text. `drain_at`: 0, or how many means the
// caller holds at most.
std::string step(ReadingStage& stage, const Record& record, std::size_t offset, std::size_t drain_at) {
  Outputs all;
  Outputs out;
  const auto move_all = [&all](Outputs& some) {
    all.means.insert(all.means.end(), some.means.begin(), some.means.end());
    all.signals.insert(all.signals.end(), some.signals.begin(), some.signals.end());
    all.rejected.insert(all.rejected.end(), some.rejected.begin(), some.rejected.end());
    all.tick = all.tick || some.tick;
    all.urgent = all.urgent || some.urgent;
    some.clear();
  };
  if (drain_at > 0) {
    out.drain_at = drain_at;
    out.drain = move_all;
  }
  if (const auto* rules = std::get_if<RulesRecord>(&record)) {
    stage.use(rules->rules, Timeline::None);
  } else {
    fixture::apply(stage, record, static_cast<Offset>(offset), out);
  }
  move_all(out);
  return fixture::text(all);
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

void damage(std::string& bytes, std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      bytes.resize(random() % (bytes.size() + 1));
      break;
    case 1:
      for (char& c : bytes) c = static_cast<char>(random());
      break;
    default:
      if (bytes.empty()) return;
      for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
        bytes[random() % bytes.size()] ^= static_cast<char>(1U << random() % 8);
      }
  }
}

}  // namespace

// With every longer window there are the rules of quality, too: something must break.
World faulty_world(std::uint64_t seed, const WorldOptions& options) {
  World world = make_world(seed, options);
  if (options.windows) break_instruments(world, seed);
  return world;
}

Timeline timeline(std::uint64_t seed) {
  return seed % 3 == 0 ? Timeline::Fed : Timeline::Wall;
}

void Published::take(const Outputs& out) {
  for (const Mean& m : out.means) {
    Mean& last = means[key_of(m)];
    EXPECT_EQ(m.revision, last.revision + 1) << fixture::text(m);
    EXPECT_TRUE(m.status != Status::Running || last.status == Status::None || last.status == Status::Running)
        << fixture::text(m);
    EXPECT_EQ(m.status == Status::Amended, !m.reason.empty()) << fixture::text(m);
    if (!hourly(m) && m.status == Status::Amended && last.revision > 0 && last.status != Status::Running) {
      EXPECT_NE(outcome(m), outcome(last)) << "says nothing new: " << fixture::text(m);
    }
    if (m.status == Status::Closed) {
      EXPECT_TRUE(last.status == Status::None || last.status == Status::Running) << fixture::text(m);
    }
    last = m;
  }
  for (const Signal& s : out.signals) {
    Signal& last = signals[s.id];
    EXPECT_EQ(s.revision, last.revision + 1) << fixture::text(s);
    last = s;
  }
}

void compare_values(const Oracle& oracle, const Published& published, ComparedWindows* compared) {
  compare_hours(oracle, published);
  compare_indices(oracle, published);
  compare_windows(WindowsOracle(oracle, published_hours(published)), published, compared);
}

void check_order(std::uint64_t seed, const WorldOptions& options, ComparedWindows* compared,
                 ComparedEpisodes* episodes) {
  SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
  const World world = faulty_world(seed, options);
  Oracle oracle(*world.rules, timeline(seed));
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
  compare_values(oracle, published, compared);
  const std::set<Oracle::Key> hours = published_hours(published);
  const WindowsOracle windows(oracle, hours);
  compare_episodes(EpisodesOracle(oracle, windows, hours), *world.rules, published, episodes);
  for (const Account a : {Account::Flagged, Account::Late, Account::Unknown, Account::Malformed}) {
    EXPECT_EQ(stage->ledger().of(a), oracle.count(a)) << name(a);
  }
  std::int64_t measured = 0;
  for (const Account a : {Account::Stored, Account::Suspect, Account::Replaced, Account::Duplicate}) {
    measured += stage->ledger().of(a);
  }
  EXPECT_EQ(measured, oracle.measured());
}

void check_replay(std::uint64_t seed, const WorldOptions& options) {
  SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
  const World world = faulty_world(seed, options);
  const auto undisturbed = new_stage();
  undisturbed->use(world.rules, timeline(seed));
  std::vector<std::string> outputs;
  for (std::size_t i = 0; i < world.log.size(); ++i) outputs.push_back(step(*undisturbed, world.log[i], i, 0));
  SavedState last;
  save_into(*undisturbed, last);

  std::mt19937_64 random(seed);
  const std::size_t drain_at = seed % 4 == 0 ? 0 : 1 + random() % 40;
  auto stage = new_stage();
  stage->use(world.rules, timeline(seed));
  SavedState state;
  save_into(*stage, state);
  std::size_t checkpoint = 0;
  for (std::size_t i = 0; i < world.log.size(); ++i) {
    if (random() % 40 == 0) {
      save_into(*stage, state);
      checkpoint = i;
    }
    if (random() % 80 == 0) {
      stage = restored(state, rules_at(world, checkpoint), random);
      for (std::size_t muted = checkpoint; muted < i; ++muted) {
        ASSERT_EQ(step(*stage, world.log[muted], muted, drain_at), outputs[muted]) << "refolded record " << muted;
      }
    }
    ASSERT_EQ(step(*stage, world.log[i], i, drain_at), outputs[i]) << "record " << i;
  }
  save_into(*stage, state);
  ASSERT_EQ(state.size(), last.size());
  for (const auto& [key, bytes] : last) ASSERT_EQ(state[key], bytes) << "state of " << key;
  EXPECT_EQ(stage->ledger(), undisturbed->ledger());
}

void check_broken_bytes(std::uint64_t seed, const WorldOptions& options, Loads& loads) {
  SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
  const World world = make_world(1 + seed % 8, options);
  std::mt19937_64 random(seed);
  const auto whole = new_stage();
  whole->use(world.rules, timeline(seed));
  const std::size_t stop = world.log.size() / 4 + random() % (world.log.size() / 2);
  for (std::size_t i = 0; i < stop; ++i) step(*whole, world.log[i], i, 0);
  SavedState state;
  save_into(*whole, state);
  for (int round = 0; round < 4; ++round) {
    SavedState broken = state;
    damage(std::next(broken.begin(), static_cast<std::ptrdiff_t>(random() % broken.size()))->second, random);
    auto stage = new_stage();
    const bool loaded =
        std::all_of(broken.begin(), broken.end(), [&](const auto& e) { return stage->load(e.first, e.second); });
    ++(loaded ? loads.taken : loads.refused);
    if (!loaded) continue;
    stage->use(world.rules, Timeline::None);
    const std::size_t end = std::min(stop + 60, world.log.size());
    for (std::size_t i = stop; i < end; ++i) step(*stage, world.log[i], i, 0);
    SavedState again;
    save_into(*stage, again);
    auto third = new_stage();
    for (const auto& [key, saved] : again) EXPECT_TRUE(third->load(key, saved)) << key;
  }
}

}  // namespace qc::core::fixture
