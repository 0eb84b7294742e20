#include "alerts/out_probe.h"

#include <map>

namespace qc::alerts {
namespace {

using Labels = std::map<std::string, std::string>;

prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}
prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
}

}  // namespace

OutProbe::OutProbe(prometheus::Registry& registry, const std::string& outlet)
    : delivered_(counter(registry, "qingchuan_alerts_out_delivered_total",
                         "Revisions of alerts that the receiver has taken, or that need no saying there.",
                         {{"outlet", outlet}})),
      failed_(counter(registry, "qingchuan_alerts_out_failed_posts_total", "Posts that failed; each is sent again.",
                      {{"outlet", outlet}})),
      refused_(counter(registry, "qingchuan_alerts_out_refused_total",
                       "Revisions given up because the receiver refuses them, or nobody can read them; they are in "
                       "dead-letters.",
                       {{"outlet", outlet}})),
      lag_(gauge(registry, "qingchuan_alerts_out_lag_records", "Records of alerts that are not delivered yet.",
                 {{"outlet", outlet}})),
      oldest_(gauge(registry, "qingchuan_alerts_out_oldest_seconds",
                    "How long the oldest revision that is being delivered has waited.", {{"outlet", outlet}})),
      seconds_(prometheus::BuildHistogram()
                   .Name("qingchuan_alerts_out_post_seconds")
                   .Help("Duration of a post, whatever came of it.")
                   .Register(registry)
                   .Add({{"outlet", outlet}}, prometheus::Histogram::BucketBoundaries{0.005, 0.01, 0.025, 0.05, 0.1,
                                                                                      0.25, 0.5, 1, 2.5, 5, 10})) {}

}  // namespace qc::alerts
