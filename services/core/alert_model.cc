#include "core/alert_model.h"

#include <algorithm>

namespace qc::core::fixture {
namespace {

constexpr std::int64_t kOneShot = INT64_MAX;

std::string words(SignalState state, int level, bool acked) {
  return std::string(name(state)) + " " + std::to_string(level) + (acked ? " acked" : " unacked");
}

template <class T>
const T* as(const AlertCommand& c) {
  return std::get_if<T>(&c.what);
}

}  // namespace

bool AlertModel::acked(const Subject& s) const {
  return !s.turns.empty() && s.turns.back().given;
}

int AlertModel::owed(const Subject& s) const {
  // Back to the first time that attention was asked for since it was given.
  std::size_t from = s.said.size();
  for (auto t = s.turns.rbegin(); t != s.turns.rend() && !t->given; ++t) from = t->said;
  int most = 0;
  for (std::size_t i = from; i < s.said.size(); ++i) {
    if (s.said[i].state != SignalState::Withdrawn) most = std::max(most, s.said[i].level);
  }
  return most;
}

bool AlertModel::wanted(const Subject& s) const {
  if (s.said.empty()) return false;
  const Said& last = s.said.back();
  if (stands(last.state)) return true;
  if (s.closed) return false;
  if (last.state == SignalState::EndedNoData) return last.level >= rules_.level_kept || owed(s) >= rules_.level_kept;
  if (acked(s)) return false;
  return last.state == SignalState::Withdrawn ? s.given_to_somebody : owed(s) >= rules_.level_kept;
}

bool AlertModel::hidden(const Subject& s) const {
  if (s.out_of_service) return true;
  const bool something = s.shelf || !s.cover.empty() || s.folded != 0;
  return something && s.said.back().level < rules_.level_breaking;
}

std::string AlertModel::cover(const AlertKey& key, const Subject& s) const {
  if (!s.listed || s.said.back().level >= rules_.level_breaking) return {};
  for (const auto& [by, other] : subjects_) {
    if (by == key || !other.listed || !stands(other) || other.shelf || other.out_of_service) continue;
    const auto& names = other.said.back().covers;
    const bool named = std::find(names.begin(), names.end(), key.subject) != names.end();
    bool covered = false;
    if (by.rule == "gateway_dead") covered = key.rule == "no_data" && named;
    if (by.rule == "joint_warning" && key.rule == "warning") covered = named;
    if ((by.rule == "joint_warning" || by.rule == "warning") && key.rule == "aqi_level") {
      covered = s.said.back().region == by.subject || s.said.back().root == by.subject;
    }
    if (covered) return by.rule + "/" + by.subject + "/" + std::string(name(by.factor));
  }
  return {};
}

std::size_t AlertModel::recent() const {
  return static_cast<std::size_t>(std::count_if(
      new_.begin(), new_.end(), [this](std::int64_t t) { return t > now_ - rules_.flood_window.count(); }));
}

void AlertModel::hear(const Signal& signal) {
  const AlertKey key{signal.rule, signal.subject, signal.factor};
  Subject& s = subjects_[key];
  if (!ticked_) now_ = std::max(now_, ms(signal.at));
  const auto known = s.revisions.find(signal.id);
  const bool heard = known != s.revisions.end();
  if (heard && known->second >= signal.revision) return;
  s.revisions[signal.id] = signal.revision;
  const bool current = !s.said.empty() && s.said.back().id == signal.id;
  const Said now{signal.id, signal.revision, signal.state, signal.level, signal.region, signal.root, signal.covers};
  if (!stands(signal.state)) {
    if (s.listed && !current) return;
    if (!s.listed) {
      // Over already: only what must be seen, and was not told as that bad.
      if (signal.state == SignalState::Withdrawn || signal.level < rules_.level_kept) return;
      int worst = 0;
      for (const Said& said : s.said) worst = std::max(worst, said.level);
      if (heard && (!current || signal.level <= worst)) return;
    }
  }
  if (!s.listed) {
    Subject next;
    next.revisions = s.revisions;
    next.episode = s.episode + 1;
    next.revision = s.revision;
    next.shelf = s.shelf;
    next.out_of_service = s.out_of_service;
    next.listed = true;
    s = next;
  }
  const bool back = stands(signal.state) && !stands(s);
  const int before = s.said.empty() || back ? 0 : s.said.back().level;
  s.said.push_back(now);
  s.touched = true;
  const auto ask = [&] {
    s.turns.push_back({false, s.said.size() - 1, now_});
    s.asks = true;
  };
  if (signal.state == SignalState::Withdrawn) {
    if (s.given_to_somebody && acked(s)) ask();
    return;
  }
  if (signal.level > before) ask();
  if (signal.level >= rules_.level_breaking) s.shelf.reset();
}

Refusal AlertModel::refusal(const AlertCommand& c, const Subject* s) const {
  if (c.id.empty()) return Refusal::IdMissing;
  if (c.who.empty()) return Refusal::WhoMissing;
  const auto* shelve = as<Shelve>(c);
  const auto* out = as<TakeOutOfService>(c);
  const bool silent = (as<AddNote>(c) && as<AddNote>(c)->text.empty()) || (shelve && shelve->reason.empty()) ||
                      (out && out->reason.empty()) || (as<Shown>(c) && as<Shown>(c)->console.empty()) ||
                      (as<CloseAlert>(c) && as<CloseAlert>(c)->reason.empty());
  if (silent) return Refusal::ReasonMissing;
  if (!ticked_) return Refusal::NoTime;
  if (s == nullptr || s->episode == 0) return Refusal::UnknownAlert;
  const std::int64_t least = as<AddNote>(c) ? s->first_revision : as<Shown>(c) ? s->asked_revision : s->revision;
  if (c.expected_revision < least || c.expected_revision > s->revision) return Refusal::StaleRevision;
  if (as<Unshelve>(c)) return s->shelf ? Refusal::None : Refusal::NotShelved;
  if (as<ReturnToService>(c)) return s->out_of_service ? Refusal::None : Refusal::NotOutOfService;
  if (out) {
    if (ms(out->until) <= now_) return Refusal::PastUntil;
    return ms(out->until) - now_ > rules_.out_of_service_max.count() ? Refusal::BeyondLimit : Refusal::None;
  }
  if (!s->listed) return Refusal::NotListed;
  if (as<Acknowledge>(c) && acked(*s)) return Refusal::AlreadyAcked;
  if (as<AddNote>(c) && s->notes >= rules_.notes_max) return Refusal::NotesFull;
  if (as<CloseAlert>(c) && stands(*s)) return Refusal::ConditionStands;
  if (!shelve) return Refusal::None;
  if (s->said.back().level >= rules_.level_breaking) return Refusal::LevelBreaks;
  if (!shelve->until) return Refusal::None;
  if (ms(*shelve->until) <= now_) return Refusal::PastUntil;
  return ms(*shelve->until) - now_ > rules_.shelve_max.count() ? Refusal::BeyondLimit : Refusal::None;
}

AlertModel::Outcome AlertModel::obey(const AlertCommand& c) {
  for (const auto& [id, outcome] : answers_) {
    if (id == c.id) return outcome;
  }
  const auto it = subjects_.find(c.key);
  Subject* s = it == subjects_.end() ? nullptr : &it->second;
  const Refusal r = refusal(c, s);
  if (r == Refusal::None && as<Shown>(c)) {
    s->shown = true;
  } else if (r == Refusal::None) {
    s->touched = true;
    if (as<Acknowledge>(c)) {
      s->turns.push_back({true, s->said.size() - 1, now_});
      s->given_to_somebody = true;
    }
    if (const auto* w = as<Assign>(c)) {
      s->assignee = w->assignee;
      if (!w->assignee.empty()) s->given_to_somebody = true;
    }
    if (as<AddNote>(c)) ++s->notes;
    if (const auto* w = as<Shelve>(c)) s->shelf = w->until ? ms(*w->until) : kOneShot;
    if (as<Unshelve>(c)) s->shelf.reset();
    if (const auto* w = as<TakeOutOfService>(c)) s->out_of_service = ms(w->until);
    if (as<ReturnToService>(c)) s->out_of_service.reset();
    if (as<CloseAlert>(c)) s->closed = true;
  }
  tell();
  const Outcome outcome{r, s == nullptr ? 0 : s->revision};
  if (r == Refusal::IdMissing) return outcome;
  answers_.emplace_back(c.id, outcome);
  if (answers_.size() > rules_.commands_remembered) answers_.pop_front();
  return outcome;
}

void AlertModel::pass(std::int64_t to) {
  if (ticked_ && to <= now_) return;
  now_ = std::max(now_, to);
  ticked_ = true;
  if (flood_ && recent() < static_cast<std::size_t>(rules_.flood_over * rules_.operators)) {
    flood_ = false;
    for (auto& [key, s] : subjects_) {
      if (s.listed) s.folded = 0;
    }
  }
  for (auto& [key, s] : subjects_) {
    const int level = s.said.empty() ? 0 : s.said.back().level;
    if (s.listed && !acked(s) && !s.hidden && !s.shown && !s.escalated &&
        now_ - s.asked_at >= rules_.unshown_of(std::max(level, owed(s))).count()) {
      s.escalated = s.escalates = true;
    }
    if (s.shelf && *s.shelf <= now_) s.shelf.reset();
    if (s.out_of_service && *s.out_of_service <= now_) s.out_of_service.reset();
    if (s.listed && stands(s) && acked(s) && now_ - s.turns.back().at >= rules_.ack_timeout_of(level).count()) {
      s.turns.push_back({false, s.said.size() - 1, now_});
      s.asks = true;
    }
  }
}

std::string AlertModel::state_of(const Subject& s) {
  if (s.episode == 0 || !s.listed) return "off " + std::to_string(s.episode);
  const Said& last = s.said.back();
  const bool ack = !s.turns.empty() && s.turns.back().given;
  return std::to_string(s.episode) + ' ' + last.id + '@' + std::to_string(last.revision) + ' ' +
         words(last.state, last.level, ack) + (s.escalated ? " escalated" : "") + (s.closed ? " closed" : "") + " to " +
         s.assignee + " notes " + std::to_string(s.notes) + (s.shelf ? " shelved" : "") +
         (s.out_of_service ? " out" : "") + " by " + s.cover + " fold " + std::to_string(s.folded) +
         (s.hidden ? " hidden" : "");
}

AlertModel::Seen AlertModel::seen_of(const Alert& a, const ToldAlert* told) {
  Seen seen;
  if (told != nullptr) seen.told = std::string(name(told->telling)) + (told->annunciate ? "!" : "");
  seen.revision = a.revision;
  if (!a.listed) {
    seen.state = "off " + std::to_string(a.episode);
    return seen;
  }
  const std::string flood = a.fold.empty() ? "0" : a.fold.substr(a.fold.rfind('/') + 1);
  seen.state = std::to_string(a.episode) + ' ' + a.condition.id + '@' + std::to_string(a.condition.revision) + ' ' +
               words(a.condition.state, a.condition.level, a.response == Response::Acked) +
               (a.escalated ? " escalated" : "") + (a.closed ? " closed" : "") + " to " + a.assignee + " notes " +
               std::to_string(a.notes.size()) + (a.shelf.on ? " shelved" : "") + (a.out_of_service.on ? " out" : "") +
               " by " + a.inhibited_by + " fold " + flood + (a.suppressed ? " hidden" : "");
  return seen;
}

void AlertModel::tell() {
  for (auto& [key, s] : subjects_) s.cover = cover(key, s);
  for (auto& [key, s] : subjects_) {
    if (!s.listed) continue;
    const int level = s.said.back().level;
    const bool fresh = s.first_revision == 0;
    if (fresh && !s.shelf && !s.out_of_service && s.cover.empty()) {
      new_.push_back(now_);
      if (!flood_ && recent() > static_cast<std::size_t>(rules_.flood_new * rules_.operators)) {
        flood_ = true;
        ++floods_;
      }
      if (flood_ && level <= rules_.level_folded) s.folded = floods_;
    }
    if (level > rules_.level_folded) s.folded = 0;
    const bool was_hidden = s.hidden;
    s.hidden = hidden(s);
    if (!s.touched && state_of(s) == s.visible) continue;
    ++s.revision;
    const bool ends = !fresh && !wanted(s);
    s.told = fresh ? "alert" : ends ? "cancel" : "update";
    if (fresh) s.first_revision = s.revision;
    if (ends) {
      s.listed = false;
      if (s.shelf == kOneShot) s.shelf.reset();
    } else {
      const bool emerges = was_hidden && !s.hidden && !acked(s);
      if ((s.asks && !acked(s)) || emerges) {
        s.asked_at = now_;
        s.asked_revision = s.revision;
        s.shown = s.escalated = false;
        if (!s.hidden) s.told += "!";
      } else if (s.escalates && !s.hidden) {
        s.told += "!";
      }
    }
    s.visible = state_of(s);
  }
}

std::optional<AlertModel::Outcome> AlertModel::step(const AlertRecord& record) {
  for (auto& [key, s] : subjects_) {
    s.told.clear();
    s.touched = s.asks = s.escalates = false;
  }
  if (const auto* command = std::get_if<AlertCommand>(&record)) return obey(*command);
  if (const auto* signal = std::get_if<Signal>(&record)) hear(*signal);
  if (const auto* tick = std::get_if<EventTime>(&record)) pass(ms(*tick));
  tell();
  return std::nullopt;
}

std::map<AlertKey, AlertModel::Seen> AlertModel::seen() const {
  std::map<AlertKey, Seen> all;
  for (const auto& [key, s] : subjects_) all[key] = {s.told, s.revision, state_of(s)};
  return all;
}

}  // namespace qc::core::fixture
