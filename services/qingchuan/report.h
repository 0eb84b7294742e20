// What `qingchuan report` says of one natural day or one calendar month: a row for each site and one for each region
// (county, prefecture), by HJ 663 and HJ 633 as they hold on the period's last instant.
//
// A site's figures are those that the processor published, their latest revisions. A region's are made here from them:
// of each pollutant the mean of its evaluation sites' valid daily values (concentrations first, then the index; never a
// mean of indices), and of a month the mean and percentile of the region's own days. A region holds the sites of all
// regions below it.
//
// Evaluation sites are those that the rules in the log call so and that are in service then. A region that has none of
// them (a log that was fed from files) counts the sites that the rules don't know: `feed` registers those as evaluation
// sites.
//
// Give a ReportBuilder every record of `means`, then take the report. Memory: the sites times the days of the period,
// whatever the log's length. Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/factor.h"
#include "core/rules.h"
#include "core/time.h"
#include "processor/rules_store.h"
#include "qingchuan/v1/output.pb.h"
#include "qingchuan/words.h"
#include "stream/log.h"

namespace qc::commands {

inline constexpr std::size_t kSix = core::kSixPollutants.size();

struct ReportSpec {
  bool month = false;
  core::Interval period{};  // a natural day, or a calendar month
  std::string region;       // it and what is below it; empty: all
};

// "2015-12-08" or "2015-12" as a natural day or a month in Beijing. usage: it is none.
Result<core::Interval> parse_day(std::string_view text);
Result<core::Interval> parse_month(std::string_view text);

// One pollutant of one place. O3: the MDA8.
struct ReportItem {
  bool known = false;  // something was published, or a member has a value
  bool valid = false;
  core::Concentration value;  // where count > 0
  // A site's day: hours (O3: 8 h means); a region's day: its sites; a month: days.
  int count = 0;
  int expected = 0;
  std::optional<core::Concentration> limit;  // of a day; of a month's days at its end
  bool exceeds = false;                      // a day
  int days_over = 0;                         // a month
  int multiple = 0;                          // 超标倍数 in hundredths; of a month the greatest of its days
  int percent = 0;                           // a month: the percentile that is evaluated beside the mean; 0: none
  core::Concentration percentile;
  core::Marks marks;
  int audited = 0;  // of a site: hours that a person has confirmed (审核)
};

struct ReportRow {
  bool is_region = false;
  std::string id;
  std::string name;
  std::string name_en;
  std::string parent;  // a site's region, a region's parent
  bool evaluation = true;
  bool running = false;  // the period is not over for it
  int sites = 1;         // evaluation sites, and those of them with a valid value of anything
  int sites_valid = 1;
  std::array<ReportItem, kSix> items;  // in the order of kSixPollutants
  std::optional<int> aqi;              // a day
  std::vector<core::Factor> primary;   // of the day's AQI; of a month the greatest part of the composite index
  int index_days = 0;                  // a month: days with an AQI
  int good_days = 0;                   // 优良天数: of those at most 100
  std::array<int, 6> levels{};         // days by level
  std::optional<core::Concentration> composite;  // millionths of a point
  int rank = 0;  // by the composite index: a site's among all, a region's among those of one parent; 0: none
  // Of regions of one parent where some are in a group (the plain's): the place among those of the same group, or among
  // those of none. A group has a row of its own and no place.
  std::string group;
  int group_rank = 0;
};

struct Report {
  ReportSpec spec;
  std::string rules_hash;
  std::string edition;    // clause of the AQI's edition
  std::string composite;  // clause of the composite index
  std::vector<ReportRow> regions;
  std::vector<ReportRow> sites;
};

class ReportBuilder {
 public:
  explicit ReportBuilder(ReportSpec spec);

  // Ignores what lies outside the period.
  void add(const ::qingchuan::v1::Mean& mean);
  // The rule set that the latest record in the period names; empty: there was none.
  const std::string& rules_hash() const { return rules_hash_; }
  Report build(const core::RuleSet& rules) const;

  static constexpr std::size_t kDays = 31;
  struct Cell {
    std::int32_t revision = 0;  // 0: nothing published
    bool valid = false;
    bool running = false;
    std::int64_t pg = 0;
    std::int64_t max_pg = 0;
    int count = 0;
    int expected = 0;
    std::optional<std::int64_t> limit_pg;
    bool exceeds = false;
    int multiple = 0;
    int percent = 0;
    std::int64_t percentile_pg = 0;
    core::Marks marks;
    std::vector<core::Factor> primary;  // of an index
  };
  struct DayCells {
    std::array<Cell, kSix> items;  // O3: the MDA8
    Cell o3_hours;                 // O3's day: for its greatest hour
    Cell index;
  };
  struct SiteCells {
    std::string region;
    std::string root;
    std::map<int, DayCells> days;  // by the day's number in the period
    std::array<Cell, kSix> month;
    std::array<std::set<core::EventTime>, kSix> audited;  // hours
  };

 private:
  void take_hour(const ::qingchuan::v1::Mean& mean, std::optional<std::size_t> place);

  ReportSpec spec_;
  std::string rules_hash_;
  std::map<std::string, SiteCells, std::less<>> sites_;
};

// Reads `means` to its present end. usage: the log holds nothing of that period, or there is no such region.
Result<Report> make_report(stream::Log& log, processor::RulesStore& rules, const ReportSpec& spec);

// Values by HJ 663's decimals.
std::string to_text(const Report& report, Language language);
// Exact values; the columns are in docs/output.md.
std::string to_csv(const Report& report);
std::string to_json(const Report& report);

}  // namespace qc::commands
