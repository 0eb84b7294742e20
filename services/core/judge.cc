// Rules over closed hours and days, and what all rules share. Those over single readings: judge_reading.cc.
#include "core/judge.h"

#include <algorithm>

#include "core/episode_signal.h"
#include "core/quality.h"

namespace qc::core {
namespace {

template <class S>
auto* find(S& site, std::string_view rule, const Watch& watch) {
  const auto at = std::find_if(site.conditions.begin(), site.conditions.end(),
                               [&](const Condition& c) { return c.watch == watch && c.rule == rule; });
  return at == site.conditions.end() ? nullptr : &*at;
}

// Silence would change nothing.
bool resting(const Watch& watch, const Track& track) {
  return watch.kind == SignalKind::NoData ? track.at_top() : track.normal();
}

// The first step from `start` on for which the site holds anything.
EventTime next_held(const Site& site, const Watch& watch, EventTime start) {
  const auto first = [start](const auto& all) {
    const auto at =
        std::lower_bound(all.begin(), all.end(), start, [](const auto& e, EventTime t) { return e.start < t; });
    return at == all.end() ? EventTime::max() : at->start;
  };
  return watch.daily() ? first(site.history.days) : first(site.hours);
}

}  // namespace

const SignalRule* Judge::rule(std::string_view id) const {
  for (const SignalRule& r : rules_.signals) {
    if (r.id == id) return &r;
  }
  return nullptr;
}

// nullptr: there is no such rule any more.
const SignalRule* Judge::rule(const Condition& c) const {
  const SignalRule* r = rule(c.rule);
  return r != nullptr && r->kind == c.watch.kind && r->check == c.watch.check ? r : nullptr;
}

template <class Visit>
void Judge::for_each_watch(const Site& site, Visit visit) const {
  for (const SignalRule& r : rules_.signals) {
    const auto watch = [&](Factor f, Window w) { visit(r, Watch{r.kind, r.check, f, w}); };
    switch (r.kind) {
      case SignalKind::AqiLevel:
        watch(Factor::AQI, Window::H1);
        break;
      case SignalKind::HourLimit:
      case SignalKind::NoData:
        for (const Series& s : site.series) watch(s.factor, Window::H1);
        break;
      case SignalKind::Suspect:
        // An inversion has two factors: it is told of one.
        for (const Series& s : site.series) {
          if (r.check != Mark::Inverted || s.factor == Factor::PM25) watch(s.factor, Window::H1);
        }
        break;
      case SignalKind::RollingOverLimit:
        for (const Series& s : site.series) {
          watch(s.factor, Window::H24);
          if (s.factor == Factor::O3) watch(s.factor, Window::H8);
        }
        break;
      case SignalKind::DayLimit:
        for (const Series& s : site.series) watch(s.factor, s.factor == Factor::O3 ? Window::Mda8 : Window::Day);
        break;
      case SignalKind::None:
      case SignalKind::ReadingOverLimit:
      case SignalKind::HourHigh:
      case SignalKind::Spike:
        break;
    }
  }
}

// ---- the fold ----------------------------------------------------------------------------------------------------

bool Judge::step(const Watcher& watcher, const Condition& c, Track& track, std::int32_t& silent,
                 EventTime start) const {
  if (c.watch.kind == SignalKind::NoData) {
    // At the top it says enough. Silence that has begun goes on; it begins only where the series is known.
    if (!watcher.silent(c.watch.factor, start)) {
      silent = 0;
    } else if (!track.at_top()) {
      silent = silent > 0 ? silent + 1 : watcher.silent_hours(c.watch.factor, start, 1);
    }
  }
  const Observation o = watcher.observe(c.watch, start, silent);
  std::optional<Criteria> criteria;
  // An open episode keeps those that it began with.
  const SignalRule* r = track.open() ? nullptr : rule(c);
  if (r != nullptr) criteria = watcher.criteria(*r, c.watch, last_instant(o.interval));
  if (!track.step(criteria ? &*criteria : nullptr, o)) return false;
  watcher.label(c.watch, track.episodes().back());
  return true;
}

void Judge::fold(const Site& site, const Condition& c, Track& track, std::int32_t& silent, EventTime from,
                 EventTime until) const {
  const Watcher watcher(rules_, site);
  for (EventTime t = from; t < until; t += c.watch.step()) {
    if (resting(c.watch, track)) {
      t = next_held(site, c.watch, t);
      if (t >= until) return;
    }
    step(watcher, c, track, silent, t);
  }
}

EventTime Judge::first_judged(const Site& site, const Watch& watch) const {
  return site.judged_from == EventTime::min() ? site.judged_from : watch.floor(site.judged_from);
}

// A condition is normal before `start`, its first step above the level; a correction may still show that it began
// before, as far back as an hour can be corrected and was judged by these rules.
void Judge::begin(Site& site, const SignalRule& r, const Watch& watch, EventTime start, EventTime next) const {
  const EventTime oldest = watch.floor(frontier_ - rules_.horizons.hours_kept);
  const EventTime base = std::max(first_judged(site, watch), std::min(start, oldest));
  Condition c{r.id, watch, {}, {}, base, next, start, 0, 0};
  if (watch.kind == SignalKind::NoData) {
    const Watcher watcher(rules_, site);
    c.base_silent = watcher.silent_hours(watch.factor, base - kHour, kRunMax);
    c.silent = watcher.silent_hours(watch.factor, next - kHour, kRunMax);
  }
  site.conditions.push_back(std::move(c));
}

// ---- closed hours and days ---------------------------------------------------------------------------------------

void Judge::hour_closed(Site& site, EventTime hour) {
  // New conditions first: the first hour above the lowest level makes one.
  for_each_watch(site, [&](const SignalRule& r, const Watch& watch) {
    if (watch.daily() || find(site, r.id, watch) != nullptr) return;
    if (Watcher(rules_, site).begins(r, watch, hour)) begin(site, r, watch, hour, hour);
  });
  for (Condition& c : site.conditions) {
    if (!c.watch.daily()) advance(site, c, hour);
  }
  // A day of which nothing is known is never published: it closes with its last hour.
  const bool unknown = site.history.find_day(day_of(hour)) == nullptr;
  advance_days(site, day_of(unknown ? hour + kHour : hour));
}

void Judge::day_closed(Site& site, EventTime day) {
  if (day + kDay <= frontier_) return;
  advance_days(site, day);
  for_each_watch(site, [&](const SignalRule& r, const Watch& watch) {
    if (!watch.daily() || find(site, r.id, watch) != nullptr) return;
    if (Watcher(rules_, site).begins(r, watch, day)) begin(site, r, watch, day, day);
  });
  advance_days(site, day + kDay);
}

// Days before `until` are over.
void Judge::advance_days(Site& site, EventTime until) {
  for (Condition& c : site.conditions) {
    if (!c.watch.daily()) continue;
    while (c.next < until) {
      if (c.track.normal()) c.next = std::max(c.next, until - kDay);  // those between hold nothing
      advance(site, c, c.next);
    }
  }
}

void Judge::advance(Site& site, Condition& c, EventTime start) {
  if (start < c.next) return;
  const Watcher watcher(rules_, site);
  // A site that is dead, and said to be, costs nothing.
  const bool dead = c.watch.kind == SignalKind::NoData && c.track.at_top() && watcher.silent(c.watch.factor, start);
  if (dead) return;
  const bool changed = step(watcher, c, c.track, c.silent, start);
  c.next = start + c.watch.step();
  site.dirty = true;
  if (changed) publish_last(site, c.rule, c.watch.factor, c.watch.window, c.track);
  if (!c.track.normal()) c.last_active = start;
}

// ---- corrections -------------------------------------------------------------------------------------------------

void Judge::hours_amended(Site& site, std::span<const AmendedHour> hours) {
  if (hours.empty()) return;
  // The steps [from, until) of a watch that depend on an amended hour, and have been judged.
  const auto affected = [&](const Watch& watch, const AmendedHour& a) {
    const EventTime from = watch.floor(a.hour);
    return Interval{from, std::min(from + watch.step() * Watcher::reach(watch), bound(watch))};
  };
  for_each_watch(site, [&](const SignalRule& r, const Watch& watch) {
    if (find(site, r.id, watch) != nullptr) return;
    const Watcher watcher(rules_, site);
    // What lies behind the horizon raises nothing any more (past_amended).
    EventTime next = std::max(first_judged(site, watch), watch.floor(frontier_ - rules_.horizons.hours_kept));
    for (const AmendedHour& a : hours) {
      const Interval steps = affected(watch, a);
      for (next = std::max(next, steps.start); next < steps.end; next += watch.step()) {
        if (watcher.begins(r, watch, next)) return begin(site, r, watch, next, bound(watch));
      }
    }
  });
  for (Condition& c : site.conditions) {
    const auto first = std::find_if(hours.begin(), hours.end(), [&](const AmendedHour& a) {
      const Interval steps = affected(c.watch, a);
      return steps.start < steps.end && c.base_time < steps.end;
    });
    if (first == hours.end()) continue;
    const EventTime until = std::max(c.next, bound(c.watch));
    fold_again(site, c, until, first->reason);
    c.last_active = std::max(c.last_active, std::min(c.watch.floor(hours.back().hour), until));
  }
  withdraw_readings(site, hours);
}

void Judge::fold_again(Site& site, Condition& c, EventTime until, std::string_view reason) {
  Track folded = c.base;
  std::int32_t silent = c.base_silent;
  fold(site, c, folded, silent, c.base_time, until);
  const auto changed = reconcile(c.track.episodes(), folded, site.next_episode, now_, reason);
  c.track = std::move(folded);
  c.silent = silent;
  c.next = until;
  site.dirty = true;
  for (const std::size_t i : changed) publish(site, c.rule, c.watch.factor, c.watch.window, c.track.episodes()[i]);
}

// ---- time and rules ----------------------------------------------------------------------------------------------

bool Judge::quiet(const Site& site, EventTime hour) const {
  for (const Condition& c : site.conditions) {
    if (!c.track.normal() && !resting(c.watch, c.track)) return false;
  }
  const Watcher watcher(rules_, site);
  for (const SignalRule& r : rules_.signals) {
    if (r.kind != SignalKind::NoData || r.on.empty()) continue;
    for (const Series& s : site.series) {
      const Condition* c = find(site, r.id, Watch{r.kind, r.check, s.factor, Window::H1});
      const bool said = c != nullptr && c->track.at_top();
      if (!said && watcher.silent_hours(s.factor, hour, 1) > 0) return false;
    }
  }
  return true;
}

void Judge::settle(Site& site, EventTime cut) {
  for (Condition& c : site.conditions) {
    const EventTime until = std::min(c.watch.floor(cut), c.next);
    if (c.base_time >= until) continue;
    fold(site, c, c.base, c.base_silent, c.base_time, until);
    c.base_time = until;
    c.base.forget(EventTime::max());
    c.track.forget(until);
    site.dirty = true;
  }
  const auto gone = std::erase_if(site.conditions, [](const Condition& c) {
    return c.track.normal() && c.track.episodes().empty() && c.base.normal() && c.last_active < c.base_time;
  });
  if (gone > 0) site.dirty = true;
  settle_readings(site, cut);
}

void Judge::rules_changed(Site& site, EventTime frontier) {
  site.judged_from = frontier;
  for (Condition& c : site.conditions) {
    c.track.forget(EventTime::max());
    c.base = c.track;
    c.base_silent = c.silent;
    c.next = c.base_time = std::max(c.next, c.watch.floor(frontier));
  }
  site.on_until = EventTime::min();
  site.dirty = true;
}

// ---- publishing --------------------------------------------------------------------------------------------------

void Judge::publish_last(Site& site, const std::string& id, Factor factor, Window window, Track& track) {
  Episode& e = track.episodes().back();
  if (e.number == 0) e.number = site.next_episode++;
  ++e.revision;
  publish(site, id, factor, window, e);
}

void Judge::publish(Site& site, const std::string& id, Factor factor, Window window, const Episode& e) {
  Signal s = signal_of(e, id, site.info.id, factor, window, offset_);
  s.region = site.info.region;
  s.root = site.info.root;
  out_.signals.push_back(std::move(s));
  out_.urgent = true;
}

}  // namespace qc::core
