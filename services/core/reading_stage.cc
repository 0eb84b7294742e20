#include "core/reading_stage.h"

#include <algorithm>
#include <unordered_map>

#include "base/assert.h"
#include "core/aqi.h"
#include "core/judge.h"
#include "core/site.h"

namespace qc::core {
namespace {

// State keys: "P" the partition, "S<site>" a site's header, "H<site>\0<hours since the epoch>" one of its hours.
constexpr char kPartitionKey = 'P';
constexpr char kSiteKey = 'S';
constexpr char kHourKey = 'H';

std::string hour_key(std::string_view site, EventTime hour) {
  std::string key(1, kHourKey);
  key += site;
  key += '\0';
  key += std::to_string(ms(hour) / kHour.count());
  return key;
}

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

constexpr Duration kMinute = std::chrono::minutes(1);

}  // namespace

struct ReadingStage::Impl {
  explicit Impl(std::function<bool(std::string_view)> is_mine) : mine(std::move(is_mine)) {}

  std::function<bool(std::string_view)> mine;
  std::shared_ptr<const RuleSet> rules = std::make_shared<RuleSet>();
  std::string rules_hash;
  Timeline timeline = Timeline::None;
  EventTime now = EventTime::min();
  EventTime frontier = EventTime::min();  // hours that start before it are closed
  Ledger ledger;
  bool dirty = false;

  std::unordered_map<std::string, std::unique_ptr<Site>, Hash, std::equal_to<>> sites;
  std::vector<Site*> ordered;  // by id: the order of everything a tick publishes
  bool unordered = false;
  std::vector<Site*> to_save;

  // ---- sites ----
  Site* find(std::string_view id);
  Site& make(SiteInfo info);
  void learn(Site& site, const SiteInfo& info);
  const std::vector<Site*>& in_order();
  void save_later(Site& site) {
    if (site.queued) return;
    site.queued = true;
    to_save.push_back(&site);
  }

  // ---- readings ----
  void store(Site& site, const ReadingBatch& batch, Offset offset, Outputs& out);

  // ---- time ----
  void advance(EventTime to, Offset offset, Outputs& out);
  void publish_touched(Site& site, Judge& judge, Offset offset, Outputs& out);
  void close_hours(Site& site, EventTime from, EventTime to, Judge& judge, Offset offset, Outputs& out);
  void settle(Site& site, Judge& judge);
  void publish_running(Site& site, EventTime open_from, Offset offset, Outputs& out);
  bool publish(Site& site, HourEntry& entry, Status status, Offset offset, Outputs& out);
  bool publish_index(Site& site, HourEntry& entry, Status status, Offset offset, Outputs& out);
  bool valid_so_far(const HourValue& value, EventTime start) const;
  Mean mean_of(const Site& site, const HourEntry& entry, Factor factor, Status status, Offset offset) const;
};

ReadingStage::ReadingStage(std::function<bool(std::string_view)> mine) : impl_(std::make_unique<Impl>(std::move(mine))) {}
ReadingStage::~ReadingStage() = default;

// ---- sites ----------------------------------------------------------------------------------------------------------

Site* ReadingStage::Impl::find(std::string_view id) {
  if (const auto it = sites.find(id); it != sites.end()) return it->second.get();
  const auto configured = rules->sites.find(id);
  if (configured == rules->sites.end()) return nullptr;
  Site& made = make(configured->second);
  made.configured = true;
  return &made;
}

Site& ReadingStage::Impl::make(SiteInfo info) {
  auto site = std::make_unique<Site>();
  Site& made = *site;
  std::string id = info.id;
  learn(made, info);
  sites.emplace(std::move(id), std::move(site));
  ordered.push_back(&made);
  unordered = true;
  return made;
}

void ReadingStage::Impl::learn(Site& site, const SiteInfo& info) {
  site.info = info;
  for (const Factor f : info.factors) site.column_of(f, frontier);
  for (Series& s : site.series) s.on_until = EventTime::min();  // its class may be another
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
  if (timeline != Timeline::None) s.timeline = timeline;
  const bool changed = s.rules->hash != s.rules_hash;
  s.rules_hash = s.rules->hash;
  for (Site* site : s.ordered) site->configured = false;
  for (const auto& [id, info] : s.rules->sites) {
    // In a fed log the world is what is fed: a configured site that is not in the files is not silent there.
    if (s.timeline == Timeline::Fed && !s.sites.contains(id)) continue;
    if (!s.mine(id)) continue;
    const auto known = s.sites.find(id);
    if (known == s.sites.end()) {
      s.make(info).configured = true;
    } else {
      known->second->configured = true;
      known->second->registered = false;
      if (changed) {
        s.learn(*known->second, info);
      } else {
        known->second->info = info;  // what is not saved: its exemptions and dates
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
    s.make(std::move(info)).registered = true;
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
  const bool known =
      site != nullptr && (site->registered || site->configured) && site->info.dated.holds(batch.start);
  if (!known) {
    std::int32_t readings = 0;
    for (const Column& c : batch.columns) {
      for (std::uint32_t i = 0; i < c.count; ++i) readings += batch.flags[c.first + i] == Flag::Missing ? 0 : 1;
    }
    s.ledger.count(Account::Unknown, readings);
    out.rejected.push_back({Reason::UnknownSite, readings, "site " + std::string(batch.site) + " is neither configured nor registered"});
    return;
  }
  s.store(*site, batch, offset, out);
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
  HourEntry* entry = nullptr;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const Interval interval{batch.start + batch.step * row, batch.start + batch.step * row + length};
    const EventTime hour = hour_of(interval.start);
    const bool ahead = interval.end > latest;
    const bool late = !ahead && now >= hour + kHour + kept;
    if (entry != nullptr && entry->start != hour) entry = nullptr;
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
      if (entry == nullptr) entry = site.find(hour);
      if (entry == nullptr) {
        if (site.hours.size() >= static_cast<std::size_t>(h.site_hours_max)) {
          ++too_many;
          continue;
        }
        entry = &site.entry(hour);
      }
      const std::size_t column = site.column_of(c.factor, hour);
      Series& series = site.series[column];
      const Concentration value = batch.values[c.first + row];
      HourData& data = entry->thaw();
      const auto stored = data.slots.store(batch.source, step_s, slot_row, static_cast<int>(column),
                                           Slot::of(batch.stamp_ms, value, flag));
      if (!stored) {
        count(Account::Late);
        continue;
      }
      if (flag != Flag::Normal) {
        count(Account::Flagged);
      } else {
        count(*stored == Stored::First ? Account::Stored
                                       : (*stored == Stored::Replaced ? Account::Replaced : Account::Duplicate));
      }
      if (*stored == Stored::Kept) continue;
      data.slots.note_offset(offset);
      if (series.last_hour < hour || series.step_s != step_s) {
        series.last_hour = std::max(series.last_hour, hour);
        series.step_s = step_s;
        site.dirty = true;
      }
      entry->dirty = true;
      if (hour < frontier) {
        entry->touched = true;
        site.touched = true;
      } else {
        entry->running = true;
        site.running = true;
      }
      if (flag == Flag::Normal) judge.reading(site, column, interval, value);
    }
  }
  for (std::size_t a = 0; a < kAccounts; ++a) {
    if (counts[a] != 0) ledger.count(static_cast<Account>(a), counts[a]);
  }
  if (future > 0) {
    ledger.count_malformed(Reason::Future, future);
    out.rejected.push_back({Reason::Future, future, "site " + site.info.id + ": " + to_iso(batch.start) + " is ahead of its receive time " +
                                                        to_iso(as_event(batch.received))});
  }
  if (too_many > 0) {
    ledger.count_malformed(Reason::TooManyHours, too_many);
    out.rejected.push_back({Reason::TooManyHours, too_many, "site " + site.info.id + " already holds " +
                                                                std::to_string(site.hours.size()) + " hours"});
  }
  save_later(site);
}

void ReadingStage::apply(const Amend& amend, Offset offset, Outputs& out) {
  Impl& s = *impl_;
  s.dirty = true;
  Site* site = s.find(amend.site);
  const auto refuse = [&](Reason reason, std::string why) {
    out.rejected.push_back({reason, 0, "amend " + amend.id + ": " + std::move(why)});
  };
  if (site == nullptr) return refuse(Reason::UnknownSite, "site " + amend.site + " is not known");
  const Interval& i = amend.interval;
  if (amend.factor == Factor::None || is_index(amend.factor)) {
    return refuse(Reason::UnknownFactor, "an index follows from concentrations; amend those");
  }
  if (amend.action == Amend::Action::None || i.start >= i.end || hour_of(i.start) != i.start || hour_of(i.end) != i.end ||
      i.end - i.start > s.rules->horizons.hours_kept) {
    return refuse(Reason::BadShape, "wants an action and an interval of whole hours within hours_kept");
  }
  if (s.now >= i.start + kHour + s.rules->horizons.hours_kept) {
    return refuse(Reason::NotSupported, "the interval begins behind hours_kept");
  }
  if (i.end > s.frontier) return refuse(Reason::BadShape, "an hour can be amended once it is closed");
  const auto column = static_cast<int>(site->column_of(amend.factor, i.start));
  for (EventTime hour = i.start; hour < i.end; hour += kHour) {
    HourEntry& entry = site->entry(hour);
    HourData& data = entry.thaw();
    if (amend.action == Amend::Action::Restore) {
      data.slots.restore(column);
    } else {
      const bool replace = amend.action == Amend::Action::Replace;
      Slot slot = Slot::of(0, replace ? amend.value : Concentration{}, replace ? Flag::Normal : Flag::Fault);
      if (amend.audited) slot.key |= Slot::kAudited;
      data.slots.amend(column, slot);
    }
    data.slots.note_offset(offset);
    data.reason = "amended by " + amend.who + ": " + amend.reason;
    entry.dirty = true;
    entry.touched = true;
    site->touched = true;
  }
  s.save_later(*site);
}

void ReadingStage::reject(const Rejected& rejected, Offset /*offset*/, Outputs& out) {
  impl_->dirty = true;
  impl_->ledger.count_malformed(rejected.reason, std::max(1, rejected.readings));
  out.rejected.push_back(rejected);
}

// ---- time -----------------------------------------------------------------------------------------------------------

void ReadingStage::apply(const Tick& tick, Offset offset, Outputs& out) {
  if (tick.now <= impl_->now) return;
  impl_->advance(tick.now, offset, out);
}

void ReadingStage::Impl::advance(EventTime to, Offset offset, Outputs& out) {
  const Horizons& h = rules->horizons;
  const EventTime before = now;
  const bool first = before == EventTime::min();
  now = to;
  dirty = true;
  const EventTime closed_to = hour_of(now - h.close_after);
  const EventTime from = first ? closed_to : frontier;
  if (first) {
    frontier = closed_to;
    // Nothing was closed before time began: silence counts from here.
    for (Site* site : ordered) {
      for (Series& s : site->series) s.last_hour = std::max(s.last_hour, frontier);
      site->dirty = true;
    }
  }
  const bool closing = closed_to > from || first;
  const bool minute = first || floor_to(now, kMinute) > floor_to(before, kMinute);
  const bool running = h.running_every.count() > 0 &&
                       (first || floor_to(now, h.running_every) > floor_to(before, h.running_every));
  Judge judge(*rules, now, frontier, offset, out);
  for (Site* site : in_order()) {
    if (first) {
      // Readings before the first tick may stand in hours that are closed by now.
      for (HourEntry& e : site->hours) {
        if (e.start < frontier) e.touched = site->touched = true;
      }
    }
    if (site->touched) publish_touched(*site, judge, offset, out);
    if (closing) {
      close_hours(*site, from, closed_to, judge, offset, out);
      settle(*site, judge);
    }
    if (running && site->running) publish_running(*site, closed_to, offset, out);
    if (minute && site->alarmed) {
      judge.silence(*site);
      save_later(*site);
    }
    if (site->dirty) save_later(*site);
  }
  frontier = closed_to > frontier ? closed_to : frontier;
  out.tick = out.tick || minute;
}

void ReadingStage::Impl::publish_touched(Site& site, Judge& judge, Offset offset, Outputs& out) {
  site.touched = false;
  std::vector<Judge::AmendedHour> amended;
  for (HourEntry& e : site.hours) {
    if (!e.touched) continue;
    e.touched = false;
    e.dirty = true;
    HourData& data = e.thaw();
    if (data.reason.empty()) data.reason = "late readings";
    if (publish(site, e, e.closed ? Status::Amended : Status::Closed, offset, out)) {
      amended.push_back({e.start, data.reason});
    }
    data.reason.clear();
    e.freeze();
  }
  if (!amended.empty()) judge.hours_amended(site, amended);
  save_later(site);
}

void ReadingStage::Impl::close_hours(Site& site, EventTime from, EventTime to, Judge& judge, Offset offset, Outputs& out) {
  // A jump of time costs one step a series, not one an hour: of silent hours only the last is published, and only as
  // long as a condition is open are they judged.
  const bool jump = to - from > rules->horizons.hours_kept;
  for (EventTime hour = from; hour < to; hour += kHour) {
    if (jump && Judge::quiet(site)) {
      const auto held = std::lower_bound(site.hours.begin(), site.hours.end(), hour,
                                         [](const HourEntry& e, EventTime t) { return e.start < t; });
      hour = held == site.hours.end() ? to - kHour : std::min(held->start, to - kHour);
    }
    HourEntry* e = site.find(hour);
    if (e == nullptr && (!jump || hour == to - kHour)) {
      const bool awake = std::any_of(site.series.begin(), site.series.end(), [&](const Series& s) {
        return hour < s.last_hour + rules->horizons.hours_kept;
      });
      if (awake) e = &site.entry(hour);
    }
    if (e != nullptr) publish(site, *e, Status::Closed, offset, out);
    judge.hour_closed(site, hour);
    if (e != nullptr) e->freeze();
  }
  save_later(site);
}

void ReadingStage::Impl::settle(Site& site, Judge& judge) {
  const Horizons& h = rules->horizons;
  judge.settle(site, hour_of(now - h.hours_kept));
  std::size_t gone = 0;
  for (HourEntry& e : site.hours) {
    if (now >= e.start + kHour + h.hours_kept) {
      site.erased.push_back(e.start);
      ++gone;
      continue;
    }
    if (!e.closed) break;
    if (!e.sealed && now >= e.start + kHour + h.slots_kept) {
      e.thaw().slots.seal();
      e.sealed = true;
      e.dirty = true;
    }
    e.freeze();
  }
  site.hours.erase(site.hours.begin(), site.hours.begin() + static_cast<std::ptrdiff_t>(gone));
  if (gone > 0 && site.hours.capacity() > 2 * site.hours.size() + 8) site.hours.shrink_to_fit();
}

void ReadingStage::Impl::publish_running(Site& site, EventTime open_from, Offset offset, Outputs& out) {
  site.running = false;
  for (auto e = site.hours.rbegin(); e != site.hours.rend() && e->start >= open_from; ++e) {
    if (!e->running) continue;
    e->running = false;
    e->dirty = true;
    publish(site, *e, Status::Running, offset, out);
  }
  save_later(site);
}

bool ReadingStage::Impl::valid_so_far(const HourValue& value, EventTime start) const {
  const std::int64_t elapsed_s = std::clamp((now - start).count() / 1000, std::int64_t{1}, std::int64_t{3600});
  const std::int64_t covered_s = std::int64_t{value.sums.count} * 3600 / value.expected;
  return covered_s * 60 >= elapsed_s * rules->horizons.valid_minutes;
}

Mean ReadingStage::Impl::mean_of(const Site& site, const HourEntry& e, Factor factor, Status status, Offset offset) const {
  Mean m;
  m.site = site.info.id;
  m.region = site.info.region;
  m.root = site.info.root;
  m.factor = factor;
  m.window = Window::H1;
  m.interval = {e.start, e.start + kHour};
  m.status = status;
  m.origin = {e.data->slots.first_offset(), offset};
  if (status == Status::Amended) m.reason = e.data->reason;
  return m;
}

bool ReadingStage::Impl::publish(Site& site, HourEntry& e, Status status, Offset offset, Outputs& out) {
  const bool closes = status != Status::Running && !e.closed;
  HourData& data = e.thaw();
  if (data.results.size() < site.series.size()) data.results.resize(site.series.size());
  bool changed = false;
  for (std::size_t c = 0; c < site.series.size(); ++c) {
    const Series& series = site.series[c];
    SeriesResult& result = data.results[c];
    HourValue v = data.slots.value(static_cast<int>(c), rules->horizons.valid_minutes * 60, series.step_s);
    if (status == Status::Running) {
      if (v.sums.count == 0) continue;
      v.valid = valid_so_far(v, e.start);
    }
    const bool silent = v.sums.count == 0 && v.source == Source::None;
    // A dormant series, or one that was not known when the hour closed, has nothing to say.
    if (silent && result.revision == 0 && (!closes || e.start >= series.last_hour + rules->horizons.hours_kept)) continue;
    if (!closes && result.revision > 0 && v == result.value) continue;
    result.value = v;
    ++result.revision;
    changed = true;
    Mean m = mean_of(site, e, series.factor, status == Status::Amended && result.revision == 1 ? Status::Closed : status, offset);
    m.value = v.mean();
    m.valid = v.valid;
    m.sum_pg = v.sums.sum_pg;
    m.count = v.sums.count;
    m.expected = v.expected;
    m.min = {v.sums.min_pg};
    m.max = {v.sums.max_pg};
    m.revision = result.revision;
    m.source = v.source;
    m.audited = v.audited;
    out.means.push_back(std::move(m));
  }
  if (publish_index(site, e, status, offset, out)) changed = true;
  if (status != Status::Running) {
    e.closed = true;
    e.running = false;
  }
  e.dirty = true;
  return changed;
}

bool ReadingStage::Impl::publish_index(Site& site, HourEntry& e, Status status, Offset offset, Outputs& out) {
  HourData& data = *e.data;
  const Interval interval{e.start, e.start + kHour};
  const AqiEdition* edition = rules->edition(last_instant(interval));
  if (edition == nullptr) return false;
  std::array<std::optional<Concentration>, kSixPollutants.size()> means;
  bool any = false;  // one of the six has a result: there is something to say, if only "NA"
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    const std::uint8_t column = site.column[index(kSixPollutants[i])];
    if (column == kNoColumn || column >= data.results.size() || data.results[column].revision == 0) continue;
    any = true;
    const HourValue& v = data.results[column].value;
    if (v.valid) means[i] = v.mean();
  }
  if (!any) return false;
  AqiResult result = hourly_aqi(*edition, means, site.info.exempt);
  IndexOutcome outcome{result.aqi.value_or(-1), std::move(result.primary), std::move(result.sub_indices)};
  if (status == Status::Running && outcome.value < 0) return false;
  const bool closes = status != Status::Running && !e.closed;
  if (!closes && data.index_revision > 0 && outcome == data.index) return false;
  data.index = std::move(outcome);
  ++data.index_revision;
  Mean m = mean_of(site, e, Factor::AQI, status == Status::Amended && data.index_revision == 1 ? Status::Closed : status, offset);
  m.valid = data.index.value >= 0;
  m.sum_pg = m.valid ? data.index.value * kMillion : 0;
  m.value = {m.sum_pg};
  m.min = m.max = m.value;
  m.count = static_cast<std::int32_t>(data.index.sub_indices.size());
  m.expected = static_cast<std::int32_t>(kSixPollutants.size());
  m.revision = data.index_revision;
  m.primary = data.index.primary;
  m.sub_indices = data.index.sub_indices;
  m.clause = edition->clause;
  out.means.push_back(std::move(m));
  return true;
}

// ---- state ----------------------------------------------------------------------------------------------------------

// Format 1 of the partition: version, rules, timeline, now, frontier, the ledger.
void ReadingStage::save_changed(const Put& put) {
  Impl& s = *impl_;
  std::string bytes;
  if (s.dirty) {
    ByteWriter w(bytes);
    w.u8(kStateVersion);
    w.text(s.rules_hash);
    w.u8(static_cast<std::uint8_t>(s.timeline));
    w.u8(s.now == EventTime::min() ? 0 : 1);
    if (s.now != EventTime::min()) {
      w.time(s.now);
      w.time(s.frontier);
    }
    w.i64(s.ledger.in);
    for (const std::int64_t n : s.ledger.accounts) w.i64(n);
    for (const std::int64_t n : s.ledger.malformed) w.i64(n);
    put(std::string_view(&kPartitionKey, 1), bytes);
    s.dirty = false;
  }
  // Which site was touched first depends on when the last save was: the order of saving must not.
  std::sort(s.to_save.begin(), s.to_save.end(), [](const Site* a, const Site* b) { return a->info.id < b->info.id; });
  for (Site* site : s.to_save) {
    site->queued = false;
    for (const EventTime hour : site->erased) put(hour_key(site->info.id, hour), {});
    site->erased.clear();
    for (HourEntry& e : site->hours) {
      if (!e.dirty) continue;
      e.dirty = false;
      bytes.clear();
      e.write(bytes);
      put(hour_key(site->info.id, e.start), bytes);
    }
    if (!site->dirty) continue;
    site->dirty = false;
    bytes.clear();
    site->write(bytes);
    put(std::string(1, kSiteKey) + site->info.id, bytes);
  }
  s.to_save.clear();
}

bool ReadingStage::load(std::string_view key, std::string_view bytes) {
  Impl& s = *impl_;
  if (key.empty()) return false;
  if (key[0] == kPartitionKey) {
    ByteReader in(bytes);
    if (in.u8() != kStateVersion) return false;
    s.rules_hash = in.text();
    s.timeline = static_cast<Timeline>(in.u64_to(static_cast<std::uint64_t>(Timeline::Fed)));
    if (in.flag()) {
      s.now = in.time();
      s.frontier = in.time();
      if (s.frontier > s.now || hour_of(s.frontier) != s.frontier) return false;
    }
    constexpr std::int64_t kCountMax = std::int64_t{1} << 56;  // sums of them stay numbers
    s.ledger.in = in.i64_in(0, kCountMax);
    for (std::int64_t& n : s.ledger.accounts) n = in.i64_in(0, kCountMax);
    for (std::int64_t& n : s.ledger.malformed) n = in.i64_in(0, kCountMax);
    return in.done() && s.ledger.balanced();
  }
  const std::string_view rest = key.substr(1);
  const auto site_named = [&s](std::string_view id) -> Site& {
    const auto known = s.sites.find(id);
    if (known != s.sites.end()) return *known->second;
    SiteInfo info;
    info.id = id;
    return s.make(std::move(info));
  };
  if (key[0] == kSiteKey) {
    Site& site = site_named(rest);
    if (!site.read(bytes) || site.info.id != rest) return false;
    site.alarmed = !site.reading_conditions.empty();
    return true;
  }
  if (key[0] != kHourKey) return false;
  const std::size_t zero = rest.find('\0');
  if (zero == std::string_view::npos || zero + 1 == rest.size()) return false;
  std::int64_t hours = 0;
  for (const char c : rest.substr(zero + 1)) {
    if (c < '0' || c > '9' || hours > 10'000'000) return false;
    hours = hours * 10 + (c - '0');
  }
  Site& site = site_named(rest.substr(0, zero));
  HourEntry& e = site.entry(event_time(hours * kHour.count()));
  if (!e.read(bytes)) return false;
  e.dirty = false;
  site.touched = site.touched || e.touched;
  site.running = site.running || e.running;
  if (e.closed && !e.touched) e.freeze();
  return true;
}

// ---- looking in -----------------------------------------------------------------------------------------------------

EventTime ReadingStage::now() const { return impl_->now; }
Timeline ReadingStage::timeline() const { return impl_->timeline; }
const std::string& ReadingStage::rules_hash() const { return impl_->rules_hash; }
const Ledger& ReadingStage::ledger() const { return impl_->ledger; }
std::size_t ReadingStage::sites() const { return impl_->sites.size(); }

std::size_t ReadingStage::series() const {
  std::size_t n = 0;
  for (const Site* site : impl_->ordered) n += site->series.size();
  return n;
}

std::size_t ReadingStage::bytes() const {
  std::size_t n = sizeof(Impl);
  for (const Site* site : impl_->ordered) n += site->bytes() + sizeof(void*) * 4;
  return n;
}

void ReadingStage::for_each_last_hour(const std::function<void(const LastHour&)>& visit) const {
  for (const Site* site : impl_->ordered) {
    for (auto e = site->hours.rbegin(); e != site->hours.rend(); ++e) {
      if (!e->closed) continue;
      for (std::size_t c = 0; c < site->series.size(); ++c) {
        const SeriesResult r = e->result(c);
        if (r.revision == 0) continue;
        visit({site->info.id, site->info.region, site->series[c].factor, r.value.mean(), r.value.valid, e->start + kHour});
      }
      const IndexOutcome index = e->index();
      if (index.value >= 0) {
        visit({site->info.id, site->info.region, Factor::AQI, {index.value * kMillion}, true, e->start + kHour});
      }
      break;
    }
  }
}

}  // namespace qc::core
