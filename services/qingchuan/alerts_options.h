// The service `alerts` as this process runs it: its options from the configuration and the log. Functions; any thread.
#pragma once

#include <vector>

#include "alerts/alerts.h"
#include "qingchuan/open_log.h"

namespace qc::commands {

// Makes the topics of alerts that the log lacks: it may be from before there were any.
Result<alerts::AlertsOptions> alerts_options(OpenLog& opened);
// Those whose ticks tell the alerts' time, as the log has them. topic_unknown.
Result<std::vector<alerts::Upstream>> upstreams_of_alerts(stream::Log& log);
alerts::RulesOf rules_for_alerts(processor::RulesStore& rules);

}  // namespace qc::commands
