// The naive batch computation of every window longer than an hour, and of the indices made of them, for the property
// tests. It goes by the hour means of reading_stage_oracle.h and by which of them were published; calendars, sums,
// percentiles and indices are its own, written apart from what it checks. For tests only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/reading_stage_oracle.h"

namespace qc::core::fixture {

// Whose, what, over which window, until when: unique among all that is published.
using WindowKey = std::tuple<std::string, Factor, Window, EventTime>;

struct NaiveWindow {
  EventTime start{};
  bool valid = false;
  std::int64_t value = 0;
  std::int64_t sum = 0;  // not of Mda8: which of two equal windows it was is nobody's business
  int count = 0;
  int expected = 0;
  std::int64_t min = 0;  // not of Mda8
  std::int64_t max = 0;
  std::optional<std::int64_t> limit;
  bool exceeds = false;
  int multiple = 0;
  int percentile = 0;
  std::int64_t percentile_value = 0;
  NaiveIndex index;  // of AQI and AQI_PM24, which have none of the above but `start`, `valid` and `value`
};

// A civil date in Beijing.
struct NaiveDate {
  int year = 0;
  int month = 0;  // 1 .. 12
  int day = 0;    // 1 .. 31
};
NaiveDate date_of(EventTime t);

class WindowsOracle {
 public:
  // `published`: the hours, by their start, that stand as closed or amended.
  WindowsOracle(const Oracle& oracle, const std::set<Oracle::Key>& published);

  // What must have been published of the windows that are over, and nothing else may have been.
  const std::map<WindowKey, NaiveWindow>& over() const { return over_; }
  // What may stand as running: days and longer, which end later.
  const std::set<WindowKey>& open() const { return open_; }

 private:
  // Hours and days are numbered: hours from the epoch, days so that day d holds the hours from 24 d - 8 on.
  struct Series {
    std::map<std::int64_t, std::int64_t> mean;  // of the valid hours
    std::set<std::int64_t> published;
    std::map<std::int64_t, std::int64_t> daily;  // of the valid days
    std::set<std::int64_t> days;                 // those of which an hour was published
    std::optional<std::int64_t> at(std::int64_t hour) const;
  };
  struct Greatest {
    int valid = 0;
    std::int64_t value = 0;
  };
  using Site = std::map<Factor, Series>;

  static NaiveWindow mean_of(const std::vector<std::int64_t>& values);
  static NaiveWindow hours_of(const Series& series, std::int64_t from, std::int64_t until);
  Greatest greatest_8h(const Series& series, std::int64_t first_end, std::int64_t last_end) const;
  static std::optional<std::int64_t> greatest_1h(const Series& series, std::int64_t from, std::int64_t until);
  const AqiEdition& edition(std::int64_t end) const;
  const Validity* validity(Factor factor, Window window, std::int64_t end) const;

  void add(const std::string& site, Factor factor, Window window, std::int64_t start, std::int64_t end, NaiveWindow w);
  void add_index(const std::string& site, Factor factor, Window window, std::int64_t start, std::int64_t end,
                 NaiveIndex index);
  void trailing(const std::string& site, Factor factor, const Series& series);
  void days(const std::string& site, Factor factor, Series& series);
  void periods(const std::string& site, Factor factor, const Series& series);
  void period(const std::string& site, Factor factor, const Series& series, Window window, std::int64_t first,
              std::int64_t last);
  void indices(const std::string& site, const Site& all);
  std::optional<std::int64_t> valid_trailing(const Site& all, Factor factor, std::int64_t end) const;
  void indices_of_hour(const std::string& site, const Site& all, std::int64_t hour);
  void index_of_day(const std::string& site, const Site& all, std::int64_t day);

  const Oracle& oracle_;
  const RuleSet& rules_;
  std::int64_t frontier_;  // the first hour that is not over
  std::map<WindowKey, NaiveWindow> over_;
  std::set<WindowKey> open_;
};

// Sets limit, exceeds and multiple of a concentration's window of any length.
void judge_naively(const Oracle& oracle, const std::string& site, Factor factor, Window window, EventTime end,
                   NaiveWindow& w);

}  // namespace qc::core::fixture
