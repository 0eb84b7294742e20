// Publishes what follows from one site's hour means: the hour's index, the windows that are longer than an hour, and
// the indices made of them: trailing 8 h and 24 h means,
// the natural day with its MDA8, month, quarter and year (GB 3095 3.8 - 3.13, HJ 663), `AQI_PM24`, `AQI` `24h` and
// `AQI` `day` (architecture section 6). Which of them there are, and how much data each must hold, is
// RuleSet::validity.
//
// A trailing window is published with the hour it ends with; a day when its last hour closes, running before; a month,
// quarter or year when its last day closes, running before. A corrected hour publishes every window again that holds it
// and has another outcome now.
//
// Stateless: all state is the site's (history.h, Site::periods). Threads: none of its business.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/aqi.h"
#include "core/history.h"
#include "core/judge.h"
#include "core/output.h"
#include "core/rules.h"
#include "core/site.h"

namespace qc::core {

// Why a window [from, until) was published again: the first changed hour in it says.
std::string_view reason_in(std::span<const Judge::AmendedHour> hours, EventTime from, EventTime until);

// Sets limit, exceeds and multiple of a concentration's mean, by the area's class and the limits at its last instant.
void judge_limit(const RuleSet& rules, const Site& site, Mean& mean);

// Whether a window that ends at `end` holds data enough to be valid; false where it is not computed.
bool enough(const RuleSet& rules, Factor factor, Window window, EventTime end, std::int32_t count);
// How many valid hours an 8 h mean of ozone needs, and whether the day's greatest one is valid.
int hours_of_8h(const RuleSet& rules, EventTime end);
bool mda8_valid(const RuleSet& rules, const Site& site, EventTime day, const Greatest8h& mda8);
// The first input of the days that the window is part of: no later than its first reading. -1: none.
Offset first_offset(const Site& site, EventTime from, EventTime until);

class Windows {
 public:
  Windows(const RuleSet& rules, EventTime now, Offset offset, Outputs& out)
      : rules_(rules), now_(now), offset_(offset), out_(out) {}

  // The result of one column's hour, as it stands.
  void add_hour(const Site& site, const HourEntry& entry, std::size_t column, Status status);
  // `AQI` `1h`, of an hour whose results stand. false: it has nothing to say, or nothing new.
  bool publish_hour_index(Site& site, HourEntry& entry, Status status);
  // Closed hours whose own values stand, but whose index counts a pollutant by its trailing 24 h mean
  // (AqiItem::instead): those that are published again join `amended`, which is not empty and in order.
  void publish_dependent_indices(Site& site, std::vector<Judge::AmendedHour>& amended);

  // An hour of the site was published as closed or amended: its valid means enter the history.
  static void note_hour(Site& site, const HourEntry& entry);
  // That hour closed: the trailing windows that end with it, and the day so far.
  void hour_closed(Site& site, EventTime hour);
  // Closes, in order, what ended at or before `upto`.
  void close_until(Site& site, EventTime upto, Judge& judge);
  // Hours behind the frontier have another outcome, or one for the first time; `before`: the history's days as they
  // were. `hours` in order.
  void hours_amended(Site& site, std::vector<Day> before, std::span<const Judge::AmendedHour> hours);
  // Whether the held daily values make what was published of a period that is over.
  bool adds_up(const Site& site, const Period& period, std::size_t column, const Mean& published) const {
    const PeriodValue value = period_value(site, period, column, period.end);
    return value.total.sum_pg == published.sum_pg && value.total.count == published.count;
  }
  // Closed days that start before it are forgotten, and closed periods that end before it.
  static EventTime first_day(EventTime now, const Horizons& horizons) {
    return day_of(now - horizons.hours_kept - kHour) - kDay * 2;
  }
  // The month, quarter or year that holds `t`.
  static Interval period_interval(Window window, EventTime t);
  // Forgets what no correction can reach any more.
  static void settle(Site& site, EventTime now, const Horizons& horizons);

 private:
  struct Place {  // where a result stands, whose it is, and how it came to be
    Factor factor = Factor::None;
    Window window = Window::None;
    Interval interval{};
    Status status = Status::None;
    std::int32_t revision = 0;
    std::string_view reason;
    Offset first_offset = -1;
  };
  struct PeriodValue {
    Total total;
    int expected = 0;
    bool valid = false;
    std::int32_t percent = 0;
    Concentration percentile;
    bool operator==(const PeriodValue&) const = default;
  };
  struct DailyChange {
    EventTime day;
    std::size_t column;
    std::int64_t value;
  };

  // The trailing 24 h means of the pollutants that count by it (AqiItem::instead) in the hour's index.
  void add_instead(const Site& site, EventTime hour, const AqiEdition& edition, AqiInputs& inputs) const;
  // Whether a closed hour's index does so.
  static bool counts_by_trailing(const Site& site, EventTime hour, const AqiEdition& edition);

  static Place hour_place(const HourEntry& entry, Factor factor, Status status, std::int32_t revision);
  Mean& add(const Site& site, const Place& place);
  void add_total(const Site& site, const Place& place, const Total& total, int expected, bool valid);
  void add_index(const Site& site, const Place& place, const AqiEdition& edition, const IndexOutcome& outcome);
  void add_mda8(const Site& site, const Place& place, const Greatest8h& mda8, bool valid);

  bool enough(Factor factor, Window window, EventTime end, std::int32_t count) const {
    return core::enough(rules_, factor, window, end, count);
  }
  int hours_of_8h(EventTime end) const { return core::hours_of_8h(rules_, end); }
  bool mda8_valid(const Site& site, EventTime day, const Greatest8h& mda8) const {
    return core::mda8_valid(rules_, site, day, mda8);
  }
  bool has_pollutant(const Site& site, const Day& day, std::uint32_t hours) const;
  bool indexed(Window window, EventTime end) const;
  IndexOutcome hour_index_pm24(const Site& site, const History& history, EventTime hour) const;
  IndexOutcome rolling_index(const Site& site, const History& history, EventTime end) const;
  // `hours`: of the day that are over; 24: all.
  IndexOutcome day_index(const Site& site, const History& history, EventTime day, int hours) const;
  // Of a day, those that the site has: broken state may hold more.
  static std::size_t columns(const Site& site, const Day& day) {
    return std::min(site.series.size(), day.columns.size());
  }
  // What ends with that hour; with `before`, only what is other than it was then.
  void trailing(Site& site, EventTime hour, const History* before, std::span<const Judge::AmendedHour> hours);
  // Status::Running: the day after `hours` hours.
  void publish_day(Site& site, Day& day, Status status, int hours, const History* before, std::string_view reason);
  void close_day(Site& site, Day& day, EventTime upto);
  bool has_periods(Factor factor, EventTime day) const;  // longer than a day
  std::int64_t daily_value(const Site& site, std::size_t column, EventTime day) const;
  Period& period(Site& site, Window window, EventTime day);
  void publish_period(Site& site, Period& period, Status status, std::size_t column, const PeriodValue& value,
                      std::string_view reason);
  void publish_periods(Site& site, Period& period, Status status, EventTime as_of);
  // `as_of`: the end of the last day in it; the period's end when it is over.
  PeriodValue period_value(const Site& site, const Period& period, std::size_t column, EventTime as_of) const;
  static void put_daily(Site& site, std::span<const DailyChange> changes);
  void amend_periods(Site& site, std::span<const DailyChange> changes, std::span<const Judge::AmendedHour> hours);
  void close_periods(Site& site, EventTime upto);

  const RuleSet& rules_;
  EventTime now_;
  Offset offset_;
  Outputs& out_;
};

}  // namespace qc::core
