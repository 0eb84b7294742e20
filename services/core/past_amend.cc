#include "core/past_amend.h"

#include "core/history.h"
#include "core/quality.h"
#include "core/windows.h"

namespace qc::core {

PastReach::PastReach(Interval hours, EventTime as_of, const Horizons& horizons) : hours_(hours) {
  static_assert(kBack == kHour * kRunMax && kAhead >= kHour * kRunMax);
  days_ = {day_of(hours.start - kBack), day_of(hours.end + kAhead) + kDay};
  // As Windows::settle(), a record's age later.
  const EventTime kept = Windows::first_day(as_of + kPastAgeMax, horizons);
  if (year_of(hours.start).end < kept) years_ = {year_of(hours.start).start, year_of(hours.end - kHour).end};
}

bool PastReach::needs(const Mean& m) const {
  if (m.status != Status::Closed && m.status != Status::Amended) return false;  // what is open the stage holds
  const auto overlaps = [&m](const Interval& i) { return m.interval.start < i.end && i.start < m.interval.end; };
  switch (m.window) {
    case Window::H1:
      if (m.factor != Factor::AQI_PM24) return overlaps(days_);
      [[fallthrough]];
    case Window::H8:
    case Window::H24:
      // Published once is what is assumed.
      return m.revision > 1 && overlaps({hours_.start, hours_.end + kAhead}) &&
             m.interval.end - kHour >= hours_.start && m.interval.end - kHour < hours_.end + kAhead;
    case Window::Day:
    case Window::Mda8:
      if (overlaps(hours_)) return true;
      // What months are made of.
      return overlaps(years_) && !is_index(m.factor) && (m.factor == Factor::O3) == (m.window == Window::Mda8);
    case Window::Month:
    case Window::Quarter:
    case Window::Year:
      return overlaps(hours_);
    case Window::None:
    case Window::Reading:
      break;
  }
  return false;
}

Mean PastReach::slim(const Mean& m) {
  Mean s;
  s.factor = m.factor;
  s.window = m.window;
  s.interval = m.interval;
  s.value = m.value;
  s.valid = m.valid;
  s.sum_pg = m.sum_pg;
  s.count = m.count;
  s.expected = m.expected;
  s.min = m.min;
  s.max = m.max;
  s.status = m.status;
  s.revision = m.revision;
  s.source = m.source;
  s.audited = m.audited;
  s.primary = m.primary;
  s.sub_indices = m.sub_indices;
  s.marks = m.marks;
  s.suspect = m.suspect;
  return s;
}

Interval PastReach::steps(const Watch& watch, EventTime hour) {
  const EventTime from = watch.floor(hour);
  // An hour's index may count a pollutant by the mean of the 24 hours before its end.
  const int reach = watch.factor == Factor::AQI ? kDayHours : Watcher::reach(watch);
  return {from, from + watch.step() * reach};
}

Interval PastReach::span(const Signal& signal, const SignalRule& rule, EventTime now) {
  const bool open = signal.state == SignalState::Active || signal.state == SignalState::Stale;
  return {signal.began - rule.hold_on, open ? now : signal.at};
}

}  // namespace qc::core
