// The machine of one alert: what signals, people and time make of it (alert.h says what it is).
//
// Each step is apply() or advance(), then settle(), which says whether there is something to tell: one new revision,
// however much the step changed. Every transition gives an entry for the ledger, told or not.
//
// Signals. A repeat, or an older revision, changes nothing. Ended signals of earlier episodes are corrections of the
// past and only enter the ledger; one of level >= level_kept that was over before anybody was told is listed. An open
// signal takes the key over, whatever its id: an alert that still stands, because what ended was never acknowledged,
// goes on with it and keeps what is owed. STALE holds; "no data" at its end keeps level >= level_kept until a person
// closes it. A withdrawn signal ends the alert, unless somebody had acknowledged it or was given it: they must
// acknowledge that it was nothing.
//
// Commands name the revision that their sender saw. A note is good for any revision of the episode, "shown" for any
// since the alert last asked for attention; everything else for the latest alone. Shelves and marks of service may be
// taken off an alert that is not listed; nothing is told then, but the outcome.
//
// Flapping. While a key flaps, its alert stays listed, and what its signals and time do is told in one summary a
// window, which asks for attention where that is due. What people do is told at once, and so are level_breaking and
// that nobody was shown it. An acknowledgement holds while the key flaps, up to its level.
//
// Formal warnings (formal_life.h) are part of the alerts of `formal_rules`. What the signal says is proposed: its
// level, 0 where it is over; what ended in silence ends a mere candidate and proposes to lift nothing. Where somebody
// must decide, the alert asks for attention, acknowledged or not; who approves, issues or lifts has seen it. An alert
// whose warning is in force stays listed until that is lifted.
//
// A value; no clock; threads: none of its business.
#pragma once

#include <string>
#include <vector>

#include "core/alert.h"

namespace qc::core {

class FormalLife;

class AlertLife {
 public:
  AlertLife() = default;
  explicit AlertLife(AlertKey key) { alert_.key = std::move(key); }

  const Alert& alert() const { return alert_; }

  // false: nothing changed, not even for the ledger. REQUIRES: the signal is of this key; is_signal(signal).
  bool apply(const AlertRules& rules, const Signal& signal, EventTime now, std::vector<LedgerEntry>& ledger,
             const SignalSource& source = {});
  // Refused: nothing changed.
  Refusal apply(const AlertRules& rules, const AlertCommand& command, EventTime now, std::vector<LedgerEntry>& ledger);
  // `now` never goes back.
  void advance(const AlertRules& rules, EventTime now, std::vector<LedgerEntry>& ledger);

  // The marks that depend on other alerts. Empty: none.
  void inhibit(std::string_view by, EventTime now, std::vector<LedgerEntry>& ledger);
  void fold(std::string_view row, EventTime now, std::vector<LedgerEntry>& ledger);
  void maintain(std::string_view why, EventTime now, std::vector<LedgerEntry>& ledger);
  void set_first_out(std::string_view key) { alert_.first_out = key; }  // of one that is_new()

  bool is_new(const AlertRules& rules) const;  // settle() would tell an Alert
  bool set_aside() const;                      // shelved, out of service, in maintenance or inhibited
  std::optional<ToldAlert> settle(const AlertRules& rules, EventTime now);

  void write(ByteWriter& out) const;
  bool read(ByteReader& in);

 private:
  struct Earlier {
    std::string id;
    std::int32_t revision = 0;
  };
  class Entry;  // of the ledger, written when the transition is done

  bool stays(const AlertRules& rules) const;
  bool suppressed(const AlertRules& rules) const;
  void begin_episode();
  void unack();
  void take(const AlertRules& rules, const Signal& signal, EventTime now);
  void began(const AlertRules& rules, EventTime now);
  bool of_the_past(const AlertRules& rules, const Signal& signal, bool known) const;
  void remember(const AlertRules& rules, const std::string& id, std::int32_t revision);
  // alert_life_formal.cc
  void propose(const AlertRules& rules, EventTime now, std::vector<LedgerEntry>& ledger);
  void advance_formal(const AlertRules& rules, EventTime now, std::vector<LedgerEntry>& ledger);
  Refusal decide(const AlertRules& rules, const AlertCommand& command, EventTime now, std::vector<LedgerEntry>& ledger);
  void note_formal(const FormalLife& formal, const std::string& before, EventTime now,
                   std::vector<LedgerEntry>& ledger);
  Refusal check(const AlertRules& rules, const AlertCommand& command, EventTime now) const;
  void perform(const AlertCommand& command, EventTime now);

  Alert alert_;
  std::vector<Earlier> earlier_;   // signals of the key, the oldest first
  std::vector<EventTime> begins_;  // the latest, as many as make flapping
  EventTime summary_at_{};         // while it flaps
  // Since the last telling; what flapping holds back stays here.
  bool changed_ = false;
  bool tell_ = false;        // even though it flaps
  bool announce_ = false;    // ask for attention with the next telling
  bool escalating_ = false;  // between advance() and settle() only
};

bool is_open(SignalState state);
// Whether it is one at all: with an id, a revision, a key, and a level, a state and times that exist.
bool is_signal(const Signal& signal);
// What can be refused whatever the alert is: texts that miss or are too long. None: nothing.
Refusal well_formed(const AlertRules& rules, const AlertCommand& command);

}  // namespace qc::core
