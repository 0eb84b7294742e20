#include "platform/progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace qc::platform {
namespace {

using namespace std::chrono_literals;

struct Screen {
  std::vector<std::string> writes;
  std::chrono::steady_clock::time_point now{};

  Progress::Options options(bool terminal, std::uint64_t total = 1000) {
    Progress::Options o;
    o.label = "feeding";
    o.unit = "readings";
    o.total = total;
    o.terminal = terminal;
    o.write = [this](std::string_view text) { writes.emplace_back(text); };
    o.now = [this] { return now; };
    return o;
  }
};

TEST(Progress, ATerminalLineShowsBarRateAndTimeLeft) {
  Screen screen;
  Progress progress(screen.options(true));
  screen.now += 2s;
  progress.set_note("2015-12-03");
  progress.set(500);
  progress.finish();
  ASSERT_EQ(screen.writes.size(), 2U);
  EXPECT_EQ(screen.writes[0],
            "\rfeeding [==========>         ]  50 %  500 of 1.0 k readings  250/s  0:02 left  2015-12-03\x1b[K");
  EXPECT_EQ(screen.writes[1],
            "\rfeeding [==========>         ]  50 %  500 of 1.0 k readings  250/s  in 0:02  2015-12-03\x1b[K\n");
}

TEST(Progress, ATerminalIsDrawnAtMostTenTimesASecond) {
  Screen screen;
  Progress progress(screen.options(true));
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    screen.now += 1ms;
    progress.set(i);
  }
  EXPECT_EQ(screen.writes.size(), 10U);
  progress.finish();
}

TEST(Progress, ElsewhereAPlainLineIsWrittenEveryTenSeconds) {
  Screen screen;
  Progress progress(screen.options(false));
  for (std::uint64_t i = 1; i <= 25; ++i) {
    screen.now += 1s;
    progress.set(i * 10);
  }
  progress.finish();
  EXPECT_EQ(screen.writes, (std::vector<std::string>{
                               "feeding  10 %  100 of 1.0 k readings  10/s  1:30 left\n",
                               "feeding  20 %  200 of 1.0 k readings  10/s  1:20 left\n",
                               "feeding  25 %  250 of 1.0 k readings  10/s  in 0:25\n",
                           }));
}

TEST(Progress, AStallIsSeenInTheRateWhileTheTimeLeftUsesTheMean) {
  Screen screen;
  Progress progress(screen.options(false));
  screen.now += 10s;
  progress.set(500);
  screen.now += 10s;
  progress.set(500);
  ASSERT_EQ(screen.writes.size(), 2U);
  EXPECT_EQ(screen.writes[1], "feeding  50 %  500 of 1.0 k readings  0/s  0:20 left\n");
}

TEST(Progress, WithoutATotalThereIsNeitherBarNorTimeLeft) {
  Screen screen;
  Progress progress(screen.options(true, 0));
  screen.now += 1s;
  progress.add(1'234'567);
  ASSERT_EQ(screen.writes.size(), 1U);
  EXPECT_EQ(screen.writes[0], "\rfeeding 1.2 M readings  1.2 M/s\x1b[K");
}

TEST(Progress, ItNeverGoesBackNorBeyondAHundredPercent) {
  Screen screen;
  Progress progress(screen.options(false));
  screen.now += 10s;
  progress.set(2000);
  progress.set(10);
  progress.finish();
  EXPECT_EQ(screen.writes.back(), "feeding 100 %  2.0 k of 1.0 k readings  200/s  in 0:10\n");
}

TEST(Progress, AnUnfinishedTerminalLineIsEndedAndALongOneCutBetweenCharacters) {
  Screen screen;
  {
    Progress::Options options = screen.options(true, 0);
    options.label = "读入读入读入";
    options.columns = 5;
    Progress progress(options);
    screen.now += 1s;
    progress.add(1);
  }
  EXPECT_EQ(screen.writes, (std::vector<std::string>{"\r读入读入\x1b[K", "\n"}));
}

TEST(Progress, FinishingAtOnceDividesByNothing) {
  Screen screen;
  Progress progress(screen.options(false, 0));
  progress.finish();
  progress.finish();
  EXPECT_EQ(screen.writes, (std::vector<std::string>{"feeding 0 readings  0/s  in 0:00\n"}));
}

TEST(Progress, CountsAndTimesAreShort) {
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(999'949), "999.9 k");
  EXPECT_EQ(short_count(999'950), "1.0 M");
  EXPECT_EQ(short_count(2'500'000'000), "2.5 G");
  EXPECT_EQ(short_time(59'999ms), "0:59");
  EXPECT_EQ(short_time(3'723'000ms), "1:02:03");
}

}  // namespace
}  // namespace qc::platform
