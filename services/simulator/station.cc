#include "simulator/station.h"

#include <algorithm>

namespace qc::simulator {
namespace {

constexpr core::Duration kMinute = std::chrono::minutes(1);
constexpr core::Duration kDay = std::chrono::hours(24);
// What the logger keeps. Below slots_kept (6 h), or the processor would have closed the books over it.
constexpr int kKeptMinutes = 300;
constexpr int kRowsMax = 60;  // of a packet sent afterwards
constexpr core::Duration kAgainAfter = std::chrono::minutes(2);

// With luck 1: a short break of a station's line on one day in eight, one packet in a thousand sent twice.
constexpr double kBreaks = 1.0 / 8;
constexpr double kAgain = 1.0 / 1000;

}  // namespace

Station::Station(std::uint64_t seed, const core::SiteInfo& site, const Script& script, Air& air)
    : site_(site),
      air_(air),
      place_(air.place(site)),
      chance_(Chance(seed).of("line").of(site.id)),
      luck_(script.luck()) {
  for (const core::Factor f : site.factors) channels_.push_back({f, Instrument(seed, site, f, script)});
  const auto of = [&](v1::EpisodeKind kind, std::vector<const Episode*>& into) {
    for (const Episode& e : script.of(kind)) {
      if (e.touches(site.id, site.region)) into.push_back(&e);
    }
  };
  of(v1::OUTAGE, outages_);
  of(v1::RESEND, resends_);
  of(v1::CLOCK, clocks_);
}

bool Station::cut(core::EventTime minute) const {
  if (std::any_of(outages_.begin(), outages_.end(), [&](const Episode* e) { return e->holds(minute); })) return true;
  const core::EventTime day = core::floor_to(minute, kDay);
  const Chance today = chance_.of(core::ms(day));
  if (!today.happens(luck_ * kBreaks)) return false;
  const core::EventTime begins = day + kMinute * static_cast<int>(today.of(1).uniform() * 1380);
  return minute >= begins && minute < begins + kMinute * (4 + static_cast<int>(today.of(2).uniform() * 40));
}

core::Duration Station::clock_error(core::EventTime minute) const {
  for (const Episode* e : clocks_) {
    if (e->holds(minute)) return kMinute * static_cast<int>(e->strength);
  }
  return {};
}

bool Station::sends_again(core::EventTime minute) const {
  if (std::any_of(resends_.begin(), resends_.end(), [&](const Episode* e) { return e->holds(minute); })) return true;
  return chance_.of(core::ms(minute)).of(9).happens(luck_ * kAgain);
}

void Station::measure(core::EventTime minute, std::size_t row, std::vector<Row>& rows) {
  const Concentrations now = air(minute);
  for (Channel& c : channels_) {
    const core::EventTime looks = c.instrument.looks_at(minute);
    double ug = now[core::index(c.factor)];
    if (looks != minute) {
      if (c.stuck_at != looks) c.stuck_ug = air(looks)[core::index(c.factor)];
      c.stuck_at = looks;
      ug = c.stuck_ug;
    }
    rows.push_back({row, c.factor, c.instrument.show(ug, minute)});
  }
}

Packet Station::packet(core::EventTime minute, std::size_t minutes, Fault fault) {
  Packet out;
  out.site = &site_;
  const core::Duration wrong = clock_error(minute);
  out.truly = minute;
  out.start = minute + wrong;
  out.stamp = out.start + kMinute * static_cast<int>(minutes);
  out.minutes = minutes;
  out.fault = fault == Fault::None && wrong.count() != 0 ? Fault::Clock : fault;
  for (std::size_t row = 0; row < minutes; ++row) {
    measure(minute + kMinute * static_cast<int>(row), row, out.rows);
  }
  return out;
}

void Station::send(core::EventTime minute, core::EventTime from, std::vector<Packet>& out) {
  if (place_.county < 0 || !site_.dated.holds(minute) || cut(minute)) return;
  core::EventTime kept = minute;
  const core::EventTime oldest = std::max(from, minute - kMinute * kKeptMinutes);
  while (kept > oldest && cut(kept - kMinute)) kept -= kMinute;
  while (kept < minute) {
    const int rows = std::min(kRowsMax, static_cast<int>((minute - kept) / kMinute));
    out.push_back(packet(kept, static_cast<std::size_t>(rows), Fault::Late));
    kept += kMinute * rows;
  }
  out.push_back(packet(minute, 1, Fault::None));
  // Only what went out in its own minute goes out again as it was.
  const core::EventTime again = minute - kAgainAfter;
  if (again >= from && sends_again(again) && !cut(again)) out.push_back(packet(again, 1, Fault::Resend));
}

}  // namespace qc::simulator
