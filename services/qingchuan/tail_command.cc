// qingchuan tail: committed records of a topic, as they are.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <unordered_map>

#include "platform/shutdown.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/tail_print.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string topic;
  std::string format = "json";
  bool from_beginning = false;
  bool until_end = false;
  bool latest = false;
};

using Places = std::vector<std::pair<stream::TopicPartition, stream::Offset>>;

// Calls `visit(record)` for all records from `from` on; until the ends, or until a stop. false from visit ends it.
template <class Visit>
Result<void> read(stream::Log& log, const Places& from, const Places& ends, bool until_end, std::stop_token stop,
                  Visit visit) {
  auto reader = log.reader(from);
  if (!reader) return tl::make_unexpected(reader.error());
  std::unordered_map<int, stream::Offset> left;  // partitions that have not reached their end, and that end
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (from[i].second < ends[i].second) left[ends[i].first.partition] = ends[i].second;
  }
  stream::Batch batch;
  while (!stop.stop_requested() && (!until_end || !left.empty())) {
    if (auto polled = (*reader)->poll(batch, 4096, stream::Milliseconds(200)); !polled) return polled;
    if (until_end && batch.records.empty()) break;  // what is left are gaps
    for (const stream::Record& r : batch.records) {
      const auto end = left.find(r.from->partition);
      if (until_end && (end == left.end() || r.offset >= end->second)) continue;
      if (end != left.end() && r.offset + 1 >= end->second) left.erase(end);
      if (!visit(r)) return {};
    }
  }
  return {};
}

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  const TailFormat format = o.format == "csv" ? TailFormat::Csv : TailFormat::Json;
  if (format == TailFormat::Csv && o.topic != "means" && o.topic != "signals") {
    return fail(Errc::usage, "--format csv is for means and signals; " + o.topic + " has json");
  }
  if (o.latest && !o.until_end) return fail(Errc::usage, "--latest needs --until-end: later revisions may still come");
  auto opened = open_log(o.place, false);
  if (!opened) return tl::make_unexpected(opened.error());
  stream::Log& log = *opened->log;
  const auto partitions = partitions_of(log, o.topic);
  if (!partitions) return tl::make_unexpected(partitions.error());
  Places from;
  Places ends;
  for (int p = 0; p < *partitions; ++p) {
    const stream::TopicPartition tp{o.topic, p};
    const auto range = log.range(tp);
    if (!range) return tl::make_unexpected(range.error());
    from.emplace_back(tp, o.from_beginning || o.latest ? range->start : range->end);
    ends.emplace_back(tp, range->end);
  }

  // Two passes, so that only offsets are held: the greatest revision of each id, then the records that have it.
  struct Latest {
    std::int64_t revision;
    int partition;
    stream::Offset offset;
  };
  std::unordered_map<std::string, Latest> latest;
  if (o.latest) {
    auto done = read(log, from, ends, true, shutdown.token(), [&](const stream::Record& r) {
      Printed p = print_record(o.topic, r, format);
      const Latest here{p.revision, r.from->partition, r.offset};
      const auto [it, is_new] = latest.try_emplace(std::move(p.id), here);
      if (!is_new && p.revision >= it->second.revision) it->second = here;
      return true;
    });
    if (!done) return tl::make_unexpected(done.error());
  }

  std::string out = tail_header(o.topic, format);
  const auto write = [&out] {
    const bool written = std::fwrite(out.data(), 1, out.size(), stdout) == out.size() && std::fflush(stdout) == 0;
    out.clear();
    return written;
  };
  if (!write()) return 0;
  auto done = read(log, from, ends, o.until_end, shutdown.token(), [&](const stream::Record& r) {
    const Printed p = print_record(o.topic, r, format);
    if (p.text.empty()) return true;
    if (o.latest) {
      const auto it = latest.find(p.id);
      if (it == latest.end() || it->second.offset != r.offset || it->second.partition != r.from->partition) return true;
    }
    out += p.text;
    // A closed pipe (| head) ends it quietly.
    return !o.until_end || out.size() > (1U << 16) ? write() : true;
  });
  if (!done) return tl::make_unexpected(done.error());
  write();
  return 0;
}

}  // namespace

Command make_tail_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tail", "Print the committed records of a topic");
  command->add_option("TOPIC", o->topic, "readings, means, signals, dead-letters, rules ... (architecture: topics)")
      ->required();
  command->add_option("--data", o->place.data, "Directory of the embedded log")->required();
  command->add_flag("--from-beginning", o->from_beginning,
                    "From the oldest record kept; otherwise only what comes from now on");
  command->add_flag("--until-end", o->until_end, "Stop at what is the end now; otherwise go on until interrupted");
  command->add_flag("--latest", o->latest,
                    "Of each mean or signal only the latest revision (from the beginning; needs --until-end)");
  command->add_option("--format", o->format, "json: one object a line; csv: for means and signals")
      ->check(CLI::IsMember({"json", "csv"}))
      ->capture_default_str();
  command->footer("Safe beside a running `up` or `processor`: it only reads.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
