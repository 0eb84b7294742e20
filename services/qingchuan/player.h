// Plays a simulation into a log. In a `fed` log it is the one who writes time: at the end of every minute first the
// packets that came then, then the tick, so that whoever resumes after a tick has lost nothing and doubles nothing. An
// instant is appended whole or, on the embedded log, not at all.
//
// No tick is written before the first hour has run for close_after: the hour before it is not ours to close.
// Lifecycle: make, then play what follows. Threads: one at a time.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "qingchuan/log_writer.h"
#include "simulator/simulation.h"
#include "wire/codec.h"

namespace qc::commands {

class Player {
 public:
  struct Options {
    double speed = 0;  // times life; 0: as fast as the log takes it
    core::Duration close_after = std::chrono::minutes(10);
    std::size_t append_records_max = 4000;  // gathered before they are appended
    int events_partitions = 0;              // of `events`, for forecasts; 0: none are written
    std::string version;                    // of the binary, for their headers
    // After every minute, with what was sent at its end, written or not.
    std::function<void(core::EventTime minute, const std::vector<simulator::Packet>&)> each;
  };
  struct Counts {
    std::int64_t packets = 0;
    std::int64_t readings = 0;
    std::int64_t ticks = 0;
    std::int64_t forecasts = 0;
  };
  // All outlive it.
  Player(LogWriter& writer, simulator::Simulation& simulation, Options options);

  // The minutes from the simulation's first one to `until`, with their ticks; of those that end at or before `written`
  // only the simulation goes on. Returns the end of the last minute played: before `until` where a stop was asked for.
  // After an error the same call goes on where it was.
  Result<core::EventTime> play(core::EventTime until, std::optional<core::EventTime> written,
                               const std::stop_token& stop);
  // Closes the last hour: its end and close_after are the last tick.
  Result<void> close(core::EventTime until);
  // Gathers what is sent, and forecast, at the end of one minute, received then.
  void gather(core::EventTime minute, core::ReceiveTime received);

  const Counts& counts() const { return counts_; }

 private:
  void gather_forecasts(core::EventTime issued, core::EventTime received);
  LogWriter& writer_;
  simulator::Simulation& simulation_;
  const Options options_;
  Pace pace_;
  core::EventTime next_;
  wire::BatchBuilder builder_;
  std::vector<simulator::Packet> sent_;
  Counts counts_;
};

}  // namespace qc::commands
