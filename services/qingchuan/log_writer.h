// Writes the door's side of a log: records of sites, and in a `fed` log the time of their timeline, to each partition
// of `readings` and `tracks` (architecture section 3). What was gathered is appended at once: on the embedded log whole
// or not at all.
//
// Lifecycle: open, then add and flush. Threads: one at a time.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/time.h"
#include "stream/log.h"

namespace qc::commands {

class LogWriter {
 public:
  // Errors: topic_unknown where the log has not been set up, and those of the log.
  static Result<LogWriter> open(stream::Log& log);

  // Of the partitions of `readings`.
  struct LastTicks {
    std::optional<core::EventTime> greatest;
    std::optional<core::EventTime> least;  // nullopt: there is a partition without any
  };
  Result<LastTicks> last_ticks() const;

  void tick(core::EventTime now);
  void add(const std::string& site, std::string value);
  void add(stream::NewRecord record) { gathered_.push_back(std::move(record)); }
  std::size_t gathered() const { return gathered_.size(); }
  // After an error all is still gathered: the same may be tried again.
  Result<void> flush();

  int readings_partitions() const { return readings_; }
  int tracks_partitions() const { return tracks_; }

 private:
  explicit LogWriter(stream::Log& log) : log_(&log) {}
  stream::Log* log_;
  std::unique_ptr<stream::Appender> appender_;
  int readings_ = 0;
  int tracks_ = 0;
  std::vector<stream::NewRecord> gathered_;
};

// A timeline at so many times the speed of life. Threads: one at a time.
class Pace {
 public:
  explicit Pace(double speed) : speed_(speed) {}  // 0: as fast as it goes
  // Until it is the turn of `at`; the first one has it at once. A stop ends the wait.
  void wait(core::EventTime at, const std::stop_token& stop);
  bool waits() const { return speed_ > 0; }

 private:
  double speed_;
  std::optional<core::EventTime> first_;
  std::chrono::steady_clock::time_point started_;
};

// "max" or a number above 0: 0 is max. Error: usage.
Result<double> parse_speed(const std::string& text);

}  // namespace qc::commands
