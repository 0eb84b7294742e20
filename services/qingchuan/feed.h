// Feeds data files into a log (architecture section 3). Into a `fed` log it writes the files' own time: it merges them
// by time, and at every instant writes first the tick to each partition of `readings` and `tracks`, then the packets
// received then; it ends with a tick at the last hour's end + close_after, so that every hour closes. Into a `wall` log
// it writes readings only. A site goes by the id that the configuration has for the file's name of it (`aliases`);
// those that it doesn't know are registered under the file's own names.
//
// An instant is appended whole or not at all, so a feed that was killed can be resumed: from the log's last tick on.
//
// Lifecycle: construct, run once. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "core/rules.h"
#include "qingchuan/log_writer.h"
#include "stream/log.h"
#include "wire/codec.h"
#include "wire/merge.h"

namespace qc::commands {

struct FeedOptions {
  core::Timeline timeline = core::Timeline::Fed;
  double speed = 0;  // times real time; 0: as fast as the log takes it
  bool resume = false;
  core::Interval only{core::EventTime::min(), core::EventTime::max()};  // what does not lie within it is left out
  bool known_only = false;     // so are sites that the configuration doesn't know
  std::string region = "fed";  // of the sites that are registered, and the root region too
  core::Duration close_after = std::chrono::minutes(10);
  std::size_t append_records_max = 4000;          // gathered before they are appended
  std::function<std::int64_t()> wall_ms;          // receive time in a wall log
  std::function<void(core::EventTime)> progress;  // after every instant
};

struct FeedReport {
  std::int64_t packets = 0;
  std::int64_t readings = 0;
  std::int64_t skipped_packets = 0;  // --resume: already in the log
  std::int64_t outside_packets = 0;  // of FeedOptions::only
  std::int64_t unknown_packets = 0;  // FeedOptions::known_only
  std::int64_t ticks = 0;
  std::size_t sites = 0;
  std::optional<core::EventTime> first;
  std::optional<core::EventTime> last;
  bool stopped = false;  // before the files' end
};

class Feed {
 public:
  // `rules`: whose sites need no registration. All outlive it.
  Feed(stream::Log& log, wire::Merge& files, const core::RuleSet& rules, FeedOptions options);

  // log_timeline: the files begin before the log's last tick.
  Result<FeedReport> run(std::stop_token stop);

 private:
  Result<void> prepare();
  Result<void> begin_instant(core::EventTime at, std::stop_token stop);
  // Under the name that the configuration has for its site. false: it is left out, and counted.
  bool takes(wire::Packet& packet);
  void add(const wire::Packet& packet);
  void tick(core::EventTime now);

  stream::Log& log_;
  wire::Merge& files_;
  const core::RuleSet& rules_;
  FeedOptions options_;
  std::optional<LogWriter> writer_;
  Pace pace_;
  std::optional<core::EventTime> last_tick_;    // of the log when we began: the greatest of all partitions
  std::optional<core::EventTime> resume_from_;  // the least
  wire::BatchBuilder builder_;
  std::set<std::string, std::less<>> sites_;
  FeedReport report_;
};

}  // namespace qc::commands
