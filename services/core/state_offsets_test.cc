// A log that was copied has other offsets: state that is told so says from there on what it would have said if they had
// always been these.
#include <gtest/gtest.h>

#include <random>

#include "core/reading_stage_world.h"
#include "core/region_stage_oracle.h"
#include "core/stage_testing.h"

namespace qc::core {
namespace {

constexpr std::uint64_t kSeeds = 60;

// Where record `i` stood before the copy, and where it stands in it.
Offset before(std::size_t i) {
  return static_cast<Offset>(3 * i + 7);
}
Offset after(Offset old) {
  return old < 7 ? 0 : (old - 7 + 2) / 3;
}

TEST(StateOffsets, AReadingStageWhoseLogWasCopiedGoesOnAsIfItHadAlwaysStoodThere) {
  std::int64_t named = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const fixture::World world =
        fixture::make_world(seed, {.rules_change = seed % 2 == 0, .jump = seed % 5 == 0, .windows = seed % 4 == 0});
    const std::size_t moved = world.log.size() * (1 + seed % 7) / 8;
    const auto make = [] { return std::make_unique<ReadingStage>([](std::string_view) { return true; }); };
    auto always = make();
    auto copied = make();
    auto rules = world.rules;
    always->use(rules, Timeline::Wall);
    copied->use(rules, Timeline::Wall);
    for (std::size_t i = 0; i < world.log.size(); ++i) {
      if (i == moved) {
        fixture::SavedState state;
        fixture::save_into(*copied, state);
        copied = make();
        for (const auto& [key, bytes] : state) ASSERT_TRUE(copied->load(key, bytes));
        copied->renumber(after);
        // What is told must be saved again: only that reaches the copy.
        fixture::save_into(*copied, state);
        copied = make();
        for (const auto& [key, bytes] : state) ASSERT_TRUE(copied->load(key, bytes));
        copied->use(rules, Timeline::None);
      }
      Outputs expected;
      Outputs found;
      if (const auto* change = std::get_if<fixture::RulesRecord>(&world.log[i])) {
        rules = change->rules;
        always->use(rules, Timeline::None);
        copied->use(rules, Timeline::None);
        continue;
      }
      fixture::apply(*always, world.log[i], static_cast<Offset>(i), expected);
      fixture::apply(*copied, world.log[i], i < moved ? before(i) : static_cast<Offset>(i), found);
      if (i < moved) continue;
      ASSERT_EQ(fixture::text(expected), fixture::text(found));
      for (std::size_t s = 0; s < expected.signals.size(); ++s) {
        ASSERT_EQ(expected.signals[s].origin.first_offset, found.signals[s].origin.first_offset);
      }
      for (const Mean& m : expected.means) {
        named += m.origin.first_offset >= 0 && m.origin.first_offset < static_cast<Offset>(moved) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(named, 1000) << "results after the move must name inputs before it";
}

TEST(StateOffsets, ARegionStageWhoseLogWasCopiedGoesOnAsIfItHadAlwaysStoodThere) {
  std::size_t named = 0;
  std::size_t held = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const fixture::RegionWorld world =
        fixture::make_region_world(seed, {.rules_change = seed % 3 == 0, .jump = seed % 4 == 0});
    std::mt19937_64 random(seed);
    const auto log = fixture::interleave(world, random);
    const std::size_t moved = random() % log.size();
    // The rules become known after the state is there.
    const auto restored = [&world](const fixture::SavedState& state) {
      auto stage = std::make_unique<RegionStage>(static_cast<int>(world.partitions.size()));
      for (const auto& [key, bytes] : state) EXPECT_TRUE(stage->load(key, bytes));
      return stage;
    };
    const auto learns = [&world](RegionStage& stage) {
      for (const auto& rules : world.rules) stage.know(rules);
    };
    auto always = restored({});
    auto copied = restored({});
    learns(*always);
    learns(*copied);
    const auto save_into = [](RegionStage& stage, fixture::SavedState& state) {
      stage.save_changed([&state](std::string_view key, std::string_view bytes) {
        if (bytes.empty()) {
          state.erase(std::string(key));
        } else {
          state[std::string(key)] = bytes;
        }
      });
    };
    for (std::size_t i = 0; i < log.size(); ++i) {
      if (i == moved) {
        fixture::SavedState state;
        save_into(*copied, state);
        copied = restored(state);
        held += copied->held();
        ASSERT_TRUE(copied->renumber(after, [](Offset old) { return std::optional(after(old)); }));
        save_into(*copied, state);
        copied = restored(state);
        learns(*copied);
      }
      Outputs expected;
      Outputs found;
      fixture::apply(*always, log[i], static_cast<Offset>(i), expected);
      fixture::apply(*copied, log[i], i < moved ? before(i) : static_cast<Offset>(i), found);
      if (i < moved) continue;
      ASSERT_EQ(fixture::text(expected), fixture::text(found));
      for (std::size_t s = 0; s < expected.signals.size(); ++s) {
        const Offset first = expected.signals[s].origin.first_offset;
        ASSERT_EQ(first, found.signals[s].origin.first_offset);
        named += first >= 0 && first < static_cast<Offset>(moved) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(named, 20U) << "signals after the move must name means before it";
  EXPECT_GT(held, 100U) << "means must have waited for their turn";
}

TEST(StateOffsets, AWaitingMeanThatIsNoLongerInTheLogHasNoPlaceInTheCopy) {
  const fixture::RegionWorld world = fixture::make_region_world(1, {});
  RegionStage stage(static_cast<int>(world.partitions.size()));
  for (const auto& rules : world.rules) stage.know(rules);
  Outputs out;
  Offset offset = 0;
  std::mt19937_64 random(1);
  for (const auto& record : fixture::interleave(world, random)) {
    fixture::apply(stage, record, offset++, out);
    if (stage.held() > 0) break;
  }
  ASSERT_GT(stage.held(), 0U);
  EXPECT_FALSE(stage.renumber(after, [](Offset) { return std::optional<Offset>(); }));
}

}  // namespace
}  // namespace qc::core
