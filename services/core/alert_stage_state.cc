// The alert stage's state as keyed bytes. Keys: "P" time and the flood; "A<rule>\0<subject>\0<factor>" an alert;
// "R<id>" a row of the flood; "M<subject>" maintenance; "C<id>" the outcome of a command.
#include <algorithm>
#include <utility>

#include "core/alert_stage.h"
#include "core/bytes.h"

namespace qc::core {
namespace {

constexpr char kPartitionKey = 'P';
constexpr char kAlertKey = 'A';
constexpr char kMaintenanceKey = 'M';
constexpr char kRowKey = 'R';
constexpr char kCommandKey = 'C';
constexpr std::int64_t kNumberMax = std::int64_t{1} << 56;

std::string state_key(const AlertKey& key) {
  std::string s(1, kAlertKey);
  s += key.rule;
  s += '\0';
  s += key.subject;
  s += '\0';
  s += name(key.factor);
  return s;
}

}  // namespace

void AlertStage::save_changed(const Put& put) {
  std::string bytes;
  ByteWriter w(bytes);
  const auto save = [&](std::string_view key) {
    put(key, bytes);
    bytes.clear();
  };
  if (std::exchange(dirty_, false)) {
    w.u8(kAlertVersion);
    w.time_or(EventTime::min(), now_);
    w.u8(ticked_ ? 1 : 0);
    w.u8(flood_ ? 1 : 0);
    w.i64(floods_);
    w.text(rules_hash_);
    write_totals(w, totals_);
    w.u64(new_.size());
    for (const EventTime t : new_) w.time(t);
    save(std::string_view(&kPartitionKey, 1));
  }
  for (auto& [key, life] : lives_) {
    if (!std::exchange(life.dirty, false)) continue;
    w.u8(kAlertVersion);
    life.life.write(w);
    life.asked.write(w);
    save(state_key(key));
  }
  for (const std::string& subject : dirty_maintenance_) {
    const Maintenance& m = maintenance_.find(subject)->second;
    w.u8(kAlertVersion);
    w.text(m.region);
    w.text(m.root);
    w.i64(m.revision);
    w.u8(m.open ? 1 : 0);
    w.time(m.from);
    w.time(m.until);
    w.text(m.who);
    w.text(m.reason);
    save(kMaintenanceKey + subject);
  }
  dirty_maintenance_.clear();
  for (const std::string& id : erased_rows_) put(kRowKey + id, {});
  erased_rows_.clear();
  for (auto& [id, row] : rows_) {
    if (!std::exchange(row.dirty, false)) continue;
    row.saved = true;
    w.u8(kAlertVersion);
    w.text(row.row.region);
    w.text(row.row.root);
    w.u8(static_cast<std::uint8_t>(row.row.factor));
    w.i64(row.row.flood);
    w.i64(row.row.revision);
    w.i64(row.row.alerts);
    w.time(row.row.began);
    w.time(row.row.at);
    save(kRowKey + id);
  }
  for (const std::string& id : erased_commands_) put(kCommandKey + id, {});
  erased_commands_.clear();
  // The unsaved ones are the last.
  for (auto it = answered_.rbegin(); it != answered_.rend(); ++it) {
    Answered& a = commands_.find(it->second)->second;
    if (std::exchange(a.saved, true)) break;
    w.u8(kAlertVersion);
    w.i64(a.number);
    write_alert_key(w, a.key);
    w.u8(static_cast<std::uint8_t>(a.refusal));
    w.i64(a.revision);
    save(kCommandKey + it->second);
  }
}

bool AlertStage::load(std::string_view key, std::string_view bytes) {
  if (key.empty()) return false;
  const std::string_view rest = key.substr(1);
  ByteReader in(bytes);
  if (in.u8() != kAlertVersion) return false;
  switch (key[0]) {
    case kPartitionKey:
      now_ = in.time_or(EventTime::min());
      ticked_ = in.flag();
      flood_ = in.flag();
      floods_ = in.i64_in(0, kNumberMax);
      rules_hash_ = in.text();
      totals_ = read_totals(in);
      new_.resize(in.size());
      for (EventTime& t : new_) t = in.time();
      return rest.empty() && in.done();
    case kAlertKey: {
      Life life;
      if (!life.life.read(in)) return false;
      life.asked.read(in);
      if (!in.done()) return false;
      const Alert& a = life.life.alert();
      if (a.key.rule.empty() || a.key.subject.empty() || state_key(a.key) != key) return false;
      const AlertKey of = a.key;
      if (is_cover(a)) covers_.insert(of);
      note_group(life);
      return lives_.emplace(of, std::move(life)).second;
    }
    case kMaintenanceKey: {
      Maintenance m;
      m.subject = rest;
      m.region = in.text();
      m.root = in.text();
      m.revision = in.i64_in(1, kNumberMax);
      m.open = in.flag();
      m.from = in.time();
      m.until = in.time();
      m.who = in.text();
      m.reason = in.text();
      return in.done() && !rest.empty() && maintenance_.emplace(m.subject, std::move(m)).second;
    }
    case kRowKey: {
      Row row;
      row.row.id = rest;
      row.row.region = in.text();
      row.row.root = in.text();
      row.row.factor = static_cast<Factor>(in.u64_to(kFactors - 1));
      row.row.flood = in.i64_in(1, kNumberMax);
      row.row.revision = in.i64_in(1, kNumberMax);
      row.row.alerts = in.i64_in(1, kNumberMax);
      row.row.began = in.time();
      row.row.at = in.time();
      row.saved = true;
      return in.done() && rows_.emplace(row.row.id, std::move(row)).second;
    }
    case kCommandKey: {
      Answered a;
      a.number = in.i64_in(1, kNumberMax);
      a.key = read_alert_key(in);
      a.refusal = static_cast<Refusal>(in.u64_to(kRefusals - 1));
      a.revision = in.i64_in(0, kNumberMax);
      a.saved = true;
      if (!in.done() || rest.empty() || answered_.contains(a.number) || commands_.contains(rest)) return false;
      answered_.emplace(a.number, rest);
      next_answer_ = std::max(next_answer_, a.number + 1);
      commands_.emplace(rest, std::move(a));
      return true;
    }
    default:
      return false;
  }
}

}  // namespace qc::core
