#include "core/reading_stage_oracle.h"

#include <algorithm>

namespace qc::core::fixture {
namespace {

__extension__ using Wide = __int128;

// Half to even, for what is not negative.
std::int64_t round_to_even(Wide n, Wide d) {
  const Wide whole = n / d;
  const Wide twice = 2 * (n % d);
  return static_cast<std::int64_t>(twice > d || (twice == d && whole % 2 == 1) ? whole + 1 : whole);
}

std::optional<int> index_of(const AqiEdition& edition, Factor factor, std::int64_t pg) {
  for (const AqiItem& item : edition.items) {
    if (item.factor != factor || !item.hourly) continue;
    if (edition.round_input) {
      const std::int64_t unit = factor == Factor::CO ? 100 * kMillion : kMillion;  // 0.1 mg/m3, 1 ug/m3
      pg = round_to_even(pg, unit) * unit;
    }
    for (std::size_t i = 1; i < item.concentrations.size(); ++i) {
      const std::int64_t low = item.concentrations[i - 1].pg;
      const std::int64_t high = item.concentrations[i].pg;
      if (pg > high) continue;
      const Wide rise = static_cast<Wide>(edition.iaqi[i] - edition.iaqi[i - 1]) * (pg - low);
      const Wide width = high - low;
      return edition.iaqi[i - 1] + static_cast<int>(rise / width) + (rise % width != 0 ? 1 : 0);
    }
    if (item.above == Above::Cap) return edition.iaqi[item.concentrations.size() - 1];
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Oracle::Oracle(const RuleSet& rules) : rules_(rules) {
  for (const auto& [id, site] : rules.sites) known_.insert(id);
}

void Oracle::read(const Tick& tick) {
  if (tick.now <= now_) return;
  now_ = tick.now;
  frontier_ = std::max(frontier_, hour_of(now_ - rules_.horizons.close_after));
}

void Oracle::read(const ReadingBatch& batch) {
  for (const Column& c : batch.columns) {
    for (std::uint32_t i = 0; i < c.count; ++i) {
      const Flag flag = batch.flags[c.first + i];
      if (flag == Flag::Missing) continue;
      const auto count = [this](Account a) { ++accounts_[static_cast<std::size_t>(a)]; };
      if (!known_.contains(std::string(batch.site))) {
        count(Account::Unknown);
        continue;
      }
      const EventTime start = batch.start + batch.step * i;
      const EventTime end = batch.source == Source::Realtime ? start : start + batch.step;
      if (ms(end) > ms(batch.received + rules_.horizons.ahead_max)) {
        count(Account::Malformed);
        continue;
      }
      const bool whole = batch.source != Source::Realtime && batch.step == kHour;
      const Duration kept = whole ? rules_.horizons.hours_kept : rules_.horizons.slots_kept;
      if (now_ >= hour_of(start) + kHour + kept) {
        count(Account::Late);
        continue;
      }
      if (flag == Flag::Normal) {
        ++measured_;
      } else {
        count(Account::Flagged);
      }
      const Value value{batch.stamp_ms, batch.values[c.first + i].pg, flag};
      auto& lane = slots_[{std::string(batch.site), c.factor, hour_of(start)}]
                         [{batch.source, static_cast<int>(batch.step / std::chrono::seconds(1))}];
      const auto [slot, made] = lane.emplace(floor_to(start, batch.step), value);
      if (!made) slot->second = std::max(slot->second, value);
    }
  }
}

void Oracle::read(const Amend& amend) {
  if (!known_.contains(amend.site) || amend.interval.end > frontier_) return;
  if (now_ >= amend.interval.start + kHour + rules_.horizons.hours_kept) return;
  for (EventTime h = amend.interval.start; h < amend.interval.end; h += kHour) {
    amends_.insert_or_assign({amend.site, amend.factor, h}, amend);
  }
}

std::map<Oracle::Key, NaiveHour> Oracle::hours() const {
  std::map<Key, NaiveHour> result;
  for (const auto& [key, lanes] : slots_) {
    // (valid, kind or coverage, coverage or kind, grid): the greatest makes the hour.
    std::optional<std::tuple<bool, int, int, int>> best;
    NaiveHour& hour = result[key];
    for (const auto& [lane, slots] : lanes) {
      NaiveHour h;
      Wide sum = 0;
      for (const auto& [at, v] : slots) {
        if (v.flag != Flag::Normal) continue;
        h.min = h.count == 0 ? v.pg : std::min(h.min, v.pg);
        h.max = h.count == 0 ? v.pg : std::max(h.max, v.pg);
        sum += v.pg;
        ++h.count;
      }
      if (h.count == 0) continue;
      h.sum = static_cast<std::int64_t>(sum);
      h.value = round_to_even(sum, h.count);
      h.source = lane.first;
      h.expected = 3600 / lane.second;
      const int covered = h.count * lane.second;
      h.valid = covered >= rules_.horizons.valid_minutes * 60;
      const int kind = static_cast<int>(lane.first);
      const auto rank =
          h.valid ? std::tuple(true, kind, covered, h.expected) : std::tuple(false, covered, kind, h.expected);
      if (best && rank <= *best) continue;
      best = rank;
      hour = h;
    }
  }
  for (const auto& [key, amend] : amends_) {
    if (amend.action == Amend::Action::Restore) {
      result.try_emplace(key);
      continue;
    }
    NaiveHour h{.amended = true, .audited = amend.audited, .expected = 1, .source = Source::Amended};
    if (amend.action == Amend::Action::Replace) {
      h.valid = true;
      h.count = 1;
      h.value = h.sum = h.min = h.max = amend.value.pg;
    }
    result[key] = h;
  }
  return result;
}

std::map<std::pair<std::string, EventTime>, NaiveIndex> Oracle::indices() const {
  std::map<std::pair<std::string, EventTime>, NaiveIndex> result;
  for (const auto& [key, hour] : hours()) {
    const auto& [site, factor, start] = key;
    if (std::find(kSixPollutants.begin(), kSixPollutants.end(), factor) == kSixPollutants.end()) continue;
    NaiveIndex& index = result[{site, start}];
    if (!hour.valid) continue;
    const auto sub = index_of(*rules_.edition(start + kHour - Duration(1)), factor, hour.value);
    if (sub) index.sub[factor] = *sub;
  }
  for (auto& [key, index] : result) {
    const AqiEdition& edition = *rules_.edition(key.second + kHour - Duration(1));
    if (index.sub.empty()) continue;
    int greatest = 0;
    for (const auto& [factor, sub] : index.sub) greatest = std::max(greatest, sub);
    bool complete = true;
    for (const Factor f : kSixPollutants) {
      const auto site = rules_.sites.find(key.first);
      const bool exempt =
          site != rules_.sites.end() && std::count(site->second.exempt.begin(), site->second.exempt.end(), f) > 0;
      if (!index.sub.contains(f) && !exempt) complete = false;
    }
    if (edition.incomplete_only_above_100 && !complete && greatest <= 100) continue;
    index.value = std::max(greatest, edition.minimum);
    for (const auto& [factor, sub] : index.sub) {
      if (index.value > 50 && sub == greatest) index.primary.push_back(factor);
    }
  }
  return result;
}

std::vector<NaiveEpisode> Oracle::fold(const SignalRule& rule, const std::string& site, Factor factor,
                                       const std::map<EventTime, std::int64_t>& values) const {
  std::vector<NaiveEpisode> made;
  if (values.empty()) return made;
  const EventTime first = values.begin()->first;
  const auto info = rules_.sites.find(site);
  const AreaClass area = info == rules_.sites.end() ? AreaClass::Class2 : info->second.area_class;
  std::vector<std::int64_t> on;
  std::string clause;
  int level = 0;
  EventTime changed = first - kHour;  // the hour of the last change: what recovers began after it
  EventTime ended = first - kHour;    // the hour of the last end: what is pending began after it
  const auto off = [&](int l) {
    return on[static_cast<std::size_t>(l - 1)] - on[static_cast<std::size_t>(l - 1)] * rule.dead_band_percent / 100;
  };
  // How long `holds` has been true of all values up to `hour`: back to `after`, a value for which it isn't, or a
  // silence.
  const auto lasted = [&](EventTime hour, EventTime after, const auto& holds) {
    EventTime since = hour;
    for (EventTime h = hour; h > after; h -= kHour) {
      const auto v = values.find(h);
      if (v == values.end()) continue;
      if (!holds(v->second) || since - h - kHour >= rule.no_data) break;
      since = h;
    }
    return hour - since;
  };
  EventTime last_valid = first;
  for (EventTime hour = first; hour < frontier_; hour += kHour) {
    const EventTime at = hour + kHour;
    const auto change = [&](SignalState state, int to) {
      NaiveEpisode& e = made.back();
      e.at = at;
      e.state = state;
      changed = hour;
      if (state == SignalState::Active || state == SignalState::Stale) {
        e.level = level = to;
        e.limit = on[static_cast<std::size_t>(to - 1)];
      } else {
        level = 0;
        ended = hour;
      }
    };
    if (level == 0) {
      on.clear();
      clause = rule.clause;
      if (rule.kind == SignalKind::AqiLevel) {
        for (const Concentration c : rule.on) on.push_back(c.pg);
      } else if (const Limit* limit = rules_.limit(factor, Window::H1, at - Duration(1))) {
        on.push_back(limit->for_class(area).pg);
        clause = limit->clause;
      }
    }
    const auto value = values.find(hour);
    if (value == values.end()) {
      if (level == 0) continue;
      if (hour - last_valid >= rule.stale_max) {
        change(SignalState::EndedNoData, 0);
      } else if (made.back().state == SignalState::Active && hour - last_valid >= rule.no_data) {
        change(SignalState::Stale, level);
      }
      continue;
    }
    last_valid = hour;
    const std::int64_t v = value->second;
    int held = 0;
    for (int l = 1; l <= static_cast<int>(on.size()); ++l) {
      const std::int64_t limit = on[static_cast<std::size_t>(l - 1)];
      if (v > limit && lasted(hour, ended, [&](std::int64_t x) { return x > limit; }) >= rule.hold_on) held = l;
    }
    if (held > level) {
      if (level == 0) made.push_back({rule.id, site, factor, at, at, SignalState::Active, held, 0, clause});
      change(SignalState::Active, held);
      continue;
    }
    if (level == 0) continue;
    const bool stale = made.back().state == SignalState::Stale;
    if (v <= off(level) && lasted(hour, changed, [&](std::int64_t x) { return x <= off(level); }) >= rule.hold_off) {
      int lower = level - 1;
      while (lower > 0 && v <= off(lower)) --lower;
      change(lower == 0 ? SignalState::Cleared : SignalState::Active, lower);
    } else if (stale) {
      const EventTime before = changed;
      change(SignalState::Active, level);
      // The return itself is no new level: what is recovering counts from this value.
      if (v <= off(level)) changed = std::max(before, hour - kHour);
    }
  }
  return made;
}

std::vector<NaiveEpisode> Oracle::episodes() const {
  std::vector<NaiveEpisode> result;
  std::map<std::pair<std::string, Factor>, std::map<EventTime, std::int64_t>> values;
  for (const auto& [key, hour] : hours()) {
    if (hour.valid) values[{std::get<0>(key), std::get<1>(key)}][std::get<2>(key)] = hour.value;
  }
  for (const auto& [key, index] : indices()) {
    if (index.value >= 0) values[{key.first, Factor::AQI}][key.second] = index.value * kMillion;
  }
  for (const SignalRule& rule : rules_.signals) {
    for (const auto& [series, its] : values) {
      const bool index = series.second == Factor::AQI;
      if (rule.kind == SignalKind::ReadingOverLimit || index != (rule.kind == SignalKind::AqiLevel)) continue;
      const auto made = fold(rule, series.first, series.second, its);
      result.insert(result.end(), made.begin(), made.end());
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace qc::core::fixture
