// Gathers, from what was published of one site, what a correction of hours behind the horizon must bring along
// (past_amend.h). First the signals, then the means, in their order or any other: of each the greatest revision counts.
//
// Lifecycle: construct, take signals, take means, then ask. Threads: one. Memory: what is needed.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/past_amend.h"
#include "core/rules.h"

namespace qc::core {

class PastGather {
 public:
  // `amends`: of one site, not empty. `rules` outlives it.
  PastGather(const RuleSet& rules, std::vector<Amend> amends, EventTime as_of);

  void take(const Signal& signal);
  void take(const Mean& mean);
  // Hours that an episode over single readings lasted into, without those that are corrected: what was the greatest of
  // their readings? Where nobody tells, they may have made it.
  struct ReadingHour {
    Factor factor = Factor::None;
    EventTime hour{};
    auto operator<=>(const ReadingHour&) const = default;
  };
  std::vector<ReadingHour> reading_hours() const;
  void take(const ReadingHour& hour, Concentration greatest) { greatest_[hour] = greatest; }
  // So that a reader of a whole topic need not decode what is of no use.
  bool wants(const Mean& mean) const;

  // What stands of an hour; nullptr: it was never published.
  const Mean* hour(Factor factor, EventTime start) const;
  // Without `measured`, which is not published.
  PastAmend finish() const;

 private:
  using Key = std::tuple<Factor, Window, EventTime>;
  struct Candidate {
    Signal told;
    const SignalRule* rule = nullptr;
    Watch watch;
    Interval span;
  };
  const std::string& site() const { return amends_.front().site; }
  bool touched(const Candidate& c) const;
  bool in_reach(const Candidate& c, EventTime step) const;
  bool stands_by_others(const Candidate& c) const;
  bool stands_by_readings(const Candidate& c) const;
  bool corrects(Factor factor, EventTime hour) const;

  const RuleSet& rules_;
  std::vector<Amend> amends_;
  EventTime as_of_;
  PastReach reach_;
  std::map<std::string, Candidate, std::less<>> candidates_;  // by the signal's id
  std::map<Key, Mean> means_;
  std::map<ReadingHour, Concentration> greatest_;
};

// From the first to the end of the last. REQUIRES: not empty.
Interval hours_of(const std::vector<Amend>& amends);

}  // namespace qc::core
