#include "core/past_gather.h"

#include <algorithm>
#include <utility>

namespace qc::core {
namespace {

const SignalRule* rule_of(const RuleSet& rules, const Signal& signal) {
  const auto at = std::find_if(rules.signals.begin(), rules.signals.end(),
                               [&signal](const SignalRule& r) { return r.id == signal.rule; });
  return at == rules.signals.end() ? nullptr : &*at;
}

// Those that a withdrawn value can take away. "No data" is said of a value that is not there.
bool withdrawable(SignalKind kind) {
  switch (kind) {
    case SignalKind::HourLimit:
    case SignalKind::ReadingOverLimit:
    case SignalKind::AqiLevel:
    case SignalKind::DayLimit:
    case SignalKind::RollingOverLimit:
    case SignalKind::Suspect:
      return true;
    case SignalKind::None:
    case SignalKind::NoData:
    case SignalKind::HourHigh:
    case SignalKind::Spike:
      break;
  }
  return false;
}

}  // namespace

Interval hours_of(const std::vector<Amend>& amends) {
  Interval all = amends.front().interval;
  for (const Amend& a : amends) {
    all = {std::min(all.start, a.interval.start), std::max(all.end, a.interval.end)};
  }
  return all;
}

PastGather::PastGather(const RuleSet& rules, std::vector<Amend> amends, EventTime as_of)
    : rules_(rules), amends_(std::move(amends)), as_of_(as_of), reach_(hours_of(amends_), as_of, rules.horizons) {}

void PastGather::take(const Signal& s) {
  const SignalRule* rule = rule_of(rules_, s);
  if (s.subject != site() || rule == nullptr || !withdrawable(rule->kind)) return;
  const Watch watch{rule->kind, rule->check, s.factor, s.window};
  const bool seen =
      std::any_of(amends_.begin(), amends_.end(), [&](const Amend& a) { return Watcher::sees(watch, a.factor); });
  if (!seen) return;
  const auto [at, is_new] = candidates_.try_emplace(s.id);
  if (is_new || s.revision >= at->second.told.revision)
    at->second = {s, rule, watch, PastReach::span(s, *rule, as_of_)};
}

bool PastGather::wants(const Mean& m) const {
  if (m.site != site()) return false;
  if (reach_.needs(m)) return true;
  return std::any_of(candidates_.begin(), candidates_.end(), [&m](const auto& entry) {
    const Candidate& c = entry.second;
    const bool its = m.factor == c.watch.factor && (m.window == c.watch.window || m.window == Window::H1);
    return its && m.interval.start <= c.span.end && c.span.start - kHour <= m.interval.end;
  });
}

void PastGather::take(const Mean& m) {
  if (!wants(m)) return;
  const auto [at, is_new] = means_.try_emplace({m.factor, m.window, m.interval.end});
  if (is_new || m.revision >= at->second.revision) at->second = PastReach::slim(m);
}

const Mean* PastGather::hour(Factor factor, EventTime start) const {
  const auto at = means_.find({factor, Window::H1, start + kHour});
  return at == means_.end() ? nullptr : &at->second;
}

bool PastGather::corrects(Factor factor, EventTime hour) const {
  return std::any_of(amends_.begin(), amends_.end(), [&](const Amend& a) {
    return a.factor == factor && a.interval.start <= hour && hour < a.interval.end;
  });
}

// Whether the stage sees that step again.
bool PastGather::in_reach(const Candidate& c, EventTime step) const {
  for (const Amend& a : amends_) {
    if (!Watcher::sees(c.watch, a.factor)) continue;
    for (EventTime hour = a.interval.start; hour < a.interval.end; hour += kHour) {
      const Interval steps = PastReach::steps(c.watch, hour);
      if (steps.start <= step && step < steps.end) return true;
    }
  }
  return false;
}

std::vector<PastGather::ReadingHour> PastGather::reading_hours() const {
  std::vector<ReadingHour> hours;
  for (const auto& [id, c] : candidates_) {
    if (c.rule->kind != SignalKind::ReadingOverLimit || !touched(c)) continue;
    for (EventTime hour = hour_of(c.told.began - Duration(1)); hour < c.told.at; hour += kHour) {
      if (!corrects(c.told.factor, hour)) hours.push_back({c.told.factor, hour});
    }
  }
  return hours;
}

bool PastGather::stands_by_readings(const Candidate& c) const {
  for (EventTime hour = hour_of(c.told.began - Duration(1)); hour < c.told.at; hour += kHour) {
    if (corrects(c.told.factor, hour)) continue;
    const auto greatest = greatest_.find({c.told.factor, hour});
    if (greatest != greatest_.end() && greatest->second <= c.told.limit) continue;
    const Mean* m = this->hour(c.told.factor, hour);
    if (m == nullptr || m->source != Source::Amended || m->valid) return true;
  }
  return false;
}

bool PastGather::stands_by_others(const Candidate& c) const {
  if (c.rule->kind == SignalKind::ReadingOverLimit) return stands_by_readings(c);
  // All but those of the index have one level, and the episode says which it was judged by.
  const bool levels = c.rule->kind == SignalKind::AqiLevel && !c.rule->on.empty();
  const Concentration lowest = levels ? c.rule->on.front() : c.told.limit;
  for (const auto& [key, m] : means_) {
    if (m.factor != c.watch.factor || m.window != c.watch.window) continue;
    const EventTime at = m.interval.end;
    if (at < c.span.start || at > c.span.end || in_reach(c, at - c.watch.step())) continue;
    if (c.rule->kind == SignalKind::Suspect) {
      if (m.marks.has(c.rule->check)) return true;
      continue;
    }
    if (m.valid && m.value > lowest) return true;
  }
  return false;
}

// A corrected hour may have made it.
bool PastGather::touched(const Candidate& c) const {
  if (c.told.state == SignalState::Withdrawn) return false;
  return std::any_of(amends_.begin(), amends_.end(), [&](const Amend& a) {
    if (!Watcher::sees(c.watch, a.factor)) return false;
    const Interval last = PastReach::steps(c.watch, a.interval.end - kHour);
    const EventTime first = PastReach::steps(c.watch, a.interval.start).start;
    return first <= c.span.end && c.span.start <= last.end;
  });
}

PastAmend PastGather::finish() const {
  PastAmend past;
  past.site = site();
  past.as_of = as_of_;
  past.amends = amends_;
  for (const auto& [key, m] : means_) {
    if (reach_.needs(m)) past.means.push_back(m);
  }
  for (const auto& [id, c] : candidates_) {
    if (touched(c) && !stands_by_others(c)) past.signals.push_back(c.told);
  }
  return past;
}

}  // namespace qc::core
