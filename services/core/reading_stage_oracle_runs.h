// What the property tests of the reading stage do with a random prefecture (reading_stage_world.h): the two properties
// of architecture section 3, *order* against a naive batch and *replay* against an undisturbed run, and the
// harmlessness of broken state. QC_SEEDS says how many seeds; a failing one is printed, and QC_SEED runs that one
// alone. For tests only.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/reading_stage_oracle_episodes.h"
#include "core/reading_stage_world.h"
#include "core/seeds_testing.h"

namespace qc::core::fixture {

// What was published last, per window; checks the sequence on its way: revisions count up from 1 without a gap, no
// running row follows a closed one, and of a longer window nothing is said twice.
struct Published {
  std::map<WindowKey, Mean> means;
  std::map<std::string, Signal> signals;
  void take(const Outputs& out);
};

// How many windows of each kind were compared, so that a property can show that it compared something.
struct Compared {
  int valid = 0;
  int invalid = 0;
  int exceeding = 0;
  int amended = 0;
};
using ComparedWindows = std::map<std::pair<Window, bool>, Compared>;  // of a window; of indices apart
// Of each rule, how many episodes ended in a state, by their level.
using ComparedEpisodes = std::map<std::string, std::map<std::pair<SignalState, int>, int>>;

// The random prefecture of a seed and whose time it has; with windows its instruments break, too.
World faulty_world(std::uint64_t seed, const WorldOptions& options);
Timeline timeline(std::uint64_t seed);

// The last published hours, windows and indices are those of a batch over the same readings and corrections.
void compare_values(const Oracle& oracle, const Published& published, ComparedWindows* compared);

// Whatever the order of arrival, the last published results are those of a batch over the same readings.
void check_order(std::uint64_t seed, const WorldOptions& options, ComparedWindows* compared = nullptr,
                 ComparedEpisodes* episodes = nullptr);

// Killed and restored anywhere, from a checkpoint of then or of before, and drained at any time, the stage goes on as
// if nothing had happened.
void check_replay(std::uint64_t seed, const WorldOptions& options);

// Whatever the bytes, load says no or gives a stage that goes on and saves what it can load again.
struct Loads {
  int refused = 0;
  int taken = 0;
};
void check_broken_bytes(std::uint64_t seed, const WorldOptions& options, Loads& loads);

}  // namespace qc::core::fixture
