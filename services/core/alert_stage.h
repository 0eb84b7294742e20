// All alerts of one partition: takes signals, commands and time, and says what people must be told (architecture
// section 7). Beside the life of each alert (alert_life.h) it has what lies between them: inhibition, floods, and that
// every command is answered. A pure machine: the same inputs in the same order give the same
// outputs.
//
// Inhibition. While a region's warning stands, it covers what `covered_by_warning` names at the sites of the region
// and, where it is of the root region, of all; a joint warning does the same and covers the warnings that it names; a
// dead gateway covers the silence of the sites that it names. What is itself shelved or out of service covers nothing:
// somebody must see one of the two. Nor does what flaps, which would cover and uncover without end.
//
// Flood. Where more new alerts come in a window than the operators can read, those that come up to level_folded get the
// mark of a row, one for each region and factor, and ask for no attention; they are told all the same. When the flood
// is over the rows end, and what still stands loses its mark and asks for attention.
//
// Group. The alerts of one region and factor that are listed together: each names in `first_out` the one that began
// first, so that a person sees what came of what. It keeps the name when that one is over.
//
// Maintenance. Planned for a subject, it puts all of the subject's alerts out of service while it lasts, at every
// level.
//
// Telling. One call tells an alert once at most: all that it changed, in one revision.
//
// Time. `now` is the greatest tick; before the first one, the latest `at` of the signals, and commands are refused.
//
// Lifecycle: construct; load() saved entries, in any order; then apply. Threads: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/alert.h"
#include "core/alert_figures.h"
#include "core/alert_life.h"

namespace qc::core {

// One row in the place of many alerts of level 1. Its alerts carry its id in `fold`.
struct FoldRow {
  std::string id;  // "C/PM2.5/3": region, factor, which flood
  std::string region;
  std::string root;
  Factor factor = Factor::None;
  std::int64_t flood = 0;
  std::int64_t revision = 0;
  std::int64_t alerts = 0;  // folded into it so far
  bool open = true;         // the flood goes on
  EventTime began{};
  EventTime at{};
};

// Gathered by one call; the vectors are reused: clear() keeps their memory.
struct AlertOutputs {
  std::vector<ToldAlert> alerts;
  std::vector<FoldRow> rows;
  std::vector<CommandOutcome> outcomes;
  std::vector<LedgerEntry> ledger;
  std::vector<Maintenance> maintenance;
  bool urgent = false;  // somebody waits for it
  void clear() {
    alerts.clear();
    rows.clear();
    outcomes.clear();
    ledger.clear();
    maintenance.clear();
    urgent = false;
  }
};

class AlertStage {
 public:
  explicit AlertStage(AlertRules rules) : rules_(std::move(rules)) {}

  // From now on by these. `hash`: of the rule set that they are of; it is part of the state, the rules are not: after
  // load() the owner gives those of rules_hash() again.
  void use_rules(std::string_view hash, const AlertRules& rules);
  const std::string& rules_hash() const { return rules_hash_; }  // empty: those of the constructor

  // Each appends to `out` (it does not clear it).
  // false: it is no signal (is_signal), and nothing happened.
  bool apply(const Signal& signal, AlertOutputs& out, const SignalSource& source = {});
  // Always one outcome. A command whose id was answered before gets the same outcome and does nothing.
  void apply(const AlertCommand& command, AlertOutputs& out);
  // An earlier time than before does nothing.
  void advance(EventTime now, AlertOutputs& out);

  EventTime now() const { return now_; }
  const Alert* find(const AlertKey& key) const;  // nullptr: never heard of
  std::vector<const Alert*> listed() const;      // by key
  const AlertRules& rules() const { return rules_; }
  std::size_t size() const { return lives_.size(); }
  const std::map<std::string, Maintenance, std::less<>>& maintenance() const { return maintenance_; }  // by subject
  bool flood() const { return flood_; }
  const AlertTotals& totals() const { return totals_; }
  AlertFigures figures() const;
  // How often each key asked for attention in the last seven days, the most frequent first; at most `most`.
  std::vector<std::pair<AlertKey, std::int64_t>> most_frequent(std::size_t most) const;
  std::size_t commands_remembered() const { return commands_.size(); }

  // State as keyed bytes, each with a version byte. `put(key, bytes)`; empty bytes erase the key.
  using Put = std::function<void(std::string_view key, std::string_view bytes)>;
  void save_changed(const Put& put);
  // false: bytes of a version or shape that this binary doesn't know.
  bool load(std::string_view key, std::string_view bytes);

 private:
  using Group = std::pair<std::string, Factor>;  // region, factor
  struct Life {
    AlertLife life;
    bool dirty = false;
    AlertWeek asked;             // how often it asked for attention
    std::optional<Group> group;  // that it is listed in; follows from its alert
  };
  struct Answered {
    std::int64_t number = 0;  // the order of answering
    AlertKey key;
    Refusal refusal = Refusal::None;
    std::int64_t revision = 0;
    bool saved = false;
  };
  struct Row {
    FoldRow row;
    bool dirty = false;
    bool saved = false;
  };

  static Group group_of(const Alert& alert) { return {alert.condition.region, alert.key.factor}; }
  void note_group(Life& life);
  std::string first_of(const Alert& alert) const;
  // alert_stage_maintenance.cc
  std::string_view maintenance_of(const std::string& subject) const;
  Refusal maintain(const AlertCommand& command, AlertOutputs& out);
  void pass_maintenance(EventTime before, AlertOutputs& out);
  void tell_maintenance(Maintenance& m, const char* what, const std::string& who, AlertOutputs& out);
  void settle_subject(const std::string& subject, AlertOutputs& out);

  Life& life_of(const AlertKey& key);
  void settle(Life& life, AlertOutputs& out);
  void settle_with_covered(Life& life, AlertOutputs& out);
  bool covers(const Alert& by, const Alert& alert) const;
  bool is_cover(const Alert& alert) const;
  bool note_cover(const Alert& alert);
  std::string cover_of(const Alert& alert) const;
  void count_new(AlertOutputs& out);
  void fold(Life& life, AlertOutputs& out);
  void end_flood(AlertOutputs& out);
  void tell_flood(const char* what, AlertOutputs& out) const;
  void answer(const AlertCommand& command, Refusal refusal, AlertOutputs& out);

  AlertRules rules_;
  std::string rules_hash_;
  EventTime now_ = EventTime::min();
  bool ticked_ = false;
  bool dirty_ = false;
  std::map<AlertKey, Life> lives_;
  std::set<AlertKey> covers_;  // those that cover others now; follows from lives_
  AlertTotals totals_;
  // Flood.
  bool flood_ = false;
  std::int64_t floods_ = 0;
  std::deque<EventTime> new_;  // when the latest new alerts came, one more than are no flood
  std::map<std::string, Row, std::less<>> rows_;
  std::vector<std::string> erased_rows_;
  std::map<Group, std::set<AlertKey>> groups_;  // of what is listed; follows from lives_
  // Planned and running maintenance, and of the rest the last revision.
  std::map<std::string, Maintenance, std::less<>> maintenance_;
  std::set<std::string> dirty_maintenance_;
  // Commands.
  std::map<std::string, Answered, std::less<>> commands_;  // by id
  std::map<std::int64_t, std::string> answered_;           // ids by the order of answering
  std::int64_t next_answer_ = 1;
  std::vector<std::string> erased_commands_;
};

}  // namespace qc::core
