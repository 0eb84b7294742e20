#include "core/formal_life.h"

#include <utility>

#include "base/assert.h"

namespace qc::core {
namespace {

constexpr const char* kSignals = "signals";
constexpr const char* kTime = "time";
constexpr const char* kAutoIssue = "auto_issue";

std::string why(const FormalProposal& p) {
  std::string s(name(p.basis));
  if (!p.criteria.empty()) s += (s.empty() ? "by " : ", by ") + p.criteria;
  return s;
}

std::string what(const FormalWarning& w, bool same_level) {
  const std::string level = std::to_string(w.proposed.level);
  if (same_level) return level + " on another basis";
  if (w.is_candidate()) return "candidate " + level;
  if (w.proposed.level > 0) return "goes on at " + level;
  return w.in_force() ? "to be lifted" : "no candidate any more";
}

}  // namespace

void FormalLife::note(std::string_view who, std::string what, std::string why) {
  changes_.push_back({std::string(who), std::move(what), std::move(why)});
}

void FormalLife::publish(FormalType type, FormalStatus status, int level, Basis basis, std::string approver) {
  FormalReference& chain = status == FormalStatus::Draft ? w_.draft : w_.published;
  FormalMessage m;
  m.number = w_.message.number + 1;
  m.type = type;
  m.status = status;
  m.level = level;
  m.basis = basis;
  m.approver = std::move(approver);
  m.sent = now_;
  m.effective = status == FormalStatus::Actual && type != FormalType::Cancel ? w_.issued.at : now_;
  m.follows = chain;
  chain = type == FormalType::Cancel ? FormalReference{} : FormalReference{m.number, m.sent};
  w_.message = std::move(m);
  published_ = true;
}

void FormalLife::publish_issued(FormalType type) {
  const FormalApproval& a = w_.issued.approved;
  publish(type, FormalStatus::Actual, a.level, a.basis, type == FormalType::Cancel ? w_.lifted.role : a.role);
}

void FormalLife::propose(int level, Basis basis, std::string_view criteria) {
  QC_ASSERT(0 <= level && level <= kLevels);
  FormalProposal& p = w_.proposed;
  const bool same_level = level == p.level;
  if (same_level && (level == 0 || (basis == p.basis && criteria == p.criteria))) return;
  const FormalProposal before = p;
  const bool was_candidate = w_.is_candidate();
  p.level = level;
  p.basis = basis;
  p.criteria = criteria;
  std::string lapses;
  if (!same_level) {
    p.at = now_;
    p.escalated = false;
    if (w_.approved.level > 0) lapses = ", the approval of " + std::to_string(w_.approved.level) + " lapses";
    w_.approved = {};
    attention_ = w_.undecided();
  }
  note(kSignals, what(w_, same_level) + lapses, why(p));
  if (w_.is_candidate()) {
    tell_candidate(!was_candidate);
  } else if (was_candidate) {
    end_candidate(before);
  }
}

void FormalLife::tell_candidate(bool begins) {
  const FormalProposal& p = w_.proposed;
  bool exercise = w_.issued.exercise;
  if (begins && !w_.in_force()) {
    w_.issued = {};
    w_.lifted = {};
    exercise = rules_.auto_issue;
  }
  if (exercise) {
    w_.issued = {p.level, kAutoIssue, "", now_, true, {}};
    note(kAutoIssue, "exercise " + std::to_string(p.level), "");
  }
  publish(begins ? FormalType::Alert : FormalType::Update, exercise ? FormalStatus::Exercise : FormalStatus::Draft,
          p.level, p.basis, "");
}

void FormalLife::end_candidate(const FormalProposal& ended) {
  const bool exercise = w_.issued.exercise;
  publish(FormalType::Cancel, exercise ? FormalStatus::Exercise : FormalStatus::Draft, ended.level, ended.basis, "");
  if (!exercise) return;
  w_.issued = {};
  note(kAutoIssue, "the exercise is over", "");
}

Refusal FormalLife::check(std::string_view who, std::string_view role, std::string_view words) const {
  if (role.size() > rules_.text_max || words.size() > rules_.text_max) return Refusal::TooLong;
  if (who.empty()) return Refusal::WhoMissing;
  return role.empty() || !rules_.approvers.contains(role) ? Refusal::NotApprover : Refusal::None;
}

Refusal FormalLife::apply(const Approve& c, std::string_view who) {
  if (const Refusal r = check(who, c.role, c.comment); r != Refusal::None) return r;
  const FormalProposal& p = w_.proposed;
  if (!w_.is_candidate()) return Refusal::NothingProposed;
  if (c.level != p.level) return Refusal::OtherLevel;
  if (w_.approved.level > 0) return Refusal::AlreadyApproved;
  w_.approved = {p.level, p.basis, p.criteria, std::string(who), c.role, now_, c.comment};
  note(who, "approved " + std::to_string(p.level) + " as " + c.role, c.comment);
  return Refusal::None;
}

Refusal FormalLife::apply(const Issue& c, std::string_view who) {
  if (const Refusal r = check(who, c.role, ""); r != Refusal::None) return r;
  if (w_.approved.level == 0) return Refusal::NotApproved;
  const bool changes = w_.in_force();
  if (!changes) w_.published = {};  // of an exercise
  w_.draft = {};
  w_.issued = {w_.approved.level, std::string(who), c.role, now_, false, std::exchange(w_.approved, {})};
  w_.proposed.escalated = false;
  publish_issued(changes ? FormalType::Update : FormalType::Alert);
  note(who, "issued " + std::to_string(w_.issued.level) + " as " + c.role, "approved by " + w_.issued.approved.by);
  return Refusal::None;
}

Refusal FormalLife::apply(const Lift& c, std::string_view who) {
  if (const Refusal r = check(who, c.role, c.reason); r != Refusal::None) return r;
  if (c.reason.empty()) return Refusal::ReasonMissing;
  if (!w_.in_force()) return Refusal::NotIssued;
  if (w_.proposed.level > 0) return Refusal::ConditionStands;
  w_.lifted = {std::string(who), c.role, now_, c.reason};
  w_.proposed.escalated = false;
  publish_issued(FormalType::Cancel);
  note(who, "lifted " + std::to_string(w_.issued.level) + " as " + c.role, c.reason);
  return Refusal::None;
}

void FormalLife::advance() {
  FormalProposal& p = w_.proposed;
  if (w_.undecided() && !p.escalated && p.at + rules_.undecided <= now_) {
    p.escalated = attention_ = true;
    note(kTime, "overdue", p.level > 0 ? "nobody issued it" : "nobody lifted it");
  }
  if (w_.in_force() && w_.published.sent + rules_.republish_of(w_.issued.level) <= now_) {
    publish_issued(FormalType::Update);
    note(kTime, "published again", "");
  }
}

}  // namespace qc::core
