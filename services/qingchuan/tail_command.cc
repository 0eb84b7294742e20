// qingchuan tail: committed records of a topic, as they are.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "platform/shutdown.h"
#include "processor/records.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/tail_print.h"
#include "stream/read_range.h"

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

// Calls `visit(record)` for whatever comes from there on, until a stop. false from visit ends it.
Result<void> follow(stream::Log& log, std::span<const std::pair<stream::TopicPartition, stream::Offset>> from,
                    std::stop_token stop, const stream::Visit& visit) {
  auto reader = log.reader(from);
  if (!reader) return tl::make_unexpected(reader.error());
  stream::Batch batch;
  while (!stop.stop_requested()) {
    if (auto polled = (*reader)->poll(batch, 4096, stream::Milliseconds(200)); !polled) return polled;
    for (const stream::Record& r : batch.records) {
      if (!visit(r)) return {};
    }
  }
  return {};
}

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  const TailFormat format = o.format == "csv" ? TailFormat::Csv : TailFormat::Json;
  if (format == TailFormat::Csv && !processor::holds_means(o.topic) && o.topic != "signals" && o.topic != "events") {
    return fail(Errc::usage, "--format csv is for means, region-means, signals and events; " + o.topic + " has json");
  }
  if (o.latest && !o.until_end) return fail(Errc::usage, "--latest needs --until-end: later revisions may still come");
  auto opened = open_log(o.place);
  if (!opened) return tl::make_unexpected(opened.error());
  stream::Log& log = *opened->log;
  auto whole = stream::whole_topic(log, o.topic);
  if (!whole) return tl::make_unexpected(whole.error());
  std::vector<std::pair<stream::TopicPartition, stream::Offset>> from;
  for (stream::Stretch& s : *whole) {
    if (!o.from_beginning && !o.latest) s.from = s.until;
    from.emplace_back(s.of, s.from);
  }

  // Two passes, so that only offsets are held: the greatest revision of each id, then the records that have it.
  std::map<int, std::vector<stream::Offset>> printed;
  std::unique_ptr<stream::Reader> reader;  // one for both
  if (o.latest) {
    auto made = stream::reader_of(log, *whole);
    if (!made) return tl::make_unexpected(made.error());
    reader = std::move(*made);
    struct Latest {
      std::int64_t revision;
      int partition;
      stream::Offset offset;
    };
    std::unordered_map<std::string, Latest> latest;
    const auto find_latest = [&](const stream::Record& r) {
      Identity i = identity_of(o.topic, r);
      const Latest here{i.revision, r.from->partition, r.offset};
      const auto [it, is_new] = latest.try_emplace(std::move(i.id), here);
      if (!is_new && i.revision >= it->second.revision) it->second = here;
      return true;
    };
    if (auto done = stream::read_range(*reader, *whole, find_latest, shutdown.token()); !done)
      return tl::make_unexpected(done.error());
    for (const auto& [id, l] : latest) printed[l.partition].push_back(l.offset);
    for (auto& [partition, offsets] : printed) std::sort(offsets.begin(), offsets.end());
  }

  std::string out = tail_header(o.topic, format);
  const auto write = [&out] {
    const bool written = std::fwrite(out.data(), 1, out.size(), stdout) == out.size() && std::fflush(stdout) == 0;
    out.clear();
    return written;
  };
  if (!write()) return 0;
  const auto print = [&](const stream::Record& r) {
    if (o.latest) {
      const auto of = printed.find(r.from->partition);
      if (of == printed.end() || !std::binary_search(of->second.begin(), of->second.end(), r.offset)) return true;
    }
    const std::string text = print_record(o.topic, r, format);
    if (text.empty()) return true;
    out += text;
    // A closed pipe (| head) ends it quietly.
    return !o.until_end || out.size() > (1U << 16) ? write() : true;
  };
  const auto done = o.latest      ? stream::read_range(*reader, *whole, print, shutdown.token())
                    : o.until_end ? stream::read_range(log, *whole, print, shutdown.token())
                                  : follow(log, from, shutdown.token(), print);
  if (!done) return tl::make_unexpected(done.error());
  write();
  return 0;
}

}  // namespace

Command make_tail_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tail", "Print the committed records of a topic");
  command
      ->add_option("TOPIC", o->topic,
                   "readings, events, means, region-means, signals, dead-letters, rules ... (architecture: topics)")
      ->required();
  add_place_options(*command, o->place);
  command->add_flag("--from-beginning", o->from_beginning,
                    "From the oldest record kept; otherwise only what comes from now on");
  command->add_flag("--until-end", o->until_end, "Stop at what is the end now; otherwise go on until interrupted");
  command->add_flag("--latest", o->latest,
                    "Of each mean or signal only the latest revision (from the beginning; needs --until-end)");
  command->add_option("--format", o->format, "json: one object a line; csv: for means, signals and events")
      ->check(CLI::IsMember({"json", "csv"}))
      ->capture_default_str();
  command->footer("Safe beside a running `up` or `processor`: it only reads.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
