// An alert as bytes.
#include <algorithm>
#include <limits>
#include <utility>

#include "core/alert.h"
#include "core/alert_life.h"
#include "core/warning.h"

namespace qc::core {
namespace {

constexpr std::int64_t kRevisionMax = std::int64_t{1} << 56;
constexpr std::int32_t kCountMax = std::numeric_limits<std::int32_t>::max();

std::int32_t read_count(ByteReader& in) {
  return static_cast<std::int32_t>(in.i64_in(0, kCountMax));
}
int read_level(ByteReader& in) {
  return static_cast<int>(in.u64_to(kLevels));
}
void write_flag(ByteWriter& out, bool flag) {
  out.u8(flag ? 1 : 0);
}
void write_optional(ByteWriter& out, const std::optional<EventTime>& t) {
  write_flag(out, t.has_value());
  if (t) out.time(*t);
}
std::optional<EventTime> read_optional(ByteReader& in) {
  if (!in.flag()) return std::nullopt;
  return in.time();
}

void write_condition(ByteWriter& out, const Signal& s) {
  out.text(s.id);
  out.i64(s.revision);
  out.text(s.region);
  out.text(s.root);
  out.u8(static_cast<std::uint8_t>(s.window));
  out.u64(static_cast<std::uint64_t>(s.level));
  out.u8(static_cast<std::uint8_t>(s.state));
  out.time(s.at);
  out.time(s.began);
  out.u8(static_cast<std::uint8_t>(s.unit));
  out.i64(s.value.pg);
  out.i64(s.limit.pg);
  out.text(s.clause);
  out.text(s.reason);
  out.time(s.interval.start);
  out.time(s.interval.end);
  out.i64(s.count);
  out.i64(s.expected);
  out.u8(s.marks.bits());
  out.u64(s.covers.size());
  for (const std::string& name : s.covers) out.text(name);
  out.i64(s.origin.first_offset);
  out.i64(s.origin.offset);
  out.u64(s.evidence.size());
  for (const Evidence& e : s.evidence) {
    out.text(e.subject);
    out.i64(e.value.pg);
  }
  write_flag(out, s.warning != nullptr);
  if (s.warning) write_episode(out, *s.warning);
}

Signal read_condition(ByteReader& in, const AlertKey& key) {
  Signal s;
  s.rule = key.rule;
  s.subject = key.subject;
  s.factor = key.factor;
  s.id = in.text();
  s.revision = read_count(in);
  s.region = in.text();
  s.root = in.text();
  s.window = static_cast<Window>(in.u64_to(kWindows - 1));
  s.level = read_level(in);
  s.state = static_cast<SignalState>(in.u64_to(static_cast<std::uint64_t>(SignalState::Withdrawn)));
  s.at = in.time();
  s.began = in.time();
  s.unit = static_cast<Unit>(in.u64_to(static_cast<std::uint64_t>(Unit::Count)));
  s.value.pg = in.i64();
  s.limit.pg = in.i64();
  s.clause = in.text();
  s.reason = in.text();
  s.interval.start = in.time();
  s.interval.end = in.time();
  s.count = read_count(in);
  s.expected = read_count(in);
  s.marks = Marks(static_cast<std::uint8_t>(in.u64_to((1U << (kMarks - 1)) - 1)));
  s.covers.resize(in.size());
  for (std::string& name : s.covers) name = in.text();
  s.origin.first_offset = in.i64_in(-1, std::numeric_limits<Offset>::max());
  s.origin.offset = in.i64_in(-1, std::numeric_limits<Offset>::max());
  s.evidence.resize(in.size());
  for (Evidence& e : s.evidence) {
    e.subject = in.text();
    e.value.pg = in.i64();
  }
  if (in.flag()) s.warning = std::make_shared<const WarningEpisode>(read_warning_episode(in));
  return s;
}

}  // namespace

bool can_be_kept(const Signal& s) {
  std::string bytes;
  ByteWriter w(bytes);
  write_condition(w, s);
  ByteReader in(bytes);
  read_condition(in, {s.rule, s.subject, s.factor});
  return in.done();
}

void write_alert_key(ByteWriter& out, const AlertKey& key) {
  out.text(key.rule);
  out.text(key.subject);
  out.u8(static_cast<std::uint8_t>(key.factor));
}

AlertKey read_alert_key(ByteReader& in) {
  AlertKey key;
  key.rule = in.text();
  key.subject = in.text();
  key.factor = static_cast<Factor>(in.u64_to(kFactors - 1));
  return key;
}

void write_alert(ByteWriter& out, const Alert& a) {
  write_alert_key(out, a.key);
  out.i64(a.episode);
  out.i64(a.revision);
  write_flag(out, a.listed);
  write_condition(out, a.condition);
  out.text(a.source.rules);
  out.i64(a.source.partition);
  out.u64(static_cast<std::uint64_t>(a.level_max));
  out.i64(a.occurrences);
  out.u8(static_cast<std::uint8_t>(a.response));
  out.u64(static_cast<std::uint64_t>(a.owed));
  out.u64(static_cast<std::uint64_t>(a.acked_level));
  out.text(a.acked_by);
  out.time(a.acked_at);
  out.text(a.comment);
  out.text(a.assignee);
  write_flag(out, a.handled);
  write_flag(out, a.closed);
  out.time(a.announced_at);
  out.i64(a.announced_revision);
  write_optional(out, a.shown_at);
  out.text(a.shown_on);
  write_flag(out, a.escalated);
  write_flag(out, a.shelf.on);
  write_optional(out, a.shelf.until);
  out.text(a.shelf.who);
  out.text(a.shelf.reason);
  write_flag(out, a.out_of_service.on);
  out.time(a.out_of_service.until);
  out.text(a.out_of_service.who);
  out.text(a.out_of_service.reason);
  out.text(a.inhibited_by);
  write_flag(out, a.flapping);
  out.text(a.fold);
  out.text(a.maintenance);
  out.text(a.first_out);
  write_flag(out, a.suppressed);
  write_formal_warning(out, a.formal);
  out.u64(a.notes.size());
  for (const AlertNote& n : a.notes) {
    out.time(n.at);
    out.text(n.who);
    out.text(n.text);
  }
  out.i64(a.begun_revision);
  out.time(a.change.at);
  out.text(a.change.who);
  out.text(a.change.what);
  out.text(a.change.why);
}

Alert read_alert(ByteReader& in) {
  Alert a;
  a.key = read_alert_key(in);
  a.episode = in.i64_in(0, kRevisionMax);
  a.revision = in.i64_in(0, kRevisionMax);
  a.listed = in.flag();
  a.condition = read_condition(in, a.key);
  a.source.rules = in.text();
  a.source.partition = read_count(in);
  a.level_max = read_level(in);
  a.occurrences = read_count(in);
  a.response = static_cast<Response>(in.u64_to(static_cast<std::uint64_t>(Response::Acked)));
  a.owed = read_level(in);
  a.acked_level = read_level(in);
  a.acked_by = in.text();
  a.acked_at = in.time();
  a.comment = in.text();
  a.assignee = in.text();
  a.handled = in.flag();
  a.closed = in.flag();
  a.announced_at = in.time();
  a.announced_revision = in.i64_in(0, a.revision);
  a.shown_at = read_optional(in);
  a.shown_on = in.text();
  a.escalated = in.flag();
  a.shelf.on = in.flag();
  a.shelf.until = read_optional(in);
  a.shelf.who = in.text();
  a.shelf.reason = in.text();
  a.out_of_service.on = in.flag();
  a.out_of_service.until = in.time();
  a.out_of_service.who = in.text();
  a.out_of_service.reason = in.text();
  a.inhibited_by = in.text();
  a.flapping = in.flag();
  a.fold = in.text();
  a.maintenance = in.text();
  a.first_out = in.text();
  a.suppressed = in.flag();
  a.formal = read_formal_warning(in);
  a.notes.resize(in.size());
  for (AlertNote& n : a.notes) {
    n.at = in.time();
    n.who = in.text();
    n.text = in.text();
  }
  a.begun_revision = in.i64_in(0, a.revision);
  a.change.at = in.time();
  a.change.who = in.text();
  a.change.what = in.text();
  a.change.why = in.text();
  return a;
}

void AlertLife::write(ByteWriter& out) const {
  write_alert(out, alert_);
  out.u64(earlier_.size());
  for (const Earlier& e : earlier_) {
    out.text(e.id);
    out.i64(e.revision);
  }
  out.u64(begins_.size());
  for (const EventTime t : begins_) out.time(t);
  out.time(summary_at_);
  for (const bool flag : {changed_, tell_, announce_}) write_flag(out, flag);
}

bool AlertLife::read(ByteReader& in) {
  alert_ = read_alert(in);
  earlier_.resize(in.size());
  for (Earlier& e : earlier_) {
    e.id = in.text();
    e.revision = read_count(in);
  }
  begins_.resize(in.size());
  for (EventTime& t : begins_) t = in.time();
  summary_at_ = in.time();
  for (bool* flag : {&changed_, &tell_, &announce_}) *flag = in.flag();
  return in.ok();
}

}  // namespace qc::core
