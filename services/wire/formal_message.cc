#include "wire/formal_message.h"

#include <algorithm>
#include <string>

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

int level(std::int32_t in) {
  return std::clamp(in, 0, core::kLevels);
}
core::Basis basis(v1::WarningBasis in) {
  return v1::WarningBasis_IsValid(in) ? static_cast<core::Basis>(in) : core::Basis::None;
}

void set(const core::FormalReference& in, v1::FormalReference& out) {
  out.set_number(in.number);
  out.set_sent_ms(ms(in.sent));
}
core::FormalReference of(const v1::FormalReference& in) {
  return {in.number(), core::event_time(in.sent_ms())};
}

void set(const core::FormalApproval& in, v1::FormalApproval& out) {
  out.set_level(in.level);
  out.set_basis(static_cast<v1::WarningBasis>(in.basis));
  out.set_criteria(in.criteria);
  out.set_by(in.by);
  out.set_role(in.role);
  out.set_at_ms(ms(in.at));
  out.set_comment(in.comment);
}
core::FormalApproval of(const v1::FormalApproval& in) {
  return {level(in.level()), basis(in.basis()), in.criteria(), in.by(), in.role(), core::event_time(in.at_ms()),
          in.comment()};
}

void set(const core::FormalMessage& in, v1::FormalMessage& out) {
  out.set_number(in.number);
  out.set_type(std::string(name(in.type)));
  out.set_status(std::string(name(in.status)));
  out.set_level(in.level);
  out.set_basis(static_cast<v1::WarningBasis>(in.basis));
  out.set_approver(in.approver);
  out.set_sent_ms(ms(in.sent));
  out.set_effective_ms(ms(in.effective));
  if (in.follows.number > 0) set(in.follows, *out.mutable_follows());
}
core::FormalMessage of(const v1::FormalMessage& in) {
  core::FormalMessage m;
  m.number = in.number();
  for (const auto type : {core::FormalType::Update, core::FormalType::Cancel}) {
    if (in.type() == name(type)) m.type = type;
  }
  for (const auto status : {core::FormalStatus::Actual, core::FormalStatus::Exercise}) {
    if (in.status() == name(status)) m.status = status;
  }
  m.level = level(in.level());
  m.basis = basis(in.basis());
  m.approver = in.approver();
  m.sent = core::event_time(in.sent_ms());
  m.effective = core::event_time(in.effective_ms());
  m.follows = of(in.follows());
  return m;
}

}  // namespace

void set_formal(const core::FormalWarning& w, v1::FormalWarning& out) {
  out.set_step(std::string(name(w.step())));
  out.set_in_force(w.in_force());
  v1::FormalProposal& proposed = *out.mutable_proposed();
  proposed.set_level(w.proposed.level);
  proposed.set_basis(static_cast<v1::WarningBasis>(w.proposed.basis));
  proposed.set_criteria(w.proposed.criteria);
  proposed.set_at_ms(ms(w.proposed.at));
  proposed.set_escalated(w.proposed.escalated);
  if (w.approved.level > 0) set(w.approved, *out.mutable_approved());
  if (w.issued.level > 0) {
    v1::FormalIssue& issued = *out.mutable_issued();
    issued.set_level(w.issued.level);
    issued.set_by(w.issued.by);
    issued.set_role(w.issued.role);
    issued.set_at_ms(ms(w.issued.at));
    issued.set_exercise(w.issued.exercise);
    if (w.issued.approved.level > 0) set(w.issued.approved, *issued.mutable_approved());
  }
  if (!w.lifted.by.empty()) {
    v1::FormalLift& lifted = *out.mutable_lifted();
    lifted.set_by(w.lifted.by);
    lifted.set_role(w.lifted.role);
    lifted.set_at_ms(ms(w.lifted.at));
    lifted.set_reason(w.lifted.reason);
  }
  if (w.draft.number > 0) set(w.draft, *out.mutable_draft());
  if (w.published.number > 0) set(w.published, *out.mutable_published());
  set(w.message, *out.mutable_message());
}

core::FormalWarning formal_of(const v1::FormalWarning& in) {
  core::FormalWarning w;
  const v1::FormalProposal& p = in.proposed();
  w.proposed = {level(p.level()), basis(p.basis()), p.criteria(), core::event_time(p.at_ms()), p.escalated()};
  w.approved = of(in.approved());
  const v1::FormalIssue& i = in.issued();
  w.issued = {level(i.level()), i.by(), i.role(), core::event_time(i.at_ms()), i.exercise(), of(i.approved())};
  const v1::FormalLift& l = in.lifted();
  w.lifted = {l.by(), l.role(), core::event_time(l.at_ms()), l.reason()};
  w.draft = of(in.draft());
  w.published = of(in.published());
  w.message = of(in.message());
  return w;
}

void add_measures(const core::MeasuresDue& due, v1::Alert& out) {
  constexpr std::int64_t kGrams = 1000 / core::kHundredthsInKg;
  for (const core::MeasureDue& d : due.due) {
    v1::DueMeasure& m = *out.add_measures();
    m.set_region(d.enterprise->region);
    m.set_enterprise(d.enterprise->id);
    m.set_name(d.enterprise->name);
    m.set_name_en(d.enterprise->name_en);
    m.set_line(d.line->name);
    m.set_line_en(d.line->name_en);
    m.set_text(d.measure->text);
    m.set_text_en(d.measure->text_en);
    m.set_responsible(d.enterprise->responsible);
    v1::Emissions& cut = *m.mutable_cut();
    cut.set_so2(d.cut[0] * kGrams);
    cut.set_nox(d.cut[1] * kGrams);
    cut.set_pm(d.cut[2] * kGrams);
    cut.set_vocs(d.cut[3] * kGrams);
  }
}

}  // namespace qc::wire
