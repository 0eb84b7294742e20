// How alerts are handled (alert.h): part of the rule set, so that what becomes of an alert follows from the log. The
// times and numbers are settings of the control room, no regulation's. Arrays: by level, the lowest first. A value.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <set>
#include <string>

#include "core/output.h"
#include "core/time.h"

namespace qc::core {

// Of formal warnings (formal_warning.h).
struct FormalRules {
  std::set<std::string, std::less<>> approvers;  // roles that may approve, issue and lift
  Duration undecided = std::chrono::hours(2);    // after it, what nobody decided asks for attention once more
  std::array<Duration, kLevels> republish{std::chrono::hours(8), std::chrono::hours(4), std::chrono::hours(4)};
  bool auto_issue = false;      // candidates are issued at once, as exercises
  std::size_t text_max = 2000;  // bytes of what a command says, each; longer is refused

  // REQUIRES: 1 <= level <= kLevels.
  Duration republish_of(int level) const { return republish.at(static_cast<std::size_t>(level - 1)); }
};

struct AlertRules {
  // Response.
  std::array<Duration, kLevels> ack_timeout{std::chrono::hours(8), std::chrono::hours(4), std::chrono::hours(1)};
  std::array<Duration, kLevels> unshown{std::chrono::seconds(60), std::chrono::seconds(60), std::chrono::seconds(30)};
  int level_kept = 2;  // from it on, what ended stays listed until a person has seen to it
  // Suppression.
  int level_breaking = 3;  // from it on, neither a shelf nor another alert hides it, and flapping does not delay it
  Duration shelve_max = std::chrono::hours(8);
  Duration out_of_service_max = std::chrono::hours(24 * 30);
  int flapping_begins = 5;  // so many beginnings and level-ups within the window are flapping
  Duration flapping_window = std::chrono::minutes(10);
  int flood_new = 10;  // more new alerts than this for each operator within the window are a flood
  int flood_over = 5;  // with fewer than this for each operator it is over
  int operators = 1;   // who watch the partition
  Duration flood_window = std::chrono::minutes(10);
  int level_folded = 1;  // up to it, a flood folds
  // Inhibition: whose alerts a region's warning covers: what is said of the air, not of instruments and silence.
  std::set<std::string, std::less<>> covered_by_warning{"hour_limit", "day_limit", "reading_over_limit",
                                                        "aqi_level",  "hour_high", "rolling_24h_over_limit"};
  // A dead gateway's signal names in `covers` the sites whose silence it explains. No rule says so yet.
  std::set<std::string, std::less<>> gateway_rules{"gateway_dead"};
  std::set<std::string, std::less<>> covered_by_gateway{"no_data"};
  // Whose alerts carry a formal warning: those of the warning machine.
  std::set<std::string, std::less<>> formal_rules{kWarningRule, kJointWarningRule};
  FormalRules formal;
  // Limits.
  std::size_t notes_max = 50;               // of one episode; one more is refused
  std::size_t text_max = 2000;              // bytes of what a command says, each; longer is refused
  std::size_t signals_remembered = 16;      // earlier signals of a key, so that repeats of them change nothing
  std::size_t commands_remembered = 10000;  // of the partition, so that a repeated one has the same outcome

  Duration ack_timeout_of(int level) const { return ack_timeout[index(level)]; }
  Duration unshown_of(int level) const { return unshown[index(level)]; }

 private:
  static std::size_t index(int level) {
    return static_cast<std::size_t>(level < 1 ? 0 : level > kLevels ? 2 : level - 1);
  }
};

}  // namespace qc::core
