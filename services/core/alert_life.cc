#include "core/alert_life.h"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace qc::core {
namespace {

constexpr const char* kSignals = "signals";
constexpr const char* kTime = "time";
constexpr const char* kAlerts = "alerts";
constexpr std::size_t kIdMax = 500;  // bytes of what names something
// Within three centuries of 1970, as bytes.h reads times.
constexpr EventTime kTimeMax = event_time(10'000'000'000'000);

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// Everything a command says in words; the first is the reason where it needs one.
std::string_view words_of(const AlertCommand& c) {
  return std::visit(Overloaded{[](const Acknowledge& w) -> std::string_view { return w.comment; },
                               [](const Assign& w) -> std::string_view { return w.assignee; },
                               [](const AddNote& w) -> std::string_view { return w.text; },
                               [](const Shelve& w) -> std::string_view { return w.reason; },
                               [](const TakeOutOfService& w) -> std::string_view { return w.reason; },
                               [](const Shown& w) -> std::string_view { return w.console; },
                               [](const CloseAlert& w) -> std::string_view { return w.reason; },
                               [](const PlanMaintenance& w) -> std::string_view { return w.reason; },
                               [](const CancelMaintenance& w) -> std::string_view { return w.reason; },
                               [](const Approve& w) -> std::string_view { return w.comment; },
                               [](const Lift& w) -> std::string_view { return w.reason; },
                               [](const auto&) -> std::string_view { return {}; }},
                    c.what);
}

bool needs_words(const AlertCommand& c) {
  return !std::holds_alternative<Acknowledge>(c.what) && !std::holds_alternative<Assign>(c.what) &&
         !std::holds_alternative<Unshelve>(c.what) && !std::holds_alternative<ReturnToService>(c.what) &&
         !std::holds_alternative<Approve>(c.what) && !std::holds_alternative<Issue>(c.what);
}

}  // namespace

// Takes the alert as it is, and writes what became of it.
class AlertLife::Entry {
 public:
  Entry(Alert& alert, EventTime now, std::vector<LedgerEntry>& ledger)
      : alert_(alert), now_(now), ledger_(ledger), before_(summary(alert)) {}
  void done(std::string who, std::string what, std::string why) {
    alert_.change = {now_, who, what, why};
    ledger_.push_back(
        {text(alert_.key), now_, std::move(who), std::move(what), std::move(why), std::move(before_), summary(alert_)});
  }

 private:
  Alert& alert_;
  EventTime now_;
  std::vector<LedgerEntry>& ledger_;
  std::string before_;
};

bool is_open(SignalState state) {
  return state == SignalState::Active || state == SignalState::Stale;
}

bool is_signal(const Signal& s) {
  const auto is_id = [](const std::string& id) {
    return !id.empty() && id.size() <= kIdMax && id.find('\0') == std::string::npos;
  };
  for (const EventTime t : {s.at, s.began, s.interval.start, s.interval.end}) {
    if (t < EventTime(-kTimeMax.time_since_epoch()) || t > kTimeMax) return false;
  }
  return is_id(s.id) && is_id(s.rule) && is_id(s.subject) && s.revision > 0 && s.level >= 1 && s.level <= kLevels &&
         s.state > SignalState::None && s.state <= SignalState::Withdrawn && can_be_kept(s);
}

bool AlertLife::stays(const AlertRules& rules) const {
  const Alert& a = alert_;
  if (a.open() || a.formal.in_force()) return true;
  if (a.closed) return false;
  if (a.flapping) return true;
  switch (a.condition.state) {
    case SignalState::Cleared:
      return a.response == Response::Unacked && a.owed >= rules.level_kept;
    case SignalState::EndedNoData:
      return std::max(a.owed, a.condition.level) >= rules.level_kept;
    case SignalState::Withdrawn:
      return a.response == Response::Unacked && a.handled;
    default:
      return false;
  }
}

bool AlertLife::set_aside() const {
  return alert_.shelf.on || alert_.out_of_service.on || !alert_.maintenance.empty() || !alert_.inhibited_by.empty();
}

bool AlertLife::suppressed(const AlertRules& rules) const {
  const Alert& a = alert_;
  if (a.out_of_service.on || !a.maintenance.empty()) return true;
  if (a.condition.level >= rules.level_breaking) return false;
  return set_aside() || !a.fold.empty();
}

bool AlertLife::is_new(const AlertRules& rules) const {
  return alert_.listed && alert_.begun_revision == 0 && stays(rules);
}

void AlertLife::begin_episode() {
  Alert next;
  next.key = alert_.key;
  next.episode = alert_.episode + 1;
  next.revision = alert_.revision;
  next.listed = true;
  next.condition = std::move(alert_.condition);
  next.source = std::move(alert_.source);
  // What was set aside by time stays so.
  next.shelf = std::move(alert_.shelf);
  next.out_of_service = std::move(alert_.out_of_service);
  next.flapping = alert_.flapping;
  next.formal = std::move(alert_.formal);
  next.maintenance = std::move(alert_.maintenance);
  alert_ = std::move(next);
  changed_ = announce_ = true;
}

void AlertLife::unack() {
  alert_.response = Response::Unacked;
  changed_ = announce_ = true;
}

void AlertLife::remember(const AlertRules& rules, const std::string& id, std::int32_t revision) {
  std::erase_if(earlier_, [&id](const Earlier& e) { return e.id == id; });
  earlier_.push_back({id, revision});
  while (earlier_.size() > rules.signals_remembered) earlier_.erase(earlier_.begin());
}

bool AlertLife::of_the_past(const AlertRules& rules, const Signal& s, bool known) const {
  if (is_open(s.state)) return false;
  const bool same = s.id == alert_.condition.id;
  if (alert_.listed) return !same;
  // Over before anybody was told, at a level that a person must see: the one ended signal that is no past.
  return (same ? s.level <= alert_.level_max : known) || s.level < rules.level_kept ||
         s.state == SignalState::Withdrawn;
}

void AlertLife::began(const AlertRules& rules, EventTime now) {
  std::erase_if(begins_, [&](EventTime t) { return t + rules.flapping_window <= now; });
  begins_.push_back(now);
  const auto enough = static_cast<std::size_t>(std::max(rules.flapping_begins, 1));
  while (begins_.size() > enough) begins_.erase(begins_.begin());
  if (alert_.flapping || begins_.size() < enough) return;
  alert_.flapping = true;
  summary_at_ = now + rules.flapping_window;
  tell_ = true;
}

void AlertLife::take(const AlertRules& rules, const Signal& s, EventTime now) {
  Alert& a = alert_;
  const bool was_open = a.listed && a.open();
  const bool begins = is_open(s.state) && !was_open;
  const int level_before = begins || !a.listed ? 0 : a.condition.level;
  tell_ = tell_ || s.level >= rules.level_breaking || level_before >= rules.level_breaking;
  if (!a.listed) begin_episode();
  a.condition = s;
  a.level_max = std::max(a.level_max, s.level);
  changed_ = true;
  if (s.state == SignalState::Withdrawn) {
    if (a.handled && a.response == Response::Acked) unack();
    return;
  }
  if (s.level > level_before) {
    if (a.open()) began(rules, now);
    // A flapping condition that comes back is what was acknowledged.
    const bool held = begins && a.flapping && a.response == Response::Acked && s.level <= a.acked_level;
    if (!held) unack();
  }
  if (begins && a.occurrences < std::numeric_limits<std::int32_t>::max()) ++a.occurrences;
  if (a.response == Response::Unacked) a.owed = std::max(a.owed, s.level);
  if (s.level >= rules.level_breaking) a.shelf = {};
}

bool AlertLife::apply(const AlertRules& rules, const Signal& s, EventTime now, std::vector<LedgerEntry>& ledger,
                      const SignalSource& source) {
  const bool same = s.id == alert_.condition.id;
  const auto earlier = std::find_if(earlier_.begin(), earlier_.end(), [&s](const Earlier& e) { return e.id == s.id; });
  const bool known = earlier != earlier_.end();
  if (same && s.revision <= alert_.condition.revision) return false;
  if (!same && known && s.revision <= earlier->revision) return false;
  Entry entry(alert_, now, ledger);
  if (of_the_past(rules, s, known)) {
    if (same) {
      alert_.condition.revision = s.revision;
    } else {
      remember(rules, s.id, s.revision);
    }
    const AlertChange last = alert_.change;
    entry.done(kSignals, "an episode of the past: " + std::string(name(s.state)), s.reason);
    alert_.change = last;
    return true;
  }
  if (!same && !alert_.condition.id.empty()) remember(rules, alert_.condition.id, alert_.condition.revision);
  std::erase_if(earlier_, [&s](const Earlier& e) { return e.id == s.id; });
  const bool shelved = alert_.shelf.on;
  take(rules, s, now);
  alert_.source = source;
  std::string what = std::string(name(s.state)) + " " + std::to_string(s.level);
  if (shelved && !alert_.shelf.on) what += ", which breaks the shelf";
  entry.done(kSignals, std::move(what), s.reason);
  propose(rules, now, ledger);
  return true;
}

Refusal well_formed(const AlertRules& rules, const AlertCommand& c) {
  if (c.id.empty()) return Refusal::IdMissing;
  for (const std::string* id : {&c.id, &c.key.rule, &c.key.subject, &c.who}) {
    if (id->size() > kIdMax) return Refusal::TooLong;
  }
  if (words_of(c).size() > rules.text_max) return Refusal::TooLong;
  if (c.who.empty()) return Refusal::WhoMissing;
  return words_of(c).empty() && needs_words(c) ? Refusal::ReasonMissing : Refusal::None;
}

Refusal AlertLife::check(const AlertRules& rules, const AlertCommand& c, EventTime now) const {
  const Alert& a = alert_;
  if (const Refusal refusal = well_formed(rules, c); refusal != Refusal::None) return refusal;
  if (a.episode == 0) return Refusal::UnknownAlert;
  std::int64_t oldest = a.revision;
  if (std::holds_alternative<AddNote>(c.what)) oldest = a.begun_revision;
  if (std::holds_alternative<Shown>(c.what)) oldest = a.announced_revision;
  if (c.expected_revision < oldest || c.expected_revision > a.revision) return Refusal::StaleRevision;
  const bool off_the_list = std::holds_alternative<Unshelve>(c.what) ||
                            std::holds_alternative<TakeOutOfService>(c.what) ||
                            std::holds_alternative<ReturnToService>(c.what);
  if (!a.listed && !off_the_list) return Refusal::NotListed;
  const auto until = [now](EventTime t, Duration most) {
    return t <= now ? Refusal::PastUntil : t > now + most ? Refusal::BeyondLimit : Refusal::None;
  };
  return std::visit(
      Overloaded{
          [&](const Acknowledge&) { return a.response == Response::Acked ? Refusal::AlreadyAcked : Refusal::None; },
          [&](const AddNote&) { return a.notes.size() >= rules.notes_max ? Refusal::NotesFull : Refusal::None; },
          [&](const Shelve& w) {
            if (a.condition.level >= rules.level_breaking) return Refusal::LevelBreaks;
            return w.until ? until(*w.until, rules.shelve_max) : Refusal::None;
          },
          [&](const Unshelve&) { return a.shelf.on ? Refusal::None : Refusal::NotShelved; },
          [&](const TakeOutOfService& w) { return until(w.until, rules.out_of_service_max); },
          [&](const ReturnToService&) { return a.out_of_service.on ? Refusal::None : Refusal::NotOutOfService; },
          [&](const CloseAlert&) { return a.open() || a.formal.in_force() ? Refusal::ConditionStands : Refusal::None; },
          [](const auto&) { return Refusal::None; }},
      c.what);
}

void AlertLife::perform(const AlertCommand& c, EventTime now) {
  Alert& a = alert_;
  // That a console showed it is known, but no reason to make everybody's revision an old one.
  if (const auto* shown = std::get_if<Shown>(&c.what)) {
    if (a.shown_at) return;
    a.shown_at = now;
    a.shown_on = shown->console;
    return;
  }
  changed_ = tell_ = true;
  std::visit(Overloaded{[&](const Acknowledge& w) {
                          a.response = Response::Acked;
                          a.acked_by = c.who;
                          a.acked_at = now;
                          a.acked_level = std::max(a.owed, a.condition.level);
                          a.comment = w.comment;
                          a.owed = 0;
                          a.handled = true;
                          announce_ = false;
                        },
                        [&](const Assign& w) {
                          a.assignee = w.assignee;
                          a.handled = a.handled || !w.assignee.empty();
                        },
                        [&](const AddNote& w) {
                          a.notes.push_back({now, c.who, w.text});
                        },
                        [&](const Shelve& w) {
                          a.shelf = {true, w.until, c.who, w.reason};
                        },
                        [&](const Unshelve&) { a.shelf = {}; },
                        [&](const TakeOutOfService& w) {
                          a.out_of_service = {true, w.until, c.who, w.reason};
                        },
                        [&](const ReturnToService&) { a.out_of_service = {}; },
                        [](const Shown&) {},  // above, as the last ones are elsewhere
                        [&](const CloseAlert&) { a.closed = true; }, [](const auto&) {}},
             c.what);
}

Refusal AlertLife::apply(const AlertRules& rules, const AlertCommand& c, EventTime now,
                         std::vector<LedgerEntry>& ledger) {
  const Refusal refusal = check(rules, c, now);
  if (refusal != Refusal::None) return refusal;
  const bool formal = std::holds_alternative<Approve>(c.what) || std::holds_alternative<Issue>(c.what) ||
                      std::holds_alternative<Lift>(c.what);
  if (formal) return decide(rules, c, now, ledger);
  Entry entry(alert_, now, ledger);
  perform(c, now);
  entry.done(c.who, std::string(name(c)), std::string(words_of(c)));
  return refusal;
}

void AlertLife::advance(const AlertRules& rules, EventTime now, std::vector<LedgerEntry>& ledger) {
  Alert& a = alert_;
  const auto passes = [&](bool tell, const char* what, const char* why, const auto& act) {
    Entry entry(a, now, ledger);
    act();
    changed_ = true;
    tell_ = tell_ || tell;
    entry.done(kTime, what, why);
  };
  // First, because it goes by what was told: what comes out of suppression now has its time before it.
  const int level = std::max(a.owed, a.condition.level);
  if (a.listed && a.response == Response::Unacked && !a.suppressed && !suppressed(rules) && !a.shown_at &&
      !a.escalated && a.announced_at + rules.unshown_of(level) <= now) {
    passes(true, "escalated", "no console showed it", [&] { a.escalated = escalating_ = true; });
  }
  if (a.shelf.on && a.shelf.until && *a.shelf.until <= now) {
    passes(false, "unshelved", "the time is up", [&] { a.shelf = {}; });
  }
  if (a.out_of_service.on && a.out_of_service.until <= now) {
    passes(false, "return_to_service", "the time is up", [&] { a.out_of_service = {}; });
  }
  if (a.listed && a.open() && a.response == Response::Acked &&
      a.acked_at + rules.ack_timeout_of(a.condition.level) <= now) {
    passes(false, "unacked", "the acknowledgement timed out", [&] {
      unack();
      a.owed = a.condition.level;
    });
  }
  advance_formal(rules, now, ledger);
  if (!a.flapping || summary_at_ > now) return;
  std::erase_if(begins_, [&](EventTime t) { return t + rules.flapping_window <= now; });
  if (begins_.size() >= static_cast<std::size_t>(std::max(rules.flapping_begins, 1))) {
    summary_at_ = now + rules.flapping_window;
    passes(true, "summary", "it flaps on", [] {});
  } else {
    passes(true, "steady", "it flaps no more", [&] { a.flapping = false; });
  }
}

void AlertLife::inhibit(std::string_view by, EventTime now, std::vector<LedgerEntry>& ledger) {
  if (alert_.inhibited_by == by) return;
  Entry entry(alert_, now, ledger);
  alert_.inhibited_by = by;
  changed_ = true;
  entry.done(kAlerts, by.empty() ? "uninhibited" : "inhibited", std::string(by));
}

void AlertLife::fold(std::string_view row, EventTime now, std::vector<LedgerEntry>& ledger) {
  if (alert_.fold == row) return;
  Entry entry(alert_, now, ledger);
  alert_.fold = row;
  changed_ = true;
  entry.done(kAlerts, row.empty() ? "unfolded" : "folded", std::string(row));
}

void AlertLife::maintain(std::string_view why, EventTime now, std::vector<LedgerEntry>& ledger) {
  if (alert_.maintenance == why) return;
  Entry entry(alert_, now, ledger);
  alert_.maintenance = why;
  changed_ = true;
  entry.done(kAlerts, why.empty() ? "maintenance over" : "in maintenance", std::string(why));
}

std::optional<ToldAlert> AlertLife::settle(const AlertRules& rules, EventTime now) {
  Alert& a = alert_;
  if (!a.listed) {
    changed_ = tell_ = announce_ = false;
    return std::nullopt;
  }
  const bool fresh = a.begun_revision == 0;
  const bool hidden = suppressed(rules);
  if (!changed_ && hidden == a.suppressed) return std::nullopt;
  if (a.flapping && !fresh && !tell_) return std::nullopt;
  ToldAlert told;
  told.telling = fresh ? Telling::Alert : stays(rules) ? Telling::Update : Telling::Cancel;
  const bool emerges = a.suppressed && !hidden && a.response == Response::Unacked;
  ++a.revision;
  if (fresh) a.begun_revision = a.revision;
  a.suppressed = hidden;
  if (told.telling == Telling::Cancel) {
    a.listed = false;
    if (!a.shelf.until) a.shelf = {};
  } else if (announce_ || emerges) {
    told.annunciate = !hidden;
    a.announced_at = now;
    a.announced_revision = a.revision;
    a.shown_at.reset();
    a.shown_on.clear();
    a.escalated = escalating_;  // what just did stays so
  }
  told.annunciate = told.annunciate || (escalating_ && !hidden);
  changed_ = tell_ = announce_ = escalating_ = false;
  told.alert = a;
  return told;
}

}  // namespace qc::core
