// What an instrument makes of the air: a bias, noise, the digits it shows, daily calibration, a broken minute now and
// then, and the faults that the scenario orders. Pure: a function of (seed, site, factor, minute) and of the air's
// value in that minute, so a minute that is sent again is the same. Threads: any.
#pragma once

#include <string>

#include "core/concentration.h"
#include "core/rules.h"
#include "simulator/chance.h"
#include "simulator/script.h"

namespace qc::simulator {

// What is wrong with a reading. The names are those of the truth file.
enum class Fault { None, Stick, Reads, Gain, Drift, Flags, Gap, Outage, Resend, Late, Clock };
inline constexpr std::size_t kFaults = 11;
std::string_view name(Fault f);

struct Shown {
  core::Decimal value;
  core::Unit unit = core::Unit::UgM3;
  core::Flag flag = core::Flag::Normal;  // Missing: no value is sent
  Fault fault = Fault::None;
};

class Instrument {
 public:
  Instrument(std::uint64_t seed, const core::SiteInfo& site, core::Factor factor, const Script& script);

  // An instrument that sticks shows an earlier minute: that of the answer is the one whose air it must be given.
  core::EventTime looks_at(core::EventTime minute) const;
  // `air_ug`: in the minute looks_at(minute).
  Shown show(double air_ug, core::EventTime minute) const;

 private:
  struct Of {
    const Episode* episode;
    Fault fault;
  };
  Shown digits(double ug) const;
  double measured(double air_ug, core::EventTime minute) const;

  std::vector<Of> faults_;
  Chance chance_;
  core::Factor factor_;
  double luck_;
  double bias_;
  double noise_;     // a share of the value
  double noise_ug_;  // and what remains of it at zero
  bool calibrated_;  // a gas analyser is, once a day
};

}  // namespace qc::simulator
