// What an alert is: a signal's life in the control room (architecture section 7), as values. Three machines side by
// side, and an alert is the triple:
//
//   condition    what the signals say of the key (rule, subject, factor); never recomputed here
//   response     UNACKED -> ACKED by a person -> UNACKED again when the level rises or the acknowledgement times out
//   suppression  shelved, out of service, inhibited, flapping, folded in a flood: for display and notification only
//
// alert_life.h is the machine of one alert, alert_stage.h that of all alerts of a partition. Terms are those of
// ISA-18.2, EEMUA 191 and CAP. Values; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/alert_rules.h"
#include "core/bytes.h"
#include "core/condition.h"
#include "core/formal_warning.h"
#include "core/output.h"
#include "core/time.h"

namespace qc::core {

struct AlertKey {
  std::string rule;
  std::string subject;
  Factor factor = Factor::None;
  auto operator<=>(const AlertKey&) const = default;
};
std::string text(const AlertKey& key);  // "aqi_level/S1/AQI"

// What a signal says of where it came from beside its origin.
struct SignalSource {
  std::string rules;           // hash of what it was judged by
  std::int32_t partition = 0;  // of the topic that its origin's offsets are of
  bool operator==(const SignalSource&) const = default;
};

enum class Response : std::uint8_t { Unacked = 0, Acked };

// Set aside by a person for a while, or for this one time.
struct Shelf {
  bool on = false;
  std::optional<EventTime> until;  // none: one-shot, until the episode is over
  std::string who;
  std::string reason;
  bool operator==(const Shelf&) const = default;
};
struct OutOfServiceMark {
  bool on = false;
  EventTime until{};
  std::string who;
  std::string reason;
  bool operator==(const OutOfServiceMark&) const = default;
};

// Planned work at a site: while it lasts, all alerts of the subject are out of service, also those that come only then.
// One a subject, planned or running; planning again takes its place.
struct Maintenance {
  std::string subject;
  std::string region;
  std::string root;
  std::int64_t revision = 0;  // of the subject, +1 with everything told
  bool open = false;          // planned or running; false: over, or cancelled
  EventTime from{};
  EventTime until{};
  std::string who;
  std::string reason;
  bool operator==(const Maintenance&) const = default;
};

struct AlertNote {
  EventTime at{};
  std::string who;
  std::string text;
  bool operator==(const AlertNote&) const = default;
};

// Who made the alert what it is, and why. `who` of the machines: "signals", "time", "alerts".
struct AlertChange {
  EventTime at{};
  std::string who;
  std::string what;
  std::string why;
  bool operator==(const AlertChange&) const = default;
};

struct Alert {
  AlertKey key;
  std::int64_t episode = 0;      // of the key, from 1: an Alert, Updates, a Cancel
  std::int64_t revision = 0;     // of the key: +1 with everything told, over all episodes, so it names one state only
  bool listed = false;           // the episode is open: the alert stands on the operators' list
  Signal condition;              // as the signal said it
  SignalSource source;           // that signal's
  int level_max = 0;             // of the episode
  std::int32_t occurrences = 0;  // how often the condition began in the episode
  // Response.
  Response response = Response::Unacked;
  int owed = 0;  // the highest level since it was last acknowledged
  int acked_level = 0;
  std::string acked_by;
  EventTime acked_at{};
  std::string comment;
  std::string assignee;
  bool handled = false;  // somebody acknowledged it or was given it, in this episode
  bool closed = false;   // by a person, after the condition ended
  // When it last asked for attention, and whether a console has shown it since.
  EventTime announced_at{};
  std::int64_t announced_revision = 0;
  std::optional<EventTime> shown_at;
  std::string shown_on;
  bool escalated = false;  // no console showed it in time
  // Suppression.
  Shelf shelf;
  OutOfServiceMark out_of_service;
  std::string maintenance;   // why: of what is planned for its subject, while it lasts
  std::string inhibited_by;  // key of the alert that covers it, as text
  bool flapping = false;
  std::string fold;  // id of the row that a flood folded it into
  std::string
      first_out;  // key of the alert that began first among its group: those of its region and factor that are listed
  bool suppressed = false;  // by any of them but flapping, which is summed up instead; as told
  FormalWarning formal;     // of a region's warning; its numbers go on over all episodes
  std::vector<AlertNote> notes;
  std::int64_t begun_revision = 0;  // with which the episode began
  AlertChange change;               // the last one

  bool open() const { return condition.state == SignalState::Active || condition.state == SignalState::Stale; }
};

// What people may do. Reasons must say something.
struct Acknowledge {
  std::string comment;
};
struct Assign {
  std::string assignee;  // empty: nobody any more
};
struct AddNote {
  std::string text;
};
struct Shelve {
  std::optional<EventTime> until;  // none: one-shot
  std::string reason;
};
struct Unshelve {};
struct TakeOutOfService {
  EventTime until{};
  std::string reason;
};
struct ReturnToService {};
struct Shown {
  std::string console;
};
// Of a subject, not of one alert: the key names no rule and no factor, the expected revision is the plan's.
struct PlanMaintenance {
  std::string region;
  std::string root;
  EventTime from{};  // may be over already
  EventTime until{};
  std::string reason;
};
struct CancelMaintenance {
  std::string reason;
};
struct CloseAlert {
  std::string reason;
};

struct AlertCommand {
  std::string id;
  AlertKey key;
  std::int64_t expected_revision = 0;
  std::string who;
  std::variant<Acknowledge, Assign, AddNote, Shelve, Unshelve, TakeOutOfService, ReturnToService, Shown, CloseAlert,
               Approve, Issue, Lift, PlanMaintenance, CancelMaintenance>
      what;
};
std::string_view name(const AlertCommand& command);  // "acknowledge"

enum class Refusal : std::uint8_t {
  None = 0,         // accepted
  IdMissing,        // nobody could be told the outcome
  WhoMissing,       // nobody says it
  TooLong,          // a text beyond text_max
  NoTime,           // before the first tick
  UnknownAlert,     // there never was one of that key
  StaleRevision,    // the alert is another by now
  NotListed,        // it is over
  AlreadyAcked,     //
  ReasonMissing,    //
  PastUntil,        // the time is over already
  BeyondLimit,      // longer than may be
  LevelBreaks,      // what would break the shelf cannot be shelved
  NotShelved,       //
  NotOutOfService,  //
  ConditionStands,  // only what ended can be closed
  NotesFull,        // notes_max
  // Of a formal warning (formal_life.h).
  NotApprover,      // not as one of the roles that may
  NothingProposed,  // nothing waits to be approved
  OtherLevel,       // another level is proposed
  AlreadyApproved,  //
  NotApproved,      // only what was approved can be issued
  NotIssued,        // nothing is in force
  // Of maintenance.
  NotPlanned,  // there is none to cancel
};
inline constexpr std::size_t kRefusals = 24;
std::string_view name(Refusal r);  // "stale_revision"

struct CommandOutcome {
  std::string command;  // id
  AlertKey key;
  Refusal refusal = Refusal::None;
  std::int64_t revision = 0;     // of the alert, after the command; 0: there is none
  std::optional<Alert> current;  // where the revision was stale: what the sender should have seen
  bool accepted() const { return refusal == Refusal::None; }
};

// A transition, for the audit. Before and after are short texts.
struct LedgerEntry {
  std::string subject;
  EventTime at{};
  std::string who;
  std::string what;
  std::string why;
  std::string before;
  std::string after;
};

// CAP's message types: an episode is an Alert, Updates and a Cancel.
enum class Telling : std::uint8_t { Alert = 1, Update, Cancel };
std::string_view name(Telling t);

struct ToldAlert {
  Telling telling = Telling::Alert;
  bool annunciate = false;  // it asks for attention: a sound, a message
  Alert alert;
};

std::string summary(const Alert& alert);  // "active 2, unacked, shelved"

inline constexpr std::uint8_t kAlertVersion = 1;
// What of a signal an alert keeps is read back from the state it is written to. One that is not would stop the next
// start.
bool can_be_kept(const Signal& signal);
void write_alert_key(ByteWriter& out, const AlertKey& key);
AlertKey read_alert_key(ByteReader& in);
void write_alert(ByteWriter& out, const Alert& alert);
Alert read_alert(ByteReader& in);  // !in.ok(): there is none

}  // namespace qc::core
