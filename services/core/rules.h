// The rule set that a stage judges by: limits, AQI editions, signal rules, horizons, regions and sites, all dated; and
// the emergency-cut list. A value; built by `wire` from the messages of config.proto, never changed afterwards, shared
// by pointer among the partitions.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/alert_rules.h"
#include "core/concentration.h"
#include "core/emergency.h"
#include "core/factor.h"
#include "core/outline.h"
#include "core/time.h"

namespace qc::core {

// Valid for windows whose last instant lies in [from, until).
struct Dated {
  EventTime from = EventTime::min();
  EventTime until = EventTime::max();
  bool holds(EventTime last_instant) const { return from <= last_instant && last_instant < until; }
  bool operator==(const Dated&) const = default;
};

// The last instant of [start, end): what decides which edition applies. At millisecond grain, end - 1 ms.
constexpr EventTime last_instant(Interval i) {
  return i.end - Duration(1);
}

struct Limit {
  Dated dated;
  Factor factor = Factor::None;
  Window window = Window::None;
  Concentration class_1;
  Concentration class_2;
  std::string clause;  // "GB 3095-2012 table 1"
  Concentration for_class(AreaClass c) const { return c == AreaClass::Class1 ? class_1 : class_2; }
};

// What an item contributes above its last break point.
enum class Above : std::uint8_t { None = 0, Cap, NoIndex, OtherWindow };

struct AqiItem {
  Factor factor = Factor::None;
  Window window = Window::None;               // the table's column: H1 or H24, H8
  std::vector<Concentration> concentrations;  // rising; at most as many as AqiEdition::iaqi
  Above above = Above::None;
  Window instead = Window::None;  // OtherWindow: the item of the same factor that speaks then
  int decimals = 0;               // of the publishing unit, where the edition rounds its input
  bool hourly = false;            // used by the real-time report for the 1 h mean
};

// One edition of HJ 633.
struct AqiEdition {
  Dated dated;
  std::string clause;
  std::vector<int> iaqi;
  std::vector<AqiItem> items;
  bool round_input = false;
  int minimum = 0;
  bool incomplete_only_above_100 = false;
  bool day_o3_1h = false;  // the daily report has the day's greatest 1 h ozone as an item of its own
};

// The numbers are those of config.proto.
enum class SignalKind : std::uint8_t {
  None = 0,
  HourLimit,         // legal: a closed hour over the 1 h limit
  ReadingOverLimit,  // early: one reading over the 1 h limit
  AqiLevel,          // AQI 1h over the levels
  DayLimit,          // legal: a closed day, or its MDA8, over the day's limit
  RollingOverLimit,  // early: the trailing 24 h mean over the day's limit, the trailing 8 h mean over the MDA8's
  NoData,            // hours without a valid mean
  Suspect,           // a quality check marks the hour
  HourHigh,          // 小时高值: an hour far above its neighbours' (region stage)
  Spike,             // the same, and back again at once: rather the instrument (region stage)
};

struct SignalRule {
  std::string id;
  SignalKind kind = SignalKind::None;
  std::string clause;
  // At most 3, rising. AqiLevel: index points; NoData: hours, the first level below 48 (quality.h); Suspect: see
  // `check`; HourHigh, Spike: percent of the neighbours' median. Millionths of those.
  std::vector<Concentration> on;
  // Suspect only. Range, Clipped: marked readings of the hour (0: any); Stuck: hours more than `stuck_hours`; Inverted:
  // PM2.5 - PM10 in pg/m3.
  Mark check = Mark::None;
  int dead_band_percent = 0;
  Duration hold_on{};
  Duration hold_off{};
  Duration no_data{};
  Duration stale_max{};
};

// Which values are plausible, for one factor.
struct QualityCheck {
  Factor factor = Factor::None;
  Concentration low;                          // below it: Mark::Range
  Concentration high{kConcentrationMax};      // above it: Mark::Range
  Concentration clip{kConcentrationMax + 1};  // at or above it: Mark::Clipped, the end of the instruments' range
  int stuck_hours = 0;                        // so many equal hours in a row: Mark::Stuck; 0: not checked
  // HourHigh, Spike: less than this above the neighbours is no difference.
  Concentration rise{kConcentrationMax};
};

// Who is compared with whom.
struct Neighbourhood {
  int radius_m = 0;  // sites with a position: those within it, the nearest first; others: the same region
  int least = 3;     // with fewer valid neighbours nothing is judged
  int most = 12;
};

// How much data a window must hold (GB 3095 table 4, HJ 663). A window longer than an hour that has none is not
// computed: which windows there are is configuration.
struct Validity {
  Dated dated;
  std::vector<Factor> factors;
  Window window = Window::None;  // H8, H24, Day, Mda8, Month, Quarter, Year
  int at_least = 0;              // hours; of Mda8: 8 h means; of Month, Quarter, Year: daily values
  int month_at_least = 0;        // Quarter, Year: daily values in each month
  int february_at_least = 0;     // Month, Quarter, Year
  bool or_over_limit = false;    // Mda8: with fewer, valid all the same where it is above the limit (HJ 663 6.1.2)
  std::string clause;
};

// Which percentile of a period's daily values is evaluated (HJ 663 table 1).
struct Percentile {
  Dated dated;
  Factor factor = Factor::None;
  int percent = 0;
};

// The composite index (空气质量综合指数): sum of weight * C / S, C the period's mean or its evaluated percentile.
struct CompositeItem {
  Factor factor = Factor::None;
  bool percentile = false;
  Concentration standard;  // S
  int weight = 1;
};
struct Composite {
  Dated dated;
  std::string clause;
  std::vector<CompositeItem> items;
  int divisor = 1;
};

// ---- heavy-pollution warnings (warning.h); the messages of the same names in config.proto say what each field means

inline constexpr int kWarningLevels = 3;          // yellow, orange, red: 1, 2, 3
inline constexpr int kWarningHoursMax = 240;      // the longest condition, lift and silence
inline constexpr std::size_t kWarningAnyMax = 4;  // alternatives of a level, and conditions of an alternative

enum class Lasting : std::uint8_t { None = 0, Blocks, EveryHour };
enum class Downgrade : std::uint8_t { None = 0, OwnLevel, BelowYellow };

struct WarningCondition {
  int index = 0;                                             // AQI
  bool reaches = false;                                      // at least `index`; otherwise over it
  int hours = 24;                                            // a multiple of 24
  int least() const { return reaches ? index : index + 1; }  // an index is a whole number
  bool operator==(const WarningCondition&) const = default;
};
using WarningAlternative = std::vector<WarningCondition>;  // all of them

struct WarningCriteria {
  std::string id;
  Dated dated;
  std::string clause;
  std::array<std::vector<WarningAlternative>, kWarningLevels> levels;  // any of each
  Lasting lasting = Lasting::Blocks;
  int lift_hours = 36;
  Downgrade downgrade = Downgrade::OwnLevel;
  bool without_ozone = false;
  bool without_dust = false;
  int stale_hours = 96;
  bool operator==(const WarningCriteria&) const = default;

  // An hour whose index is less than this is below the criterion of that level (1..3): none of its alternatives could
  // hold there with all of its conditions.
  int bar(int level) const;
  // An hour of dust, or of ozone alone, that these leave out. One whose index is below all levels is below whatever it
  // is made of.
  bool leave_out(int index, bool ozone, bool dust) const {
    return ((ozone && without_ozone) || (dust && without_dust)) && index >= bar(1);
  }
};

struct Horizons {
  Duration close_after = std::chrono::minutes(10);
  Duration slots_kept = std::chrono::hours(6);
  Duration hours_kept = std::chrono::hours(96);
  Duration running_every = std::chrono::minutes(5);
  Duration ahead_max = std::chrono::minutes(5);
  int valid_minutes = 45;
  int site_hours_max = 1024;
};

struct Region {
  std::string id;
  std::string name;
  std::string name_en;
  std::string parent;  // empty: a root
  // A group: the stations of these regions, wherever they stand in the tree. Empty: its own and those of all below it.
  std::vector<std::string> members{};
  // Its concentration is the mean of the concentrations of its members (without `members`: of the regions right below
  // it), each counting once; otherwise of its stations.
  bool mean_of_members = false;
  int valid_percent = 0;  // how many of the stations (members) must have a valid hour; of none it never has one
  int joint_members = 0;  // k: warned together when k of its parts are, or its own air is; 0: not warned together
  Ring polygon = {};      // empty: that of the regions below it
};

// By how much a region must cut its emissions at a level.
struct EmergencyDuty {
  Dated dated;
  EmergencyLevel level = EmergencyLevel::None;
  Shares at_least{};  // of the region's inventory
  std::string clause;
  Confidence confidence = Confidence::None;
};

struct SiteInfo {
  std::string id;
  std::string name;
  std::string name_en;  // empty: it has none
  std::string region;
  std::string root;
  SiteKind kind = SiteKind::None;
  AreaClass area_class = AreaClass::Class2;
  std::vector<std::pair<Dated, AreaClass>> classes;  // where it changed: wins over area_class
  // The place, in millionths of a degree; both 0: not known.
  std::int32_t lon_e6 = 0;
  std::int32_t lat_e6 = 0;
  std::vector<Factor> factors;  // what it is known to measure; may be empty for a registered site
  std::vector<Factor> exempt;   // HJ 633-2026 5.3.2
  Dated dated;
  AreaClass class_at(EventTime instant) const {
    for (const auto& [when, which] : classes) {
      if (when.holds(instant)) return which;
    }
    return area_class;
  }
};

struct RuleSet {
  std::string hash;  // 16 hex digits
  std::vector<Limit> limits;
  std::vector<AqiEdition> editions;
  std::vector<SignalRule> signals;
  Horizons horizons;
  std::vector<Validity> validities;
  std::vector<Percentile> percentiles;
  std::vector<Composite> composites;
  std::vector<QualityCheck> checks;
  Neighbourhood neighbourhood;
  std::vector<WarningCriteria> warnings;
  std::map<std::string, Region, std::less<>> regions;
  std::map<std::string, SiteInfo, std::less<>> sites;
  std::map<std::string, std::string, std::less<>> aliases;  // other names of sites in files: their ids
  EmergencyList emergency;
  std::vector<EmergencyDuty> emergency_duties;
  AlertRules alerts;

  // Sorts the limits and validities for finding; whoever built or changed the rule set calls it, once.
  void prepare();

  // The limit for a window with that last instant; nullptr where the standard sets none.
  const Limit* limit(Factor factor, Window window, EventTime last_instant) const;
  const AqiEdition* edition(EventTime last_instant) const;
  // nullptr: that window is not computed for that factor.
  const Validity* validity(Factor factor, Window window, EventTime last_instant) const;
  int percentile(Factor factor, EventTime last_instant) const;  // 0: none
  const Composite* composite(EventTime last_instant) const;
  const QualityCheck* check(Factor factor) const;
  // What a region consists of: its members in their order, or without them, by id, the regions right below it that are
  // no groups.
  std::vector<const Region*> parts(const Region& region) const;
  const EmergencyDuty* emergency_duty(EmergencyLevel level, EventTime instant) const;
  const WarningCriteria* warning(EventTime last_instant) const;

 private:
  std::array<std::vector<std::uint16_t>, kFactors * kWindows> limits_of_;
  std::array<std::vector<std::uint16_t>, kFactors * kWindows> validities_of_;
  std::array<std::int16_t, kFactors> check_of_{};
};

}  // namespace qc::core
