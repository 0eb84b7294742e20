// For tests of the region stage only: a random prefecture as the reading stages of several partitions publish it, ways
// to lay their records one after another, and a naive batch over the final values, written apart from the stage:
// haversine distances, fractions, and one pass over the hours.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "core/region_stage.h"
#include "core/stage_testing.h"

namespace qc::core::fixture {

struct RegionMean {
  Mean mean;
  std::string rules;
};
// What one partition of `readings` gives between two forwarded ticks, and the tick.
struct Run {
  std::vector<RegionMean> means;
  EventTime tick{};
};

struct RegionWorld {
  std::vector<std::shared_ptr<const RuleSet>> rules;  // the first holds from the beginning
  std::vector<std::vector<Run>> partitions;           // all end with a tick at the same time
  EventTime end{};
};
struct RegionWorldOptions {
  bool rules_change = false;
  bool jump = false;  // nothing at all for longer than hours_kept
};
RegionWorld make_region_world(std::uint64_t seed, const RegionWorldOptions& options);

// One record of `means`: of partition `partition`, its mean or, without, its tick.
struct RegionRecord {
  int partition = 0;
  const RegionMean* mean = nullptr;
  EventTime tick{};
};
// Each partition's records in their order; the partitions beside one another by chance, or one far behind the others.
std::vector<RegionRecord> interleave(const RegionWorld& world, std::mt19937_64& random);

void apply(RegionStage& stage, const RegionRecord& record, Offset offset, Outputs& out);

// What an episode came to: (rule, site, factor, began) -> last change, state, level.
using RegionEpisodes =
    std::map<std::tuple<std::string, std::string, Factor, EventTime>, std::tuple<EventTime, SignalState, int>>;
RegionEpisodes naive_episodes(const RegionWorld& world);

// What an hour, or the 24 that end with it, of a region comes to: (region, factor, window, end) -> value, how many were
// valid, of how many. Also of what is never published, because nothing was ever measured.
struct RegionValue {
  std::optional<std::int64_t> value;
  int valid = 0;
  int all = 0;
  bool operator==(const RegionValue&) const = default;
};
using RegionAir = std::map<std::tuple<std::string, Factor, Window, EventTime>, RegionValue>;
RegionAir naive_air(const RegionWorld& world);

}  // namespace qc::core::fixture
