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
  if (judge == nullptr) return false;
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
  if (level_ == 0) {
    if (silent >= criteria.no_data) above_since_.fill(kNever);  // what was pending is not held by silence
    return false;
  }
  if (silent >= criteria.stale_max) {
    change(SignalState::EndedNoData, 0, o, "no data: ended");
    return true;
  }
  if (!stale_ && silent >= criteria.no_data) {
    change(SignalState::Stale, level_, o, "no data");
    return true;
  }
  return false;
}

void Track::forget(EventTime before) {
  std::erase_if(episodes_, [before](const Episode& e) { return !e.open() && e.at < before; });
}

std::vector<std::size_t> reconcile(const std::vector<Episode>& published, Track& folded, std::int64_t& next_number,
                                   EventTime now, std::string_view reason) {
  const auto until = [](const Episode& e) {
    if (e.open()) return EventTime::max();
    return e.state == SignalState::Withdrawn ? e.interval.end : e.at;
  };
  std::vector<bool> used(published.size(), false);
  std::vector<std::size_t> changed;
  auto& episodes = folded.episodes();
  const auto say = [&](Episode& e) { e.reason = std::string(reason) + ": " + e.reason; };
  for (Episode& e : episodes) {
    for (std::size_t i = 0; i < published.size(); ++i) {
      const Episode& old = published[i];
      if (used[i] || old.began > until(e) || e.began > until(old)) continue;
      used[i] = true;
      e.number = old.number;
      e.revision = old.revision;
      if (!e.same_outcome(old)) {
        e.revision = old.revision + 1;
        say(e);
        e.number = -old.number;  // marked for publishing; made positive below
      } else {
        e.reason = old.reason;
      }
      break;
    }
    if (e.number == 0) {
      e.number = -next_number++;
      e.revision = 1;
      say(e);
    }
  }
  for (std::size_t i = 0; i < published.size(); ++i) {
    if (used[i]) continue;
    Episode gone = published[i];
    if (gone.state != SignalState::Withdrawn) {
      gone.state = SignalState::Withdrawn;
      gone.revision += 1;
      gone.at = now;
      gone.reason = reason;
      gone.number = -gone.number;
    }
    episodes.push_back(std::move(gone));
  }
  std::stable_sort(episodes.begin(), episodes.end(), [](const Episode& a, const Episode& b) {
    // The open one stays last: the fold goes on with it.
    return std::tuple(a.open(), a.began) < std::tuple(b.open(), b.began);
  });
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    if (episodes[i].number < 0) {
      episodes[i].number = -episodes[i].number;
      changed.push_back(i);
    }
  }
  return changed;
}

namespace {

void write_time(ByteWriter& out, EventTime t) { out.i64(t == EventTime::max() ? -1 : ms(t)); }
EventTime read_time(ByteReader& in) {
  const std::int64_t v = in.i64();
  return v == -1 ? EventTime::max() : event_time(v);
}

void write_episode(ByteWriter& out, const Episode& e) {
  out.i64(e.number);
  out.i64(e.revision);
  out.i64(ms(e.began));
  out.i64(ms(e.at));
  out.u8(static_cast<std::uint8_t>(e.state));
  out.u8(static_cast<std::uint8_t>(e.level));
  out.u8(static_cast<std::uint8_t>(e.level_max));
  out.i64(e.value);
  out.i64(e.limit);
  out.i64(ms(e.interval.start));
  out.i64(ms(e.interval.end));
  out.i64(e.count);
  out.i64(e.expected);
  out.text(e.clause);
  out.text(e.reason);
}

Episode read_episode(ByteReader& in) {
  Episode e;
  e.number = in.i64();
  e.revision = static_cast<std::int32_t>(in.i64());
  e.began = event_time(in.i64());
  e.at = event_time(in.i64());
  e.state = static_cast<SignalState>(in.u8());
  e.level = in.u8();
  e.level_max = in.u8();
  if (e.level > kLevels || e.level_max > kLevels || e.state > SignalState::Withdrawn) in.bad();
  e.value = in.i64();
  e.limit = in.i64();
  e.interval.start = event_time(in.i64());
  e.interval.end = event_time(in.i64());
  e.count = static_cast<std::int32_t>(in.i64());
  e.expected = static_cast<std::int32_t>(in.i64());
  e.clause = in.text();
  e.reason = in.text();
  return e;
}

}  // namespace

void Track::write(ByteWriter& out) const {
  out.u8(static_cast<std::uint8_t>(level_));
  out.u8(stale_ ? 1 : 0);
  for (const EventTime t : above_since_) write_time(out, t);
  write_time(out, below_since_);
  write_time(out, last_valid_);
  out.u8(static_cast<std::uint8_t>(criteria_.levels));
  for (std::size_t i = 0; i < kLevels; ++i) {
    out.i64(criteria_.on[i]);
    out.i64(criteria_.off[i]);
  }
  for (const Duration d : {criteria_.hold_on, criteria_.hold_off, criteria_.no_data, criteria_.stale_max}) {
    out.i64(d.count());
  }
  out.text(criteria_.clause);
  out.u64(episodes_.size());
  for (const Episode& e : episodes_) write_episode(out, e);
}

bool Track::read(ByteReader& in) {
  level_ = in.u8();
  stale_ = in.u8() != 0;
  for (EventTime& t : above_since_) t = read_time(in);
  below_since_ = read_time(in);
  last_valid_ = read_time(in);
  criteria_.levels = in.u8();
  for (std::size_t i = 0; i < kLevels; ++i) {
    criteria_.on[i] = in.i64();
    criteria_.off[i] = in.i64();
  }
  for (Duration* d : {&criteria_.hold_on, &criteria_.hold_off, &criteria_.no_data, &criteria_.stale_max}) {
    *d = Duration(in.i64());
  }
  criteria_.clause = in.text();
  episodes_.resize(in.size());
  for (Episode& e : episodes_) e = read_episode(in);
  if (level_ > kLevels || criteria_.levels > kLevels || (level_ > 0 && episodes_.empty())) in.bad();
  return in.ok();
}

}  // namespace qc::core
