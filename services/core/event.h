// What is said from outside about a region, as a record of `events`: what a centre forecasts, and an order from above
// (调度令). Values; `wire` decodes and checks them, the region stage takes them (region_stage.h).
#pragma once

#include <string>
#include <variant>

#include "core/time.h"
#include "core/warning.h"

namespace qc::core {

// A later issue takes the place of an earlier one of the same region, whichever centre it is of.
struct ForecastIssue {
  EventTime issued{};
  Forecast hours;  // by their end, whole hours: the AQI of the 24 h that end then. Empty: the forecast is withdrawn
};

// The area has at least this level while the order holds; a later order with the same id takes its place.
struct AreaOrder {
  int level = 0;        // 1 yellow .. kWarningLevels; 0: the order is withdrawn
  Interval interval{};  // its end: EventTime::max() where it is until further notice
};

struct Event {
  std::string id;
  std::string region;
  std::string root;    // whose partition it is in
  std::string source;  // the centre, or the authority: for people
  EventTime received{};
  std::variant<ForecastIssue, AreaOrder> what;
};

}  // namespace qc::core
