#include "core/windows.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace qc::core {
namespace {

constexpr int kRollingHours = 24;
constexpr int k8h = 8;
// An hour of ozone is in 8 h means that end up to 8 hours after its start, and those in the 24 hours after that.
constexpr Duration kReach = kHour * (kRollingHours + k8h - 1);

constexpr std::size_t kNoSeries = 0;  // the column of an index's revisions

// Where the first hour lies that what is published with an hour depends on.
EventTime first_input(TrailingKind kind, Interval interval, EventTime end) {
  if (kind == kRollingKind) return end - kReach;
  return kind == kPm24Kind ? end - kHour * kRollingHours : interval.start;
}

int hour_in(EventTime day, EventTime hour) {
  return static_cast<int>((hour - day) / kHour);
}

IndexOutcome outcome_of(AqiResult&& result) {
  return {result.aqi.value_or(-1), std::move(result.primary), std::move(result.sub_indices)};
}

std::uint8_t column_of(const Site& site, Factor f) {
  return site.column[index(f)];
}

}  // namespace

std::string_view reason_in(std::span<const Judge::AmendedHour> hours, EventTime from, EventTime until) {
  for (const Judge::AmendedHour& a : hours) {
    if (from <= a.hour && a.hour < until) return a.reason;
  }
  return {};
}

void judge_limit(const RuleSet& rules, const Site& site, Mean& mean) {
  const EventTime last = last_instant(mean.interval);
  const Limit* limit = rules.limit(mean.factor, mean.window, last);
  if (limit == nullptr) return;
  const Concentration s = limit->for_class(site.info.class_at(last));
  mean.limit = s;
  mean.clause = limit->clause;
  mean.exceeds = mean.valid && mean.status != Status::Running && mean.value > s;
  if (mean.exceeds && s.pg > 0) {
    mean.multiple = static_cast<std::int32_t>(divide_half_even((mean.value.pg - s.pg) * 100, s.pg));
  }
}

// ---- results as means --------------------------------------------------------------------------------------------

Mean& Windows::add(const Site& site, const Place& p) {
  Mean& m = out_.means.emplace_back();
  m.site = site.info.id;
  m.region = site.info.region;
  m.root = site.info.root;
  m.factor = p.factor;
  m.window = p.window;
  m.interval = p.interval;
  m.revision = p.revision;
  // What is published for the first time amends nothing.
  m.status = p.status == Status::Amended && p.revision == 1 ? Status::Closed : p.status;
  if (m.status == Status::Amended) m.reason = p.reason;
  m.origin = {p.first_offset, offset_};
  return m;
}

void Windows::add_total(const Site& site, const Place& place, const Total& total, int expected, bool valid) {
  Mean& m = add(site, place);
  m.value = total.mean();
  m.valid = valid;
  m.sum_pg = total.sum_pg;
  m.count = total.count;
  m.expected = expected;
  m.min = {total.min_pg};
  m.max = {total.max_pg};
  judge_limit(rules_, site, m);
}

void Windows::add_mda8(const Site& site, const Place& place, const Greatest8h& mda8, bool valid) {
  Mean& m = add(site, place);
  m.value = mda8.best.mean();
  m.valid = valid;
  m.sum_pg = mda8.best.sum_pg;
  m.count = mda8.valid;
  m.expected = k8hWindowsOfDay;
  m.min = {mda8.best.min_pg};
  m.max = {mda8.best.max_pg};
  judge_limit(rules_, site, m);
}

void Windows::add_index(const Site& site, const Place& place, const AqiEdition& edition, const IndexOutcome& outcome) {
  Mean& m = add(site, place);
  m.valid = outcome.value >= 0;
  m.sum_pg = m.valid ? outcome.value * kMillion : 0;
  m.value = m.min = m.max = {m.sum_pg};
  m.count = static_cast<std::int32_t>(outcome.sub_indices.size());
  m.expected = static_cast<std::int32_t>(kSixPollutants.size());
  m.primary = outcome.primary;
  m.sub_indices = outcome.sub_indices;
  m.clause = edition.clause;
}

Offset first_offset(const Site& site, EventTime from, EventTime until) {
  // To the day: no later than the first reading of the window, which is what a person needs to recompute it.
  Offset first = -1;
  for (EventTime day = day_of(from); day < until; day += kDay) {
    const Day* d = site.history.find_day(day);
    if (d != nullptr && d->first_offset >= 0) first = first < 0 ? d->first_offset : std::min(first, d->first_offset);
  }
  return first;
}

// ---- validity and indices ----------------------------------------------------------------------------------------

bool enough(const RuleSet& rules, Factor factor, Window window, EventTime end, std::int32_t count) {
  const Validity* v = rules.validity(factor, window, end - Duration(1));
  return v != nullptr && count > 0 && count >= v->at_least;
}

int hours_of_8h(const RuleSet& rules, EventTime end) {
  const Validity* v = rules.validity(Factor::O3, Window::H8, end - Duration(1));
  return v == nullptr ? k8h : v->at_least;
}

bool mda8_valid(const RuleSet& rules, const Site& site, EventTime day, const Greatest8h& mda8) {
  const EventTime last = day + kDay - Duration(1);
  const Validity* v = rules.validity(Factor::O3, Window::Mda8, last);
  if (v == nullptr || mda8.best.count == 0) return false;
  if (mda8.valid >= v->at_least) return true;
  if (!v->or_over_limit) return false;
  const Limit* limit = rules.limit(Factor::O3, Window::Mda8, last);
  return limit != nullptr && mda8.best.mean() > limit->for_class(site.info.class_at(last));
}

bool Windows::has_pollutant(const Site& site, const Day& day, std::uint32_t hours) const {
  return std::any_of(kSixPollutants.begin(), kSixPollutants.end(), [&](Factor f) {
    const std::uint8_t c = column_of(site, f);
    return c != kNoColumn && c < day.columns.size() && (day.columns[c].published & hours) != 0;
  });
}

// Whether an index is made of that window: it is computed for one of the pollutants.
bool Windows::indexed(Window window, EventTime end) const {
  return std::any_of(kSixPollutants.begin(), kSixPollutants.end(),
                     [&](Factor f) { return rules_.validity(f, window, end - Duration(1)) != nullptr; });
}

IndexOutcome Windows::hour_index_pm24(const Site& site, const History& history, EventTime hour) const {
  const EventTime end = hour + kHour;
  AqiInputs in;
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    const Factor f = kSixPollutants[i];
    const std::uint8_t c = column_of(site, f);
    if (c == kNoColumn) continue;
    if (const auto mean = history.mean(c, hour)) in.h1[i] = Concentration{*mean};
    const Total t = history.trailing(c, end, kRollingHours);
    if (enough(f, Window::H24, end, t.count)) in.h24[i] = t.mean();
  }
  return outcome_of(aqi(*rules_.edition(end - Duration(1)), AqiReport::HourPm24, in, site.info.exempt));
}

IndexOutcome Windows::rolling_index(const Site& site, const History& history, EventTime end) const {
  AqiInputs in;
  const EventTime last = end - Duration(1);
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    const Factor f = kSixPollutants[i];
    const std::uint8_t c = column_of(site, f);
    if (c == kNoColumn) continue;
    const Total t = history.trailing(c, end, kRollingHours);
    if (f == Factor::O3) {
      if (t.count > 0) in.h1[i] = Concentration{t.max_pg};
      const Validity* v = rules_.validity(f, Window::Mda8, last);
      const Greatest8h g = history.greatest_8h(c, end - kHour * (kRollingHours - 1), end, hours_of_8h(end));
      if (v != nullptr && g.best.count > 0 && g.valid >= v->at_least) in.o3_8h = g.best.mean();
    }
    if (enough(f, Window::H24, end, t.count)) in.h24[i] = t.mean();
  }
  return outcome_of(aqi(*rules_.edition(last), AqiReport::Rolling, in, site.info.exempt));
}

IndexOutcome Windows::day_index(const Site& site, const History& history, EventTime day, int hours) const {
  AqiInputs in;
  const EventTime end = day + kDay;
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    const Factor f = kSixPollutants[i];
    const std::uint8_t c = column_of(site, f);
    if (c == kNoColumn) continue;
    const Total t = history.day(c, day);
    if (f == Factor::O3) {
      const Greatest8h g = history.mda8(c, day, hours_of_8h(end));
      if (hours < kDayHours ? g.best.count > 0 : mda8_valid(site, day, g)) in.o3_8h = g.best.mean();
    }
    if (!enough(f, Window::Day, end, t.count * kDayHours / hours)) continue;
    in.h24[i] = t.mean();
    if (f == Factor::O3) in.h1[i] = Concentration{t.max_pg};
  }
  return outcome_of(aqi(*rules_.edition(end - Duration(1)), AqiReport::Day, in, site.info.exempt));
}

// ---- trailing windows --------------------------------------------------------------------------------------------

void Windows::note_hour(Site& site, const HourEntry& entry) {
  QC_ASSERT(entry.data != nullptr);
  const EventTime start = day_of(entry.start);
  const int hour = hour_in(start, entry.start);
  Day* day = site.history.find_day(start);
  const auto& results = entry.data->results;
  for (std::size_t c = 0; c < results.size(); ++c) {
    if (results[c].revision == 0) continue;
    if (day == nullptr) day = &site.history.make_day(start);
    Day::Column& column = day->column(c);
    column.published |= 1U << hour;
    const HourValue& v = results[c].value;
    column.mean[static_cast<std::size_t>(hour)] = v.valid ? v.mean().pg : Day::kNone;
    column.flat = v.valid && v.flat() ? column.flat | 1U << hour : column.flat & ~(1U << hour);
    day->dirty = true;
  }
  const Offset first = entry.data->slots.first_offset();
  if (day == nullptr || first < 0 || (day->first_offset >= 0 && day->first_offset <= first)) return;
  day->first_offset = first;
  day->dirty = true;
}

void Windows::trailing(Site& site, EventTime hour, const History* before, std::span<const Judge::AmendedHour> hours) {
  const EventTime start = day_of(hour);
  const EventTime end = hour + kHour;
  Day* day = site.history.find_day(start);
  if (day == nullptr) return;
  const int h = hour_in(start, hour);
  const Interval day_long{end - kHour * kRollingHours, end};
  const Interval eight{end - kHour * k8h, end};
  const auto place = [&](Factor f, Window w, Interval interval, TrailingKind kind, std::size_t column, bool first) {
    day->dirty = true;
    return Place{f,
                 w,
                 interval,
                 first ? Status::Closed : Status::Amended,
                 day->next_revision(kind, column, h, first),
                 reason_in(hours, first_input(kind, interval, end), end),
                 first_offset(site, interval.start, interval.end)};
  };
  const auto total = [&](std::size_t c, Factor f, Window w, Interval interval, TrailingKind kind, bool first) {
    const int length = static_cast<int>((interval.end - interval.start) / kHour);
    const Total now = site.history.trailing(c, end, length);
    if (!first && now == before->trailing(c, end, length)) return;
    add_total(site, place(f, w, interval, kind, c, first), now, length, enough(f, w, end, now.count));
  };
  for (std::size_t c = 0; c < columns(site, *day); ++c) {
    if (!day->published(c, h)) continue;
    const Factor f = site.series[c].factor;
    const bool first = before == nullptr || !before->published(c, hour);
    if (rules_.validity(f, Window::H24, end - Duration(1)) != nullptr)
      total(c, f, Window::H24, day_long, k24hKind, first);
    if (rules_.validity(f, Window::H8, end - Duration(1)) != nullptr) total(c, f, Window::H8, eight, k8hKind, first);
  }
  const AqiEdition* edition = rules_.edition(end - Duration(1));
  const std::uint32_t bit = 1U << h;
  if (edition == nullptr || !indexed(Window::H24, end) || !has_pollutant(site, *day, bit)) return;
  const Day* then = before == nullptr ? nullptr : before->find_day(start);
  const bool first = then == nullptr || !has_pollutant(site, *then, bit);
  const IndexOutcome pm24 = hour_index_pm24(site, site.history, hour);
  if (first || !(pm24 == hour_index_pm24(site, *before, hour))) {
    add_index(site, place(Factor::AQI_PM24, Window::H1, {hour, end}, kPm24Kind, kNoSeries, first), *edition, pm24);
  }
  const IndexOutcome rolling = rolling_index(site, site.history, end);
  if (first || !(rolling == rolling_index(site, *before, end))) {
    add_index(site, place(Factor::AQI, Window::H24, day_long, kRollingKind, kNoSeries, first), *edition, rolling);
  }
}

void Windows::hour_closed(Site& site, EventTime hour) {
  trailing(site, hour, nullptr, {});
  const EventTime start = day_of(hour);
  Day* day = site.history.find_day(start);
  // The day so far; when its last hour closes, close_until says what it was.
  if (day == nullptr || day->closed || now_ >= day->end()) return;
  publish_day(site, *day, Status::Running, hour_in(start, hour) + 1, nullptr, {});
}

// ---- corrections -------------------------------------------------------------------------------------------------

void Windows::hours_amended(Site& site, std::vector<Day> days_before, std::span<const Judge::AmendedHour> hours) {
  if (hours.empty()) return;
  History before;
  before.days = std::move(days_before);
  const EventTime newest = site.history.days.empty() ? EventTime::min() : site.history.days.back().end();
  const EventTime until = std::min(hours.back().hour + kReach + kHour, newest);
  for (EventTime hour = hours.front().hour; hour < until; hour += kHour) trailing(site, hour, &before, hours);

  std::vector<DailyChange> changes;
  for (Day& day : site.history.days) {
    const std::string_view reason = reason_in(hours, day.start, day.end());
    const bool touched = std::any_of(hours.begin(), hours.end(), [&](const Judge::AmendedHour& a) {
      return day.start <= a.hour && a.hour < day.end();
    });
    if (!touched || !day.closed) continue;
    publish_day(site, day, Status::Amended, kDayHours, &before, reason);
    const Month* month = site.history.find_month(month_of(day.start).start);
    const MonthValues values = month == nullptr ? MonthValues{} : month->open();
    const auto d = static_cast<std::size_t>((day.start - month_of(day.start).start) / kDay);
    for (std::size_t c = 0; c < columns(site, day); ++c) {
      if (day.columns[c].published == 0 || !has_periods(site.series[c].factor, day.start)) continue;
      const std::int64_t value = daily_value(site, c, day.start);
      const bool known = c < values.columns.size() && (values.columns[c].published >> d & 1U) != 0;
      if (!known || values.columns[c].value[d] != value) changes.push_back({day.start, c, value});
    }
  }
  amend_periods(site, changes, hours);
}

void Windows::settle(Site& site, EventTime now, const Horizons& horizons) {
  auto& days = site.history.days;
  const EventTime first_day = Windows::first_day(now, horizons);
  std::size_t gone = 0;
  while (gone < days.size() && days[gone].closed && days[gone].start < first_day) {
    site.erased_days.push_back(days[gone++].start);
  }
  days.erase(days.begin(), days.begin() + static_cast<std::ptrdiff_t>(gone));

  const auto over = std::erase_if(site.periods, [&](const Period& p) { return p.closed && p.end < first_day; });
  if (over == 0) return;
  site.dirty = true;
  EventTime first_month = EventTime::max();
  for (const Period& p : site.periods) first_month = std::min(first_month, p.start);
  std::erase_if(site.history.months, [&](const Month& m) {
    if (m.start >= first_month) return false;
    site.erased_months.push_back(m.start);
    return true;
  });
}

}  // namespace qc::core
