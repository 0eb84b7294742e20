// qingchuan processor: readings -> means and signals, over a log that exists.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "platform/clock.h"
#include "platform/log.h"
#include "platform/shutdown.h"
#include "processor/processor.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/processor_options.h"
#include "qingchuan/reload.h"
#include "qingchuan/service_host.h"
#include "qingchuan/snapshot_keeper.h"
#include "qingchuan/watch.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  bool until_end = false;
  bool accept_clock = false;
  int workers = 0;
  std::string listen;
  bool show = false;
};

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  platform::Metrics metrics(version());
  auto opened = open_log(o.place, {.joins = true, .metrics = &metrics.registry()});
  if (!opened) return tl::make_unexpected(opened.error());
  std::string hash;
  if (opened->configured) {
    auto stored = store_rules(*opened);
    if (!stored) return tl::make_unexpected(stored.error());
    hash = *stored;
  }
  processor::ProcessorOptions options = processor_options(opened->config.system, hash);
  if (o.workers > 0) options.workers = o.workers;
  options.until_end = o.until_end;
  options.accept_clock = o.accept_clock;
  auto made =
      processor::Processor::create(*opened->log, *opened->rules, options, metrics.registry(), platform::system_clock());
  if (!made) return tl::make_unexpected(made.error());
  processor::Processor& processor = **made;

  // A run to the end is a job among others and needs no page; a service has one.
  std::unique_ptr<platform::WebServer> page;
  if (!o.until_end || !o.listen.empty()) {
    platform::Endpoints endpoints;
    endpoints.title = "qingchuan processor " + version();
    endpoints.stations = [&processor] { return processor.stations(); };
    endpoints.unready = [&processor] { return processor.unready(); };
    auto served = serve(opened->config.system, o.listen, metrics, std::move(endpoints));
    if (!served) return tl::make_unexpected(served.error());
    page = std::move(*served);
    platform::log_info("page", {{"address", page->address()}});
  }
  std::unique_ptr<LogUpkeep> upkeep;  // Kafka does this itself
  std::unique_ptr<StandbyNotice> standby;
  if (opened->embedded != nullptr) {
    upkeep = std::make_unique<LogUpkeep>(*opened->embedded, metrics.registry(),
                                         stream::Milliseconds(opened->config.system.embedded().maintenance_interval()));
    standby = std::make_unique<StandbyNotice>(*opened->embedded);
  }
  std::unique_ptr<Watcher> watcher;
  if (o.show) {
    watcher = std::make_unique<Watcher>(*opened->log, Watch(rules_in(*opened->rules), Language::Chinese,
                                                            isatty(STDOUT_FILENO) == 1, core::EventTime::max()));
  }
  std::optional<SnapshotKeeper> snapshots;
  if (!o.until_end) snapshots.emplace(*opened->log, *opened->rules, opened->config.system, options.stage);
  std::optional<Reload> reload;
  if (opened->configured && !o.until_end) reload.emplace(shutdown, *opened, hash, processor, metrics.registry());
  platform::log_info("processor started",
                     {{"log", opened->where}, {"workers", options.workers}, {"until_end", o.until_end}});
  if (auto ended = processor.run(shutdown.token()); !ended) return tl::make_unexpected(ended.error());
  platform::log_info("processor ended", {{"reason", shutdown.stopping() ? "asked to stop" : "end of input"}});
  return shutdown.stopping() && o.until_end ? 130 : 0;
}

}  // namespace

Command make_processor_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("processor", "Make means, indices and signals from the readings of a log");
  add_place_options(*command, o->place);
  command->add_flag("--until-end", o->until_end,
                    "Stop when all that is in the log now has been processed and committed");
  command
      ->add_option("--workers", o->workers, "Threads, each with partitions of its own (default: the configuration's)")
      ->check(CLI::Range(1, 64));
  command->add_option("--listen", o->listen, "HOST:PORT of /metrics, /readyz, /livez (default: the configuration's)");
  command->add_flag("--show", o->show,
                    "Print every sixth closed hour and the signals of level 2 and more as they come");
  command->add_flag("--accept-clock", o->accept_clock,
                    "Believe a clock that stands more than 30 days past the log's last tick");
  command->footer(
      "Several may run on one log. In --data the first one has the partitions, the others stand by and take over; on "
      "Kafka they share them.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
