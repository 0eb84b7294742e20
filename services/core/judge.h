// Judges one site: runs the rules of the exceedance machine (condition.h) over its hours and readings and says what
// began, changed or ended. The three kinds of rule of architecture section 6: `hour_limit` and `aqi_level` over closed
// hours, which a late reading judges again; `reading_over_limit` over single readings, at once and never again.
//
// Stateless: all state is the site's. Threads: none of its business.
#pragma once

#include <string_view>

#include "core/output.h"
#include "core/rules.h"
#include "core/site.h"

namespace qc::core {

class Judge {
 public:
  Judge(const RuleSet& rules, EventTime now, Offset offset, Outputs& out)
      : rules_(rules), now_(now), offset_(offset), out_(out) {}

  // An hour of the site closed (with or without data). Hours come in order.
  void hour_closed(Site& site, EventTime hour);
  // A closed hour has another outcome than before: every condition that it is part of is folded again. `frontier`: all
  // hours before it are closed.
  void hour_amended(Site& site, EventTime hour, EventTime frontier, std::string_view reason);
  // A reading took its slot. `end`: its instant, or the end of its interval.
  void reading(Site& site, std::size_t column, Interval interval, Concentration value) {
    Series& s = site.series[column];
    const bool cached = s.on_from <= interval.start && interval.start < s.on_until;
    if (cached && value.pg <= s.on && !site.alarmed) return;
    judge_reading(site, s, interval, value);
  }
  // Time went on: reading conditions without new readings become stale and end.
  void silence(Site& site);
  // Hours before `cut` can no longer be corrected: what they decided is final.
  void settle(Site& site, EventTime cut);
  // From `hour` on other rules hold; what was judged before stays as it is.
  static void rules_changed(Site& site);

 private:
  std::optional<Criteria> criteria(const SignalRule& rule, const Site& site, Factor factor, EventTime last) const;
  Observation observe(const Site& site, Factor factor, EventTime hour) const;
  void fold(const Site& site, HourCondition& c, Track& track, EventTime from, EventTime until) const;
  void judge_reading(Site& site, Series& series, Interval interval, Concentration value);
  void refresh(const Site& site, Series& series, EventTime instant) const;
  void publish_last(Site& site, const std::string& rule, Factor factor, Window window, Track& track);
  void publish(Site& site, const std::string& rule, Factor factor, Window window, const Episode& episode);
  const SignalRule* rule(std::string_view id) const;
  // Calls `visit(rule, factor)` for every rule over closed hours and factor that it has for this site.
  template <class Visit>
  void for_each_hour_rule(const Site& site, Visit visit) const;

  const RuleSet& rules_;
  EventTime now_;
  Offset offset_;
  Outputs& out_;
};

}  // namespace qc::core
