#include "core/watch.h"

#include <algorithm>
#include <vector>

#include "core/quality.h"
#include "core/windows.h"

namespace qc::core {
namespace {

Unit unit_of(const Watch& watch) {
  if (watch.kind == SignalKind::NoData) return Unit::Hours;
  if (watch.kind == SignalKind::Suspect && watch.check == Mark::Stuck) return Unit::Hours;
  if (watch.kind == SignalKind::Suspect && watch.check != Mark::Inverted) return Unit::Count;
  return publishing_unit(watch.factor);
}

}  // namespace

// ---- levels ------------------------------------------------------------------------------------------------------

std::optional<Watcher::Levels> Watcher::levels_of(const SignalRule& rule, std::int64_t more) const {
  Levels l;
  l.count = std::min(rule.on.size(), std::size_t{kLevels});
  for (std::size_t i = 0; i < l.count; ++i) l.on[i] = rule.on[i].pg + more;
  l.clause = rule.clause;
  return l.count == 0 ? std::nullopt : std::optional(l);
}

std::optional<Watcher::Levels> Watcher::levels_of(const Limit* limit, EventTime last) const {
  if (limit == nullptr) return std::nullopt;
  return Levels{{limit->for_class(site_.info.class_at(last)).pg}, 1, limit->clause};
}

std::optional<Watcher::Levels> Watcher::levels(const SignalRule& rule, const Watch& watch, EventTime last) const {
  // What is counted back is counted so far and no farther.
  constexpr std::int64_t kLongest = (kRunMax - 1) * kMillion;
  switch (rule.kind) {
    case SignalKind::HourLimit:
    case SignalKind::ReadingOverLimit:
      return levels_of(rules_.limit(watch.factor, Window::H1, last), last);
    case SignalKind::RollingOverLimit: {
      const Window limited = watch.window == Window::H8 ? Window::Mda8 : Window::Day;
      return levels_of(rules_.limit(watch.factor, limited, last), last);
    }
    case SignalKind::DayLimit:
      return levels_of(rules_.limit(watch.factor, watch.window, last), last);
    case SignalKind::AqiLevel:
      return levels_of(rule, 0);
    case SignalKind::NoData: {
      auto l = levels_of(rule, 0);
      if (l) l->on[0] = std::min(l->on[0], kLongest);
      return l;
    }
    case SignalKind::Suspect: {
      if (rule.check == Mark::Inverted) return levels_of(rule, 0);
      const QualityCheck* check = rules_.check(watch.factor);
      if (check == nullptr) return std::nullopt;
      if (rule.check != Mark::Stuck) return levels_of(rule, 0);
      if (check->stuck_hours == 0) return std::nullopt;
      auto l = levels_of(rule, (check->stuck_hours - 1) * kMillion);
      for (std::size_t i = 0; l && i < l->count; ++i) l->on[i] = std::min(l->on[i], kLongest);
      return l;
    }
    case SignalKind::None:
    case SignalKind::HourHigh:
    case SignalKind::Spike:
      break;
  }
  return std::nullopt;
}

std::optional<Criteria> Watcher::criteria(const SignalRule& rule, const Watch& watch, EventTime last) const {
  const auto l = levels(rule, watch, last);
  if (!l) return std::nullopt;
  std::vector<Concentration> on;
  for (std::size_t i = 0; i < l->count; ++i) on.push_back({l->on[i]});
  Criteria c = make_criteria(rule, on, std::string(l->clause));
  c.unit = unit_of(watch);
  const std::uint8_t column = site_.column[index(watch.factor)];
  if (rule.kind == SignalKind::ReadingOverLimit && column != kNoColumn) {
    // A series that comes once an hour is not silent after half of one.
    c.no_data = std::max<Duration>(c.no_data, std::chrono::seconds(3 * site_.series[column].step_s));
    c.stale_max = std::max(c.stale_max, c.no_data);
  }
  return c;
}

bool Watcher::begins(const SignalRule& rule, const Watch& watch, EventTime start) const {
  const auto l = levels(rule, watch, last_instant(interval(watch, start)));
  if (!l) return false;
  const std::int64_t lowest = l->on[0];
  if (watch.kind == SignalKind::NoData) {
    const auto most = static_cast<int>(lowest / kMillion) + 1;
    return silent_hours(watch.factor, start, most) * kMillion > lowest;
  }
  const Observation o = observe(watch, start, 0);
  return o.pg && *o.pg > lowest;
}

// ---- values ------------------------------------------------------------------------------------------------------

Interval Watcher::interval(const Watch& watch, EventTime start) {
  const EventTime end = start + watch.step();
  if (watch.window == Window::H24) return {end - kHour * 24, end};
  if (watch.window == Window::H8) return {end - kHour * 8, end};
  return {start, end};
}

int Watcher::reach(const Watch& watch) {
  if (watch.window == Window::H24) return 24;
  if (watch.window == Window::H8) return 8;
  const bool counted = watch.kind == SignalKind::NoData || watch.check == Mark::Stuck;
  return counted ? kRunMax : 1;
}

const HourEntry* Watcher::closed(EventTime hour) const {
  const auto& hours = site_.hours;
  const auto at =
      std::lower_bound(hours.begin(), hours.end(), hour, [](const HourEntry& e, EventTime t) { return e.start < t; });
  return at != hours.end() && at->start == hour && at->closed ? &*at : nullptr;
}

Observation Watcher::observe(const Watch& watch, EventTime start, std::int32_t silent) const {
  Observation o;
  o.interval = interval(watch, start);
  o.at = o.interval.end;
  switch (watch.kind) {
    case SignalKind::NoData:
      hour_value(watch, start, o);
      o.pg = silent * kMillion;
      if (const std::uint8_t c = site_.column[index(watch.factor)]; o.expected == 0 && c != kNoColumn) {
        o.expected = 3600 / site_.series[c].step_s;
      }
      break;
    case SignalKind::Suspect:
      suspect(watch, start, o);
      break;
    case SignalKind::RollingOverLimit:
      rolling(watch, start, o);
      break;
    case SignalKind::DayLimit:
      day(watch, start, o);
      break;
    default:
      hour_value(watch, start, o);
  }
  return o;
}

void Watcher::hour_value(const Watch& watch, EventTime hour, Observation& o) const {
  const HourEntry* e = closed(hour);
  if (e == nullptr) return;
  if (watch.factor == Factor::AQI) {
    const IndexOutcome index = e->index();
    o.count = static_cast<std::int32_t>(index.sub_indices.size());
    o.expected = static_cast<std::int32_t>(kSixPollutants.size());
    if (index.value >= 0) o.pg = index.value * kMillion;
    return;
  }
  const std::uint8_t column = site_.column[index(watch.factor)];
  if (column == kNoColumn) return;
  const SeriesResult r = e->result(column);
  o.count = r.value.sums.count;
  o.expected = r.value.expected;
  if (r.value.valid) o.pg = r.value.mean().pg;
}

void Watcher::suspect(const Watch& watch, EventTime hour, Observation& o) const {
  const std::uint8_t column = site_.column[index(watch.factor)];
  const HourEntry* e = closed(hour);
  if (column == kNoColumn || e == nullptr) return;
  const HourValue v = e->result(column).value;
  o.count = v.sums.count;
  o.expected = v.expected;
  switch (watch.check) {
    case Mark::Range:
      if (v.sums.count > 0) o.pg = std::int64_t{v.sums.range} * kMillion;
      break;
    case Mark::Clipped:
      if (v.sums.count > 0) o.pg = std::int64_t{v.sums.clipped} * kMillion;
      break;
    case Mark::Stuck:
      if (v.valid) o.pg = stuck_hours(site_, column, hour) * kMillion;
      break;
    case Mark::Inverted:
      o.pg = inversion(site_, hour);
      break;
    case Mark::None:
    case Mark::Spike:
      break;
  }
}

void Watcher::rolling(const Watch& watch, EventTime hour, Observation& o) const {
  const std::uint8_t column = site_.column[index(watch.factor)];
  // Published where its last hour is.
  if (column == kNoColumn || !site_.history.published(column, hour)) return;
  o.expected = watch.window == Window::H8 ? 8 : 24;
  const Total total = site_.history.trailing(column, o.interval.end, o.expected);
  o.count = total.count;
  if (enough(rules_, watch.factor, watch.window, o.interval.end, total.count)) o.pg = total.mean().pg;
}

void Watcher::day(const Watch& watch, EventTime day, Observation& o) const {
  const std::uint8_t column = site_.column[index(watch.factor)];
  if (column == kNoColumn || site_.history.find_day(day) == nullptr) return;
  if (watch.window == Window::Mda8) {
    const Greatest8h mda8 = site_.history.mda8(column, day, hours_of_8h(rules_, o.interval.end));
    o.count = mda8.valid;
    o.expected = k8hWindowsOfDay;
    if (mda8_valid(rules_, site_, day, mda8)) o.pg = mda8.best.mean().pg;
    return;
  }
  const Total total = site_.history.day(column, day);
  o.count = total.count;
  o.expected = kDayHours;
  if (enough(rules_, watch.factor, Window::Day, o.interval.end, total.count)) o.pg = total.mean().pg;
}

// ---- silence -----------------------------------------------------------------------------------------------------

bool Watcher::silent(Factor factor, EventTime hour) const {
  const std::uint8_t column = site_.column[index(factor)];
  return column == kNoColumn || !site_.history.mean(column, hour);
}

std::int32_t Watcher::silent_hours(Factor factor, EventTime hour, int most) const {
  const std::uint8_t column = site_.column[index(factor)];
  if (column == kNoColumn) return 0;
  const auto known_by = [&](EventTime h) {
    if (h >= site_.series[column].last_hour) return true;
    return std::any_of(site_.history.days.begin(), site_.history.days.end(), [&](const Day& d) {
      if (d.start >= h || column >= d.columns.size()) return false;
      const auto before = std::min<std::int64_t>((h - d.start) / kHour, kDayHours);
      return (d.columns[column].published & ((1U << before) - 1)) != 0;
    });
  };
  std::int32_t run = 0;
  while (run < most) {
    const EventTime h = hour - kHour * run;
    if (site_.history.mean(column, h)) break;
    if (!site_.history.published(column, h) && !known_by(h)) break;
    ++run;
  }
  return run;
}

// ---- labels ------------------------------------------------------------------------------------------------------

void Watcher::label(const Watch& watch, Episode& episode) const {
  episode.marks = {};
  episode.first_offset = -1;
  if (watch.kind == SignalKind::NoData) return;
  const Interval i = episode.interval;
  std::uint8_t bits = 0;
  for (EventTime hour = i.start; hour < i.end; hour += kHour) {
    const HourEntry* e = closed(hour);
    if (e == nullptr) continue;
    const auto add = [&](Factor f) {
      const std::uint8_t column = site_.column[index(f)];
      if (column == kNoColumn) return;
      const SeriesResult r = e->result(column);
      if (r.revision > 0) bits |= hour_marks(rules_, site_, column, hour, r.value).bits();
    };
    // An index is as suspect as what made it.
    if (watch.factor == Factor::AQI) {
      for (const Factor f : e->index().primary) add(f);
    } else {
      add(watch.factor);
    }
  }
  episode.marks = Marks(bits);
  if (watch.window != Window::H1) {
    episode.first_offset = first_offset(site_, i.start, i.end);
  } else if (const HourEntry* e = closed(i.start)) {
    episode.first_offset = e->first_offset();
  }
}

}  // namespace qc::core
