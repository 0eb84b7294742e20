// A formal warning as bytes, and back: what does not hold together is malformed, so that no broken byte makes a warning
// that nobody approved.
#include "core/formal_warning.h"

namespace qc::core {
namespace {

constexpr std::int64_t kNumberMax = std::int64_t{1} << 56;

void write_level(ByteWriter& out, int level) {
  out.u64(static_cast<std::uint64_t>(level));
}
int read_level(ByteReader& in) {
  return static_cast<int>(in.u64_to(kLevels));
}
template <class E>
void write_enum(ByteWriter& out, E e) {
  out.u8(static_cast<std::uint8_t>(e));
}
template <class E>
E read_enum(ByteReader& in, E last) {
  return static_cast<E>(in.u64_to(static_cast<std::uint64_t>(last)));
}
void write_flag(ByteWriter& out, bool flag) {
  out.u8(flag ? 1 : 0);
}

void write_proposal(ByteWriter& out, const FormalProposal& p) {
  write_level(out, p.level);
  write_enum(out, p.basis);
  out.text(p.criteria);
  out.time(p.at);
  write_flag(out, p.escalated);
}
FormalProposal read_proposal(ByteReader& in) {
  FormalProposal p;
  p.level = read_level(in);
  p.basis = read_enum(in, Basis::Both);
  p.criteria = in.text();
  p.at = in.time();
  p.escalated = in.flag();
  return p;
}

void write_approval(ByteWriter& out, const FormalApproval& a) {
  write_level(out, a.level);
  write_enum(out, a.basis);
  out.text(a.criteria);
  out.text(a.by);
  out.text(a.role);
  out.time(a.at);
  out.text(a.comment);
}
FormalApproval read_approval(ByteReader& in) {
  FormalApproval a;
  a.level = read_level(in);
  a.basis = read_enum(in, Basis::Both);
  a.criteria = in.text();
  a.by = in.text();
  a.role = in.text();
  a.at = in.time();
  a.comment = in.text();
  return a;
}

void write_issue(ByteWriter& out, const FormalIssue& i) {
  write_level(out, i.level);
  out.text(i.by);
  out.text(i.role);
  out.time(i.at);
  write_flag(out, i.exercise);
  write_approval(out, i.approved);
}
FormalIssue read_issue(ByteReader& in) {
  FormalIssue i;
  i.level = read_level(in);
  i.by = in.text();
  i.role = in.text();
  i.at = in.time();
  i.exercise = in.flag();
  i.approved = read_approval(in);
  return i;
}

void write_lift(ByteWriter& out, const FormalLift& l) {
  out.text(l.by);
  out.text(l.role);
  out.time(l.at);
  out.text(l.reason);
}
FormalLift read_lift(ByteReader& in) {
  FormalLift l;
  l.by = in.text();
  l.role = in.text();
  l.at = in.time();
  l.reason = in.text();
  return l;
}

void write_reference(ByteWriter& out, const FormalReference& r) {
  out.i64(r.number);
  out.time(r.sent);
}
FormalReference read_reference(ByteReader& in) {
  FormalReference r;
  r.number = in.i64_in(0, kNumberMax);
  r.sent = in.time();
  return r;
}

void write_message(ByteWriter& out, const FormalMessage& m) {
  out.i64(m.number);
  write_enum(out, m.type);
  write_enum(out, m.status);
  write_level(out, m.level);
  write_enum(out, m.basis);
  out.text(m.approver);
  out.time(m.sent);
  out.time(m.effective);
  write_reference(out, m.follows);
}
FormalMessage read_message(ByteReader& in) {
  FormalMessage m;
  m.number = in.i64_in(0, kNumberMax);
  m.type = read_enum(in, FormalType::Cancel);
  m.status = read_enum(in, FormalStatus::Exercise);
  m.level = read_level(in);
  m.basis = read_enum(in, Basis::Both);
  m.approver = in.text();
  m.sent = in.time();
  m.effective = in.time();
  m.follows = read_reference(in);
  return m;
}

// What holds together, from here on.
bool named(const std::string& by, const std::string& role) {
  return !by.empty() && !role.empty();
}

bool fits(const FormalApproval& a) {
  return a.level == 0 ? a == FormalApproval{} : named(a.by, a.role);
}

bool fits(const FormalIssue& i) {
  if (i.level == 0) return i == FormalIssue{};
  if (i.exercise) return !i.by.empty() && i.role.empty() && i.approved == FormalApproval{};
  return named(i.by, i.role) && fits(i.approved) && i.approved.level == i.level;
}

bool fits(const FormalMessage& m) {
  if (m.number == 0) return m == FormalMessage{};
  const FormalReference& f = m.follows;
  const bool chained = m.type == FormalType::Alert ? f == FormalReference{} : f.number > 0 && f.sent <= m.sent;
  return m.level > 0 && (m.status == FormalStatus::Actual) != m.approver.empty() && m.effective <= m.sent &&
         f.number < m.number && chained;
}

// The last message of a chain that goes on, or of none.
bool fits(const FormalReference& chain, bool goes_on, const FormalMessage& last) {
  if (!goes_on) return chain == FormalReference{};
  if (chain.number == 0 || chain.number > last.number) return false;
  return chain.number == last.number ? chain.sent == last.sent : chain.sent <= last.sent;
}

bool fits_messages(const FormalWarning& w) {
  const FormalMessage& m = w.message;
  if (!fits(m) || !fits(w.draft, w.is_candidate() && !w.issued.exercise, m)) return false;
  if (!fits(w.published, w.in_force() || w.issued.exercise, m)) return false;
  if (m.number == 0) return true;
  if (w.issued.level > 0 && w.issued.at > m.sent) return false;
  if (w.draft.number == w.published.number && w.draft.number > 0) return false;
  const FormalReference& chain = m.status == FormalStatus::Draft ? w.draft : w.published;
  if (m.type == FormalType::Cancel) return chain.number == 0;
  return chain.number == m.number &&
         (m.status == FormalStatus::Draft || w.issued.exercise == (m.status == FormalStatus::Exercise));
}

bool fits(const FormalWarning& w) {
  const FormalMessage& m = w.message;
  const FormalLift& l = w.lifted;
  if (!fits(w.approved) || !fits(w.issued) || !fits_messages(w)) return false;
  if (w.approved.level > 0 && (!w.is_candidate() || w.approved.level != w.proposed.level)) return false;
  if (w.issued.exercise && w.issued.level != w.proposed.level) return false;
  if (w.proposed.escalated && !w.undecided()) return false;
  if (l.by.empty()) return l == FormalLift{} && !(m.type == FormalType::Cancel && m.status == FormalStatus::Actual);
  return w.issued.level > 0 && !w.issued.exercise && w.proposed.level == 0 && named(l.by, l.role) &&
         !l.reason.empty() && m.type == FormalType::Cancel && m.status == FormalStatus::Actual;
}

}  // namespace

void write_formal_warning(ByteWriter& out, const FormalWarning& w) {
  write_proposal(out, w.proposed);
  write_approval(out, w.approved);
  write_issue(out, w.issued);
  write_lift(out, w.lifted);
  write_reference(out, w.draft);
  write_reference(out, w.published);
  write_message(out, w.message);
}

FormalWarning read_formal_warning(ByteReader& in) {
  FormalWarning w;
  w.proposed = read_proposal(in);
  w.approved = read_approval(in);
  w.issued = read_issue(in);
  w.lifted = read_lift(in);
  w.draft = read_reference(in);
  w.published = read_reference(in);
  w.message = read_message(in);
  if (!in.ok() || !fits(w)) {
    in.bad();
    return {};
  }
  return w;
}

}  // namespace qc::core
