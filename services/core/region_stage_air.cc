// The air of regions: an hour of one is the mean of its stations' hours, and what is longer follows from its hours as
// at a site (windows.h). A region is kept as a site of its own, without readings.
#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "core/good_day.h"
#include "core/judge.h"
#include "core/region_stage_impl.h"
#include "core/windows.h"

namespace qc::core {
namespace {

// The rules for signals are those of sites: a region's windows close without them.
const RuleSet& no_signals() {
  static const RuleSet none;
  return none;
}

bool measures(const SiteInfo& site, Factor factor) {
  return site.factors.empty() || std::find(site.factors.begin(), site.factors.end(), factor) != site.factors.end();
}

}  // namespace

const std::vector<RegionPlan>& RegionStage::Impl::region_plans() {
  if (!plans_known) {
    plans = core::region_plans(*rules);
    plans_known = true;
  }
  return plans;
}

// Which hour its stations make, and the first of the means that it is made of.
HourValue RegionStage::Impl::air_of(const RegionPlan& plan, Factor factor, EventTime hour, Offset& first) {
  HourValue v;
  const auto add = [&](bool valid, Concentration value, Offset offset) {
    if (offset >= 0) first = first < 0 ? offset : std::min(first, offset);
    ++v.expected;
    if (valid) v.sums.add(Slot{0, value.pg});
  };
  if (plan.region->mean_of_members) {
    for (const std::size_t m : plan.members) {
      const auto air = airs.find(plans[m].region->id);
      const std::uint8_t c = air == airs.end() ? kNoColumn : air->second.column[index(factor)];
      const HourEntry* e = c == kNoColumn ? nullptr : air->second.find(hour);
      if (e == nullptr) {
        add(false, {}, -1);
        continue;
      }
      const SeriesResult result = e->result(c);
      add(result.revision > 0 && result.value.valid, result.value.mean(), e->first_offset());
    }
  } else {
    const EventTime last = last_instant({hour, hour + kHour});
    for (const SiteInfo* station : plan.stations) {
      if (!station->dated.holds(last) || !measures(*station, factor)) continue;
      const auto site = sites.find(station->id);
      const Cell* cell = site == sites.end() ? nullptr : site->second.cell(factor, hour);
      add(cell != nullptr && cell->valid, cell == nullptr ? Concentration{} : cell->value,
          cell == nullptr ? -1 : cell->offset);
    }
  }
  v.valid = v.sums.count > 0 && v.sums.count * 100 >= v.expected * plan.region->valid_percent;
  return v;
}

// nullptr: nothing is known of it yet.
qc::core::Site* RegionStage::Impl::air_named(const RegionPlan& plan) {
  const auto known_air = airs.find(plan.region->id);
  if (known_air == airs.end()) {
    const bool any = std::any_of(plan.stations.begin(), plan.stations.end(),
                                 [this](const SiteInfo* s) { return sites.contains(s->id); });
    if (!any) return nullptr;
  }
  qc::core::Site& air = known_air == airs.end() ? airs[plan.region->id] : known_air->second;
  SiteInfo& info = air.info;
  const std::string& root = plan.stations.front()->root;
  if (info.id != plan.region->id || info.name != plan.region->name || info.root != root) {
    info.id = info.region = plan.region->id;
    info.name = plan.region->name;
    info.root = root;
    air.dirty = true;
  }
  return &air;
}

bool RegionStage::Impl::publish_air(const RegionPlan& plan, qc::core::Site& air, HourEntry& e, Status status,
                                    Windows& windows) {
  const bool closes = !e.closed;
  HourData& data = e.thaw();
  bool changed = false;
  Offset first = -1;
  std::array<HourValue, kSixPollutants.size()> found;
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    found[i] = air_of(plan, kSixPollutants[i], e.start, first);
    if (found[i].sums.count == 0) continue;
    Series& series = air.series[air.column_of(kSixPollutants[i], e.start)];
    if (series.last_hour < e.start) {
      series.last_hour = e.start;
      air.dirty = true;
    }
  }
  data.slots.set_first_offset(first);
  data.results.resize(std::max(data.results.size(), air.series.size()));
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    const std::uint8_t c = air.column[index(kSixPollutants[i])];
    if (c == kNoColumn) continue;
    SeriesResult& result = data.results[c];
    const HourValue& v = found[i];
    const bool dormant = e.start >= air.series[c].last_hour + rules->horizons.hours_kept;
    if (v.sums.count == 0 && result.revision == 0 && (!closes || dormant)) continue;
    if (!closes && result.revision > 0 && v == result.value) continue;
    result.value = v;
    ++result.revision;
    changed = true;
    windows.add_hour(air, e, c, status);
  }
  Windows::note_hour(air, e);
  if (windows.publish_hour_index(air, e, status)) changed = true;
  e.closed = e.dirty = true;
  return changed;
}

// Some series of it had a value within the horizon: its silence is still said.
bool RegionStage::Impl::awake(const qc::core::Site& air, EventTime hour) const {
  return std::any_of(air.series.begin(), air.series.end(),
                     [&](const Series& s) { return hour < s.last_hour + rules->horizons.hours_kept; });
}

// 保良: of the days that are running.
void RegionStage::Impl::add_remaining(const qc::core::Site& air, EventTime hour, std::span<Mean> means) const {
  const int over = static_cast<int>((hour + kHour - day_of(hour)) / kHour);
  for (Mean& m : means) {
    if (m.status != Status::Running || is_index(m.factor)) continue;
    if (m.window != (m.factor == Factor::O3 ? Window::Mda8 : Window::Day)) continue;
    const auto left = remaining_mean(*rules, air, day_of(hour), air.column[index(m.factor)], over);
    m.remaining_pg = left ? left->pg : -1;
  }
}

void RegionStage::Impl::close_air(EventTime hour, Offset offset, Outputs& out) {
  for (const RegionPlan& plan : region_plans()) {
    qc::core::Site* air = air_named(plan);
    if (air == nullptr) continue;
    const std::size_t first_mean = out.means.size();
    Windows windows(*rules, now, offset, out);
    Judge silent(no_signals(), now, frontier, offset, out);
    windows.close_until(*air, hour, silent);
    const bool any = std::any_of(plan.stations.begin(), plan.stations.end(), [&](const SiteInfo* s) {
      const auto site = sites.find(s->id);
      return site != sites.end() && site->second.find(hour) != nullptr;
    });
    if (any || awake(*air, hour)) {
      HourEntry& e = air->entry(hour);
      publish_air(plan, *air, e, Status::Closed, windows);
      const std::size_t first = out.means.size();
      windows.hour_closed(*air, hour);
      add_remaining(*air, hour, std::span(out.means).subspan(first));
      e.freeze();
    }
    follow_air(*air, first_mean, offset, out);
    if (out.drain && out.means.size() >= out.drain_at) out.drain(out);
  }
}

void RegionStage::Impl::close_air_until(EventTime upto, Offset offset, Outputs& out) {
  for (auto& [id, air] : airs) {
    Judge silent(no_signals(), now, frontier, offset, out);
    Windows(*rules, now, offset, out).close_until(air, upto, silent);
  }
}

void RegionStage::Impl::amend_air(const std::vector<Amended>& amended, EventTime at, Offset offset, Outputs& out) {
  if (amended.empty()) return;
  std::vector<std::map<EventTime, std::string>> changed(region_plans().size());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const RegionPlan& plan = plans[i];
    std::map<EventTime, std::string> hours;
    for (const Amended& a : amended) {
      const auto s = std::lower_bound(plan.stations.begin(), plan.stations.end(), a.site->id,
                                      [](const SiteInfo* info, const std::string& id) { return info->id < id; });
      if (s != plan.stations.end() && (*s)->id == a.site->id) hours.emplace(a.hour, a.reason);
    }
    if (plan.region->mean_of_members) {
      hours.clear();
      for (const std::size_t m : plan.members) hours.insert(changed[m].begin(), changed[m].end());
    }
    qc::core::Site* air = hours.empty() ? nullptr : air_named(plan);
    if (air == nullptr) continue;
    const std::size_t first_mean = out.means.size();
    Windows windows(*rules, at, offset, out);
    std::vector<Day> before = air->history.days;
    std::vector<Judge::AmendedHour> done;
    for (const auto& [hour, reason] : hours) {
      HourEntry& e = air->entry(hour);
      e.thaw().reason = reason;
      if (publish_air(plan, *air, e, e.closed ? Status::Amended : Status::Closed, windows)) {
        done.push_back({hour, reason});
        changed[i].emplace(hour, reason);
      }
      e.data->reason.clear();
      e.freeze();
    }
    if (done.empty()) continue;
    Judge silent(no_signals(), at, frontier, offset, out);
    windows.hours_amended(*air, std::move(before), done);
    windows.close_until(*air, frontier, silent);
    windows.publish_dependent_indices(*air, done);
    follow_air(*air, first_mean, offset, out);
  }
  judge_joint(now, offset, out);
}

void RegionStage::Impl::settle_air() {
  const Horizons& h = rules->horizons;
  for (auto& [id, air] : airs) {
    const auto kept = std::find_if(air.hours.begin(), air.hours.end(),
                                   [&](const HourEntry& e) { return e.start >= floor || !e.closed; });
    for (auto e = air.hours.begin(); e != kept; ++e) air.erased.push_back(e->start);
    air.hours.erase(air.hours.begin(), kept);
    Windows::settle(air, now, h);
  }
}

}  // namespace qc::core
