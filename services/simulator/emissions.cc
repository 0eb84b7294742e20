#include "simulator/emissions.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "simulator/weather.h"

namespace qc::simulator {
namespace {

// 1 at `peak` o'clock, falling to 0 `width` hours away.
double hump(double hour, double peak, double width) {
  const double away = std::min(std::fabs(hour - peak), 24 - std::fabs(hour - peak));
  return away >= width ? 0 : 0.5 + 0.5 * std::cos(std::numbers::pi * away / width);
}

// ug/m2 and hour of a middling county, in the order of Species.
constexpr Amounts kTraffic = {130, 900, 5, 1500, 9000};
constexpr Amounts kHeating = {1100, 450, 500, 260, 12000};
constexpr Amounts kIndustry = {420, 420, 300, 420, 7500};

}  // namespace

double traffic_of(core::EventTime t) {
  const double hour = hour_of_day(t);
  const bool weekend = day_of_week(t) >= 5;
  const double flow = 0.12 + 0.45 * hump(hour, 14, 8);
  const double rush = 0.5 * hump(hour, 8, 2) + 0.6 * hump(hour, 18.5, 2.5);
  return weekend ? 0.8 * flow + 0.25 * rush : flow + rush;
}

Amounts emissions(const v1::County& county, double temperature_c, core::EventTime t) {
  const double hour = hour_of_day(t);
  const double cold = std::clamp((13 - temperature_c) / 18, 0.0, 1.4);
  const double traffic = county.traffic() * traffic_of(t);
  const double heating = county.heating() * cold * (0.7 + 0.3 * hump(hour, 7, 4) + 0.5 * hump(hour, 21, 5));
  Amounts out{};
  for (std::size_t i = 0; i < kSpecies; ++i) {
    out[i] = traffic * kTraffic[i] + heating * kHeating[i] + county.industry() * kIndustry[i];
  }
  return out;
}

Working working(const v1::Emitter& emitter, const Script& script, core::EventTime t) {
  Working out{1, emitter.height_m()};
  const double hour = hour_of_day(t);
  const auto on = [hour](const v1::Shift& s) {
    return s.from() < s.until() ? hour >= s.from() && hour < s.until() : hour >= s.from() || hour < s.until();
  };
  if (!emitter.shifts().empty() && std::none_of(emitter.shifts().begin(), emitter.shifts().end(), on)) {
    out.times = 0.08;  // never quite cold
  }
  for (const Episode& e : script.of(v1::LEAK)) {
    if (e.emitter != emitter.id() || !e.holds(t)) continue;
    out.times = std::max(out.times, e.swell(t));
    out.height_m = 6;  // at the ground
  }
  for (const Episode& e : script.of(v1::HALT)) {
    if (e.emitter == emitter.id() && e.holds(t)) out.times = 0;
  }
  return out;
}

}  // namespace qc::simulator
