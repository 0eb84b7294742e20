// Two small complete rule sets for unit tests of any room. test_rules(): both AQI editions, the 1 h limits of GB
// 3095-2012 and -2026, three signal rules, the prefecture P with its county C and three stations. It has hours alone.
// test_rules_with_windows(): the same with every longer window, all limits, quality checks and a signal rule of every
// kind. Numbers of the standards as in config/standards, which core may not read. For tests only.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "core/rules.h"

namespace qc::core {

namespace fixture {  // not `testing`: that would hide GoogleTest's from tests in qc::core

inline std::vector<Concentration> all_ug(std::initializer_list<std::int64_t> whole) {
  std::vector<Concentration> out;
  for (const std::int64_t n : whole) out.push_back(ug(n));
  return out;
}
inline std::vector<Concentration> all_mg(std::initializer_list<std::int64_t> whole) {
  std::vector<Concentration> out;
  for (const std::int64_t n : whole) out.push_back(mg(n));
  return out;
}

// The two editions differ in the PM nodes at IAQI 100 and in what holds above the short tables.
inline AqiEdition edition(bool is_2026) {
  AqiEdition e;
  e.clause = is_2026 ? "HJ 633-2026 table 3" : "HJ 633-2012 table 1";
  e.iaqi = {0, 50, 100, 150, 200, 300, 400, 500};
  e.round_input = is_2026;
  e.minimum = is_2026 ? 1 : 0;
  e.incomplete_only_above_100 = is_2026;
  const EventTime change = beijing_midnight(2026, 3, 1);
  (is_2026 ? e.dated.from : e.dated.until) = change;
  const Above shorter = is_2026 ? Above::Cap : Above::NoIndex;
  const auto add = [&](Factor f, Window w, bool hourly, Above above, std::vector<Concentration> table) {
    e.items.push_back({f, w, std::move(table), above, Window::None, f == Factor::CO ? 1 : 0, hourly});
  };
  add(Factor::PM25, Window::H24, true, Above::Cap, all_ug({0, 35, is_2026 ? 60 : 75, 115, 150, 250, 350, 500}));
  add(Factor::PM10, Window::H24, true, Above::Cap, all_ug({0, 50, is_2026 ? 120 : 150, 250, 350, 420, 500, 600}));
  add(Factor::SO2, Window::H1, true, shorter, all_ug({0, 150, 500, 650, 800}));
  add(Factor::SO2, Window::H24, false, Above::Cap, all_ug({0, 50, 150, 475, 800, 1600, 2100, 2620}));
  add(Factor::NO2, Window::H1, true, Above::Cap, all_ug({0, 100, 200, 700, 1200, 2340, 3090, 3840}));
  add(Factor::NO2, Window::H24, false, Above::Cap, all_ug({0, 40, 80, 180, 280, 565, 750, 940}));
  add(Factor::CO, Window::H1, true, Above::Cap, all_mg({0, 5, 10, 35, 60, 90, 120, 150}));
  add(Factor::CO, Window::H24, false, Above::Cap, all_mg({0, 2, 4, 14, 24, 36, 48, 60}));
  add(Factor::O3, Window::H1, true, Above::Cap, all_ug({0, 160, 200, 300, 400, 800, 1000, 1200}));
  add(Factor::O3, Window::H8, false, shorter, all_ug({0, 100, 160, 215, 265, 800}));
  return e;
}

inline void add_hour_limits(RuleSet& rules) {
  const Dated before{EventTime::min(), beijing_midnight(2026, 3, 1)};
  const Dated transition{beijing_midnight(2026, 3, 1), beijing_midnight(2031, 1, 1)};
  const Dated final_limits{beijing_midnight(2031, 1, 1), EventTime::max()};
  for (const auto& [dated, clause, so2_class_2] :
       {std::tuple{before, "GB 3095-2012 table 1", 500}, std::tuple{transition, "GB 3095-2026 table 1", 500},
        std::tuple{final_limits, "GB 3095-2026 table 1", 150}}) {
    rules.limits.push_back({dated, Factor::SO2, Window::H1, ug(150), ug(so2_class_2), clause});
    rules.limits.push_back({dated, Factor::NO2, Window::H1, ug(200), ug(200), clause});
    rules.limits.push_back({dated, Factor::CO, Window::H1, mg(10), mg(10), clause});
    rules.limits.push_back({dated, Factor::O3, Window::H1, ug(160), ug(200), clause});
  }
}

// Of the day, its greatest 8 h mean and the year, of the six pollutants.
inline void add_longer_limits(RuleSet& rules) {
  struct Row {
    Factor factor;
    Window window;
    std::array<std::int64_t, 3> class_1;  // ug/m3: 2012, transition, final
    std::array<std::int64_t, 3> class_2;
  };
  const std::array<Row, 10> rows = {{
      {Factor::SO2, Window::Year, {20, 20, 20}, {60, 60, 20}},
      {Factor::SO2, Window::Day, {50, 50, 50}, {150, 150, 50}},
      {Factor::NO2, Window::Year, {40, 40, 30}, {40, 40, 30}},
      {Factor::NO2, Window::Day, {80, 80, 50}, {80, 80, 50}},
      {Factor::CO, Window::Day, {4000, 4000, 4000}, {4000, 4000, 4000}},
      {Factor::O3, Window::Mda8, {100, 100, 100}, {160, 160, 160}},
      {Factor::PM10, Window::Year, {40, 40, 20}, {70, 60, 50}},
      {Factor::PM10, Window::Day, {50, 50, 50}, {150, 120, 100}},
      {Factor::PM25, Window::Year, {15, 15, 10}, {35, 30, 25}},
      {Factor::PM25, Window::Day, {35, 35, 25}, {75, 60, 50}},
  }};
  const EventTime change = beijing_midnight(2026, 3, 1);
  const EventTime last_change = beijing_midnight(2031, 1, 1);
  const std::array<Dated, 3> dated = {
      {{EventTime::min(), change}, {change, last_change}, {last_change, EventTime::max()}}};
  for (std::size_t i = 0; i < dated.size(); ++i) {
    const char* clause = i == 0 ? "GB 3095-2012 table 1" : "GB 3095-2026 table 1";
    for (const Row& row : rows) {
      rules.limits.push_back({dated[i], row.factor, row.window, ug(row.class_1[i]), ug(row.class_2[i]), clause});
    }
  }
}

inline void add_validities(RuleSet& rules) {
  const std::vector<Factor> all(kSixPollutants.begin(), kSixPollutants.end());
  const std::vector<Factor> by_day = {Factor::PM25, Factor::PM10, Factor::SO2, Factor::NO2, Factor::CO};
  const auto add = [&](Window w, std::vector<Factor> factors, int at_least, int month, int february, bool over) {
    rules.validities.push_back({{}, std::move(factors), w, at_least, month, february, over, "GB 3095-2026 table 4"});
  };
  add(Window::H8, {Factor::O3}, 6, 0, 0, false);
  add(Window::H24, by_day, 20, 0, 0, false);
  add(Window::Day, all, 20, 0, 0, false);  // O3: for the greatest 1 h mean of the day's index
  add(Window::Mda8, {Factor::O3}, 14, 0, 0, true);
  add(Window::Month, all, 27, 0, 25, false);
  add(Window::Quarter, all, 0, 27, 25, false);
  add(Window::Year, all, 324, 27, 25, false);
}

inline void add_evaluation(RuleSet& rules) {
  for (const auto& [factor, percent] :
       {std::pair{Factor::SO2, 98}, std::pair{Factor::NO2, 98}, std::pair{Factor::PM10, 95},
        std::pair{Factor::PM25, 95}, std::pair{Factor::CO, 95}, std::pair{Factor::O3, 90}}) {
    rules.percentiles.push_back({{}, factor, percent});
  }
  const EventTime change = beijing_midnight(2026, 3, 1);
  for (const bool is_2026 : {false, true}) {
    Composite c;
    (is_2026 ? c.dated.from : c.dated.until) = change;
    c.clause = is_2026 ? "composite 2026" : "composite 2013";
    c.items = {{Factor::SO2, false, ug(60), 1},
               {Factor::NO2, false, ug(40), 1},
               {Factor::PM10, false, ug(is_2026 ? 60 : 70), 1},
               {Factor::PM25, false, ug(is_2026 ? 30 : 35), 1},
               {Factor::CO, true, mg(4), 1},
               {Factor::O3, true, ug(160), 1}};
    rules.composites.push_back(std::move(c));
  }
}

inline void add_checks(RuleSet& rules) {
  const auto add = [&](Factor factor, Concentration high, Concentration clip, int stuck_hours, Concentration rise) {
    rules.checks.push_back({factor, ug(1), high, clip, stuck_hours, rise});
  };
  add(Factor::PM25, ug(1500), ug(999), 6, ug(75));
  add(Factor::PM10, ug(3000), ug(999), 6, ug(150));
  add(Factor::SO2, ug(2000), ug(1430), 6, ug(150));
  add(Factor::NO2, ug(1000), ug(940), 6, ug(100));
  add(Factor::CO, mg(50), mg(10), 6, mg(5));
  add(Factor::O3, ug(800), ug(1070), 6, ug(100));
  // Three stations without a place: each has two neighbours.
  rules.neighbourhood.least = 2;
}

inline std::vector<Concentration> levels(std::initializer_list<std::int64_t> whole) {
  return all_ug(whole);  // millionths of points, hours, percent or readings
}

inline void add_signals_of_windows(RuleSet& rules) {
  const auto add = [&](const char* id, SignalKind kind, std::vector<Concentration> on, Mark check, Duration no_data,
                       Duration stale_max) {
    SignalRule rule{.id = id, .kind = kind, .clause = "", .on = std::move(on), .check = check};
    rule.no_data = no_data;
    rule.stale_max = stale_max;
    rules.signals.push_back(std::move(rule));
  };
  using std::chrono::hours;
  add("day_limit", SignalKind::DayLimit, {}, Mark::None, hours(48), hours(96));
  add("rolling_24h_over_limit", SignalKind::RollingOverLimit, {}, Mark::None, hours(3), hours(24));
  add("no_data", SignalKind::NoData, levels({1, 5, 23}), Mark::None, hours(3), hours(24));
  add("suspect_range", SignalKind::Suspect, levels({0}), Mark::Range, hours(3), hours(24));
  add("suspect_clipped", SignalKind::Suspect, levels({0}), Mark::Clipped, hours(3), hours(24));
  add("suspect_stuck", SignalKind::Suspect, levels({0, 6}), Mark::Stuck, hours(3), hours(24));
  add("suspect_inverted", SignalKind::Suspect, levels({10}), Mark::Inverted, hours(3), hours(24));
  add("hour_high", SignalKind::HourHigh, levels({200, 300}), Mark::None, hours(3), hours(24));
  add("spike", SignalKind::Spike, levels({300}), Mark::None, hours(3), hours(24));
}

}  // namespace fixture

// Regions P (root) and C; class 2 evaluation stations S1, S2, S3 in C; every call gives a new one with the same
// content.
inline std::shared_ptr<const RuleSet> test_rules() {
  auto rules = std::make_shared<RuleSet>();
  rules->hash = "00000000000000a1";
  fixture::add_hour_limits(*rules);
  rules->editions = {fixture::edition(false), fixture::edition(true)};

  SignalRule hour{.id = "hour_limit", .kind = SignalKind::HourLimit, .clause = "GB 3095", .on = {}};
  hour.no_data = std::chrono::hours(3);
  hour.stale_max = std::chrono::hours(24);
  SignalRule reading{.id = "reading_over_limit", .kind = SignalKind::ReadingOverLimit, .clause = "", .on = {}};
  reading.dead_band_percent = 10;
  reading.hold_off = std::chrono::minutes(10);
  reading.no_data = std::chrono::minutes(30);
  reading.stale_max = std::chrono::hours(6);
  SignalRule level{
      .id = "aqi_level", .kind = SignalKind::AqiLevel, .clause = "HJ 633", .on = fixture::all_ug({150, 200, 300})};
  level.no_data = std::chrono::hours(3);
  level.stale_max = std::chrono::hours(24);
  rules->signals = {hour, reading, level};

  rules->regions["P"] = {.id = "P", .name = "地区", .name_en = "Prefecture", .parent = ""};
  rules->regions["C"] = {.id = "C", .name = "县", .name_en = "County", .parent = "P"};
  for (const char* id : {"S1", "S2", "S3"}) {
    SiteInfo site;
    site.id = id;
    site.name = id;
    site.region = "C";
    site.root = "P";
    site.kind = SiteKind::Evaluation;
    site.area_class = AreaClass::Class2;
    site.factors.assign(kSixPollutants.begin(), kSixPollutants.end());
    rules->sites[id] = site;
  }
  rules->prepare();
  return rules;
}

// All of test_rules() and every longer window of every pollutant; in the edition of 2012, what is above a short table
// is judged by the other window, and the day has the greatest 1 h ozone.
inline std::shared_ptr<const RuleSet> test_rules_with_windows() {
  auto rules = std::make_shared<RuleSet>(*test_rules());
  rules->hash = "00000000000000a4";
  AqiEdition& edition = rules->editions.front();
  edition.day_o3_1h = true;
  for (AqiItem& item : edition.items) {
    if (item.above != Above::NoIndex) continue;
    item.above = Above::OtherWindow;
    item.instead = item.factor == Factor::O3 ? Window::H1 : Window::H24;
  }
  fixture::add_longer_limits(*rules);
  fixture::add_validities(*rules);
  fixture::add_evaluation(*rules);
  fixture::add_checks(*rules);
  fixture::add_signals_of_windows(*rules);
  rules->prepare();
  return rules;
}

}  // namespace qc::core
