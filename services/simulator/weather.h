// The weather over one county at one instant: seasons and days, a wind of the large scale that valleys turn, a layer of
// mixed air that is shallow at night, and what the scenario orders. Pure: a function of seed, scenario, place and time.
// The numbers are chosen to look like the Loess Plateau at 37 N and to nothing better than that.
//
// Lifecycle: made once over a script that outlives it. Threads: any.
#pragma once

#include <string>

#include "core/time.h"
#include "simulator/chance.h"
#include "simulator/script.h"

namespace qc::simulator {

struct Sky {
  double temperature_c = 0;
  double sun = 0;       // 0 at night, 1 under the sun of midsummer's noon
  double warmth = 0;    // the sun of the last hours: what mixes the air
  double mixing_m = 0;  // how high the air near the ground is mixed
  double east = 0;      // the wind, in m/s, towards
  double north = 0;
  double dust_ug = 0;  // desert dust, ug/m3 of PM10
  double heat = 0;     // a still and cloudless day

  double speed() const;
};

class Weather {
 public:
  Weather(std::uint64_t seed, const Script& script) : chance_(Chance(seed).of("weather")), script_(script) {}

  Sky at(const v1::County& county, core::EventTime t) const;

 private:
  double sun(core::EventTime t, double clouds) const;
  Chance chance_;
  const Script& script_;
};

// The year and the day as Beijing's clocks show them.
double hour_of_day(core::EventTime t);  // 0 to 24
int day_of_week(core::EventTime t);     // 0: Monday
double season(core::EventTime t);       // -1 in the middle of January, 1 in the middle of July

}  // namespace qc::simulator
