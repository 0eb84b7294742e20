#include "alerts/alerts_probe.h"

#include <algorithm>
#include <string>

#include "platform/grow.h"

namespace qc::alerts {
namespace {

using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;

Counters& counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
Gauges& gauges(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

std::string level(std::size_t i) {
  return std::to_string(i + 1);
}

void grow_seconds(prometheus::Counter& counter, core::Duration& counted, core::Duration now) {
  if (now <= counted) return;
  counter.Increment(std::chrono::duration<double>(now - counted).count());
  counted = now;
}

}  // namespace

AlertsProbe::AlertsProbe(prometheus::Registry& registry)
    : asked_(counters(registry, "qingchuan_alerts_asked_total", "Alerts that asked for attention, by level.")),
      escalated_(counters(registry, "qingchuan_alerts_escalated_total",
                          "Alerts that no console showed in time, or that nobody decided.")
                     .Add({})),
      acknowledged_(counters(registry, "qingchuan_alerts_acknowledged_total", "Acknowledgements.").Add({})),
      acknowledged_seconds_(counters(registry, "qingchuan_alerts_acknowledged_seconds_total",
                                     "From asking for attention to acknowledgement, summed.")
                                .Add({})),
      commands_(counters(registry, "qingchuan_alerts_commands_total", "Commands by outcome.")),
      folded_(counters(registry, "qingchuan_alerts_folded_total", "Alerts that a flood folded into a row.").Add({})),
      floods_(counters(registry, "qingchuan_alerts_floods_total", "Floods: more new alerts than can be read.").Add({})),
      flood_seconds_(counters(registry, "qingchuan_alerts_flood_seconds_total", "Time in flood.").Add({})),
      time_seconds_(counters(registry, "qingchuan_alerts_time_seconds_total",
                             "Time that passed, of which the floods took a share.")
                        .Add({})),
      listed_(gauges(registry, "qingchuan_alerts_listed", "Alerts on the operators' list, by level and response.")),
      marked_(gauges(registry, "qingchuan_alerts_marked",
                     "Listed alerts that are set aside, flapping (chattering) or stale (a day old).")),
      operators_(
          gauges(registry, "qingchuan_alerts_operators", "Operators who watch at a time, as configured.").Add({})),
      top_ten_(gauges(registry, "qingchuan_alerts_top_ten_ratio",
                      "Share of the last seven days' calls for attention that the ten most frequent keys made.")
                   .Add({})) {
  for (std::size_t i = 0; i < core::kLevels; ++i) asked_.Add({{"level", level(i)}});
  for (std::size_t r = 0; r < core::kRefusals; ++r) {
    commands_.Add({{"outcome", std::string(core::name(static_cast<core::Refusal>(r)))}});
  }
  show();
}

void AlertsProbe::report(int partition, const core::AlertStage& stage) {
  const std::lock_guard lock(mutex_);
  const core::AlertTotals& now = stage.totals();
  core::AlertTotals& was = counted_[partition];
  for (std::size_t i = 0; i < core::kLevels; ++i)
    platform::grow(asked_.Add({{"level", level(i)}}), was.asked[i], now.asked[i]);
  platform::grow(escalated_, was.escalated, now.escalated);
  platform::grow(acknowledged_, was.acknowledged, now.acknowledged);
  grow_seconds(acknowledged_seconds_, was.acknowledged_after, now.acknowledged_after);
  platform::grow(commands_.Add({{"outcome", "accepted"}}), was.commands, now.commands);
  for (std::size_t r = 1; r < core::kRefusals; ++r) {
    platform::grow(commands_.Add({{"outcome", std::string(core::name(static_cast<core::Refusal>(r)))}}), was.refused[r],
                   now.refused[r]);
  }
  platform::grow(folded_, was.folded, now.folded);
  platform::grow(floods_, was.floods, now.floods);
  grow_seconds(flood_seconds_, was.flood, now.flood);
  grow_seconds(time_seconds_, was.time, now.time);
  seen_[partition] = {now, stage.figures(), stage.rules().operators};
  show();
}

void AlertsProbe::forget(int partition) {
  const std::lock_guard lock(mutex_);
  seen_.erase(partition);
  show();
}

void AlertsProbe::show() {
  core::AlertFigures sum;
  int operators = 0;
  for (const auto& [partition, seen] : seen_) {
    const core::AlertFigures& f = seen.figures;
    for (std::size_t i = 0; i < core::kLevels; ++i) {
      for (std::size_t r = 0; r < 2; ++r) sum.listed[i][r] += f.listed[i][r];
    }
    sum.shelved += f.shelved;
    sum.out_of_service += f.out_of_service;
    sum.inhibited += f.inhibited;
    sum.folded += f.folded;
    sum.flapping += f.flapping;
    sum.stale += f.stale;
    sum.asked += f.asked;
    sum.asked_by_top_ten += f.asked_by_top_ten;
    operators += seen.operators;
  }
  for (std::size_t i = 0; i < core::kLevels; ++i) {
    listed_.Add({{"level", level(i)}, {"response", "unacked"}}).Set(static_cast<double>(sum.listed[i][0]));
    listed_.Add({{"level", level(i)}, {"response", "acked"}}).Set(static_cast<double>(sum.listed[i][1]));
  }
  for (const auto& [mark, n] : {std::pair{"shelved", sum.shelved}, std::pair{"out_of_service", sum.out_of_service},
                                std::pair{"inhibited", sum.inhibited}, std::pair{"folded", sum.folded},
                                std::pair{"flapping", sum.flapping}, std::pair{"stale", sum.stale}}) {
    marked_.Add({{"mark", mark}}).Set(static_cast<double>(n));
  }
  operators_.Set(operators);
  top_ten_.Set(sum.asked == 0 ? 0.0 : static_cast<double>(sum.asked_by_top_ten) / static_cast<double>(sum.asked));
}

}  // namespace qc::alerts
