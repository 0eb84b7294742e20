// What one site's longer windows are made of: the valid hour means of its last days, and the valid daily values of its
// months (GB 3095 3.8 - 3.13: longer means are means of hour means, or of daily means; never of readings).
//
// Days hold every hour that a correction can still reach, and the day before it, so that any trailing window that may
// change can be computed again. Months hold packed daily values until their year can no longer change.
//
// Values; pure arithmetic on integers; threads: none of its business.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/bytes.h"
#include "core/concentration.h"
#include "core/reading.h"
#include "core/time.h"

namespace qc::core {

inline constexpr Duration kDay = std::chrono::hours(24);
inline constexpr int kDayHours = 24;
inline constexpr int k8hWindowsOfDay = 17;  // those that end 08:00 .. 24:00 (HJ 663)

// The midnight in Beijing at or before `t`.
constexpr EventTime day_of(EventTime t) {
  return floor_to(t + kBeijing, kDay) - kBeijing;
}

// An exact sum of means. Its own mean is rounded half to even to a picogram.
struct Total {
  std::int64_t sum_pg = 0;
  std::int32_t count = 0;
  std::int64_t min_pg = 0;
  std::int64_t max_pg = 0;
  void add(std::int64_t pg) {
    min_pg = count == 0 ? pg : std::min(min_pg, pg);
    max_pg = count == 0 ? pg : std::max(max_pg, pg);
    sum_pg += pg;
    ++count;
  }
  Concentration mean() const { return {count == 0 ? 0 : divide_half_even(sum_pg, count)}; }
  bool operator==(const Total&) const = default;
};

// The greatest of several 8 h means.
struct Greatest8h {
  std::int32_t valid = 0;  // how many 8 h means had data enough
  Total best;              // of those; count 0 where there is none
  bool operator==(const Greatest8h&) const = default;
};

// What is published with an hour, beside its mean.
enum TrailingKind : std::uint8_t { k24hKind, k8hKind, kPm24Kind, kRollingKind };
// How often a window was published, beyond the first time: most are published once.
struct Republished {
  std::uint8_t kind = 0;  // TrailingKind
  std::uint8_t column = 0;
  std::uint8_t hour = 0;
  std::int32_t revision = 0;
  auto place() const { return std::tuple(kind, column, hour); }
};

// One natural day of one site, by its columns.
struct Day {
  static constexpr std::int64_t kNone = -1;
  struct Column {
    std::array<std::int64_t, kDayHours> mean;  // of valid, closed hours; kNone elsewhere
    std::uint32_t published = 0;               // bit h: that hour of the series was published as closed
    std::uint32_t flat = 0;                    // bit h: valid, and all its readings were the same
    std::int32_t revision = 0;                 // of the series' `day`
    std::int32_t mda8_revision = 0;
    Column() { mean.fill(kNone); }
  };
  EventTime start{};
  bool closed = false;  // published as closed
  bool dirty = true;    // to be saved
  Offset first_offset = -1;
  std::int32_t index_revision = 0;  // of `AQI` `day`
  std::vector<Column> columns;
  std::vector<Republished> republished;  // by place()

  EventTime end() const { return start + kDay; }
  Column& column(std::size_t c);
  bool published(std::size_t c, int hour) const {
    return c < columns.size() && (columns[c].published >> hour & 1U) != 0;
  }
  bool any_published(int hour) const;
  // The next revision of a trailing window that ends with that hour; of an index the column is 0.
  std::int32_t next_revision(TrailingKind kind, std::size_t column, int hour, bool first);
  // What it was published as already, where that is more than once.
  void note_revision(TrailingKind kind, std::size_t column, int hour, std::int32_t revision);

  void write(std::string& out) const;
  bool read(std::string_view bytes);
};

// The daily values of one month, packed: of O3 the MDA8s, of the others the day's means. Opened to be read or changed.
struct MonthValues {
  struct Column {
    std::array<std::int64_t, 31> value;  // of valid days; Day::kNone elsewhere
    std::uint32_t published = 0;         // bit d: that day of the series was published as closed
    Column() { value.fill(Day::kNone); }
  };
  std::vector<Column> columns;
};

struct Month {
  EventTime start{};
  bool dirty = true;
  std::string packed;

  MonthValues open() const;  // QC_ASSERTs that the bytes are its own
  void close(const MonthValues& values);
  void write(std::string& out) const;
  bool read(std::string_view bytes);
};

class History {
 public:
  std::vector<Day> days;      // by start
  std::vector<Month> months;  // by start

  const Day* find_day(EventTime day) const;
  Day* find_day(EventTime day);
  Day& make_day(EventTime day);
  const Month* find_month(EventTime month) const;
  Month& make_month(EventTime month);

  // The valid mean of a closed hour.
  std::optional<std::int64_t> mean(std::size_t column, EventTime hour) const;
  bool published(std::size_t column, EventTime hour) const;
  // The mean of a closed hour all of whose readings were the same.
  std::optional<std::int64_t> flat_mean(std::size_t column, EventTime hour) const;
  // The `hours` before `end`.
  Total trailing(std::size_t column, EventTime end, int hours) const;
  Total day(std::size_t column, EventTime day) const { return trailing(column, day + kDay, kDayHours); }
  // Of the 8 h means that end in [first_end, last_end], each with at least `hours_at_least` valid hours.
  Greatest8h greatest_8h(std::size_t column, EventTime first_end, EventTime last_end, int hours_at_least) const;
  Greatest8h mda8(std::size_t column, EventTime day, int hours_at_least) const {
    return greatest_8h(column, day + std::chrono::hours(8), day + kDay, hours_at_least);
  }
  std::size_t bytes() const;
};

// The calendar month, quarter or year in Beijing that holds `t`.
Interval month_of(EventTime t);
Interval quarter_of(EventTime t);
Interval year_of(EventTime t);

// sorted ascending; k = 1 + (n - 1) p, linear between its neighbours, rounded half to even to a picogram (HJ 663 annex
// A). `values` is sorted in place. REQUIRES: not empty, 0 < percent < 100.
Concentration percentile(std::vector<std::int64_t>& values, int percent);

}  // namespace qc::core
