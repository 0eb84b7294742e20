#include "core/factor.h"

#include <gtest/gtest.h>

#include <set>

namespace qc::core {
namespace {

TEST(Factor, EveryNameIsReadBack) {
  std::set<std::string_view> seen;
  for (std::size_t i = 1; i < kFactors; ++i) {
    const auto f = static_cast<Factor>(i);
    EXPECT_TRUE(seen.insert(name(f)).second) << name(f);
    EXPECT_EQ(parse_factor(name(f)), f) << name(f);
    EXPECT_EQ(index(f), i);
  }
  EXPECT_EQ(name(Factor::None), "");
  EXPECT_EQ(name(Factor::PM25), "PM2.5");
  EXPECT_EQ(name(Factor::AQI_PM24), "AQI_PM24");
}

TEST(Factor, CaseAndPunctuationDoNotMatter) {
  for (const char* text : {"PM2.5", "pm25", "PM2_5", "pm2,5", "Pm-2.5", "PM_25"}) {
    EXPECT_EQ(parse_factor(text), Factor::PM25) << text;
  }
  EXPECT_EQ(parse_factor("pm10"), Factor::PM10);
  EXPECT_EQ(parse_factor("PM-10"), Factor::PM10);
  EXPECT_EQ(parse_factor("o3"), Factor::O3);
  EXPECT_EQ(parse_factor("nox"), Factor::NOx);
  EXPECT_EQ(parse_factor("aqi pm24"), Factor::AQI_PM24);
}

TEST(Factor, Pm1IsNotMistakenForPm10) {
  for (const char* text : {"PM1.0", "pm1_0", "PM1", "PM-1.0"}) EXPECT_FALSE(parse_factor(text).has_value()) << text;
}

TEST(Factor, WhatIsNoFactorIsRefused) {
  for (const char* text : {"", ".", "PM", "PM2.55", "SO22", "SO2\xE2\x82\x82", "TEMP", "PM2.5/PM10", "none",
                           "PM2.5_24h_mean_over_the_whole_city"}) {
    EXPECT_FALSE(parse_factor(text).has_value()) << text;
  }
}

TEST(Factor, CarbonMonoxideIsPublishedInMilligrams) {
  EXPECT_EQ(publishing_unit(Factor::CO), Unit::MgM3);
  EXPECT_EQ(publishing_unit(Factor::AQI), Unit::Point);
  EXPECT_EQ(publishing_unit(Factor::AQI_PM24), Unit::Point);
  for (const Factor f : {Factor::PM25, Factor::PM10, Factor::SO2, Factor::NO2, Factor::O3, Factor::TSP, Factor::NOx,
                         Factor::Pb, Factor::BaP}) {
    EXPECT_EQ(publishing_unit(f), Unit::UgM3) << name(f);
  }
}

TEST(Unit, EverySpellingOfMicroAndCubeIsRead) {
  for (const char* text : {"ug/m3", "UG/M3", "\xC2\xB5g/m3", "\xCE\xBCg/m\xC2\xB3", "ug/m^3"}) {
    EXPECT_EQ(parse_unit(text), Unit::UgM3) << text;
  }
  EXPECT_EQ(parse_unit("mg/m\xC2\xB3"), Unit::MgM3);
  EXPECT_EQ(parse_unit("ng/m3"), Unit::NgM3);
  EXPECT_EQ(parse_unit("point"), Unit::Point);
  for (const char* text : {"", "g/m3", "ppm", "ppb", "ug", "ug/m2", "ug/m33", "mg/L", "/m3"}) {
    EXPECT_FALSE(parse_unit(text).has_value()) << text;
  }
  for (const Unit u : {Unit::UgM3, Unit::MgM3, Unit::NgM3, Unit::Point}) EXPECT_EQ(parse_unit(name(u)), u);
}

TEST(Window, EveryNameIsReadBackAndNothingElse) {
  const std::string_view names[] = {"reading", "1h", "8h", "24h", "day", "mda8", "month", "quarter", "year"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    const auto w = static_cast<Window>(i + 1);
    EXPECT_EQ(name(w), names[i]);
    EXPECT_EQ(parse_window(names[i]), w);
  }
  for (const char* text : {"", "1H", "60min", "hour", "MDA8"}) EXPECT_FALSE(parse_window(text).has_value()) << text;
}

TEST(Flag, LettersAreThoseOfHj212) {
  const std::pair<char, Flag> table[] = {{'N', Flag::Normal},    {'F', Flag::Stopped}, {'M', Flag::Maintenance},
                                         {'S', Flag::ManualSet}, {'D', Flag::Fault},   {'C', Flag::Calibrating},
                                         {'T', Flag::OverRange}, {'B', Flag::Broken},  {'-', Flag::Missing}};
  for (const auto& [c, flag] : table) {
    EXPECT_EQ(parse_flag(c), flag) << c;
    EXPECT_EQ(letter(flag), c);
  }
  for (const char c : {'n', 'A', 'Z', ' ', '\0', '0'}) EXPECT_FALSE(parse_flag(c).has_value()) << c;
}

TEST(Names, ClosedSetsUseTheWordsOfTheSchema) {
  EXPECT_EQ(name(Source::Realtime), "realtime");
  EXPECT_EQ(name(Source::Minute), "minute");
  EXPECT_EQ(name(Source::Hour), "hour");
  EXPECT_EQ(name(Source::Amended), "amended");
  EXPECT_LT(Source::Realtime, Source::Minute);  // the order is the rank
  EXPECT_LT(Source::Minute, Source::Hour);
  EXPECT_LT(Source::Hour, Source::Amended);
  EXPECT_EQ(name(Status::Running), "running");
  EXPECT_EQ(name(Status::Closed), "closed");
  EXPECT_EQ(name(Status::Amended), "amended");
  EXPECT_EQ(name(SiteKind::Evaluation), "evaluation");
  EXPECT_EQ(name(SiteKind::Background), "background");
  EXPECT_EQ(name(Timeline::Wall), "wall");
  EXPECT_EQ(name(Timeline::Fed), "fed");
  EXPECT_EQ(name(static_cast<Status>(200)), "");  // never reads beyond a table
}

}  // namespace
}  // namespace qc::core
