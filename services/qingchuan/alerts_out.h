// The ways out of alerts that a configuration names, put together with the words of this room: shared by whatever runs
// them.
//
// Functions; any thread.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "alerts/alerts.h"
#include "alerts/out.h"
#include "base/result.h"
#include "core/rules.h"
#include "platform/config.h"
#include "stream/log.h"
#include "wire/alert_text.h"

namespace qc::commands {

// Names of places as the rules have them, an id where they don't know it; rules and states as words.* says.
wire::AlertWords alert_words(std::shared_ptr<const core::RuleSet> rules);

// None where the configuration names none. `log` and `registry` outlive it. Errors: config_invalid, and those of
// Outlets::create.
Result<std::unique_ptr<alerts::Outlets>> make_outlets(const platform::Loaded& config, stream::Log& log,
                                                      prometheus::Registry& registry);

// The service with its ways out beside it, until a stop is asked for or one of them fails for good, which stops the
// other.
Result<void> run_with_outlets(alerts::Alerts& service, alerts::Outlets& outlets, const std::stop_token& stop);

// What is wrong with `alerts: out` beyond its text: secrets that are not there, certificates that cannot be read. For
// people, a line each.
std::vector<std::string> alerts_out_problems(const platform::Loaded& config);

}  // namespace qc::commands
