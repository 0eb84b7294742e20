// The console as this process runs it: its options from the configuration, and what only the composition root knows:
// how a command becomes a record, what things are called, how a report is made. Function; blocks while it starts.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "console/console.h"
#include "qingchuan/open_log.h"

namespace qc::commands {

// `listen` empty: the configured address. `hash`: of the rules in force at the start. The log outlives it. Topics that
// an older log lacks are made.
Result<std::unique_ptr<console::Console>> make_console(OpenLog& opened, const std::string& hash,
                                                       const std::string& listen, prometheus::Registry& registry);

// What a person at the terminal is told: where it is, and of a first start the password.
void print_console(const console::Console& console);

}  // namespace qc::commands
