// How good the forecasts were that the region stages got, as metrics, beside persistence: the mean error of a lead is
// `qingchuan_forecast_error_total / qingchuan_forecast_scored_total`, and the skill of forecasts over persistence
// 1 - error{of="forecast"} / error{of="persistence"}. The counts are the stages' own (state), as in processor_probe.h.
//
// Lifecycle: outlives the workers that report to it. Threads: report() from one at a time.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

#include <array>
#include <cstdint>
#include <map>

#include "core/region_stage.h"

namespace qc::processor {

class RegionsProbe {
 public:
  explicit RegionsProbe(prometheus::Registry& registry);
  void report(int partition, const core::RegionStage& stage);

 private:
  struct Of {  // forecast or persistence
    prometheus::Counter* error;
    prometheus::Counter* hits;
    prometheus::Counter* misses;
    prometheus::Counter* alarms;
  };
  struct Lead {
    prometheus::Counter* hours;
    Of forecast;
    Of persistence;
  };
  std::array<Lead, core::kScoredDays> leads_;
  std::map<int, core::ForecastScores> counted_;
};

}  // namespace qc::processor
