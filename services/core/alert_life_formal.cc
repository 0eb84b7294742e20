// The formal warning within an alert: what of the alert changes with it.
#include <algorithm>
#include <string>
#include <variant>

#include "core/alert_life.h"
#include "core/formal_life.h"

namespace qc::core {
void AlertLife::note_formal(const FormalLife& formal, const std::string& before, EventTime now,
                            std::vector<LedgerEntry>& ledger) {
  for (const FormalChange& c : formal.changes()) {
    alert_.change = {now, c.who, c.what, c.why};
    ledger.push_back({text(alert_.key), now, c.who, c.what, c.why, before, summary(alert_)});
    changed_ = tell_ = true;
  }
}

void AlertLife::propose(const AlertRules& rules, EventTime now, std::vector<LedgerEntry>& ledger) {
  const Signal& s = alert_.condition;
  if (!rules.formal_rules.contains(alert_.key.rule)) return;
  if (s.state == SignalState::EndedNoData && alert_.formal.in_force()) return;
  const std::string before = summary(alert_);
  const WarningEpisode* episode = s.warning.get();
  const Basis basis = episode == nullptr || episode->changes.empty() ? Basis::None : episode->changes.back().basis;
  FormalLife formal(rules.formal, alert_.formal, now);
  formal.propose(alert_.open() ? s.level : 0, basis, episode == nullptr ? "" : episode->criteria);
  if (formal.attention()) {
    unack();
    alert_.owed = std::max(alert_.owed, s.level);
  }
  note_formal(formal, before, now, ledger);
}

void AlertLife::advance_formal(const AlertRules& rules, EventTime now, std::vector<LedgerEntry>& ledger) {
  if (alert_.formal.message.number == 0 && alert_.formal.proposed.level == 0) return;
  const std::string before = summary(alert_);
  FormalLife formal(rules.formal, alert_.formal, now);
  formal.advance();
  if (formal.attention()) {
    unack();
    alert_.owed = std::max(alert_.owed, alert_.condition.level);
  }
  note_formal(formal, before, now, ledger);
}

Refusal AlertLife::decide(const AlertRules& rules, const AlertCommand& c, EventTime now,
                          std::vector<LedgerEntry>& ledger) {
  Alert& a = alert_;
  const std::string before = summary(a);
  FormalLife formal(rules.formal, a.formal, now);
  Refusal refusal = Refusal::None;
  if (const auto* approve = std::get_if<Approve>(&c.what)) refusal = formal.apply(*approve, c.who);
  if (const auto* issue = std::get_if<Issue>(&c.what)) refusal = formal.apply(*issue, c.who);
  if (const auto* lift = std::get_if<Lift>(&c.what)) refusal = formal.apply(*lift, c.who);
  if (refusal != Refusal::None) return refusal;
  if (a.response == Response::Unacked) {
    a.response = Response::Acked;
    a.acked_by = c.who;
    a.acked_at = now;
    a.acked_level = std::max(a.owed, a.condition.level);
    a.comment.clear();
    a.owed = 0;
    announce_ = false;
  }
  a.handled = true;
  note_formal(formal, before, now, ledger);
  return Refusal::None;
}

}  // namespace qc::core
