// For tests of alerts only: what architecture section 7 says of an alert, written apart from the machine. It keeps what
// was said of a key, and when attention was asked for and given, and works everything else out of that at every step:
// response, what is owed, who covers whom, whether it is a flood. Flapping it does not know; give it rules under which
// nothing flaps.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/alert.h"

namespace qc::core::fixture {

using AlertRecord = std::variant<Signal, AlertCommand, EventTime>;  // the last one is a tick

class AlertModel {
 public:
  explicit AlertModel(AlertRules rules) : rules_(std::move(rules)) {}

  struct Seen {
    std::string told;  // "alert!", "update", "cancel": what this step told of the key; empty: nothing
    std::int64_t revision = 0;
    std::string state;  // as now
    bool operator==(const Seen&) const = default;
  };
  struct Outcome {
    Refusal refusal = Refusal::None;
    std::int64_t revision = 0;
    bool operator==(const Outcome&) const = default;
  };
  std::optional<Outcome> step(const AlertRecord& record);
  std::map<AlertKey, Seen> seen() const;  // of the last step
  bool flood() const { return flood_; }

  // The same of the machine's: from the alert as it is and what was told.
  static Seen seen_of(const Alert& alert, const ToldAlert* told);

 private:
  struct Said {
    std::string id;
    std::int32_t revision = 0;
    SignalState state = SignalState::None;
    int level = 0;
    std::string region;
    std::string root;
    std::vector<std::string> covers;
  };
  // Attention asked for, or given.
  struct Turn {
    bool given = false;
    std::size_t said = 0;  // the place of what stood
    std::int64_t at = 0;
  };
  struct Subject {
    std::map<std::string, std::int32_t> revisions;  // by signal id
    std::vector<Said> said;                         // in this episode; before the first one: nothing
    std::vector<Turn> turns;
    bool listed = false;
    std::int64_t episode = 0;
    std::int64_t revision = 0;
    std::int64_t first_revision = 0;
    std::int64_t asked_revision = 0;
    std::int64_t asked_at = 0;
    bool shown = false;
    bool escalated = false;
    bool touched = false;  // by a command of this step, or a signal
    bool asks = false;     // in this step
    bool escalates = false;
    bool given_to_somebody = false;
    bool closed = false;
    std::string assignee;
    std::size_t notes = 0;
    std::optional<std::int64_t> shelf;  // kOneShot, or until when
    std::optional<std::int64_t> out_of_service;
    std::int64_t folded = 0;  // in which flood
    std::string cover;
    bool hidden = false;  // as told
    std::string visible;  // as told
    std::string told;     // by this step
  };

  static bool stands(SignalState s) { return s == SignalState::Active || s == SignalState::Stale; }
  bool stands(const Subject& s) const { return !s.said.empty() && stands(s.said.back().state); }
  bool acked(const Subject& s) const;
  int owed(const Subject& s) const;
  bool wanted(const Subject& s) const;
  bool hidden(const Subject& s) const;
  std::string cover(const AlertKey& key, const Subject& s) const;
  static std::string state_of(const Subject& s);
  std::size_t recent() const;
  void hear(const Signal& signal);
  Outcome obey(const AlertCommand& command);
  Refusal refusal(const AlertCommand& command, const Subject* s) const;
  void pass(std::int64_t to);
  void tell();

  AlertRules rules_;
  std::int64_t now_ = 0;
  bool ticked_ = false;
  std::map<AlertKey, Subject> subjects_;
  std::vector<std::int64_t> new_;
  bool flood_ = false;
  std::int64_t floods_ = 0;
  std::deque<std::pair<std::string, Outcome>> answers_;
};

inline std::ostream& operator<<(std::ostream& out, const AlertModel::Seen& seen) {
  return out << seen.told << " r" << seen.revision << ": " << seen.state;
}

}  // namespace qc::core::fixture
