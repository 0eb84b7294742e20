// The warning machine: when the heavy-pollution warning of one region begins, changes its level and ends (the plans
// after 环办大气函〔2018〕875号 and 环大气〔2024〕6号; the criteria are configuration: WarningCriteria in rules.h). It
// says what the criteria say; whether a warning is issued is for people.
//
// It is a fold over hours. Hours are named by their end; the index of an hour is the AQI of the continuous 24 h that
// end then. At each hour it knows the indices so far and, in a live fold, what is forecast for the next ones. How the
// texts are read, where they leave it open:
// - "AQI > 200 for 48 h" at hour t is tested on [t - 48 h, t), from any hour on, midnight or not. Blocks: the indices
// of t
//   and t - 24 h are over: two days without a gap between them. EveryHour: so are the 23 between. An hour without an
//   index proves nothing: a condition that looks at it does not hold.
// - Where several conditions must hold, the longest holds at t, a shorter one anywhere within the longest one's hours.
// - Observed and forecast hours make one series. A criterion that is met at a later hour by forecast begins the warning
//   now, at the highest level that it reaches ("start at the higher level"); the time until then is its lead.
// - A level rises as soon as a higher one is met, by observation or forecast. Between levels the higher one holds.
// - Below a level: the index is below what its mildest alternative asks for (WarningCriteria::bar). An hour without an
//   index is not below.
// - Live, a level ends when the hour is below it and all of the next lift_hours are forecast to be: by forecast only,
//   since nothing else says that the air will stay so. Withdrawing a forecast ends nothing, nor does silence.
// - Observed (judging history) it ends after lift_hours below it, which came after it was reached, and is dated at the
//   first of them; after stale_hours without an index everything ends, dated likewise: nobody knows.
// - Downgrade::OwnLevel: down to the highest level that has not ended. BelowYellow: all stands until yellow has ended.
// A
//   level whose criterion is still met stands in any case.
// - So two episodes whose gap never met the lift condition are one. One that follows a gap that does is another, also
//   where it is only forecast: the first is lifted, and the second begins in the same hour.
// - Hours of dust, and hours where ozone alone is primary, that are not below the mildest level are taken as hours
//   without an index, where the criteria exclude them, and counted by their reason. Below it they are hours like
//   others.
// - An episode keeps the criteria that it began with; those in force at an hour are those of its last instant.
//
// Values; no clock; threads: none of its business. Amendments of past hours: warning_track.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/output.h"
#include "core/rules.h"
#include "core/time.h"

namespace qc::core {

inline constexpr std::uint8_t kWarningVersion = 1;
// An episode that changes more often keeps the first and the latest of its changes.
inline constexpr std::size_t kWarningChangesMax = 64;

inline constexpr int kNoIndex = -1;
inline constexpr int kIndexMax = 500;

// One hour of a region.
struct IndexHour {
  int index = kNoIndex;
  bool ozone = false;  // ozone alone is the primary pollutant
  bool dust = false;
  bool operator==(const IndexHour&) const = default;
};

// What is known of later hours, by their end. Those more than kWarningHoursMax ahead are not looked at.
using Forecast = std::map<EventTime, IndexHour>;

enum class Basis : std::uint8_t { None = 0, Observed, Forecasted, Both };
std::string_view name(Basis b);  // "observed" ...

// A condition that was met, and the hours that decided: `first`, and every `step` hours until `last`.
struct MetCondition {
  WarningCondition condition;
  EventTime first{};
  EventTime last{};
  int step = 0;
  int lowest = 0;    // of their indices
  int forecast = 0;  // how many of them were forecast
  bool operator==(const MetCondition&) const = default;
};

// How far the next level is, were the index from now on over all that it asks for: by the alternative that it lacks the
// fewest points of, then hours.
struct Distance {
  int level = 0;   // 0: there is none above
  int points = 0;  // that the index of this hour lacks
  int hours = 0;   // that it must last
  bool operator==(const Distance&) const = default;
};

struct LevelChange {
  int level = 0;        // from now on; 0: the episode is over
  EventTime decided{};  // the hour at which it was known
  // Up: the hour at which the criterion is met. Down: judging history the first hour below, live the hour decided.
  EventTime at{};
  EventTime began{};  // up: `at` less the criterion's longest condition; down: as `at`
  Basis basis = Basis::None;
  std::vector<MetCondition> conditions;  // up: those of the alternative that was met
  Distance next;
  bool up() const { return !conditions.empty(); }
  int lead_hours() const { return static_cast<int>((at - decided) / kHour); }
  bool operator==(const LevelChange&) const = default;
};

struct WarningEpisode {
  std::int64_t number = 0;  // of the region; 0: not published yet
  std::int32_t revision = 0;
  SignalState state = SignalState::Active;  // Cleared: lifted
  std::string criteria;                     // id
  std::string clause;
  EventTime began{};
  int level_max = 0;
  std::vector<LevelChange> changes;  // the first is the beginning
  // Observed hours from the first that decided, or from the hour decided where that is earlier.
  int peak = kNoIndex;
  EventTime peak_at{};
  std::array<int, kWarningLevels> hours_over{};  // at or above each level's bar
  int hours_ozone = 0;                           // excluded
  int hours_dust = 0;
  int hours_missing = 0;
  std::string reason;

  bool open() const { return state == SignalState::Active; }
  int level() const { return changes.empty() ? 0 : changes.back().level; }
  // The beginning of the last level's end; where it is open: never.
  EventTime end() const { return open() || changes.empty() ? EventTime::max() : changes.back().at; }
  // What people were told: everything but the numbering, the words and what goes on by the hour.
  bool same_outcome(const WarningEpisode& o) const;
  bool operator==(const WarningEpisode&) const = default;
};

class WarningMachine {
 public:
  enum class Mode : std::uint8_t { Live = 0, Observed };
  explicit WarningMachine(Mode mode = Mode::Live) : mode_(mode) {}

  // The next hour. Hours in between are taken as without an index. `in_force`: the criteria at an hour, nullptr where
  // there are none: then nothing begins. true: an episode began, changed or ended. REQUIRES: `at` is a whole hour,
  // later than now().
  bool step(const RuleSet& rules, EventTime at, const IndexHour& observed, const Forecast& forecast);
  // The same hour, with another forecast. Nothing before the first step.
  bool judge(const RuleSet& rules, const Forecast& forecast);

  EventTime now() const { return now_; }  // EventTime::min() before the first step
  bool open() const { return !episodes_.empty() && episodes_.back().open(); }
  int level() const { return open() ? episodes_.back().level() : 0; }
  int index() const { return past_.empty() ? kNoIndex : past_.back().index; }  // of now()
  // Of the hour, from the level that holds; by the criteria of the open episode, or else those in force.
  Distance distance(const RuleSet& rules) const;
  const std::vector<WarningEpisode>& episodes() const { return episodes_; }
  std::vector<WarningEpisode>& episodes() { return episodes_; }
  // Forgets ended episodes that were last changed at or before `until`.
  void forget(EventTime until);

  void write(ByteWriter& out) const;
  bool read(ByteReader& in);

 private:
  class Series;
  struct Met;
  bool judge_with(const WarningCriteria& criteria, const Forecast& forecast);
  bool step_one(const RuleSet& rules, EventTime at, const IndexHour& observed, const Forecast& forecast);
  void begin(const WarningCriteria& criteria, const Series& series, const Met& met);
  void rise(const Series& series, const Met& met);
  void fall(const Series& series, int level);
  void end_stale(const Series& series);
  void add(LevelChange change);
  void count(const IndexHour& hour, EventTime at);
  int run_below(const Series& series, int level) const;
  bool has_ended(const Series& series, int level) const;
  int stands(const Series& series) const;
  Distance distance_of(const WarningCriteria& criteria) const;
  bool in_progress() const;
  const WarningCriteria* criteria(const RuleSet& rules) const;

  Mode mode_;
  EventTime now_ = EventTime::min();
  EventTime risen_ = EventTime::min();  // the last rise of the open episode was decided
  std::vector<IndexHour> past_;         // the last of them is of now_; at most kWarningHoursMax + 1
  WarningCriteria criteria_;            // of the open episode
  std::vector<WarningEpisode> episodes_;
};

// As bytes, for whoever keeps them apart from a machine.
void write_episode(ByteWriter& out, const WarningEpisode& episode);
WarningEpisode read_warning_episode(ByteReader& in);
void write_index_hour(ByteWriter& out, const IndexHour& hour);
IndexHour read_index_hour(ByteReader& in);

}  // namespace qc::core
