#include "core/formal_warning_model.h"

#include <sstream>

namespace qc::core::fixture {
namespace {}  // namespace

FormalModel::Place FormalModel::last(std::size_t n, Kind kind) const {
  for (std::size_t i = n; i > 0; --i) {
    if (facts_[i - 1].kind == kind) return i - 1;
  }
  return std::nullopt;
}

int FormalModel::said(std::size_t n) const {
  const Place i = last(n, Kind::Said);
  return i ? facts_[*i].level : 0;
}

// Back to where the criteria began to say what they say.
FormalModel::Place FormalModel::said_since(std::size_t n) const {
  const int level = said(n);
  Place since;
  for (std::size_t i = n; i > 0; --i) {
    if (facts_[i - 1].kind != Kind::Said) continue;
    if (facts_[i - 1].level != level) break;
    since = i - 1;
  }
  return since;
}

FormalModel::Place FormalModel::real(std::size_t n) const {
  const Place issued = last(n, Kind::Issued);
  const Place lifted = last(n, Kind::Lifted);
  return issued && (!lifted || *lifted < *issued) ? issued : std::nullopt;
}

int FormalModel::real_level(std::size_t n) const {
  const Place i = real(n);
  return i ? facts_[*i].level : 0;
}

bool FormalModel::wanted(std::size_t n) const {
  return said(n) != 0 && said(n) != real_level(n);
}

// As the rules were when this candidate began, unless there was a real warning.
bool FormalModel::drill(std::size_t n) const {
  if (!wanted(n)) return false;
  while (n > 1 && wanted(n - 1)) --n;
  return facts_[n - 1].by_machine && !real(n);
}

FormalModel::Place FormalModel::consent(std::size_t n) const {
  const Place approved = last(n, Kind::Approved);
  return wanted(n) && approved && *approved > *said_since(n) ? approved : std::nullopt;
}

const FormalMessage* FormalModel::sent(FormalStatus status) const {
  for (auto m = messages_.rbegin(); m != messages_.rend(); ++m) {
    if (m->status == status) return &*m;
  }
  return nullptr;
}

void FormalModel::send(FormalType type, FormalStatus status, EventTime at, int level, Basis basis,
                       const std::string& role) {
  FormalMessage m;
  m.number = static_cast<std::int64_t>(messages_.size()) + 1;
  m.type = type;
  m.status = status;
  m.level = level;
  m.basis = basis;
  m.approver = role;
  m.sent = m.effective = at;
  if (status == FormalStatus::Actual && type == FormalType::Update) m.effective = facts_[*real(facts_.size())].at;
  if (type != FormalType::Alert) m.follows = {sent(status)->number, sent(status)->sent};
  messages_.push_back(m);
}

void FormalModel::hear(const FormalRules& rules, const FormalRecord& record, const Propose& p) {
  const std::size_t before = facts_.size();
  if (const Place i = last(before, Kind::Said); p.level == said(before)) {
    if (p.level == 0 || (facts_[*i].basis == p.basis && facts_[*i].criteria == p.criteria)) return;
  }
  const Place previous = last(before, Kind::Said);
  const bool was_drill = drill(before);
  facts_.push_back({Kind::Said, record.at, p.level, p.basis, p.criteria, "", "", "", rules.auto_issue});
  const std::size_t now = facts_.size();
  if (wanted(now)) {
    const FormalType type = wanted(before) ? FormalType::Update : FormalType::Alert;
    send(type, drill(now) ? FormalStatus::Exercise : FormalStatus::Draft, record.at, p.level, p.basis, "");
  } else if (wanted(before)) {
    const Fact& f = facts_[*previous];
    send(FormalType::Cancel, was_drill ? FormalStatus::Exercise : FormalStatus::Draft, record.at, f.level, f.basis, "");
  }
}

Refusal FormalModel::obey(const FormalRules& rules, const FormalRecord& record) {
  const std::size_t n = facts_.size();
  const auto* approve = std::get_if<Approve>(&record.what);
  const auto* lift = std::get_if<Lift>(&record.what);
  const std::string& role = approve != nullptr ? approve->role
                            : lift != nullptr  ? lift->role
                                               : std::get<Issue>(record.what).role;
  const std::string words = approve != nullptr ? approve->comment : lift != nullptr ? lift->reason : "";
  if (role.size() > rules.text_max || words.size() > rules.text_max) return Refusal::TooLong;
  if (record.who.empty()) return Refusal::WhoMissing;
  bool may = false;
  for (const std::string& approver : rules.approvers) may = may || (approver == role && !role.empty());
  if (!may) return Refusal::NotApprover;
  const Place said_last = last(n, Kind::Said);
  const Basis basis = said_last ? facts_[*said_last].basis : Basis::None;
  const std::string criteria = said_last ? facts_[*said_last].criteria : "";
  if (approve != nullptr) {
    if (!wanted(n)) return Refusal::NothingProposed;
    if (approve->level != said(n)) return Refusal::OtherLevel;
    if (consent(n)) return Refusal::AlreadyApproved;
    facts_.push_back({Kind::Approved, record.at, said(n), basis, criteria, record.who, role, words});
    return Refusal::None;
  }
  if (lift != nullptr) {
    if (words.empty()) return Refusal::ReasonMissing;
    const Place i = real(n);
    if (!i) return Refusal::NotIssued;
    if (said(n) != 0) return Refusal::ConditionStands;
    facts_.push_back({Kind::Lifted, record.at, facts_[*i].level, Basis::None, "", record.who, role, words});
    send(FormalType::Cancel, FormalStatus::Actual, record.at, facts_[*i].level, facts_[*i].basis, role);
    return Refusal::None;
  }
  const Place approved = consent(n);
  if (!approved) return Refusal::NotApproved;
  const Fact a = facts_[*approved];
  const FormalType type = real(n) ? FormalType::Update : FormalType::Alert;
  facts_.push_back({Kind::Issued, record.at, a.level, a.basis, a.criteria, record.who, role, ""});
  send(type, FormalStatus::Actual, record.at, a.level, a.basis, a.role);
  return Refusal::None;
}

// true: somebody should have decided long ago.
bool FormalModel::pass(const FormalRules& rules, EventTime to) {
  const std::size_t n = facts_.size();
  const Place since = said_since(n);
  const Place overdue = last(n, Kind::Overdue);
  const bool late =
      since && said(n) != real_level(n) && to - facts_[*since].at >= rules.undecided && (!overdue || *overdue < *since);
  if (late) facts_.push_back({Kind::Overdue, to, 0, Basis::None, "", "", "", ""});
  if (const Place i = real(facts_.size())) {
    const Fact& f = facts_[*i];
    const FormalMessage m = *sent(FormalStatus::Actual);
    const Duration often = rules.republish[static_cast<std::size_t>(f.level) - 1];
    if (to - m.sent >= often) send(FormalType::Update, FormalStatus::Actual, to, f.level, f.basis, m.approver);
  }
  return late;
}

FormalApproval FormalModel::approval(std::size_t fact) const {
  const Fact& f = facts_[fact];
  return {f.level, f.basis, f.criteria, f.by, f.role, f.at, f.words};
}

FormalIssue FormalModel::issue(std::size_t fact) const {
  const Fact& f = facts_[fact];
  return {f.level, f.by, f.role, f.at, false, approval(*last(fact, Kind::Approved))};
}

FormalWarning FormalModel::warning() const {
  const std::size_t n = facts_.size();
  FormalWarning w;
  if (const Place i = last(n, Kind::Said)) {
    const Fact& f = facts_[*i];
    const Place since = said_since(n);
    const Place overdue = last(n, Kind::Overdue);
    const bool decided = said(n) == real_level(n);
    w.proposed = {f.level, f.basis, f.criteria, facts_[*since].at, !decided && overdue && *overdue > *since};
    if (drill(n)) w.issued = {f.level, "auto_issue", "", f.at, true, {}};
  }
  if (const Place i = consent(n)) w.approved = approval(*i);
  const auto reference = [this](FormalStatus status) {
    return FormalReference{sent(status)->number, sent(status)->sent};
  };
  if (wanted(n))
    (drill(n) ? w.published : w.draft) = reference(drill(n) ? FormalStatus::Exercise : FormalStatus::Draft);
  if (const Place i = real(n)) {
    w.issued = issue(*i);
    w.published = reference(FormalStatus::Actual);
  } else if (const Place l = last(n, Kind::Lifted); l && step() == FormalStep::Lifted) {
    const Fact& f = facts_[*l];
    w.issued = issue(*last(n, Kind::Issued));
    w.lifted = {f.by, f.role, f.at, f.words};
  }
  if (!messages_.empty()) w.message = messages_.back();
  return w;
}

FormalStep FormalModel::step() const {
  const std::size_t n = facts_.size();
  if (real(n) || drill(n)) return FormalStep::Issued;
  if (consent(n)) return FormalStep::Approved;
  if (wanted(n)) return FormalStep::Candidate;
  const Place lifted = last(n, Kind::Lifted);
  const Place said_last = last(n, Kind::Said);
  return lifted && *lifted > *said_last ? FormalStep::Lifted : FormalStep::None;
}

FormalModel::Seen FormalModel::step(const FormalRules& rules, const FormalRecord& record) {
  Seen seen;
  const std::size_t facts = facts_.size();
  const std::size_t messages = messages_.size();
  if (const auto* p = std::get_if<Propose>(&record.what)) {
    const int before = said(facts);
    hear(rules, record, *p);
    seen.attention = said(facts_.size()) != before && said(facts_.size()) != real_level(facts_.size());
  } else if (std::holds_alternative<std::monostate>(record.what)) {
    seen.attention = pass(rules, record.at);
  } else {
    seen.refusal = obey(rules, record);
  }
  seen.published = messages_.size() != messages;
  seen.changed = facts_.size() != facts || seen.published;
  seen.step = step();
  seen.warning = warning();
  return seen;
}

std::string text(const FormalMessage& m) {
  std::ostringstream out;
  out << m.number << ' ' << name(m.status) << ' ' << name(m.type) << ' ' << m.level << ' ' << name(m.basis) << " by '"
      << m.approver << "' " << to_iso(m.sent) << " of " << to_iso(m.effective) << " follows " << m.follows.number << '@'
      << to_iso(m.follows.sent);
  return out.str();
}

std::string text(const FormalRecord& r) {
  std::ostringstream out;
  out << to_iso(r.at) << ' ';
  if (const auto* p = std::get_if<Propose>(&r.what)) {
    out << "proposed " << p->level << ' ' << name(p->basis) << ' ' << p->criteria;
  } else if (const auto* a = std::get_if<Approve>(&r.what)) {
    out << r.who << " approves " << a->level << " as " << a->role << ": " << a->comment;
  } else if (const auto* i = std::get_if<Issue>(&r.what)) {
    out << r.who << " issues as " << i->role;
  } else if (const auto* l = std::get_if<Lift>(&r.what)) {
    out << r.who << " lifts as " << l->role << ": " << l->reason;
  }
  return out.str();
}

std::ostream& operator<<(std::ostream& out, const FormalModel::Seen& s) {
  const FormalWarning& w = s.warning;
  const auto approval = [&out](const FormalApproval& a) -> std::ostream& {
    return out << a.level << ' ' << name(a.basis) << ' ' << a.criteria << ' ' << a.by << '/' << a.role << ' '
               << to_iso(a.at) << ' ' << a.comment;
  };
  out << name(s.refusal) << (s.attention ? " attention" : "") << (s.changed ? " changed" : "")
      << (s.published ? " published " : " ") << name(s.step) << "\n  proposed " << w.proposed.level << ' '
      << name(w.proposed.basis) << ' ' << w.proposed.criteria << ' ' << to_iso(w.proposed.at)
      << (w.proposed.escalated ? " overdue" : "") << "\n  approved ";
  approval(w.approved) << "\n  issued " << w.issued.level << ' ' << w.issued.by << '/' << w.issued.role << ' '
                       << to_iso(w.issued.at) << (w.issued.exercise ? " exercise" : "") << ", approved ";
  approval(w.issued.approved) << "\n  lifted " << w.lifted.by << '/' << w.lifted.role << ' ' << to_iso(w.lifted.at)
                              << ' ' << w.lifted.reason << "\n  draft " << w.draft.number << ", published "
                              << w.published.number << "\n  message " << text(w.message);
  return out;
}

}  // namespace qc::core::fixture
