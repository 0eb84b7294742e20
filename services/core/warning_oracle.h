// For tests of the warning machine only: the two sets of criteria (numbers as in config/standards, which core may not
// read), random regions, and a naive batch over the whole series, written apart from the machine and straight from the
// sentences of warning.h: windows of hours instead of places, counters instead of looking back, and everything
// recomputed at every hour.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "core/warning.h"

namespace qc::core::fixture {

WarningCriteria criteria_2018();
WarningCriteria criteria_2024();
RuleSet rules_of(std::vector<WarningCriteria> criteria);

// A region's hours, one after the other, and the forecasts that came right after an hour (by its place).
struct WarningWorld {
  EventTime first{};
  std::vector<IndexHour> hours;
  std::map<std::size_t, Forecast> issued;
  EventTime at(std::size_t i) const { return first + kHour * static_cast<std::int64_t>(i); }
};
// Plateaus around the thresholds, gaps of about lift_hours, missing hours, ozone and dust.
WarningWorld make_warning_world(std::uint64_t seed, std::size_t hours);

struct PlainChange {
  int level = 0;
  std::int64_t decided = 0;  // hours since 1970
  std::int64_t at = 0;
  std::int64_t began = 0;
  Basis basis = Basis::None;
  bool operator==(const PlainChange&) const = default;
};
struct PlainEpisode {
  std::string criteria;
  SignalState state = SignalState::Active;
  std::vector<PlainChange> changes;
  // Not part of the outcome.
  int peak = kNoIndex;
  std::array<int, kWarningLevels> over{};
  int ozone = 0;
  int dust = 0;
  int missing = 0;
  bool operator==(const PlainEpisode&) const = default;
  PlainEpisode outcome() const { return {criteria, state, changes, kNoIndex, {}, 0, 0, 0}; }
};
std::ostream& operator<<(std::ostream& out, const PlainEpisode& e);
PlainEpisode plain(const WarningEpisode& e);

std::vector<PlainEpisode> warning_oracle(const RuleSet& rules, WarningMachine::Mode mode, const WarningWorld& world);

}  // namespace qc::core::fixture
