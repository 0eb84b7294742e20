#include "core/rules.h"

#include <algorithm>
#include <limits>

namespace qc::core {
namespace {

std::size_t place(Factor factor, Window window) {
  return index(factor) * kWindows + static_cast<std::size_t>(window);
}

// The first of those listed that holds at the instant.
template <class T>
const T* holding(const std::vector<T>& all, const std::vector<std::uint16_t>& listed, EventTime instant) {
  for (const std::uint16_t i : listed) {
    if (all[i].dated.holds(instant)) return &all[i];
  }
  return nullptr;
}

template <class T>
const T* holding(const std::vector<T>& all, EventTime instant) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& t) { return t.dated.holds(instant); });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

void RuleSet::prepare() {
  for (auto& list : limits_of_) list.clear();
  for (auto& list : validities_of_) list.clear();
  check_of_.fill(-1);
  for (std::size_t i = 0; i < limits.size(); ++i) {
    limits_of_[place(limits[i].factor, limits[i].window)].push_back(static_cast<std::uint16_t>(i));
  }
  for (std::size_t i = 0; i < validities.size(); ++i) {
    for (const Factor f : validities[i].factors) {
      validities_of_[place(f, validities[i].window)].push_back(static_cast<std::uint16_t>(i));
    }
  }
  for (std::size_t i = 0; i < checks.size(); ++i) check_of_[index(checks[i].factor)] = static_cast<std::int16_t>(i);
}

const Limit* RuleSet::limit(Factor factor, Window window, EventTime last_instant) const {
  return holding(limits, limits_of_[place(factor, window)], last_instant);
}

const AqiEdition* RuleSet::edition(EventTime last_instant) const {
  return holding(editions, last_instant);
}

const Validity* RuleSet::validity(Factor factor, Window window, EventTime last_instant) const {
  return holding(validities, validities_of_[place(factor, window)], last_instant);
}

int RuleSet::percentile(Factor factor, EventTime last_instant) const {
  for (const Percentile& p : percentiles) {
    if (p.factor == factor && p.dated.holds(last_instant)) return p.percent;
  }
  return 0;
}

const Composite* RuleSet::composite(EventTime last_instant) const {
  return holding(composites, last_instant);
}

const EmergencyDuty* RuleSet::emergency_duty(EmergencyLevel level, EventTime instant) const {
  for (const EmergencyDuty& d : emergency_duties) {
    if (d.level == level && d.dated.holds(instant)) return &d;
  }
  return nullptr;
}

const WarningCriteria* RuleSet::warning(EventTime last_instant) const {
  return holding(warnings, last_instant);
}

int WarningCriteria::bar(int level) const {
  int lowest = std::numeric_limits<int>::max();
  for (const WarningAlternative& alternative : levels[static_cast<std::size_t>(level - 1)]) {
    int highest = 0;
    for (const WarningCondition& c : alternative) highest = std::max(highest, c.least());
    lowest = std::min(lowest, highest);
  }
  return lowest;
}

const QualityCheck* RuleSet::check(Factor factor) const {
  const std::int16_t i = check_of_[index(factor)];
  return i < 0 || checks.empty() ? nullptr : &checks[static_cast<std::size_t>(i)];
}

std::vector<const Region*> RuleSet::parts(const Region& region) const {
  std::vector<const Region*> found;
  for (const std::string& id : region.members) {
    if (const auto member = regions.find(id); member != regions.end()) found.push_back(&member->second);
  }
  if (!region.members.empty()) return found;
  for (const auto& [id, below] : regions) {
    if (below.parent == region.id && below.members.empty()) found.push_back(&below);
  }
  return found;
}

}  // namespace qc::core
