#include "wire/alert_codec.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/condition.h"
#include "qingchuan/v1/alert.pb.h"
#include "wire/formal_message.h"
#include "wire/keys.h"
#include "wire/limits.h"
#include "wire/packet.h"
#include "wire/refuse.h"
#include "wire/signal_message.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::EventTime;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::string_view hidden_by(const core::Alert& a) {
  if (!a.suppressed) return {};
  if (a.out_of_service.on) return "out_of_service";
  if (!a.maintenance.empty()) return "maintenance";
  if (a.shelf.on) return "shelved";
  return a.inhibited_by.empty() ? "folded" : "inhibited";
}

void set(const AlertOrigin& in, v1::AlertOrigin& out) {
  out.set_partition(in.partition);
  out.set_signals(in.signals);
  out.set_commands(in.commands);
  out.set_rules(in.rules);
}

AlertOrigin origin_of(const v1::AlertOrigin& in) {
  return {in.partition(), in.signals(), in.commands(), in.rules()};
}

std::int32_t revision(std::int64_t r) {
  return static_cast<std::int32_t>(std::min<std::int64_t>(r, std::numeric_limits<std::int32_t>::max()));
}

void set_people(const core::Alert& a, v1::Alert& out) {
  if (a.acked_level > 0) {
    v1::Acknowledgement& ack = *out.mutable_acknowledged();
    ack.set_level(a.acked_level);
    ack.set_who(a.acked_by);
    ack.set_at_ms(ms(a.acked_at));
    ack.set_comment(a.comment);
  }
  out.set_assignee(a.assignee);
  if (a.shelf.on) {
    v1::Shelf& shelf = *out.mutable_shelf();
    if (a.shelf.until) shelf.set_until_ms(ms(*a.shelf.until));
    shelf.set_who(a.shelf.who);
    shelf.set_reason(a.shelf.reason);
  }
  if (a.out_of_service.on) {
    v1::OutOfService& out_of = *out.mutable_out_of_service();
    out_of.set_until_ms(ms(a.out_of_service.until));
    out_of.set_who(a.out_of_service.who);
    out_of.set_reason(a.out_of_service.reason);
  }
  for (const core::AlertNote& n : a.notes) {
    v1::Note& note = *out.add_notes();
    note.set_at_ms(ms(n.at));
    note.set_who(n.who);
    note.set_text(n.text);
  }
}

void set_alert(const core::Alert& a, v1::Alert& out) {
  out.set_key(text(a.key));
  out.set_revision(revision(a.revision));
  out.set_rule(a.key.rule);
  out.set_subject(a.key.subject);
  out.set_level(a.condition.level);
  out.set_condition(std::string(name(a.condition.state)));
  out.set_response(a.response == core::Response::Acked ? "acked" : "unacked");
  out.set_suppression(std::string(hidden_by(a)));
  out.set_signal_id(a.condition.id);
  out.set_signal_revision(a.condition.revision);
  set_signal(a.condition, {a.source.rules, a.source.partition}, *out.mutable_signal());
  out.set_episode(a.episode);
  out.set_listed(a.listed);
  out.set_level_max(a.level_max);
  out.set_occurrences(a.occurrences);
  out.set_owed(a.owed);
  out.set_handled(a.handled);
  out.set_closed(a.closed);
  out.set_announced_ms(ms(a.announced_at));
  out.set_announced_revision(revision(a.announced_revision));
  if (a.shown_at) out.set_shown_ms(ms(*a.shown_at));
  out.set_shown_on(a.shown_on);
  out.set_escalated(a.escalated);
  out.set_inhibited_by(a.inhibited_by);
  out.set_flapping(a.flapping);
  out.set_fold(a.fold);
  out.set_maintenance(a.maintenance);
  out.set_first_out(a.first_out);
  out.set_begun_revision(revision(a.begun_revision));
  v1::Change& change = *out.mutable_change();
  change.set_at_ms(ms(a.change.at));
  change.set_who(a.change.who);
  change.set_what(a.change.what);
  change.set_why(a.change.why);
  set_people(a, out);
  if (a.formal.message.number > 0) set_formal(a.formal, *out.mutable_formal());
}

void take_people(const v1::Alert& in, core::Alert& a) {
  if (in.has_acknowledged()) {
    a.acked_level = std::clamp(in.acknowledged().level(), 0, core::kLevels);
    a.acked_by = in.acknowledged().who();
    a.acked_at = core::event_time(in.acknowledged().at_ms());
    a.comment = in.acknowledged().comment();
  }
  a.assignee = in.assignee();
  if (in.has_shelf()) {
    a.shelf.on = true;
    if (in.shelf().has_until_ms()) a.shelf.until = core::event_time(in.shelf().until_ms());
    a.shelf.who = in.shelf().who();
    a.shelf.reason = in.shelf().reason();
  }
  if (in.has_out_of_service()) {
    const v1::OutOfService& o = in.out_of_service();
    a.out_of_service = {true, core::event_time(o.until_ms()), o.who(), o.reason()};
  }
  for (const v1::Note& n : in.notes()) a.notes.push_back({core::event_time(n.at_ms()), n.who(), n.text()});
}

// nullopt: its signal is none.
std::optional<core::Alert> alert_of(const v1::Alert& in) {
  auto signal = signal_of(in.signal());
  if (!signal || in.revision() < 1) return std::nullopt;
  core::Alert a;
  a.key = {in.rule(), in.subject(), signal->factor};
  a.condition = std::move(*signal);
  a.source = {in.signal().origin().rules(), in.signal().origin().partition()};
  a.episode = in.episode();
  a.revision = in.revision();
  a.listed = in.listed();
  a.level_max = std::clamp(in.level_max(), 0, core::kLevels);
  a.occurrences = in.occurrences();
  a.response = in.response() == "acked" ? core::Response::Acked : core::Response::Unacked;
  a.owed = std::clamp(in.owed(), 0, core::kLevels);
  a.handled = in.handled();
  a.closed = in.closed();
  a.announced_at = core::event_time(in.announced_ms());
  a.announced_revision = in.announced_revision();
  if (in.has_shown_ms()) a.shown_at = core::event_time(in.shown_ms());
  a.shown_on = in.shown_on();
  a.escalated = in.escalated();
  a.inhibited_by = in.inhibited_by();
  a.flapping = in.flapping();
  a.fold = in.fold();
  a.maintenance = in.maintenance();
  a.first_out = in.first_out();
  a.suppressed = !in.suppression().empty();
  a.begun_revision = in.begun_revision();
  a.change = {core::event_time(in.change().at_ms()), in.change().who(), in.change().what(), in.change().why()};
  take_people(in, a);
  if (in.has_formal()) a.formal = formal_of(in.formal());
  return a;
}

core::FoldRow row_of(const v1::FoldRow& in) {
  core::FoldRow r;
  r.id = in.id();
  r.region = in.region();
  r.root = in.root();
  r.factor = known(in.factor(), core::Factor::AQI_PM24).value_or(core::Factor::None);
  r.flood = in.flood();
  r.revision = in.revision();
  r.alerts = in.alerts();
  r.began = core::event_time(in.began_ms());
  r.at = core::event_time(in.at_ms());
  r.open = in.open();
  return r;
}

core::Maintenance maintenance_of(const v1::Maintenance& in) {
  core::Maintenance m;
  m.subject = in.subject();
  m.region = in.region();
  m.root = in.root();
  m.revision = in.revision();
  m.open = in.open();
  m.from = core::event_time(in.from_ms());
  m.until = core::event_time(in.until_ms());
  m.who = in.who();
  m.reason = in.reason();
  return m;
}

core::Rejected bad(std::string what) {
  return {core::Reason::BadShape, 1, std::move(what)};
}

// What the sender wants. nullopt: a kind that this version doesn't know, or a time that cannot be.
using What = decltype(core::AlertCommand::what);
std::variant<What, core::Rejected> what_of(const v1::Command& in) {
  using C = v1::Command;
  const auto time = [](std::int64_t t) { return core::event_time(t); };
  switch (in.what_case()) {
    case C::kAcknowledge:
      return core::Acknowledge{in.acknowledge().comment()};
    case C::kAssign:
      return core::Assign{in.assign().assignee()};
    case C::kNote:
      return core::AddNote{in.note().text()};
    case C::kShelve: {
      core::Shelve shelve{std::nullopt, in.shelve().reason()};
      if (in.shelve().has_until_ms()) {
        if (!sane_time(in.shelve().until_ms())) return bad("shelve: until when?");
        shelve.until = time(in.shelve().until_ms());
      }
      return shelve;
    }
    case C::kUnshelve:
      return core::Unshelve{};
    case C::kTakeOutOfService:
      if (!sane_time(in.take_out_of_service().until_ms())) return bad("take_out_of_service: until when?");
      return core::TakeOutOfService{time(in.take_out_of_service().until_ms()), in.take_out_of_service().reason()};
    case C::kReturnToService:
      return core::ReturnToService{};
    case C::kShown:
      return core::Shown{in.shown().console()};
    case C::kClose:
      return core::CloseAlert{in.close().reason()};
    case C::kApprove:
      return core::Approve{in.approve().level(), in.approve().role(), in.approve().comment()};
    case C::kIssue:
      return core::Issue{in.issue().role()};
    case C::kLift:
      return core::Lift{in.lift().role(), in.lift().reason()};
    case C::kPlanMaintenance: {
      const v1::PlanMaintenance& plan = in.plan_maintenance();
      if (!sane_time(plan.from_ms()) || !sane_time(plan.until_ms()))
        return bad("plan_maintenance: from and until when?");
      if (!printable(plan.region(), kNameBytesMax)) return bad("plan_maintenance: in what region?");
      return core::PlanMaintenance{plan.region(), in.root(), time(plan.from_ms()), time(plan.until_ms()),
                                   plan.reason()};
    }
    case C::kCancelMaintenance:
      return core::CancelMaintenance{in.cancel_maintenance().reason()};
    case C::WHAT_NOT_SET:
      break;
  }
  return core::Rejected{core::Reason::NotSupported, 1, "a command that this version doesn't know"};
}

void set_what(const What& what, v1::Command& out) {
  std::visit(
      Overloaded{[&](const core::Acknowledge& w) { out.mutable_acknowledge()->set_comment(w.comment); },
                 [&](const core::Assign& w) { out.mutable_assign()->set_assignee(w.assignee); },
                 [&](const core::AddNote& w) { out.mutable_note()->set_text(w.text); },
                 [&](const core::Shelve& w) {
                   if (w.until) out.mutable_shelve()->set_until_ms(ms(*w.until));
                   out.mutable_shelve()->set_reason(w.reason);
                 },
                 [&](const core::Unshelve&) { out.mutable_unshelve(); },
                 [&](const core::TakeOutOfService& w) {
                   out.mutable_take_out_of_service()->set_until_ms(ms(w.until));
                   out.mutable_take_out_of_service()->set_reason(w.reason);
                 },
                 [&](const core::ReturnToService&) { out.mutable_return_to_service(); },
                 [&](const core::Shown& w) { out.mutable_shown()->set_console(w.console); },
                 [&](const core::CloseAlert& w) { out.mutable_close()->set_reason(w.reason); },
                 [&](const core::Approve& w) {
                   out.mutable_approve()->set_level(w.level);
                   out.mutable_approve()->set_role(w.role);
                   out.mutable_approve()->set_comment(w.comment);
                 },
                 [&](const core::Issue& w) { out.mutable_issue()->set_role(w.role); },
                 [&](const core::Lift& w) {
                   out.mutable_lift()->set_role(w.role);
                   out.mutable_lift()->set_reason(w.reason);
                 },
                 [&](const core::PlanMaintenance& w) {
                   v1::PlanMaintenance& plan = *out.mutable_plan_maintenance();
                   plan.set_region(w.region);
                   plan.set_from_ms(ms(w.from));
                   plan.set_until_ms(ms(w.until));
                   plan.set_reason(w.reason);
                 },
                 [&](const core::CancelMaintenance& w) { out.mutable_cancel_maintenance()->set_reason(w.reason); }},
      what);
}

core::Refusal refusal_of(std::string_view word) {
  for (std::size_t i = 1; i < core::kRefusals; ++i) {
    if (name(static_cast<core::Refusal>(i)) == word) return static_cast<core::Refusal>(i);
  }
  return core::Refusal::None;
}

}  // namespace

std::string encode_alert(const core::ToldAlert& told, const AlertOrigin& origin,
                         const std::vector<core::MeasuresDue>& measures) {
  v1::AlertRecord message;
  v1::Alert& out = *message.mutable_alert();
  for (const core::MeasuresDue& due : measures) add_measures(due, out);
  set_alert(told.alert, out);
  out.set_telling(static_cast<v1::Telling>(told.telling));
  out.set_annunciate(told.annunciate);
  set(origin, *out.mutable_origin());
  return message.SerializeAsString();
}

std::string encode_row(const core::FoldRow& row, const AlertOrigin& origin) {
  v1::AlertRecord message;
  v1::FoldRow& out = *message.mutable_row();
  out.set_id(row.id);
  out.set_region(row.region);
  out.set_root(row.root);
  out.set_factor(static_cast<v1::Factor>(row.factor));
  out.set_flood(row.flood);
  out.set_revision(revision(row.revision));
  out.set_alerts(row.alerts);
  out.set_began_ms(ms(row.began));
  out.set_at_ms(ms(row.at));
  out.set_open(row.open);
  set(origin, *out.mutable_origin());
  return message.SerializeAsString();
}

std::string encode_maintenance(const core::Maintenance& m, const AlertOrigin& origin) {
  v1::AlertRecord message;
  v1::Maintenance& out = *message.mutable_maintenance();
  out.set_subject(m.subject);
  out.set_region(m.region);
  out.set_root(m.root);
  out.set_revision(revision(m.revision));
  out.set_open(m.open);
  out.set_from_ms(ms(m.from));
  out.set_until_ms(ms(m.until));
  out.set_who(m.who);
  out.set_reason(m.reason);
  set(origin, *out.mutable_origin());
  return message.SerializeAsString();
}

std::string encode_outcome(const core::CommandOutcome& outcome, const AlertOrigin& origin) {
  v1::CommandOutcome message;
  message.set_command(outcome.command);
  message.set_alert(text(outcome.key));
  if (!outcome.accepted()) message.set_refusal(std::string(name(outcome.refusal)));
  message.set_revision(revision(outcome.revision));
  if (outcome.current) set_alert(*outcome.current, *message.mutable_current());
  set(origin, *message.mutable_origin());
  return message.SerializeAsString();
}

std::string encode_ledger_entry(const core::LedgerEntry& entry, std::string_view id, const AlertOrigin& origin) {
  v1::LedgerEntry message;
  message.set_id(id.data(), id.size());
  message.set_subject(entry.subject);
  message.set_who(entry.who);
  message.set_at_ms(ms(entry.at));
  message.set_what(entry.what);
  message.set_why(entry.why);
  message.set_before(entry.before);
  message.set_after(entry.after);
  set(origin, *message.mutable_origin());
  return message.SerializeAsString();
}

std::string encode_command(const core::AlertCommand& command, std::string_view root, EventTime sent) {
  v1::Command message;
  message.set_id(command.id);
  message.set_rule(command.key.rule);
  message.set_subject(command.key.subject);
  message.set_factor(static_cast<v1::Factor>(command.key.factor));
  message.set_root(root.data(), root.size());
  message.set_who(command.who);
  message.set_expected_revision(revision(command.expected_revision));
  message.set_at_ms(ms(sent));
  set_what(command.what, message);
  return message.SerializeAsString();
}

DecodedAlertRecord decode_alert_record(std::string_view bytes, const DecodeLimits& limits) {
  if (auto refused = size_error(bytes, limits)) return std::move(*refused);
  v1::AlertRecord message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return unreadable(bytes);
  if (message.has_row()) return row_of(message.row());
  if (message.has_maintenance()) return maintenance_of(message.maintenance());
  if (!message.has_alert())
    return core::Rejected{core::Reason::NotSupported, 1, "a kind of record that this version doesn't know"};
  auto alert = alert_of(message.alert());
  const auto telling = known(message.alert().telling(), core::Telling::Cancel);
  if (!alert || !telling) return bad("alert: not as any stage of ours writes it");
  return DecodedAlert{{*telling, message.alert().annunciate(), std::move(*alert)}, origin_of(message.alert().origin())};
}

std::variant<DecodedCommand, core::Rejected> decode_command(std::string_view bytes, const DecodeLimits& limits) {
  if (auto refused = size_error(bytes, limits)) return std::move(*refused);
  v1::Command in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return unreadable(bytes);
  if (!printable(in.id(), kDisplayNameBytesMax)) return bad("id: 1 to 256 bytes of printable text expected");
  const bool of_subject = in.has_plan_maintenance() || in.has_cancel_maintenance();
  if (!printable(in.subject(), kNameBytesMax)) return bad("subject: 1 to 64 bytes of printable text expected");
  if (of_subject ? !in.rule().empty() || in.factor() != 0 : !printable(in.rule(), kNameBytesMax))
    return bad(of_subject ? "maintenance is of a subject alone" : "rule: 1 to 64 bytes of printable text expected");
  if (!printable(in.root(), kNameBytesMax)) return bad("root: 1 to 64 bytes of printable text expected");
  // There are alerts of no factor.
  const auto factor = known(in.factor(), core::Factor::AQI_PM24);
  if (!factor && in.factor() != 0) return bad("alert: a factor that this version doesn't know");
  auto what = what_of(in);
  if (auto* refused = std::get_if<core::Rejected>(&what)) return std::move(*refused);
  DecodedCommand out;
  out.command.id = in.id();
  out.command.key = {in.rule(), in.subject(), factor.value_or(core::Factor::None)};
  out.command.expected_revision = in.expected_revision();
  out.command.who = in.who();
  out.command.what = std::move(std::get<What>(what));
  out.root = in.root();
  return out;
}

std::optional<DecodedOutcome> decode_outcome(std::string_view bytes) {
  v1::CommandOutcome in;
  if (size_error(bytes, {}) || !in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  DecodedOutcome out{in.command(),  in.alert(),   refusal_of(in.refusal()),
                     in.revision(), std::nullopt, origin_of(in.origin())};
  if (in.has_current()) out.current = alert_of(in.current());
  return out;
}

}  // namespace qc::wire
