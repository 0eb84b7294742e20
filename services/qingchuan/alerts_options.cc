#include "qingchuan/alerts_options.h"

#include <algorithm>
#include <array>

#include "processor/readings_stage.h"
#include "processor/regions_stage.h"
#include "qingchuan/command.h"
#include "qingchuan/missing_topics.h"

namespace qc::commands {

Result<alerts::AlertsOptions> alerts_options(OpenLog& opened) {
  constexpr std::array<std::string_view, 4> kNeeded = {alerts::kAlerts, alerts::kCommands, alerts::kOutcomes,
                                                       alerts::kLedger};
  if (auto made = make_missing_topics(opened, kNeeded); !made) return tl::make_unexpected(made.error());
  const ::qingchuan::v1::System& system = opened.config.system;
  alerts::AlertsOptions o;
  o.workers = std::max(1, system.alerts().workers());
  if (system.alerts().commit_interval() > 0)
    o.commit_interval = stream::Milliseconds(system.alerts().commit_interval());
  o.poll_records_max = static_cast<std::size_t>(system.limits().poll_records_max());
  o.stage.decode.record_bytes_max = static_cast<std::size_t>(system.limits().record_bytes_max());
  o.stage.dead_letter_bytes_max = static_cast<std::size_t>(system.limits().dead_letter_bytes_max());
  o.stage.version = version();
  auto upstreams = upstreams_of_alerts(*opened.log);
  if (!upstreams) return tl::make_unexpected(upstreams.error());
  o.stage.upstreams = std::move(*upstreams);
  return o;
}

Result<std::vector<alerts::Upstream>> upstreams_of_alerts(stream::Log& log) {
  std::vector<alerts::Upstream> upstreams;
  for (const auto& [service, topic] : {std::pair{processor::kService, processor::kReadings},
                                       std::pair{processor::kRegionsService, processor::kMeans}}) {
    const auto partitions = stream::partitions_of(log, topic);
    if (!partitions) return tl::make_unexpected(partitions.error());
    upstreams.push_back({service, *partitions});
  }
  return upstreams;
}

alerts::RulesOf rules_for_alerts(processor::RulesStore& rules) {
  return [&rules](const std::string& hash) { return rules.get(hash); };
}

}  // namespace qc::commands
