// qingchuan episodes: the heavy-pollution episodes of an interval.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "qingchuan/command.h"
#include "qingchuan/episodes.h"
#include "qingchuan/open_log.h"
#include "qingchuan/time_option.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::vector<std::string> regions;
  std::string from;
  std::string until;
  std::string criteria = "dated";
  std::vector<std::string> dust;
  bool observed = false;
  std::string language = "zh";
  std::string format = "text";
  std::string svg;
};

Result<EpisodesSpec> spec_of(const Options& o) {
  if (!o.observed && (o.criteria != "dated" || !o.dust.empty())) {
    return fail(Errc::usage,
                "--criteria and --dust go with --observed: what was published was judged by what was in force");
  }
  EpisodesSpec spec;
  spec.observed = o.observed;
  spec.regions = o.regions;
  if (o.criteria != "dated") spec.criteria = o.criteria;
  const auto interval = interval_option(o.from, o.until, "--from/--until");
  if (!interval) return tl::make_unexpected(interval.error());
  spec.interval = *interval;
  for (const std::string& d : o.dust) {
    const std::size_t slash = d.find('/');
    if (slash == std::string::npos) return fail(Errc::usage, "--dust wants FROM/UNTIL, not `" + d + "`");
    const auto dust = interval_option(d.substr(0, slash), d.substr(slash + 1), "--dust");
    if (!dust) return tl::make_unexpected(dust.error());
    spec.dust.push_back(*dust);
  }
  return spec;
}

Result<int> run(const Options& o) {
  const auto spec = spec_of(o);
  if (!spec) return tl::make_unexpected(spec.error());
  auto opened = open_log(o.place);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto episodes = make_episodes(*opened->log, *opened->rules, *spec);
  if (!episodes) return tl::make_unexpected(episodes.error());
  const Language language = o.language == "en" ? Language::English : Language::Chinese;
  if (!o.svg.empty()) {
    if (const auto drawn = draw(*episodes, o.svg, language); !drawn) return tl::make_unexpected(drawn.error());
  }
  const std::string text = o.format == "csv" ? to_csv(*episodes) : to_text(*episodes, language);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

Command make_episodes_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("episodes", "Heavy-pollution episodes of regions: levels, peak, what decided");
  add_place_options(*command, o->place);
  command->add_option("--region", o->regions, "Only this region; may be repeated");
  command->add_option("--from", o->from, "Episodes that last beyond this time, as 2025-12-01 or 2025-12-01T08:00");
  command->add_option("--until", o->until, "Only hours that end by then");
  command
      ->add_option("--criteria", o->criteria,
                   "dated: those in force at each hour; or the id of one set, as 2018 or 2024")
      ->capture_default_str();
  command->add_flag("--observed", o->observed, "Judge history by what was observed, without forecasts");
  command->add_option("--dust", o->dust,
                      "FROM/UNTIL: hours of sand and dust weather, which don't count; may be repeated");
  command->add_option("--lang", o->language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
  command->add_option("--format", o->format, "text or csv (docs/episodes.md)")
      ->check(CLI::IsMember({"text", "csv"}))
      ->capture_default_str();
  command->add_option("--svg", o->svg, "Draw the curves with their levels into this file, too (gnuplot)");
  command->footer(
      "The index is the AQI of the continuous 24 h, as published for regions; latest revisions, by the rules that the "
      "log itself\nnames. How the criteria are read is in docs/episodes.md. Safe beside a running `up` or `processor`: "
      "it only reads.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
