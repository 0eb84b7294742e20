// A seeded simulation of all stages of the processor on the memory log, on one thread. A seed makes a small prefecture
// (core's reading_stage_world.h: late, lost, doubled and contradicting packets, several grids, silent sites,
// corrections) and a script: packets are delivered, time goes on, and two processes with clocks of their own run the
// real workers over the real stages and write the time with the real TickWriter, while they crash before and after
// commits, come back as zombies, are fenced and rebalanced, restart with other rules, and the log fails and is
// compacted.
//
// A script runs whole or only its first steps; then the disturbances end, a last process brings everything to its end
// and the invariants are checked:
//  - for each pair of input partition and output topic, what was published is what an undisturbed fold of the same log
//    makes, byte for byte (`replay`);
//  - the last published hours are those of a naive batch over the same readings (core's reading_stage_oracle.h);
//  - every reading is counted once (the conservation law);
//  - no (id, revision) stands twice.
//
// For tests only. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/reading_stage_world.h"

namespace qc::sim {

// Put into the reading stage of every process, to see that the simulation finds it.
enum class Bug {
  None,
  DropsKey,           // some of the state is not saved
  TwiceAfterRestore,  // the first record after a restore is applied twice
  ArrivalOrder        // of two values for a slot the later one counts, whatever the sender's stamp
};

struct Step {
  enum class Kind {
    Deliver,  // record `n` of the world
    Advance,  // the clock, to the time of record `n`
    Run,      // one turn of a process's workers
    Start,
    Stop,    // gracefully
    Crash,   // its partitions are given up at once
    Die,     // its partitions wait for its session to end
    Stall,   // the same, but it goes on later, as a zombie
    Expire,  // the session of the one that died or stalled
    Fence,
    Revoke,
    CrashInCommit,  // the commit takes effect, its answer is lost and the process dies
    FailCommits,
    FailAppends,
    Compact,
    Skew,         // its clock is set `n` ms apart from the others'
    SwitchRules,  // the processes end; later ones come with other rules
  };
  Kind kind = Kind::Run;
  int slot = 0;
  int n = 0;
};

struct Script {
  std::uint64_t seed = 0;
  core::fixture::World world;
  std::vector<Step> steps;
  int partitions = 1;
  int checkpoint_ms = 0;
};
Script make_script(std::uint64_t seed);

// How often what was to happen did, over all runs.
struct Happened {
  std::int64_t outputs = 0;
  std::int64_t hours = 0;  // compared with the naive batch
  std::int64_t readings = 0;
  std::int64_t rejoined = 0;  // put out of the group
  std::int64_t refolded = 0;  // restores that folded records again
  std::int64_t commits_failed = 0;
  std::int64_t switches = 0;  // of rules
  std::int64_t amended = 0;
  std::int64_t region_signals = 0;
};

// The first `steps` of the script. Empty: all invariants hold; otherwise what does not, for a person.
std::string run(const Script& script, std::size_t steps, Bug bug, Happened* happened);

// The least number of steps that fails, found by halving; `failure` becomes what fails then.
std::size_t shortest_failing(const Script& script, Bug bug, std::string& failure);

}  // namespace qc::sim
