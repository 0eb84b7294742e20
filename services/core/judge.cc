#include "core/judge.h"

#include <algorithm>

namespace qc::core {
namespace {

HourCondition* find(Site& site, std::string_view rule, Factor factor) {
  for (HourCondition& c : site.conditions) {
    if (c.factor == factor && c.rule == rule) return &c;
  }
  return nullptr;
}

}  // namespace

const SignalRule* Judge::rule(std::string_view id) const {
  for (const SignalRule& r : rules_.signals) {
    if (r.id == id) return &r;
  }
  return nullptr;
}

template <class Visit>
void Judge::for_each_hour_rule(const Site& site, Visit visit) const {
  for (const SignalRule& r : rules_.signals) {
    if (r.kind == SignalKind::AqiLevel) visit(r, Factor::AQI);
    if (r.kind == SignalKind::HourLimit) {
      for (const Series& s : site.series) visit(r, s.factor);
    }
  }
}

std::optional<Criteria> Judge::criteria(const SignalRule& r, const Site& site, Factor factor, EventTime last) const {
  if (r.kind == SignalKind::AqiLevel) return make_criteria(r, r.on, r.clause);
  const Limit* limit = rules_.limit(factor, Window::H1, last);
  if (limit == nullptr) return std::nullopt;
  Criteria c = make_criteria(r, {limit->for_class(site.info.class_at(last))}, limit->clause);
  const std::uint8_t column = site.column[index(factor)];
  if (r.kind == SignalKind::ReadingOverLimit && column != kNoColumn) {
    // A series that comes once an hour is not silent after half of one.
    c.no_data = std::max<Duration>(c.no_data, std::chrono::seconds(3 * site.series[column].step_s));
    c.stale_max = std::max(c.stale_max, c.no_data);
  }
  return c;
}

Observation Judge::observe(const Site& site, Factor factor, EventTime hour) const {
  Observation o;
  o.interval = {hour, hour + kHour};
  o.at = o.interval.end;
  const auto at = std::lower_bound(site.hours.begin(), site.hours.end(), hour,
                                   [](const HourEntry& e, EventTime t) { return e.start < t; });
  if (at == site.hours.end() || at->start != hour || !at->closed) return o;
  if (factor == Factor::AQI) {
    const IndexOutcome index = at->index();
    o.count = static_cast<std::int32_t>(index.sub_indices.size());
    o.expected = static_cast<std::int32_t>(kSixPollutants.size());
    if (index.value >= 0) o.pg = index.value * kMillion;
    return o;
  }
  const std::uint8_t column = site.column[index(factor)];
  if (column == kNoColumn) return o;
  const SeriesResult r = at->result(column);
  o.count = r.value.sums.count;
  o.expected = r.value.expected;
  if (r.value.valid) o.pg = r.value.mean().pg;
  return o;
}

void Judge::fold(const Site& site, HourCondition& c, Track& track, EventTime from, EventTime until) const {
  const SignalRule* r = rule(c.rule);
  auto entry = std::lower_bound(site.hours.begin(), site.hours.end(), from,
                                [](const HourEntry& e, EventTime t) { return e.start < t; });
  for (EventTime h = from; h < until; h += kHour) {
    while (entry != site.hours.end() && entry->start < h) ++entry;
    if (track.normal()) {
      // Silence does nothing to a normal condition: on to the next hour that holds anything.
      if (entry == site.hours.end() || entry->start >= until) return;
      h = entry->start;
    }
    const Observation o = observe(site, c.factor, h);
    const auto limits = r == nullptr ? std::nullopt : criteria(*r, site, c.factor, last_instant(o.interval));
    track.step(limits ? &*limits : nullptr, o);
  }
}

// A condition over hours is normal before `hour`, its first one above the level; a correction may still show that it
// began before, as far back as an hour can be corrected and was judged by these rules.
EventTime Judge::base_time(const Site& site, EventTime hour) const {
  return std::max(site.judged_from, std::min(hour, frontier_ - rules_.horizons.hours_kept));
}

void Judge::hour_closed(Site& site, EventTime hour) {
  // New conditions first: the first hour above the lowest level makes one.
  for_each_hour_rule(site, [&](const SignalRule& r, Factor factor) {
    if (find(site, r.id, factor) == nullptr && above_lowest(site, r, factor, hour)) {
      site.conditions.push_back({r.id, factor, {}, {}, base_time(site, hour), hour, hour});
    }
  });
  for (HourCondition& c : site.conditions) {
    if (hour < c.next) continue;
    const SignalRule* r = rule(c.rule);
    const Observation o = observe(site, c.factor, hour);
    const auto limits = r == nullptr ? std::nullopt : criteria(*r, site, c.factor, last_instant(o.interval));
    c.next = hour + kHour;
    site.dirty = true;
    if (c.track.step(limits ? &*limits : nullptr, o)) publish_last(site, c.rule, c.factor, Window::H1, c.track);
    if (!c.track.normal()) c.last_active = hour;
  }
}

void Judge::day_closed(Site& /*site*/, EventTime /*day*/) {}

bool Judge::above_lowest(const Site& site, const SignalRule& r, Factor factor, EventTime hour) const {
  const Observation o = observe(site, factor, hour);
  if (!o.pg) return false;
  const auto limits = criteria(r, site, factor, last_instant(o.interval));
  return limits && *o.pg > limits->on[0];
}

void Judge::hours_amended(Site& site, std::span<const AmendedHour> hours) {
  for_each_hour_rule(site, [&](const SignalRule& r, Factor factor) {
    if (find(site, r.id, factor) != nullptr) return;
    for (const AmendedHour& a : hours) {
      if (a.hour < site.judged_from || !above_lowest(site, r, factor, a.hour)) continue;
      site.conditions.push_back({r.id, factor, {}, {}, base_time(site, a.hour), frontier_, a.hour});
      break;
    }
  });
  for (HourCondition& c : site.conditions) {
    const auto first = std::find_if(hours.begin(), hours.end(),
                                    [&](const AmendedHour& a) { return c.base_time <= a.hour && a.hour < c.next; });
    if (first == hours.end()) continue;
    Track folded = c.base;
    fold(site, c, folded, c.base_time, c.next);
    const auto changed = reconcile(c.track.episodes(), folded, site.next_episode, now_, first->reason);
    c.track = std::move(folded);
    c.last_active = std::max(c.last_active, std::min(hours.back().hour, c.next));
    site.dirty = true;
    for (const std::size_t i : changed) publish(site, c.rule, c.factor, Window::H1, c.track.episodes()[i]);
  }
}

bool Judge::quiet(const Site& site) {
  return std::all_of(site.conditions.begin(), site.conditions.end(),
                     [](const HourCondition& c) { return c.track.normal(); });
}

void Judge::settle(Site& site, EventTime cut) {
  for (HourCondition& c : site.conditions) {
    const EventTime until = std::min(cut, c.next);
    if (c.base_time >= until) continue;
    fold(site, c, c.base, c.base_time, until);
    c.base_time = until;
    c.base.forget(EventTime::max());
    c.track.forget(until);
    site.dirty = true;
  }
  const auto gone = std::erase_if(site.conditions, [](const HourCondition& c) {
    return c.track.normal() && c.track.episodes().empty() && c.base.normal() && c.last_active < c.base_time;
  });
  if (gone > 0) site.dirty = true;
}

void Judge::rules_changed(Site& site, EventTime frontier) {
  site.judged_from = frontier;
  for (HourCondition& c : site.conditions) {
    c.track.forget(EventTime::max());
    c.base = c.track;
    c.base_time = c.next;
  }
  site.on_until = EventTime::min();
  site.dirty = true;
}

void Judge::refresh(Site& site, EventTime instant) const {
  // Limits change at midnights; a day's cache is never wrong and seldom computed.
  site.on_from = floor_to(instant + kBeijing, std::chrono::hours(24)) - kBeijing;
  site.on_until = site.on_from + std::chrono::hours(24);
  for (Series& series : site.series) {
    series.on = std::numeric_limits<std::int64_t>::max();
    for (const SignalRule& r : rules_.signals) {
      if (r.kind != SignalKind::ReadingOverLimit) continue;
      if (const auto limits = criteria(r, site, series.factor, instant)) series.on = std::min(series.on, limits->on[0]);
    }
  }
}

void Judge::judge_reading(Site& site, Series& series, Interval interval, Concentration value) {
  if (interval.start < site.on_from || interval.start >= site.on_until) refresh(site, interval.start);
  const EventTime at = interval.end;
  if (value.pg > series.on) {
    for (const SignalRule& r : rules_.signals) {
      if (r.kind != SignalKind::ReadingOverLimit) continue;
      // An early indicator speaks of now: what would be stale at once says nothing.
      if (now_ > at && now_ - at >= std::max<Duration>(r.no_data, std::chrono::seconds(3 * series.step_s))) continue;
      const bool known =
          std::any_of(site.reading_conditions.begin(), site.reading_conditions.end(),
                      [&](const ReadingCondition& c) { return c.factor == series.factor && c.rule == r.id; });
      if (!known) site.reading_conditions.push_back({r.id, series.factor, {}, EventTime::min()});
    }
  }
  for (ReadingCondition& c : site.reading_conditions) {
    if (c.factor != series.factor || at <= c.last) continue;  // it looks forward only
    c.last = at;
    site.dirty = true;
    const SignalRule* r = rule(c.rule);
    const auto limits = r == nullptr ? std::nullopt : criteria(*r, site, series.factor, interval.start);
    if (c.track.step(limits ? &*limits : nullptr, {at, value.pg, interval, 1, 1})) {
      publish_last(site, c.rule, c.factor, Window::Reading, c.track);
      c.track.forget(EventTime::max());
    }
  }
  drop_normal(site);
}

void Judge::drop_normal(Site& site) {
  const auto gone = std::erase_if(site.reading_conditions, [](const ReadingCondition& c) { return c.track.normal(); });
  if (gone > 0) site.dirty = true;
  site.alarmed = !site.reading_conditions.empty();
}

void Judge::silence(Site& site) {
  for (ReadingCondition& c : site.reading_conditions) {
    if (now_ <= c.last) continue;
    const SignalRule* r = rule(c.rule);
    const auto limits = r == nullptr ? std::nullopt : criteria(*r, site, c.factor, now_);
    if (c.track.step(limits ? &*limits : nullptr, {now_, std::nullopt, {c.last, now_}, 0, 1})) {
      site.dirty = true;
      publish_last(site, c.rule, c.factor, Window::Reading, c.track);
      c.track.forget(EventTime::max());
    }
  }
  drop_normal(site);
}

void Judge::publish_last(Site& site, const std::string& id, Factor factor, Window window, Track& track) {
  Episode& e = track.episodes().back();
  if (e.number == 0) e.number = site.next_episode++;
  ++e.revision;
  publish(site, id, factor, window, e);
}

void Judge::publish(Site& site, const std::string& id, Factor factor, Window window, const Episode& e) {
  Signal s;
  s.id = id + "/" + site.info.id + "/" + std::string(name(factor)) + "/" + std::to_string(e.number);
  s.revision = e.revision;
  s.rule = id;
  s.subject = site.info.id;
  s.region = site.info.region;
  s.root = site.info.root;
  s.factor = factor;
  s.window = window;
  s.level = e.level;
  s.state = e.state;
  s.at = e.at;
  s.began = e.began;
  s.value = {e.value};
  s.limit = {e.limit};
  s.clause = e.clause;
  s.reason = e.reason;
  s.interval = e.interval;
  s.count = e.count;
  s.expected = e.expected;
  s.origin.offset = offset_;
  out_.signals.push_back(std::move(s));
  out_.urgent = true;
}

}  // namespace qc::core
