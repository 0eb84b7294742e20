// A person's command into the log, and its outcome out of it. Functions; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "core/alert.h"
#include "stream/log.h"
#include "wire/alert_codec.h"

namespace qc::commands {

// Unique for ever.
std::string new_command_id();

// Writes the command and waits for the service `alerts` to answer it. nullopt: not within `at_most`; the command stands
// in the log and will be answered, with the same id, when the service runs. Errors: those of the log, stopped.
Result<std::optional<wire::DecodedOutcome>> send_command(stream::Log& log, const core::AlertCommand& command,
                                                         const std::string& root, core::EventTime sent,
                                                         std::chrono::milliseconds at_most, std::stop_token stop);

}  // namespace qc::commands
