#include "core/rules.h"

#include <algorithm>

namespace qc::core {

const Limit* RuleSet::limit(Factor factor, Window window, EventTime last_instant) const {
  const auto found = std::find_if(limits.begin(), limits.end(), [&](const Limit& l) {
    return l.factor == factor && l.window == window && l.dated.holds(last_instant);
  });
  return found == limits.end() ? nullptr : &*found;
}

const AqiEdition* RuleSet::edition(EventTime last_instant) const {
  const auto found =
      std::find_if(editions.begin(), editions.end(), [&](const AqiEdition& e) { return e.dated.holds(last_instant); });
  return found == editions.end() ? nullptr : &*found;
}

}  // namespace qc::core
