// From a seed to a script, and to the shortest part of it that fails.
#include <algorithm>
#include <array>
#include <random>

#include "sim/sim_world.h"

namespace qc::sim {
namespace {

using Kind = Step::Kind;

// Out of a thousand turns, how often each happens to a process.
struct Odds {
  Kind kind;
  int per_thousand;
};
constexpr std::array<Odds, 14> kOdds = {{{Kind::Start, 60},
                                         {Kind::Stop, 5},
                                         {Kind::Crash, 6},
                                         {Kind::Die, 6},
                                         {Kind::Stall, 6},
                                         {Kind::Expire, 40},
                                         {Kind::Fence, 4},
                                         {Kind::Revoke, 8},
                                         {Kind::CrashInCommit, 5},
                                         {Kind::FailCommits, 10},
                                         {Kind::FailAppends, 5},
                                         {Kind::Compact, 10},
                                         {Kind::Skew, 4},
                                         {Kind::SwitchRules, 2}}};

}  // namespace

Script make_script(std::uint64_t seed) {
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15U + 1);
  const auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
  Script script;
  script.seed = seed;
  script.world = core::fixture::make_world(seed, {});
  script.partitions = 1 + pick(3);
  script.checkpoint_ms = std::array{200, 2000, 60'000, 600'000}[static_cast<std::size_t>(pick(4))];
  // The sender's network reorders what the world sends in order, by a few packets.
  std::vector<int> order;
  for (std::size_t i = 0; i < script.world.log.size(); ++i) order.push_back(static_cast<int>(i));
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    if (pick(8) != 0) continue;
    const std::size_t with = std::min(order.size() - 1, i + 1 + static_cast<std::size_t>(pick(12)));
    const auto is_packet = [&](std::size_t at) {
      return std::holds_alternative<core::ReadingBatch>(script.world.log[static_cast<std::size_t>(order[at])]);
    };
    if (is_packet(i) && is_packet(with)) std::swap(order[i], order[with]);
  }
  script.steps = {{Kind::Start, 0, 0}, {Kind::Start, 1, 0}};
  for (const int n : order) {
    const bool is_time = std::holds_alternative<core::Tick>(script.world.log[static_cast<std::size_t>(n)]);
    script.steps.push_back({is_time ? Kind::Advance : Kind::Deliver, 0, n});
    if (!is_time) {
      if (pick(20) == 0) script.steps.push_back({Kind::Run, pick(2), 0});
      continue;
    }
    for (int turn = 0; turn < 2; ++turn) {
      const int slot = pick(2);
      int at = pick(1000);
      for (const Odds& o : kOdds) {
        if (at >= 0 && at < o.per_thousand) script.steps.push_back({o.kind, slot, pick(1 << 20)});
        at -= o.per_thousand;
      }
      script.steps.push_back({Kind::Run, pick(2), 0});
    }
  }
  return script;
}

std::size_t shortest_failing(const Script& script, Bug bug, std::string& failure) {
  std::size_t holds = 0;
  std::size_t fails = script.steps.size();
  while (fails - holds > 1) {
    const std::size_t middle = holds + (fails - holds) / 2;
    const std::string found = run(script, middle, bug, nullptr);
    if (found.empty()) {
      holds = middle;
    } else {
      fails = middle;
      failure = found;
    }
  }
  return fails;
}

}  // namespace qc::sim
