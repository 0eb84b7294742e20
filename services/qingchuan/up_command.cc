// qingchuan up: everything in one process.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "platform/clock.h"
#include "platform/log.h"
#include "platform/shutdown.h"
#include "processor/processor.h"
#include "qingchuan/command.h"
#include "qingchuan/live_source.h"
#include "qingchuan/open_log.h"
#include "qingchuan/processor_options.h"
#include "qingchuan/reload.h"
#include "qingchuan/service_host.h"
#include "qingchuan/watch.h"

namespace qc::commands {
namespace {

struct Options {
  Place place{.data_default = "data/live"};
  std::string listen;
  std::string language = "zh";
  std::uint64_t seed = 1;
  bool no_source = false;
  bool quiet = false;
  bool accept_clock = false;
};

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  std::string hash;
  platform::Metrics metrics(version());
  auto opened = create_log(o.place, core::Timeline::Wall, hash, true, {.joins = true, .metrics = &metrics.registry()});
  if (!opened) return tl::make_unexpected(opened.error());
  const auto rules = opened->rules->get(hash);
  if (!rules) return tl::make_unexpected(rules.error());
  const auto partitions = partitions_of(*opened->log, "readings");
  if (!partitions) return tl::make_unexpected(partitions.error());

  processor::ProcessorOptions options = processor_options(opened->config.system, hash);
  options.accept_clock = o.accept_clock;
  auto made =
      processor::Processor::create(*opened->log, *opened->rules, options, metrics.registry(), platform::system_clock());
  if (!made) return tl::make_unexpected(made.error());
  processor::Processor& processor = **made;

  platform::Endpoints endpoints;
  endpoints.title = "qingchuan " + version();
  endpoints.stations = [&processor] { return processor.stations(); };
  endpoints.unready = [&processor] { return processor.unready(); };
  const auto page = serve(opened->config.system, o.listen, metrics, std::move(endpoints));
  if (!page) return tl::make_unexpected(page.error());

  std::printf(
      "qingchuan %s\n  log            %s\n  configuration  %s (%zu sites, rules %s)\n  metrics        "
      "http://%s/metrics\n",
      version().c_str(), opened->where.c_str(), opened->config.path.c_str(), (*rules)->sites.size(), hash.c_str(),
      (*page)->address().c_str());
  if (!o.no_source) {
    std::printf(
        "  readings       INVENTED by the small built-in source, until the simulator brings the real one (--no-source: "
        "none)\n");
  }
  std::fflush(stdout);

  std::unique_ptr<LogUpkeep> upkeep;  // Kafka does this itself
  std::unique_ptr<StandbyNotice> standby;
  if (opened->embedded != nullptr) {
    upkeep = std::make_unique<LogUpkeep>(*opened->embedded, metrics.registry(),
                                         stream::Milliseconds(opened->config.system.embedded().maintenance_interval()));
    standby = std::make_unique<StandbyNotice>(*opened->embedded);
  }
  std::unique_ptr<Watcher> watcher;
  if (!o.quiet) {
    const Language language = o.language == "en" ? Language::English : Language::Chinese;
    watcher = std::make_unique<Watcher>(*opened->log, Watch(*rules, language, isatty(STDOUT_FILENO) == 1));
  }
  std::unique_ptr<LiveSource> source;
  if (!o.no_source) {
    LiveSource::Options live;
    live.seed = o.seed;
    live.wall_ms = [] { return platform::system_clock().wall_ms(); };
    source = std::make_unique<LiveSource>(*opened->log, *rules, *partitions, std::move(live));
  }
  std::optional<Reload> reload(std::in_place, shutdown, *opened, hash, processor, metrics.registry());
  const auto ended = processor.run(shutdown.token());
  reload.reset();
  source.reset();
  watcher.reset();
  if (!ended) return tl::make_unexpected(ended.error());
  platform::log_info("stopped; everything that was read is committed");
  return 0;
}

}  // namespace

Command make_up_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("up", "Run everything in one process, over the embedded log or Kafka");
  add_place_options(*command, o->place);
  command->add_option("--listen", o->listen, "HOST:PORT of /metrics, /readyz, /livez (default: the configuration's)");
  command->add_option("--lang", o->language, "Language of what is printed: zh or en")
      ->check(CLI::IsMember({"zh", "en"}))
      ->capture_default_str();
  command->add_option("--seed", o->seed, "Of the invented readings")->capture_default_str();
  command->add_flag("--no-source", o->no_source, "No invented readings: only what is fed into the log");
  command->add_flag("--quiet", o->quiet, "Print no means and signals");
  command->add_flag("--accept-clock", o->accept_clock,
                    "Believe a clock that stands more than 30 days past the log's last tick");
  command->footer(
      "The readings are INVENTED by a small built-in source, until the simulator brings the real one. `qingchuan "
      "tail`\n"
      "and `qingchuan feed` work on the same log beside it. Ctrl-C stops it; nothing is lost.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
