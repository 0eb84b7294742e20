// Corrections of hours that the reading stage no longer holds. The stage sees nothing but its records, so such a record
// brings along what was published of all that the hours are part of: the hours around them, days, months, the revisions
// of every window that may be published again, what was measured where it is to be restored, and the signals that may
// be withdrawn. PastReach says what that is; whoever writes the record (`qingchuan amend`) gathers it from `means`.
//
// Values and pure functions; threads: none of their business.
#pragma once

#include <string>
#include <vector>

#include "core/output.h"
#include "core/reading.h"
#include "core/rules.h"
#include "core/watch.h"

namespace qc::core {

// All corrections of one site that one person makes at once.
struct PastAmend {
  std::string site;
  EventTime as_of{};          // the log's time up to which what follows is all that was published
  std::vector<Amend> amends;  // in their order
  // The last revision of each window that is needed; see PastReach. Without names, limits and words.
  std::vector<Mean> means;
  std::vector<Mean> measured;   // H1: what was measured in the hours that are to be restored
  std::vector<Signal> signals;  // the last revisions of those that nothing but the corrected hours may have caused
};

// From the first to the last hour of one record.
inline constexpr Duration kPastSpanMax = std::chrono::hours(24 * 31);
// How old a record's view of the past may be.
inline constexpr Duration kPastAgeMax = std::chrono::hours(24);

class PastReach {
 public:
  // `hours`: from the first corrected hour to the end of the last.
  PastReach(Interval hours, EventTime as_of, const Horizons& horizons);

  // Whether the record must bring this last revision along.
  bool needs(const Mean& mean) const;
  static Mean slim(const Mean& mean);

  // Hours of which all is needed, day by day; those of them that may be published again.
  const Interval& days() const { return days_; }
  Interval hours_again() const { return {hours_.start, hours_.end + kAhead}; }

  // An episode whose values may be other ones: what the rule looks at in an hour that starts then.
  static Interval steps(const Watch& watch, EventTime hour);
  // The instants at which an episode's values were looked at; `now`: of one that is open.
  static Interval span(const Signal& signal, const SignalRule& rule, EventTime now);

 private:
  static constexpr Duration kBack = kHour * 48;   // equal hours are counted so far back (kRunMax)
  static constexpr Duration kAhead = kHour * 48;  // and the trailing windows that hold an hour end earlier

  Interval hours_;
  Interval days_;
  Interval years_;  // of which the daily values are needed; empty: the stage has them
};

}  // namespace qc::core
