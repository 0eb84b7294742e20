#include "wire/forecast_lines.h"

#include <gtest/gtest.h>

namespace qc::wire {
namespace {

constexpr const char* kHeader = "region,time,aqi,primary\n";
const core::EventTime kIssued = core::beijing_midnight(2026, 11, 27) + core::kHour * 8;

core::EventTime at(int day, int hour) {
  return core::beijing_midnight(2026, 11, 1) + core::kHour * (24 * (day - 1) + hour);
}

ForecastFile read(const std::string& text, const ForecastFileLimits& limits = {}) {
  const auto region_of = [](std::string_view written) -> tl::expected<std::string, std::string> {
    if (written == "离石区" || written == "lishi") return "lishi";
    if (written == "plain") return "plain";
    return tl::unexpected<std::string>("no region `" + std::string(written) + "`");
  };
  auto source = bytes_of(text);
  auto file = read_forecasts("f.csv", std::move(*source), kIssued, region_of, limits);
  EXPECT_TRUE(file);
  return file ? std::move(*file) : ForecastFile{};
}

std::string problem_of(const std::string& line, const std::string& header = kHeader) {
  const ForecastFile file = read(header + line + "\n");
  EXPECT_EQ(file.problems.size(), 1U) << line;
  return file.problems.empty() ? "" : file.problems.front();
}

TEST(ForecastLines, AnHourIsTheEndOfIts24Hours) {
  const ForecastFile file = read(std::string("\xef\xbb\xbf") + kHeader +
                                 "plain,2026-11-27T10:00,151,O3\r\n\r\n"
                                 "离石区,2026-11-27 09:00,80,PM2.5+O3\n"
                                 "plain,2026-11-27T09:00+08:00,0,\n"
                                 "plain,2026-11-27T03:00:00Z,500,PM10\n");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.regions.size(), 2U);
  EXPECT_EQ(file.regions[0].region, "lishi");
  EXPECT_EQ(file.regions[0].hours, (core::Forecast{{at(27, 9), {80, false, false}}}));
  EXPECT_EQ(file.regions[1].region, "plain");
  EXPECT_EQ(file.regions[1].hours,
            (core::Forecast{
                {at(27, 9), {0, false, false}}, {at(27, 10), {151, true, false}}, {at(27, 11), {500, false, false}}}));
}

TEST(ForecastLines, ADayIsEveryHourThatEndsWithinIt) {
  const ForecastFile file = read(std::string(kHeader) + "plain,2026-11-28,210,PM2.5\n");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.regions.size(), 1U);
  const core::Forecast& hours = file.regions[0].hours;
  ASSERT_EQ(hours.size(), 24U);
  EXPECT_EQ(hours.begin()->first, at(28, 1));
  EXPECT_EQ(hours.rbegin()->first, at(29, 0));
  for (const auto& [end, hour] : hours) EXPECT_EQ(hour.index, 210);
}

TEST(ForecastLines, OfTheDayItselfOnlyWhatIsToCome) {
  const ForecastFile file = read(std::string(kHeader) + "plain,2026-11-27,90,\n");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.regions.size(), 1U);
  EXPECT_EQ(file.regions[0].hours.size(), 16U);
  EXPECT_EQ(file.regions[0].hours.begin()->first, at(27, 9));
}

TEST(ForecastLines, HoursFirstAndDaysBehindThemMakeOneForecast) {
  std::string text = kHeader;
  for (int h = 9; h <= 24; ++h) text += "plain," + core::to_iso(at(27, h)) + ",100,\n";
  const ForecastFile file = read(text + "plain,2026-11-28,120,\n");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.regions.size(), 1U);
  EXPECT_EQ(file.regions[0].hours.size(), 16U + 24U);
}

TEST(ForecastLines, DustIsSaidInAColumnOfItsOwn) {
  const ForecastFile file = read("dust,aqi,time,region\nyes,500,2026-11-28T00:00,plain\n,90,2026-11-28T01:00,plain\n");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.regions.size(), 1U);
  EXPECT_EQ(file.regions[0].hours, (core::Forecast{{at(28, 0), {500, false, true}}, {at(28, 1), {90, false, false}}}));
}

TEST(ForecastLines, EveryBadLineIsNamedWithItsReason) {
  EXPECT_EQ(problem_of("plan,2026-11-28,90,"), "f.csv:2: no region `plan`");
  EXPECT_EQ(problem_of("plain,tomorrow,90,"), "f.csv:2: time \"tomorrow\": 2026-11-28 or 2026-11-28T15:00 expected");
  EXPECT_EQ(problem_of("plain,2026-11-31,90,"),
            "f.csv:2: time \"2026-11-31\": 2026-11-28 or 2026-11-28T15:00 expected");
  EXPECT_EQ(problem_of("plain,2026-11-28T15:30,90,"), "f.csv:2: time \"2026-11-28T15:30\" is not a whole hour");
  EXPECT_EQ(problem_of("plain,2026-11-26,90,"), "f.csv:2: time \"2026-11-26\" had passed when the forecast was issued");
  EXPECT_EQ(problem_of("plain,2026-11-27T08:00,90,"),
            "f.csv:2: time \"2026-11-27T08:00\" had passed when the forecast was issued");
  EXPECT_EQ(problem_of("plain,2027-11-28,90,"),
            "f.csv:2: time \"2027-11-28\" is more than 960 hours after the forecast was issued");
  for (const char* aqi : {"", "-1", "501", "90.5", "9 0", "high", "99999999999"}) {
    EXPECT_EQ(problem_of(std::string("plain,2026-11-28,") + aqi + ","),
              "f.csv:2: aqi \"" + std::string(aqi) + "\": a whole number from 0 to 500 expected");
  }
  for (const char* primary : {"H2O", "AQI", "O3+", "+O3", "O3,PM10"}) {
    EXPECT_EQ(problem_of("plain,2026-11-28,90,\"" + std::string(primary) + "\""),
              "f.csv:2: primary \"" + std::string(primary) + "\": pollutants joined by + expected");
  }
  EXPECT_EQ(problem_of("plain,2026-11-28,90,maybe", "region,time,aqi,dust\n"),
            "f.csv:2: dust \"maybe\": yes or no expected");
  EXPECT_EQ(problem_of("plain,2026-11-28,90"), "f.csv:2: 3 fields; 4 expected");
  EXPECT_EQ(problem_of("plain,\"2026-11-28,90,"), "f.csv:2: a broken quotation");
  EXPECT_EQ(problem_of("plain,2026-11-28,90,\nplain,2026-11-29T00:00,95,"),
            "f.csv:3: the hour that ends at 2026-11-29T00:00:00+08:00 is forecast for plain in line 2 already");
}

TEST(ForecastLines, ABadHeaderIsToldAtOnce) {
  EXPECT_EQ(problem_of("plain,2026-11-28,90", "region,time,aqqi\n"),
            "f.csv:1: unknown column \"aqqi\"; region,time,aqi[,primary][,dust] expected");
  EXPECT_EQ(problem_of("plain,2026-11-28", "region,time\n"),
            "f.csv:1: no column aqi; region,time,aqi[,primary][,dust] expected");
  EXPECT_EQ(problem_of("", "region,time,aqi,time\n"), "f.csv:1: the column time stands twice");
  EXPECT_EQ(problem_of("", ""), "f.csv:1: an empty file; region,time,aqi[,primary][,dust] expected");
}

TEST(ForecastLines, LimitsAreKeptAndSaid) {
  const std::string bad = "plain,x,90,\n";
  std::string text = kHeader;
  for (int i = 0; i < 5; ++i) text += bad;
  const ForecastFile many = read(text, {.problems_max = 2});
  ASSERT_EQ(many.problems.size(), 3U);
  EXPECT_EQ(many.problems.back(), "f.csv:4: there are more problems from here on");
  const ForecastFile more =
      read(std::string(kHeader) + "plain,2026-11-28,90,\nplain,2026-11-29,90,\n", {.lines_max = 1});
  ASSERT_EQ(more.problems.size(), 1U);
  EXPECT_EQ(more.problems[0], "f.csv:3: more than 1 lines");
  const ForecastFile broad = read(std::string(kHeader) + std::string(100, 'x') + "\n", {.line_bytes_max = 50});
  ASSERT_EQ(broad.problems.size(), 1U);
  EXPECT_EQ(broad.problems[0], "f.csv:2: longer than 50 bytes");
}

}  // namespace
}  // namespace qc::wire
