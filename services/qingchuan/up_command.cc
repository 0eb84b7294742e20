// qingchuan up: everything in one process.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include "platform/clock.h"
#include "platform/log.h"
#include "platform/shutdown.h"
#include "processor/processor.h"
#include "qingchuan/alerts_options.h"
#include "qingchuan/alerts_out.h"
#include "qingchuan/command.h"
#include "qingchuan/console_service.h"
#include "qingchuan/live_play.h"
#include "qingchuan/open_log.h"
#include "qingchuan/processor_options.h"
#include "qingchuan/reload.h"
#include "qingchuan/service_host.h"
#include "qingchuan/snapshot_keeper.h"
#include "qingchuan/watch.h"
#include "simulator/load.h"

namespace qc::commands {
namespace {

struct Options {
  Place place{.data_default = "data/live"};
  std::string listen;
  std::string web;
  std::string language = "zh";
  std::string scenario;
  std::uint64_t seed = 1;
  int history = 72;
  bool no_source = false;
  bool quiet = false;
  bool accept_clock = false;
};

// What a new log would be given to play; empty: nothing.
Result<std::optional<simulator::v1::Played>> played_by(const Options& o) {
  if (o.no_source) return std::nullopt;
  const auto path = platform::find_config(o.place.config);
  if (!path) return tl::make_unexpected(path.error());
  const auto config = platform::load_valid_config(*path);
  if (!config) return tl::make_unexpected(config.error());
  if (!config->system.has_simulator() && o.scenario.empty()) return std::nullopt;
  auto play = simulator::load_play(*config, o.scenario);
  if (!play) return tl::make_unexpected(play.error());
  simulator::v1::Played played;
  *played.mutable_world() = std::move(play->world);
  *played.mutable_scenario() = std::move(play->scenario);
  played.set_seed(o.seed);
  const core::EventTime now = core::event_time(platform::system_clock().wall_ms());
  played.set_from_ms(
      core::ms(core::hour_of(now) - core::kHour * (o.history > 0 ? o.history : 3)));  // 3: what is filled up
  return played;
}

// The one that the log has been playing from its beginning beats what was asked for: else its past and its future would
// not fit together.
Result<simulator::v1::Played> played_in(OpenLog& log, const simulator::v1::Played& wanted) {
  const auto bytes = log.rules->played();
  if (!bytes) return tl::make_unexpected(bytes.error());
  if (bytes->empty()) return wanted;
  simulator::v1::Played played;
  if (!played.ParseFromString(*bytes))
    return fail(Errc::log_corrupt, log.where + ": what is played into it cannot be read");
  if (played.seed() != wanted.seed() || played.scenario().name() != wanted.scenario().name()) {
    platform::log_warn("the log goes on with the simulation that it began with",
                       {{"scenario", played.scenario().name()}, {"seed", static_cast<std::int64_t>(played.seed())}});
  }
  return played;
}

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  std::string hash;
  platform::Metrics metrics(version());
  const auto wanted = played_by(o);
  if (!wanted) return tl::make_unexpected(wanted.error());
  const Use use{.joins = true, .metrics = &metrics.registry()};
  auto opened = *wanted ? create_played_log(o.place, o.history > 0 ? core::Timeline::Fed : core::Timeline::Wall,
                                            (*wanted)->SerializeAsString(), hash, use)
                        : create_log(o.place, core::Timeline::Wall, hash, true, use);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto rules = opened->rules->get(hash);
  if (!rules) return tl::make_unexpected(rules.error());
  const auto timeline = opened->rules->timeline();
  if (!timeline) return tl::make_unexpected(timeline.error());
  const bool history = *timeline == core::Timeline::Fed;
  const core::EventTime began = core::event_time(platform::system_clock().wall_ms());
  std::optional<simulator::v1::Played> played;
  if (*wanted) {
    auto in_log = played_in(*opened, **wanted);
    if (!in_log) return tl::make_unexpected(in_log.error());
    played = std::move(*in_log);
  }

  processor::ProcessorOptions options = processor_options(opened->config.system, hash);
  options.accept_clock = o.accept_clock;
  auto made =
      processor::Processor::create(*opened->log, *opened->rules, options, metrics.registry(), platform::system_clock());
  if (!made) return tl::make_unexpected(made.error());
  processor::Processor& processor = **made;
  const auto alert_options = alerts_options(*opened);
  if (!alert_options) return tl::make_unexpected(alert_options.error());
  auto made_alerts =
      alerts::Alerts::create(*opened->log, rules_for_alerts(*opened->rules), *alert_options, metrics.registry());
  if (!made_alerts) return tl::make_unexpected(made_alerts.error());
  alerts::Alerts& alerts = **made_alerts;
  const auto made_outlets = make_outlets(*opened, metrics.registry());
  if (!made_outlets) return tl::make_unexpected(made_outlets.error());
  alerts::Outlets& outlets = **made_outlets;
  const auto made_console = make_console(*opened, hash, o.web, metrics.registry());
  if (!made_console) return tl::make_unexpected(made_console.error());
  console::Console& console = **made_console;

  platform::Endpoints endpoints;
  endpoints.title = "qingchuan " + version();
  endpoints.stations = [&processor] { return processor.stations(); };
  endpoints.unready = [&processor, &alerts, &outlets, &console] {
    std::vector<std::string> reasons = processor.unready();
    for (std::string& reason : alerts.unready()) reasons.push_back(std::move(reason));
    for (std::string& reason : outlets.unready()) reasons.push_back(std::move(reason));
    for (std::string& reason : console.unready()) reasons.push_back(std::move(reason));
    return reasons;
  };
  const auto page = serve(opened->config.system, o.listen, metrics, std::move(endpoints));
  if (!page) return tl::make_unexpected(page.error());

  std::printf(
      "qingchuan %s\n  log            %s\n  configuration  %s (%zu sites, rules %s)\n  metrics        "
      "http://%s/metrics\n",
      version().c_str(), opened->where.c_str(), opened->config.path.c_str(), (*rules)->sites.size(), hash.c_str(),
      (*page)->address().c_str());
  print_console(console);
  if (played) {
    std::printf("  readings       INVENTED by the simulator: %s, seed %llu (--no-source: none)\n",
                played->scenario().name().c_str(), static_cast<unsigned long long>(played->seed()));
  }
  if (history) {
    std::printf("  history        from %s on, played first\n",
                core::to_iso(core::event_time(played->from_ms())).substr(0, 16).replace(10, 1, " ").c_str());
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
    watcher = std::make_unique<Watcher>(
        *opened->log,
        Watch(rules_in(*opened->rules), language, isatty(STDOUT_FILENO) == 1,
              history ? core::floor_to(began, simulator::kMinute) - simulator::kMinute : core::EventTime::min()));
  }
  std::optional<Reload> reload(std::in_place, shutdown, *opened, hash, processor, metrics.registry());
  std::unique_ptr<LivePlay> source;
  if (played) {
    LivePlay::Options live;
    live.close_after = (*rules)->horizons.close_after;
    live.wall_ms = [] { return platform::system_clock().wall_ms(); };
    if (history) {
      live.hand_over = [&] {
        return reload->with_rules([&](const std::string& in_force) { return hand_over(*opened, in_force); });
      };
    }
    source = std::make_unique<LivePlay>(*opened->log, std::make_unique<simulator::Simulation>(*played, *rules),
                                        std::move(live));
  }
  std::optional<SnapshotKeeper> snapshots(std::in_place, *opened->log, *opened->rules, opened->config.system,
                                          options.stage);
  Result<void> alerts_ended;
  Result<void> console_ended;
  std::stop_source all;
  const std::stop_callback forward(shutdown.token(), [&all] { all.request_stop(); });
  std::jthread beside([&] {
    alerts_ended = run_with_outlets(alerts, outlets, all.get_token());
    all.request_stop();  // where it failed for good
  });
  std::jthread shown([&] {
    console_ended = console.run(all.get_token());
    all.request_stop();
  });
  const auto ended = processor.run(all.get_token());
  all.request_stop();
  beside.join();
  shown.join();
  snapshots.reset();
  source.reset();
  reload.reset();
  watcher.reset();
  if (!ended) return tl::make_unexpected(ended.error());
  if (!alerts_ended) return tl::make_unexpected(alerts_ended.error());
  if (!console_ended) return tl::make_unexpected(console_ended.error());
  platform::log_info("stopped; everything that was read is committed");
  return 0;
}

}  // namespace

Command make_up_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("up", "Run everything in one process, over the embedded log or Kafka");
  add_place_options(*command, o->place);
  command->add_option("--listen", o->listen, "HOST:PORT of /metrics, /readyz, /livez (default: the configuration's)");
  command->add_option("--web", o->web, "HOST:PORT of the console (default: the configuration's, 127.0.0.1:8440)");
  command->add_option("--lang", o->language, "Language of what is printed: zh or en")
      ->check(CLI::IsMember({"zh", "en"}))
      ->capture_default_str();
  command->add_option("--scenario", o->scenario,
                      "What is simulated: a name of config/demo/scenarios, or a file (default: the configuration's)");
  command->add_option("--seed", o->seed, "Of the invented readings")->capture_default_str();
  command->add_option("--history", o->history, "How many hours before now a new log begins with, played first")
      ->check(CLI::Range(0, 240))
      ->capture_default_str();
  command->add_flag("--no-source", o->no_source, "No invented readings: only what is fed into the log");
  command->add_flag("--quiet", o->quiet, "Print no means and signals");
  command->add_flag("--accept-clock", o->accept_clock,
                    "Believe a clock that stands more than 30 days past the log's last tick");
  command->footer(
      "The readings are INVENTED by the simulator. A log goes on with the scenario and the seed that it began with.\n"
      "`qingchuan tail` and `qingchuan feed` work on the same log beside it. Ctrl-C stops it; nothing is lost.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
