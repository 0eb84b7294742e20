// The reading stage's state as keyed bytes, and what others may see of it.
#include <algorithm>

#include "core/reading_stage_impl.h"

namespace qc::core {
namespace {

// State keys: "P" the partition, "S<site>" a site's header; of its hours "H", its days "D" and its months "M", each
// with
// "<site>\0<hours from the epoch to its start>".
constexpr char kPartitionKey = 'P';
constexpr char kSiteKey = 'S';
constexpr char kHourKey = 'H';
constexpr char kDayKey = 'D';
constexpr char kMonthKey = 'M';

std::string time_key(char kind, std::string_view site, EventTime hour) {
  std::string key(1, kind);
  key += site;
  key += '\0';
  key += std::to_string(ms(hour) / kHour.count());
  return key;
}

}  // namespace

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
    site->cursor.marked = false;
    for (const auto& [kind, erased] : {std::pair{kHourKey, &site->erased}, std::pair{kDayKey, &site->erased_days},
                                       std::pair{kMonthKey, &site->erased_months}}) {
      for (const EventTime start : *erased) put(time_key(kind, site->info.id, start), {});
      erased->clear();
    }
    for (HourEntry& e : site->hours) {
      if (!e.dirty) continue;
      e.dirty = false;
      bytes.clear();
      e.write(bytes);
      put(time_key(kHourKey, site->info.id, e.start), bytes);
    }
    const auto save = [&](char kind, auto& parts) {
      for (auto& part : parts) {
        if (!part.dirty) continue;
        part.dirty = false;
        bytes.clear();
        part.write(bytes);
        put(time_key(kind, site->info.id, part.start), bytes);
      }
    };
    save(kDayKey, site->history.days);
    save(kMonthKey, site->history.months);
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
    if (Site* known = s.by_id.find(id)) return *known;
    SiteInfo info;
    info.id = id;
    return s.make(info);
  };
  if (key[0] == kSiteKey) {
    Site& site = site_named(rest);
    if (!site.read(bytes) || site.info.id != rest) return false;
    site.alarmed = !site.reading_conditions.empty();
    return true;
  }
  if (key[0] != kHourKey && key[0] != kDayKey && key[0] != kMonthKey) return false;
  const std::size_t zero = rest.find('\0');
  if (zero == std::string_view::npos || zero + 1 == rest.size()) return false;
  std::int64_t hours = 0;
  for (const char c : rest.substr(zero + 1)) {
    if (c < '0' || c > '9' || hours > 10'000'000) return false;
    hours = hours * 10 + (c - '0');
  }
  Site& site = site_named(rest.substr(0, zero));
  const EventTime start = event_time(hours * kHour.count());
  if (key[0] == kDayKey) {
    Day& day = site.history.make_day(start);
    day.dirty = false;
    return day_of(start) == start && day.read(bytes);
  }
  if (key[0] == kMonthKey) {
    Month& month = site.history.make_month(start);
    month.dirty = false;
    return month_of(start).start == start && month.read(bytes);
  }
  HourEntry& e = site.entry(start);
  if (!e.read(bytes)) return false;
  e.dirty = false;
  site.touched = site.touched || e.touched;
  site.running = site.running || e.running;
  if (e.closed && !e.touched) e.freeze();
  return true;
}

// ---- another log's offsets ------------------------------------------------------------------------------------------

void ReadingStage::renumber(const std::function<Offset(Offset)>& first) {
  const auto change = [&first](Offset& offset) {
    if (offset >= 0) offset = first(offset);
  };
  const auto change_track = [&change](Track& track) {
    for (Episode& e : track.episodes()) change(e.first_offset);
  };
  for (Site& site : impl_->sites) {
    for (HourEntry& e : site.hours) {
      const bool frozen = e.data == nullptr;
      HourSlots& slots = e.thaw().slots;
      if (slots.first_offset() >= 0) slots.set_first_offset(first(slots.first_offset()));
      if (frozen) e.freeze();
      e.dirty = true;
    }
    for (Day& day : site.history.days) {
      change(day.first_offset);
      day.dirty = true;
    }
    for (Period& p : site.periods) change(p.first_offset);
    for (Condition& c : site.conditions) {
      change_track(c.track);
      change_track(c.base);
    }
    for (ReadingCondition& c : site.reading_conditions) change_track(c.track);
    for (ReadingEpisode& e : site.reading_episodes) change(e.episode.first_offset);
    site.cursor = {};
    site.dirty = true;
    impl_->save_later(site);
  }
}

// ---- looking in -----------------------------------------------------------------------------------------------------

EventTime ReadingStage::now() const {
  return impl_->now;
}
Timeline ReadingStage::timeline() const {
  return impl_->timeline;
}
const std::string& ReadingStage::rules_hash() const {
  return impl_->rules_hash;
}
const Ledger& ReadingStage::ledger() const {
  return impl_->ledger;
}
std::size_t ReadingStage::sites() const {
  return impl_->sites.size();
}

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
        visit({site->info.id, site->info.region, site->series[c].factor, r.value.mean(), r.value.valid,
               e->start + kHour});
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
