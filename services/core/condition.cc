#include "core/condition.h"

#include <algorithm>
#include <tuple>

namespace qc::core {

Criteria make_criteria(const SignalRule& rule, const std::vector<Concentration>& on, std::string clause) {
  Criteria c;
  c.levels = static_cast<int>(std::min(on.size(), std::size_t{kLevels}));
  for (std::size_t i = 0; i < static_cast<std::size_t>(c.levels); ++i) {
    c.on[i] = on[i].pg;
    c.off[i] = on[i].pg - on[i].pg * rule.dead_band_percent / 100;
  }
  c.hold_on = rule.hold_on;
  c.hold_off = rule.hold_off;
  c.no_data = rule.no_data;
  c.stale_max = rule.stale_max;
  c.clause = std::move(clause);
  return c;
}

bool Track::pending() const {
  return std::any_of(above_since_.begin(), above_since_.end(), [](EventTime t) { return t != kNever; });
}

void Track::begin(const Criteria& criteria, int level, const Observation& o) {
  criteria_ = criteria;
  Episode e;
  e.began = o.at;
  e.clause = criteria.clause;
  e.unit = criteria.unit;
  episodes_.push_back(std::move(e));
  change(SignalState::Active, level, o, "began");
}

void Track::change(SignalState state, int level, const Observation& o, std::string_view reason) {
  Episode& e = episodes_.back();
  e.at = o.at;
  e.state = state;
  e.level_max = std::max(e.level_max, level);
  if (o.pg) e.value = *o.pg;
  e.interval = o.interval;
  e.count = o.count;
  e.expected = o.expected;
  e.reason = reason;
  // An ended episode keeps the level that it had.
  if (state == SignalState::Active || state == SignalState::Stale) {
    e.level = level;
    e.limit = criteria_.on[static_cast<std::size_t>(level - 1)];
    level_ = level;
  } else {
    level_ = 0;
    below_since_ = kNever;
    above_since_.fill(kNever);
  }
  stale_ = state == SignalState::Stale;
}

bool Track::step(const Criteria* criteria, const Observation& o) {
  const Criteria* judge = open() ? &criteria_ : criteria;
  if (judge == nullptr) {
    above_since_.fill(kNever);  // what was pending waits for a limit that is no more
    return false;
  }
  return o.pg ? with_value(*judge, o) : without_value(*judge, o);
}

bool Track::with_value(const Criteria& criteria, const Observation& o) {
  const std::int64_t v = *o.pg;
  const bool returned = stale_;
  stale_ = false;
  last_valid_ = o.at;
  int held = 0;  // the highest level that has been exceeded for long enough
  for (int l = 1; l <= criteria.levels; ++l) {
    const auto i = static_cast<std::size_t>(l - 1);
    if (v > criteria.on[i]) {
      above_since_[i] = std::min(above_since_[i], o.at);
      if (o.at - above_since_[i] >= criteria.hold_on) held = l;
    } else {
      above_since_[i] = kNever;
    }
  }
  if (held > level_) {
    below_since_ = kNever;
    if (level_ == 0) {
      // A copy: begin() writes criteria_, which `criteria` may be.
      begin(Criteria(criteria), held, o);
    } else {
      change(SignalState::Active, held, o, "level up");
    }
    return true;
  }
  if (level_ == 0) return false;
  if (v > criteria.off[static_cast<std::size_t>(level_ - 1)]) {
    below_since_ = kNever;
  } else {
    below_since_ = std::min(below_since_, o.at);
    if (o.at - below_since_ >= criteria.hold_off) {
      below_since_ = kNever;
      int lower = level_ - 1;
      while (lower > 0 && v <= criteria.off[static_cast<std::size_t>(lower - 1)]) --lower;
      if (lower == 0) {
        change(SignalState::Cleared, 0, o, "cleared");
      } else {
        change(SignalState::Active, lower, o, "level down");
      }
      return true;
    }
  }
  if (returned) change(SignalState::Active, level_, o, "data returned");
  return returned;
}

bool Track::without_value(const Criteria& criteria, const Observation& o) {
  if (last_valid_ == kNever) last_valid_ = o.at;
  const Duration silent = o.at - last_valid_;
  // What was pending, or recovering, is not held by silence: it takes data.
  if (level_ == 0) {
    if (silent >= criteria.no_data) above_since_.fill(kNever);
    return false;
  }
  if (silent >= criteria.stale_max) {
    change(SignalState::EndedNoData, 0, o, "no data: ended");
    return true;
  }
  if (!stale_ && silent >= criteria.no_data) {
    above_since_.fill(kNever);
    below_since_ = kNever;
    change(SignalState::Stale, level_, o, "no data");
    return true;
  }
  return false;
}

void Track::forget(EventTime until) {
  std::erase_if(episodes_, [until](const Episode& e) { return !e.open() && e.at <= until; });
}

namespace {

// Until when an episode lasts, as far as telling episodes apart goes.
EventTime end_of(const Episode& e) {
  if (e.open()) return EventTime::max();
  return e.state == SignalState::Withdrawn ? e.interval.end : e.at;
}

}  // namespace

std::vector<std::size_t> reconcile(const std::vector<Episode>& published, Track& folded, std::int64_t& next_number,
                                   EventTime now, std::string_view reason) {
  struct Told {
    Episode episode;
    bool changed = false;
  };
  std::vector<Told> told;
  std::vector<bool> used(published.size(), false);
  const auto match = [&](const Episode& e, bool withdrawn) {
    for (std::size_t i = 0; i < published.size(); ++i) {
      const Episode& old = published[i];
      if (used[i] || (old.state == SignalState::Withdrawn) != withdrawn) continue;
      if (old.began <= end_of(e) && e.began <= end_of(old)) return i;
    }
    return published.size();
  };
  for (Episode e : folded.episodes()) {
    std::size_t i = match(e, false);
    if (i == published.size()) i = match(e, true);
    if (i == published.size()) {
      e.number = next_number++;
      e.revision = 1;
    } else {
      const Episode& old = published[i];
      used[i] = true;
      e.number = old.number;
      e.revision = old.revision;
      if (e.same_outcome(old)) {
        e.reason = old.reason;
        told.push_back({std::move(e), false});
        continue;
      }
      ++e.revision;
    }
    e.reason = std::string(reason) + ": " + e.reason;
    told.push_back({std::move(e), true});
  }
  for (std::size_t i = 0; i < published.size(); ++i) {
    if (used[i]) continue;
    Episode gone = published[i];
    const bool stood = gone.state != SignalState::Withdrawn;
    if (stood) {
      gone.state = SignalState::Withdrawn;
      ++gone.revision;
      gone.at = now;
      gone.reason = reason;
    }
    told.push_back({std::move(gone), stood});
  }
  std::stable_sort(told.begin(), told.end(), [](const Told& a, const Told& b) {
    // The open one stays last: the fold goes on with it.
    return std::tuple(a.episode.open(), a.episode.began) < std::tuple(b.episode.open(), b.episode.began);
  });
  std::vector<std::size_t> changed;
  auto& episodes = folded.episodes();
  episodes.clear();
  for (Told& t : told) {
    if (t.changed) changed.push_back(episodes.size());
    episodes.push_back(std::move(t.episode));
  }
  return changed;
}

void write_episode(ByteWriter& out, const Episode& e) {
  out.i64(e.number);
  out.i64(e.revision);
  out.time(e.began);
  out.time(e.at);
  out.u8(static_cast<std::uint8_t>(e.state));
  out.u8(static_cast<std::uint8_t>(e.level));
  out.u8(static_cast<std::uint8_t>(e.level_max));
  out.i64(e.value);
  out.i64(e.limit);
  out.time(e.interval.start);
  out.time(e.interval.end);
  out.i64(e.count);
  out.i64(e.expected);
  out.text(e.clause);
  out.text(e.reason);
  out.u8(static_cast<std::uint8_t>(e.unit));
  out.u8(e.marks.bits());
  out.i64(e.first_offset);
}

namespace {

// Longer than any hold or silence that a rule can name (config.proto: 100 days).
constexpr Duration kHoldMax = std::chrono::hours(24 * 101);

Unit read_unit(ByteReader& in) {
  return static_cast<Unit>(in.u64_to(static_cast<std::uint64_t>(Unit::Count)));
}

}  // namespace

Episode read_episode(ByteReader& in, std::uint8_t version) {
  Episode e;
  e.number = in.i64();
  e.revision = static_cast<std::int32_t>(in.i64());
  e.began = in.time();
  e.at = in.time();
  e.state = static_cast<SignalState>(in.u64_to(static_cast<std::uint64_t>(SignalState::Withdrawn)));
  e.level = static_cast<int>(in.u64_to(kLevels));
  e.level_max = static_cast<int>(in.u64_to(kLevels));
  if (e.state == SignalState::None || e.level == 0) in.bad();
  e.value = in.i64();
  e.limit = in.i64();
  e.interval.start = in.time();
  e.interval.end = in.time();
  e.count = static_cast<std::int32_t>(in.i64());
  e.expected = static_cast<std::int32_t>(in.i64());
  e.clause = in.text();
  e.reason = in.text();
  if (version < 2) return e;
  e.unit = read_unit(in);
  e.marks = Marks(static_cast<std::uint8_t>(in.u64_to((1U << (kMarks - 1)) - 1)));
  e.first_offset = in.i64_in(-1, std::numeric_limits<Offset>::max());
  return e;
}

void Track::write(ByteWriter& out) const {
  out.u8(static_cast<std::uint8_t>(level_));
  out.u8(stale_ ? 1 : 0);
  for (const EventTime t : above_since_) out.time_or(kNever, t);
  out.time_or(kNever, below_since_);
  out.time_or(kNever, last_valid_);
  out.u8(static_cast<std::uint8_t>(criteria_.levels));
  for (std::size_t i = 0; i < static_cast<std::size_t>(criteria_.levels); ++i) {
    out.i64(criteria_.on[i]);
    out.i64(criteria_.off[i]);
  }
  for (const Duration d : {criteria_.hold_on, criteria_.hold_off, criteria_.no_data, criteria_.stale_max}) {
    out.i64(d.count());
  }
  out.text(criteria_.clause);
  out.u8(static_cast<std::uint8_t>(criteria_.unit));
  out.u64(episodes_.size());
  for (const Episode& e : episodes_) write_episode(out, e);
}

// Format 2; format 1 had no units, marks and first offsets.
bool Track::read(ByteReader& in, std::uint8_t version) {
  level_ = static_cast<int>(in.u64_to(kLevels));
  stale_ = in.flag();
  for (EventTime& t : above_since_) t = in.time_or(kNever);
  below_since_ = in.time_or(kNever);
  last_valid_ = in.time_or(kNever);
  criteria_.levels = static_cast<int>(in.u64_to(kLevels));
  for (std::size_t i = 0; i < static_cast<std::size_t>(criteria_.levels); ++i) {
    criteria_.on[i] = in.i64();
    criteria_.off[i] = in.i64();
  }
  for (Duration* d : {&criteria_.hold_on, &criteria_.hold_off, &criteria_.no_data, &criteria_.stale_max}) {
    *d = Duration(in.i64_in(0, kHoldMax.count()));
  }
  criteria_.clause = in.text();
  if (version >= 2) criteria_.unit = read_unit(in);
  episodes_.resize(in.size());
  for (Episode& e : episodes_) e = read_episode(in, version);
  // Only the last episode can be open, and it is what the machine's state says.
  if (!in.ok()) return false;
  for (std::size_t i = 0; i < episodes_.size(); ++i) {
    if (episodes_[i].open() && (i + 1 < episodes_.size() || episodes_[i].level != level_)) in.bad();
  }
  const bool last_open = !episodes_.empty() && episodes_.back().open();
  if (last_open != (level_ > 0) || level_ > criteria_.levels) in.bad();
  if (stale_ != (last_open && episodes_.back().state == SignalState::Stale)) in.bad();
  return in.ok();
}

}  // namespace qc::core
