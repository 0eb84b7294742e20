#include "processor/regions_probe.h"

#include <string>

#include "platform/grow.h"

namespace qc::processor {

RegionsProbe::RegionsProbe(prometheus::Registry& registry) {
  auto& hours = prometheus::BuildCounter()
                    .Name("qingchuan_forecast_scored_total")
                    .Help("Hours of regions that were forecast and came, by lead in days (1: up to 24 h).")
                    .Register(registry);
  auto& errors = prometheus::BuildCounter()
                     .Name("qingchuan_forecast_error_total")
                     .Help("Sum of |AQI said - AQI that came| of those hours, of forecasts and of persistence.")
                     .Register(registry);
  auto& heavy = prometheus::BuildCounter()
                    .Name("qingchuan_forecast_heavy_total")
                    .Help("Hours of heavy pollution (AQI > 200) said and come, by outcome.")
                    .Register(registry);
  for (std::size_t day = 0; day < core::kScoredDays; ++day) {
    const std::string lead = std::to_string(day + 1);
    const auto of = [&](const char* whose) {
      const auto outcome = [&](const char* name) {
        return &heavy.Add({{"lead_days", lead}, {"of", whose}, {"outcome", name}});
      };
      return Of{&errors.Add({{"lead_days", lead}, {"of", whose}}), outcome("hit"), outcome("miss"),
                outcome("false_alarm")};
    };
    leads_[day] = {&hours.Add({{"lead_days", lead}}), of("forecast"), of("persistence")};
  }
}

void RegionsProbe::report(int partition, const core::RegionStage& stage) {
  const core::ForecastScores now = stage.forecast_scores();
  core::ForecastScores& counted = counted_[partition];
  const auto grow_of = [](const Of& of, core::ForecastErrors& was, const core::ForecastErrors& is) {
    platform::grow(*of.error, was.absolute, is.absolute);
    platform::grow(*of.hits, was.hits, is.hits);
    platform::grow(*of.misses, was.misses, is.misses);
    platform::grow(*of.alarms, was.alarms, is.alarms);
  };
  for (std::size_t day = 0; day < core::kScoredDays; ++day) {
    platform::grow(*leads_[day].hours, counted[day].hours, now[day].hours);
    grow_of(leads_[day].forecast, counted[day].forecast, now[day].forecast);
    grow_of(leads_[day].persistence, counted[day].persistence, now[day].persistence);
  }
}

}  // namespace qc::processor
