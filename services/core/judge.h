// Judges one site: runs the rules of the exceedance machine (condition.h) over its hours, days and readings and says
// what began, changed or ended (architecture section 6). Over closed hours: `hour_limit`, `aqi_level`, the rolling 24 h
// and 8 h means, `no_data` and the quality checks; over closed days: `day_limit`. A late reading or an amendment judges
// those again. Over single readings: `reading_over_limit`, at once; it is withdrawn when every hour that made it is
// invalidated, and never judged again. What each of them looks at is watch.h.
//
// Stateless: all state is the site's. Threads: none of its business.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/output.h"
#include "core/past_amend.h"
#include "core/rules.h"
#include "core/site.h"
#include "core/watch.h"

namespace qc::core {

// A person has said that the hour has no value.
bool invalidated(const Site& site, Factor factor, EventTime hour);

class Judge {
 public:
  // `frontier`: all hours before it are closed, and have been judged.
  Judge(const RuleSet& rules, EventTime now, EventTime frontier, Offset offset, Outputs& out)
      : rules_(rules), now_(now), frontier_(frontier), offset_(offset), out_(out) {}

  // An hour of the site closed (with or without data) and, where it has data, was published with the windows that end
  // with it. Hours come in order; days that ended before the hour have been closed.
  void hour_closed(Site& site, EventTime hour);
  // A natural day of the site closed and was published. One that closes behind the frontier, because its first readings
  // came late, is judged by the hours_amended() that follows.
  void day_closed(Site& site, EventTime day);
  // Closed hours have another outcome than before, and so have the site's history and windows: every condition that
  // depends on them is folded again, once. `hours` in order.
  struct AmendedHour {
    EventTime hour;
    std::string reason;
  };
  void hours_amended(Site& site, std::span<const AmendedHour> hours);
  // The same of hours behind the horizon, which cannot be judged again step by step (judge_past.cc). Before
  // hours_amended().
  void past_amended(Site& site, const PastAmend& past);
  // Silence from that hour on changes nothing: no condition is pending or open, but those that say "no data" at their
  // highest level.
  bool quiet(const Site& site, EventTime hour) const;
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
  const SignalRule* rule(std::string_view id) const;
  const SignalRule* rule(const Condition& c) const;
  // Calls `visit(rule, watch)` for everything that the rules over closed hours and days watch at this site.
  template <class Visit>
  void for_each_watch(const Site& site, Visit visit) const;

  // One step of the fold over hours or days; true: an episode began, changed or ended.
  bool step(const Watcher& watcher, const Condition& c, Track& track, std::int32_t& silent, EventTime start) const;
  void fold(const Site& site, const Condition& c, Track& track, std::int32_t& silent, EventTime from,
            EventTime until) const;
  // From its base up to `until`, publishing what that changes of what was said.
  void fold_again(Site& site, Condition& c, EventTime until, std::string_view reason);
  // The next step, publishing what it changes.
  void advance(Site& site, Condition& c, EventTime start);
  void advance_days(Site& site, EventTime until);
  void begin(Site& site, const SignalRule& rule, const Watch& watch, EventTime start, EventTime next) const;
  // Everything before it has been judged.
  EventTime bound(const Watch& watch) const { return watch.floor(frontier_); }
  EventTime first_judged(const Site& site, const Watch& watch) const;

  void judge_reading(Site& site, Series& series, Interval interval, Concentration value);
  void refresh(Site& site, EventTime instant) const;
  static void drop_normal(Site& site);
  // Of those whose hours are all invalid by a correction now.
  void withdraw_readings(Site& site, std::span<const AmendedHour> hours);
  void withdraw_reading(Site& site, const std::string& rule, Factor factor, Episode episode, std::string_view reason);
  // What a past correction says of one episode: the correction that took its last value away; nullptr: it stands.
  const Amend* past_cause(const Site& site, const PastAmend& past, const Signal& told, const SignalRule& rule,
                          const Watch& watch) const;
  static const Amend* past_readings(const Site& site, const PastAmend& past, const Signal& told);
  static void settle_readings(Site& site, EventTime cut);
  void publish_reading(Site& site, ReadingCondition& c, const Concentration* value);

  void publish_last(Site& site, const std::string& rule, Factor factor, Window window, Track& track);
  void publish(Site& site, const std::string& rule, Factor factor, Window window, const Episode& episode);

  const RuleSet& rules_;
  EventTime now_;
  EventTime frontier_;
  Offset offset_;
  Outputs& out_;
};

}  // namespace qc::core
