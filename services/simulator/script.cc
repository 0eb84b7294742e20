#include "simulator/script.h"

#include <algorithm>

namespace qc::simulator {
namespace {

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

double eased(double x) {
  const double c = std::clamp(x, 0.0, 1.0);
  return c * c * (3 - 2 * c);
}

}  // namespace

core::Duration Episode::since(core::EventTime t) const {
  core::Duration passed = t - start;
  if (passed.count() < 0) return core::Duration(-1);
  if (every.count() > 0) passed %= every;
  return passed < lasts ? passed : core::Duration(-1);
}

double Episode::swell(core::EventTime t) const {
  const core::Duration passed = since(t);
  if (passed.count() < 0) return 0;
  const double x = static_cast<double>(passed.count()) / static_cast<double>(lasts.count());
  return strength * std::min(eased(x / 0.1), eased((1 - x) / 0.33));
}

bool Episode::touches(std::string_view site, std::string_view region) const {
  return simulator::holds(sites, site) || simulator::holds(regions, region);
}

Script::Script(const v1::Scenario& scenario, core::EventTime from)
    : luck_(scenario.has_luck() ? scenario.luck() : 1.0) {
  const core::EventTime origin = core::hour_of(from);
  for (const v1::Episode& e : scenario.episodes()) {
    Episode made;
    made.kind = e.kind();
    made.start = origin + core::Duration(e.at());
    made.lasts = core::Duration(e.lasts());
    made.every = core::Duration(e.every());
    made.regions.assign(e.regions().begin(), e.regions().end());
    made.sites.assign(e.sites().begin(), e.sites().end());
    made.all_factors = e.factors().empty();
    for (const int f : e.factors()) made.factors.at(static_cast<std::size_t>(f)) = true;
    made.emitter = e.emitter();
    if (e.has_strength()) made.strength = e.strength();
    if (!e.flag().empty()) made.flag = core::parse_flag(e.flag().front()).value_or(core::Flag::Fault);
    by_kind_.at(static_cast<std::size_t>(made.kind)).push_back(std::move(made));
  }
}

double Script::weather(v1::EpisodeKind kind, std::string_view region, core::EventTime t) const {
  double most = 0;
  for (const Episode& e : of(kind)) {
    if (e.regions.empty() || simulator::holds(e.regions, region)) most = std::max(most, e.swell(t));
  }
  return most;
}

}  // namespace qc::simulator
