// qingchuan amend: a person's corrections of whole hours.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "core/time.h"
#include "qingchuan/amend.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "wire/byte_source.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string action;
  std::string site;
  std::string factor;
  std::string from;
  std::string until;
  std::string value;
  std::string unit;
  std::string reason;
  std::string who;
  std::string csv;
  bool audited = false;
  bool dry_run = false;
  int wait_s = 90;
};

// The one correction of the options.
Result<std::vector<wire::AmendLine>> of_options(const Options& o) {
  for (const auto& [name, value] : {std::pair{"--site", &o.site}, std::pair{"--factor", &o.factor},
                                    std::pair{"--from", &o.from}, std::pair{"--reason", &o.reason}}) {
    if (value->empty()) return fail(Errc::usage, std::string(name) + " is missing");
  }
  const auto from = core::parse_iso(o.from);
  if (!from) return fail(Errc::usage, "--from " + o.from + " is not ISO 8601: 2026-11-24T03:00");
  const auto until = o.until.empty() ? std::optional(*from + core::kHour) : core::parse_iso(o.until);
  if (!until) return fail(Errc::usage, "--until " + o.until + " is not ISO 8601: 2026-11-24T05:00");
  auto amend =
      wire::make_amend({o.site, o.factor, o.action, o.value, o.unit, o.reason}, {*from, *until}, {o.who, o.audited});
  if (!amend) return fail(Errc::usage, amend.error());
  return std::vector<wire::AmendLine>{{std::move(*amend), ""}};
}

void print(const std::vector<std::string>& problems) {
  for (const std::string& p : problems) std::fprintf(stderr, "%s\n", p.c_str());
}

Error refused(std::size_t problems) {
  return {Errc::file_malformed,
          std::to_string(problems) + (problems == 1 ? " problem" : " problems") + "; nothing was written"};
}

Result<std::vector<wire::AmendLine>> of_file(const Options& o) {
  for (const auto& [name, value] :
       {std::pair{"ACTION", &o.action}, std::pair{"--site", &o.site}, std::pair{"--factor", &o.factor},
        std::pair{"--from", &o.from}, std::pair{"--until", &o.until}, std::pair{"--value", &o.value},
        std::pair{"--unit", &o.unit}, std::pair{"--reason", &o.reason}}) {
    if (!value->empty()) return fail(Errc::usage, "--csv has a column for " + std::string(name) + "; not both");
  }
  auto source = wire::open_bytes(o.csv);
  if (!source) return tl::make_unexpected(source.error());
  auto file = wire::read_amends(o.csv, std::move(*source), {o.who, o.audited});
  if (!file) return tl::make_unexpected(file.error());
  if (!file->problems.empty()) {
    print(file->problems);
    return tl::make_unexpected(refused(file->problems.size()));
  }
  if (file->lines.empty()) return fail(Errc::file_malformed, o.csv + " holds no correction");
  return std::move(file->lines);
}

Result<int> run(const Options& o) {
  if (o.csv.empty() && o.action.empty()) return fail(Errc::usage, "invalidate, replace or restore, or --csv FILE");
  const auto lines = o.csv.empty() ? of_options(o) : of_file(o);
  if (!lines) return tl::make_unexpected(lines.error());
  auto opened = open_log(o.place, {.need_config = true});
  if (!opened) return tl::make_unexpected(opened.error());
  const auto rules = rules_of(opened->config);
  if (!rules) return tl::make_unexpected(rules.error());
  const auto timeline = opened->rules->timeline();
  if (!timeline) return tl::make_unexpected(timeline.error());

  AmendLimits limits;
  limits.record_bytes_max = static_cast<std::size_t>(opened->config.system.limits().record_bytes_max());
  limits.wait = std::chrono::seconds(o.wait_s);
  Amending amending(*opened->log, *rules, *timeline, limits);
  const auto plan = amending.plan(*lines);
  if (!plan) return tl::make_unexpected(plan.error());
  if (!plan->problems.empty()) {
    if (o.csv.empty()) return fail(Errc::usage, plan->problems.front());
    print(plan->problems);
    return tl::make_unexpected(refused(plan->problems.size()));
  }
  std::fputs(to_text(*plan).c_str(), stdout);
  if (o.dry_run) {
    std::printf("nothing was written (--dry-run)\n");
    return 0;
  }
  const auto written = amending.write(*plan);
  if (!written) return tl::make_unexpected(written.error());
  std::string where;
  for (const auto& [partition, n] : *written)
    where += (where.empty() ? "" : ", ") + std::to_string(n) + " to readings-" + std::to_string(partition);
  std::printf("%zu %s written: %s; published with the next tick\n", plan->amends.size(),
              plan->amends.size() == 1 ? "correction" : "corrections", where.c_str());
  return 0;
}

}  // namespace

Command make_amend_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("amend", "Correct whole hours of a site: invalidate, replace, restore");
  command->add_option("ACTION", o->action, "invalidate, replace or restore (what was measured)")
      ->check(CLI::IsMember({"invalidate", "replace", "restore"}));
  add_place_options(*command, o->place);
  command->add_option("--site", o->site, "The site's id (MN)");
  command->add_option("--factor", o->factor, "PM2.5, PM10, SO2, NO2, CO, O3 ...");
  command->add_option("--from", o->from, "Start of the first hour, ISO 8601; without an offset Beijing's");
  command->add_option("--until", o->until, "End of the last hour (default: one hour)");
  command->add_option("--value", o->value, "replace: the hours' mean");
  command->add_option("--unit", o->unit, "replace: ug/m3, mg/m3 or ng/m3");
  command->add_option("--reason", o->reason, "Why; it stands with everything that changes by it");
  command->add_option("--who", o->who, "Who says so")->required();
  command->add_option("--csv", o->csv,
                      "A day's 审核 instead: time,site,factor,action,value,unit,reason (docs/amend.md)");
  command->add_flag("--audited", o->audited, "Marks the hours as confirmed (审核)");
  command->add_flag("--dry-run", o->dry_run, "Check everything and print what would change; write nothing");
  command
      ->add_option("--wait", o->wait_s,
                   "Hours behind the horizon: seconds to wait for the processor to have read all of the log")
      ->check(CLI::Range(1, 3600));
  command->footer(
      "A correction is a record of `readings`: every window that holds the hour is published again with the reason, "
      "and\nsignals that it caused are withdrawn. The same correction twice changes nothing.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
