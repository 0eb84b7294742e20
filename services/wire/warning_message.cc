#include "wire/warning_message.h"

#include <algorithm>

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

void set_condition(const core::MetCondition& m, v1::MetCondition& out) {
  out.set_index(m.condition.index);
  out.set_reaches(m.condition.reaches);
  out.set_hours(m.condition.hours);
  out.set_first_ms(core::ms(m.first));
  out.set_last_ms(core::ms(m.last));
  out.set_step_hours(m.step);
  out.set_lowest(m.lowest);
  out.set_forecast(m.forecast);
}

core::MetCondition condition_of(const v1::MetCondition& in) {
  core::MetCondition m;
  m.condition.index = in.index();
  m.condition.reaches = in.reaches();
  m.condition.hours = in.hours();
  m.first = core::event_time(in.first_ms());
  m.last = core::event_time(in.last_ms());
  m.step = in.step_hours();
  m.lowest = in.lowest();
  m.forecast = in.forecast();
  return m;
}

core::LevelChange change_of(const v1::LevelChange& in) {
  core::LevelChange c;
  c.level = std::clamp(in.level(), 0, core::kWarningLevels);
  c.decided = core::event_time(in.decided_ms());
  c.at = core::event_time(in.at_ms());
  c.began = core::event_time(in.began_ms());
  c.basis = v1::WarningBasis_IsValid(in.basis()) ? static_cast<core::Basis>(in.basis()) : core::Basis::None;
  for (const v1::MetCondition& m : in.conditions()) c.conditions.push_back(condition_of(m));
  c.next = {std::clamp(in.next_level(), 0, core::kWarningLevels), in.next_points(), in.next_hours()};
  return c;
}

}  // namespace

void set_warning(const core::WarningEpisode& e, v1::Warning& out) {
  out.set_criteria(e.criteria);
  out.set_level_max(e.level_max);
  for (const core::LevelChange& c : e.changes) {
    v1::LevelChange& change = *out.add_changes();
    change.set_level(c.level);
    change.set_decided_ms(core::ms(c.decided));
    change.set_at_ms(core::ms(c.at));
    change.set_began_ms(core::ms(c.began));
    change.set_basis(static_cast<v1::WarningBasis>(c.basis));
    for (const core::MetCondition& m : c.conditions) set_condition(m, *change.add_conditions());
    change.set_next_level(c.next.level);
    change.set_next_points(c.next.points);
    change.set_next_hours(c.next.hours);
  }
  out.set_peak(e.peak);
  out.set_peak_at_ms(core::ms(e.peak_at));
  for (const int hours : e.hours_over) out.add_hours_over(hours);
  out.set_hours_ozone(e.hours_ozone);
  out.set_hours_dust(e.hours_dust);
  out.set_hours_missing(e.hours_missing);
}

core::WarningEpisode warning_of(const v1::Signal& signal) {
  const v1::Warning& in = signal.warning();
  core::WarningEpisode e;
  e.revision = signal.revision();
  const bool known = signal.state() >= v1::ACTIVE && signal.state() <= v1::WITHDRAWN;
  e.state = known ? static_cast<core::SignalState>(signal.state()) : core::SignalState::None;
  e.criteria = in.criteria();
  e.clause = signal.clause();
  e.began = core::event_time(signal.began_ms());
  e.level_max = std::clamp(in.level_max(), 0, core::kWarningLevels);
  for (const v1::LevelChange& c : in.changes()) e.changes.push_back(change_of(c));
  e.peak = in.peak();
  e.peak_at = core::event_time(in.peak_at_ms());
  for (std::size_t i = 0; i < e.hours_over.size(); ++i) {
    e.hours_over[i] = static_cast<int>(i) < in.hours_over_size() ? in.hours_over(static_cast<int>(i)) : 0;
  }
  e.hours_ozone = in.hours_ozone();
  e.hours_dust = in.hours_dust();
  e.hours_missing = in.hours_missing();
  e.reason = signal.reason();
  return e;
}

}  // namespace qc::wire
