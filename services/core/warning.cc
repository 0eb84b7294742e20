#include "core/warning.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/assert.h"

namespace qc::core {
namespace {

constexpr int kDay = 24;
constexpr int kNow = kWarningHoursMax;  // its place in a Series
constexpr std::size_t kSeries = 2 * kWarningHoursMax + 1;
constexpr int kAlwaysOver = kIndexMax + 1;
// Missing hours after which nothing remembers what was before them.
constexpr int kGapMax = 3 * kWarningHoursMax;

constexpr std::size_t at_level(int level) {
  return static_cast<std::size_t>(level - 1);
}

int longest(const WarningAlternative& alternative) {
  int hours = 0;
  for (const WarningCondition& c : alternative) hours = std::max(hours, c.hours);
  return hours;
}

}  // namespace

std::string_view name(Basis b) {
  constexpr std::array<std::string_view, 4> kNames = {"", "observed", "forecast", "both"};
  return kNames[static_cast<std::size_t>(b)];
}

// The indices around now, as one set of criteria sees them: place kNow is now, the later ones are forecast.
class WarningMachine::Series {
 public:
  Series(const WarningCriteria& criteria, EventTime now, const std::vector<IndexHour>& past) : c_(criteria), now_(now) {
    index_.fill(kNoIndex);
    for (std::size_t i = 0; i < past.size(); ++i) index_[kNow + 1 - past.size() + i] = seen(past[i]);
  }
  void look_ahead(const Forecast& forecast) {
    for (auto f = forecast.upper_bound(now_); f != forecast.end(); ++f) {
      const auto hours = (f->first - now_) / kHour;
      if (hours > kWarningHoursMax) break;
      index_[static_cast<std::size_t>(kNow + hours)] = seen(f->second);
      if (index_[static_cast<std::size_t>(kNow + hours)] != kNoIndex) last_ = static_cast<int>(kNow + hours);
    }
  }
  void assume_the_worst() { std::fill(index_.begin() + kNow + 1, index_.end(), kAlwaysOver); }

  const WarningCriteria& criteria() const { return c_; }
  int operator[](int place) const { return place < 0 ? kNoIndex : index_[static_cast<std::size_t>(place)]; }
  int last() const { return last_; }  // the last place that is forecast, or kNow
  EventTime time(int place) const { return now_ + kHour * (place - kNow); }
  bool below(int place, int level) const { return (*this)[place] != kNoIndex && (*this)[place] < c_.bar(level); }

  std::optional<MetCondition> met(const WarningCondition& c, int place) const {
    MetCondition m{c, {}, time(place), c_.lasting == Lasting::EveryHour ? 1 : kDay, kAlwaysOver, 0};
    const int first = place - (c.hours - kDay);
    for (int p = place; p >= first; p -= m.step) {
      if ((*this)[p] < c.least()) return std::nullopt;
      m.lowest = std::min(m.lowest, (*this)[p]);
      m.forecast += p > kNow ? 1 : 0;
    }
    m.first = time(first);
    return m;
  }
  // Empty: not met.
  std::vector<MetCondition> met(const WarningAlternative& alternative, int place) const {
    std::vector<MetCondition> all;
    const int hours = longest(alternative);
    for (const WarningCondition& c : alternative) {
      std::optional<MetCondition> found;
      for (int p = place - hours + c.hours; p <= place && !found; ++p) found = met(c, p);
      if (!found) return {};
      all.push_back(*found);
    }
    return all;
  }

 private:
  int seen(const IndexHour& h) const { return c_.leave_out(h.index, h.ozone, h.dust) ? kNoIndex : h.index; }
  const WarningCriteria& c_;
  EventTime now_;
  int last_ = kNow;
  std::array<int, kSeries> index_{};
};

// The highest level that is met, and where: at the earliest hour from now on.
struct WarningMachine::Met {
  int level = 0;
  int place = 0;
  int hours = 0;
  std::vector<MetCondition> conditions;

  explicit Met(const Series& series) {
    for (level = kWarningLevels; level > 0; --level) {
      for (place = kNow; place <= series.last(); ++place) {
        for (const WarningAlternative& a : series.criteria().levels[at_level(level)]) {
          conditions = series.met(a, place);
          if (conditions.empty()) continue;
          hours = longest(a);
          return;
        }
      }
    }
  }
  // Some of the hours that decide are past: it is no other episode that only the forecast knows.
  bool touches_now() const {
    return std::any_of(conditions.begin(), conditions.end(), [](const MetCondition& m) {
      return m.forecast < static_cast<int>((m.last - m.first) / kHour) / m.step + 1;
    });
  }
  LevelChange change(const Series& series) const {
    LevelChange c{level, series.time(kNow), series.time(place), series.time(place - hours), Basis::None, conditions,
                  {}};
    int forecast = 0;
    int all = 0;
    for (const MetCondition& m : conditions) {
      forecast += m.forecast;
      all += static_cast<int>((m.last - m.first) / kHour) / m.step + 1;
    }
    c.basis = forecast == 0 ? Basis::Observed : forecast == all ? Basis::Forecasted : Basis::Both;
    return c;
  }
};

bool WarningEpisode::same_outcome(const WarningEpisode& o) const {
  const auto same = [](const LevelChange& a, const LevelChange& b) {
    return a.level == b.level && a.decided == b.decided && a.at == b.at && a.began == b.began && a.basis == b.basis;
  };
  return state == o.state && criteria == o.criteria && began == o.began &&
         std::equal(changes.begin(), changes.end(), o.changes.begin(), o.changes.end(), same);
}

const WarningCriteria* WarningMachine::criteria(const RuleSet& rules) const {
  if (open()) return &criteria_;
  return now_ == EventTime::min() ? nullptr : rules.warning(now_ - Duration(1));
}

bool WarningMachine::step(const RuleSet& rules, EventTime at, const IndexHour& observed, const Forecast& forecast) {
  QC_ASSERT(now_ == EventTime::min() || now_ < at);
  bool changed = false;
  for (int n = 0; now_ != EventTime::min() && now_ + kHour < at && n < kGapMax; ++n) {
    changed = step_one(rules, now_ + kHour, {}, forecast) || changed;
  }
  if (now_ != EventTime::min() && now_ + kHour < at) past_.clear();
  return step_one(rules, at, observed, forecast) || changed;
}

bool WarningMachine::step_one(const RuleSet& rules, EventTime at, const IndexHour& observed, const Forecast& forecast) {
  now_ = at;
  if (past_.size() > static_cast<std::size_t>(kWarningHoursMax)) past_.erase(past_.begin());
  past_.push_back(observed);
  if (open()) count(observed, at);
  return judge(rules, forecast);
}

bool WarningMachine::judge(const RuleSet& rules, const Forecast& forecast) {
  const WarningCriteria* in_force = criteria(rules);
  if (in_force == nullptr) return false;
  const bool was_open = open();
  bool changed = judge_with(*in_force, forecast);
  // What ended made room for another one, by the criteria that are in force now.
  if (was_open && !open()) {
    in_force = criteria(rules);
    if (in_force != nullptr) changed = judge_with(*in_force, forecast) || changed;
  }
  return changed;
}

bool WarningMachine::judge_with(const WarningCriteria& criteria, const Forecast& forecast) {
  Series series(criteria, now_, past_);
  if (mode_ == Mode::Live) series.look_ahead(forecast);
  const Met met(series);
  if (!open()) {
    if (met.level > 0) begin(criteria, series, met);
    return met.level > 0;
  }
  const int before = level();
  if (mode_ == Mode::Observed) {
    int silent = 0;
    while (silent < criteria.stale_hours && series[kNow - silent] == kNoIndex) ++silent;
    if (silent == criteria.stale_hours) {
      end_stale(series);
      return true;
    }
  }
  const int standing = stands(series);
  const bool is_another = standing == 0 && met.level > 0 && in_progress() && !met.touches_now();
  const int after = is_another ? 0 : std::max(met.level, standing);
  if (after > before) rise(series, met);
  if (after < before) fall(series, after);
  return after != before;
}

// Hours in a row, up to now, that are below the level; of those after its last rise.
int WarningMachine::run_below(const Series& series, int level) const {
  int place = kNow;
  while (place >= 0 && series.time(place) > risen_ && series.below(place, level)) --place;
  return kNow - place;
}

bool WarningMachine::has_ended(const Series& series, int level) const {
  const int hours = series.criteria().lift_hours;
  if (mode_ == Mode::Observed) return run_below(series, level) >= hours;
  for (int place = kNow; place <= kNow + hours; ++place) {
    if (!series.below(place, level)) return false;
  }
  return true;
}

// The highest level that has not ended. Bars rise with the levels, so what is below one is below those above it.
int WarningMachine::stands(const Series& series) const {
  int standing = level();
  while (standing > 0 && has_ended(series, standing)) --standing;
  return series.criteria().downgrade == Downgrade::BelowYellow && standing > 0 ? level() : standing;
}

bool WarningMachine::in_progress() const {
  return episodes_.back().hours_over.front() > 0;
}

void WarningMachine::begin(const WarningCriteria& criteria, const Series& series, const Met& met) {
  criteria_ = WarningCriteria(criteria);
  WarningEpisode e;
  e.criteria = criteria.id;
  e.clause = criteria.clause;
  LevelChange change = met.change(series);
  e.began = change.began;
  EventTime first = now_;
  for (const MetCondition& m : change.conditions) first = std::min(first, m.first);
  episodes_.push_back(std::move(e));
  risen_ = now_;
  add(std::move(change));
  for (std::size_t i = 0; i < past_.size(); ++i) {
    const EventTime at = now_ - kHour * static_cast<std::int64_t>(past_.size() - 1 - i);
    if (at >= first) count(past_[i], at);
  }
}

void WarningMachine::rise(const Series& series, const Met& met) {
  risen_ = now_;
  add(met.change(series));
}

void WarningMachine::fall(const Series& series, int level) {
  LevelChange c;
  c.level = level;
  c.decided = now_;
  const int hours = mode_ == Mode::Live ? 1 : run_below(series, level + 1);
  c.at = c.began = series.time(kNow - hours + 1);
  c.basis = mode_ == Mode::Live ? Basis::Both : Basis::Observed;
  if (level == 0) episodes_.back().state = SignalState::Cleared;
  add(std::move(c));
}

void WarningMachine::end_stale(const Series& series) {
  LevelChange c;
  c.decided = now_;
  c.at = c.began = series.time(kNow - series.criteria().stale_hours + 1);
  c.basis = Basis::Observed;
  episodes_.back().state = SignalState::EndedNoData;
  add(std::move(c));
}

void WarningMachine::add(LevelChange change) {
  WarningEpisode& e = episodes_.back();
  e.level_max = std::max(e.level_max, change.level);
  if (e.changes.size() == kWarningChangesMax) e.changes.erase(e.changes.begin() + 1);
  e.changes.push_back(std::move(change));
  if (!e.open()) return;
  e.changes.back().next = distance_of(criteria_);
}

void WarningMachine::count(const IndexHour& hour, EventTime at) {
  WarningEpisode& e = episodes_.back();
  if (criteria_.leave_out(hour.index, hour.ozone, hour.dust)) {
    ++(hour.dust && criteria_.without_dust ? e.hours_dust : e.hours_ozone);
  } else if (hour.index == kNoIndex) {
    ++e.hours_missing;
  } else {
    for (int l = 1; l <= kWarningLevels; ++l) e.hours_over[at_level(l)] += hour.index >= criteria_.bar(l) ? 1 : 0;
    if (hour.index <= e.peak) return;
    e.peak = hour.index;
    e.peak_at = at;
  }
}

Distance WarningMachine::distance(const RuleSet& rules) const {
  const WarningCriteria* c = criteria(rules);
  return c == nullptr ? Distance{} : distance_of(*c);
}

Distance WarningMachine::distance_of(const WarningCriteria& criteria) const {
  Distance best{level() + 1, kIndexMax + 1, 0};
  if (best.level > kWarningLevels) return {};
  Series series(criteria, now_, past_);
  series.assume_the_worst();
  for (const WarningAlternative& a : criteria.levels[at_level(best.level)]) {
    int points = 0;
    for (const WarningCondition& c : a) points = std::max(points, c.least() - std::max(series[kNow], 0));
    for (int d = 0; d <= longest(a); ++d) {
      if (series.met(a, kNow + d).empty()) continue;
      if (std::tie(points, d) < std::tie(best.points, best.hours)) best = {best.level, points, d};
      break;
    }
  }
  return best;
}

void WarningMachine::forget(EventTime until) {
  std::erase_if(episodes_, [until](const WarningEpisode& e) { return !e.open() && e.changes.back().decided <= until; });
}

}  // namespace qc::core
