// What the alert stages did and what stands, as metrics: the figures of ISA-18.2. Totals are the stages' own (state, so
// a crash neither loses nor doubles one). The share of time in flood is `rate(qingchuan_alerts_flood_seconds_total) /
// rate(qingchuan_alerts_time_seconds_total)`, alerts per operator and ten minutes
// `increase(qingchuan_alerts_asked_total[10m]) / qingchuan_alerts_operators`.
//
// Lifecycle: outlives the workers that report to it. Threads: report() from any worker's.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <map>
#include <mutex>

#include "core/alert_stage.h"

namespace qc::alerts {

class AlertsProbe {
 public:
  explicit AlertsProbe(prometheus::Registry& registry);
  void report(int partition, const core::AlertStage& stage);
  void forget(int partition);

 private:
  struct Seen {
    core::AlertTotals totals;  // what is in the counters
    core::AlertFigures figures;
    int operators = 0;
  };
  void show();

  std::mutex mutex_;
  std::map<int, Seen> seen_;
  std::map<int, core::AlertTotals> counted_;  // also of partitions that went: they may come back
  prometheus::Family<prometheus::Counter>& asked_;
  prometheus::Counter& escalated_;
  prometheus::Counter& acknowledged_;
  prometheus::Counter& acknowledged_seconds_;
  prometheus::Family<prometheus::Counter>& commands_;
  prometheus::Counter& folded_;
  prometheus::Counter& floods_;
  prometheus::Counter& flood_seconds_;
  prometheus::Counter& time_seconds_;
  prometheus::Family<prometheus::Gauge>& listed_;
  prometheus::Family<prometheus::Gauge>& marked_;
  prometheus::Gauge& operators_;
  prometheus::Gauge& top_ten_;
};

}  // namespace qc::alerts
