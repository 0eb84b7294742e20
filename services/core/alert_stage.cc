#include "core/alert_stage.h"

#include <algorithm>

namespace qc::core {
namespace {

bool is_warning(const AlertKey& key) {
  return key.rule == kWarningRule || key.rule == kJointWarningRule;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const Alert* AlertStage::find(const AlertKey& key) const {
  const auto it = lives_.find(key);
  return it == lives_.end() ? nullptr : &it->second.life.alert();
}

std::vector<const Alert*> AlertStage::listed() const {
  std::vector<const Alert*> all;
  for (const auto& [key, life] : lives_) {
    if (life.life.alert().listed) all.push_back(&life.life.alert());
  }
  return all;
}

void AlertStage::use_rules(std::string_view hash, const AlertRules& rules) {
  rules_ = rules;
  if (rules_hash_ == hash) return;
  rules_hash_ = hash;
  dirty_ = true;
}

std::vector<std::pair<AlertKey, std::int64_t>> AlertStage::most_frequent(std::size_t most) const {
  std::vector<std::pair<AlertKey, std::int64_t>> all;
  for (const auto& [key, life] : lives_) {
    if (const std::int64_t n = life.asked.sum(now_); n > 0) all.emplace_back(key, n);
  }
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()));
  std::partial_sort(all.begin(), end, all.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  all.erase(end, all.end());
  return all;
}

AlertFigures AlertStage::figures() const {
  constexpr std::size_t kTop = 10;
  AlertFigures f;
  for (const auto& [key, life] : lives_) {
    f.asked += life.asked.sum(now_);
    const Alert& a = life.life.alert();
    if (!a.listed) continue;
    const auto level = static_cast<std::size_t>(std::clamp(a.condition.level, 1, kLevels) - 1);
    ++f.listed[level][static_cast<std::size_t>(a.response)];
    f.shelved += a.shelf.on;
    f.out_of_service += a.out_of_service.on;
    f.inhibited += !a.inhibited_by.empty();
    f.folded += !a.fold.empty();
    f.flapping += a.flapping;
    f.stale += a.condition.began + kHour * 24 <= now_;
  }
  for (const auto& [key, n] : most_frequent(kTop)) f.asked_by_top_ten += n;
  return f;
}

AlertStage::Life& AlertStage::life_of(const AlertKey& key) {
  return lives_.try_emplace(key, Life{AlertLife(key), false, {}, {}}).first->second;
}

bool AlertStage::is_cover(const Alert& a) const {
  const bool may = is_warning(a.key) || rules_.gateway_rules.contains(a.key.rule);
  return may && a.listed && a.open() && !a.shelf.on && !a.out_of_service.on && a.maintenance.empty() && !a.flapping;
}

bool AlertStage::covers(const Alert& by, const Alert& alert) const {
  const Signal& s = alert.condition;
  if (rules_.gateway_rules.contains(by.key.rule)) {
    return rules_.covered_by_gateway.contains(alert.key.rule) && contains(by.condition.covers, alert.key.subject);
  }
  if (alert.key.rule == kWarningRule) {
    return by.key.rule == kJointWarningRule && contains(by.condition.covers, alert.key.subject);
  }
  return rules_.covered_by_warning.contains(alert.key.rule) && (s.region == by.key.subject || s.root == by.key.subject);
}

std::string AlertStage::cover_of(const Alert& alert) const {
  if (!alert.listed || alert.condition.level >= rules_.level_breaking) return {};
  for (const AlertKey& key : covers_) {
    const auto by = lives_.find(key);
    if (key != alert.key && by != lives_.end() && covers(by->second.life.alert(), alert)) return text(key);
  }
  return {};
}

// true: what is covered is to be looked at again. A joint warning may cover others than before.
bool AlertStage::note_cover(const Alert& a) {
  const bool was = covers_.contains(a.key);
  const bool is = is_cover(a);
  if (is) covers_.insert(a.key);
  if (!is) covers_.erase(a.key);
  return was || is;
}

void AlertStage::note_group(Life& life) {
  const Alert& a = life.life.alert();
  // A site may have come to another region, with other rules.
  const auto now = a.listed ? std::optional(group_of(a)) : std::nullopt;
  if (life.group == now) return;
  if (life.group) {
    const auto it = groups_.find(*life.group);
    it->second.erase(a.key);
    if (it->second.empty()) groups_.erase(it);
  }
  if (now) groups_[*now].insert(a.key);
  life.group = now;
}

// Empty: it is the first itself.
std::string AlertStage::first_of(const Alert& a) const {
  const auto it = groups_.find(group_of(a));
  if (it == groups_.end()) return {};
  for (const AlertKey& key : it->second) {
    if (key == a.key) continue;
    const Alert& other = lives_.find(key)->second.life.alert();
    return other.first_out.empty() ? text(key) : other.first_out;
  }
  return {};
}

void AlertStage::tell_flood(const char* what, AlertOutputs& out) const {
  const std::string number = std::to_string(floods_);
  out.ledger.push_back({"flood/" + number, now_, "alerts", what, std::to_string(new_.size()) + " new", {}, {}});
}

void AlertStage::count_new(AlertOutputs& out) {
  const auto most =
      static_cast<std::size_t>(std::max(rules_.flood_new, 0)) * static_cast<std::size_t>(std::max(rules_.operators, 1));
  while (!new_.empty() && new_.front() + rules_.flood_window <= now_) new_.pop_front();
  new_.push_back(now_);
  while (new_.size() > most + 1) new_.pop_front();
  dirty_ = true;
  if (flood_ || new_.size() <= most) return;
  flood_ = true;
  ++floods_;
  ++totals_.floods;
  tell_flood("flood began", out);
}

void AlertStage::fold(Life& life, AlertOutputs& out) {
  const Signal& s = life.life.alert().condition;
  const std::string id = s.region + "/" + std::string(name(s.factor)) + "/" + std::to_string(floods_);
  Row& row = rows_[id];
  if (row.row.revision == 0) {
    row.row.id = id;
    row.row.region = s.region;
    row.row.root = s.root;
    row.row.factor = s.factor;
    row.row.flood = floods_;
    row.row.began = now_;
  }
  ++row.row.revision;
  ++row.row.alerts;
  ++totals_.folded;
  row.row.at = now_;
  row.dirty = true;
  life.life.fold(id, now_, out.ledger);
  out.rows.push_back(row.row);
}

void AlertStage::end_flood(AlertOutputs& out) {
  const auto few = static_cast<std::size_t>(std::max(rules_.flood_over, 1)) *
                   static_cast<std::size_t>(std::max(rules_.operators, 1));
  const std::size_t before = new_.size();
  while (!new_.empty() && new_.front() + rules_.flood_window <= now_) new_.pop_front();
  dirty_ = dirty_ || new_.size() != before;
  if (!flood_ || new_.size() >= few) return;
  flood_ = false;
  dirty_ = true;
  tell_flood("flood over", out);
  for (auto& [id, row] : rows_) {
    ++row.row.revision;
    row.row.open = false;
    row.row.at = now_;
    out.rows.push_back(row.row);
    if (row.saved) erased_rows_.push_back(id);
  }
  rows_.clear();
  // One that is over keeps its mark until the key begins again.
  for (auto& [key, life] : lives_) {
    if (!life.life.alert().listed || life.life.alert().fold.empty()) continue;
    life.life.fold({}, now_, out.ledger);
    life.dirty = true;
  }
}

void AlertStage::settle(Life& life, AlertOutputs& out) {
  AlertLife& l = life.life;
  const std::size_t entries = out.ledger.size();
  l.maintain(maintenance_of(l.alert().key.subject), now_, out.ledger);
  l.inhibit(cover_of(l.alert()), now_, out.ledger);
  if (l.is_new(rules_)) l.set_first_out(first_of(l.alert()));
  if (l.is_new(rules_) && !l.set_aside()) {
    count_new(out);
    if (flood_ && l.alert().condition.level <= rules_.level_folded) fold(life, out);
  } else if (l.alert().listed && l.alert().condition.level > rules_.level_folded) {
    l.fold({}, now_, out.ledger);
  }
  auto told = l.settle(rules_, now_);
  note_group(life);
  life.dirty = life.dirty || told || out.ledger.size() != entries;
  if (!told) return;
  if (told->annunciate) {
    ++totals_.asked[static_cast<std::size_t>(std::clamp(told->alert.condition.level, 1, kLevels) - 1)];
    life.asked.add(std::max(now_, EventTime{}));
    dirty_ = true;
  }
  out.alerts.push_back(std::move(*told));
  out.urgent = true;
}

void AlertStage::settle_with_covered(Life& life, AlertOutputs& out) {
  // First, because what is in maintenance covers nothing.
  life.life.maintain(maintenance_of(life.life.alert().key.subject), now_, out.ledger);
  life.dirty = true;
  const bool cover = note_cover(life.life.alert());
  settle(life, out);
  if (!cover) return;
  for (auto& [key, other] : lives_) {
    const Alert& a = other.life.alert();
    if (&other != &life && a.listed && a.inhibited_by != cover_of(a)) settle(other, out);
  }
}

bool AlertStage::apply(const Signal& signal, AlertOutputs& out, const SignalSource& source) {
  if (!is_signal(signal)) return false;
  if (!ticked_ && signal.at > now_) {
    now_ = signal.at;
    dirty_ = true;
  }
  Life& life = life_of({signal.rule, signal.subject, signal.factor});
  if (!life.life.apply(rules_, signal, now_, out.ledger, source)) return true;
  life.dirty = true;
  settle_with_covered(life, out);
  return true;
}

void AlertStage::answer(const AlertCommand& c, Refusal refusal, AlertOutputs& out) {
  const Alert* alert = find(c.key);
  std::int64_t revision = alert == nullptr ? 0 : alert->revision;
  if (const auto it = maintenance_.find(c.key.subject); c.key.rule.empty() && it != maintenance_.end()) {
    revision = it->second.revision;
  }
  out.outcomes.push_back({c.id, c.key, refusal, revision, std::nullopt});
  if (refusal == Refusal::StaleRevision && alert != nullptr) out.outcomes.back().current = *alert;
  out.urgent = true;
  // These do not depend on when they come, and what they name may be of any size.
  if (refusal == Refusal::IdMissing || refusal == Refusal::TooLong) return;
  ++(refusal == Refusal::None ? totals_.commands : totals_.refused[static_cast<std::size_t>(refusal)]);
  commands_[c.id] = {next_answer_, c.key, refusal, revision, false};
  answered_[next_answer_++] = c.id;
  dirty_ = true;
  while (commands_.size() > rules_.commands_remembered) {
    const auto oldest = answered_.begin();
    const auto it = commands_.find(oldest->second);
    if (it->second.saved) erased_commands_.push_back(it->first);
    commands_.erase(it);
    answered_.erase(oldest);
  }
}

void AlertStage::apply(const AlertCommand& c, AlertOutputs& out) {
  const auto before = commands_.find(c.id);
  if (before != commands_.end()) {
    const Answered& a = before->second;
    out.outcomes.push_back({c.id, a.key, a.refusal, a.revision, std::nullopt});
    const Alert* alert = find(a.key);
    if (a.refusal == Refusal::StaleRevision && alert != nullptr) out.outcomes.back().current = *alert;
    out.urgent = true;
    return;
  }
  if (std::holds_alternative<PlanMaintenance>(c.what) || std::holds_alternative<CancelMaintenance>(c.what)) {
    Refusal refusal = well_formed(rules_, c);
    if (refusal == Refusal::None) refusal = ticked_ ? maintain(c, out) : Refusal::NoTime;
    return answer(c, refusal, out);
  }
  // A key that no signal has made is no reason to keep an alert of it.
  const auto it = lives_.find(c.key);
  AlertLife nobody(c.key);
  AlertLife& life = it == lives_.end() ? nobody : it->second.life;
  Refusal refusal = well_formed(rules_, c);
  if (refusal == Refusal::None) refusal = ticked_ ? life.apply(rules_, c, now_, out.ledger) : Refusal::NoTime;
  if (refusal == Refusal::None) {
    it->second.dirty = true;
    if (std::holds_alternative<Acknowledge>(c.what)) {
      ++totals_.acknowledged;
      totals_.acknowledged_after += now_ - life.alert().announced_at;
    }
    settle_with_covered(it->second, out);
  }
  answer(c, refusal, out);
}

void AlertStage::advance(EventTime now, AlertOutputs& out) {
  if (ticked_ && now <= now_) return;
  if (ticked_) {
    totals_.time += now - now_;
    if (flood_) totals_.flood += now - now_;
  }
  const EventTime last = now_;
  now_ = std::max(now_, now);
  ticked_ = true;
  dirty_ = true;
  const std::size_t entries = out.ledger.size();
  end_flood(out);
  pass_maintenance(last, out);
  for (auto& [key, life] : lives_) {
    const std::size_t before = out.ledger.size();
    const bool escalated = life.life.alert().escalated;
    life.life.advance(rules_, now_, out.ledger);
    life.dirty = life.dirty || out.ledger.size() != before;
    if (!escalated && life.life.alert().escalated) ++totals_.escalated;
  }
  if (out.ledger.size() == entries) return;
  // Told after time has passed for all, so that each is told once.
  for (auto& [key, life] : lives_) note_cover(life.life.alert());
  for (auto& [key, life] : lives_) settle(life, out);
}

}  // namespace qc::core
