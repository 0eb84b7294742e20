#include "qingchuan/watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "core/output.h"
#include "core/testing.h"
#include "stream/memory_log.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

const core::EventTime kNine = core::beijing_midnight(2026, 11, 23) + std::chrono::hours(9);

// Those of the hash "new" call S1 by another name.
RulesOf rules() {
  const auto named = [](const char* s1) {
    auto r = std::make_shared<core::RuleSet>(*core::test_rules());
    r->sites.at("S1").name = s1;
    r->sites.at("S2").name = "离石城北";
    return r;
  };
  return [old = named("孝义城区"), renamed = named("孝义新城区")](const std::string& hash) {
    if (hash == "lost") return std::shared_ptr<const core::RuleSet>();
    return std::shared_ptr<const core::RuleSet>(hash == "new" ? renamed : old);
  };
}

v1::Mean mean(const std::string& site, int aqi, v1::Status status = v1::CLOSED) {
  v1::Mean m;
  m.set_site(site);
  m.set_factor(v1::AQI);
  m.set_window(v1::H1);
  m.set_start_ms(core::ms(kNine - core::kHour));
  m.set_end_ms(core::ms(kNine));
  m.set_value(aqi * core::kMillion);
  m.set_valid(true);
  m.set_status(status);
  return m;
}

v1::Signal signal(v1::SignalState state) {
  v1::Signal s;
  s.set_id("reading_over_limit/S1/SO2/1");
  s.set_revision(1);
  s.set_rule("reading_over_limit");
  s.set_subject("S1");
  s.set_factor(v1::SO2);
  s.set_window(v1::READING);
  s.set_level(1);
  s.set_state(state);
  s.set_at_ms(core::ms(kNine + std::chrono::minutes(5)));
  s.set_value(612 * core::kMillion);
  s.set_limit(500 * core::kMillion);
  s.set_clause("GB 3095-2026 table 1");
  return s;
}

TEST(Watch, AValueHasTheDigitsThatAPersonReadsAndAllWhereFewerWouldStandAtTheLimit) {
  Watch zh(rules(), Language::Chinese, false);
  v1::Signal s = signal(v1::ACTIVE);
  s.set_value(612'345'678);
  EXPECT_NE(zh.on_signal(s).find("612.3 ug/m3 > 500 ug/m3"), std::string::npos);
  s.set_value(500'012'345);
  EXPECT_NE(zh.on_signal(s).find("500.012345 ug/m3 > 500 ug/m3"), std::string::npos);
}

TEST(Watch, ASignalIsOneLine) {
  Watch zh(rules(), Language::Chinese, false);
  EXPECT_EQ(zh.on_signal(signal(v1::ACTIVE)),
            "[2026-11-23 09:05] ▲ 孝义城区 SO2 读数超限 发生 1级: 612 ug/m3 > 500 ug/m3 (GB 3095-2026 table 1)\n");
  Watch en(rules(), Language::English, false);
  EXPECT_EQ(en.on_signal(signal(v1::ACTIVE)),
            "[2026-11-23 09:05] ▲ 孝义城区 SO2 reading over limit active level 1: 612 ug/m3 > 500 ug/m3 "
            "(GB 3095-2026 table 1)\n");
}

TEST(Watch, TheEndOfASignalIsMarkedAsOne) {
  Watch en(rules(), Language::English, false);
  v1::Signal s = signal(v1::CLEARED);
  s.set_value(420 * core::kMillion);
  EXPECT_EQ(en.on_signal(s),
            "[2026-11-23 09:05] ▽ 孝义城区 SO2 reading over limit cleared level 1: 420 ug/m3 <= 500 ug/m3 "
            "(GB 3095-2026 table 1)\n");
  for (const v1::SignalState open : {v1::ACTIVE, v1::STALE}) {
    EXPECT_NE(en.on_signal(signal(open)).find("▲"), std::string::npos);
  }
  for (const v1::SignalState ended : {v1::CLEARED, v1::ENDED_NO_DATA, v1::WITHDRAWN}) {
    EXPECT_NE(en.on_signal(signal(ended)).find("▽"), std::string::npos);
  }
}

TEST(Watch, CarbonMonoxideIsInMilligramsAndAnIndexHasNoUnit) {
  Watch en(rules(), Language::English, false);
  v1::Signal s = signal(v1::ACTIVE);
  s.set_factor(v1::CO);
  s.set_value(12'500 * core::kMillion);
  s.set_limit(10'000 * core::kMillion);
  EXPECT_NE(en.on_signal(s).find(": 12.5 mg/m3 > 10 mg/m3 "), std::string::npos);
  s.set_factor(v1::AQI);
  s.set_rule("aqi_level");
  s.set_value(213 * core::kMillion);
  s.set_limit(200 * core::kMillion);
  EXPECT_NE(en.on_signal(s).find("AQI level exceeded active level 1: 213 > 200 "), std::string::npos);
}

TEST(Watch, AClosedHourIsOneBlockOfItsStations) {
  Watch zh(rules(), Language::Chinese, false);
  v1::Mean bad = mean("S1", 213);
  bad.add_primary(v1::PM2_5);
  bad.add_primary(v1::PM10);
  zh.on_mean(bad);
  zh.on_mean(mean("S2", 42));
  EXPECT_EQ(zh.take(), "[2026-11-23 09:00] AQI 1h 整点:\n    孝义城区 213 重度污染 PM2.5+PM10 · 离石城北 42 优\n");
  EXPECT_EQ(zh.take(), "") << "it was taken";
  Watch en(rules(), Language::English, false);
  en.on_mean(bad);
  EXPECT_EQ(en.take(), "[2026-11-23 09:00] AQI 1h closed:\n    孝义城区 213 heavily polluted PM2.5+PM10\n");
}

TEST(Watch, RunningClosedAndAmendedValuesAndHoursAreNeverMixed) {
  Watch en(rules(), Language::English, false);
  v1::Mean next = mean("S1", 77, v1::RUNNING);
  next.set_end_ms(core::ms(kNine + core::kHour));
  en.on_mean(next);
  en.on_mean(mean("S2", 60, v1::AMENDED_AGAIN));
  en.on_mean(mean("S1", 55));
  EXPECT_EQ(en.take(),
            "[2026-11-23 09:00] AQI 1h closed:\n    孝义城区 55 good\n"
            "[2026-11-23 09:00] AQI 1h amended:\n    离石城北 60 good\n"
            "[2026-11-23 10:00] AQI 1h running:\n    孝义城区 77 good\n");
}

TEST(Watch, OfRunningValuesThatComeTogetherEachStationsLastIsShown) {
  Watch en(rules(), Language::English, false);
  for (const int aqi : {70, 71, 72}) {
    en.on_mean(mean("S1", aqi, v1::RUNNING));
    en.on_mean(mean("S2", aqi - 20, v1::RUNNING));
  }
  EXPECT_EQ(en.take(), "[2026-11-23 09:00] AQI 1h running:\n    孝义城区 72 good · 离石城北 52 good\n");
}

TEST(Watch, ADayIsABlockOfItsOwnUnderItsDateAndOtherWindowsAreNotShown) {
  Watch zh(rules(), Language::Chinese, false);
  v1::Mean day = mean("S1", 132);
  day.set_window(v1::DAY);
  day.set_start_ms(core::ms(core::beijing_midnight(2026, 11, 22)));
  day.set_end_ms(core::ms(core::beijing_midnight(2026, 11, 23)));
  zh.on_mean(day);
  v1::Mean so_far = day;
  so_far.set_status(v1::RUNNING);
  zh.on_mean(so_far);
  v1::Mean trailing = mean("S1", 99);
  trailing.set_window(v1::H24);
  zh.on_mean(trailing);
  EXPECT_EQ(zh.take(), "[2026-11-22] 日 AQI 日报:\n    孝义城区 132 轻度污染\n");
  Watch en(rules(), Language::English, false, core::EventTime::max());
  day.set_status(v1::AMENDED_AGAIN);
  en.on_mean(day);
  EXPECT_EQ(en.take(), "");
  day.set_status(v1::CLOSED);
  en.on_mean(day);
  EXPECT_EQ(en.take(), "[2026-11-22] AQI of the day closed:\n    孝义城区 132 lightly polluted\n");
}

TEST(Watch, ASignalThatIsNoConcentrationHasItsOwnUnitAndMarksAreSaid) {
  Watch zh(rules(), Language::Chinese, false);
  v1::Signal s = signal(v1::ACTIVE);
  s.set_rule("suspect_stuck");
  s.set_factor(v1::CO);
  s.set_unit(v1::HOURS);
  s.set_value(9 * core::kMillion);
  s.set_limit(8 * core::kMillion);
  s.add_marks(v1::STUCK);
  s.clear_clause();
  EXPECT_EQ(zh.on_signal(s), "[2026-11-23 09:05] ▲ 孝义城区 CO 数据不变 发生 1级: 9 h > 8 h [疑似恒值]\n");
}

TEST(Watch, AHistoryThatEndsIsShownInWholeBlocksAFewSignalsOfEachRuleAndTheirCount) {
  const core::EventTime now = kNine + std::chrono::hours(24);
  Watch en(rules(), Language::English, false, now);
  v1::Mean eight = mean("S1", 55);
  eight.set_end_ms(core::ms(kNine - core::kHour));  // 08:00: every sixth hour
  en.on_mean(eight);
  EXPECT_EQ(en.take(), "");  // others of that hour may still come
  v1::Mean next = eight;
  next.set_end_ms(core::ms(kNine + std::chrono::hours(5)));
  en.on_mean(next);
  EXPECT_EQ(en.take(), "[2026-11-23 08:00] AQI 1h closed:\n    孝义城区 55 good\n");
  int shown = 0;
  for (int i = 0; i < 5; ++i) shown += en.on_signal(signal(v1::ACTIVE)).empty() ? 0 : 1;
  EXPECT_EQ(shown, 3);
  EXPECT_EQ(en.on_tick(now - core::kHour), "");
  EXPECT_EQ(en.on_tick(now),
            "[2026-11-23 14:00] AQI 1h closed:\n    孝义城区 55 good\n"
            "[2026-11-24 09:00] the history is played; signals in it: reading over limit 5\n");
  EXPECT_EQ(en.on_tick(now + core::kHour), "");
  en.on_mean(mean("S1", 55));
  EXPECT_EQ(en.take(), "");  // still every sixth hour of it
  v1::Signal live = signal(v1::ACTIVE);
  live.set_at_ms(core::ms(now));
  EXPECT_NE(en.on_signal(live), "");
}

TEST(Watch, WhatIsNoValidIndexIsNotShown) {
  Watch en(rules(), Language::English, false);
  v1::Mean invalid = mean("S1", 0);
  invalid.set_valid(false);
  en.on_mean(invalid);
  v1::Mean pm = mean("S1", 50);
  pm.set_factor(v1::PM2_5);
  en.on_mean(pm);
  EXPECT_EQ(en.take(), "");
}

// History played fast: what a person can follow.
TEST(Watch, InBriefOnlyEverySixthClosedHourAndSignalsOfLevelTwoAreShown) {
  Watch brief(rules(), Language::English, false, core::EventTime::max());
  EXPECT_EQ(brief.on_signal(signal(v1::ACTIVE)), "");
  v1::Signal heavy = signal(v1::ACTIVE);
  heavy.set_level(2);
  EXPECT_NE(brief.on_signal(heavy), "");
  brief.on_mean(mean("S1", 55));  // 09:00
  EXPECT_EQ(brief.take(), "");
  v1::Mean sixth = mean("S1", 55);
  sixth.set_end_ms(core::ms(kNine + 5 * core::kHour));  // 14:00
  brief.on_mean(sixth);
  EXPECT_NE(brief.take(), "");
  sixth.set_status(v1::RUNNING);
  brief.on_mean(sixth);
  EXPECT_EQ(brief.take(), "");
}

TEST(Watch, AStationThatTheRulesDoNotNameHasItsId) {
  Watch en(rules(), Language::English, false);
  en.on_mean(mean("Dongsi", 12));
  EXPECT_NE(en.take().find("    Dongsi 12 excellent\n"), std::string::npos);
}

TEST(Watch, LevelsHaveTheirColoursOnATerminalOnly) {
  Watch colour(rules(), Language::English, true);
  colour.on_mean(mean("S1", 213));
  EXPECT_NE(colour.take().find("\033[38;5;126m213\033[0m"), std::string::npos);
  Watch plain(rules(), Language::English, false);
  plain.on_mean(mean("S1", 213));
  EXPECT_EQ(plain.take().find('\033'), std::string::npos);
}

TEST(Words, ALevelBeginsJustAboveTheOneBefore) {
  const std::array<std::pair<int, int>, 12> cases = {{{0, 0},
                                                      {50, 0},
                                                      {51, 1},
                                                      {100, 1},
                                                      {101, 2},
                                                      {150, 2},
                                                      {151, 3},
                                                      {200, 3},
                                                      {201, 4},
                                                      {300, 4},
                                                      {301, 5},
                                                      {500, 5}}};
  for (const auto& [aqi, cls] : cases) EXPECT_EQ(aqi_class(aqi), cls) << aqi;
}

TEST(Watch, ASiteIsCalledAsInTheRulesThatJudgedIt) {
  Watch en(rules(), Language::English, false);
  v1::Signal s = signal(v1::ACTIVE);
  EXPECT_NE(en.on_signal(s).find(" 孝义城区 SO2 "), std::string::npos);
  s.mutable_origin()->set_rules("new");
  EXPECT_NE(en.on_signal(s).find(" 孝义新城区 SO2 "), std::string::npos);
  s.mutable_origin()->set_rules("lost");
  EXPECT_NE(en.on_signal(s).find(" S1 SO2 "), std::string::npos);
}

// Its stdout goes to a file for the time of the test; the file's growth is what is waited for.
TEST(Watcher, ShowsWhatComesAfterItsStartAndNothingBefore) {
  stream::MemoryLog log;
  const std::vector<stream::TopicSpec> specs{{"means", 2}, {"signals", 1}};
  ASSERT_TRUE(log.create_topics(specs));
  const auto append = [&](const std::string& id) {
    core::Signal s;
    s.id = id;
    s.revision = 1;
    s.rule = "hour_limit";
    s.subject = id;
    s.factor = core::Factor::O3;
    s.window = core::Window::H1;
    s.level = 1;
    s.state = core::SignalState::Active;
    s.at = kNine;
    s.value = core::ug(230);
    s.limit = core::ug(200);
    const stream::NewRecord record{{"signals", 0}, wire::signal_key(id), wire::encode_signal(s, {}), {}};
    ASSERT_TRUE(log.appender().value()->append({&record, 1}));
  };
  append("earlier");
  testing::internal::CaptureStdout();
  {
    Watcher watcher(log, Watch(rules(), Language::English, false));
    append("later");
    core::Mean m;
    m.site = "S2";
    m.factor = core::Factor::AQI;
    m.window = core::Window::H1;
    m.interval = {kNine - core::kHour, kNine};
    m.value = core::ug(88);
    m.valid = true;
    m.status = core::Status::Closed;
    const stream::NewRecord record{
        {"means", 1}, wire::mean_key(m.site, m.factor, m.window, m.interval.end), wire::encode_mean(m, {}), {}};
    EXPECT_TRUE(log.appender().value()->append({&record, 1}));
    const auto expected = static_cast<off_t>(
        std::string("[2026-11-23 09:00] ▲ later O3 hour limit active level 1: 230 ug/m3 > 200 ug/m3\n"
                    "[2026-11-23 09:00] AQI 1h closed:\n    离石城北 88 good\n")
            .size());
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    struct stat written {};
    while (fstat(STDOUT_FILENO, &written) == 0 && written.st_size < expected &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
  }
  const std::string shown = testing::internal::GetCapturedStdout();
  EXPECT_NE(shown.find("▲ later O3 hour limit active level 1: 230 ug/m3 > 200 ug/m3\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("[2026-11-23 09:00] AQI 1h closed:\n    离石城北 88 good\n"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("earlier"), std::string::npos) << shown;
}

}  // namespace
}  // namespace qc::commands
