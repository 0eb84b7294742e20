// qingchuan simulate: an invented prefecture into a log.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "platform/progress.h"
#include "platform/shutdown.h"
#include "processor/records.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/player.h"
#include "simulator/load.h"
#include "simulator/truth.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string scenario;
  std::uint64_t seed = 1;
  std::string from;
  int hours = 0;
  std::string speed = "max";
  std::string truth;
  bool resume = false;
  bool quiet = false;
};

Result<core::EventTime> begin_of(const Options& o, const simulator::v1::Scenario& scenario) {
  if (o.from.empty()) {
    if (scenario.from() != 0) return core::event_time(scenario.from());
    return fail(Errc::usage, "the scenario says no day to begin on: --from TIME");
  }
  const auto at = core::parse_iso(o.from.size() == 10 ? o.from + "T00:00:00" : o.from);
  if (!at) return fail(Errc::usage, "--from wants a time such as 2026-01-12T08:00:00, not `" + o.from + "`");
  return core::floor_to(*at, simulator::kMinute);
}

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  const auto speed = parse_speed(o.speed);
  if (!speed) return tl::make_unexpected(speed.error());
  // The files first: a mistyped name must not leave a new log behind.
  const auto path = platform::find_config(o.place.config);
  if (!path) return tl::make_unexpected(path.error());
  const auto config = platform::load_valid_config(*path);
  if (!config) return tl::make_unexpected(config.error());
  auto play = simulator::load_play(*config, o.scenario);
  if (!play) return tl::make_unexpected(play.error());
  const auto from = begin_of(o, play->scenario);
  if (!from) return tl::make_unexpected(from.error());
  const int hours = o.hours > 0 ? o.hours : play->scenario.hours() > 0 ? play->scenario.hours() : 72;
  const core::EventTime until = *from + core::kHour * hours;
  std::optional<simulator::Truth> truth;
  if (!o.truth.empty()) {
    auto opened = simulator::Truth::open(o.truth);
    if (!opened) return tl::make_unexpected(opened.error());
    truth.emplace(std::move(*opened));
  }

  std::string hash;
  auto opened = create_log(o.place, core::Timeline::Fed, hash, true);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto rules = opened->rules->get(hash);
  if (!rules) return tl::make_unexpected(rules.error());
  auto writer = LogWriter::open(*opened->log);
  if (!writer) return tl::make_unexpected(writer.error());
  const auto ticks = writer->last_ticks();
  if (!ticks) return tl::make_unexpected(ticks.error());
  const auto events = stream::partitions_of(*opened->log, processor::kEvents);
  if (!events) return tl::make_unexpected(events.error());
  if (!o.resume && ticks->greatest && *from < *ticks->greatest) {
    return fail(Errc::log_timeline, "the simulation begins at " + core::to_iso(*from) +
                                        ", before the log's last tick " + core::to_iso(*ticks->greatest) +
                                        " (--resume goes on from there)");
  }

  simulator::v1::Played played;
  *played.mutable_world() = std::move(play->world);
  *played.mutable_scenario() = std::move(play->scenario);
  played.set_seed(o.seed);
  played.set_from_ms(core::ms(*from));
  simulator::Simulation simulation(played, *rules);
  platform::Progress progress({"simulating",
                               "minutes",
                               static_cast<std::uint64_t>((until - *from) / simulator::kMinute),
                               platform::stderr_is_terminal(),
                               platform::stderr_columns(),
                               {},
                               {}});
  Player::Options options;
  options.speed = *speed;
  options.close_after = (*rules)->horizons.close_after;
  options.events_partitions = *events;
  options.version = version();
  options.each = [&](core::EventTime minute, const std::vector<simulator::Packet>& sent) {
    if (truth) truth->add(simulation, minute, sent);
    if (o.quiet) return;
    progress.set_note(core::to_iso(minute).substr(0, 16));
    progress.set(static_cast<std::uint64_t>((minute + simulator::kMinute - *from) / simulator::kMinute));
  };
  Player player(*writer, simulation, std::move(options));
  const auto end = player.play(until, o.resume ? ticks->least : std::nullopt, shutdown.token());
  if (!end) return tl::make_unexpected(end.error());
  const bool stopped = *end < until;
  if (!stopped) {
    if (auto closed = player.close(until); !closed) return tl::make_unexpected(closed.error());
  }
  if (truth) {
    if (auto written = truth->finish(); !written) return tl::make_unexpected(written.error());
  }
  if (!o.quiet) progress.finish();
  std::printf("simulated %lld INVENTED readings in %lld packets of %zu sites, %s to %s\n",
              static_cast<long long>(player.counts().readings), static_cast<long long>(player.counts().packets),
              simulation.stations().size(), core::to_iso(*from).c_str(), core::to_iso(*end).c_str());
  if (player.counts().forecasts > 0)
    std::printf("and %lld INVENTED forecasts\n", static_cast<long long>(player.counts().forecasts));
  if (stopped) std::printf("stopped before the end; `--resume` goes on from the log's last tick\n");
  return stopped ? 130 : 0;
}

}  // namespace

Command make_simulate_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("simulate", "Put the readings of an invented prefecture into a log");
  add_place_options(*command, o->place);
  command->add_option("--scenario", o->scenario,
                      "Name of a scenario (config/demo/scenarios), or a file (default: the configuration's)");
  command->add_option("--seed", o->seed, "The same seed gives the same bytes")->capture_default_str();
  command->add_option("--from", o->from,
                      "First minute, as 2026-01-12 or 2026-01-12T08:00:00 (default: the scenario's)");
  command->add_option("--hours", o->hours, "How long (default: the scenario's, or 72)")->check(CLI::Range(1, 8784));
  command->add_option("--speed", o->speed, "Times real time, or max")->capture_default_str();
  command->add_option("--truth", o->truth,
                      "CSV to write: the air as it really was, and every fault (docs/simulator.md)");
  command->add_flag("--resume", o->resume, "Go on from the log's last tick, with the same scenario, seed and --from");
  command->add_flag("--quiet", o->quiet, "No progress bar");
  command->footer(
      "All that it writes is INVENTED. The log's time is the simulation's own (fed), and it ends when the last hour "
      "has\n"
      "closed; `qingchuan processor --until-end` judges it.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
