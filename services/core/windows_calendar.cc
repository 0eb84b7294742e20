// The calendar's windows: day, MDA8, month, quarter, year.
#include <algorithm>
#include <chrono>
#include <utility>

#include "core/windows.h"

namespace qc::core {
namespace {

constexpr Window kPeriods[] = {Window::Month, Window::Quarter, Window::Year};

int days_in(Interval i) {
  return static_cast<int>((i.end - i.start) / kDay);
}

// The shortest month of a year is February, whichever year it is.
bool february(Interval month) {
  return days_in(month) < 30;
}

}  // namespace

// ---- days --------------------------------------------------------------------------------------------------------

void Windows::publish_day(Site& site, Day& day, Status status, int hours, const History* before,
                          std::string_view reason) {
  const Interval interval{day.start, day.end()};
  const bool running = status == Status::Running;
  const Offset first = day.first_offset;
  day.dirty = true;
  bool pollutant_changed = false;
  for (std::size_t c = 0; c < columns(site, day); ++c) {
    Day::Column& column = day.columns[c];
    if (column.published == 0) continue;
    // So far: only what the last hour changed.
    if (running && column.mean[static_cast<std::size_t>(hours - 1)] == Day::kNone) continue;
    pollutant_changed = true;
    const Factor f = site.series[c].factor;
    if (rules_.validity(f, Window::Day, last_instant(interval)) != nullptr) {
      const Total total = site.history.day(c, day.start);
      if (before == nullptr || column.revision == 0 || !(total == before->day(c, day.start))) {
        add_total(site, {f, Window::Day, interval, status, ++column.revision, reason, first}, total, kDayHours,
                  enough(f, Window::Day, interval.end, total.count * kDayHours / hours));
      }
    }
    if (rules_.validity(f, Window::Mda8, last_instant(interval)) == nullptr) continue;
    const int needed = hours_of_8h(interval.end);
    const Greatest8h mda8 = site.history.mda8(c, day.start, needed);
    if (running && mda8.valid == 0) continue;
    if (before == nullptr || column.mda8_revision == 0 || !(mda8 == before->mda8(c, day.start, needed))) {
      // So far it is the greatest until now: as true as it can be.
      add_mda8(site, {f, Window::Mda8, interval, status, ++column.mda8_revision, reason, first}, mda8,
               running || mda8_valid(site, day.start, mda8));
    }
  }
  const AqiEdition* edition = rules_.edition(last_instant(interval));
  constexpr std::uint32_t kAnyHour = (1U << kDayHours) - 1;
  if (edition == nullptr || !indexed(Window::Day, interval.end) || !has_pollutant(site, day, kAnyHour)) return;
  if (running && !pollutant_changed) return;
  const IndexOutcome outcome = day_index(site, site.history, day.start, hours);
  if (running && outcome.value < 0) return;
  if (before != nullptr && day.index_revision > 0 && outcome == day_index(site, *before, day.start, hours)) return;
  add_index(site, {Factor::AQI, Window::Day, interval, status, ++day.index_revision, reason, first}, *edition, outcome);
}

std::int64_t Windows::daily_value(const Site& site, std::size_t column, EventTime day) const {
  const Factor f = site.series[column].factor;
  const EventTime end = day + kDay;
  if (f == Factor::O3) {
    const Greatest8h mda8 = site.history.mda8(column, day, hours_of_8h(end));
    return mda8_valid(site, day, mda8) ? mda8.best.mean().pg : Day::kNone;
  }
  const Total total = site.history.day(column, day);
  return enough(f, Window::Day, end, total.count) ? total.mean().pg : Day::kNone;
}

bool Windows::has_periods(Factor f, EventTime day) const {
  return std::any_of(std::begin(kPeriods), std::end(kPeriods),
                     [&](Window w) { return rules_.validity(f, w, last_instant(period_interval(w, day))) != nullptr; });
}

void Windows::close_day(Site& site, Day& day, EventTime upto) {
  publish_day(site, day, Status::Closed, kDayHours, nullptr, {});
  day.closed = true;
  std::vector<DailyChange> changes;
  for (std::size_t c = 0; c < columns(site, day); ++c) {
    if (day.columns[c].published == 0 || !has_periods(site.series[c].factor, day.start)) continue;
    changes.push_back({day.start, c, daily_value(site, c, day.start)});
  }
  if (changes.empty()) return;
  // A day of which nothing was known may come when its month is over.
  const Judge::AmendedHour late{day.start, "late readings"};
  amend_periods(site, changes, {&late, 1});
  for (const Window w : kPeriods) {
    Period& p = period(site, w, day.start);
    if (day.first_offset >= 0) {
      p.first_offset = p.first_offset < 0 ? day.first_offset : std::min(p.first_offset, day.first_offset);
    }
    const EventTime as_of = std::max(day.end(), day_of(upto));
    if (!p.closed && now_ < p.end && as_of < p.end) publish_periods(site, p, Status::Running, as_of);
  }
}

void Windows::close_until(Site& site, EventTime upto, Judge& judge) {
  for (Day& day : site.history.days) {
    if (day.closed || day.end() > upto) continue;
    close_periods(site, day.start);
    close_day(site, day, upto);
    judge.day_closed(site, day.start);
  }
  close_periods(site, upto);
}

// ---- months, quarters, years -------------------------------------------------------------------------------------

Interval Windows::period_interval(Window window, EventTime t) {
  if (window == Window::Month) return month_of(t);
  return window == Window::Quarter ? quarter_of(t) : year_of(t);
}

Period& Windows::period(Site& site, Window window, EventTime day) {
  const Interval i = period_interval(window, day);
  const auto before = [](const Period& p, const std::pair<EventTime, Window>& place) {
    return std::pair(p.start, p.window) < place;
  };
  const auto at = std::lower_bound(site.periods.begin(), site.periods.end(), std::pair(i.start, window), before);
  if (at != site.periods.end() && at->start == i.start && at->window == window) return *at;
  site.dirty = true;
  return *site.periods.insert(at, Period{window, i.start, i.end, false, -1, {}});
}

// `changes` in the order of their days.
void Windows::put_daily(Site& site, std::span<const DailyChange> changes) {
  for (std::size_t i = 0; i < changes.size();) {
    const Interval interval = month_of(changes[i].day);
    Month& month = site.history.make_month(interval.start);
    MonthValues values = month.open();
    for (; i < changes.size() && changes[i].day < interval.end; ++i) {
      if (values.columns.size() <= changes[i].column) values.columns.resize(changes[i].column + 1);
      MonthValues::Column& column = values.columns[changes[i].column];
      const auto d = static_cast<std::size_t>((changes[i].day - interval.start) / kDay);
      column.published |= 1U << d;
      column.value[d] = changes[i].value;
    }
    month.close(values);
  }
}

Windows::PeriodValue Windows::period_value(const Site& site, const Period& p, std::size_t column,
                                           EventTime as_of) const {
  PeriodValue result;
  result.expected = days_in({p.start, p.end});
  const EventTime last = p.end - Duration(1);
  const Factor f = site.series[column].factor;
  const Validity* v = rules_.validity(f, p.window, last);
  bool months_valid = v != nullptr;
  std::vector<std::int64_t> daily;
  for (EventTime t = p.start; t < p.end;) {
    const Interval month = month_of(t);
    t = month.end;
    std::int32_t count = 0;
    if (const Month* held = site.history.find_month(month.start)) {
      const MonthValues values = held->open();
      if (column < values.columns.size()) {
        for (const std::int64_t pg : values.columns[column].value) {
          if (pg == Day::kNone) continue;
          result.total.add(pg);
          daily.push_back(pg);
          ++count;
        }
      }
    }
    // A month that is not over has not failed yet.
    if (v == nullptr || month.end > as_of) continue;
    int needed = p.window == Window::Month ? v->at_least : v->month_at_least;
    if (february(month) && v->february_at_least > 0) needed = v->february_at_least;
    if (count < needed) months_valid = false;
  }
  if (v != nullptr && result.total.count > 0 && months_valid) {
    const bool is_february = p.window == Window::Month && february({p.start, p.end}) && v->february_at_least > 0;
    result.valid = result.total.count * result.expected >=
                   (is_february ? v->february_at_least : v->at_least) * days_in({p.start, as_of});
  }
  if (!daily.empty()) {
    result.percent = rules_.percentile(f, last);
    if (result.percent > 0) result.percentile = core::percentile(daily, result.percent);
  }
  return result;
}

void Windows::publish_period(Site& site, Period& p, Status status, std::size_t column, const PeriodValue& value,
                             std::string_view reason) {
  if (p.revisions.size() <= column) p.revisions.resize(column + 1);
  const Factor f = site.series[column].factor;
  add_total(site, {f, p.window, {p.start, p.end}, status, ++p.revisions[column], reason, p.first_offset}, value.total,
            value.expected, value.valid);
  Mean& m = out_.means.back();
  m.percentile = value.percent;
  m.percentile_value = value.percentile;
  site.dirty = true;
}

// Every series that has a published day in it.
void Windows::publish_periods(Site& site, Period& p, Status status, EventTime as_of) {
  std::uint64_t columns = 0;
  for (EventTime t = p.start; t < p.end; t = month_of(t).end) {
    const Month* month = site.history.find_month(t);
    if (month == nullptr) continue;
    const MonthValues values = month->open();
    for (std::size_t c = 0; c < values.columns.size(); ++c) {
      if (values.columns[c].published != 0) columns |= std::uint64_t{1} << c;
    }
  }
  for (std::size_t c = 0; c < site.series.size(); ++c) {
    if ((columns >> c & 1U) == 0) continue;
    if (rules_.validity(site.series[c].factor, p.window, p.end - Duration(1)) == nullptr) continue;
    publish_period(site, p, status, c, period_value(site, p, c, as_of), {});
  }
}

void Windows::close_periods(Site& site, EventTime upto) {
  for (Period& p : site.periods) {
    if (p.closed || p.end > upto) continue;
    publish_periods(site, p, Status::Closed, p.end);
    p.closed = true;
    site.dirty = true;
  }
}

void Windows::amend_periods(Site& site, std::span<const DailyChange> changes,
                            std::span<const Judge::AmendedHour> hours) {
  if (changes.empty()) return;
  struct Then {
    Window window;
    EventTime start;
    std::size_t column;
    PeriodValue value;
  };
  // Of periods that are over; one that is running says it with its next day.
  std::vector<Then> then;
  for (const DailyChange& c : changes) {
    for (const Window w : kPeriods) {
      const Period& p = period(site, w, c.day);
      const bool known = std::any_of(then.begin(), then.end(), [&](const Then& t) {
        return t.window == w && t.start == p.start && t.column == c.column;
      });
      if (p.closed && !known) then.push_back({w, p.start, c.column, period_value(site, p, c.column, p.end)});
    }
  }
  put_daily(site, changes);
  for (const Then& t : then) {
    Period& p = period(site, t.window, t.start);
    if (rules_.validity(site.series[t.column].factor, p.window, p.end - Duration(1)) == nullptr) continue;
    const PeriodValue now = period_value(site, p, t.column, p.end);
    const bool first = t.column >= p.revisions.size() || p.revisions[t.column] == 0;
    if (!first && now == t.value) continue;
    publish_period(site, p, Status::Amended, t.column, now, reason_in(hours, p.start, p.end));
  }
}

}  // namespace qc::core
