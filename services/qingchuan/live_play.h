// The simulation in a running log: first, where the log is still `fed`, its history up to now, as fast as it goes; then
// the hand-over to the wall clock; then each minute a few seconds after its end. Writes time only as long as the log is
// fed.
//
// A log that is `wall` already (a restart) is filled up from its last tick on when this is made, before anybody writes
// time again: at most three hours, for what is older nobody would take. The last minutes before that tick are sent once
// more, the same to the bit. While the log cannot be written it waits and tries again: nothing is lost or doubled.
//
// Lifecycle: starts with its construction, ends with its destruction. Threads: one of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "qingchuan/player.h"
#include "simulator/simulation.h"
#include "stream/log.h"

namespace qc::commands {

class LivePlay {
 public:
  struct Options {
    core::Duration backfill = std::chrono::hours(3);
    core::Duration delay = std::chrono::seconds(3);  // after a minute's end
    core::Duration close_after = std::chrono::minutes(10);
    std::function<std::int64_t()> wall_ms;
    std::function<Result<void>()> hand_over;  // empty: the log is `wall` already
  };
  // log outlives it.
  LivePlay(stream::Log& log, std::unique_ptr<simulator::Simulation> simulation, Options options);
  ~LivePlay();

 private:
  core::EventTime now() const { return core::event_time(options_.wall_ms()); }
  Result<void> ready();
  Result<void> history(const std::stop_token& stop);
  Result<void> live();
  void run(const std::stop_token& stop);

  stream::Log& log_;
  std::unique_ptr<simulator::Simulation> simulation_;
  const Options options_;
  std::optional<LogWriter> writer_;
  std::optional<Player> player_;
  std::optional<core::EventTime> written_;  // the log's last tick when we began
  bool fed_;
  core::EventTime next_ = core::EventTime::min();  // of the live minutes
  std::jthread thread_;
};

}  // namespace qc::commands
