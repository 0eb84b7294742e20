#include "alerts/alerts_stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/alert_testing.h"
#include "qingchuan/v1/alert.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/codec.h"

namespace qc::alerts {
namespace {

namespace v1 = ::qingchuan::v1;
using core::AlertKey;
using core::SignalState;
using core::fixture::kAlertStart;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const AlertKey kKey{"aqi_level", "S1", core::Factor::AQI};
constexpr const char* kHash = "0123456789abcdef";

class Sink : public stream::StateSink {
 public:
  void put(std::string_view key, std::string_view value) override { entries[std::string(key)] = value; }
  void erase(std::string_view key) override { entries.erase(std::string(key)); }
  std::map<std::string, std::string> entries;
};

class AlertsStageTest : public ::testing::Test {
 protected:
  AlertsStageTest() {
    options_.upstreams = {{"processor", 2}, {"regions", 1}};
    stage_ = make();
  }

  std::unique_ptr<AlertsStage> make() {
    return std::make_unique<AlertsStage>(
        0, options_, [this](const std::string& hash) -> Result<std::shared_ptr<const core::RuleSet>> {
          asked_.push_back(hash);
          auto rules = std::make_shared<core::RuleSet>();
          rules->hash = hash;
          rules->alerts.notes_max = 1;
          return rules;
        });
  }

  // What one record of `topic` makes, by topic.
  std::map<std::string, std::vector<std::string>> give(const char* topic, const std::string& value,
                                                       bool tombstone = false) {
    const stream::TopicPartition from{topic, 0};
    stream::Record record;
    record.from = &from;
    record.offset = next_[topic]++;
    record.value = value;
    record.tombstone = tombstone;
    stream::StageOutputs out;
    EXPECT_TRUE(stage_->apply(record, out));
    std::map<std::string, std::vector<std::string>> made;
    for (const stream::NewRecord& r : out.records) made[r.to.topic].push_back(r.value.value_or("gone"));
    urgent_ = out.urgent;
    return made;
  }
  auto signal(int revision, SignalState state, int level, const std::string& root = "P") {
    core::Signal s = core::fixture::alert_signal(kKey, 1, revision, state, level);
    s.window = core::Window::H1;
    s.root = root;
    return give(kSignals, wire::encode_signal(s, {kHash, 3}));
  }
  auto tick(const char* upstream, int partition, core::EventTime now) {
    return give(kSignals, wire::encode_signal_tick(now, upstream, partition));
  }
  template <class What>
  auto command(const std::string& id, std::int64_t revision, What what, const std::string& root = "P") {
    return give(kCommands, wire::encode_command({id, kKey, revision, "li", what}, root, kAlertStart));
  }
  void tick_all(core::EventTime now) {
    tick("processor", 0, now);
    tick("processor", 1, now);
    tick("regions", 0, now);
  }

  StageOptions options_;
  std::vector<std::string> asked_;
  std::map<std::string, stream::Offset> next_;
  std::unique_ptr<AlertsStage> stage_;
  bool urgent_ = false;
};

template <class M>
M parsed(const std::string& bytes) {
  M m;
  EXPECT_TRUE(m.ParseFromString(bytes));
  return m;
}

TEST_F(AlertsStageTest, TimeIsTheLeastOfAllUpstreams) {
  tick("processor", 0, kAlertStart + seconds(5));
  tick("processor", 1, kAlertStart + seconds(9));
  EXPECT_EQ(stage_->core().now(), core::EventTime::min()) << "the regions have not said what time it is";
  tick("regions", 0, kAlertStart + seconds(7));
  EXPECT_EQ(stage_->core().now(), kAlertStart + seconds(5));
  tick("processor", 0, kAlertStart + seconds(8));
  EXPECT_EQ(stage_->core().now(), kAlertStart + seconds(7));
  tick("processor", 0, kAlertStart);
  EXPECT_EQ(stage_->core().now(), kAlertStart + seconds(7)) << "it never goes back";
}

TEST_F(AlertsStageTest, AnOutputSaysWhatItWasMadeFrom) {
  tick_all(kAlertStart);
  const auto made = signal(1, SignalState::Active, 2);
  EXPECT_TRUE(urgent_);
  ASSERT_EQ(made.at(kAlerts).size(), 1U);
  const auto alert = parsed<v1::AlertRecord>(made.at(kAlerts)[0]).alert();
  EXPECT_EQ(alert.key(), "aqi_level/S1/AQI");
  EXPECT_EQ(alert.telling(), v1::TELLING_ALERT);
  EXPECT_EQ(alert.signal().origin().rules(), kHash);
  EXPECT_EQ(alert.signal().origin().partition(), 3);
  EXPECT_EQ(alert.origin().signals(), 4);
  EXPECT_EQ(alert.origin().commands(), 0);
  EXPECT_EQ(alert.origin().rules(), kHash);
  ASSERT_EQ(made.at(kLedger).size(), 1U);
  EXPECT_EQ(parsed<v1::LedgerEntry>(made.at(kLedger)[0]).id(), "signals-0/3/1");
  EXPECT_THAT(asked_, ElementsAre(kHash));
}

TEST_F(AlertsStageTest, ACommandIsAnsweredAndTheRulesOfTheLogHold) {
  tick_all(kAlertStart);
  signal(1, SignalState::Active, 2);
  auto made = command("c1", 1, core::AddNote{"one"});
  EXPECT_EQ(parsed<v1::CommandOutcome>(made.at(kOutcomes).at(0)).refusal(), "");
  made = command("c2", 2, core::AddNote{"two"});
  EXPECT_EQ(parsed<v1::CommandOutcome>(made.at(kOutcomes).at(0)).refusal(), "notes_full");
  EXPECT_EQ(made.count(kAlerts), 0U);
  made = command("c1", 1, core::AddNote{"one"});
  EXPECT_EQ(parsed<v1::CommandOutcome>(made.at(kOutcomes).at(0)).refusal(), "") << "as it was answered before";
  EXPECT_EQ(made.count(kAlerts), 0U);
  made = command("c3", 1, core::Acknowledge{"seen"});
  const auto stale = parsed<v1::CommandOutcome>(made.at(kOutcomes).at(0));
  EXPECT_EQ(stale.refusal(), "stale_revision");
  EXPECT_EQ(stale.current().revision(), 2);
}

TEST_F(AlertsStageTest, WhatCannotBeTakenIsADeadLetterAndNothingElse) {
  tick_all(kAlertStart);
  for (const auto& made : {give(kSignals, "rubbish"), give(kCommands, "rubbish"), give(kSignals, ""),
                           signal(1, SignalState::Active, 2, ""), tick("processor", 2, kAlertStart + seconds(1)),
                           tick("nobody", 0, kAlertStart + seconds(1)), command("c", 1, core::AddNote{"n"}, "")}) {
    ASSERT_EQ(made.size(), 1U);
    EXPECT_EQ(made.begin()->first, kDeadLetters);
    EXPECT_EQ(parsed<v1::DeadLetter>(made.begin()->second.at(0)).stage(), kService);
  }
  EXPECT_THAT(give(kSignals, "", true), IsEmpty()) << "a tombstone says nothing";
  EXPECT_EQ(stage_->core().size(), 0U);
}

TEST_F(AlertsStageTest, ARowThatIsOverLeavesTheTopic) {
  core::AlertOutputs outputs;
  outputs.rows.push_back({"C/AQI/1", "C", "P", core::Factor::AQI, 1, 2, 3, false, kAlertStart, kAlertStart});
  const stream::TopicPartition from{kSignals, 0};
  stream::Record record;
  record.from = &from;
  stream::StageOutputs out;
  add_records(outputs, record, {}, nullptr, options_, out);
  ASSERT_EQ(out.records.size(), 2U);
  EXPECT_EQ(out.records[0].key, "@row|C/AQI/1");
  EXPECT_EQ(out.records[1].key, "@row|C/AQI/1");
  EXPECT_FALSE(out.records[1].value);
}

TEST_F(AlertsStageTest, ARestartChangesNothing) {
  tick_all(kAlertStart);
  signal(1, SignalState::Active, 2);
  command("c1", 1, core::Shelve{kAlertStart + seconds(60), "repair"});
  tick("processor", 0, kAlertStart + seconds(100));
  Sink sink;
  stage_->save(sink);
  auto restored = make();
  for (const auto& [key, value] : sink.entries) ASSERT_TRUE(restored->load(key, value)) << key;
  ASSERT_TRUE(restored->loaded());
  const auto go_on = [&] {
    std::vector<std::map<std::string, std::vector<std::string>>> made;
    made.push_back(tick("processor", 1, kAlertStart + seconds(70)));
    made.push_back(tick("regions", 0, kAlertStart + seconds(80)));  // the shelf's time is up
    made.push_back(command("c2", 2, core::Acknowledge{}));
    made.push_back(command("c3", 3, core::Acknowledge{}));
    made.push_back(signal(2, SignalState::Cleared, 2));
    return made;
  };
  const auto next = next_;
  const auto expected = go_on();
  EXPECT_EQ(expected[1].count(kAlerts), 1U);
  stage_ = std::move(restored);
  next_ = next;
  EXPECT_EQ(go_on(), expected);
}

TEST_F(AlertsStageTest, StateOfAnotherVersionStopsTheStart) {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"T", ""}, {"T", "\2"}, {"Z", "\1"}, {"", ""}}) {
    EXPECT_EQ(make()->load(key, value).error().code, Errc::state_version);
  }
}

}  // namespace
}  // namespace qc::alerts
