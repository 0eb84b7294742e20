// What is held, in which order it is taken, and what a tick does.
#include "core/region_stage.h"

#include <algorithm>

#include "base/assert.h"
#include "core/region_stage_impl.h"

namespace qc::core {

RegionStage::RegionStage(int upstreams) : impl_(std::make_unique<Impl>(upstreams)) {
  QC_ASSERT(upstreams > 0);
}
RegionStage::~RegionStage() = default;

bool RegionStage::knows(std::string_view hash) const {
  return impl_->known.contains(hash);
}
void RegionStage::know(std::shared_ptr<const RuleSet> rules) {
  Impl& s = *impl_;
  const std::string hash = rules->hash;
  s.known[hash] = std::move(rules);
  // Loaded state judges by these; those of a switch are taken up in their turn.
  if (s.rules->hash != s.rules_hash && hash == s.rules_hash) {
    s.rules = s.known[hash];
    s.plans_known = false;
    for (auto& [id, site] : s.sites) s.learn(site, site.region, site.root);
  }
}

std::vector<std::string> RegionStage::needed() const {
  std::vector<std::string> hashes;
  const auto need = [&](const std::string& hash) {
    const bool told = std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
    if (!hash.empty() && !told && !knows(hash)) hashes.push_back(hash);
  };
  need(impl_->rules_hash);
  for (const Impl::Upstream& u : impl_->upstreams) {
    for (const auto& [offset, held] : u.means) need(held.rules);
  }
  return hashes;
}

bool RegionStage::takes(Factor factor, Window window, Status status) {
  return window == Window::H1 && !is_index(factor) && (status == Status::Closed || status == Status::Amended);
}

void RegionStage::apply(const Mean& mean, const MeanSource& from, Offset offset, Outputs& /*out*/) {
  if (!takes(mean)) return;
  QC_ASSERT(knows(from.rules));
  Impl::Held held;
  held.site = mean.site;
  held.region = mean.region;
  held.root = mean.root;
  held.hour = mean.interval.start;
  held.cell = {mean.value, offset, mean.count, mean.expected, mean.factor, mean.valid, mean.marks};
  held.reason = mean.reason;
  held.rules = from.rules;
  impl_->upstreams.at(static_cast<std::size_t>(from.partition)).means.emplace(offset, std::move(held));
}

void RegionStage::apply(const Tick& tick, int partition, Offset offset, Outputs& out) {
  Impl::Upstream& u = impl_->upstreams.at(static_cast<std::size_t>(partition));
  if (tick.now <= u.received) return;
  u.received = tick.now;
  impl_->last_tick = offset;
  u.ticks.push_back({tick.now, offset});
  impl_->dirty = true;
  impl_->drain(offset, out);
}

std::optional<Rejected> RegionStage::apply(const Event& event, Offset event_offset, Outputs& out) {
  skip_event(event_offset);
  return impl_->hear(event, event_offset, impl_->last_tick, out);
}
void RegionStage::skip_event(Offset event_offset) {
  impl_->events_next = event_offset + 1;
  impl_->dirty = true;
}
Offset RegionStage::events_next() const {
  return impl_->events_next;
}
Offset RegionStage::last_tick() const {
  return impl_->last_tick;
}

EventTime RegionStage::now() const {
  return impl_->now;
}
const std::string& RegionStage::rules_hash() const {
  return impl_->rules_hash;
}
std::size_t RegionStage::sites() const {
  return impl_->sites.size();
}
ForecastScores RegionStage::forecast_scores() const {
  ForecastScores all{};
  for (const auto& [region, w] : impl_->warned) all += w.scorer.scores();
  return all;
}

std::size_t RegionStage::held() const {
  std::size_t n = 0;
  for (const Impl::Upstream& u : impl_->upstreams) n += u.means.size();
  return n;
}

// ---- the order in which what was held is taken -------------------------------------------------------------------

void RegionStage::Impl::drain(Offset offset, Outputs& out) {
  const auto slowest = std::min_element(upstreams.begin(), upstreams.end(),
                                        [](const Upstream& a, const Upstream& b) { return a.received < b.received; });
  const EventTime until = slowest->received;
  while (true) {
    // No later tick can come before this one: every partition has ticked at least as far.
    Upstream* next = nullptr;
    for (Upstream& u : upstreams) {
      if (u.ticks.empty() || u.ticks.front().time > until) continue;
      if (next == nullptr || u.ticks.front().time < next->ticks.front().time) next = &u;
    }
    if (next == nullptr) return;
    take(*next, offset, out);
  }
}

void RegionStage::Impl::take(Upstream& u, Offset offset, Outputs& out) {
  const HeldTick tick = u.ticks.front();
  u.ticks.pop_front();
  u.taken = tick.time;
  const auto least = std::min_element(upstreams.begin(), upstreams.end(),
                                      [](const Upstream& a, const Upstream& b) { return a.taken < b.taken; });
  const EventTime reached = least->taken;
  std::vector<Amended> amended;
  while (!u.means.empty() && u.means.begin()->first < tick.offset) {
    const auto first = u.means.begin();
    const Held& held = first->second;
    if (held.rules != u.rules) {
      u.rules = held.rules;
      if (held.rules != rules_hash) {
        judge_again(amended, reached, offset, out);  // what came before the switch, by the rules before it
        amended.clear();
        if (out.drain) out.drain(out);
        switch_rules(held.rules);
      }
    }
    store(held, amended);
    if (held.saved) erased.push_back(first->first);
    u.means.erase(first);
  }
  dirty = true;
  judge_again(amended, reached, offset, out);
  amend_air(amended, reached, offset, out);
  if (reached > now) advance(reached, offset, out);
  if (out.drain) out.drain(out);
}

void RegionStage::Impl::store(const Held& held, std::vector<Amended>& amended) {
  Site& site = site_named(held.site);
  learn(site, held.region, held.root);
  if (held.hour < floor) return;  // no mean of theirs can still change: whatever this is, it is too late
  Hour& hour = hour_of_site(site, held.hour);
  const auto at = std::lower_bound(hour.cells.begin(), hour.cells.end(), held.cell.factor,
                                   [](const Cell& c, Factor f) { return c.factor < f; });
  const bool is_new = at == hour.cells.end() || at->factor != held.cell.factor;
  const bool was_valid = !is_new && at->valid;
  const bool changed = was_valid != held.cell.valid || (was_valid && at->value != held.cell.value);
  if (is_new) {
    hour.cells.insert(at, held.cell);
  } else {
    *at = held.cell;
  }
  hour.dirty = site.hours_dirty = true;
  if (!changed || held.hour >= frontier) return;
  amended.push_back({held.hour, &site, held.cell.factor, held.reason.empty() ? "late readings" : held.reason});
}

// ---- sites -------------------------------------------------------------------------------------------------------

const RegionStage::Impl::Cell* RegionStage::Impl::Site::cell(Factor factor, EventTime hour) const {
  const auto at =
      std::lower_bound(hours.begin(), hours.end(), hour, [](const Hour& h, EventTime t) { return h.start < t; });
  if (at == hours.end() || at->start != hour) return nullptr;
  for (const Cell& c : at->cells) {
    if (c.factor == factor) return &c;
  }
  return nullptr;
}

RegionStage::Impl::Hour* RegionStage::Impl::Site::find(EventTime hour) {
  const auto at =
      std::lower_bound(hours.begin(), hours.end(), hour, [](const Hour& h, EventTime t) { return h.start < t; });
  return at == hours.end() || at->start != hour ? nullptr : &*at;
}

RegionStage::Impl::Site& RegionStage::Impl::site_named(std::string_view id) {
  const auto known_site = sites.find(id);
  if (known_site != sites.end()) return known_site->second;
  Site& site = sites[std::string(id)];
  site.id = id;
  site.dirty = true;
  ++generation;
  return site;
}

RegionStage::Impl::Hour& RegionStage::Impl::hour_of_site(Site& site, EventTime start) {
  if (Hour* there = site.find(start)) return *there;
  const auto at = std::lower_bound(site.hours.begin(), site.hours.end(), start,
                                   [](const Hour& h, EventTime t) { return h.start < t; });
  ++held_hours[start];
  return *site.hours.insert(at, Hour{start, {}, true, false});
}

// Where the rules in use say where the site is, that holds; otherwise what its means say.
void RegionStage::Impl::learn(Site& site, const std::string& region, const std::string& root) {
  const auto configured = rules->sites.find(site.id);
  const bool is_configured = configured != rules->sites.end();
  const SiteInfo* info = is_configured ? &configured->second : nullptr;
  const std::string& its_region = is_configured ? info->region : region;
  const std::string& its_root = is_configured ? info->root : root;
  const SiteKind kind = is_configured ? info->kind : SiteKind::None;
  const Place place = is_configured ? Place{info->lon_e6, info->lat_e6} : Place{};
  if (site.region != its_region || site.root != its_root) {
    site.region = its_region;
    site.root = its_root;
    site.dirty = true;
    ++generation;
  }
  if (site.place != place || site.kind != kind) {
    site.place = place;
    site.kind = kind;
    ++generation;
  }
}

// From `frontier` on other rules hold; what was judged before stays as it is.
void RegionStage::Impl::switch_rules(const std::string& hash) {
  const auto at = known.find(hash);
  QC_ASSERT(at != known.end());
  rules = at->second;
  rules_hash = hash;
  judged_from = frontier;
  plans_known = false;
  dirty = true;
  ++generation;
  for (auto& [id, site] : sites) {
    learn(site, site.region, site.root);
    for (Condition& c : site.conditions) {
      c.track.forget(EventTime::max());
      c.base = c.track;
      c.next = c.base_time = std::max(c.next, bound(c.kind));
      site.dirty = true;
    }
  }
}

// ---- time --------------------------------------------------------------------------------------------------------

void RegionStage::Impl::advance(EventTime to, Offset offset, Outputs& out) {
  const EventTime before = now;
  close_hours(to, offset, out);
  hear_until(to, offset, out);
  if (before != EventTime::min()) pass_orders(before, to, offset, out);
}

void RegionStage::Impl::close_hours(EventTime to, Offset offset, Outputs& out) {
  constexpr Duration kMinute = std::chrono::minutes(1);
  const bool first = now == EventTime::min();
  out.tick = out.tick || first || floor_to(to, kMinute) > floor_to(now, kMinute);
  now = to;
  dirty = true;
  const EventTime closed_to = hour_of(now - rules->horizons.close_after);
  if (first) {
    // Hours that closed before time began here, as far back as they can still change.
    frontier = std::min(closed_to, hour_of(now - rules->horizons.hours_kept));
    judged_from = frontier;
  }
  if (closed_to <= frontier) return;
  while (frontier < closed_to) {
    // A jump of time costs what there is in it, not what there might have been.
    const bool nothing = !held_hours.contains(frontier) && !held_hours.contains(frontier - kHour);
    if (nothing && !any_awake() && !any_warning()) {
      const auto held = held_hours.lower_bound(frontier);
      const EventTime next = held == held_hours.end() ? closed_to : std::min(held->first, closed_to);
      if (next > frontier) {
        frontier = next;
        continue;
      }
    }
    const EventTime hour = frontier;
    frontier += kHour;
    hear_until(frontier + rules->horizons.close_after, offset, out);
    judge_hour(hour, offset, out);
    close_air(hour, offset, out);
    close_warnings(hour, offset, out);
  }
  close_air_until(frontier, offset, out);
  settle();
}

void RegionStage::Impl::settle() {
  // Hours before `cut` can no longer be amended: what they decided is final. A spike looks an hour to either side.
  const EventTime cut = std::min(hour_of(now - rules->horizons.hours_kept), frontier);
  for (auto& [id, site] : sites) settle(site, cut);
  // Not before all are settled: each is compared with the others.
  floor = std::max(floor, cut - 2 * kHour);
  for (auto& [id, site] : sites) {
    const auto kept = std::lower_bound(site.hours.begin(), site.hours.end(), floor,
                                       [](const Hour& h, EventTime t) { return h.start < t; });
    for (auto h = site.hours.begin(); h != kept; ++h) {
      if (h->saved) {
        site.hours_dirty = true;
        site.erased.push_back(h->start);
      }
      if (--held_hours[h->start] == 0) held_hours.erase(h->start);
    }
    site.hours.erase(site.hours.begin(), kept);
  }
  settle_air();
}

}  // namespace qc::core
