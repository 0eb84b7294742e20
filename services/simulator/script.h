// What happens when: the episodes of a scenario, laid out in time. Pure: asked about an instant it says what is going
// on, and how strongly. Lifecycle: made once, shared by all that play. Threads: any.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/factor.h"
#include "core/time.h"
#include "qingchuan/v1/simulation.pb.h"

namespace qc::simulator {

namespace v1 = ::qingchuan::v1;

struct Episode {
  v1::EpisodeKind kind = v1::EPISODE_KIND_UNSPECIFIED;
  core::EventTime start;
  core::Duration lasts{};
  core::Duration every{};  // 0: once
  std::vector<std::string> regions;
  std::vector<std::string> sites;
  std::array<bool, core::kFactors> factors{};  // none: all
  bool all_factors = true;
  std::string emitter;
  double strength = 1;
  core::Flag flag = core::Flag::Normal;

  // How long it has been going on; negative: it is not.
  core::Duration since(core::EventTime t) const;
  bool holds(core::EventTime t) const { return since(t).count() >= 0; }
  // Weather and leaks come and go: from 0 up to `strength` within the first tenth, down to 0 in the last third.
  double swell(core::EventTime t) const;

  bool touches(std::string_view site, std::string_view region) const;
  bool touches(core::Factor f) const { return all_factors || factors[core::index(f)]; }
};

inline constexpr std::size_t kEpisodeKinds = v1::EpisodeKind_ARRAYSIZE;

class Script {
 public:
  // `from`: the first minute; episodes are counted from the start of its hour.
  Script(const v1::Scenario& scenario, core::EventTime from);

  std::span<const Episode> of(v1::EpisodeKind kind) const { return by_kind_[static_cast<std::size_t>(kind)]; }
  // The strongest of that kind of weather in a county.
  double weather(v1::EpisodeKind kind, std::string_view region, core::EventTime t) const;
  double luck() const { return luck_; }

 private:
  std::array<std::vector<Episode>, kEpisodeKinds> by_kind_;
  double luck_;
};

}  // namespace qc::simulator
