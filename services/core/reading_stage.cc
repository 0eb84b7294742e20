#include "core/reading_stage.h"

#include <algorithm>
#include <array>

#include "core/reading_stage_impl.h"

namespace qc::core {

ReadingStage::ReadingStage(std::function<bool(std::string_view)> mine)
    : impl_(std::make_unique<Impl>(std::move(mine))) {}
ReadingStage::~ReadingStage() = default;

// ---- sites ----------------------------------------------------------------------------------------------------------

Site* ReadingStage::Impl::find(std::string_view id) {
  if (Site* known = by_id.find(id)) return known;
  const auto configured = rules->sites.find(id);
  if (configured == rules->sites.end()) return nullptr;
  Site& made = make(configured->second);
  made.configured = true;
  return &made;
}

Site& ReadingStage::Impl::make(const SiteInfo& info) {
  Site& made = sites.emplace_back();
  learn(made, info);
  by_id.add(made);
  ordered.push_back(&made);
  unordered = true;
  return made;
}

void ReadingStage::Impl::learn(Site& site, const SiteInfo& info) {
  site.info = info;
  for (const Factor f : info.factors) site.column_of(f, frontier);
  site.on_until = EventTime::min();  // its class may be another
  site.dirty = true;
  save_later(site);
}

const std::vector<Site*>& ReadingStage::Impl::in_order() {
  if (unordered) {
    std::sort(ordered.begin(), ordered.end(), [](const Site* a, const Site* b) { return a->info.id < b->info.id; });
    unordered = false;
  }
  return ordered;
}

void ReadingStage::use(std::shared_ptr<const RuleSet> rules, Timeline timeline) {
  Impl& s = *impl_;
  s.rules = std::move(rules);
  s.plain = plain_table(*s.rules);
  if (timeline != Timeline::None) s.timeline = timeline;
  const bool changed = s.rules->hash != s.rules_hash;
  s.rules_hash = s.rules->hash;
  for (Site* site : s.ordered) site->configured = false;
  for (const auto& [id, info] : s.rules->sites) {
    // In a fed log the world is what is fed: a configured site that is not in the files is not silent there.
    Site* known = s.by_id.find(id);
    if (s.timeline == Timeline::Fed && known == nullptr) continue;
    if (!s.mine(id)) continue;
    if (known == nullptr) {
      s.make(info).configured = true;
    } else {
      known->configured = true;
      known->registered = false;
      if (changed) {
        s.learn(*known, info);
      } else {
        known->info = info;  // what is not saved: its exemptions and dates
      }
    }
  }
  if (!changed) return;
  s.dirty = true;
  for (Site* site : s.ordered) {
    Judge::rules_changed(*site, s.frontier);
    s.save_later(*site);
  }
}

void ReadingStage::apply(const Register& r, Offset /*offset*/, Outputs& /*out*/) {
  Impl& s = *impl_;
  if (s.rules->sites.contains(r.site)) return;  // the configuration knows better
  SiteInfo info;
  info.id = r.site;
  info.name = r.name;
  info.region = r.region;
  info.root = r.root;
  info.kind = r.kind;
  info.area_class = r.area_class == AreaClass::None ? AreaClass::Class2 : r.area_class;
  Site* known = s.find(r.site);
  if (known == nullptr) {
    s.make(info).registered = true;
  } else {
    s.learn(*known, info);
    known->registered = true;
  }
}

// ---- readings -------------------------------------------------------------------------------------------------------

void ReadingStage::apply(const ReadingBatch& batch, Offset offset, Outputs& out) {
  Impl& s = *impl_;
  s.dirty = true;
  for (const Rejected& r : batch.rejected) {
    s.ledger.count_malformed(r.reason, r.readings);
    out.rejected.push_back(r);
  }
  Site* site = s.find(batch.site);
  const bool known = site != nullptr && (site->registered || site->configured) && site->info.dated.holds(batch.start);
  if (!known) {
    const std::int32_t readings = batch.readings();
    s.ledger.count(Account::Unknown, readings);
    out.rejected.push_back(
        {Reason::UnknownSite, readings, "site " + std::string(batch.site) + " is neither configured nor registered"});
    return;
  }
  s.store(*site, batch, offset, out);
}

// Puts the cursor on the lane of that hour, with room for the column. The hour is made where there is none: its first
// reading comes.
ReadingStage::Impl::Opened ReadingStage::Impl::open(Site& site, EventTime hour, const ReadingBatch& batch,
                                                    std::size_t column, Offset offset) {
  HourEntry* entry = site.find(hour);
  if (entry == nullptr) {
    if (site.hours.size() >= static_cast<std::size_t>(rules->horizons.site_hours_max)) return Opened::TooManyHours;
    entry = &site.entry(hour);
  }
  HourSlots& slots = entry->thaw().slots;
  const auto step_s = static_cast<int>(batch.step / std::chrono::seconds(1));
  const OpenLane lane = slots.open(batch.source, step_s, static_cast<int>(column) + 1);
  if (lane.slots == nullptr) return Opened::Sealed;
  slots.note_offset(offset);
  site.cursor = {hour, entry, lane, step_s, batch.source, false};
  return Opened::Yes;
}

void ReadingStage::Impl::store(Site& site, const ReadingBatch& batch, Offset offset, Outputs& out) {
  const Horizons& h = rules->horizons;
  const auto step_s = static_cast<int>(batch.step.count() / 1000);
  const bool whole_hours = step_s == 3600 && batch.source != Source::Realtime;
  const Duration kept = whole_hours ? h.hours_kept : h.slots_kept;
  const Duration length = batch.source == Source::Realtime ? Duration(0) : batch.step;
  const EventTime latest = as_event(batch.received) + h.ahead_max;
  std::int32_t future = 0;
  std::int32_t too_many = 0;
  std::array<std::int32_t, kAccounts> counts{};
  const auto count = [&counts](Account a) { ++counts[static_cast<std::size_t>(a)]; };
  Judge judge(*rules, now, frontier, offset, out);

  std::uint32_t rows = 0;
  for (const Column& c : batch.columns) rows = std::max(rows, c.count);
  Cursor& cursor = site.cursor;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const Interval interval{batch.start + batch.step * row, batch.start + batch.step * row + length};
    const EventTime hour = hour_of(interval.start);
    const bool ahead = interval.end > latest;
    const bool late = !ahead && now >= hour + kHour + kept;
    const auto slot_row = static_cast<int>((interval.start - hour) / batch.step);
    for (const Column& c : batch.columns) {
      if (row >= c.count) continue;
      const Flag flag = batch.flags[c.first + row];
      if (flag == Flag::Missing) continue;
      if (ahead) {
        ++future;
        continue;
      }
      if (late) {
        count(Account::Late);
        continue;
      }
      // A series is missed from when it became known, not in hours that were over by then.
      const std::size_t column = site.column_of(c.factor, std::max(hour, frontier));
      if (!cursor.holds(hour, batch.source, step_s) || static_cast<int>(column) >= cursor.lane.stride) {
        const Opened opened = open(site, hour, batch, column, offset);
        if (opened == Opened::Sealed) count(Account::Late);
        if (opened == Opened::TooManyHours) ++too_many;
        if (opened != Opened::Yes) continue;
      }
      Series& series = site.series[column];
      const Concentration value = batch.values[c.first + row];
      Slot slot = Slot::of(batch.stamp_ms, value, flag);
      if (!plain[index(c.factor)].holds(value.pg) && flag == Flag::Normal) {
        slot.key |= slot_marks(reading_marks(*rules->check(c.factor), value));
      }
      const Stored stored = cursor.lane.put(slot_row, static_cast<int>(column), slot);
      if (flag != Flag::Normal) {
        count(Account::Flagged);
      } else if (stored == Stored::First) {
        count(slot.suspect() ? Account::Suspect : Account::Stored);
      } else {
        count(stored == Stored::Replaced ? Account::Replaced : Account::Duplicate);
      }
      if (stored == Stored::Kept) continue;
      if (series.last_hour < hour || series.step_s != step_s) {
        series.last_hour = std::max(series.last_hour, hour);
        series.step_s = step_s;
        site.dirty = true;
      }
      if (!cursor.marked) {
        cursor.marked = true;
        cursor.entry->dirty = true;
        (hour < frontier ? cursor.entry->touched : cursor.entry->running) = true;
        (hour < frontier ? site.touched : site.running) = true;
      }
      if (flag == Flag::Normal) judge.reading(site, column, interval, value);
    }
  }
  for (std::size_t a = 0; a < kAccounts; ++a) {
    if (counts[a] != 0) ledger.count(static_cast<Account>(a), counts[a]);
  }
  if (future > 0) {
    ledger.count_malformed(Reason::Future, future);
    out.rejected.push_back({Reason::Future, future,
                            "site " + site.info.id + ": " + to_iso(batch.start) + " is ahead of its receive time " +
                                to_iso(as_event(batch.received))});
  }
  if (too_many > 0) {
    ledger.count_malformed(Reason::TooManyHours, too_many);
    out.rejected.push_back({Reason::TooManyHours, too_many,
                            "site " + site.info.id + " already holds " + std::to_string(site.hours.size()) + " hours"});
  }
  save_later(site);
}

void ReadingStage::reject(const Rejected& rejected, Offset /*offset*/, Outputs& out) {
  impl_->dirty = true;
  impl_->ledger.count_malformed(rejected.reason, std::max(1, rejected.readings));
  out.rejected.push_back(rejected);
}

}  // namespace qc::core
