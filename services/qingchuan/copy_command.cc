// qingchuan topics copy: an embedded log, with the state and the offsets of its services, into Kafka.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <memory>

#include "platform/progress.h"
#include "platform/shutdown.h"
#include "qingchuan/command.h"
#include "qingchuan/copy_log.h"
#include "qingchuan/open_log.h"

namespace qc::commands {
namespace {

struct Options {
  std::string from;
  Place place;
  bool quiet = false;
};

// Who is at work there, by name; and that no group is left behind.
Result<void> check_groups(stream::EmbeddedLog& log, const std::vector<CopyGroup>& groups) {
  for (const CopyGroup& group : groups) {
    const auto holders = log.holders(group.name);
    if (!holders) return tl::make_unexpected(holders.error());
    for (const stream::LeaseHolder& h : *holders) {
      if (!h.held) continue;
      return fail(Errc::copy_refused, "process " + std::to_string(h.pid) + " (" + h.member +
                                          ") works on the log that is to be copied: stop it, and what feeds the log");
    }
  }
  const auto known = log.groups();
  if (!known) return tl::make_unexpected(known.error());
  for (const std::string& name : *known) {
    const bool goes_along =
        std::any_of(groups.begin(), groups.end(), [&name](const CopyGroup& g) { return g.name == name; });
    if (goes_along) continue;
    return fail(Errc::copy_refused,
                "the log has offsets of a service `" + name + "` that this binary cannot copy: a newer one may");
  }
  return {};
}

void print_report(const CopyReport& report) {
  std::printf("%-18s %10s %12s %14s  %s\n", "topic", "partitions", "records", "bytes", "hash, read back");
  std::int64_t changed = 0;
  for (const CopiedTopic& t : report.topics) {
    changed += t.changed;
    if (t.records == 0) continue;
    std::printf("%-18s %10d %12" PRId64 " %14" PRIu64 "  %016" PRIx64 "\n", t.name.c_str(), t.partitions, t.records,
                t.bytes, t.hash);
  }
  if (report.renumbered) {
    std::printf("the log had gaps: its inputs have other offsets now, and %" PRId64
                " records that name them were "
                "rewritten\n",
                changed);
  } else {
    std::printf("no offset of an input changed: the copy is the same byte for byte\n");
  }
  for (const std::string& line : report.unread_lost) std::printf("%s\n", line.c_str());
}

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  auto to = open_for_topics(o.place, false);
  if (!to) return tl::make_unexpected(to.error());
  auto from = stream::open_embedded(o.from, {});
  if (!from) return tl::make_unexpected(from.error());
  CopyOptions options;
  options.topics = topics_of(to->config.system);
  options.groups = copy_groups();
  if (auto checked = check_groups(**from, options.groups); !checked) return tl::make_unexpected(checked.error());

  std::unique_ptr<platform::Progress> progress;
  if (!o.quiet) {
    options.progress = [&](std::uint64_t done, std::uint64_t of) {
      if (progress == nullptr) {
        progress = std::make_unique<platform::Progress>(platform::Progress::Options{
            "copying", "records", of, platform::stderr_is_terminal(), platform::stderr_columns(), {}, {}});
      }
      progress->set(std::min(done, of));
    };
  }
  const auto report = copy_log(**from, *to->log, options, shutdown.token());
  if (progress != nullptr) progress->finish();
  if (!report) return tl::make_unexpected(report.error());
  std::printf("%s -> %s\n", o.from.c_str(), to->where.c_str());
  print_report(*report);
  std::printf("%s\n", report->nothing_to_do ? "it was complete before; nothing was done" : "complete");
  std::printf(
      "next: `qingchuan up --kafka HOST:PORT` (or `processor`, and `feed --resume`) with the same "
      "configuration; never start anything on %s again, keep it until you trust the copy\n",
      o.from.c_str());
  return 0;
}

}  // namespace

Command make_topics_copy_command(CLI::App& topics) {
  auto o = std::make_shared<Options>();
  CLI::App* command = topics.add_subcommand("copy", "Copy an embedded log, with its services' state, into Kafka");
  command->add_option("--from-data", o->from, "Directory of the embedded log; nothing may work on it")->required();
  command->add_option("--kafka", o->place.kafka, "HOST:PORT,... (default: kafka.brokers, docs/kafka.md)");
  command->add_option("--config", o->place.config,
                      "qingchuan.yaml or its directory (default: ./config, or beside the binary)");
  command->add_flag("--quiet", o->quiet, "No progress bar");
  command->footer("Killed or stopped on the way, the same command again goes on; nothing is ever doubled.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
