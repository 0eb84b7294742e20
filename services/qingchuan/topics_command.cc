// qingchuan topics: the configured topics and those of a log; makes what is missing.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/topics.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  bool apply = false;
};

constexpr int kDifferent = 2;

Result<int> run(const Options& o) {
  auto opened = open_for_topics(o.place, o.apply);
  if (!opened) return tl::make_unexpected(opened.error());
  const std::vector<stream::TopicSpec> wanted = topics_of(opened->config.system);
  const auto found = opened->log->topics();
  if (!found) return tl::make_unexpected(found.error());
  const auto all = compare_topics(*found, wanted);
  std::printf("%s\n%s", opened->where.c_str(), to_text(all).c_str());
  if (opened->embedded == nullptr) {
    const int copies = opened->config.system.kafka().replication();
    std::printf("replication of new topics: %s\n",
                copies > 0 ? std::to_string(copies).c_str() : "the broker's default (kafka.replication)");
  }
  std::fflush(stdout);
  if (!o.apply) return differ(all) ? kDifferent : 0;
  if (refused(all)) {
    return fail(Errc::partitions_changed, "nothing was made or changed: a topic has another partition count");
  }
  if (!differ(all)) return 0;
  if (auto made = opened->log->create_topics(wanted); !made) return tl::make_unexpected(made.error());
  std::printf("done\n");
  return 0;
}

// 2 says that there is a difference, so whatever else goes wrong is a 1 here, a wrong option included.
Result<int> run_or_say(const Options& o) {
  auto status = run(o);
  if (status || status.error().code != Errc::usage) return status;
  std::fprintf(stderr, "qingchuan topics: %s\n", describe(status.error()).c_str());
  return 1;
}

}  // namespace

Command make_topics_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("topics", "Compare the topics of a log with the configuration; make them");
  command->require_subcommand(1);
  CLI::App* plan = command->add_subcommand("plan", "Print what differs; 0: nothing, 2: something, 1: an error");
  CLI::App* apply = command->add_subcommand("apply", "Print it, then make what is missing and set what differs");
  for (CLI::App* action : {plan, apply}) add_place_options(*action, o->place);
  const Command copy = make_topics_copy_command(*command);
  command->footer(
      "A changed partition count is refused, and with it everything else; a topic that is not configured is left "
      "alone.");
  return {command, [o, apply, copy] {
            if (copy.app->parsed()) return copy.run();
            o->apply = apply->parsed();
            return run_or_say(*o);
          }};
}

}  // namespace qc::commands
