// The rule set that a stage judges by: limits, AQI editions, signal rules, horizons, regions and sites, all dated. A
// value; built by `wire` from the messages of config.proto, never changed afterwards, shared by pointer among the
// partitions.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/concentration.h"
#include "core/factor.h"
#include "core/time.h"

namespace qc::core {

// Valid for windows whose last instant lies in [from, until).
struct Dated {
  EventTime from = EventTime::min();
  EventTime until = EventTime::max();
  bool holds(EventTime last_instant) const { return from <= last_instant && last_instant < until; }
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
enum class Above : std::uint8_t { None = 0, Cap, NoIndex };

struct AqiItem {
  Factor factor = Factor::None;
  Window window = Window::None;               // the table's column: H1 or H24, H8
  std::vector<Concentration> concentrations;  // rising; at most as many as AqiEdition::iaqi
  Above above = Above::None;
  int decimals = 0;     // of the publishing unit, where the edition rounds its input
  bool hourly = false;  // used by the real-time report for the 1 h mean
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
};

enum class SignalKind : std::uint8_t { None = 0, HourLimit, ReadingOverLimit, AqiLevel };

struct SignalRule {
  std::string id;
  SignalKind kind = SignalKind::None;
  std::string clause;
  std::vector<Concentration> on;  // AqiLevel only; at most 3, rising
  int dead_band_percent = 0;
  Duration hold_on{};
  Duration hold_off{};
  Duration no_data{};
  Duration stale_max{};
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
};

struct SiteInfo {
  std::string id;
  std::string name;
  std::string region;
  std::string root;
  SiteKind kind = SiteKind::None;
  AreaClass area_class = AreaClass::Class2;
  std::vector<Factor> factors;  // what it is known to measure; may be empty for a registered site
  std::vector<Factor> exempt;   // HJ 633-2026 5.3.2
  Dated dated;
};

struct RuleSet {
  std::string hash;  // 16 hex digits
  std::vector<Limit> limits;
  std::vector<AqiEdition> editions;
  std::vector<SignalRule> signals;
  Horizons horizons;
  std::map<std::string, Region, std::less<>> regions;
  std::map<std::string, SiteInfo, std::less<>> sites;

  // The limit for a window with that last instant; nullptr where the standard sets none.
  const Limit* limit(Factor factor, Window window, EventTime last_instant) const;
  const AqiEdition* edition(EventTime last_instant) const;
};

}  // namespace qc::core
