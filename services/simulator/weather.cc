#include "simulator/weather.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qc::simulator {
namespace {

using std::chrono::hours;
constexpr double kTurn = 2 * std::numbers::pi;
constexpr core::Duration kDay = hours(24);

double days_of(core::EventTime t) {
  return static_cast<double>(core::ms(t + core::kBeijing)) / static_cast<double>(kDay.count());
}

}  // namespace

double hour_of_day(core::EventTime t) {
  const double days = days_of(t);
  return (days - std::floor(days)) * 24;
}

int day_of_week(core::EventTime t) {
  const auto day = static_cast<std::int64_t>(std::floor(days_of(t)));  // 1970-01-01 was a Thursday
  return static_cast<int>(((day + 3) % 7 + 7) % 7);
}

double season(core::EventTime t) {
  return -std::cos(kTurn * (days_of(t) - 15) / 365.2425);  // the epoch began with a January
}

double Sky::speed() const {
  return std::hypot(east, north);
}

double Weather::sun(core::EventTime t, double clouds) const {
  const double year = std::sin(kTurn * (days_of(t) - 79) / 365.2425);  // 0 at the equinox of March
  const double half_day = 6 + 1.3 * year;
  const double away = std::fabs(hour_of_day(t) - 12.6) / half_day;  // noon at 111 E is late by Beijing's clocks
  if (away >= 1) return 0;
  return std::cos(away * std::numbers::pi / 2) * (0.77 + 0.23 * year) * (1 - 0.6 * clouds);
}

Sky Weather::at(const v1::County& county, core::EventTime t) const {
  const std::string& region = county.region();
  const double inversion = script_.weather(v1::INVERSION, region, t);
  const double front = script_.weather(v1::FRONT, region, t);
  const double year = season(t);
  Sky sky;
  sky.heat = script_.weather(v1::HEAT, region, t);
  sky.dust_ug = 1000 * script_.weather(v1::DUST, region, t) * (1 + 0.15 * chance_.of(region).of(7).smooth(t, hours(1)));

  const double cloudy = 0.4 + 0.35 * chance_.of(1).smooth(t, hours(11));
  const double clouds = std::clamp(cloudy * (1 - std::clamp(sky.heat, 0.0, 1.0)), 0.0, 1.0);
  sky.sun = sun(t, clouds);
  sky.warmth = (sky.sun + sun(t - hours(1), clouds) + sun(t - hours(2), clouds) + sun(t - hours(3), clouds)) / 4;
  sky.temperature_c = 9.5 + 15 * year + 5 * std::cos(kTurn * (hour_of_day(t) - 15) / 24) +
                      3.5 * chance_.of(2).smooth(t, hours(40)) + 6 * sky.heat - 6 * front;

  // From the north-west in winter, from the south-east in summer, turning with the lows that pass.
  double east = -0.9 * year + 1.7 * chance_.of(3).smooth(t, hours(15));
  double north = 0.8 * year + 1.5 * chance_.of(4).smooth(t, hours(15));
  const double still = (1 - 0.8 * std::clamp(inversion, 0.0, 1.0)) * (1 - 0.5 * std::clamp(sky.heat, 0.0, 1.0));
  const double day = 0.5 + 0.9 * sky.warmth;
  east = east * day * still + 6 * front + 2 * sky.dust_ug / 1000;
  north = north * day * still - 5.3 * front - 1.6 * sky.dust_ug / 1000;
  if (county.terrain() == v1::LAND_VALLEY) {
    const double axis = county.axis() * kTurn / 360;
    const double up_east = std::sin(axis);
    const double up_north = std::cos(axis);
    const double along = east * up_east + north * up_north;
    const double breeze = (sky.warmth > 0.15 ? 0.9 : -0.6) * still;  // up by day, down by night
    const double kept = 0.9 * along + breeze;
    east = kept * up_east + 0.25 * (east - along * up_east);
    north = kept * up_north + 0.25 * (north - along * up_north);
  } else if (county.terrain() == v1::LAND_MOUNTAIN) {
    east *= 1.4;
    north *= 1.4;
  }
  constexpr double kCalm = 0.3;
  if (std::hypot(east, north) < kCalm) {
    const double turn = kTurn * chance_.of(region).of(5).uniform();
    east = kCalm * std::sin(turn);
    north = kCalm * std::cos(turn);
  }
  sky.east = east;
  sky.north = north;

  const double mixed = 130 + 40 * std::hypot(east, north) + 1600 * sky.warmth * sky.warmth;
  sky.mixing_m = std::max(60.0, mixed * (1 - 0.8 * std::clamp(inversion, 0.0, 1.0)));
  return sky;
}

}  // namespace qc::simulator
