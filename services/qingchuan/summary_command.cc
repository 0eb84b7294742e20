// qingchuan summary: what a log holds, on one page.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/summary.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string language = "zh";
  std::string format = "text";
};

Result<int> run(const Options& o) {
  auto opened = open_log(o.place);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto summary = summarise(*opened->log, *opened->rules);
  if (!summary) return tl::make_unexpected(summary.error());
  const std::string text = o.format == "json"
                               ? to_json(*summary)
                               : to_text(*summary, o.language == "en" ? Language::English : Language::Chinese);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

Command make_summary_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("summary", "Say on one page what a log holds: ledger, hours, indices, signals");
  add_place_options(*command, o->place);
  command->add_option("--lang", o->language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
  command->add_option("--format", o->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer("Latest revisions only; the ledger is that of the processor's last checkpoint.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
