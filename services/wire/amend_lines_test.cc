#include "wire/amend_lines.h"

#include <gtest/gtest.h>

namespace qc::wire {
namespace {

using Action = core::Amend::Action;

constexpr const char* kHeader = "time,site,factor,action,value,unit,reason\n";

AmendFile read(const std::string& text, const AmendFileLimits& limits = {}) {
  auto source = bytes_of(text);
  auto file = read_amends("audit.csv", std::move(*source), {"王审核", true}, limits);
  EXPECT_TRUE(file);
  return file ? std::move(*file) : AmendFile{};
}

// The one problem of a file with that line.
std::string problem_of(const std::string& line) {
  const AmendFile file = read(kHeader + line + "\n");
  EXPECT_TRUE(file.lines.empty());
  EXPECT_EQ(file.problems.size(), 1U) << line;
  return file.problems.empty() ? "" : file.problems.front();
}

TEST(AmendLines, ReadsADaysReviewWithItsPlaces) {
  const AmendFile file = read(std::string("\xef\xbb\xbf") + kHeader +
                              "2026-11-24T03:00:00+08:00,S1,PM2.5,invalidate,,,零点漂移\r\n\r\n"
                              "2026-11-24 04:00,S1,CO,replace,0.8,mg/m3,\"span, again\"\n"
                              "2026-11-24T05:00:00+08:00,S1,PM2.5,restore,,,calibration was fine\n");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.lines.size(), 3U);
  const core::Amend& a = file.lines[0].amend;
  EXPECT_EQ(core::to_iso(a.interval.start), "2026-11-24T03:00:00+08:00");
  EXPECT_EQ(a.interval.end - a.interval.start, core::kHour);
  EXPECT_EQ(a.action, Action::Invalidate);
  EXPECT_EQ(a.reason, "零点漂移");
  EXPECT_EQ(a.who, "王审核");
  EXPECT_TRUE(a.audited);
  EXPECT_EQ(file.lines[1].where, "audit.csv:4");
  EXPECT_EQ(file.lines[1].amend.value, core::Concentration{800 * core::kMillion});
  EXPECT_EQ(file.lines[1].amend.reason, "span, again");
  EXPECT_EQ(file.lines[2].amend.action, Action::Restore);
}

TEST(AmendLines, TheSameWordsAreTheSameCorrection) {
  const std::string line = "2026-11-24T03:00:00+08:00,S1,PM2.5,replace,35,ug/m3,span\n";
  const auto id = [](const AmendFile& file) { return file.lines.at(0).amend.id; };
  EXPECT_EQ(id(read(kHeader + line)), id(read(kHeader + line)));
  EXPECT_NE(id(read(kHeader + line)),
            id(read(std::string(kHeader) + "2026-11-24T03:00:00+08:00,S1,PM2.5,replace,36,ug/m3,span\n")));
}

TEST(AmendLines, EveryBadLineIsNamedWithItsReason) {
  const std::string good = "2026-11-24T03:00:00+08:00,S1,PM2.5,";
  EXPECT_EQ(problem_of("yesterday,S1,PM2.5,invalidate,,,x"), "audit.csv:2: time \"yesterday\" is not ISO 8601");
  EXPECT_EQ(problem_of("2026-11-24T03:30:00+08:00,S1,PM2.5,invalidate,,,x"),
            "audit.csv:2: whole hours expected, not 2026-11-24T03:30:00+08:00 to 2026-11-24T04:30:00+08:00");
  EXPECT_EQ(problem_of("2026-11-24T03:00:00+08:00,,PM2.5,invalidate,,,x"),
            "audit.csv:2: site: 1 to 64 bytes of printable text expected");
  EXPECT_EQ(problem_of("2026-11-24T03:00:00+08:00,S1,H2O,invalidate,,,x"), "audit.csv:2: factor \"H2O\" is not known");
  EXPECT_EQ(problem_of("2026-11-24T03:00:00+08:00,S1,AQI,invalidate,,,x"),
            "audit.csv:2: an index follows from concentrations; amend those");
  EXPECT_EQ(problem_of(good + "delete,,,x"), "audit.csv:2: action \"delete\": invalidate, replace or restore expected");
  EXPECT_EQ(problem_of(good + "invalidate,5,,x"),
            "audit.csv:2: a value and a unit belong to replace, not to invalidate");
  EXPECT_EQ(problem_of(good + "replace,,ug/m3,x"), "audit.csv:2: value \"\" is not a number");
  EXPECT_EQ(problem_of(good + "replace,-1,ug/m3,x"), "audit.csv:2: value \"-1\" is negative");
  EXPECT_EQ(problem_of(good + "replace,9999999999,mg/m3,x"),
            "audit.csv:2: value \"9999999999\" is above what air can hold");
  EXPECT_EQ(problem_of(good + "replace,5,,x"), "audit.csv:2: unit \"\": ug/m3, mg/m3 or ng/m3 expected");
  EXPECT_EQ(problem_of(good + "invalidate,,,"), "audit.csv:2: reason: 1 to 1024 bytes of printable text expected");
  EXPECT_EQ(problem_of(good + "invalidate,,"), "audit.csv:2: 6 fields; 7 expected");
  EXPECT_EQ(problem_of(good + "invalidate,,,\"x"), "audit.csv:2: a broken quotation");
}

TEST(AmendLines, OneHourStandsOnce) {
  const AmendFile file = read(std::string(kHeader) +
                              "2026-11-24T03:00:00+08:00,S1,PM2.5,invalidate,,,x\n"
                              "2026-11-24T03:00:00+08:00,S1,PM10,invalidate,,,x\n"
                              "2026-11-24T03:00:00+08:00,S1,PM2.5,restore,,,x\n");
  ASSERT_EQ(file.problems.size(), 1U);
  EXPECT_EQ(file.problems[0], "audit.csv:4: this hour of S1 PM2.5 stands in line 2 already");
}

TEST(AmendLines, AHeaderThatIsNotOursIsRefused) {
  EXPECT_EQ(read("").problems,
            std::vector<std::string>{"audit.csv:0: an empty file; time,site,factor,action,value,unit,reason expected"});
  EXPECT_EQ(
      read("time,site,factor,action,value,unit\n").problems,
      std::vector<std::string>{"audit.csv:1: no column reason; time,site,factor,action,value,unit,reason expected"});
  EXPECT_EQ(read("time,site,factor,action,value,unit,reason,who\n").problems,
            std::vector<std::string>{
                "audit.csv:1: unknown column \"who\"; time,site,factor,action,value,unit,reason expected"});
  EXPECT_EQ(read("time,time,site,factor,action,value,unit,reason\n").problems,
            std::vector<std::string>{"audit.csv:1: the column time stands twice"});
}

TEST(AmendLines, LimitsHold) {
  std::string text = kHeader;
  for (int hour = 0; hour < 5; ++hour)
    text += "2026-11-24T0" + std::to_string(hour) + ":00:00+08:00,S1,PM2.5,invalidate,,,x\n";
  EXPECT_EQ(read(text, {.lines_max = 4}).problems, std::vector<std::string>{"audit.csv:6: more than 4 corrections"});
  const AmendFile bad = read(std::string(kHeader) + "a\nb\nc\nd\n", {.problems_max = 2});
  ASSERT_EQ(bad.problems.size(), 3U);
  EXPECT_EQ(bad.problems[2], "audit.csv:4: there are more problems from here on");
  EXPECT_EQ(read(kHeader + std::string(100, 'x') + "\n", {.line_bytes_max = 64}).problems,
            std::vector<std::string>{"audit.csv:2: longer than 64 bytes"});
}

}  // namespace
}  // namespace qc::wire
