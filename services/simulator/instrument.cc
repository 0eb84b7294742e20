#include "simulator/instrument.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qc::simulator {
namespace {

using core::Factor;
constexpr core::Duration kDay = std::chrono::hours(24);

constexpr std::array<std::string_view, kFaults> kNames = {"",    "stick",  "reads",  "gain", "drift", "flags",
                                                          "gap", "outage", "resend", "late", "clock"};

struct Ordered {
  v1::EpisodeKind kind;
  Fault fault;
};
constexpr std::array<Ordered, 6> kOrdered = {{{v1::GAIN, Fault::Gain},
                                              {v1::DRIFT, Fault::Drift},
                                              {v1::STICK, Fault::Stick},
                                              {v1::READS, Fault::Reads},
                                              {v1::FLAGS, Fault::Flags},
                                              {v1::GAP, Fault::Gap}}};

// The shares of minutes in which an analyser says that it is faulty, or nothing, with luck 1.
constexpr double kBrokenMinute = 1.0 / 4000;
constexpr double kLostMinute = 1.0 / 2000;
constexpr core::Duration kCalibration = std::chrono::minutes(10);

double noise_ug(Factor f) {
  switch (f) {
    case Factor::CO:
      return 12;
    case Factor::Pb:
      return 0.0005;
    case Factor::BaP:
      return 0.00001;
    default:
      return 0.4;
  }
}

}  // namespace

std::string_view name(Fault f) {
  return kNames.at(static_cast<std::size_t>(f));
}

Instrument::Instrument(std::uint64_t seed, const core::SiteInfo& site, Factor factor, const Script& script)
    : chance_(Chance(seed).of("instrument").of(site.id).of(static_cast<std::int64_t>(factor))),
      factor_(factor),
      luck_(script.luck()),
      noise_ug_(noise_ug(factor)) {
  for (const auto& [kind, fault] : kOrdered) {
    for (const Episode& e : script.of(kind)) {
      if (e.touches(site.id, site.region) && e.touches(factor)) faults_.push_back({&e, fault});
    }
  }
  // A micro station counts particles by their light: all its channels are wrong together, and by more.
  const bool micro = site.kind == core::SiteKind::Micro;
  const Chance shared = Chance(seed).of("micro").of(site.id);
  bias_ = (1 + (micro ? 0.1 : 0.0) * shared.normal()) * (1 + 0.015 * chance_.normal());
  noise_ = micro ? 0.025 : 0.01;
  calibrated_ = !micro && (factor == Factor::SO2 || factor == Factor::NO2 || factor == Factor::CO ||
                           factor == Factor::O3 || factor == Factor::NOx);
}

Shown Instrument::digits(double ug) const {
  Shown out;
  const double shown = std::max(0.0, ug);
  if (factor_ == Factor::CO) {
    out.unit = core::Unit::MgM3;
    out.value = {std::llround(shown), 3};  // a ug is a thousandth of a mg
  } else if (factor_ == Factor::Pb || factor_ == Factor::BaP) {
    out.value = {std::llround(shown * 1e5), 5};
  } else {
    out.value = {std::llround(shown * 10), 1};
  }
  return out;
}

core::EventTime Instrument::looks_at(core::EventTime minute) const {
  for (const Of& of : faults_) {
    if (of.fault != Fault::Stick) continue;
    const core::Duration since = of.episode->since(minute);
    if (since.count() >= 0) return minute - since;
  }
  return minute;
}

double Instrument::measured(double air_ug, core::EventTime minute) const {
  const Chance now = chance_.of(core::ms(minute));
  return std::max(0.0, air_ug * bias_ * (1 + noise_ * now.of(1).normal()) + noise_ug_ * now.of(2).normal());
}

Shown Instrument::show(double air_ug, core::EventTime minute) const {
  double ug = measured(air_ug, looks_at(minute));
  Fault fault = Fault::None;
  core::Flag flag = core::Flag::Normal;
  for (const Of& of : faults_) {
    const Episode& e = *of.episode;
    const core::Duration since = e.since(minute);
    if (since.count() < 0) continue;
    fault = of.fault;
    const double days = static_cast<double>(since.count()) / static_cast<double>(kDay.count());
    if (of.fault == Fault::Gain) ug *= e.strength;
    if (of.fault == Fault::Drift) ug *= 1 + e.strength * days;
    if (of.fault == Fault::Reads) ug = e.strength * (factor_ == Factor::CO ? 1000 : 1);
    if (of.fault == Fault::Flags) flag = e.flag;
    if (of.fault == Fault::Gap) flag = core::Flag::Missing;
  }
  if (fault == Fault::None) {
    const Chance now = chance_.of(core::ms(minute));
    const core::EventTime day = core::floor_to(minute + core::kBeijing, kDay);
    // Ten minutes of zero gas in an hour of the night that is the analyser's own: the hour keeps its 45 valid minutes.
    const core::Duration at = std::chrono::minutes(5 * (chance_.of(3).uniform() < 0.5 ? 1 : 7)) +
                              std::chrono::hours(static_cast<int>(chance_.of(4).uniform() * 6));
    const core::Duration into = minute + core::kBeijing - day - at;
    if (luck_ > 0 && calibrated_ && into.count() >= 0 && into < kCalibration) {
      flag = core::Flag::Calibrating;
      fault = Fault::Flags;
    } else if (now.of(5).happens(luck_ * kBrokenMinute)) {
      flag = core::Flag::Fault;
      fault = Fault::Flags;
    } else if (now.of(6).happens(luck_ * kLostMinute)) {
      flag = core::Flag::Missing;
      fault = Fault::Gap;
    }
  }
  Shown out = digits(ug);
  out.flag = flag;
  out.fault = fault;
  return out;
}

}  // namespace qc::simulator
