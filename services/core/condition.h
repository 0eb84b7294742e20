// The exceedance machine: the condition part of an alert's life (architecture section 7).
//
//   NORMAL -> PENDING (above on[1]) -> ACTIVE(L) once above on[L] for hold_on -> RECOVERING at or below off[L]
//          -> a lower level or CLEARED after hold_off; above off[L] again while RECOVERING returns silently.
//   No valid value for no_data: STALE, the level is held; for stale_max: the episode ends as "no data".
//
// "Above" is strict, because a limit is exceeded when the value is greater than it (and an AQI level when the index is
// over it): v == on[L] is not yet, v == off[L] is already below.
//
// A Track is the machine with the episodes that it made. It is a fold over (time, value): folding again from an earlier
// copy after a correction gives the episodes that should have been, and `reconcile` says what that changes.
// Values; no clock; threads: none of its business.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/factor.h"
#include "core/output.h"
#include "core/rules.h"
#include "core/time.h"

namespace qc::core {

inline constexpr std::uint8_t kTrackVersion = 2;  // 2: with units, marks and first offsets; 1 is read, too

// What an episode is judged by, from its beginning to its end. Levels that a rule doesn't have are never reached.
struct Criteria {
  int levels = 0;
  std::array<std::int64_t, kLevels> on{};
  std::array<std::int64_t, kLevels> off{};
  Duration hold_on{};
  Duration hold_off{};
  Duration no_data{};
  Duration stale_max{};
  std::string clause;
  Unit unit = Unit::None;  // of the values
  bool operator==(const Criteria&) const = default;
};

// A level with its dead-band: off = on less the share, rounded down.
Criteria make_criteria(const SignalRule& rule, const std::vector<Concentration>& on, std::string clause);

// The value that a step was made with, for the signal's evidence. `pg` empty: no valid data.
struct Observation {
  EventTime at{};
  std::optional<std::int64_t> pg;
  Interval interval{};
  std::int32_t count = 0;
  std::int32_t expected = 0;
};

struct Episode {
  std::int64_t number = 0;  // of the site; 0: not published yet
  std::int32_t revision = 0;
  EventTime began{};
  EventTime at{};  // of the last change
  SignalState state = SignalState::Active;
  int level = 0;
  int level_max = 0;
  std::int64_t value = 0;
  std::int64_t limit = 0;
  Interval interval{};
  std::int32_t count = 0;
  std::int32_t expected = 0;
  std::string clause;
  std::string reason;
  Unit unit = Unit::None;
  // Of the value that changed it; whoever steps the track fills them in.
  Marks marks;
  Offset first_offset = -1;
  bool open() const { return state == SignalState::Active || state == SignalState::Stale; }
  // What people were told: everything but the numbering and the words.
  bool same_outcome(const Episode& o) const {
    return began == o.began && at == o.at && state == o.state && level == o.level && level_max == o.level_max;
  }
};

void write_episode(ByteWriter& out, const Episode& e);
Episode read_episode(ByteReader& in, std::uint8_t version = kTrackVersion);  // !in.ok(): there is none

class Track {
 public:
  // One step of the fold; times must not go back. `criteria` are those in force at `o.at`: they are used where no
  // episode is open, and nullptr says that the rule sets no limit there. true: an episode began, changed or ended.
  bool step(const Criteria* criteria, const Observation& o);

  bool normal() const { return level_ == 0 && !pending(); }
  bool open() const { return level_ > 0; }
  // At its highest level and steady: the same or a greater value changes nothing, ever.
  bool at_top() const { return open() && !stale_ && level_ == criteria_.levels && below_since_ == kNever; }
  EventTime last_valid() const { return last_valid_; }
  const std::vector<Episode>& episodes() const { return episodes_; }
  std::vector<Episode>& episodes() { return episodes_; }
  // Forgets ended episodes whose last change is at or before `until`: no correction can reach them any more.
  void forget(EventTime until);

  void write(ByteWriter& out) const;
  bool read(ByteReader& in, std::uint8_t version = kTrackVersion);

 private:
  static constexpr EventTime kNever = EventTime::max();
  bool pending() const;
  void begin(const Criteria& criteria, int level, const Observation& o);
  void change(SignalState state, int level, const Observation& o, std::string_view reason);
  bool with_value(const Criteria& criteria, const Observation& o);
  bool without_value(const Criteria& criteria, const Observation& o);

  int level_ = 0;
  bool stale_ = false;
  std::array<EventTime, kLevels> above_since_{kNever, kNever, kNever};
  EventTime below_since_ = kNever;  // RECOVERING since
  EventTime last_valid_ = kNever;
  Criteria criteria_;  // of the open episode
  std::vector<Episode> episodes_;
};

// After a correction: gives the episodes of `folded` the numbers of those of `published` that they overlap (of one that
// stands rather than of a withdrawn one), numbers new ones from `next_number`, keeps those that are no more as
// WITHDRAWN, and returns the indices (into folded.episodes()) of the ones that must be published, in order. `reason` is
// said in each.
std::vector<std::size_t> reconcile(const std::vector<Episode>& published, Track& folded, std::int64_t& next_number,
                                   EventTime now, std::string_view reason);

}  // namespace qc::core
