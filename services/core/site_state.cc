#include "core/site_state.h"

namespace qc::core {
namespace {

std::string time_key(char kind, std::string_view site, EventTime start) {
  std::string key(1, kind);
  key += site;
  key += '\0';
  key += std::to_string(ms(start) / kHour.count());
  return key;
}

}  // namespace

void save_site(Site& site, const SiteKeys& keys, const PutState& put) {
  const std::string& id = site.info.id;
  const auto erase = [&](char kind, std::vector<EventTime>& erased) {
    for (const EventTime start : erased) put(time_key(kind, id, start), {});
    erased.clear();
  };
  erase(keys.hour, site.erased);
  erase(keys.day, site.erased_days);
  erase(keys.month, site.erased_months);
  std::string bytes;
  const auto save = [&](char kind, auto& parts) {
    for (auto& part : parts) {
      if (!part.dirty) continue;
      part.dirty = false;
      bytes.clear();
      part.write(bytes);
      put(time_key(kind, id, part.start), bytes);
    }
  };
  save(keys.hour, site.hours);
  save(keys.day, site.history.days);
  save(keys.month, site.history.months);
  if (!site.dirty) return;
  site.dirty = false;
  bytes.clear();
  site.write(bytes);
  put(std::string(1, keys.header) + id, bytes);
}

SiteLoaded load_site(const SiteKeys& keys, std::string_view key, std::string_view bytes,
                     const std::function<Site&(std::string_view id)>& named) {
  if (key.empty()) return SiteLoaded::NotASite;
  const char kind = key[0];
  const std::string_view rest = key.substr(1);
  const auto loaded = [](bool good) { return good ? SiteLoaded::Done : SiteLoaded::Bad; };
  if (kind == keys.header) {
    Site& site = named(rest);
    if (!site.read(bytes) || site.info.id != rest) return SiteLoaded::Bad;
    site.alarmed = !site.reading_conditions.empty();
    return SiteLoaded::Done;
  }
  if (kind != keys.hour && kind != keys.day && kind != keys.month) return SiteLoaded::NotASite;
  const std::size_t zero = rest.find('\0');
  if (zero == std::string_view::npos || zero + 1 == rest.size()) return SiteLoaded::Bad;
  std::int64_t hours = 0;
  for (const char c : rest.substr(zero + 1)) {
    if (c < '0' || c > '9' || hours > 10'000'000) return SiteLoaded::Bad;
    hours = hours * 10 + (c - '0');
  }
  Site& site = named(rest.substr(0, zero));
  const EventTime start = event_time(hours * kHour.count());
  if (kind == keys.day) {
    Day& day = site.history.make_day(start);
    day.dirty = false;
    return loaded(day_of(start) == start && day.read(bytes));
  }
  if (kind == keys.month) {
    Month& month = site.history.make_month(start);
    month.dirty = false;
    return loaded(month_of(start).start == start && month.read(bytes));
  }
  HourEntry& e = site.entry(start);
  if (!e.read(bytes)) return SiteLoaded::Bad;
  e.dirty = false;
  site.touched = site.touched || e.touched;
  site.running = site.running || e.running;
  if (e.closed && !e.touched) e.freeze();
  return SiteLoaded::Done;
}

void renumber_site(Site& site, const std::function<Offset(Offset)>& to) {
  const auto change = [&to](Offset& offset) {
    if (offset >= 0) offset = to(offset);
  };
  const auto change_track = [&change](Track& track) {
    for (Episode& e : track.episodes()) change(e.first_offset);
  };
  for (HourEntry& e : site.hours) {
    const bool frozen = e.data == nullptr;
    HourSlots& slots = e.thaw().slots;
    if (slots.first_offset() >= 0) slots.set_first_offset(to(slots.first_offset()));
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
}

}  // namespace qc::core
