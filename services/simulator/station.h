// A station: its instruments, its data logger and its line. Each minute it says what it sends: mostly the minute that
// has just ended; after a break of the line what it has kept, oldest first; now and then a packet once more. A logger
// keeps five hours. Its clock may be wrong.
//
// Pure but for the cache of Air: the same minute always gives the same packets. Threads: one at a time.
#pragma once

#include <vector>

#include "simulator/air.h"
#include "simulator/instrument.h"

namespace qc::simulator {

struct Row {
  std::size_t row = 0;
  core::Factor factor = core::Factor::None;
  Shown shown;
};

// One packet, as it is put on the line.
struct Packet {
  const core::SiteInfo* site = nullptr;
  core::EventTime start;  // of row 0, by the station's clock
  core::EventTime stamp;  // its own stamp: the end of its last row, by its clock
  core::EventTime truly;  // when row 0 really was
  std::size_t minutes = 1;
  Fault fault = Fault::None;  // Resend, Late, Clock
  std::vector<Row> rows;
};

class Station {
 public:
  // All outlive it.
  Station(std::uint64_t seed, const core::SiteInfo& site, const Script& script, Air& air);

  const core::SiteInfo& site() const { return site_; }
  // What it sends at the end of the minute that begins at `minute`; the first minute of all is `from`.
  void send(core::EventTime minute, core::EventTime from, std::vector<Packet>& out);
  // The air there in a minute, ug/m3 by factor.
  Concentrations air(core::EventTime minute) { return air_.at(place_, minute); }
  // No line at the end of that minute.
  bool cut(core::EventTime minute) const;

 private:
  void measure(core::EventTime minute, std::size_t row, std::vector<Row>& rows);
  Packet packet(core::EventTime minute, std::size_t minutes, Fault fault);
  core::Duration clock_error(core::EventTime minute) const;
  bool sends_again(core::EventTime minute) const;

  const core::SiteInfo& site_;
  Air& air_;
  Air::Place place_;
  Chance chance_;
  double luck_;
  struct Channel {
    core::Factor factor;
    Instrument instrument;
    // Of an instrument that sticks: the air at which it does.
    core::EventTime stuck_at = core::EventTime::min();
    double stuck_ug = 0;
  };
  std::vector<Channel> channels_;
  std::vector<const Episode*> outages_;
  std::vector<const Episode*> resends_;
  std::vector<const Episode*> clocks_;
};

}  // namespace qc::simulator
