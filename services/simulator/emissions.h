// What people and works give into the air: traffic with its rush hours and weekends, heating with the cold, industry
// all day; and the emitters, points with shifts, leaks and halts. Pure functions of place and time; any thread.
#pragma once

#include <array>

#include "core/time.h"
#include "qingchuan/v1/simulation.pb.h"
#include "simulator/script.h"

namespace qc::simulator {

// What the box of a county holds; PM10 is fine and coarse together, NO2 a share of NOx.
enum class Species { Fine, Coarse, SO2, NOx, CO };
inline constexpr std::size_t kSpecies = 5;
using Amounts = std::array<double, kSpecies>;
constexpr std::size_t index(Species s) {
  return static_cast<std::size_t>(s);
}

// How many cars are on the road, 1 in the middle of a working day's rush.
double traffic_of(core::EventTime t);

// ug into each square metre of a county in an hour.
Amounts emissions(const v1::County& county, double temperature_c, core::EventTime t);

// How many times its usual strength an emitter emits, and how high.
struct Working {
  double times = 1;
  double height_m = 0;
};
Working working(const v1::Emitter& emitter, const Script& script, core::EventTime t);

}  // namespace qc::simulator
