// The region stage's state as keyed bytes. Keys: "P" the partition; "Q<offset>" a held mean; "S<site>" a site; its
// hours "H<site>\0<hours from the epoch to its start>"; the air of a region as a site's state, with letters of its own;
// what is of warnings in region_stage_warn_state.cc.
#include <algorithm>
#include <charconv>
#include <limits>

#include "core/bytes.h"
#include "core/region_stage_impl.h"
#include "core/site_state.h"

namespace qc::core {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr char kPartitionKey = 'P';
constexpr char kHeldKey = 'Q';
constexpr char kSiteKey = 'S';
constexpr char kHourKey = 'H';
constexpr SiteKeys kAirKeys{'A', 'B', 'C', 'D'};
constexpr Offset kOffsetMax = std::numeric_limits<Offset>::max();

std::string hour_key(std::string_view site, EventTime hour) {
  std::string key(1, kHourKey);
  key += site;
  key += '\0';
  key += std::to_string(ms(hour) / kHour.count());
  return key;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 0) return std::nullopt;
  return n;
}

EventTime read_hour(ByteReader& in) {
  const EventTime t = in.time();
  if (hour_of(t) != t) in.bad();
  return t;
}

// A key's site could not be told from its hour.
bool is_site_id(std::string_view id) {
  return !id.empty() && id.find('\0') == std::string_view::npos;
}

template <class Cell>
void write_cell(ByteWriter& out, const Cell& c) {
  out.u8(static_cast<std::uint8_t>(c.factor));
  out.u8(c.valid ? 1 : 0);
  out.i64(c.value.pg);
  out.i64(c.offset);
  out.i64(c.count);
  out.i64(c.expected);
  out.u8(c.marks.bits());
}

template <class Cell>
void read_cell(ByteReader& in, Cell& c) {
  c.factor = static_cast<Factor>(in.u64_to(kFactors - 1));
  if (c.factor == Factor::None || is_index(c.factor)) in.bad();
  c.valid = in.flag();
  c.value.pg = in.i64_in(0, kConcentrationMax);
  c.offset = in.i64_in(0, kOffsetMax);
  c.count = static_cast<std::int32_t>(in.i64_in(0, std::numeric_limits<std::int32_t>::max()));
  c.expected = static_cast<std::int32_t>(in.i64_in(0, std::numeric_limits<std::int32_t>::max()));
  c.marks = Marks(static_cast<std::uint8_t>(in.u64_to((1U << (kMarks - 1)) - 1)));
}

}  // namespace

void RegionStage::save_changed(const Put& put) {
  Impl& s = *impl_;
  std::string bytes;
  ByteWriter w(bytes);
  if (s.dirty) {
    w.u8(kVersion);
    w.text(s.rules_hash);
    for (const EventTime t : {s.now, s.frontier, s.judged_from, s.floor}) w.time_or(EventTime::min(), t);
    w.u64(s.upstreams.size());
    for (const Impl::Upstream& u : s.upstreams) {
      w.time_or(EventTime::min(), u.received);
      w.time_or(EventTime::min(), u.taken);
      w.text(u.rules);
      w.u64(u.ticks.size());
      for (const Impl::HeldTick& t : u.ticks) {
        w.time(t.time);
        w.i64(t.offset);
      }
    }
    put(std::string_view(&kPartitionKey, 1), bytes);
    s.save_warning_times(put);
    s.dirty = false;
  }
  for (const Offset offset : s.erased) put(kHeldKey + std::to_string(offset), {});
  s.erased.clear();
  for (std::size_t p = 0; p < s.upstreams.size(); ++p) {
    // Held means come at the end: those that are saved stand before those that are not.
    auto& means = s.upstreams[p].means;
    auto first = means.end();
    while (first != means.begin() && !std::prev(first)->second.saved) --first;
    for (; first != means.end(); ++first) {
      Impl::Held& held = first->second;
      held.saved = true;
      bytes.clear();
      w.u8(kVersion);
      w.u64(p);
      w.text(held.site);
      w.text(held.region);
      w.text(held.root);
      w.time(held.hour);
      write_cell(w, held.cell);
      w.text(held.reason);
      w.text(held.rules);
      put(kHeldKey + std::to_string(first->first), bytes);
    }
  }
  const auto save_hours = [&](Impl::Site& site) {
    site.hours_dirty = false;
    for (const EventTime hour : site.erased) put(hour_key(site.id, hour), {});
    site.erased.clear();
    for (Impl::Hour& hour : site.hours) {
      if (!hour.dirty) continue;
      hour.dirty = false;
      hour.saved = true;
      bytes.clear();
      w.u8(kVersion);
      w.u64(hour.cells.size());
      for (const Impl::Cell& c : hour.cells) write_cell(w, c);
      put(hour_key(site.id, hour.start), bytes);
    }
  };
  for (auto& [id, air] : s.airs) save_site(air, kAirKeys, put);
  s.save_warnings(put);
  for (auto& [id, site] : s.sites) {
    if (site.hours_dirty) save_hours(site);
    if (!site.dirty) continue;
    site.dirty = false;
    bytes.clear();
    w.u8(kVersion);
    w.u8(kTrackVersion);
    w.text(site.region);
    w.text(site.root);
    w.i64(site.next_episode);
    w.u64(site.conditions.size());
    for (const Impl::Condition& c : site.conditions) {
      w.text(c.rule);
      w.u8(static_cast<std::uint8_t>(c.kind));
      w.u8(static_cast<std::uint8_t>(c.factor));
      w.time(c.base_time);
      w.time(c.next);
      w.time(c.last_active);
      c.base.write(w);
      c.track.write(w);
    }
    put(kSiteKey + id, bytes);
  }
}

bool RegionStage::load(std::string_view key, std::string_view bytes) {
  Impl& s = *impl_;
  if (key.empty()) return false;
  const std::string_view rest = key.substr(1);
  const auto air_of = [&s](std::string_view id) -> Site& {
    Site& air = s.airs[std::string(id)];
    air.info.id = id;
    return air;
  };
  const SiteLoaded as_air = load_site(kAirKeys, key, bytes, air_of);
  if (as_air != SiteLoaded::NotASite) return as_air == SiteLoaded::Done;
  if (const auto done = s.load_warnings(key, bytes)) return *done;
  ByteReader in(bytes);
  if (in.u8() != kVersion) return false;
  if (key[0] == kPartitionKey) {
    s.rules_hash = in.text();
    for (EventTime* t : {&s.now, &s.frontier, &s.judged_from, &s.floor}) *t = in.time_or(EventTime::min());
    for (const EventTime t : {s.frontier, s.judged_from, s.floor}) {
      if (t > s.now || (t != EventTime::min() && hour_of(t) != t)) return false;
    }
    if ((s.now == EventTime::min()) != (s.frontier == EventTime::min())) return false;
    if (s.judged_from > s.frontier || s.floor > s.frontier) return false;
    // Another count of partitions is another log.
    if (!rest.empty() || in.u64() != s.upstreams.size()) return false;
    for (Impl::Upstream& u : s.upstreams) {
      u.received = in.time_or(EventTime::min());
      u.taken = in.time_or(EventTime::min());
      u.rules = in.text();
      EventTime last = u.taken;
      u.ticks.resize(in.size());
      for (Impl::HeldTick& t : u.ticks) {
        t.time = in.time();
        t.offset = in.i64_in(0, kOffsetMax);
        if (t.time <= last) in.bad();
        last = t.time;
      }
      if (last != u.received) return false;
    }
    return in.done();
  }
  if (key[0] == kHeldKey) {
    const auto offset = number(rest);
    const std::uint64_t p = in.u64();
    if (!offset || p >= s.upstreams.size()) return false;
    Impl::Held held;
    held.site = in.text();
    held.region = in.text();
    held.root = in.text();
    held.hour = read_hour(in);
    read_cell(in, held.cell);
    held.reason = in.text();
    held.rules = in.text();
    held.saved = true;
    if (!in.done() || !is_site_id(held.site) || held.rules.empty() || held.cell.offset != *offset) return false;
    return s.upstreams[p].means.emplace(*offset, std::move(held)).second;
  }
  if (key[0] == kHourKey) {
    const std::size_t zero = rest.find('\0');
    if (zero == std::string_view::npos) return false;
    const auto hours = number(rest.substr(zero + 1));
    if (!hours || *hours > 10'000'000 || !is_site_id(rest.substr(0, zero))) return false;
    std::vector<Impl::Cell> cells(in.size());
    Factor last = Factor::None;
    for (Impl::Cell& c : cells) {
      read_cell(in, c);
      if (c.factor <= last) in.bad();
      last = c.factor;
    }
    if (!in.done()) return false;
    Impl::Site& site = s.site_named(rest.substr(0, zero));
    Impl::Hour& hour = s.hour_of_site(site, event_time(*hours * kHour.count()));
    hour.cells = std::move(cells);
    hour.dirty = false;
    hour.saved = true;
    return true;
  }
  if (key[0] != kSiteKey || !is_site_id(rest)) return false;
  Impl::Site& site = s.site_named(rest);
  const std::uint8_t track_version = in.u8();
  if (track_version == 0 || track_version > kTrackVersion) return false;
  site.region = in.text();
  site.root = in.text();
  site.next_episode = in.i64_in(1, std::int64_t{1} << 56);
  site.conditions.resize(in.size());
  for (Impl::Condition& c : site.conditions) {
    c.rule = in.text();
    c.kind = static_cast<SignalKind>(in.u64_to(static_cast<std::uint64_t>(SignalKind::Spike)));
    if (c.kind != SignalKind::HourHigh && c.kind != SignalKind::Spike) in.bad();
    c.factor = static_cast<Factor>(in.u64_to(kFactors - 1));
    c.base_time = read_hour(in);
    c.next = read_hour(in);
    c.last_active = read_hour(in);
    if (c.base_time > c.next) in.bad();
    if (!in.ok() || !c.base.read(in, track_version) || !c.track.read(in, track_version)) return false;
  }
  site.dirty = false;
  return in.done();
}

bool RegionStage::renumber(const std::function<Offset(Offset)>& after,
                           const std::function<std::optional<Offset>(Offset)>& exact) {
  Impl& s = *impl_;
  for (Impl::Upstream& u : s.upstreams) {
    // Those before a tick stay before it: `after` passes over nothing that is still there.
    for (Impl::HeldTick& t : u.ticks) t.offset = after(t.offset);
    std::map<Offset, Impl::Held> means;
    for (auto& [offset, held] : u.means) {
      const auto now = exact(offset);
      if (!now) return false;
      if (held.saved) s.erased.push_back(offset);
      held.cell.offset = *now;
      held.saved = false;
      means.emplace(*now, std::move(held));
    }
    u.means = std::move(means);
  }
  s.dirty = true;
  if (s.last_tick >= 0) s.last_tick = after(s.last_tick + 1) - 1;
  for (auto& [id, air] : s.airs) renumber_site(air, after);
  const auto change_track = [&after](Track& track) {
    for (Episode& e : track.episodes()) {
      if (e.first_offset >= 0) e.first_offset = after(e.first_offset);
    }
  };
  for (auto& [id, site] : s.sites) {
    for (Impl::Hour& hour : site.hours) {
      for (Impl::Cell& c : hour.cells) c.offset = after(c.offset);
      hour.dirty = true;
    }
    site.hours_dirty = true;
    for (Impl::Condition& c : site.conditions) {
      change_track(c.track);
      change_track(c.base);
    }
    site.dirty = true;
  }
  return true;
}

}  // namespace qc::core
