#include "core/alert.h"

#include <algorithm>

namespace qc::core {

std::string text(const AlertKey& key) {
  return key.rule + "/" + key.subject + "/" + std::string(name(key.factor));
}

std::string_view name(const AlertCommand& command) {
  static constexpr std::array<std::string_view, std::variant_size_v<decltype(AlertCommand::what)>> kNames = {
      "acknowledge", "assign", "note",    "shelve", "unshelve", "out_of_service",   "return_to_service",
      "shown",       "close",  "approve", "issue",  "lift",     "plan_maintenance", "cancel_maintenance"};
  return kNames[command.what.index()];
}

std::string_view name(Refusal r) {
  static constexpr std::array<std::string_view, kRefusals> kNames = {
      "accepted",         "id_missing",  "who_missing",        "too_long",         "no_time",    "unknown_alert",
      "stale_revision",   "not_listed",  "already_acked",      "reason_missing",   "past_until", "beyond_limit",
      "level_breaks",     "not_shelved", "not_out_of_service", "condition_stands", "notes_full", "not_approver",
      "nothing_proposed", "other_level", "already_approved",   "not_approved",     "not_issued", "not_planned"};
  const auto i = static_cast<std::size_t>(r);
  return i < kNames.size() ? kNames[i] : "?";
}

std::string_view name(Telling t) {
  switch (t) {
    case Telling::Alert:
      return "alert";
    case Telling::Update:
      return "update";
    case Telling::Cancel:
      return "cancel";
  }
  return "?";
}

std::string summary(const Alert& a) {
  if (a.episode == 0) return "none";
  std::string s = std::string(name(a.condition.state)) + " " + std::to_string(a.condition.level);
  s += a.response == Response::Acked ? ", acked" : ", unacked";
  const auto add = [&s](bool is, std::string_view what) {
    if (is) s.append(", ").append(what);
  };
  add(!a.assignee.empty(), "assigned to " + a.assignee);
  add(a.escalated, "escalated");
  add(a.shelf.on, "shelved");
  add(a.out_of_service.on, "out of service");
  add(!a.maintenance.empty(), "in maintenance");
  add(!a.inhibited_by.empty(), "inhibited by " + a.inhibited_by);
  add(a.flapping, "flapping");
  add(!a.fold.empty(), "folded into " + a.fold);
  add(a.closed, "closed");
  add(a.formal.step() != FormalStep::None, "warning " + summary(a.formal));
  return s;
}

}  // namespace qc::core
