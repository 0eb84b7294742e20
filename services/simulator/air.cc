#include "simulator/air.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/assert.h"

namespace qc::simulator {
namespace {

constexpr core::Duration kStep = std::chrono::minutes(10);
constexpr double kStepHours = 1.0 / 6;
// Before the first minute, so that the boxes have forgotten how they began.
constexpr core::Duration kSpinUp = std::chrono::hours(48);
// Kept behind the newest: a station sends what five hours without network brought.
constexpr std::size_t kStepsKept = 48;
constexpr double kBoxKm = 26;
constexpr double kReachKm = 18;  // beyond it a plume is part of the county's air
constexpr Amounts kLossPerHour = {0.03, 0.14, 0.05, 0.07, 0.01};

std::array<double, 2> apart_km(double lon, double lat, double from_lon, double from_lat) {
  const double north = 111.2 * (lat - from_lat);
  const double east = 111.2 * (lon - from_lon) * std::cos((lat + from_lat) / 2 * std::numbers::pi / 180);
  return {east, north};
}

// What comes from far away.
Amounts background(core::EventTime t) {
  const double year = season(t);
  return {14 - 3 * year, 22 - 4 * year, 6 - 2 * year, 8 - 2 * year, 280 - 60 * year};
}

double nitrogen_dioxide(double nox) {
  return nox * (0.3 + 0.7 * std::exp(-nox / 160));
}

double ozone(const Sky& sky, double nox, core::EventTime t) {
  const double summer = (season(t) + 1) / 2;
  const double mixed = std::clamp(sky.mixing_m / 500, 0.35, 1.0);
  const double warm = std::clamp((sky.temperature_c - 4) / 24, 0.0, 1.3);
  const double made = 95 * sky.warmth * warm * (1 + 0.6 * sky.heat);
  return std::max(2.0, (45 + 25 * summer) * mixed + made - 0.3 * nox);
}

}  // namespace

Air::Air(const v1::World& world, const Script& script, std::uint64_t seed, core::EventTime from)
    : world_(world),
      script_(script),
      chance_(Chance(seed).of("air")),
      weather_(seed, script),
      from_(core::floor_to(from, kStep)) {
  for (const v1::County& of : world.counties()) {
    auto& row = apart_km_.emplace_back();
    for (const v1::County& other : world.counties()) {
      row.push_back(apart_km(of.lon(), of.lat(), other.lon(), other.lat()));
    }
  }
  start();
}

Sky Air::sky(const std::string& region, core::EventTime t) const {
  for (const v1::County& c : world_.counties()) {
    if (c.region() == region) return weather_.at(c, t);
  }
  return {};
}

void Air::start() {
  steps_.clear();
  first_ = -(kSpinUp / kStep);
  const core::EventTime t = from_ + kStep * first_;
  Step& begin = steps_.emplace_back();
  for (const v1::County& c : world_.counties()) begin.push_back({weather_.at(c, t), background(t)});
}

void Air::go_on() {
  const Step& now = steps_.back();
  const core::EventTime t = from_ + kStep * (first_ + static_cast<std::int64_t>(steps_.size()));
  const Amounts far = background(t);
  Step next;
  next.reserve(now.size());
  for (std::size_t c = 0; c < now.size(); ++c) {
    const v1::County& county = world_.counties(static_cast<int>(c));
    County made{weather_.at(county, t), now[c].amounts};
    const Sky& sky = made.sky;
    const Amounts in = inflow(now, c, sky, far);
    const Amounts given = emissions(county, sky.temperature_c, t);
    const double grown = std::max(0.0, sky.mixing_m - now[c].sky.mixing_m);
    const double flushed = std::max(0.15, sky.speed()) * 3.6 / kBoxKm;  // of the box, in an hour
    for (std::size_t s = 0; s < kSpecies; ++s) {
      double& amount = made.amounts[s];
      // A growing layer takes in the cleaner air above it.
      amount = (amount * now[c].sky.mixing_m + far[s] * grown) / (now[c].sky.mixing_m + grown);
      // Implicit, so that no step is too long.
      const double gain = given[s] / sky.mixing_m + flushed * in[s];
      amount = (amount + kStepHours * gain) / (1 + kStepHours * (flushed + kLossPerHour[s]));
    }
    next.push_back(made);
  }
  steps_.push_back(std::move(next));
  if (steps_.size() > kStepsKept) {
    steps_.pop_front();
    ++first_;
  }
}

// The air that comes in: the neighbours' that lie upwind, and from farther away the background.
Amounts Air::inflow(const Step& now, std::size_t county, const Sky& sky, const Amounts& far) const {
  Amounts sum = far;
  double weights = 1;
  const double speed = sky.speed();
  for (std::size_t other = 0; other < now.size(); ++other) {
    if (other == county) continue;
    const auto& [east, north] = apart_km_[county][other];
    const double distance = std::hypot(east, north);
    const double along = (east * sky.east + north * sky.north) / (distance * speed);
    if (!(along > 0)) continue;
    const double weight = 1.5 * along * along * std::exp(-distance / 30);
    weights += weight;
    for (std::size_t s = 0; s < kSpecies; ++s) sum[s] += weight * now[other].amounts[s];
  }
  for (double& s : sum) s /= weights;
  return sum;
}

const Air::Step& Air::step(std::int64_t number) {
  if (number < first_) start();
  while (number >= first_ + static_cast<std::int64_t>(steps_.size())) go_on();
  return steps_[static_cast<std::size_t>(number - first_)];
}

Sky Air::between(const Sky& a, const Sky& b, double share) {
  const auto mix = [share](double x, double y) { return x * (1 - share) + y * share; };
  return {mix(a.temperature_c, b.temperature_c),
          mix(a.sun, b.sun),
          mix(a.warmth, b.warmth),
          mix(a.mixing_m, b.mixing_m),
          mix(a.east, b.east),
          mix(a.north, b.north),
          mix(a.dust_ug, b.dust_ug),
          mix(a.heat, b.heat)};
}

Air::Place Air::place(const core::SiteInfo& site) const {
  Place out;
  out.kind = site.kind;
  out.chance = chance_.of(site.id);
  for (int i = 0; i < world_.counties_size(); ++i) {
    if (world_.counties(i).region() == site.region) out.county = i;
  }
  // The street, the trees, the height: each station has its own share of the same air.
  const bool park = site.kind == core::SiteKind::Park;
  for (std::size_t s = 0; s < kSpecies; ++s) {
    out.share[s] = (park ? 1.1 : 1.0) * (0.92 + 0.16 * out.chance.of(static_cast<std::int64_t>(s)).uniform());
  }
  if (site.lon_e6 == 0 && site.lat_e6 == 0) return out;
  for (const v1::Emitter& e : world_.emitters()) {
    const auto [east, north] = apart_km(site.lon_e6 * 1e-6, site.lat_e6 * 1e-6, e.lon(), e.lat());
    if (std::hypot(east, north) < kReachKm) out.emitters.push_back({&e, east * 1000, north * 1000});
  }
  return out;
}

// Gaussian plumes, reflected at the ground, capped by the mixed layer; in a calm they spread to all sides.
void Air::add_plumes(const Place& place, const Sky& sky, core::EventTime t, Concentrations& out) const {
  const double speed = sky.speed();
  const double turn = 0.22 * place.chance.of(91).smooth(t, std::chrono::minutes(25));
  const double east = (sky.east * std::cos(turn) - sky.north * std::sin(turn)) / speed;
  const double north = (sky.east * std::sin(turn) + sky.north * std::cos(turn)) / speed;
  const double carried = std::max(0.6, speed);
  for (const Place::Near& near : place.emitters) {
    const Working now = working(*near.emitter, script_, t);
    const double distance = std::max(150.0, std::hypot(near.east_m, near.north_m));
    const double along = near.east_m * east + near.north_m * north;
    const double aside = near.north_m * east - near.east_m * north;
    double dilution = 0;  // s/m3
    if (along > 50) {
      const double wide = 0.17 * along / std::sqrt(1 + 0.0001 * along);
      const double high = std::min((0.035 + 0.1 * sky.sun) * along / (1 + 0.0003 * along), 0.8 * sky.mixing_m);
      dilution = std::exp(-aside * aside / (2 * wide * wide) - now.height_m * now.height_m / (2 * high * high)) /
                 (std::numbers::pi * carried * wide * high);
    }
    const double calm = std::clamp(1.6 - speed, 0.0, 1.0);
    const double layer = std::max(40.0, std::min(sky.mixing_m, 0.06 * distance));
    dilution += calm / (2 * std::numbers::pi * distance * layer * carried);
    for (const v1::Emission& e : near.emitter->emits()) {
      out[static_cast<std::size_t>(e.factor())] += 1e6 * e.g_s() * now.times * dilution;
    }
  }
}

Concentrations Air::at(const Place& place, core::EventTime t) {
  using core::Factor;
  Concentrations out{};
  if (place.county < 0) return out;
  const core::EventTime floor = core::floor_to(t, kStep);
  const std::int64_t number = (floor - from_) / kStep;
  const auto county = static_cast<std::size_t>(place.county);
  step(number + 1);
  const County& a = step(number)[county];
  const County& b = step(number + 1)[county];
  const double share = static_cast<double>((t - floor).count()) / static_cast<double>(kStep.count());
  const Sky sky = between(a.sky, b.sky, share);

  const bool high = place.kind == core::SiteKind::Background;
  const Amounts far = background(t);
  Amounts here{};
  const double stirred = 1 + 0.05 * place.chance.of(90).smooth(t, std::chrono::minutes(7));
  for (std::size_t s = 0; s < kSpecies; ++s) {
    here[s] = a.amounts[s] * (1 - share) + b.amounts[s] * share;
    if (high) here[s] = 0.7 * far[s] + 0.2 * std::max(0.0, here[s] - far[s]);
    here[s] *= place.share[s] * stirred;
  }
  if (place.kind == core::SiteKind::Roadside) {
    const double cars = traffic_of(t) / std::max(0.7, sky.speed());
    here[index(Species::NOx)] += 90 * cars;
    here[index(Species::CO)] += 600 * cars;
    here[index(Species::Fine)] += 6 * cars;
    here[index(Species::Coarse)] += 40 * cars;
  }
  Concentrations near{};
  add_plumes(place, sky, t, near);
  const auto added = [&near](Factor f) { return near[core::index(f)]; };
  const auto have = [&here](Species s) { return here[index(s)]; };

  const double fine = have(Species::Fine) + added(Factor::PM25) + 0.12 * sky.dust_ug * stirred;
  const double coarse = 3 + 0.1 * fine + have(Species::Coarse) +
                        std::max(0.0, added(Factor::PM10) - added(Factor::PM25)) + 0.88 * sky.dust_ug * stirred;
  const double nox = have(Species::NOx) + added(Factor::NOx);
  out[core::index(Factor::PM25)] = fine;
  out[core::index(Factor::PM10)] = fine + coarse;
  out[core::index(Factor::TSP)] = 1.25 * (fine + coarse) + 10 + added(Factor::TSP);
  out[core::index(Factor::SO2)] = have(Species::SO2) + added(Factor::SO2);
  out[core::index(Factor::NOx)] = nox;
  out[core::index(Factor::NO2)] = nitrogen_dioxide(nox);
  out[core::index(Factor::CO)] = have(Species::CO) + added(Factor::CO);
  out[core::index(Factor::O3)] = ozone(sky, high ? 0.3 * nox : nox, t);
  out[core::index(Factor::Pb)] = 0.0007 * fine + added(Factor::Pb);
  out[core::index(Factor::BaP)] = 0.000016 * fine + added(Factor::BaP);
  return out;
}

}  // namespace qc::simulator
