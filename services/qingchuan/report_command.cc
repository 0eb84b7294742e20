// qingchuan report: the table of a day or a month.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/report.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string kind;
  std::string date;
  std::string month;
  std::string region;
  std::string language = "zh";
  std::string format = "text";
};

Result<int> run(const Options& o) {
  ReportSpec spec;
  spec.month = o.kind == "month";
  spec.region = o.region;
  if (!(spec.month ? o.date : o.month).empty() || (spec.month ? o.month : o.date).empty()) {
    return fail(Errc::usage, spec.month ? "report month wants --month 2015-12" : "report day wants --date 2015-12-08");
  }
  const auto period = spec.month ? parse_month(o.month) : parse_day(o.date);
  if (!period) return tl::make_unexpected(period.error());
  spec.period = *period;
  auto opened = open_log(o.place);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto report = make_report(*opened->log, *opened->rules, spec);
  if (!report) return tl::make_unexpected(report.error());
  const std::string text = o.format == "csv"
                               ? to_csv(*report)
                               : to_text(*report, o.language == "en" ? Language::English : Language::Chinese);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

Command make_report_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("report", "The table of a day or a month: sites and regions, AQI, composite index, rank");
  command->add_option("KIND", o->kind, "day or month")->required()->check(CLI::IsMember({"day", "month"}));
  add_place_options(*command, o->place);
  command->add_option("--date", o->date, "The natural day, as 2015-12-08");
  command->add_option("--month", o->month, "The month, as 2015-12");
  command->add_option("--region", o->region, "Only this region and what is below it");
  command->add_option("--lang", o->language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
  command->add_option("--format", o->format, "text, or csv with exact values (docs/output.md)")
      ->check(CLI::IsMember({"text", "csv"}))
      ->capture_default_str();
  command->footer(
      "Latest revisions, by the rules that the log itself names. A region's concentration is the mean of its "
      "evaluation\n"
      "sites' valid daily values; its index is made of that. Safe beside a running `up` or `processor`: it only "
      "reads.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
