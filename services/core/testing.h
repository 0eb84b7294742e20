// A small complete rule set for unit tests of any room: both AQI editions, the 1 h limits of GB 3095-2012 and -2026,
// three signal rules, the prefecture P with its county C and three stations. Numbers as in config/standards, which core
// may not read. For tests only.
#pragma once

#include <initializer_list>
#include <memory>

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

}  // namespace qc::core
