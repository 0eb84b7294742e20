// qingchuan feed: data files into a log.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "platform/clock.h"
#include "platform/progress.h"
#include "platform/shutdown.h"
#include "qingchuan/command.h"
#include "qingchuan/feed.h"
#include "qingchuan/open_log.h"
#include "qingchuan/time_option.h"
#include "wire/rules.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string format = "csv";
  std::string speed = "max";
  std::string interval = "1min";
  std::string label = "start";
  std::string from;
  std::string until;
  std::string region = "fed";
  bool known_sites = false;
  bool resume = false;
  bool quiet = false;
  std::vector<std::string> files;
};

Result<wire::FileOptions> file_options(const Options& o) {
  static const std::map<std::string, core::Duration> intervals = {{"5s", std::chrono::seconds(5)},
                                                                  {"1min", std::chrono::minutes(1)},
                                                                  {"5min", std::chrono::minutes(5)},
                                                                  {"1h", std::chrono::hours(1)}};
  wire::FileOptions f;
  f.format = *wire::parse_format(o.format);
  f.interval = intervals.at(o.interval);
  f.label = o.label == "end" ? wire::Label::End : wire::Label::Start;
  return f;
}

void print_report(const FeedReport& r, const wire::Merge& files) {
  const wire::Counts counts = files.counts();
  std::printf("fed %lld readings in %lld packets of %zu sites", static_cast<long long>(r.readings),
              static_cast<long long>(r.packets), r.sites);
  if (r.first) std::printf(", %s to %s", core::to_iso(*r.first).c_str(), core::to_iso(*r.last).c_str());
  std::printf("\n");
  if (r.skipped_packets > 0)
    std::printf("  %lld packets were in the log already\n", static_cast<long long>(r.skipped_packets));
  if (r.outside_packets > 0) {
    std::printf("  %lld packets lay before --from or after --until\n", static_cast<long long>(r.outside_packets));
  }
  if (r.unknown_packets > 0) {
    std::printf("  %lld packets of sites that the configuration doesn't know were left out\n",
                static_cast<long long>(r.unknown_packets));
  }
  std::printf("fields read: %lld\n", static_cast<long long>(counts.fields));
  for (std::size_t i = 0; i < wire::kFates; ++i) {
    const auto fate = static_cast<wire::Fate>(i);
    if (counts.of(fate) > 0)
      std::printf("  %-15s %lld\n", std::string(wire::name(fate)).c_str(), static_cast<long long>(counts.of(fate)));
  }
  for (std::size_t i = 0; i < files.files(); ++i) {
    if (files.out_of_order(i) > 0) {
      std::printf("  %s: %lld packets out of time order, passed on in place\n", files.file(i).path().c_str(),
                  static_cast<long long>(files.out_of_order(i)));
    }
    if (files.ahead(i) > 0) {
      std::printf(
          "  %s: %lld packets with a time far ahead of those around them: the log's time does not follow them\n",
          files.file(i).path().c_str(), static_cast<long long>(files.ahead(i)));
    }
    for (const std::string& m : files.file(i).messages()) std::fprintf(stderr, "%s\n", m.c_str());
  }
  if (r.stopped) std::printf("stopped before the end of the files; `--resume` goes on from the log's last tick\n");
}

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  const auto speed = parse_speed(o.speed);
  if (!speed) return tl::make_unexpected(speed.error());
  const auto options = file_options(o);
  if (!options) return tl::make_unexpected(options.error());
  const auto only = interval_option(o.from, o.until, "--from/--until");
  if (!only) return tl::make_unexpected(only.error());
  // The files first: a mistyped name must not leave a new log behind.
  std::vector<std::unique_ptr<wire::FileReader>> readers;
  std::uint64_t total = 0;
  for (const std::string& path : o.files) {
    auto reader = wire::open_file(path, *options);
    if (!reader) return tl::make_unexpected(reader.error());
    total += (*reader)->bytes_total();
    readers.push_back(std::move(*reader));
  }
  wire::Merge merge(std::move(readers));

  std::string hash;
  auto opened = create_log(o.place, core::Timeline::Fed, hash);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto rules = opened->rules->get(hash);
  if (!rules) return tl::make_unexpected(rules.error());
  const auto timeline = opened->rules->timeline();
  if (!timeline) return tl::make_unexpected(timeline.error());

  platform::Progress progress(
      {"feeding", "bytes", total, platform::stderr_is_terminal(), platform::stderr_columns(), {}, {}});
  FeedOptions feed;
  feed.timeline = *timeline;
  feed.speed = *speed;
  feed.resume = o.resume;
  feed.only = *only;
  feed.known_only = o.known_sites;
  feed.region = o.region;
  feed.close_after = (*rules)->horizons.close_after;
  feed.wall_ms = [] { return platform::system_clock().wall_ms(); };
  feed.progress = [&](core::EventTime at) {
    std::uint64_t done = 0;
    for (std::size_t i = 0; i < merge.files(); ++i) done += merge.file(i).bytes_read();
    if (o.quiet) return;
    progress.set_note(core::to_iso(at).substr(0, 16));
    progress.set(done);
  };
  Feed job(*opened->log, merge, **rules, std::move(feed));
  const auto report = job.run(shutdown.token());
  if (!o.quiet) progress.finish();
  if (!report) return tl::make_unexpected(report.error());
  print_report(*report, merge);
  return report->stopped ? 130 : 0;
}

}  // namespace

Command make_feed_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("feed", "Put the readings of data files into a log");
  command->add_option("--format", o->format, "What the files are: csv (docs/csv.md), prsa, beijing, cnemc")
      ->check(CLI::IsMember({"csv", "prsa", "beijing", "cnemc"}))
      ->capture_default_str();
  add_place_options(*command, o->place);
  command->add_option("--speed", o->speed, "Times real time, or max")->capture_default_str();
  command->add_option("--interval", o->interval, "csv: the interval of a row")
      ->check(CLI::IsMember({"5s", "1min", "5min", "1h"}))
      ->capture_default_str();
  command->add_option("--label", o->label, "csv: whether a row's time is the start or the end of its interval")
      ->check(CLI::IsMember({"start", "end"}))
      ->capture_default_str();
  command->add_option("--from", o->from,
                      "Only what begins at this time or later, as 2013-12-05 (its midnight) or 2013-12-05T08:00");
  command->add_option("--until", o->until, "Only what ends at this time or earlier");
  command->add_flag("--known-sites", o->known_sites, "Leave out sites that the configuration doesn't know");
  command->add_option("--region", o->region, "Region (and root region) of sites that the configuration doesn't know")
      ->capture_default_str();
  command->add_flag("--resume", o->resume, "Go on from the log's last tick: packets before it are skipped");
  command->add_flag("--quiet", o->quiet, "No progress bar");
  command->add_option("FILE", o->files, "Files, plain or zstd; - is standard input")->required();
  command->footer(
      "A new log's time is that of the files (fed): they are merged by time, and the log ends when the last hour has\n"
      "closed. Into a log whose time is the wall clock's (of `up`) only readings are written. Published results in a\n"
      "file (_24h, AQI ...) are counted and skipped. A site goes by its id in the configuration or one of its\n"
      "`aliases`; with --until T and then --from T two sources of one site follow each other without a double.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
