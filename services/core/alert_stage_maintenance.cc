// Planned maintenance within the alert stage.
#include <algorithm>

#include "core/alert_stage.h"

namespace qc::core {

std::string_view AlertStage::maintenance_of(const std::string& subject) const {
  const auto it = maintenance_.find(subject);
  if (it == maintenance_.end() || !it->second.open || now_ < it->second.from) return {};
  return it->second.reason;
}

void AlertStage::tell_maintenance(Maintenance& m, const char* what, const std::string& who, AlertOutputs& out) {
  ++m.revision;
  dirty_maintenance_.insert(m.subject);
  out.ledger.push_back({m.subject, now_, who, what, m.reason, {}, to_iso(m.from) + " to " + to_iso(m.until)});
  out.maintenance.push_back(m);
  out.urgent = true;
}

void AlertStage::settle_subject(const std::string& subject, AlertOutputs& out) {
  for (auto& [key, life] : lives_) {
    if (key.subject != subject || !life.life.alert().listed) continue;
    settle_with_covered(life, out);
  }
}

Refusal AlertStage::maintain(const AlertCommand& c, AlertOutputs& out) {
  const auto it = maintenance_.find(c.key.subject);
  const bool open = it != maintenance_.end() && it->second.open;
  if (c.expected_revision != (it == maintenance_.end() ? 0 : it->second.revision)) return Refusal::StaleRevision;
  const auto* plan = std::get_if<PlanMaintenance>(&c.what);
  if (plan == nullptr) {
    if (!open) return Refusal::NotPlanned;
    it->second.open = false;
    tell_maintenance(it->second, "maintenance cancelled", c.who, out);
    settle_subject(c.key.subject, out);
    return Refusal::None;
  }
  if (plan->until <= now_ || plan->until <= plan->from) return Refusal::PastUntil;
  if (plan->until > std::max(plan->from, now_) + rules_.out_of_service_max) return Refusal::BeyondLimit;
  Maintenance& m = maintenance_[c.key.subject];
  m = {c.key.subject, plan->region, plan->root, m.revision, true, plan->from, plan->until, c.who, plan->reason};
  tell_maintenance(m, "maintenance planned", c.who, out);
  settle_subject(c.key.subject, out);
  return Refusal::None;
}

void AlertStage::pass_maintenance(EventTime before, AlertOutputs& out) {
  for (auto& [subject, m] : maintenance_) {
    if (!m.open || (m.until > now_ && (m.from <= before || m.from > now_))) continue;
    if (m.until <= now_) {
      m.open = false;
      tell_maintenance(m, "maintenance over", "time", out);
    }
    for (auto& [key, life] : lives_) {
      if (key.subject != subject || !life.life.alert().listed) continue;
      life.life.maintain(maintenance_of(subject), now_, out.ledger);
      life.dirty = true;
    }
  }
}

}  // namespace qc::core
