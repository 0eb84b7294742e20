// The machine of one formal warning: what the criteria, people and time make of it (formal_warning.h says what it is).
// Where the plan leaves it open:
//
// - Nothing but a command by one of the roles `approvers` makes, changes or ends anything Actual. No machine does.
// - Approving names the proposed level; issuing takes what was approved, and keeps by whom. When the proposed level
//   changes before that, the approval lapses, and it is a candidate again, at the new level.
// - A proposal is its level. The same level on another basis, or by other criteria, is the same proposal: that is noted
//   and told, but no approval lapses, and its time goes on. An approval keeps the basis that it saw.
// - Every candidate is told as a chain of Drafts of its own: an Alert, Updates, and a Cancel where the proposal ends.
//   Issued, it is followed by the Actual message, without a Cancel of its own; an Actual message never follows a Draft.
// - While a warning is in force, another level proposed is a candidate beside it, which goes on at its level until the
//   change is approved and issued (an Update). Proposed its own level again, the candidate and its approval are gone.
// - Lifting is one step, with a reason (a Cancel), and only where the criteria say it is over: the forecast that
// lifting
//   needs is in them. So 0 is proposed when they say so, never because data or a forecast are missing. A level proposed
//   again before it is lifted: it goes on.
// - What is undecided (a candidate, approved or not; a warning to be lifted) for too long asks for attention once more.
// - In force, it is published again (an Update with the same content) a while after it was last published. A Draft
//   beside it is no publication; a jump of time gives one.
// - auto_issue: a candidate is issued at once, as an Exercise, by "auto_issue"; so are its changes, and its end is a
//   Cancel of the Exercise. It is still undecided: a person may approve and issue it. That is an Alert, since an Actual
//   message follows no Exercise, and ends the Exercise without a message. Beside a warning in force nothing is issued
//   by itself: the candidate is a Draft. A candidate stays what it was when it began, whatever the rules say by then.
// - Lifted, or gone, a level proposed begins anew. Message numbers go on.
//
// A handle for one step, thrown away after it: it changes the warning and says what became of it. Each step publishes
// one message at most. No clock; threads: none of its business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/formal_warning.h"

namespace qc::core {

class FormalLife {
 public:
  // Both outlive it. `now` never goes back, from step to step.
  FormalLife(const FormalRules& rules, FormalWarning& warning, EventTime now) : rules_(rules), w_(warning), now_(now) {}

  // What the criteria say; 0: it is over. The same again: nothing. REQUIRES: 0 <= level <= kLevels.
  void propose(int level, Basis basis, std::string_view criteria);
  // Refused: nothing changed.
  Refusal apply(const Approve& c, std::string_view who);
  Refusal apply(const Issue& c, std::string_view who);
  Refusal apply(const Lift& c, std::string_view who);
  void advance();

  const std::vector<FormalChange>& changes() const { return changes_; }  // empty: nothing changed
  bool published() const { return published_; }                          // warning.message is a new one
  bool attention() const { return attention_; }                          // somebody must decide

 private:
  Refusal check(std::string_view who, std::string_view role, std::string_view words) const;
  void tell_candidate(bool begins);
  void end_candidate(const FormalProposal& ended);
  void publish(FormalType type, FormalStatus status, int level, Basis basis, std::string approver);
  void publish_issued(FormalType type);
  void note(std::string_view who, std::string what, std::string why);

  const FormalRules& rules_;
  FormalWarning& w_;
  EventTime now_;
  std::vector<FormalChange> changes_;
  bool published_ = false;
  bool attention_ = false;
};

}  // namespace qc::core
