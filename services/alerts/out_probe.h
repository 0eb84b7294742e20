// Metrics of one way out, beside it. The label is the name that the configuration gives it.
//
// Lifecycle: outlives its outlet; the registry outlives it. Threads: the series may be read from any.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstddef>
#include <string>

namespace qc::alerts {

class OutProbe {
 public:
  OutProbe(prometheus::Registry& registry, const std::string& outlet);

  void delivered(std::size_t revisions) { delivered_.Increment(static_cast<double>(revisions)); }
  void failed() { failed_.Increment(); }
  void refused(std::size_t revisions) { refused_.Increment(static_cast<double>(revisions)); }
  void posted(double seconds) { seconds_.Observe(seconds); }
  void lag(double records, double oldest_seconds) {
    lag_.Set(records);
    oldest_.Set(oldest_seconds);
  }

 private:
  prometheus::Counter& delivered_;
  prometheus::Counter& failed_;
  prometheus::Counter& refused_;
  prometheus::Gauge& lag_;
  prometheus::Gauge& oldest_;
  prometheus::Histogram& seconds_;
};

}  // namespace qc::alerts
