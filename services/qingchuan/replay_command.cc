// qingchuan replay: the log folded again, and what comes out compared with what was published.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "platform/clock.h"
#include "platform/shutdown.h"
#include "qingchuan/backtest.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/processor_options.h"
#include "qingchuan/replay.h"
#include "qingchuan/replay_print.h"
#include "qingchuan/snapshot_keeper.h"
#include "stream/memory_log.h"
#include "wire/rules.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::vector<std::string> sites;
  std::string region;
  std::string from;
  std::string until;
  std::string language = "zh";
  std::string format = "text";
  std::string snapshot;
  std::string rules;
  CLI::App* take = nullptr;  // `replay snapshot`
  std::string to;
  std::string keep;
};

Result<core::EventTime> instant(const char* option, const std::string& text) {
  const auto at = core::parse_iso(text.size() == 10 ? text + "T00:00" : text);
  if (!at)
    return fail(Errc::usage, std::string(option) + " wants a time such as 2015-12-08 or 2015-12-08T07:00, not " + text);
  return *at;
}

Result<ReplayFilter> filter_of(const Options& o) {
  ReplayFilter filter;
  filter.sites = o.sites;
  filter.region = o.region;
  for (const auto& [option, text, to] :
       {std::tuple{"--from", &o.from, &filter.from}, std::tuple{"--until", &o.until, &filter.until}}) {
    if (text->empty()) continue;
    const auto at = instant(option, *text);
    if (!at) return tl::make_unexpected(at.error());
    *to = *at;
  }
  if (filter.from >= filter.until) return fail(Errc::usage, "--from must be before --until");
  return filter;
}

void print_taken(const Snapshot& snapshot, const std::vector<std::string>& notes) {
  for (const auto& [maker, stage] : snapshot.stages) {
    std::printf("%s up to %lld: %zu entries of state, rules %s\n", to_string(maker).c_str(),
                static_cast<long long>(stage.position), stage.entries.size(), stage.rules.c_str());
  }
  for (const std::string& note : notes) std::printf("%s\n", note.c_str());
}

Result<int> take_snapshot(OpenLog& opened, const ReplaySpec& spec, const std::string& to, std::stop_token stop) {
  const auto taken = make_snapshot(*opened.log, *opened.rules, spec, std::move(stop));
  if (!taken) return tl::make_unexpected(taken.error());
  if (auto written = write_snapshot(to, taken->snapshot); !written) return tl::make_unexpected(written.error());
  print_taken(taken->snapshot, taken->notes);
  return 0;
}

Result<int> keep(OpenLog& opened, const ReplaySpec& spec, const std::string& in, std::stop_token stop) {
  KeepSpec keep{.directory = in, .stage = spec.stage, .now_ms = spec.now_ms};
  if (opened.config.system.has_replay()) keep.months = opened.config.system.replay().months_kept();
  const auto kept = keep_snapshot(*opened.log, *opened.rules, keep, std::move(stop));
  if (!kept) return tl::make_unexpected(kept.error());
  if (kept->snapshot.stages.empty()) {
    std::printf("nothing to keep: %s\n", kept->day.empty()
                                             ? "the log's time has not begun"
                                             : (kept->day + " has a snapshot, or nothing is saved yet").c_str());
    return 0;
  }
  std::printf("%s/%s\n", in.c_str(), kept->day.c_str());
  print_taken(kept->snapshot, kept->notes);
  return 0;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// With the rule set of another configuration, or with one that the log holds.
Result<int> test_rules(OpenLog& opened, const Options& o, const ReplaySpec& replay, std::stop_token stop) {
  BacktestSpec spec{replay.filter, replay.stage, o.rules};
  stream::MemoryLog elsewhere;  // for rules that the log does not hold: nothing is written into it
  processor::RulesStore other(elsewhere);
  processor::RulesStore* with = opened.rules.get();
  if (std::filesystem::exists(o.rules)) {
    const auto config = platform::load_valid_config(o.rules);
    if (!config) return tl::make_unexpected(config.error());
    if (auto built = wire::build_rules(config->rules); !built) return tl::make_unexpected(built.error());
    const stream::TopicSpec topic{processor::kRulesTopic, 1, stream::Cleanup::Compact, {}, {}};
    if (auto made = elsewhere.create_topics({&topic, 1}); !made) return tl::make_unexpected(made.error());
    auto hash = other.put(wire::canonical_bytes(config->rules));
    if (!hash) return tl::make_unexpected(hash.error());
    spec.rules = *hash;
    with = &other;
  } else if (auto known = with->get(o.rules); !known) {
    return fail(Errc::usage, "--rules wants a configuration or the hash of rules in the log; there is no " + o.rules);
  }
  const auto began = std::chrono::steady_clock::now();
  const auto result = backtest(*opened.log, *with, spec, std::move(stop));
  if (!result) return tl::make_unexpected(result.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  print(o.format == "csv" ? to_csv(*result)
                          : to_text(*result, took.count(), o.language == "en" ? Language::English : Language::Chinese));
  return 0;
}

Result<int> run(const Options& o) {
  if (!o.rules.empty() && (o.take->parsed() || !o.snapshot.empty()))
    return fail(Errc::usage, "--rules folds the log from its first record: without a snapshot");
  if (o.take->parsed() && o.to.empty() == o.keep.empty())
    return fail(Errc::usage, "replay snapshot wants --to DIR or --keep DIR");
  if (!o.keep.empty() && !o.snapshot.empty())
    return fail(Errc::usage, "--keep begins with the last one in its directory: without --snapshot");
  auto filter = filter_of(o);
  if (!filter) return tl::make_unexpected(filter.error());
  platform::Shutdown shutdown;
  auto opened = open_log(o.place);
  if (!opened) return tl::make_unexpected(opened.error());
  ReplaySpec spec;
  spec.filter = std::move(*filter);
  spec.stage = processor_options(opened->config.system, {}).stage;
  spec.now_ms = platform::system_clock().wall_ms();
  Snapshot from;
  if (!o.snapshot.empty()) {
    auto read = read_snapshot(o.snapshot);
    if (!read) return tl::make_unexpected(read.error());
    from = std::move(*read);
    spec.from = &from;
  }
  if (!o.keep.empty()) return keep(*opened, spec, o.keep, shutdown.token());
  if (o.take->parsed()) return take_snapshot(*opened, spec, o.to, shutdown.token());
  if (!o.rules.empty()) return test_rules(*opened, o, spec, shutdown.token());
  const auto began = std::chrono::steady_clock::now();
  const auto result = replay(*opened->log, *opened->rules, spec, shutdown.token());
  if (!result) return tl::make_unexpected(result.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const std::string text =
      o.format == "csv" ? to_csv(*result)
                        : to_text(*result, took.count(), o.language == "en" ? Language::English : Language::Chinese);
  print(text);
  return exit_code(*result);
}

}  // namespace

Command make_replay_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("replay", "Fold the log again and compare with what was published, byte for byte");
  add_place_options(*command, o->place);
  command->add_option("--site", o->sites, "Count only this site; may be repeated");
  command->add_option("--region", o->region, "Count only this county or prefecture");
  command->add_option("--from", o->from, "Count only windows that end after this, as 2015-12-08 or 2015-12-08T07:00");
  command->add_option("--until", o->until, "Count only windows that end at this or before");
  command->add_option("--snapshot", o->snapshot,
                      "Begin with the state kept there, and not with the log's first record");
  command->add_option("--rules", o->rules,
                      "Back-test: fold with these rules (a configuration, or a hash that the log holds) and count "
                      "alarms per day, site and level beside those that were published");
  command->add_option("--lang", o->language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->capture_default_str();
  command->add_option("--format", o->format, "text, or csv with what could not be recomputed, each series a line")
      ->check(CLI::IsMember({"text", "csv"}))
      ->capture_default_str();
  o->take = command->add_subcommand("snapshot", "Keep the state as it is now, for a later replay to begin with");
  o->take->fallthrough();
  o->take->add_option("--to", o->to, "The directory; what is kept there is replaced");
  o->take->add_option("--keep", o->keep,
                      "A directory of days: take today's unless it is there, beginning with the last one, and keep the "
                      "first of each month; what a service does with `replay: {snapshots: DIR}`");
  o->take->footer(
      "It is made by a fold of its own, never taken from the processor. With --snapshot of last month only what came\n"
      "since is folded.");
  command->footer(
      "Exit code 0: everything is equal; 2: something differs; 3: nothing differs, but some could not be recomputed;\n"
      "4: there was nothing to compare. Safe beside a running `up` or `processor`: it only reads. The limits of the\n"
      "configuration must be those that the processor ran with.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
