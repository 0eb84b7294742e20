// The warning machine and its episodes as bytes, and back: sizes are bounded, and what does not fit together is
// malformed.
#include <limits>

#include "core/warning.h"

namespace qc::core {
namespace {

constexpr int kCountMax = 24 * 366 * 20;  // hours that an episode can count

void write_condition(ByteWriter& out, const WarningCondition& c) {
  out.i64(c.index);
  out.u8(c.reaches ? 1 : 0);
  out.i64(c.hours);
}
WarningCondition read_condition(ByteReader& in) {
  WarningCondition c;
  c.index = static_cast<int>(in.i64_in(0, kIndexMax));
  c.reaches = in.flag();
  c.hours = static_cast<int>(in.i64_in(1, kWarningHoursMax / 24)) * 24;
  return c;
}

void write_criteria(ByteWriter& out, const WarningCriteria& c) {
  out.text(c.id);
  out.text(c.clause);
  out.time_or(EventTime::min(), c.dated.from);
  out.time_or(EventTime::max(), c.dated.until);
  for (const auto& level : c.levels) {
    out.u64(level.size());
    for (const WarningAlternative& a : level) {
      out.u64(a.size());
      for (WarningCondition one : a) {
        one.hours /= 24;
        write_condition(out, one);
      }
    }
  }
  out.u8(static_cast<std::uint8_t>(c.lasting));
  out.i64(c.lift_hours);
  out.u8(static_cast<std::uint8_t>(c.downgrade));
  out.u8(c.without_ozone ? 1 : 0);
  out.u8(c.without_dust ? 1 : 0);
  out.i64(c.stale_hours);
}
WarningCriteria read_criteria(ByteReader& in) {
  WarningCriteria c;
  c.id = in.text();
  c.clause = in.text();
  c.dated.from = in.time_or(EventTime::min());
  c.dated.until = in.time_or(EventTime::max());
  for (auto& level : c.levels) {
    level.resize(in.u64_to(kWarningAnyMax));
    for (WarningAlternative& a : level) {
      a.resize(in.u64_to(kWarningAnyMax));
      for (WarningCondition& one : a) one = read_condition(in);
    }
  }
  c.lasting = static_cast<Lasting>(in.u64_to(static_cast<std::uint64_t>(Lasting::EveryHour)));
  c.lift_hours = static_cast<int>(in.i64_in(1, kWarningHoursMax));
  c.downgrade = static_cast<Downgrade>(in.u64_to(static_cast<std::uint64_t>(Downgrade::BelowYellow)));
  c.without_ozone = in.flag();
  c.without_dust = in.flag();
  c.stale_hours = static_cast<int>(in.i64_in(1, kWarningHoursMax));
  return c;
}

void write_change(ByteWriter& out, const LevelChange& c) {
  out.u8(static_cast<std::uint8_t>(c.level));
  out.time(c.decided);
  out.time(c.at);
  out.time(c.began);
  out.u8(static_cast<std::uint8_t>(c.basis));
  out.u64(c.conditions.size());
  for (const MetCondition& m : c.conditions) {
    WarningCondition one = m.condition;
    one.hours /= 24;
    write_condition(out, one);
    out.time(m.first);
    out.time(m.last);
    out.i64(m.step);
    out.i64(m.lowest);
    out.i64(m.forecast);
  }
  out.u8(static_cast<std::uint8_t>(c.next.level));
  out.i64(c.next.points);
  out.i64(c.next.hours);
}
LevelChange read_change(ByteReader& in) {
  LevelChange c;
  c.level = static_cast<int>(in.u64_to(kWarningLevels));
  c.decided = in.time();
  c.at = in.time();
  c.began = in.time();
  c.basis = static_cast<Basis>(in.u64_to(static_cast<std::uint64_t>(Basis::Both)));
  c.conditions.resize(in.u64_to(kWarningAnyMax));
  for (MetCondition& m : c.conditions) {
    m.condition = read_condition(in);
    m.first = in.time();
    m.last = in.time();
    m.step = static_cast<int>(in.i64_in(1, 24));
    m.lowest = static_cast<int>(in.i64_in(kNoIndex, kIndexMax));
    m.forecast = static_cast<int>(in.i64_in(0, kWarningHoursMax));
  }
  c.next.level = static_cast<int>(in.u64_to(kWarningLevels));
  c.next.points = static_cast<int>(in.i64_in(0, kIndexMax));
  c.next.hours = static_cast<int>(in.i64_in(0, kWarningHoursMax + 1));
  return c;
}

}  // namespace

void write_index_hour(ByteWriter& out, const IndexHour& hour) {
  // Most hours are an index and no mark.
  out.u64(static_cast<std::uint64_t>(hour.index + 1) << 2 | (hour.ozone ? 2U : 0U) | (hour.dust ? 1U : 0U));
}
IndexHour read_index_hour(ByteReader& in) {
  const std::uint64_t v = in.u64_to((kIndexMax + 1) << 2 | 3);
  return {static_cast<int>(v >> 2) - 1, (v & 2) != 0, (v & 1) != 0};
}

void write_episode(ByteWriter& out, const WarningEpisode& e) {
  out.i64(e.number);
  out.i64(e.revision);
  out.u8(static_cast<std::uint8_t>(e.state));
  out.text(e.criteria);
  out.text(e.clause);
  out.time(e.began);
  out.u8(static_cast<std::uint8_t>(e.level_max));
  out.u64(e.changes.size());
  for (const LevelChange& c : e.changes) write_change(out, c);
  out.i64(e.peak);
  out.time(e.peak_at);
  for (const int hours : e.hours_over) out.i64(hours);
  out.i64(e.hours_ozone);
  out.i64(e.hours_dust);
  out.i64(e.hours_missing);
  out.text(e.reason);
}

WarningEpisode read_warning_episode(ByteReader& in) {
  WarningEpisode e;
  e.number = in.i64();
  e.revision = static_cast<std::int32_t>(in.i64_in(0, std::numeric_limits<std::int32_t>::max()));
  e.state = static_cast<SignalState>(in.u64_to(static_cast<std::uint64_t>(SignalState::Withdrawn)));
  e.criteria = in.text();
  e.clause = in.text();
  e.began = in.time();
  e.level_max = static_cast<int>(in.u64_to(kWarningLevels));
  e.changes.resize(in.u64_to(kWarningChangesMax));
  for (LevelChange& c : e.changes) c = read_change(in);
  e.peak = static_cast<int>(in.i64_in(kNoIndex, kIndexMax));
  e.peak_at = in.time();
  for (int& hours : e.hours_over) hours = static_cast<int>(in.i64_in(0, kCountMax));
  for (int* hours : {&e.hours_ozone, &e.hours_dust, &e.hours_missing}) {
    *hours = static_cast<int>(in.i64_in(0, kCountMax));
  }
  e.reason = in.text();
  if (e.state == SignalState::None || e.changes.empty() || (e.open() && e.level() == 0)) in.bad();
  return e;
}

void WarningMachine::write(ByteWriter& out) const {
  out.u8(static_cast<std::uint8_t>(mode_));
  out.time_or(EventTime::min(), now_);
  out.time_or(EventTime::min(), risen_);
  out.u64(past_.size());
  for (const IndexHour& hour : past_) write_index_hour(out, hour);
  out.u8(open() ? 1 : 0);
  if (open()) write_criteria(out, criteria_);
  out.u64(episodes_.size());
  for (const WarningEpisode& e : episodes_) write_episode(out, e);
}

bool WarningMachine::read(ByteReader& in) {
  mode_ = static_cast<Mode>(in.u64_to(static_cast<std::uint64_t>(Mode::Observed)));
  now_ = in.time_or(EventTime::min());
  risen_ = in.time_or(EventTime::min());
  past_.resize(in.u64_to(kWarningHoursMax + 1));
  for (IndexHour& hour : past_) hour = read_index_hour(in);
  const bool is_open = in.flag();
  criteria_ = is_open ? read_criteria(in) : WarningCriteria{};
  episodes_.resize(in.size());
  for (WarningEpisode& e : episodes_) e = read_warning_episode(in);
  // Only the last episode can be open.
  for (std::size_t i = 0; i + 1 < episodes_.size(); ++i) {
    if (episodes_[i].open()) in.bad();
  }
  if (open() != is_open || (now_ == EventTime::min() && !(past_.empty() && episodes_.empty()))) in.bad();
  return in.ok();
}

}  // namespace qc::core
