// Time in a log, seen from outside the stages: its last tick, and the one who writes ticks in a `wall` log.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/factor.h"
#include "core/time.h"
#include "platform/clock.h"
#include "stream/log.h"
#include "stream/worker.h"

namespace qc::processor {

// The last tick of each of these partitions of one topic, found from their ends backwards with one reader; nullopt
// where there is none.
Result<std::vector<std::optional<core::EventTime>>> last_ticks(stream::Log& log,
                                                               std::span<const stream::TopicPartition> of);

// The owner's duties for its partitions of `readings` (architecture section 3): in a wall log it appends the time once
// a second, at most one unread, so that a backlog is always read before time moves on; and where the configured rules
// are others than those in force, or become others (use_rules), it appends the switch. In a fed log it writes no
// time.
//
// While the machine's clock cannot be trusted it writes nothing and says why in unready().
// Lifecycle: one a worker, outlives it. Threads: the worker's; use_rules() and unready() any.
class TickWriter : public stream::Custodian {
 public:
  struct Options {
    bool accept_clock = false;
    std::string rules_hash;  // configured at the start; empty: whatever the log has
    stream::Milliseconds interval{1000};
  };
  // What the partition's stage has come to, having read up to where tend() says.
  struct InForce {
    std::string_view rules;  // the hash of those that it judges by
    core::Timeline timeline = core::Timeline::None;
    core::EventTime now = core::EventTime::min();  // the greatest tick that it has read
  };
  TickWriter(stream::Log& log, Options options, std::function<InForce(int partition)> in_force,
             const platform::Clock& clock);

  void tend(const stream::TopicPartition& input, stream::Offset read_to, stream::Offset end) override;
  void lost(const stream::TopicPartition& input) override;

  // From the next tend() on these are the configured rules. They are in the store already.
  void use_rules(std::string hash);

  std::optional<std::string> unready() const;

 private:
  struct Duty {
    bool checked_clock = false;
    std::string rules_settled;     // those that we saw in force, or made so; empty: not looked yet
    stream::Offset first_end = 0;  // the log's end when the partition became ours
    std::int64_t ticked_ms = 0;    // the last tick written; unread while the stage's time is before it
  };
  Result<void> append(const stream::TopicPartition& to, std::string key, std::string value);
  Result<void> settle_rules(const stream::TopicPartition& input, Duty& duty, stream::Offset read_to);
  void complain(const Error& error);

  stream::Log& log_;
  Options options_;
  std::function<InForce(int)> in_force_;
  platform::ClockWatch watch_;
  std::unique_ptr<stream::Appender> appender_;
  std::map<int, Duty> duties_;
  mutable std::mutex mutex_;
  std::string rules_hash_;  // configured; empty: whatever the log has
  std::string unready_;
  Errc complaint_{};  // of unready_
};

}  // namespace qc::processor
