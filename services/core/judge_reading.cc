// Rules over single readings: early indicators, that look forward only. Of a correction they know one thing: hours that
// are invalid hold no readings, and an episode that only such hours made never was.
#include <algorithm>
#include <limits>
#include <utility>

#include "core/judge.h"
#include "core/quality.h"

namespace qc::core {
namespace {

constexpr Window kWindow = Window::Reading;

Watch watch_of(Factor factor) {
  return {SignalKind::ReadingOverLimit, Mark::None, factor, kWindow};
}

}  // namespace

bool invalidated(const Site& site, Factor factor, EventTime hour) {
  const std::uint8_t column = site.column[index(factor)];
  const auto at = std::lower_bound(site.hours.begin(), site.hours.end(), hour,
                                   [](const HourEntry& e, EventTime t) { return e.start < t; });
  if (column == kNoColumn || at == site.hours.end() || at->start != hour) return false;
  const HourValue v = at->result(column).value;
  return v.source == Source::Amended && !v.valid;
}

namespace {

void note_hour(std::vector<EventTime>& hours, EventTime hour) {
  const auto at = std::lower_bound(hours.begin(), hours.end(), hour);
  if (at == hours.end() || *at != hour) hours.insert(at, hour);
}

}  // namespace

void Judge::refresh(Site& site, EventTime instant) const {
  // Limits change at midnights; a day's cache is never wrong and seldom computed.
  site.on_from = day_of(instant);
  site.on_until = site.on_from + kDay;
  const Watcher watcher(rules_, site);
  for (Series& series : site.series) {
    series.on = std::numeric_limits<std::int64_t>::max();
    for (const SignalRule& r : rules_.signals) {
      if (r.kind != SignalKind::ReadingOverLimit) continue;
      const auto limits = watcher.criteria(r, watch_of(series.factor), instant);
      if (limits) series.on = std::min(series.on, limits->on[0]);
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
      if (!known) site.reading_conditions.push_back({r.id, series.factor, {}, EventTime::min(), {}, false});
    }
  }
  const Watcher watcher(rules_, site);
  for (ReadingCondition& c : site.reading_conditions) {
    if (c.factor != series.factor || at <= c.last) continue;  // it looks forward only
    c.last = at;
    site.dirty = true;
    const SignalRule* r = rule(c.rule);
    const auto limits = r == nullptr ? std::nullopt : watcher.criteria(*r, watch_of(series.factor), interval.start);
    if (limits && value.pg > limits->on[0]) note_hour(c.hours, hour_of(interval.start));
    if (!c.track.step(limits ? &*limits : nullptr, {at, value.pg, interval, 1, 1})) continue;
    publish_reading(site, c, &value);
  }
  drop_normal(site);
}

void Judge::drop_normal(Site& site) {
  const auto gone = std::erase_if(site.reading_conditions, [](const ReadingCondition& c) { return c.track.normal(); });
  if (gone > 0) site.dirty = true;
  site.alarmed = !site.reading_conditions.empty();
}

void Judge::silence(Site& site) {
  const Watcher watcher(rules_, site);
  for (ReadingCondition& c : site.reading_conditions) {
    if (now_ <= c.last) continue;
    const SignalRule* r = rule(c.rule);
    const auto limits = r == nullptr ? std::nullopt : watcher.criteria(*r, watch_of(c.factor), now_);
    if (!c.track.step(limits ? &*limits : nullptr, {now_, std::nullopt, {c.last, now_}, 0, 1})) continue;
    site.dirty = true;
    publish_reading(site, c, nullptr);
  }
  drop_normal(site);
}

// `value`: that of the reading that changed it; nullptr: silence did.
void Judge::publish_reading(Site& site, ReadingCondition& c, const Concentration* value) {
  Episode& e = c.track.episodes().back();
  e.marks = {};
  e.first_offset = -1;
  if (value != nullptr) {
    const QualityCheck* check = rules_.check(c.factor);
    if (check != nullptr) e.marks = reading_marks(*check, *value);
    e.first_offset = offset_;
  }
  publish_last(site, c.rule, c.factor, kWindow, c.track);
  if (!e.open() && !c.stands) {
    if (site.reading_episodes.size() == kReadingEpisodesMax) site.reading_episodes.erase(site.reading_episodes.begin());
    site.reading_episodes.push_back({c.rule, c.factor, e, std::exchange(c.hours, {})});
  }
  c.track.forget(EventTime::max());
}

// ---- corrections -------------------------------------------------------------------------------------------------

void Judge::withdraw_readings(Site& site, std::span<const AmendedHour> hours) {
  // The reason, where one of the amended hours is among those, and all of them are invalid now.
  const auto why = [&](Factor factor, const std::vector<EventTime>& its) -> const std::string* {
    const auto amended = std::find_if(hours.begin(), hours.end(), [&](const AmendedHour& a) {
      return std::binary_search(its.begin(), its.end(), a.hour);
    });
    if (amended == hours.end()) return nullptr;
    const bool all = std::all_of(its.begin(), its.end(), [&](EventTime h) { return invalidated(site, factor, h); });
    return all ? &amended->reason : nullptr;
  };
  std::erase_if(site.reading_episodes, [&](const ReadingEpisode& e) {
    const std::string* reason = why(e.factor, e.hours);
    if (reason != nullptr) withdraw_reading(site, e.rule, e.factor, e.episode, *reason);
    return reason != nullptr;
  });
  for (ReadingCondition& c : site.reading_conditions) {
    const std::string* reason = c.stands ? nullptr : why(c.factor, c.hours);
    if (reason == nullptr) continue;
    if (c.track.open()) withdraw_reading(site, c.rule, c.factor, c.track.episodes().back(), *reason);
    c.track = {};
    c.hours.clear();
    site.dirty = true;
  }
  drop_normal(site);
}

void Judge::withdraw_reading(Site& site, const std::string& rule, Factor factor, Episode episode,
                             std::string_view reason) {
  episode.state = SignalState::Withdrawn;
  ++episode.revision;
  episode.at = now_;
  episode.reason = reason;
  publish(site, rule, factor, kWindow, episode);
  site.dirty = true;
}

void Judge::settle_readings(Site& site, EventTime cut) {
  // Takes hours out that can no longer be corrected; false: one of them holds its readings for good.
  const auto settled = [&](Factor factor, std::vector<EventTime>& hours) {
    const auto kept = std::lower_bound(hours.begin(), hours.end(), cut);
    if (kept == hours.begin()) return true;
    const bool all = std::all_of(hours.begin(), kept, [&](EventTime h) { return invalidated(site, factor, h); });
    hours.erase(hours.begin(), kept);
    site.dirty = true;
    return all;
  };
  std::erase_if(site.reading_episodes,
                [&](ReadingEpisode& e) { return !settled(e.factor, e.hours) || e.hours.empty(); });
  for (ReadingCondition& c : site.reading_conditions) {
    if (!settled(c.factor, c.hours)) c.stands = true;
  }
}

}  // namespace qc::core
