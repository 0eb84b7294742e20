// The one binary: a sub-command and a composition root for each service. Parses, dispatches, prints an error in one
// line.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <vector>

#include "platform/log.h"
#include "qingchuan/command.h"

int main(int argc, char** argv) {
  CLI::App app{
      "Qingchuan 晴川: real-time monitoring of air and water.\n"
      "Readings go in, means, indices and signals come out; the log, in --data or on Kafka, is the only database.\n"
      "Begin with `qingchuan up`, or see README.md."};
  app.set_version_flag("--version", qc::commands::version());
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  std::string level = "info";
  app.add_option("--log-level", level, "debug, info, warn, error or off (log lines go to stderr)");

  const std::vector<qc::commands::Command> commands = {
      qc::commands::make_up_command(app),        qc::commands::make_feed_command(app),
      qc::commands::make_processor_command(app), qc::commands::make_alerts_command(app),
      qc::commands::make_tail_command(app),      qc::commands::make_summary_command(app),
      qc::commands::make_check_command(app),     qc::commands::make_report_command(app),
      qc::commands::make_topics_command(app),    qc::commands::make_amend_command(app),
      qc::commands::make_rules_command(app),     qc::commands::make_simulate_command(app),
      qc::commands::make_replay_command(app),    qc::commands::make_measures_command(app),
      qc::commands::make_episodes_command(app),  qc::commands::make_event_command(app),
      qc::commands::make_console_command(app),   qc::commands::make_alerts_out_command(app),
      qc::commands::make_user_command(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const auto parsed = qc::platform::parse_level(level);
  if (!parsed) {
    std::fprintf(stderr, "qingchuan: %s\n", qc::describe(parsed.error()).c_str());
    return 2;
  }
  qc::platform::set_log_level(*parsed);
  for (const qc::commands::Command& c : commands) {
    if (!c.app->parsed()) continue;
    const auto status = c.run();
    if (status) return *status;
    std::fprintf(stderr, "qingchuan %s: %s\n", c.app->get_name().c_str(), qc::describe(status.error()).c_str());
    return status.error().code == qc::Errc::usage ? 2 : 1;
  }
  return 2;
}
