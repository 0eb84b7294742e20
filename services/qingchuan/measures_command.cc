// qingchuan measures: what a heavy-pollution level demands of a region.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "platform/clock.h"
#include "platform/config.h"
#include "qingchuan/command.h"
#include "qingchuan/measures.h"
#include "qingchuan/open_log.h"
#include "qingchuan/report.h"

namespace qc::commands {
namespace {

struct Options {
  std::string region;
  std::string level;
  std::string date;
  std::string config;
  std::string language = "zh";
  std::string format = "text";
};

Result<int> run(const Options& o) {
  core::EventTime at = core::event_time(platform::system_clock().wall_ms());
  if (!o.date.empty()) {
    const auto day = parse_day(o.date);
    if (!day) return tl::make_unexpected(day.error());
    at = day->start;
  }
  const auto found = platform::find_config(o.config);
  if (!found) return tl::make_unexpected(found.error());
  const auto loaded = platform::load_valid_config(*found);
  if (!loaded) return tl::make_unexpected(loaded.error());
  const auto rules = rules_of(*loaded);
  if (!rules) return tl::make_unexpected(rules.error());
  const auto region = find_region(*rules, o.region);
  if (!region) return tl::make_unexpected(region.error());
  const auto level = find_level(o.level);
  if (!level) return tl::make_unexpected(level.error());
  const auto due = core::measures_due(*rules, *region, *level, at);
  const Language language = o.language == "en" ? Language::English : Language::Chinese;
  const std::string text = o.format == "csv"    ? to_csv(*rules, *due, language)
                           : o.format == "json" ? to_json(*rules, *due, language)
                                                : to_text(*rules, *due, language);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

Command make_measures_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "measures", "What a heavy-pollution level demands of a region: measures due, what they cut, duty met or missed");
  command->add_option("REGION", o->region, "Its id or name; a prefecture stands for all its counties")->required();
  command->add_option("LEVEL", o->level, "yellow, orange or red (黄色, 橙色, 红色)")->required();
  command->add_option("--date", o->date, "By the duty in force on this day, as 2026-11-27 (default: today)");
  command->add_option("--config", o->config,
                      "qingchuan.yaml or its directory (default: ./config, or beside the binary)");
  command->add_option("--lang", o->language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
  command->add_option("--format", o->format, "text, csv or json (docs/measures.md)")
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->capture_default_str();
  command->footer(
      "From the emergency-cut list and the duties of the configuration; it reads no log. A line without a measure at\n"
      "LEVEL does what the next lower level says.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
