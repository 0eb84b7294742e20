// The parts of a rule set that came with the windows longer than an hour: what is built, and what is refused.
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "qingchuan/v1/config.pb.h"
#include "wire/rules.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

constexpr std::int64_t kChange = 1'772'294'400'000;  // 2026-03-01 in Beijing

v1::RuleSet rules() {
  v1::RuleSet r;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    standards { id: "A" source: "read" confidence: PRIMARY }
    validities { standard: "A" clause: "t4" window: H8 factors: O3 at_least: 6 }
    validities { standard: "A" clause: "t4" window: DAY factors: [PM2_5, CO] at_least: 20 until: 1772294400000 }
    validities { standard: "A" clause: "t4 new" window: DAY factors: [PM2_5] at_least: 21 from: 1772294400000 }
    validities { standard: "A" clause: "6.1.2" window: MDA8 factors: O3 at_least: 14 or_over_limit: true }
    validities { standard: "A" clause: "t4" window: MONTH factors: [PM2_5] at_least: 27 }
    validities { standard: "A" clause: "t4" window: QUARTER factors: [PM2_5] month_at_least: 27 february_at_least: 25 }
    validities { standard: "A" clause: "t4" window: YEAR factors: [PM2_5] at_least: 324 month_at_least: 27 february_at_least: 25 }
    percentiles { standard: "A" clause: "t1" factor: CO percent: 95 until: 1772294400000 }
    percentiles { standard: "A" clause: "t1" factor: CO percent: 90 from: 1772294400000 }
    composites { standard: "A" clause: "c" items { factor: CO percentile: true limit: 4000000 unit: MG_M3 weight: 2 }
                 items { factor: PM2_5 limit: 35000000 unit: UG_M3 } divisor: 3 until: 1772294400000 }
    composites { standard: "A" clause: "d" items { factor: PM2_5 limit: 30000000 unit: UG_M3 } from: 1772294400000 }
    checks { factor: CO unit: MG_M3 low: 10000 high: 50000000 clip: 10000000 stuck_hours: 12 rise: 2000000 }
    checks { factor: O3 unit: UG_M3 }
    neighbourhood { radius_m: 20000 least: 2 most: 5 }
    aqi_editions { standard: "A" clause: "t1" iaqi: [0, 50, 100] day_o3_1h: true
      items { factor: SO2 window: H1 unit: UG_M3 concentrations: [0, 150000000] above: INSTEAD instead: H24 hourly: true }
      items { factor: SO2 window: H24 unit: UG_M3 concentrations: [0, 50000000, 150000000] above: CAP }
      items { factor: O3 window: H1 unit: UG_M3 concentrations: [0, 160000000, 200000000] above: CAP hourly: true } }
    signals { id: "day" kind: DAY_LIMIT }
    signals { id: "rolling" kind: ROLLING_OVER_LIMIT }
    signals { id: "silent" kind: NO_DATA on: [1000000, 5000000] }
    signals { id: "range" kind: SUSPECT check: RANGE on: 0 }
    signals { id: "stuck" kind: SUSPECT check: STUCK on: [0, 12000000] }
    signals { id: "inverted" kind: SUSPECT check: INVERTED on: 10500000 }
    signals { id: "high" kind: HOUR_HIGH on: [200000000, 300000000] }
    signals { id: "spike" kind: SPIKE_ALONE on: 300000000 }
    regions { id: "P" name: "p" }
    sites { id: "S1" name: "s" region: "P" kind: EVALUATION area_class: CLASS_2 factors: [PM2_5] lon: 111.139 lat: 37.5415
            classes { area_class: CLASS_1 until: 1772294400000 } classes { area_class: CLASS_2 from: 1772294400000 } }
    sites { id: "S2" name: "s" region: "P" kind: MICRO area_class: CLASS_1 factors: [PM2_5] }
  )",
                                                            &r));
  return r;
}

core::EventTime before() {
  return core::event_time(kChange - 1);
}
core::EventTime after() {
  return core::event_time(kChange);
}

TEST(BuildWindows, AWindowNeedsTheDataOfItsOwnTime) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  using core::Factor;
  using core::Window;
  ASSERT_NE(built->validity(Factor::PM25, Window::Day, before()), nullptr);
  EXPECT_EQ(built->validity(Factor::PM25, Window::Day, before())->at_least, 20);
  EXPECT_EQ(built->validity(Factor::PM25, Window::Day, before())->clause, "A t4");
  EXPECT_EQ(built->validity(Factor::PM25, Window::Day, after())->at_least, 21);
  EXPECT_EQ(built->validity(Factor::CO, Window::Day, after()), nullptr);
  EXPECT_EQ(built->validity(Factor::O3, Window::Day, before()), nullptr);
  EXPECT_EQ(built->validity(Factor::O3, Window::H8, after())->at_least, 6);
  EXPECT_FALSE(built->validity(Factor::O3, Window::H8, after())->or_over_limit);
  EXPECT_TRUE(built->validity(Factor::O3, Window::Mda8, after())->or_over_limit);
  const core::Validity& year = *built->validity(Factor::PM25, Window::Year, after());
  EXPECT_EQ(std::tuple(year.at_least, year.month_at_least, year.february_at_least), std::tuple(324, 27, 25));
}

TEST(BuildWindows, AFebruaryOfWhichNothingIsSaidNeedsWhatOtherMonthsNeed) {
  v1::RuleSet r = rules();
  r.mutable_validities(6)->clear_february_at_least();
  const auto built = build_rules(r);
  ASSERT_TRUE(built) << built.error().text;
  EXPECT_EQ(built->validity(core::Factor::PM25, core::Window::Month, after())->february_at_least, 27);
  EXPECT_EQ(built->validity(core::Factor::PM25, core::Window::Year, after())->february_at_least, 27);
  EXPECT_EQ(built->validity(core::Factor::PM25, core::Window::Quarter, after())->february_at_least, 25);
  EXPECT_EQ(built->validity(core::Factor::PM25, core::Window::Day, after())->february_at_least, 0);
}

TEST(BuildWindows, PercentilesAndTheCompositeIndexAreDatedAndConverted) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  EXPECT_EQ(built->percentile(core::Factor::CO, before()), 95);
  EXPECT_EQ(built->percentile(core::Factor::CO, after()), 90);
  EXPECT_EQ(built->percentile(core::Factor::PM25, after()), 0);
  const core::Composite* c = built->composite(before());
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->clause, "A c");
  EXPECT_EQ(c->divisor, 3);
  ASSERT_EQ(c->items.size(), 2u);
  EXPECT_TRUE(c->items[0].percentile);
  EXPECT_EQ(c->items[0].standard, core::mg(4));
  EXPECT_EQ(c->items[0].weight, 2);
  EXPECT_FALSE(c->items[1].percentile);
  EXPECT_EQ(c->items[1].standard, core::ug(35));
  EXPECT_EQ(c->items[1].weight, 1);
  ASSERT_NE(built->composite(after()), nullptr);
  EXPECT_EQ(built->composite(after())->divisor, 1);
}

TEST(BuildWindows, AQualityCheckLeavesOutWhatIsNotWritten) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  const core::QualityCheck* co = built->check(core::Factor::CO);
  ASSERT_NE(co, nullptr);
  EXPECT_EQ(co->low, core::ug(10));
  EXPECT_EQ(co->high, core::mg(50));
  EXPECT_EQ(co->clip, core::mg(10));
  EXPECT_EQ(co->stuck_hours, 12);
  EXPECT_EQ(co->rise, core::mg(2));
  const core::QualityCheck* o3 = built->check(core::Factor::O3);
  const core::QualityCheck none;
  ASSERT_NE(o3, nullptr);
  EXPECT_EQ(o3->low, none.low);
  EXPECT_EQ(o3->high, none.high);
  EXPECT_EQ(o3->clip, none.clip);
  EXPECT_EQ(o3->stuck_hours, 0);
  EXPECT_EQ(o3->rise, none.rise);
  EXPECT_EQ(built->check(core::Factor::PM10), nullptr);
}

TEST(BuildWindows, TheNeighbourhoodIsWhatIsWrittenOrTheDefault) {
  v1::RuleSet r = rules();
  EXPECT_EQ(build_rules(r)->neighbourhood.radius_m, 20'000);
  EXPECT_EQ(build_rules(r)->neighbourhood.least, 2);
  EXPECT_EQ(build_rules(r)->neighbourhood.most, 5);
  r.clear_neighbourhood();
  const core::Neighbourhood none;
  EXPECT_EQ(build_rules(r)->neighbourhood.radius_m, none.radius_m);
  EXPECT_EQ(build_rules(r)->neighbourhood.least, none.least);
  EXPECT_EQ(build_rules(r)->neighbourhood.most, none.most);
}

TEST(BuildWindows, AnItemMaySpeakInsteadOfAnother) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  const core::AqiEdition& e = built->editions.front();
  EXPECT_TRUE(e.day_o3_1h);
  EXPECT_EQ(e.items[0].above, core::Above::OtherWindow);
  EXPECT_EQ(e.items[0].instead, core::Window::H24);
  EXPECT_EQ(e.items[1].above, core::Above::Cap);
  EXPECT_EQ(e.items[1].instead, core::Window::None);
}

TEST(BuildWindows, EveryKindOfSignalHasItsLevelsInMillionths) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  using core::Mark;
  using core::SignalKind;
  const auto& s = built->signals;
  ASSERT_EQ(s.size(), 8u);
  EXPECT_EQ(s[0].kind, SignalKind::DayLimit);
  EXPECT_TRUE(s[0].on.empty());
  EXPECT_EQ(s[1].kind, SignalKind::RollingOverLimit);
  EXPECT_EQ(s[2].kind, SignalKind::NoData);
  EXPECT_EQ(s[2].on, (std::vector<core::Concentration>{{1'000'000}, {5'000'000}}));
  EXPECT_EQ(s[2].check, Mark::None);
  EXPECT_EQ(s[3].kind, SignalKind::Suspect);
  EXPECT_EQ(s[3].check, Mark::Range);
  EXPECT_EQ(s[3].on, (std::vector<core::Concentration>{{0}}));
  EXPECT_EQ(s[4].check, Mark::Stuck);
  EXPECT_EQ(s[5].check, Mark::Inverted);
  EXPECT_EQ(s[5].on, (std::vector<core::Concentration>{{10'500'000}}));  // 10.5 ug/m3
  EXPECT_EQ(s[6].kind, SignalKind::HourHigh);
  EXPECT_EQ(s[7].kind, SignalKind::Spike);
}

TEST(BuildWindows, ASiteHasAPlaceAndTheClassOfItsTime) {
  const auto built = build_rules(rules());
  ASSERT_TRUE(built) << built.error().text;
  const core::SiteInfo& s1 = built->sites.at("S1");
  EXPECT_EQ(s1.lon_e6, 111'139'000);
  EXPECT_EQ(s1.lat_e6, 37'541'500);
  EXPECT_EQ(s1.class_at(before()), core::AreaClass::Class1);
  EXPECT_EQ(s1.class_at(after()), core::AreaClass::Class2);
  const core::SiteInfo& s2 = built->sites.at("S2");
  EXPECT_EQ(s2.lon_e6, 0);
  EXPECT_EQ(s2.lat_e6, 0);
  EXPECT_EQ(s2.class_at(after()), core::AreaClass::Class1);
}

struct Case {
  const char* text;  // a part of the error
  std::function<void(v1::RuleSet&)> spoil;
};

void expect_refused(const std::vector<Case>& cases) {
  for (const auto& c : cases) {
    v1::RuleSet r = rules();
    c.spoil(r);
    const auto built = build_rules(r);
    ASSERT_FALSE(built) << c.text;
    EXPECT_EQ(built.error().code, Errc::config_invalid) << c.text;
    EXPECT_NE(built.error().text.find(c.text), std::string::npos) << c.text << " | " << built.error().text;
  }
}

TEST(BuildWindows, RefusesAValidityThatNoWindowCanHave) {
  expect_refused({
      {"standard \"B\" is not defined", [](auto& r) { r.mutable_validities(0)->set_standard("B"); }},
      {"validity 8h: `from` must lie before `until`",
       [](auto& r) {
         r.mutable_validities(0)->set_from(kChange);
         r.mutable_validities(0)->set_until(kChange);
       }},
      {"validity reading: window expected", [](auto& r) { r.mutable_validities(0)->set_window(v1::READING); }},
      {"an hour's is `horizons.valid_minutes`", [](auto& r) { r.mutable_validities(0)->set_window(v1::H1); }},
      {"validity 8h: `at_least` is 9; the window has 8 at most",
       [](auto& r) { r.mutable_validities(0)->set_at_least(9); }},
      {"validity day: `at_least` is 25; the window has 24 at most",
       [](auto& r) { r.mutable_validities(1)->set_at_least(25); }},
      {"validity mda8: `at_least` is 18; the window has 17 at most",
       [](auto& r) { r.mutable_validities(3)->set_at_least(18); }},
      {"validity month: `at_least` is 32; the window has 31 at most",
       [](auto& r) { r.mutable_validities(4)->set_at_least(32); }},
      {"validity quarter: `at_least` is 93; the window has 92 at most",
       [](auto& r) { r.mutable_validities(5)->set_at_least(93); }},
      {"validity year: `at_least` is 367; the window has 366 at most",
       [](auto& r) { r.mutable_validities(6)->set_at_least(367); }},
      {"`at_least` is -1", [](auto& r) { r.mutable_validities(0)->set_at_least(-1); }},
      {"validity 8h: `at_least` expected", [](auto& r) { r.mutable_validities(0)->clear_at_least(); }},
      {"validity quarter: `at_least` expected",
       [](auto& r) {
         r.mutable_validities(5)->clear_month_at_least();
         r.mutable_validities(5)->clear_february_at_least();
       }},
      {"`month_at_least`: 0 to 31", [](auto& r) { r.mutable_validities(6)->set_month_at_least(32); }},
      {"`month_at_least` belongs to quarter and year",
       [](auto& r) { r.mutable_validities(4)->set_month_at_least(27); }},
      {"`february_at_least` belongs to", [](auto& r) { r.mutable_validities(1)->set_february_at_least(2); }},
      {"`february_at_least` is more than", [](auto& r) { r.mutable_validities(6)->set_february_at_least(28); }},
      {"`february_at_least` is more than",
       [](auto& r) {
         r.mutable_validities(4)->set_at_least(31);
         r.mutable_validities(4)->set_february_at_least(30);
       }},
      {"`or_over_limit` belongs to mda8", [](auto& r) { r.mutable_validities(1)->set_or_over_limit(true); }},
      {"mda8 is a window of O3 alone", [](auto& r) { r.mutable_validities(3)->add_factors(v1::CO); }},
      {"validity 8h: `factors` expected", [](auto& r) { r.mutable_validities(0)->clear_factors(); }},
      {"validity 8h: a pollutant expected", [](auto& r) { r.mutable_validities(0)->add_factors(v1::AQI); }},
      {"validity CO day: the factor stands twice", [](auto& r) { r.mutable_validities(1)->add_factors(v1::CO); }},
      {"validity PM2.5 day: two rules hold at the same time (A t4, A t4 new)",
       [](auto& r) { r.mutable_validities(2)->set_from(kChange - 1); }},
  });
}

TEST(BuildWindows, RefusesPercentilesAndCompositesThatCannotBeComputed) {
  expect_refused({
      {"standard \"B\" is not defined", [](auto& r) { r.mutable_percentiles(0)->set_standard("B"); }},
      {"`percent`: 1 to 99", [](auto& r) { r.mutable_percentiles(0)->set_percent(100); }},
      {"`percent`: 1 to 99", [](auto& r) { r.mutable_percentiles(0)->clear_percent(); }},
      {"percentile AQI: a pollutant expected", [](auto& r) { r.mutable_percentiles(0)->set_factor(v1::AQI); }},
      {"percentile CO: two percentiles hold", [](auto& r) { r.mutable_percentiles(1)->clear_from(); }},
      {"percentile CO: `from` must lie before", [](auto& r) { r.mutable_percentiles(0)->set_from(kChange); }},
      {"standard \"B\" is not defined", [](auto& r) { r.mutable_composites(0)->set_standard("B"); }},
      {"composite A: a negative `divisor`", [](auto& r) { r.mutable_composites(0)->set_divisor(-1); }},
      {"composite A: `items` expected", [](auto& r) { r.mutable_composites(0)->clear_items(); }},
      {"composite A, CO: `limit` must be above 0",
       [](auto& r) { r.mutable_composites(0)->mutable_items(0)->set_limit(0); }},
      {"composite A, CO: a negative `weight`",
       [](auto& r) { r.mutable_composites(0)->mutable_items(0)->set_weight(-1); }},
      {"composite A, CO: unit of a concentration",
       [](auto& r) { r.mutable_composites(0)->mutable_items(0)->set_unit(v1::POINT); }},
      {"composite A, PM2.5: no percentile of this factor",
       [](auto& r) { r.mutable_composites(0)->mutable_items(1)->set_percentile(true); }},
      {"composite A, CO: no percentile of this factor", [](auto& r) { r.mutable_percentiles()->DeleteSubrange(0, 1); }},
      {"composite A, CO: the factor stands twice",
       [](auto& r) { *r.mutable_composites(0)->add_items() = r.composites(0).items(0); }},
      {"composite A: two composite indices", [](auto& r) { r.mutable_composites(1)->clear_from(); }},
  });
}

TEST(BuildWindows, RefusesQualityChecksThatContradictThemselves) {
  expect_refused({
      {"quality check AQI: a pollutant expected", [](auto& r) { r.mutable_checks(0)->set_factor(v1::AQI); }},
      {"quality check CO: the factor has two", [](auto& r) { r.mutable_checks(1)->set_factor(v1::CO); }},
      {"quality check CO, `low`: unit of a concentration", [](auto& r) { r.mutable_checks(0)->set_unit(v1::HOURS); }},
      {"quality check CO, `rise`: out of range", [](auto& r) { r.mutable_checks(0)->set_rise(-1); }},
      {"`low` must lie below `high`", [](auto& r) { r.mutable_checks(0)->set_high(10'000); }},
      {"`clip` must lie above `low`", [](auto& r) { r.mutable_checks(0)->set_clip(10'000); }},
      {"`stuck_hours`: 0, or 2 to 48", [](auto& r) { r.mutable_checks(0)->set_stuck_hours(1); }},
      {"`stuck_hours`: 0, or 2 to 48", [](auto& r) { r.mutable_checks(0)->set_stuck_hours(49); }},
      {"`stuck_hours`: 0, or 2 to 48", [](auto& r) { r.mutable_checks(0)->set_stuck_hours(-3); }},
      {"neighbourhood: `radius_m`", [](auto& r) { r.mutable_neighbourhood()->set_radius_m(-1); }},
      {"neighbourhood: `radius_m`", [](auto& r) { r.mutable_neighbourhood()->set_radius_m(200'001); }},
      {"neighbourhood: `least`", [](auto& r) { r.mutable_neighbourhood()->set_least(6); }},
      {"neighbourhood: `least`", [](auto& r) { r.mutable_neighbourhood()->set_least(-1); }},
  });
}

TEST(BuildWindows, RefusesItemsThatSpeakForNobody) {
  const auto item = [](v1::RuleSet& r, int i) { return r.mutable_aqi_editions(0)->mutable_items(i); };
  expect_refused({
      {"SO2 1h, `instead`: window expected", [&](auto& r) { item(r, 0)->clear_instead(); }},
      {"SO2 1h: `instead`: the edition has no item SO2 8h", [&](auto& r) { item(r, 0)->set_instead(v1::H8); }},
      {"SO2 1h: `instead`: that item has no break points beyond", [&](auto& r) { item(r, 0)->set_instead(v1::H1); }},
      {"SO2 1h: `instead`: that item has no break points beyond",
       [&](auto& r) { item(r, 1)->mutable_concentrations()->Truncate(2); }},
      {"SO2 24h: `instead` belongs to `above: instead`", [&](auto& r) { item(r, 1)->set_instead(v1::H1); }},
      {"O3 1h: `above` expected", [&](auto& r) { item(r, 2)->set_above(static_cast<v1::Above>(9)); }},
      {"SO2 1h: the item stands twice", [&](auto& r) { item(r, 1)->set_window(v1::H1); }},
      {"`day_o3_1h` needs the item O3 1h", [&](auto& r) { item(r, 2)->set_window(v1::H8); }},
  });
}

TEST(BuildWindows, RefusesLevelsThatAKindCannotHave) {
  const auto add = [](int i, std::int64_t on) { return [=](v1::RuleSet& r) { r.mutable_signals(i)->add_on(on); }; };
  const auto no_levels = [](int i) { return [=](v1::RuleSet& r) { r.mutable_signals(i)->clear_on(); }; };
  const auto check = [](int i, v1::Mark m) { return [=](v1::RuleSet& r) { r.mutable_signals(i)->set_check(m); }; };
  constexpr std::int64_t kOne = 1'000'000;
  expect_refused({
      {"signal \"day\": `on` means nothing for this kind", add(0, kOne)},
      {"signal \"rolling\": `on` means nothing for this kind", add(1, kOne)},
      {"signal \"silent\": `on`: 1 to 3 rising levels", no_levels(2)},
      {"signal \"silent\": `on`: 1 to 3 rising levels", add(2, kOne)},
      {"signal \"silent\": `on`: whole numbers", add(2, 6 * kOne + 1)},
      {"signal \"silent\": `on`: its last level is 49 hours in a row", add(2, 48 * kOne)},
      {"signal \"range\": `on`: 1 to 3 rising levels", [](auto& r) { r.mutable_signals(3)->set_on(0, -1); }},
      {"signal \"range\": `on`: whole numbers", add(3, kOne / 2)},
      {"signal \"stuck\": `on`: whole numbers", add(4, 13 * kOne + 1)},
      {"signal \"stuck\": `on`: its last level is 49 hours in a row", add(4, 37 * kOne)},
      {"signal \"inverted\": `on`: 1 to 3 rising levels", no_levels(5)},
      {"signal \"high\": `on` is a percentage", [](auto& r) { r.mutable_signals(6)->set_on(0, 100 * kOne); }},
      {"signal \"spike\": `on`: one level", add(7, 400 * kOne)},
      {"signal \"spike\": `on` is a percentage", [](auto& r) { r.mutable_signals(7)->set_on(0, 100 * kOne); }},
      {"signal \"range\": `check`: range, clipped", check(3, v1::MARK_UNSPECIFIED)},
      {"signal \"range\": `check`: range, clipped", check(3, v1::SPIKE)},
      {"signal \"range\": `check` expected", check(3, static_cast<v1::Mark>(17))},
      {"signal \"day\": `check` belongs to the kind suspect", check(0, v1::STUCK)},
      {"kind expected", [](auto& r) { r.mutable_signals(0)->set_kind(static_cast<v1::SignalKind>(10)); }},
  });
}

TEST(BuildWindows, HoursInARowMayReachAsFarAsTheyAreCounted) {
  v1::RuleSet r = rules();
  r.mutable_checks(0)->set_stuck_hours(48);
  r.mutable_signals(4)->mutable_on()->Truncate(1);  // stuck, from 0 hours beyond the check's
  r.mutable_signals(2)->set_on(1, 47'000'000);      // silent: the 48th hour
  const auto built = build_rules(r);
  ASSERT_TRUE(built) << built.error().text;
  EXPECT_EQ(built->check(core::Factor::CO)->stuck_hours, 48);
}

TEST(BuildWindows, RefusesASiteThatIsNowhereOrOfTwoClasses) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  expect_refused({
      {"site \"S1\": `lon` and `lat` expected", [](auto& r) { r.mutable_sites(0)->clear_lon(); }},
      {"site \"S1\": `lon` and `lat` expected", [](auto& r) { r.mutable_sites(0)->clear_lat(); }},
      {"site \"S1\": `lon` and `lat` expected", [](auto& r) { r.mutable_sites(0)->set_lat(91); }},
      {"site \"S1\": `lon` and `lat` expected", [=](auto& r) { r.mutable_sites(0)->set_lon(none); }},
      {"site \"S1\", `classes`: two classes",
       [](auto& r) { r.mutable_sites(0)->mutable_classes(1)->set_from(kChange - 1); }},
      {"site \"S1\", `classes`: class expected",
       [](auto& r) { r.mutable_sites(0)->mutable_classes(0)->clear_area_class(); }},
      {"site \"S1\", `classes`: `from` must lie before",
       [](auto& r) { r.mutable_sites(0)->mutable_classes(0)->set_from(kChange); }},
  });
}

}  // namespace
}  // namespace qc::wire
