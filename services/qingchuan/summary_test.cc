#include "qingchuan/summary.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "core/output.h"
#include "core/reading_stage.h"
#include "core/testing.h"
#include "stream/memory_log.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::commands {
namespace {

using core::EventTime;
using core::Factor;
using core::Status;

const EventTime kEight = core::beijing_midnight(2026, 11, 23) + std::chrono::hours(8);

class SummaryTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<stream::TopicSpec> specs{
        {"rules", 1}, {"means", 2}, {"signals", 1}, {"dead-letters", 1}, {"processor-state", 2}};
    ASSERT_TRUE(log_.create_topics(specs));
    ASSERT_TRUE(store_.put_timeline(core::Timeline::Fed));
  }

  void append(const std::string& topic, int partition, std::string key, std::optional<std::string> value) {
    const stream::NewRecord record{{topic, partition}, std::move(key), std::move(value), {}};
    ASSERT_TRUE(log_.appender().value()->append({&record, 1}));
  }

  // `value` in ug/m3 or points; -1: closed without enough data.
  void mean(const std::string& site, Factor factor, int hour, int value, std::int32_t revision = 1,
            Status status = Status::Closed, int partition = 0) {
    core::Mean m;
    m.site = site;
    m.factor = factor;
    m.window = core::Window::H1;
    m.interval = {kEight + hour * core::kHour, kEight + (hour + 1) * core::kHour};
    m.valid = value >= 0;
    m.value = core::ug(std::max(value, 0));
    m.revision = revision;
    m.status = status;
    if (factor == Factor::AQI && value > 50) m.primary = {Factor::PM25, Factor::O3};
    append("means", partition, wire::mean_key(site, factor, m.window, m.interval.end),
           wire::encode_mean(m, {"00000000000000a1", 0}));
  }

  void signal(const std::string& id, const std::string& rule, std::int32_t revision, int level,
              core::SignalState state) {
    core::Signal s;
    s.id = id;
    s.rule = rule;
    s.subject = "S1";
    s.revision = revision;
    s.level = level;
    s.state = state;
    append("signals", 0, wire::signal_key("S1"), wire::encode_signal(s, {}));
  }

  void dead_letter(core::Reason reason, std::int32_t readings) {
    wire::DeadLetter letter;
    letter.source_topic = "readings";
    letter.reason = reason;
    letter.readings = readings;
    append("dead-letters", 0, "readings-0", wire::encode_dead_letter(letter, 100));
  }

  // The state's entry of a partition, made by a stage that took in `minutes` of three factors and then `malformed`.
  void state(int partition, std::uint32_t minutes, int malformed) {
    core::ReadingStage stage([](std::string_view) { return true; });
    stage.use(core::test_rules(), core::Timeline::Fed);
    core::Outputs out;
    stage.apply(core::Tick{kEight}, 0, out);
    core::ReadingBatch batch;
    batch.site = "S1";
    batch.received = core::receive_time(core::ms(kEight));
    batch.source = core::Source::Minute;
    batch.start = kEight - core::kHour;
    batch.step = std::chrono::minutes(1);
    for (const Factor f : {Factor::PM25, Factor::SO2, Factor::O3}) {
      batch.columns.push_back({f, static_cast<std::uint32_t>(batch.values.size()), minutes});
      for (std::uint32_t i = 0; i < minutes; ++i) {
        batch.values.push_back(core::ug(40));
        batch.flags.push_back(core::Flag::Normal);
      }
    }
    stage.apply(batch, 1, out);
    stage.apply(batch, 2, out);  // all duplicates
    if (malformed > 0) stage.reject({core::Reason::Garbage, malformed, "test"}, 3, out);
    stage.save_changed([&](std::string_view key, std::string_view bytes) {
      if (!bytes.empty()) append("processor-state", partition, std::string(key), std::string(bytes));
    });
  }

  Summary summary() {
    auto made = summarise(log_, store_);
    EXPECT_TRUE(made) << describe(made.error());
    return made ? *made : Summary{};
  }

  stream::MemoryLog log_;
  processor::RulesStore store_{log_};
};

TEST_F(SummaryTest, AnEmptyLogHasNothingButItsTime) {
  const Summary s = summary();
  EXPECT_EQ(s.timeline, core::Timeline::Fed);
  EXPECT_EQ(s.means, 0);
  EXPECT_FALSE(s.has_ledger);
  EXPECT_TRUE(s.sites.empty());
  EXPECT_FALSE(to_text(s, Language::Chinese).empty());
}

TEST_F(SummaryTest, CountsTheLatestRevisionOfEachHourWhereverItStands) {
  mean("S1", Factor::AQI, 0, 310, 2, Status::Amended);
  mean("S1", Factor::AQI, 0, 90, 1);  // an older revision that comes later
  mean("S1", Factor::AQI, 1, 500, 1);
  mean("S1", Factor::AQI, 1, 120, 2, Status::Amended);
  const Summary s = summary();
  EXPECT_EQ(s.means, 2);
  EXPECT_EQ(s.sites.at("S1").hours, 2);
  EXPECT_EQ(s.sites.at("S1").aqi_max, 310);
  EXPECT_EQ(s.sites.at("S1").classes, (std::array<std::int64_t, 6>{0, 0, 1, 0, 0, 1}));
  EXPECT_EQ(s.worst_aqi, 310);
}

TEST_F(SummaryTest, AnHourThatIsStillRunningIsNotCounted) {
  mean("S1", Factor::PM25, 0, 80, 1, Status::Running);
  mean("S1", Factor::PM25, 0, 70, 2, Status::Closed);
  mean("S1", Factor::PM25, 1, 80, 5, Status::Running);
  const Summary s = summary();
  EXPECT_EQ(s.means, 1);
  EXPECT_EQ(s.sites.at("S1").pm25_sum_pg, core::ug(70).pg);
  EXPECT_EQ(s.until_ms, core::ms(kEight + core::kHour));
}

TEST_F(SummaryTest, AnAmendmentThatTakesTheValidityAwayTakesTheHourOut) {
  mean("S1", Factor::PM25, 0, 80, 1);
  mean("S1", Factor::PM25, 0, -1, 2, Status::Amended);
  mean("S1", Factor::PM25, 1, 60, 1);
  const Summary s = summary();
  EXPECT_EQ(s.hours.at("PM2.5"), std::pair(std::int64_t{2}, std::int64_t{1}));
  EXPECT_EQ(s.sites.at("S1").pm25_hours, 1);
  EXPECT_EQ(s.sites.at("S1").pm25_sum_pg, core::ug(60).pg);
}

TEST_F(SummaryTest, OfEquallyBadHoursTheFirstIsTheWorst) {
  mean("S2", Factor::AQI, 3, 200, 1, Status::Closed, 1);
  mean("S3", Factor::AQI, 2, 200, 1, Status::Closed, 1);
  mean("S1", Factor::AQI, 2, 200);
  mean("S1", Factor::AQI, 0, 199);
  const Summary s = summary();
  EXPECT_EQ(s.worst_site, "S1");
  EXPECT_EQ(s.worst_end_ms, core::ms(kEight + 3 * core::kHour));
  EXPECT_EQ(s.worst_primary, "PM2.5+O3");
}

TEST_F(SummaryTest, AnEpisodeIsCountedOnceAtItsHighestLevelAndNotWhereItWasWithdrawn) {
  using enum core::SignalState;
  signal("aqi_level/S1/AQI/1", "aqi_level", 1, 1, Active);
  signal("aqi_level/S1/AQI/1", "aqi_level", 2, 3, Active);
  signal("aqi_level/S1/AQI/1", "aqi_level", 3, 0, Cleared);
  signal("aqi_level/S1/AQI/2", "aqi_level", 1, 1, Active);
  signal("hour_limit/S1/O3/3", "hour_limit", 1, 1, Stale);
  signal("hour_limit/S1/O3/4", "hour_limit", 1, 1, Active);
  signal("hour_limit/S1/O3/4", "hour_limit", 2, 1, Withdrawn);
  const Summary s = summary();
  const std::map<std::pair<std::string, int>, std::int64_t> expected = {
      {{"aqi_level", 1}, 1}, {{"aqi_level", 3}, 1}, {{"hour_limit", 1}, 1}};
  EXPECT_EQ(s.episodes, expected);
  EXPECT_EQ(s.open_episodes, 2);
}

TEST_F(SummaryTest, TheLedgerIsTheSumOfTheLatestStatesOfAllPartitionsAndBalances) {
  state(0, 5, 0);  // replaced by the next checkpoint
  state(0, 10, 7);
  state(1, 20, 0);
  const Summary s = summary();
  ASSERT_TRUE(s.has_ledger);
  EXPECT_EQ(s.ledger.in, 2 * 30 + 7 + 2 * 60);
  EXPECT_EQ(s.ledger.of(core::Account::Stored), 90);
  EXPECT_EQ(s.ledger.of(core::Account::Duplicate), 90);
  EXPECT_EQ(s.ledger.of(core::Account::Malformed), 7);
  EXPECT_TRUE(s.ledger.balanced());
}

TEST_F(SummaryTest, StateOfAnotherVersionIsAnErrorNotAGuess) {
  append("processor-state", 0, "P", std::string("\xff garbage"));
  const auto made = summarise(log_, store_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::state_version);
}

TEST_F(SummaryTest, DeadLettersAreCountedByReasonInReadings) {
  dead_letter(core::Reason::Garbage, 1);
  dead_letter(core::Reason::UnknownSite, 6);
  dead_letter(core::Reason::UnknownSite, 8);
  const std::map<std::string, std::int64_t> expected = {{std::string(core::name(core::Reason::Garbage)), 1},
                                                        {std::string(core::name(core::Reason::UnknownSite)), 14}};
  EXPECT_EQ(summary().dead_letters, expected);
}

class SummaryPage : public SummaryTest {
 protected:
  void SetUp() override {
    SummaryTest::SetUp();
    mean("S1", Factor::AQI, 0, 213);
    mean("S1", Factor::AQI, 1, 42);
    mean("S1", Factor::PM25, 0, 160);
    mean("S1", Factor::PM25, 1, 25);
    mean("S1", Factor::O3, 1, -1);
    signal("aqi_level/S1/AQI/1", "aqi_level", 1, 2, core::SignalState::Active);
    dead_letter(core::Reason::Garbage, 1);
    state(0, 10, 1);
  }
};

TEST_F(SummaryPage, IsTheSameTextForTheSameLog) {
  const std::string text = to_text(summary(), Language::English);
  EXPECT_EQ(text, to_text(summary(), Language::English));
  for (const char* line :
       {"  time                    fed\n", "  rules                   00000000000000a1\n",
        "  span                    2026-11-23T08:00 .. 2026-11-23T10:00\n", "  in                      61\n",
        "    stored                30\n", "    duplicate             30\n", "    malformed             1\n",
        "  balanced                yes\n", "  AQI                     2 closed, 2 valid\n",
        "  O3                      1 closed, 0 valid\n",
        "  worst hour              S1 2026-11-23T09:00 AQI 213 PM2.5+O3\n", "  level exceeded level 2  1\n",
        "  still open              1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "is not in\n" << text;
  }
  EXPECT_NE(text.find("S1                92.5    213   1 "), std::string::npos) << text;
  EXPECT_NE(to_text(summary(), Language::Chinese).find("重度污染"), std::string::npos);
}

TEST_F(SummaryPage, IsJsonForPrograms) {
  const std::string text = to_json(summary());
  EXPECT_EQ(text, to_json(summary()));
  const auto page = boost::json::parse(text).as_object();
  EXPECT_EQ(page.at("timeline").as_string(), "fed");
  EXPECT_EQ(page.at("until").as_string(), "2026-11-23T10:00:00+08:00");
  EXPECT_EQ(page.at("ledger").at("in").as_int64(), 61);
  EXPECT_TRUE(page.at("ledger").at("balanced").as_bool());
  EXPECT_EQ(page.at("hours").at("O3").at("valid").as_int64(), 0);
  EXPECT_EQ(page.at("sites").at("S1").at("aqi_max").as_int64(), 213);
  EXPECT_EQ(page.at("worst").at("aqi").as_int64(), 213);
  EXPECT_EQ(page.at("episodes").at(0).at("rule").as_string(), "aqi_level");
}

}  // namespace
}  // namespace qc::commands
