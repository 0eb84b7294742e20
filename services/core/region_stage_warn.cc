// Warnings: the machine of each region (warning_track.h) follows the index of 24 h that its air publishes, forecasts
// and orders come beside, and what several regions come to together is judged after each of them (joint_warning.h).
#include <algorithm>
#include <utility>

#include "core/region_stage_impl.h"
#include "core/warning_signal.h"
#include "core/windows.h"

namespace qc::core {

namespace {

// The last index that persistence goes by: an hour that closed late is one, that of a region long silent is none.
constexpr Duration kPersistenceAge = 3 * kHour;

}  // namespace

bool RegionStage::Impl::any_warning() const {
  return std::any_of(warned.begin(), warned.end(), [](const auto& w) { return w.second.track.machine().open(); });
}

void RegionStage::Impl::tell(const std::string& region, const std::vector<WarningEpisode>& told, Offset offset,
                             Outputs& out) {
  const auto air = airs.find(region);
  for (const WarningEpisode& e : told) {
    Signal s = signal_of(e, region, offset);
    if (air != airs.end()) {
      s.root = air->second.info.root;
      s.origin.first_offset = first_offset(air->second, s.interval.start, s.interval.end);
    }
    out.signals.push_back(std::move(s));
    out.urgent = true;
  }
}

// Each index that was published for the region goes into its machine: that of a new hour, or another of a past one.
void RegionStage::Impl::follow_air(const qc::core::Site& air, std::size_t first_mean, Offset offset, Outputs& out) {
  if (rules->warnings.empty() && !warned.contains(air.info.id)) return;
  std::vector<WarningEpisode> told;
  std::map<EventTime, IndexHour> corrected;
  std::string_view reason;
  for (std::size_t i = first_mean; i < out.means.size(); ++i) {
    const Mean& m = out.means[i];
    if (m.factor != Factor::AQI || m.window != Window::H24 || m.status == Status::Running) continue;
    Warned& w = warned[air.info.id];
    w.dirty = true;
    if (m.interval.end > w.track.now()) {
      w.track.hour(*rules, m.interval.end, index_hour(m), {}, told);
      w.scorer_dirty |= w.scorer.observed(m.interval.end, w.track.machine().index());
      continue;
    }
    corrected[m.interval.end] = index_hour(m);
    if (reason.empty()) reason = m.reason;
  }
  if (!corrected.empty()) warned[air.info.id].track.correct(*rules, corrected, reason, told);
  tell(air.info.id, told, offset, out);
}

// An open warning's hour of which nothing was published has no index.
void RegionStage::Impl::close_warnings(EventTime hour, Offset offset, Outputs& out) {
  const EventTime at = hour + kHour;
  for (auto& [region, w] : warned) {
    if (!w.track.machine().open() || w.track.now() >= at) continue;
    std::vector<WarningEpisode> told;
    w.track.hour(*rules, at, {}, {}, told);
    w.dirty = true;
    tell(region, told, offset, out);
  }
  judge_joint(at, offset, out);
}

// ---- what is said from outside -----------------------------------------------------------------------------------

std::optional<Rejected> RegionStage::Impl::hear(const Event& event, Offset event_offset, Offset offset, Outputs& out) {
  if (event.received > now) {
    if (held_events.size() >= kEventsHeldMax) {
      return Rejected{Reason::Oversized, 1, std::to_string(kEventsHeldMax) + " events wait for their time already"};
    }
    held_events.emplace(std::pair(event.received, event_offset), HeldEvent{event, false});
    return std::nullopt;
  }
  return take(event, now, offset, out);
}

void RegionStage::Impl::hear_until(EventTime until, Offset offset, Outputs& out) {
  while (!held_events.empty() && held_events.begin()->first.first <= until) {
    const auto first = held_events.begin();
    if (first->second.saved) erased_events.push_back(first->first.second);
    const Event event = std::move(first->second.event);
    held_events.erase(first);
    take(event, event.received, offset, out);
  }
}

std::optional<Rejected> RegionStage::Impl::take(const Event& event, EventTime at, Offset offset, Outputs& out) {
  const auto region = rules->regions.find(event.region);
  if (region == rules->regions.end()) {
    return Rejected{Reason::NotSupported, 1, "there is no region `" + event.region + "`"};
  }
  if (const auto* issue = std::get_if<ForecastIssue>(&event.what)) {
    Warned& w = warned[event.region];
    if (issue->issued < w.issued) return std::nullopt;  // a later issue holds
    w.issued = issue->issued;
    w.dirty = true;
    const bool recent = at < w.track.now() + kPersistenceAge;
    w.scorer_dirty |= w.scorer.issue(at, recent ? w.track.machine().index() : kNoIndex, issue->hours);
    std::vector<WarningEpisode> told;
    w.track.forecast(*rules, issue->hours, told);
    tell(event.region, told, offset, out);
  } else {
    if (orders.size() >= kOrdersMax && !orders.contains(event.id)) {
      return Rejected{Reason::Oversized, 1, std::to_string(kOrdersMax) + " orders hold or will already"};
    }
    Ordered& o = orders[event.id];
    o = {event.region, event.root, event.source, std::get<AreaOrder>(event.what), true, o.saved};
  }
  judge_joint(at, offset, out);
  return std::nullopt;
}

// An order begins or ends between hours.
void RegionStage::Impl::pass_orders(EventTime from, EventTime until, Offset offset, Outputs& out) {
  std::vector<EventTime> times;
  for (const auto& [id, o] : orders) {
    for (const EventTime t : {o.order.interval.start, o.order.interval.end}) {
      if (from < t && t <= until) times.push_back(t);
    }
  }
  std::sort(times.begin(), times.end());
  for (const EventTime t : times) judge_joint(t, offset, out);
}

// ---- several regions together ------------------------------------------------------------------------------------

JointInputs RegionStage::Impl::joint_inputs(const Region& region) const {
  JointInputs in;
  in.needed = region.joint_members;
  const auto machine_of = [this](const std::string& id) -> const WarningMachine* {
    const auto w = warned.find(id);
    return w == warned.end() ? nullptr : &w->second.track.machine();
  };
  const auto add = [&](const std::string& id, bool counts) {
    const WarningMachine* m = machine_of(id);
    in.members.push_back({id, m == nullptr ? 0 : m->level(), m == nullptr ? kNoIndex : m->index(), counts});
  };
  if (in.needed > 0) {
    const WarningMachine* own = machine_of(region.id);
    in.own = own == nullptr ? 0 : own->level();
  } else {
    add(region.id, false);
  }
  // All that lies in it, the nearest first. The tree has no rings, and a group no group among its members.
  std::vector<const Region*> below = rules->parts(region);
  const std::size_t direct = below.size();
  for (std::size_t i = 0; i < below.size(); ++i) {
    add(below[i]->id, i < direct);
    const auto deeper = rules->parts(*below[i]);
    below.insert(below.end(), deeper.begin(), deeper.end());
  }
  return in;
}

void RegionStage::Impl::judge_joint(EventTime at, Offset offset, Outputs& out) {
  joint_at = at = std::max(at, joint_at);
  dirty = true;
  const auto order_of = [&](const std::string& region) {
    const std::pair<const std::string, Ordered>* highest = nullptr;
    for (const auto& entry : orders) {
      const Ordered& o = entry.second;
      if (o.region != region || at < o.order.interval.start || at >= o.order.interval.end) continue;
      if (highest == nullptr || o.order.level > highest->second.order.level) highest = &entry;
    }
    return highest;
  };
  for (const auto& [id, region] : rules->regions) {
    const auto* order = order_of(id);
    if (region.joint_members == 0 && order == nullptr && !joints.contains(id)) continue;
    JointInputs in = joint_inputs(region);
    if (order != nullptr) {
      in.ordered = order->second.order.level;
      in.order = order->first;
      in.authority = order->second.authority;
    }
    Joint& joint = joints[id];
    if (!joint.warning.judge(at, in)) {
      if (joint.warning.revision() == 0) joints.erase(id);  // nothing was ever told
      continue;
    }
    joint.dirty = true;
    Signal s = joint.warning.signal(id, offset);
    const auto air = airs.find(id);
    s.root = air != airs.end() ? air->second.info.root : order != nullptr ? order->second.root : std::string();
    out.signals.push_back(std::move(s));
    out.urgent = true;
  }
  for (auto o = orders.begin(); o != orders.end();) {
    const bool over = o->second.order.level == 0 || o->second.order.interval.end <= at;
    if (over && o->second.saved) erased_orders.push_back(o->first);
    o = over ? orders.erase(o) : std::next(o);
  }
}

}  // namespace qc::core
