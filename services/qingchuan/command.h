// A sub-command: options, help and what it does, in one file each (feed_command.cc ...). main.cc lists them.
//
// Convention: `Command make_feed_command(CLI::App& app)` adds its sub-command to the app and returns what to run when
// it was chosen. run() prints its own result to stdout; what goes wrong is an Error, which main prints in one line.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace CLI {
class App;
}

namespace qc::commands {

struct Command {
  CLI::App* app = nullptr;
  std::function<Result<int>()> run;  // the exit status
};

Command make_alerts_command(CLI::App& app);
Command make_alerts_out_command(CLI::App& app);
Command make_amend_command(CLI::App& app);
Command make_check_command(CLI::App& app);
Command make_console_command(CLI::App& app);
Command make_episodes_command(CLI::App& app);
Command make_event_command(CLI::App& app);
Command make_feed_command(CLI::App& app);
Command make_measures_command(CLI::App& app);
Command make_processor_command(CLI::App& app);
Command make_replay_command(CLI::App& app);
Command make_report_command(CLI::App& app);
Command make_rules_command(CLI::App& app);
Command make_simulate_command(CLI::App& app);
Command make_summary_command(CLI::App& app);
Command make_tail_command(CLI::App& app);
Command make_topics_command(CLI::App& app);
Command make_topics_copy_command(CLI::App& topics);  // a sub-command of it
Command make_up_command(CLI::App& app);
Command make_user_command(CLI::App& app);

// `git describe` of the tree it was built from, or the project's version.
std::string version();

}  // namespace qc::commands
