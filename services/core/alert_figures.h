// How a control room fares with its alerts, in the figures of ISA-18.2 (and EEMUA 191, which it took them from): how
// many ask for attention, how soon they get it, how much time is flood, which few keys make most of the noise. Values;
// part of the alert stage's state, so that a restart forgets nothing. Any thread.
#pragma once

#include <array>
#include <cstdint>

#include "core/alert.h"
#include "core/bytes.h"
#include "core/time.h"

namespace qc::core {

// Since the log began.
struct AlertTotals {
  std::array<std::int64_t, kLevels> asked{};  // attention, by level
  std::int64_t escalated = 0;
  std::int64_t acknowledged = 0;
  Duration acknowledged_after{};  // the sum of the times from asking to acknowledgement
  std::int64_t commands = 0;      // accepted
  std::array<std::int64_t, kRefusals> refused{};
  std::int64_t folded = 0;
  std::int64_t floods = 0;
  Duration flood{};  // the time in flood,
  Duration time{};   // of this time
};

// Counts by day, of the last seven days.
class AlertWeek {
 public:
  void add(EventTime now);  // `now` never goes back
  std::int64_t sum(EventTime now) const;
  void write(ByteWriter& out) const;
  void read(ByteReader& in);

 private:
  static constexpr std::int64_t kDays = 7;
  std::int64_t day_ = 0;  // of the last count, since the epoch
  std::array<std::int64_t, kDays> counts_{};
};

// What stands now.
struct AlertFigures {
  std::array<std::array<std::int64_t, 2>, kLevels> listed{};  // by level and response
  std::int64_t shelved = 0;
  std::int64_t out_of_service = 0;
  std::int64_t inhibited = 0;
  std::int64_t folded = 0;
  std::int64_t flapping = 0;          // ISA-18.2: chattering
  std::int64_t stale = 0;             // ISA-18.2: listed for more than a day
  std::int64_t asked = 0;             // attention, in the last seven days
  std::int64_t asked_by_top_ten = 0;  // of it, by the ten keys that did so most often
};

void write_totals(ByteWriter& out, const AlertTotals& totals);
AlertTotals read_totals(ByteReader& in);

}  // namespace qc::core
