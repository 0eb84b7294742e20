// What people do to alerts, by way of the log: the command is written, `alerts` judges it, and its outcome is the
// answer. The same Idempotency-Key is the same command, however often it is sent.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "console/alert_json.h"
#include "console/api_call.h"

namespace qc::console {
namespace {

namespace json = boost::json;
using platform::WebResponse;

constexpr BodyReader::TextLimits kWords{.least = 1, .most = kTextBytesMax, .lines = true};
constexpr BodyReader::TextLimits kMaybeWords{.least = 0, .most = kTextBytesMax, .lines = true};

std::string_view refusal_words(core::Refusal refusal) {
  switch (refusal) {
    case core::Refusal::TooLong:
      return "a text is longer than the alerts take";
    case core::Refusal::NoTime:
      return "no time has been told yet; try again when data flow";
    case core::Refusal::UnknownAlert:
      return "there never was such an alert";
    case core::Refusal::StaleRevision:
      return "it has changed since that revision; look at `current` and decide again";
    case core::Refusal::NotListed:
      return "the alert is over";
    case core::Refusal::AlreadyAcked:
      return "it is acknowledged already";
    case core::Refusal::ReasonMissing:
      return "a reason is required";
    case core::Refusal::PastUntil:
      return "that time is over already";
    case core::Refusal::BeyondLimit:
      return "that is longer than the rules allow";
    case core::Refusal::LevelBreaks:
      return "an alert of this level cannot be shelved";
    case core::Refusal::NotShelved:
      return "it is not shelved";
    case core::Refusal::NotOutOfService:
      return "it is not out of service";
    case core::Refusal::ConditionStands:
      return "its condition still stands";
    case core::Refusal::NotesFull:
      return "it has as many notes as it can hold";
    case core::Refusal::NotApprover:
      return "this office may not do it by the rules in force";
    case core::Refusal::NothingProposed:
      return "nothing waits to be approved";
    case core::Refusal::OtherLevel:
      return "another level is proposed";
    case core::Refusal::AlreadyApproved:
      return "it is approved already";
    case core::Refusal::NotApproved:
      return "only what was approved can be issued";
    case core::Refusal::NotIssued:
      return "nothing is in force";
    case core::Refusal::NotPlanned:
      return "no maintenance is planned";
    default:
      return "the command was refused";
  }
}

// The alert, or the maintenance of the subject `of`, as the sender should have seen it. The model's own JSON where it
// has read that far, which names places as the stream does.
json::value current_alert(const Model& model, const wire::DecodedOutcome& outcome, const std::string& of) {
  std::shared_ptr<const std::string> shown;
  std::shared_ptr<const Places> places;
  model.read([&](const Tables& t) {
    places = t.places;
    const auto found = t.alerts.find(outcome.alert);
    if (found != t.alerts.end() && (!outcome.current || found->second.alert.revision >= outcome.current->revision)) {
      shown = found->second.json;
    }
    const auto planned = t.maintenance.find(of);
    if (shown == nullptr && planned != t.maintenance.end()) shown = planned->second.json;
  });
  if (shown != nullptr) {
    boost::system::error_code failed;
    json::value value = json::parse(*shown, failed);
    return failed ? json::value(nullptr) : value;
  }
  if (!outcome.current) return nullptr;
  AlertEntry entry;
  entry.alert = *outcome.current;
  entry.origin = outcome.origin;
  wire::AlertWords words;
  words.place = [&places](const std::string& id) { return std::string(places ? places->name(id) : id); };
  return alert_json(entry, words, places.get());
}

WebResponse command_answer(const CommandAnswer& answer, const core::AlertKey& key, const std::string& of,
                           const Model& model) {
  switch (answer.kind) {
    case CommandAnswer::Kind::Failed:
      // Why may name files and hosts.
      return problem({.status = 503,
                      .code = "command_not_written",
                      .detail = "the command could not be written; send it again with the same Idempotency-Key",
                      .retry_after = std::chrono::seconds(1)});
    case CommandAnswer::Kind::Late:
      return json_answer(202, json::object{{"outcome", "pending"}, {"revision", nullptr}, {"command", answer.id}});
    case CommandAnswer::Kind::Outcome:
      break;
  }
  const wire::DecodedOutcome& outcome = answer.outcome;
  if (outcome.alert != core::text(key) && outcome.alert != of) {
    return problem({.status = 422,
                    .code = "idempotency_key_used",
                    .detail = "this Idempotency-Key was used for a command on something else; take another one"});
  }
  if (outcome.refusal == core::Refusal::None) {
    return json_answer(
        200, json::object{{"outcome", "accepted"}, {"revision", outcome.revision}, {"command", outcome.command}});
  }
  Problem said{
      .status = 422, .code = core::name(outcome.refusal), .detail = std::string(refusal_words(outcome.refusal))};
  said.more = json::object{
      {"refusal", core::name(outcome.refusal)}, {"revision", outcome.revision}, {"command", outcome.command}};
  if (outcome.refusal == core::Refusal::StaleRevision) {
    said.status = 409;
    said.more["current"] = current_alert(model, outcome, of);
  }
  return problem(std::move(said));
}

Later send_later(Call& call, core::AlertCommand command, std::string root, std::string of) {
  return [&desk = call.api.parts.commands, &model = call.api.parts.model, command = std::move(command),
          root = std::move(root), of = std::move(of)](const std::function<void(WebResponse)>& done) {
    const core::AlertKey key = command.key;
    desk.send(command, root,
              [done, key, of, &model](const CommandAnswer& answer) { done(command_answer(answer, key, of, model)); });
  };
}

using What = decltype(core::AlertCommand::what);

struct Action {
  std::string_view name;
  Role role;
  What (*read)(BodyReader& reader);
};

const std::array<Action, 11>& actions() {
  static const std::array<Action, 11> all = {{
      {"acknowledge", Role::Operator,
       [](BodyReader& r) -> What { return core::Acknowledge{r.maybe_text("comment", kMaybeWords).value_or("")}; }},
      {"assign", Role::Operator,
       [](BodyReader& r) -> What { return core::Assign{r.text("assignee", {.least = 0, .most = 200})}; }},
      {"note", Role::Operator, [](BodyReader& r) -> What { return core::AddNote{r.text("text", kWords)}; }},
      {"shelve", Role::Operator,
       [](BodyReader& r) -> What {
         auto until = r.maybe_time("until");
         return core::Shelve{until, r.text("reason", kWords)};
       }},
      {"unshelve", Role::Operator, [](BodyReader&) -> What { return core::Unshelve{}; }},
      {"take_out_of_service", Role::Operator,
       [](BodyReader& r) -> What {
         const core::EventTime until = r.time("until");
         return core::TakeOutOfService{until, r.text("reason", kWords)};
       }},
      {"return_to_service", Role::Operator, [](BodyReader&) -> What { return core::ReturnToService{}; }},
      {"close", Role::Operator, [](BodyReader& r) -> What { return core::CloseAlert{r.text("reason", kWords)}; }},
      {"approve", Role::Approver,
       [](BodyReader& r) -> What {
         const auto level = static_cast<int>(r.number("level", 1, core::kLevels));
         std::string office = r.text("office", {.least = 1, .most = 100});
         return core::Approve{level, std::move(office), r.maybe_text("comment", kMaybeWords).value_or("")};
       }},
      {"issue", Role::Approver,
       [](BodyReader& r) -> What { return core::Issue{r.text("office", {.least = 1, .most = 100})}; }},
      {"lift", Role::Approver,
       [](BodyReader& r) -> What {
         std::string office = r.text("office", {.least = 1, .most = 100});
         return core::Lift{std::move(office), r.text("reason", kWords)};
       }},
  }};
  return all;
}

// As which office; nullptr: the action needs none.
const std::string* office_of(const What& what) {
  if (const auto* approve = std::get_if<core::Approve>(&what)) return &approve->role;
  if (const auto* issue = std::get_if<core::Issue>(&what)) return &issue->role;
  if (const auto* lift = std::get_if<core::Lift>(&what)) return &lift->role;
  return nullptr;
}

std::optional<WebResponse> refuse_office(const Principal& who, const What& what) {
  const std::string* office = office_of(what);
  if (office == nullptr || std::find(who.offices.begin(), who.offices.end(), *office) != who.offices.end()) {
    return std::nullopt;
  }
  return problem(
      {.status = 403, .code = "not_your_office", .detail = "the account holds no such office; see GET session"});
}

Answer post_command(Call& call) {
  core::AlertKey key;
  std::string region, root;
  const bool seen = with_alert(call, call.parts[0], [&](const AlertEntry& entry, const Tables&) {
    key = entry.alert.key;
    region = entry.alert.condition.region;
    root = entry.alert.condition.root;
  });
  if (!seen) return not_found("alert");
  if (!may(call.who, Role::Operator, region, call.rules())) {
    if (auto refused = call.must(Role::Approver, region)) {
      return problem({.status = 403,
                      .code = "forbidden",
                      .detail = "this needs the role operator or approver in the region " + region});
    }
  }
  const auto idempotency = idempotency_key(call.request);
  if (!idempotency) return idempotency.error();
  const auto body = parse_body(call.request);
  if (!body) return body.error();
  BodyReader reader(*body);
  const std::string name = reader.text("action", {.least = 1, .most = 40});
  core::AlertCommand command;
  command.expected_revision = reader.number("revision", 0, INT64_MAX);
  const auto action =
      std::find_if(actions().begin(), actions().end(), [&](const Action& one) { return one.name == name; });
  if (action == actions().end()) {
    if (!name.empty()) {
      reader.wrong("action",
                   "must be acknowledge, assign, note, shelve, unshelve, take_out_of_service, return_to_service, "
                   "close, approve, issue or lift");
    }
    return fields_problem(std::move(reader.errors()));
  }
  if (auto refused = call.must(action->role, region)) return *refused;
  command.what = action->read(reader);
  if (auto errors = reader.finish(); !errors.empty()) return fields_problem(std::move(errors));
  if (auto refused = refuse_office(call.who, command.what)) return *refused;
  command.id = command_id(call.who.account, *idempotency);
  command.key = key;
  command.who = who_said(call.who);
  return send_later(call, std::move(command), std::move(root), core::text(key));
}

// ---- maintenance: of a station

struct StationPlace {
  std::string region;
  std::string root;
};
std::optional<StationPlace> station_place(const Call& call, const std::string& subject) {
  const core::SiteInfo* site = call.places ? call.places->site(subject) : nullptr;
  if (site == nullptr || !call.sight.sees(site->region)) return std::nullopt;
  return StationPlace{site->region, site->root};
}

Answer post_maintenance(Call& call) {
  const auto idempotency = idempotency_key(call.request);
  if (!idempotency) return idempotency.error();
  const auto body = parse_body(call.request);
  if (!body) return body.error();
  BodyReader reader(*body);
  core::PlanMaintenance plan;
  const std::string subject = reader.text("subject", {.least = 1, .most = 64});
  plan.from = reader.time("from");
  plan.until = reader.time("until");
  plan.reason = reader.text("reason", kWords);
  core::AlertCommand command;
  command.expected_revision = reader.maybe_number("revision", 0, INT64_MAX).value_or(0);
  if (reader.errors().empty() && plan.until <= plan.from) reader.wrong("until", "must be after from");
  if (auto errors = reader.finish(); !errors.empty()) return fields_problem(std::move(errors));
  const auto place = station_place(call, subject);
  if (!place) return fields_problem({{"/subject", {}, "there is no such station"}});
  if (auto refused = call.must(Role::Operator, place->region)) return *refused;
  plan.region = place->region;
  plan.root = place->root;
  command.id = command_id(call.who.account, *idempotency);
  command.key.subject = subject;
  command.who = who_said(call.who);
  command.what = std::move(plan);
  return send_later(call, std::move(command), place->root, subject);
}

Answer delete_maintenance(Call& call) {
  const std::string& subject = call.parts[0];
  auto place = station_place(call, subject);
  if (!place) {
    // A station that the rules no longer know may still have some.
    call.api.parts.model.read([&](const Tables& t) {
      const auto found = t.maintenance.find(subject);
      if (found == t.maintenance.end() || !call.sight.sees(found->second.maintenance.region)) return;
      place = StationPlace{found->second.maintenance.region, found->second.maintenance.root};
    });
  }
  if (!place) return not_found("station");
  if (auto refused = call.must(Role::Operator, place->region)) return *refused;
  const auto idempotency = idempotency_key(call.request);
  if (!idempotency) return idempotency.error();
  call.query.require("revision");
  call.query.require("reason");
  core::AlertCommand command;
  command.expected_revision = call.query.number("revision", 0, INT64_MAX, 0);
  command.what = core::CancelMaintenance{call.query.text("reason", kTextBytesMax)};
  if (!call.query.fine()) return parameters_problem(call.query.errors());
  command.id = command_id(call.who.account, *idempotency);
  command.key.subject = subject;
  command.who = who_said(call.who);
  return send_later(call, std::move(command), place->root, subject);
}

}  // namespace

std::span<const Route> command_routes() {
  static const std::array<Route, 3> routes = {
      Route{.method = "POST", .path = "/alerts/{key}/commands", .access = Access::Model, .handler = post_command},
      Route{.method = "POST",
            .path = "/maintenance",
            .access = Access::Model,
            .role = Role::Operator,
            .handler = post_maintenance},
      Route{.method = "DELETE",
            .path = "/maintenance/{subject}",
            .access = Access::Model,
            .role = Role::Operator,
            .query = {"revision", "reason"},
            .handler = delete_maintenance},
  };
  return routes;
}

}  // namespace qc::console
