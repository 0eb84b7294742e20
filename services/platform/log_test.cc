#include "platform/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <regex>
#include <thread>
#include <vector>

namespace qc::platform {
namespace {

// The lines of one test, without their times.
class LogTest : public testing::Test {
 protected:
  LogTest() : capture_([this](std::string_view line) { lines_.emplace_back(line); }) { set_log_level(Level::info); }

  static std::string without_time(const std::string& line) {
    return line.substr(std::min<std::size_t>(30, line.size()));
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const std::string& line : lines_) texts.push_back(without_time(line));
    return texts;
  }

  std::vector<std::string> lines_;  // the sink is called by one thread at a time
  LogCapture capture_;
};

TEST_F(LogTest, ALineHasTimeLevelEventAndFields) {
  log(Level::info, "processor started", {{"partitions", 4}, {"muted", false}, {"rate", 0.25}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(std::regex_match(lines_[0], std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00 )"
                                                     R"(info processor started partitions=4 muted=false rate=0\.25)")))
      << lines_[0];
}

TEST_F(LogTest, ValuesAreQuotedAndEscapedSoThatALineStaysALine) {
  log_warn("bad input", {{"text", "a b\n\"c\"=\\\x01"}, {"empty", ""}, {"plain", "离石/1"}, {"sign", "a=b"}});
  EXPECT_EQ(texts(),
            (std::vector<std::string>{R"(warn bad input text="a b\n\"c\"=\\\x01" empty="" plain=离石/1 sign="a=b")"}));
}

TEST_F(LogTest, AnEventWithALineEndStaysOneLine) {
  log_info("one\ntwo");
  EXPECT_EQ(texts(), (std::vector<std::string>{R"(info one\ntwo)"}));
}

TEST_F(LogTest, BracesAreNotAFormat) {
  log_info("value {} {0}", {{"json", "{}"}});
  EXPECT_EQ(texts(), (std::vector<std::string>{"info value {} {0} json={}"}));
}

TEST_F(LogTest, ASecretPrintsAsStars) {
  log_info("connected", {{"password", Secret("hunter2")}});
  EXPECT_EQ(texts(), (std::vector<std::string>{"info connected password=***"}));
}

TEST_F(LogTest, AnErrorPrintsItsCodeTextAndRemedy) {
  log_error("not started", {{"error", Error{Errc::port_in_use, "port 9464 is taken"}}});
  EXPECT_EQ(texts(), (std::vector<std::string>{
                         "error not started error=\"E501 port 9464 is taken; choose another port (--listen)\""}));
}

TEST_F(LogTest, LinesBelowTheLevelAreNotWritten) {
  set_log_level(Level::warn);
  log_info("no");
  log_warn("yes");
  EXPECT_EQ(log_level(), Level::warn);
  set_log_level(Level::off);
  log_error("no");
  EXPECT_EQ(log_level(), Level::off);
  set_log_level(Level::debug);
  log_debug("yes");
  EXPECT_EQ(texts(), (std::vector<std::string>{"warn yes", "debug yes"}));
}

TEST_F(LogTest, ALimitedKeyWritesItsShareAndThenTellsWhatItDropped) {
  for (int i = 0; i < 10; ++i) log_limited("limit.site-a", 2, Level::warn, "late", {{"site", "a"}});
  log_limited("limit.site-b", 2, Level::warn, "late", {{"site", "b"}});
  EXPECT_EQ(texts(), (std::vector<std::string>{"warn late site=a", "warn late site=a", "warn late site=b"}));
  // The next second lets lines through again; all that were left out until then are told.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::uint64_t dropped = 8;
  while (lines_.size() == 3 && std::chrono::steady_clock::now() < deadline) {
    log_limited("limit.site-a", 2, Level::warn, "late", {{"site", "a"}});
    if (lines_.size() == 3) ++dropped;
    std::this_thread::yield();
  }
  ASSERT_EQ(lines_.size(), 4U);
  EXPECT_EQ(texts()[3], "warn late site=a dropped=" + std::to_string(dropped));
}

TEST_F(LogTest, ThreadsNeverMixTheirLines) {
  constexpr int kThreads = 4, kLines = 200;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < kLines; ++i) log_info("line", {{"thread", t}, {"number", i}});
      });
    }
  }
  ASSERT_EQ(lines_.size(), static_cast<std::size_t>(kThreads * kLines));
  auto all = texts();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  for (const std::string& text : all) EXPECT_TRUE(text.starts_with("info line thread=")) << text;
}

TEST(Log, WithoutACaptureLinesGoToStderr) {
  testing::internal::CaptureStderr();
  log_info("to stderr", {{"a", 1}});
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(text.ends_with(" info to stderr a=1\n")) << text;
}

TEST(Log, LevelsAreReadByName) {
  EXPECT_EQ(parse_level("debug").value(), Level::debug);
  EXPECT_EQ(parse_level("off").value(), Level::off);
  ASSERT_FALSE(parse_level("loud"));
  EXPECT_EQ(parse_level("loud").error().text, "log level `loud`; expected debug, info, warn, error or off");
}

}  // namespace
}  // namespace qc::platform
