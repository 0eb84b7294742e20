// What a tick does: hours close, corrected hours are published again, running values are shown.
#include <algorithm>
#include <span>

#include "core/reading_stage_impl.h"

namespace qc::core {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

}  // namespace

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
  const bool running =
      h.running_every.count() > 0 && (first || floor_to(now, h.running_every) > floor_to(before, h.running_every));
  // In a fed log readings come at whole seconds: a tick between two is there to publish corrections (`amend`), and
  // whoever compares sites downstream is to hear of them now, because no further tick may come.
  const bool for_corrections = timeline == Timeline::Fed && floor_to(now, std::chrono::seconds(1)) != now;
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
    if (out.drain && out.means.size() >= out.drain_at) out.drain(out);
  }
  frontier = closed_to > frontier ? closed_to : frontier;
  out.tick = out.tick || minute || for_corrections;
}

void ReadingStage::Impl::publish_touched(Site& site, Judge& judge, Offset offset, Outputs& out, const PastAmend* past) {
  site.touched = false;
  site.cursor = {};
  std::vector<Judge::AmendedHour> amended;
  std::vector<Day> before = site.history.days;
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
  if (!amended.empty()) {
    Windows windows(*rules, now, offset, out);
    windows.hours_amended(site, std::move(before), amended);
    windows.close_until(site, frontier, judge);
    windows.publish_dependent_indices(site, amended);
    if (past != nullptr) judge.past_amended(site, *past);
    judge.hours_amended(site, amended);
    // A record that brings the past along was written by what stood before this tick. Hours near the horizon may have
    // left it since; others are still held with all that they are part of.
    if (amended.front().hour < now - rules->horizons.hours_kept + kPastAgeMax) {
      site.past_changed = std::max(site.past_changed, now - Duration(1));
      site.dirty = true;
    }
  }
  save_later(site);
}

void ReadingStage::Impl::close_hours(Site& site, EventTime from, EventTime to, Judge& judge, Offset offset,
                                     Outputs& out) {
  // A jump of time costs one step a series, not one an hour: of silent hours only the last is published, and only as
  // long as a condition is open are they judged.
  site.cursor = {};
  const bool jump = to - from > rules->horizons.hours_kept;
  Windows windows(*rules, now, offset, out);
  for (EventTime hour = from; hour < to; hour += kHour) {
    if (jump && judge.quiet(site, hour)) {
      const auto held = std::lower_bound(site.hours.begin(), site.hours.end(), hour,
                                         [](const HourEntry& e, EventTime t) { return e.start < t; });
      hour = held == site.hours.end() ? to - kHour : std::min(held->start, to - kHour);
    }
    HourEntry* e = site.find(hour);
    if (e == nullptr && (!jump || hour == to - kHour)) {
      const bool awake = std::any_of(site.series.begin(), site.series.end(),
                                     [&](const Series& s) { return hour < s.last_hour + rules->horizons.hours_kept; });
      if (awake) e = &site.entry(hour);
    }
    windows.close_until(site, hour, judge);
    if (e != nullptr) {
      publish(site, *e, Status::Closed, offset, out);
      windows.hour_closed(site, hour);
    }
    judge.hour_closed(site, hour);
    if (e != nullptr) e->freeze();
  }
  windows.close_until(site, to, judge);
  save_later(site);
}

void ReadingStage::Impl::settle(Site& site, Judge& judge) {
  const Horizons& h = rules->horizons;
  site.cursor = {};
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
  Windows::settle(site, now, h);
  if (gone > 0 && site.hours.capacity() > 2 * site.hours.size() + 8) site.hours.shrink_to_fit();
}

void ReadingStage::Impl::publish_running(Site& site, EventTime open_from, Offset offset, Outputs& out) {
  site.running = false;
  site.cursor.marked = false;
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

bool ReadingStage::Impl::publish(Site& site, HourEntry& e, Status status, Offset offset, Outputs& out) {
  const bool closes = status != Status::Running && !e.closed;
  HourData& data = e.thaw();
  const std::size_t columns = site.series.size();
  if (data.results.size() < columns) data.results.resize(columns);
  std::array<int, kFactors> steps_s{};
  std::array<HourValue, kFactors> values;
  for (std::size_t c = 0; c < columns; ++c) steps_s[c] = site.series[c].step_s;
  data.slots.values(rules->horizons.valid_minutes * 60, std::span(steps_s).first(columns),
                    std::span(values).first(columns));
  Windows windows(*rules, now, offset, out);
  bool changed = false;
  for (const BroughtValue& b : data.brought) values[b.column] = b.value;
  const auto corrected = [&data](std::size_t c) {
    return data.brought.empty() ||
           std::any_of(data.brought.begin(), data.brought.end(), [c](const BroughtValue& b) { return b.column == c; });
  };
  const std::size_t first_mean = out.means.size();
  for (std::size_t c = 0; c < columns; ++c) {
    if (!corrected(c)) continue;
    const Series& series = site.series[c];
    SeriesResult& result = data.results[c];
    HourValue& v = values[c];
    if (status == Status::Running) {
      if (v.sums.count == 0) continue;
      v.valid = valid_so_far(v, e.start);
    }
    const bool silent = v.sums.count == 0 && v.source == Source::None;
    // A dormant series, or one that was not known when the hour closed, has nothing to say.
    if (silent && result.revision == 0 && (!closes || e.start >= series.last_hour + rules->horizons.hours_kept))
      continue;
    if (!closes && result.revision > 0 && v == result.value) continue;
    result.value = v;
    ++result.revision;
    changed = true;
    windows.add_hour(site, e, c, status);
  }
  if (status != Status::Running) {
    Windows::note_hour(site, e);
    // Now that the hours before it and the factors beside it are known.
    for (std::size_t i = first_mean; i < out.means.size(); ++i) {
      const std::size_t c = site.column[index(out.means[i].factor)];
      out.means[i].marks = hour_marks(*rules, site, c, e.start, data.results[c].value);
    }
  }
  if (windows.publish_hour_index(site, e, status)) changed = true;
  if (status != Status::Running) {
    e.closed = true;
    e.running = false;
  }
  e.dirty = true;
  return changed;
}

}  // namespace qc::core
