// Signals of hours behind the horizon. The machine cannot be run over them again, because what it saw is not held any
// more. So a record that corrects them (past_amend.h) brings the episodes along that nothing but its hours may have
// caused, and those go that no value above their lowest level is left of. Nothing begins, changes its level or ends
// otherwise.
#include <algorithm>
#include <charconv>

#include "core/judge.h"

namespace qc::core {
namespace {

// The episode's number, as episode_signal.cc writes it; 0: it is none.
std::int64_t number_of(const std::string& id) {
  const auto slash = id.rfind('/');
  std::int64_t number = 0;
  if (slash == std::string::npos) return 0;
  const char* end = id.data() + id.size();
  const auto [at, error] = std::from_chars(id.data() + slash + 1, end, number);
  return error == std::errc() && at == end ? number : 0;
}

template <class Episodes>
bool holds(const Episodes& episodes, std::int64_t number) {
  return std::any_of(episodes.begin(), episodes.end(), [number](const Episode& e) { return e.number == number; });
}

// The stage still holds the readings' episode itself: then withdraw_readings() has judged it.
bool holds_reading(const Site& site, std::int64_t number) {
  return std::any_of(site.reading_episodes.begin(), site.reading_episodes.end(),
                     [number](const ReadingEpisode& e) { return e.episode.number == number; }) ||
         std::any_of(site.reading_conditions.begin(), site.reading_conditions.end(),
                     [number](const ReadingCondition& c) { return holds(c.track.episodes(), number); });
}

}  // namespace

const Amend* Judge::past_cause(const Site& site, const PastAmend& past, const Signal& told, const SignalRule& r,
                               const Watch& watch) const {
  const Watcher watcher(rules_, site);
  const Interval span = PastReach::span(told, r, frontier_);
  const Amend* cause = nullptr;
  for (const Amend& a : past.amends) {
    if (!Watcher::sees(watch, a.factor)) continue;
    for (EventTime hour = a.interval.start; hour < a.interval.end; hour += kHour) {
      const Interval steps = PastReach::steps(watch, hour);
      for (EventTime t = steps.start; t < steps.end; t += watch.step()) {
        const EventTime at = t + watch.step();
        if (at < span.start || at > span.end) continue;
        if (watcher.begins(r, watch, t)) return nullptr;
        if (cause == nullptr) cause = &a;
      }
    }
  }
  return cause;
}

// Which of its hours held the readings is not known here any more: those of the record must be invalid, and whoever
// wrote it knows that no other hour did.
const Amend* Judge::past_readings(const Site& site, const PastAmend& past, const Signal& told) {
  if (told.state != SignalState::Cleared && told.state != SignalState::EndedNoData) return nullptr;
  const Amend* cause = nullptr;
  for (EventTime hour = hour_of(told.began - Duration(1)); hour < told.at; hour += kHour) {
    for (const Amend& a : past.amends) {
      if (a.factor != told.factor || hour < a.interval.start || hour >= a.interval.end) continue;
      if (!invalidated(site, a.factor, hour)) return nullptr;
      cause = &a;
    }
  }
  return cause;
}

void Judge::past_amended(Site& site, const PastAmend& past) {
  for (const Signal& told : past.signals) {
    const SignalRule* r = rule(told.rule);
    const std::int64_t number = number_of(told.id);
    if (r == nullptr || told.subject != site.info.id || told.state == SignalState::Withdrawn || number < 1 ||
        number >= site.next_episode) {
      continue;
    }
    const bool reading = r->kind == SignalKind::ReadingOverLimit;
    const Watch watch{r->kind, r->check, told.factor, told.window};
    const Amend* cause = reading ? past_readings(site, past, told) : past_cause(site, past, told, *r, watch);
    if (cause == nullptr || (reading && holds_reading(site, number))) continue;
    const std::string reason = reason_of(*cause);
    const auto live = std::find_if(site.conditions.begin(), site.conditions.end(), [&](const Condition& c) {
      return c.rule == told.rule && c.watch == watch && holds(c.track.episodes(), number);
    });
    if (live != site.conditions.end()) {
      // It reaches into what is judged again; where it had begun by then it now had not.
      if (!live->base.open() || live->base.episodes().back().began != told.began) continue;
      live->base = {};
      fold_again(site, *live, std::max(live->next, bound(watch)), reason);
      continue;
    }
    Signal gone = told;
    gone.region = site.info.region;
    gone.root = site.info.root;
    gone.state = SignalState::Withdrawn;
    ++gone.revision;
    gone.at = now_;
    gone.reason = reason;
    gone.origin = {offset_, offset_};
    out_.signals.push_back(std::move(gone));
    out_.urgent = true;
  }
}

}  // namespace qc::core
