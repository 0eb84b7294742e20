// Rules over single readings: early indicators, that look forward only.
#include <algorithm>
#include <limits>

#include "core/judge.h"
#include "core/quality.h"

namespace qc::core {
namespace {

constexpr Window kWindow = Window::Reading;

Watch watch_of(Factor factor) {
  return {SignalKind::ReadingOverLimit, Mark::None, factor, kWindow};
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
      if (!known) site.reading_conditions.push_back({r.id, series.factor, {}, EventTime::min()});
    }
  }
  const Watcher watcher(rules_, site);
  for (ReadingCondition& c : site.reading_conditions) {
    if (c.factor != series.factor || at <= c.last) continue;  // it looks forward only
    c.last = at;
    site.dirty = true;
    const SignalRule* r = rule(c.rule);
    const auto limits = r == nullptr ? std::nullopt : watcher.criteria(*r, watch_of(series.factor), interval.start);
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
  c.track.forget(EventTime::max());
}

}  // namespace qc::core
