// Opening the log that a command works on, and setting up a new one: topics, the rule set, and the record that every
// partition of `readings` and `tracks` begins with (architecture section 3).
//
// Threads: none; called at start.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "core/factor.h"
#include "platform/config.h"
#include "processor/rules_store.h"
#include "stream/embedded_log.h"
#include "stream/read_range.h"

namespace qc::commands {

// Where the log and the configuration are: the same options for every command.
struct Place {
  std::string data;    // --data DIR: the embedded log
  std::string config;  // --config FILE or DIR; empty: found (platform::find_config)
};

struct OpenLog {
  platform::Loaded config;  // defaults where no configuration was found and none was asked for
  bool configured = false;
  std::unique_ptr<stream::EmbeddedLog> log;
  std::unique_ptr<processor::RulesStore> rules;
};

// An existing log. `need_config`: a missing configuration is an error (it is one anyway where --config names it).
Result<OpenLog> open_log(const Place& place, bool need_config);

// The log for a writer, made where it is missing; an existing one gets the topics that it lacks. `timeline` is what a
// new log will be; the timeline of an existing one stays, see rules->timeline(). Returns the hash of the configured
// rules in `rules_hash`. Can be repeated after a crash at any point. With `only`, a log of the other timeline is
// refused (log_timeline) before anything is written into it.
Result<OpenLog> create_log(const Place& place, core::Timeline timeline, std::string& rules_hash, bool only = false);

}  // namespace qc::commands
