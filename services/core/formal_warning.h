// A formal heavy-pollution warning of a region (architecture section 7), as values:
//
//   NONE -> CANDIDATE -> APPROVED by a named role -> ISSUED -> changed -> LIFTED
//
// The criteria propose it (the signals `warning` and `joint_warning`: warning.h, joint_warning.h), people decide, and
// formal_life.h is the machine between them. What it publishes are messages after CAP 1.2: a candidate is a Draft, what
// was approved and issued is Actual, what a machine issues without a person is an Exercise. Levels: 1 yellow, 2 orange,
// 3 red. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/alert_rules.h"
#include "core/bytes.h"
#include "core/time.h"
#include "core/warning.h"

namespace qc::core {

enum class FormalStep : std::uint8_t { None = 0, Candidate, Approved, Issued, Lifted };
std::string_view name(FormalStep s);  // "candidate"

// What the criteria say.
struct FormalProposal {
  int level = 0;  // 0: it is over, or never was
  Basis basis = Basis::None;
  std::string criteria;    // id
  EventTime at{};          // since when they say this level
  bool escalated = false;  // nobody decided in time
  bool operator==(const FormalProposal&) const = default;
};

struct FormalApproval {
  int level = 0;              // 0: none
  Basis basis = Basis::None;  // of the proposal, as it was approved
  std::string criteria;
  std::string by;
  std::string role;
  EventTime at{};
  std::string comment;
  bool operator==(const FormalApproval&) const = default;
};

struct FormalIssue {
  int level = 0;  // 0: none
  std::string by;
  std::string role;  // of an exercise: none
  EventTime at{};
  bool exercise = false;
  FormalApproval approved;  // by whom; of an exercise: none
  bool operator==(const FormalIssue&) const = default;
};

struct FormalLift {
  std::string by;  // empty: none
  std::string role;
  EventTime at{};
  std::string reason;
  bool operator==(const FormalLift&) const = default;
};

// A message by its number.
struct FormalReference {
  std::int64_t number = 0;  // 0: none
  EventTime sent{};
  bool operator==(const FormalReference&) const = default;
};

enum class FormalType : std::uint8_t { Alert = 0, Update, Cancel };
std::string_view name(FormalType t);  // "Alert", as CAP has it
enum class FormalStatus : std::uint8_t { Draft = 0, Actual, Exercise };
std::string_view name(FormalStatus s);  // "Draft"

// What CAP needs to know; its identifier is made of the region and the number.
struct FormalMessage {
  std::int64_t number = 0;  // of the region, rising by one over all its warnings; 0: none yet
  FormalType type = FormalType::Alert;
  FormalStatus status = FormalStatus::Draft;
  int level = 0;  // of a Cancel: what it ends
  Basis basis = Basis::None;
  std::string approver;  // the role; Actual has one, nothing else does
  EventTime sent{};
  EventTime effective{};    // since when the level has been issued; of a Cancel and all that is not Actual: `sent`
  FormalReference follows;  // Update, Cancel: the one before it, of the same status
  bool operator==(const FormalMessage&) const = default;
};

struct FormalWarning {
  FormalProposal proposed;
  FormalApproval approved;  // what waits to be issued, always the proposed level
  FormalIssue issued;       // what stands; once lifted, what stood
  FormalLift lifted;
  FormalReference draft;      // the last message on the candidate, while it is one
  FormalReference published;  // the last message on what stands
  FormalMessage message;      // the last of all

  FormalStep step() const;
  bool in_force() const { return issued.level > 0 && !issued.exercise && lifted.by.empty(); }
  // The level whose emergency measures are due. A drill stops nothing.
  int measures_level() const { return in_force() ? issued.level : 0; }
  // What is proposed is not what is in force: somebody must approve and issue, or lift.
  bool undecided() const { return proposed.level != measures_level(); }
  bool is_candidate() const { return proposed.level > 0 && undecided(); }
  bool operator==(const FormalWarning&) const = default;
};
std::string summary(const FormalWarning& w);  // "issued 2, candidate 3 approved", for people; "none"

// What people may do to it. `role`: as whom.
struct Approve {
  int level = 0;  // what they mean to approve
  std::string role;
  std::string comment;
};
struct Issue {
  std::string role;
};
struct Lift {
  std::string role;
  std::string reason;  // must say something
};

// A transition, for the ledger. `who` of the machines: "signals", "time", "auto_issue".
struct FormalChange {
  std::string who;
  std::string what;
  std::string why;
  bool operator==(const FormalChange&) const = default;
};

void write_formal_warning(ByteWriter& out, const FormalWarning& w);
// !in.ok(): there is none. What is read holds together as what formal_life.h makes does.
FormalWarning read_formal_warning(ByteReader& in);

}  // namespace qc::core
