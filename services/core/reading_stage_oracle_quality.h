// What the rules "no data" and "suspect" look at, naively: by looking back from every hour over the batch's final
// hours, where the core keeps counters, bits and marks. And faults of instruments for a random prefecture, whose own
// values never repeat. For tests only.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/reading_stage_oracle.h"
#include "core/reading_stage_world.h"

namespace qc::core::fixture {

// Whatever the order of arrival, the final episodes are those of the final hours: marks, equal hours and silence are
// folded again where late data change them. One restriction is needed, that of the longer windows (WindowsOracle): from
// when on a series is missed is not a property of its readings. It is missed from the hour that was open when it became
// known (Oracle::missed_since), or from an earlier one that was published all the same, with another factor's late
// reading. Both depend on the order of arrival: the one is taken from the log, the other from what was published. From
// there on every hour without a valid mean is silent, published or not.
class QualityOracle {
 public:
  using Values = std::map<EventTime, std::int64_t>;  // by the start of the hour
  using Series = std::pair<std::string, Factor>;
  QualityOracle(const Oracle& oracle, const std::set<Oracle::Key>& published);

  // Of the closed hours that have a value for a rule of the kinds NoData and Suspect.
  std::map<Series, Values> values(const SignalRule& rule) const;
  // What an episode of that rule begins above; empty: the factor is not checked.
  static std::vector<std::int64_t> levels(const RuleSet& rules, const SignalRule& rule, Factor factor);

 private:
  const NaiveHour* hour(const Series& series, EventTime start) const;  // nullptr: not closed, or nothing was measured
  int silent_for(const Series& series, EventTime start) const;
  int stuck_for(const Series& series, EventTime start) const;

  const Oracle& oracle_;
  std::map<Series, EventTime> first_;            // hour in which it is missed where it is silent
  std::map<Series, std::set<EventTime>> valid_;  // hours
};

// Lets some series stand still for hours, to the last digit, in values and in corrections, sometimes at the very edges
// of what is plausible; some of their hours of several readings have the same mean of unequal readings instead. The
// same seed breaks the same.
void break_instruments(World& world, std::uint64_t seed);

}  // namespace qc::core::fixture
