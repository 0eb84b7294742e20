// Judges one site: runs the rules of the exceedance machine (condition.h) over its hours and readings and says what
// began, changed or ended. The three kinds of rule of architecture section 6: `hour_limit` and `aqi_level` over closed
// hours, which a late reading judges again; `reading_over_limit` over single readings, at once and never again.
//
// Stateless: all state is the site's. Threads: none of its business.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/output.h"
#include "core/rules.h"
#include "core/site.h"

namespace qc::core {

class Judge {
 public:
  // `frontier`: all hours before it are closed, and have been judged.
  Judge(const RuleSet& rules, EventTime now, EventTime frontier, Offset offset, Outputs& out)
      : rules_(rules), now_(now), frontier_(frontier), offset_(offset), out_(out) {}

  // An hour of the site closed (with or without data). Hours come in order.
  void hour_closed(Site& site, EventTime hour);
  // A natural day of the site closed, with its history.
  void day_closed(Site& site, EventTime day);
  // Closed hours have another outcome than before: every condition that they are part of is folded again, once.
  // `hours` in order.
  struct AmendedHour {
    EventTime hour;
    std::string reason;
  };
  void hours_amended(Site& site, std::span<const AmendedHour> hours);
  // Nothing is pending or open over the site's hours: silence changes nothing.
  static bool quiet(const Site& site);
  // A reading took its slot. `end`: its instant, or the end of its interval.
  void reading(Site& site, std::size_t column, Interval interval, Concentration value) {
    Series& s = site.series[column];
    const bool cached = site.on_from <= interval.start && interval.start < site.on_until;
    if (cached && value.pg <= s.on && !site.alarmed) return;
    judge_reading(site, s, interval, value);
  }
  // Time went on: reading conditions without new readings become stale and end.
  void silence(Site& site);
  // Hours before `cut` can no longer be corrected: what they decided is final.
  void settle(Site& site, EventTime cut);
  // From `frontier` on other rules hold; what was judged before stays as it is.
  static void rules_changed(Site& site, EventTime frontier);

 private:
  std::optional<Criteria> criteria(const SignalRule& rule, const Site& site, Factor factor, EventTime last) const;
  Observation observe(const Site& site, Factor factor, EventTime hour) const;
  void fold(const Site& site, HourCondition& c, Track& track, EventTime from, EventTime until) const;
  bool above_lowest(const Site& site, const SignalRule& r, Factor factor, EventTime hour) const;
  static void drop_normal(Site& site);
  void judge_reading(Site& site, Series& series, Interval interval, Concentration value);
  EventTime base_time(const Site& site, EventTime hour) const;
  void refresh(Site& site, EventTime instant) const;
  void publish_last(Site& site, const std::string& rule, Factor factor, Window window, Track& track);
  void publish(Site& site, const std::string& rule, Factor factor, Window window, const Episode& episode);
  const SignalRule* rule(std::string_view id) const;
  // Calls `visit(rule, factor)` for every rule over closed hours and factor that it has for this site.
  template <class Visit>
  void for_each_hour_rule(const Site& site, Visit visit) const;

  const RuleSet& rules_;
  EventTime now_;
  EventTime frontier_;
  Offset offset_;
  Outputs& out_;
};

}  // namespace qc::core
