// For tests of alerts only: signals and commands in a line, and every field of what is told as text.
#pragma once

#include <sstream>
#include <string>
#include <utility>

#include "core/alert_stage.h"

namespace qc::core::fixture {

inline constexpr EventTime kAlertStart = event_time(1'790'000'000'000);

inline Signal alert_signal(const AlertKey& key, int number, int revision, SignalState state, int level,
                           EventTime at = kAlertStart) {
  Signal s;
  s.rule = key.rule;
  s.subject = key.subject;
  s.factor = key.factor;
  s.id = text(key) + "/" + std::to_string(number);
  s.revision = revision;
  s.state = state;
  s.level = level;
  s.at = s.began = s.interval.start = s.interval.end = at;
  s.region = "C";
  s.root = "P";
  s.reason = "because";
  return s;
}

template <class What>
AlertCommand alert_command(std::string id, const AlertKey& key, std::int64_t revision, What what,
                           std::string who = "li") {
  return {std::move(id), key, revision, std::move(who), std::move(what)};
}

inline std::string text(const ToldAlert& t) {
  const Alert& a = t.alert;
  std::ostringstream out;
  out << name(t.telling) << (t.annunciate ? "! " : " ") << core::text(a.key) << " e" << a.episode << " r" << a.revision
      << (a.listed ? " listed " : " off ") << a.condition.id << '@' << a.condition.revision << ' '
      << a.condition.covers.size() << ' ' << summary(a) << " max " << a.level_max << " n " << a.occurrences << " owed "
      << a.owed << '|' << a.acked_level << '|' << a.acked_by << '|' << ms(a.acked_at) << '|' << a.comment << '|'
      << a.handled << '|' << ms(a.announced_at) << '|' << a.announced_revision << '|'
      << (a.shown_at ? ms(*a.shown_at) : -1) << '|' << a.shown_on << '|' << (a.shelf.until ? ms(*a.shelf.until) : -1)
      << '|' << a.shelf.who << '|' << a.shelf.reason << '|' << ms(a.out_of_service.until) << '|'
      << a.out_of_service.reason << '|' << a.suppressed << '|' << a.notes.size() << '|' << a.begun_revision << '|'
      << a.maintenance << '|' << a.first_out << '|' << ms(a.change.at) << '|' << a.change.who << '|' << a.change.what
      << '|' << a.change.why;
  return out.str();
}

inline std::string text(const AlertOutputs& out) {
  std::ostringstream all;
  for (const ToldAlert& t : out.alerts) all << text(t) << '\n';
  for (const FoldRow& r : out.rows) {
    all << "row " << r.id << '|' << r.region << '|' << name(r.factor) << '|' << r.flood << " r" << r.revision << ' '
        << r.alerts << ' ' << r.open << '|' << ms(r.began) << '|' << ms(r.at) << '\n';
  }
  for (const CommandOutcome& o : out.outcomes) {
    all << "outcome " << o.command << ' ' << name(o.refusal) << " r" << o.revision << '|'
        << (o.current ? o.current->revision : -1) << '\n';
  }
  for (const Maintenance& m : out.maintenance) {
    all << "maintenance " << m.subject << " r" << m.revision << (m.open ? " open " : " over ") << ms(m.from) << '|'
        << ms(m.until) << '|' << m.reason << '\n';
  }
  for (const LedgerEntry& e : out.ledger) {
    all << "ledger " << e.subject << '|' << ms(e.at) << '|' << e.who << '|' << e.what << '|' << e.why << '|' << e.before
        << '|' << e.after << '\n';
  }
  if (out.urgent) all << "urgent\n";
  return all.str();
}

}  // namespace qc::core::fixture
