// Comparing sites with their neighbours, and the exceedance machine over what that gives. As Judge (judge.h) does it
// for one site: a fold over hours that is folded again after a correction.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/episode_signal.h"
#include "core/region_stage_impl.h"

namespace qc::core {
namespace {

constexpr std::int64_t kHundredPercent = 100 * kMillion;

}  // namespace

// ---- comparing ---------------------------------------------------------------------------------------------------

const std::vector<const RegionStage::Impl::Site*>& RegionStage::Impl::neighbours(Site& site) {
  if (site.known_at == generation) return site.neighbours;
  site.known_at = generation;
  site.neighbours.clear();
  const std::int64_t radius = rules->neighbourhood.radius_m;
  std::vector<std::pair<std::int64_t, const Site*>> found;
  for (const auto& [id, other] : sites) {
    if (&other == &site || other.root != site.root) continue;
    if (!site.place.known()) {  // those of its region, by id
      if (other.region == site.region) site.neighbours.push_back(&other);
      continue;
    }
    if (!other.place.known()) continue;
    const std::int64_t distance = distance_squared_m2(site.place, other.place);
    if (distance <= radius * radius) found.emplace_back(distance, &other);
  }
  // Stable: of equally near ones the lesser id first.
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [distance, other] : found) site.neighbours.push_back(other);
  return site.neighbours;
}

template <class Visit>
int RegionStage::Impl::for_each_compared(Site& site, Factor factor, EventTime hour, Visit visit) {
  int n = 0;
  for (const Site* other : neighbours(site)) {
    if (n == rules->neighbourhood.most) break;
    const Cell* c = other->cell(factor, hour);
    if (c == nullptr || !c->valid) continue;
    visit(*other, *c);
    ++n;
  }
  return n;
}

// nullopt: there is no valid value, or nobody to compare it with.
std::optional<RegionStage::Impl::Comparison> RegionStage::Impl::compare(Site& site, Factor factor, EventTime hour) {
  if (site.kind == SiteKind::Background) return std::nullopt;  // its air is another's by intention
  const QualityCheck* check = rules->check(factor);
  const Cell* own = site.cell(factor, hour);
  if (check == nullptr || own == nullptr || !own->valid) return std::nullopt;
  values.clear();
  const int n =
      for_each_compared(site, factor, hour, [this](const Site&, const Cell& c) { values.push_back(c.value.pg); });
  if (n == 0 || n < rules->neighbourhood.least) return std::nullopt;
  Comparison c;
  c.own = own->value.pg;
  c.median = median_pg(values);
  c.percent = percent_of(c.own, c.median);
  c.rises = c.own - c.median >= check->rise.pg;
  return c;
}

// What the rule sees of the hour: high in it, and not in the one before nor in the one after. nullopt: not known.
std::optional<std::int64_t> RegionStage::Impl::spike(Site& site, Factor factor, EventTime hour, const SignalRule& r) {
  const auto at = compare(site, factor, hour);
  if (!at || at->seen() <= r.on.front().pg) return at ? std::optional(at->seen()) : std::nullopt;
  bool known_beside = true;
  for (const EventTime beside : {hour - kHour, hour + kHour}) {
    const auto other = compare(site, factor, beside);
    if (other && other->seen() > r.on.front().pg) return kHundredPercent;  // it lasts: no spike
    known_beside = known_beside && other.has_value();
  }
  return known_beside ? std::optional(at->seen()) : std::nullopt;
}

// ---- the fold ----------------------------------------------------------------------------------------------------

// nullptr: there is no such rule any more.
const SignalRule* RegionStage::Impl::rule(const Condition& c) const {
  for (const SignalRule& r : rules->signals) {
    if (r.id == c.rule && r.kind == c.kind && !r.on.empty()) return &r;
  }
  return nullptr;
}

Duration RegionStage::Impl::behind(SignalKind kind) {
  return kind == SignalKind::Spike ? kHour : Duration(0);
}
EventTime RegionStage::Impl::bound(SignalKind kind) const {
  return frontier == EventTime::min() ? frontier : frontier - behind(kind);
}
EventTime RegionStage::Impl::first_judged(SignalKind kind) const {
  return judged_from == EventTime::min() ? judged_from : judged_from - behind(kind);
}

Observation RegionStage::Impl::observe(Site& site, const Condition& c, EventTime hour, const SignalRule* r) {
  Observation o;
  o.interval = {hour, hour + kHour};
  o.at = o.interval.end;
  if (const Cell* own = site.cell(c.factor, hour)) {
    o.count = own->count;
    o.expected = own->expected;
  }
  if (c.kind == SignalKind::Spike) {
    if (r != nullptr) o.pg = spike(site, c.factor, hour, *r);
  } else if (const auto compared = compare(site, c.factor, hour)) {
    o.pg = compared->seen();
  }
  return o;
}

bool RegionStage::Impl::begins(Site& site, const SignalRule& r, Factor factor, EventTime hour) {
  if (r.on.empty()) return false;
  if (r.kind == SignalKind::Spike) {
    const auto value = spike(site, factor, hour, r);
    return value && *value > r.on.front().pg;
  }
  const auto compared = compare(site, factor, hour);
  return compared && compared->seen() > r.on.front().pg;
}

// A condition is normal before `start`, its first hour above the level; a correction may still show that it began
// before, as far back as an hour can be corrected and was judged by these rules.
void RegionStage::Impl::begin(Site& site, const SignalRule& r, Factor factor, EventTime start, EventTime next) const {
  const EventTime oldest = frontier - rules->horizons.hours_kept;
  const EventTime base = std::max(first_judged(r.kind), std::min(start, oldest));
  site.conditions.push_back({r.id, r.kind, factor, {}, {}, base, next, start});
}

// true: an episode began, changed or ended.
bool RegionStage::Impl::step(Site& site, const Condition& c, Track& track, EventTime hour) {
  const SignalRule* r = rule(c);
  const Observation o = observe(site, c, hour, r);
  std::optional<Criteria> criteria;
  if (r != nullptr && !track.open()) {  // an open episode keeps those that it began with
    criteria = make_criteria(*r, r->on, r->clause);
    criteria->unit = Unit::Percent;
  }
  if (!track.step(criteria ? &*criteria : nullptr, o)) return false;
  Episode& e = track.episodes().back();
  e.marks = {};
  e.first_offset = -1;
  const Cell* own = site.cell(c.factor, hour);
  if (own != nullptr && o.pg) {
    e.marks = own->marks;
    if (c.kind == SignalKind::Spike && e.state == SignalState::Active) e.marks.add(Mark::Spike);
    e.first_offset = own->offset;
    for_each_compared(site, c.factor, hour,
                      [&](const Site&, const Cell& n) { e.first_offset = std::min(e.first_offset, n.offset); });
  }
  return true;
}

void RegionStage::Impl::fold(Site& site, const Condition& c, Track& track, EventTime from, EventTime until) {
  for (EventTime t = from; t < until; t += kHour) {
    if (track.normal()) {  // silence changes nothing
      const auto held = std::lower_bound(site.hours.begin(), site.hours.end(), t,
                                         [](const Hour& h, EventTime at) { return h.start < at; });
      if (held == site.hours.end() || held->start >= until) return;
      t = held->start;
    }
    step(site, c, track, t);
  }
}

bool RegionStage::Impl::any_awake() const {
  if (std::any_of(airs.begin(), airs.end(), [this](const auto& entry) { return awake(entry.second, frontier); }))
    return true;
  return std::any_of(sites.begin(), sites.end(), [](const auto& entry) {
    return std::any_of(entry.second.conditions.begin(), entry.second.conditions.end(),
                       [](const Condition& c) { return !c.track.normal(); });
  });
}

// ---- hours -------------------------------------------------------------------------------------------------------

void RegionStage::Impl::judge_hour(EventTime hour, Offset offset, Outputs& out) {
  for (auto& [id, site] : sites) {
    for (const SignalRule& r : rules->signals) {
      if (r.kind != SignalKind::HourHigh && r.kind != SignalKind::Spike) continue;
      const EventTime judged = hour - behind(r.kind);
      if (judged < first_judged(r.kind)) continue;
      const Hour* there = site.find(judged);
      if (there == nullptr) continue;
      for (const Cell& cell : there->cells) {
        const bool known_already = std::any_of(site.conditions.begin(), site.conditions.end(), [&](const Condition& c) {
          return c.factor == cell.factor && c.kind == r.kind && c.rule == r.id;
        });
        if (!known_already && begins(site, r, cell.factor, judged)) begin(site, r, cell.factor, judged, judged);
      }
    }
    for (Condition& c : site.conditions) {
      const EventTime judged = hour - behind(c.kind);
      if (judged < c.next) continue;
      const bool changed = step(site, c, c.track, judged);
      c.next = judged + kHour;
      site.dirty = true;
      if (!c.track.normal()) c.last_active = judged;
      if (!changed) continue;
      Episode& e = c.track.episodes().back();
      if (e.number == 0) e.number = site.next_episode++;
      ++e.revision;
      publish(site, c, e, offset, out);
    }
  }
}

// An amended hour changes what the site was compared with, and what all those were whose neighbour it is.
void RegionStage::Impl::judge_again(const std::vector<Amended>& amended, EventTime at, Offset offset, Outputs& out) {
  if (amended.empty()) return;
  std::unordered_map<const Site*, std::vector<const Amended*>> by_site;
  for (const Amended& a : amended) by_site[a.site].push_back(&a);
  for (auto& [id, site] : sites) {
    std::vector<const Amended*> its;
    const auto add = [&](const Site* changed) {
      const auto found = by_site.find(changed);
      if (found != by_site.end()) its.insert(its.end(), found->second.begin(), found->second.end());
    };
    add(&site);
    for (const Site* near : neighbours(site)) add(near);
    if (its.empty()) continue;
    std::stable_sort(its.begin(), its.end(), [](const Amended* a, const Amended* b) { return a->hour < b->hour; });
    judge_again(site, its, at, offset, out);
  }
}

void RegionStage::Impl::judge_again(Site& site, const std::vector<const Amended*>& amended, EventTime at, Offset offset,
                                    Outputs& out) {
  // The hours whose judgement depends on an amended one, and has been made.
  const auto affected = [this](SignalKind kind, const Amended& a) {
    const Duration around = behind(kind);
    return Interval{std::max(a.hour - around, first_judged(kind)), std::min(a.hour + around + kHour, bound(kind))};
  };
  for (const SignalRule& r : rules->signals) {
    if (r.kind != SignalKind::HourHigh && r.kind != SignalKind::Spike) continue;
    std::set<std::pair<Factor, EventTime>> asked;
    for (const Amended* a : amended) {
      const bool known_already = std::any_of(site.conditions.begin(), site.conditions.end(), [&](const Condition& c) {
        return c.factor == a->factor && c.kind == r.kind && c.rule == r.id;
      });
      if (known_already) continue;
      const Interval hours = affected(r.kind, *a);
      for (EventTime t = hours.start; t < hours.end; t += kHour) {
        if (!asked.emplace(a->factor, t).second || !begins(site, r, a->factor, t)) continue;
        begin(site, r, a->factor, t, bound(r.kind));
        break;
      }
    }
  }
  for (Condition& c : site.conditions) {
    const auto first = std::find_if(amended.begin(), amended.end(), [&](const Amended* a) {
      const Interval hours = affected(c.kind, *a);
      return a->factor == c.factor && hours.start < hours.end && c.base_time < hours.end;
    });
    if (first == amended.end()) continue;
    Track folded = c.base;
    fold(site, c, folded, c.base_time, c.next);
    const auto changed = reconcile(c.track.episodes(), folded, site.next_episode, at, (*first)->reason);
    c.track = std::move(folded);
    c.last_active = std::max(c.last_active, std::min((*first)->hour, c.next));
    site.dirty = true;
    for (const std::size_t i : changed) publish(site, c, c.track.episodes()[i], offset, out);
  }
}

void RegionStage::Impl::settle(Site& site, EventTime cut) {
  for (Condition& c : site.conditions) {
    const EventTime until = std::min(cut - behind(c.kind), c.next);
    if (c.base_time >= until) continue;
    fold(site, c, c.base, c.base_time, until);
    c.base_time = until;
    c.base.forget(EventTime::max());
    c.track.forget(until);
    site.dirty = true;
  }
  const auto gone = std::erase_if(site.conditions, [](const Condition& c) {
    return c.track.normal() && c.track.episodes().empty() && c.base.normal() && c.last_active < c.base_time;
  });
  if (gone > 0) site.dirty = true;
}

// ---- publishing --------------------------------------------------------------------------------------------------

void RegionStage::Impl::publish(Site& site, const Condition& c, const Episode& e, Offset offset, Outputs& out) {
  Signal s = signal_of(e, c.rule, site.id, c.factor, Window::H1, offset);
  s.region = site.region;
  s.root = site.root;
  if (const auto compared = compare(site, c.factor, e.interval.start)) {
    for_each_compared(site, c.factor, e.interval.start, [&s](const Site& other, const Cell& cell) {
      s.evidence.push_back({other.id, cell.value});
    });
    const Unit unit = publishing_unit(c.factor);
    s.reason += "; " + format({compared->own}, unit) + " against " + format({compared->median}, unit) + " " +
                std::string(name(unit)) + ", the median of " + std::to_string(s.evidence.size());
  }
  out.signals.push_back(std::move(s));
  out.urgent = true;
}

}  // namespace qc::core
