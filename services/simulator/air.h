// The air as it really is: a box of it over each county, stepped in time from what is emitted, how high it is mixed and
// where the wind carries it, and at each station what its own street and the emitters upwind add. Deterministic: every
// value follows from seed, script, place and minute, because the boxes always start from the same moment.
//
// Lifecycle: made over a world and a script that outlive it; ask for rising times (a few hours back are kept; what is
// older is computed again from the start). Threads: one at a time.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "core/rules.h"
#include "simulator/emissions.h"
#include "simulator/weather.h"

namespace qc::simulator {

// ug/m3 by factor; CO, too.
using Concentrations = std::array<double, core::kFactors>;

class Air {
 public:
  Air(const v1::World& world, const Script& script, std::uint64_t seed, core::EventTime from);

  // A station as the air sees it.
  struct Place {
    int county = -1;  // -1: the world has no such county
    core::SiteKind kind = core::SiteKind::None;
    Chance chance{0};
    Amounts share{};  // of the county's air
    struct Near {
      const v1::Emitter* emitter;
      double east_m;  // of the station, from the emitter
      double north_m;
    };
    std::vector<Near> emitters;
  };
  Place place(const core::SiteInfo& site) const;

  // In the minute that begins at `t`, t >= from.
  Concentrations at(const Place& place, core::EventTime t);
  // Over a county's town.
  Sky sky(const std::string& region, core::EventTime t) const;

 private:
  struct County {
    Sky sky;
    Amounts amounts{};
  };
  using Step = std::vector<County>;
  const Step& step(std::int64_t number);
  void start();
  void go_on();
  static Sky between(const Sky& a, const Sky& b, double share);
  Amounts inflow(const Step& now, std::size_t county, const Sky& sky, const Amounts& background) const;
  void add_plumes(const Place& place, const Sky& sky, core::EventTime t, Concentrations& out) const;

  const v1::World& world_;
  const Script& script_;
  Chance chance_;
  Weather weather_;
  core::EventTime from_;
  std::vector<std::vector<std::array<double, 2>>> apart_km_;  // [of][from]: east, north
  std::deque<Step> steps_;
  std::int64_t first_ = 0;  // the number of steps_.front()
};

}  // namespace qc::simulator
