// What the reading stages did, as metrics. The counts come from the stages' own ledgers (state, so a crash neither
// loses nor doubles one), not from counting along the way: a muted refold counts nothing twice.
//
// Lifecycle: outlives the workers that report to it. Threads: report() from any worker's, one partition from one thread
// at a time; stations() from any.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <map>
#include <mutex>
#include <string>

#include "core/reading_stage.h"

namespace qc::processor {

class ProcessorProbe {
 public:
  // station_series_max: how many series /metrics/stations shows at most; the page says when it was cut.
  ProcessorProbe(prometheus::Registry& registry, std::size_t station_series_max);

  void report(int partition, const core::ReadingStage& stage);
  void forget(int partition);

  // The body of /metrics/stations: the last closed hour of every series, in the text format.
  std::string stations() const;

 private:
  struct Seen {
    core::Ledger ledger;
    core::EventTime stations_at = core::EventTime::min();
    std::string stations;
    std::size_t series = 0;
    std::size_t series_left_out = 0;
  };
  void write_stations(const core::ReadingStage& stage, Seen& seen) const;

  mutable std::mutex mutex_;
  std::map<int, Seen> seen_;
  const std::size_t station_series_max_;
  prometheus::Family<prometheus::Counter>& readings_;
  prometheus::Family<prometheus::Counter>& malformed_;
  prometheus::Counter& in_;
  prometheus::Family<prometheus::Gauge>& sites_;
  prometheus::Family<prometheus::Gauge>& series_;
  prometheus::Family<prometheus::Gauge>& now_;
};

}  // namespace qc::processor
