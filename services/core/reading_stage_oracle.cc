#include "core/reading_stage_oracle.h"

#include <algorithm>

namespace qc::core::fixture {
namespace {

std::optional<int> index_of(const AqiEdition& edition, Factor factor, Window column, std::int64_t pg,
                            const NaiveItems& others) {
  for (const AqiItem& item : edition.items) {
    if (item.factor != factor || item.window != column) continue;
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
    const auto other = others.find({factor, item.instead});
    if (item.above != Above::OtherWindow || other == others.end()) return std::nullopt;
    return index_of(edition, factor, item.instead, other->second, {});
  }
  return std::nullopt;
}

}  // namespace

std::int64_t round_to_even(Wide n, Wide d) {
  const Wide whole = n / d;
  const Wide twice = 2 * (n % d);
  return static_cast<std::int64_t>(twice > d || (twice == d && whole % 2 == 1) ? whole + 1 : whole);
}

NaiveIndex naive_index(const AqiEdition& edition, const NaiveItems& items, const NaiveItems& others,
                       const std::vector<Factor>& exempt) {
  NaiveIndex index;
  for (const auto& [item, pg] : items) {
    const auto sub = index_of(edition, item.first, item.second, pg, others);
    if (!sub) continue;
    const auto [its, made] = index.sub.emplace(item.first, *sub);
    if (!made) its->second = std::max(its->second, *sub);
  }
  if (index.sub.empty()) return index;
  int greatest = 0;
  for (const auto& [factor, sub] : index.sub) greatest = std::max(greatest, sub);
  bool complete = true;
  for (const Factor f : kSixPollutants) {
    if (!index.sub.contains(f) && std::find(exempt.begin(), exempt.end(), f) == exempt.end()) complete = false;
  }
  if (edition.incomplete_only_above_100 && !complete && greatest <= 100) return index;
  index.value = std::max(greatest, edition.minimum);
  for (const auto& [factor, sub] : index.sub) {
    if (index.value > 50 && sub == greatest) index.primary.push_back(factor);
  }
  return index;
}

Window hourly_column(const AqiEdition& edition, Factor factor) {
  for (const AqiItem& item : edition.items) {
    if (item.factor == factor && item.hourly) return item.window;
  }
  return Window::None;
}

const Validity* naive_validity(const RuleSet& rules, Factor factor, Window window, EventTime end) {
  return in_force(rules.validities, end, [&](const Validity& v) {
    return v.window == window && std::find(v.factors.begin(), v.factors.end(), factor) != v.factors.end();
  });
}

Oracle::Oracle(const RuleSet& rules, Timeline timeline) : rules_(rules) {
  for (const auto& [id, site] : rules.sites) {
    known_.insert(id);
    if (timeline == Timeline::Wall) name_site(id);
  }
}

void Oracle::name_site(const std::string& id) {
  const auto info = rules_.sites.find(id);
  if (info == rules_.sites.end()) return;
  for (const Factor f : info->second.factors) miss(id, f, frontier_);
}

void Oracle::miss(const std::string& site, Factor factor, EventTime hour) {
  missed_since_.emplace(std::pair(site, factor), std::max(hour, frontier_));
}

AreaClass Oracle::area(const std::string& site, EventTime end) const {
  const auto info = rules_.sites.find(site);
  if (info == rules_.sites.end()) {
    const auto registered = registered_.find(site);
    return registered == registered_.end() ? AreaClass::Class2 : registered->second;
  }
  for (const auto& [dated, area] : info->second.classes) {
    if (dated.from < end && end <= dated.until) return area;
  }
  return info->second.area_class;
}

std::vector<Factor> Oracle::exempt(const std::string& site) const {
  const auto info = rules_.sites.find(site);
  return info == rules_.sites.end() ? std::vector<Factor>() : info->second.exempt;
}

void Oracle::read(const Register& site) {
  known_.insert(site.site);
  registered_[site.site] = site.area_class;
}

void Oracle::read(const Tick& tick) {
  if (tick.now <= now_) return;
  const bool first = now_ == EventTime::min();
  const EventTime before = frontier_;
  now_ = tick.now;
  frontier_ = std::max(frontier_, hour_of(now_ - rules_.horizons.close_after));
  if (first) {  // nothing was missed before time began
    for (auto& [series, since] : missed_since_) since = std::max(since, frontier_);
  } else if (frontier_ - before > rules_.horizons.hours_kept) {
    std::erase_if(missed_since_, [&](const auto& missed) {
      const auto& [series, since] = missed;
      const auto next = slots_.lower_bound({series.first, series.second, before});
      const bool read = next != slots_.end() && std::get<std::string>(next->first) == series.first &&
                        std::get<Factor>(next->first) == series.second;
      return since >= before && read;
    });
  }
}

void Oracle::read(const ReadingBatch& batch) {
  name_site(std::string(batch.site));
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
      miss(std::string(batch.site), c.factor, hour_of(start));
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
  name_site(amend.site);  // also where it is refused
  if (!known_.contains(amend.site) || amend.interval.end > frontier_) return;
  if (now_ >= amend.interval.start + kHour + rules_.horizons.hours_kept) return;
  miss(amend.site, amend.factor, amend.interval.start);
  for (EventTime h = amend.interval.start; h < amend.interval.end; h += kHour) {
    amends_.insert_or_assign({amend.site, amend.factor, h}, amend);
  }
}

const std::map<Oracle::Key, NaiveHour>& Oracle::hours() const {
  if (!hours_) hours_ = all_hours();
  return *hours_;
}

void Oracle::read_past(const Amend& amend) {
  for (EventTime h = amend.interval.start; h < amend.interval.end; h += kHour) {
    amends_.insert_or_assign({amend.site, amend.factor, h}, amend);
  }
}

NaiveHour Oracle::measured(const Key& key) const {
  const auto all = measured_hours(&key);
  const auto at = all.find(key);
  return at == all.end() ? NaiveHour{} : at->second;
}

std::map<Oracle::Key, NaiveHour> Oracle::measured_hours(const Key* only) const {
  std::map<Key, NaiveHour> result;
  for (const auto& [key, lanes] : slots_) {
    if (only != nullptr && key != *only) continue;
    // (valid, kind or coverage, coverage or kind, grid): the greatest makes the hour.
    std::optional<std::tuple<bool, int, int, int>> best;
    NaiveHour& hour = result[key];
    const auto check = std::find_if(rules_.checks.begin(), rules_.checks.end(),
                                    [f = std::get<Factor>(key)](const QualityCheck& c) { return c.factor == f; });
    for (const auto& [lane, slots] : lanes) {
      NaiveHour h;
      Wide sum = 0;
      for (const auto& [at, v] : slots) {
        if (v.flag != Flag::Normal) continue;
        h.min = h.count == 0 ? v.pg : std::min(h.min, v.pg);
        h.max = h.count == 0 ? v.pg : std::max(h.max, v.pg);
        sum += v.pg;
        ++h.count;
        if (check == rules_.checks.end()) continue;
        const bool beyond = v.pg < check->low.pg || v.pg > check->high.pg;
        const bool clipped = v.pg >= check->clip.pg;
        h.beyond_range += beyond ? 1 : 0;
        h.clipped += clipped ? 1 : 0;
        h.suspect += beyond || clipped ? 1 : 0;
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
  return result;
}

std::map<Oracle::Key, NaiveHour> Oracle::all_hours() const {
  std::map<Key, NaiveHour> result = measured_hours();
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
  const auto& all = hours();
  std::map<std::pair<std::string, EventTime>, NaiveItems> items;
  for (const auto& [key, hour] : all) {
    const auto& [site, factor, start] = key;
    if (std::find(kSixPollutants.begin(), kSixPollutants.end(), factor) == kSixPollutants.end()) continue;
    NaiveItems& its = items[{site, start}];
    const AqiEdition& edition = *in_force(rules_.editions, start + kHour, [](const AqiEdition&) { return true; });
    const Window column = hourly_column(edition, factor);
    if (hour.valid && column != Window::None) its[{factor, column}] = hour.value;
  }
  std::map<std::pair<std::string, EventTime>, NaiveIndex> result;
  for (const auto& [key, its] : items) {
    const auto& [site, start] = key;
    const AqiEdition& edition = *in_force(rules_.editions, start + kHour, [](const AqiEdition&) { return true; });
    NaiveItems others;
    for (const AqiItem& item : edition.items) {  // the mean of 24 h, where there is one
      const auto its_own = its.find({item.factor, item.window});
      const Validity* rule = naive_validity(rules_, item.factor, Window::H24, start + kHour);
      if (item.above != Above::OtherWindow || its_own == its.end() || rule == nullptr) continue;
      if (its_own->second <= item.concentrations.back().pg) continue;
      Wide sum = 0;
      int count = 0;
      for (EventTime h = start - kHour * 23; h <= start; h += kHour) {
        const auto hour = all.find({site, item.factor, h});
        if (hour == all.end() || !hour->second.valid) continue;
        sum += hour->second.value;
        ++count;
      }
      if (count > 0 && count >= rule->at_least) others[{item.factor, Window::H24}] = round_to_even(sum, count);
    }
    result[key] = naive_index(edition, its, others, exempt(site));
  }
  return result;
}

}  // namespace qc::core::fixture
