// What a centre would forecast of the simulated air: for each region the AQI of the 24 h that end with each hour to
// come. It runs the same air ahead, which nobody in the world could, and spoils it: by an error that grows with the
// square root of the time until then, partly common to all regions and pollutants, as weather that came otherwise is.
// What has passed at the issue it knows as it was, all six pollutants; an hour that it cannot make an index of it
// leaves out.
//
// A function of (world, scenario, seed, rules, issue): asked again it says the same. Lifecycle: made over a script that
// outlives it; computes nothing before the first issue; ask for rising issues (earlier ones are computed from the
// start). Threads: one at a time.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/factor.h"
#include "core/region_plan.h"
#include "simulator/air.h"

namespace qc::simulator {

struct IssuedForecast {
  std::string region;
  core::ForecastIssue issue;
};

class Forecaster {
 public:
  // `from`: the simulation's first minute.
  Forecaster(const v1::Played& played, std::shared_ptr<const core::RuleSet> rules, const Script& script,
             core::EventTime from);

  // Whether the centre issues one at that instant, by the world's `forecasts`.
  bool issues_at(core::EventTime t) const;
  // Of each region that has evaluation stations, by id but each after its members. REQUIRES: a whole hour.
  std::vector<IssuedForecast> issue(core::EventTime at);

 private:
  // The mean of one hour over a region, ug/m3.
  struct Mean {
    std::array<double, core::kSixPollutants.size()> of{};
    double dust_ug = 0;  // of its PM10
  };
  using Hour = std::vector<std::optional<Mean>>;  // by plan; nullopt: no station
  struct Station {
    const core::SiteInfo* site;
    Air::Place place;
  };

  const Hour& hour(core::EventTime start);
  Mean station_hour(const Station& station, core::EventTime start);
  Mean spoiled(const Mean& mean, const std::string& region, core::EventTime start, core::EventTime issued) const;
  std::optional<core::IndexHour> index(const std::vector<Mean>& hours, core::EventTime end) const;

  const v1::World& world_;
  const std::shared_ptr<const core::RuleSet> rules_;
  const std::vector<core::RegionPlan> plans_;
  const core::EventTime first_;  // before it the air is not itself yet
  const double error_;
  const Chance chance_;
  Air air_;
  std::map<std::string, Station, std::less<>> stations_;
  std::map<core::EventTime, Hour> hours_;
};

}  // namespace qc::simulator
