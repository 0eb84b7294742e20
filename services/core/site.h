// The state of one site: its series, its hours, its conditions; and how they become bytes. Data that the reading stage
// (reading_stage.cc) and the judge (judge.h) work on; no behaviour of its own beyond finding, freezing and saving.
//
// Hours that nothing touches are frozen: kept as the very bytes that are saved, some ten times smaller than their
// slots.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/aqi.h"
#include "core/condition.h"
#include "core/history.h"
#include "core/hour.h"
#include "core/rules.h"

namespace qc::core {

inline constexpr std::uint8_t kStateVersion = 1;
// 2: with periods, and conditions of every window; 3: with the hours that made episodes of single readings, and until
// when corrections reached behind the horizon. 1 and 2 are read, too.
inline constexpr std::uint8_t kSiteVersion = 3;
// Ended episodes over single readings that one site keeps, in case their hours are invalidated; of more the oldest go.
inline constexpr std::size_t kReadingEpisodesMax = 64;
inline constexpr std::uint8_t kHourVersion = 2;  // 2: with marks; 1 is read, too
inline constexpr std::uint8_t kNoColumn = 0xff;

struct Series {
  Factor factor = Factor::None;
  int step_s = 60;        // the grid it last came on
  EventTime last_hour{};  // the hour of its latest reading (or of its becoming known): silence counts from it
  // The least value at which a reading_over_limit rule begins, for instants in the site's [on_from, on_until). Not
  // saved.
  std::int64_t on = 0;
};

// What was last published of one series' hour.
struct SeriesResult {
  HourValue value;
  std::int32_t revision = 0;  // 0: nothing published
};

struct IndexOutcome {
  int value = -1;  // -1: no index (NA)
  std::vector<Factor> primary;
  std::vector<SubIndex> sub_indices;
  bool operator==(const IndexOutcome& o) const {
    return value == o.value && primary == o.primary && sub_indices.size() == o.sub_indices.size() &&
           std::equal(sub_indices.begin(), sub_indices.end(), o.sub_indices.begin(),
                      [](const SubIndex& a, const SubIndex& b) { return a.factor == b.factor && a.iaqi == b.iaqi; });
  }
};

// What an hour that a PastAmend brought along is to be, of one column.
struct BroughtValue {
  std::size_t column = 0;
  HourValue value;
};

struct HourData {
  HourSlots slots;
  std::vector<SeriesResult> results;  // by column; may be shorter than the site's series
  IndexOutcome index;
  std::int32_t index_revision = 0;
  std::string reason;  // of the amendment that waits for the next tick
  // Not empty: only this is to change, because the slots are long gone. Never outlives its record, so it is not saved.
  std::vector<BroughtValue> brought;
};

struct HourEntry {
  EventTime start{};
  bool closed = false;   // published as closed
  bool touched = false;  // changed, and behind the frontier: to be published at the next tick
  bool running = false;  // changed, and open: to be published when running_every is crossed
  bool sealed = false;   // its minutes are sums only
  bool dirty = true;     // to be saved
  std::unique_ptr<HourData> data;
  std::string packed;  // where data is null

  HourData& thaw();  // QC_ASSERTs that the bytes are its own
  void freeze();
  void write(std::string& out) const;  // what is saved
  bool read(std::string_view bytes);
  // The published value of one column, without thawing.
  SeriesResult result(std::size_t column) const;
  IndexOutcome index() const;
  Offset first_offset() const;
};

// A calendar period longer than a day: how often it was published. Exists from its first published day until it can no
// longer change.
struct Period {
  Window window = Window::None;  // Month, Quarter, Year
  EventTime start{};
  EventTime end{};
  bool closed = false;
  Offset first_offset = -1;
  std::vector<std::int32_t> revisions;  // by column
};

// What a rule looks at: one factor over one window, once an hour or once a day.
struct Watch {
  SignalKind kind = SignalKind::None;
  Mark check = Mark::None;  // Suspect only
  Factor factor = Factor::None;
  Window window = Window::H1;
  bool operator==(const Watch&) const = default;
  bool daily() const { return window == Window::Day || window == Window::Mda8; }
  Duration step() const { return daily() ? kDay : kHour; }
  // The start of the hour or day that holds `t`.
  EventTime floor(EventTime t) const { return daily() ? day_of(t) : hour_of(t); }
};

// A rule over closed hours or days, for one factor and window. Exists from the first one above its lowest level until
// its last episode and its last step that was not normal have left the horizon.
struct Condition {
  std::string rule;
  Watch watch;
  Track track;  // folded up to `next`
  Track base;   // folded up to `base_time`: where a correction folds again from
  EventTime base_time{};
  EventTime next{};              // the next hour or day to be folded; those between it and now would change nothing
  EventTime last_active{};       // the last step after which it was not normal, or that was corrected
  std::int32_t silent = 0;       // NoData only: hours in a row without a valid mean, before `next`
  std::int32_t base_silent = 0;  // before `base_time`
};

// A rule over single readings.
struct ReadingCondition {
  std::string rule;
  Factor factor = Factor::None;
  Track track;
  EventTime last{};              // readings not newer than this are not judged
  std::vector<EventTime> hours;  // those that hold a reading above the lowest level, as far as they can be corrected
  bool stands = false;           // so does one that no longer can
};

// An ended episode of such a rule, kept as long as all of the hours that made it can be invalidated.
struct ReadingEpisode {
  std::string rule;
  Factor factor = Factor::None;
  Episode episode;
  std::vector<EventTime> hours;
};

// Where the last reading of a site went, because the next one mostly goes beside it: its lane of slots in an open hour.
// Not saved.
struct Cursor {
  EventTime hour = EventTime::max();  // no reading's
  HourEntry* entry = nullptr;
  OpenLane lane;
  int step_s = 0;
  Source source = Source::None;
  bool marked = false;  // the entry is marked as changed already
  bool holds(EventTime at, Source kind, int grid_s) const { return hour == at && source == kind && step_s == grid_s; }
};

// What every packet touches stands first, together: cache misses are what a reading costs.
struct Site {
  SiteInfo info;
  bool registered = false;  // by a record; otherwise by the rules
  bool configured = false;  // by the rules in use. Not saved
  bool dirty = false;       // the header is to be saved
  bool queued = false;      // in the stage's list of sites to be saved
  bool touched = false;
  bool running = false;
  bool alarmed = false;
  std::array<std::uint8_t, kFactors> column{};
  EventTime on_from = EventTime::max();  // Series::on
  EventTime on_until = EventTime::min();
  Cursor cursor;
  std::vector<Series> series;
  std::vector<HourEntry> hours;  // by start; whoever changes it, or seals or freezes one, resets the cursor
  History history;
  std::vector<Period> periods;  // by (start, window)
  std::vector<Condition> conditions;
  std::vector<ReadingCondition> reading_conditions;
  std::vector<ReadingEpisode> reading_episodes;  // in the order in which they ended
  std::int64_t next_episode = 1;
  EventTime judged_from = EventTime::min();  // what was judged before it, by other rules, is final
  // What is published of the past was last changed at or just after it: what was read of it by then is out of date.
  EventTime past_changed = EventTime::min();
  std::vector<EventTime> erased;       // hours dropped since the last save
  std::vector<EventTime> erased_days;  // of the history, likewise
  std::vector<EventTime> erased_months;

  Site() { column.fill(kNoColumn); }
  // The column of a factor, a new one where it is the first of its kind (silence then counts from `hour`).
  std::size_t column_of(Factor f, EventTime hour);
  HourEntry* find(EventTime start);
  HourEntry& entry(EventTime start);  // made where there is none
  std::size_t bytes() const;

  void write(std::string& out) const;  // the header: all but the hours
  bool read(std::string_view bytes);

 private:
  bool read_format_3(ByteReader& in);  // what it added
};

}  // namespace qc::core
