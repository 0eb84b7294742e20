#include "qingchuan/console_service.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "alerts/records.h"
#include "console/identity.h"
#include "qingchuan/alerts_options.h"
#include "qingchuan/alerts_out.h"
#include "qingchuan/command.h"
#include "qingchuan/missing_topics.h"
#include "qingchuan/report.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

constexpr std::array<std::string_view, 7> kNeeded = {console::kAlerts, console::kMeans,    console::kRegionMeans,
                                                     console::kLedger, console::kOutcomes, console::kCommands,
                                                     console::kUsers};

std::string absolute_in(const platform::Loaded& config, const std::string& file) {
  if (file.empty() || file.front() == '/') return file;
  return (std::filesystem::path(directory_of(config)) / file).string();
}

Result<std::string> report_of(OpenLog& opened, const console::ReportAsked& asked) {
  const auto period = asked.month ? parse_month(asked.period) : parse_day(asked.period);
  if (!period) return tl::make_unexpected(period.error());
  const auto report = make_report(*opened.log, *opened.rules, {asked.month, *period, asked.region});
  if (!report) return tl::make_unexpected(report.error());
  return asked.csv ? to_csv(*report) : to_json(*report);
}

}  // namespace

Result<std::unique_ptr<console::Console>> make_console(OpenLog& opened, const std::string& hash,
                                                       const std::string& listen, prometheus::Registry& registry) {
  if (auto made = make_missing_topics(opened, kNeeded); !made) return tl::make_unexpected(made.error());
  const auto partitions = stream::partitions_of(*opened.log, console::kCommands);
  if (!partitions) return tl::make_unexpected(partitions.error());
  console::ConsoleParts parts;
  parts.rules = rules_for_alerts(*opened.rules);
  parts.words = &alert_words;
  parts.rules_hash = hash;
  parts.command = [n = *partitions](const core::AlertCommand& command, const std::string& root, core::EventTime sent) {
    return alerts::command_record(command, root, sent, n, version());
  };
  parts.report = [&opened](const console::ReportAsked& asked) { return report_of(opened, asked); };
  console::ConsoleOptions options;
  options.settings = opened.config.system.console();
  if (!listen.empty()) options.settings.set_listen(listen);
  options.settings.set_certificate_file(absolute_in(opened.config, options.settings.certificate_file()));
  options.settings.set_key_file(absolute_in(opened.config, options.settings.key_file()));
  options.version = version();
  // What systemd's journal takes from us stands there for ever: no password.
  options.make_first_admin = std::getenv("JOURNAL_STREAM") == nullptr;
  options.poll_records_max = static_cast<std::size_t>(opened.config.system.limits().poll_records_max());
  return console::Console::create(*opened.log, std::move(parts), std::move(options), registry);
}

void print_console(const console::Console& console) {
  std::printf("  console        %s/api/v1\n", console.url().c_str());
  if (const auto& password = console.first_password()) {
    std::printf("  first account  admin, one-time password %s (it is shown only now, and must be changed at once)\n",
                password->c_str());
  } else if (console.accounts() == 0) {
    std::printf("  first account  none yet: qingchuan user add NAME --role admin\n");
  }
  std::fflush(stdout);
}

}  // namespace qc::commands
