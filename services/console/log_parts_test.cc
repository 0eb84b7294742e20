// The parts of the console that work on a log: commands, the past, the follower.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "console/commands.h"
#include "console/console_testing.h"
#include "console/follower.h"
#include "console/history.h"
#include "console/means_from.h"

namespace qc::console {
namespace {

using fixture::kBegan;
using fixture::mean_record;

stream::NewRecord record_of(const core::AlertCommand& c, const std::string& root, core::EventTime sent) {
  return {{kCommands, 0}, c.key.subject, wire::encode_command(c, root, sent), {}};
}

core::AlertCommand acknowledge(const std::string& id) {
  return {id, {"aqi_level", "S1", core::Factor::AQI}, 1, "li", core::Acknowledge{"seen"}};
}

// What `done` was told, waited for.
class Told {
 public:
  std::function<void(CommandAnswer)> hear() {
    return [this](CommandAnswer answer) {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
      changed_.notify_all();
    };
  }
  CommandAnswer wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !answers_.empty(); }));
    return answers_.empty() ? CommandAnswer{} : answers_.back();
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<CommandAnswer> answers_;
};

class CommandDeskTest : public ::testing::Test {
 protected:
  CommandDeskTest() { fixture::set_up(log_); }
  std::unique_ptr<CommandDesk> desk(std::chrono::milliseconds within, std::size_t waiting = 10) {
    CommandDesk::Options o;
    o.answer_within = within;
    o.waiting_max = waiting;
    o.now = [] { return kBegan; };
    auto made = CommandDesk::create(log_, &record_of, std::move(o));
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  static void answer(CommandDesk& d, const std::string& id, core::Refusal refusal = core::Refusal::None) {
    core::CommandOutcome outcome;
    outcome.command = id;
    outcome.key = {"aqi_level", "S1", core::Factor::AQI};
    outcome.refusal = refusal;
    outcome.revision = 2;
    const std::string bytes = wire::encode_outcome(outcome, {});
    const stream::TopicPartition from{kOutcomes, 0};
    stream::Record record;
    record.from = &from;
    record.key = id;
    record.value = bytes;
    d.outcome(record);
  }
  stream::Offset written() { return log_.range({kCommands, 0})->end; }
  stream::MemoryLog log_;
};

TEST_F(CommandDeskTest, TheOutcomeReachesWhoSentTheCommandAndARepeatGetsItWithoutBeingWritten) {
  auto d = desk(std::chrono::seconds(60));
  Told first;
  d->send(acknowledge("c-1"), "P", first.hear());
  EXPECT_EQ(d->waiting(), 1U);
  answer(*d, "c-1", core::Refusal::AlreadyAcked);
  EXPECT_EQ(first.wait().kind, CommandAnswer::Kind::Outcome);
  EXPECT_EQ(first.wait().outcome.refusal, core::Refusal::AlreadyAcked);
  Told again;
  d->send(acknowledge("c-1"), "P", again.hear());
  EXPECT_EQ(again.wait().outcome.refusal, core::Refusal::AlreadyAcked);
  EXPECT_EQ(written(), 1);
}

TEST_F(CommandDeskTest, TwoWhoSendTheSameCommandBothHearOfIt) {
  auto d = desk(std::chrono::seconds(60));
  Told one;
  Told two;
  d->send(acknowledge("c-1"), "P", one.hear());
  d->send(acknowledge("c-1"), "P", two.hear());
  answer(*d, "c-1");
  EXPECT_TRUE(one.wait().outcome.refusal == core::Refusal::None);
  EXPECT_TRUE(two.wait().outcome.refusal == core::Refusal::None);
  EXPECT_EQ(written(), 2) << "the service answers the id once; the desk need not know";
}

TEST_F(CommandDeskTest, WithoutAnAnswerInTimeItIsLateOnce) {
  auto d = desk(std::chrono::milliseconds(1));
  Told told;
  d->send(acknowledge("c-1"), "P", told.hear());
  EXPECT_EQ(told.wait().kind, CommandAnswer::Kind::Late);
  answer(*d, "c-1");
  EXPECT_EQ(told.count(), 1U);
  EXPECT_EQ(d->waiting(), 0U);
}

TEST_F(CommandDeskTest, WhatCannotBeWrittenAndWhatIsTooManyFails) {
  Told full;
  Told waiting;  // until the desk goes
  Told refused;
  auto d = desk(std::chrono::seconds(60), 1);
  log_.fail_appends(1);
  d->send(acknowledge("c-1"), "P", full.hear());
  EXPECT_EQ(full.wait().kind, CommandAnswer::Kind::Failed);
  EXPECT_EQ(d->waiting(), 0U);
  d->send(acknowledge("c-2"), "P", waiting.hear());
  d->send(acknowledge("c-3"), "P", refused.hear());
  EXPECT_EQ(refused.wait().kind, CommandAnswer::Kind::Failed);
  EXPECT_EQ(written(), 1);
}

TEST_F(CommandDeskTest, WhoStillWaitsWhenItGoesIsToldThatItIsLate) {
  Told told;
  {
    auto d = desk(std::chrono::seconds(60));
    d->send(acknowledge("c-1"), "P", told.hear());
  }
  EXPECT_EQ(told.wait().kind, CommandAnswer::Kind::Late);
}

TEST(CommandId, IsOfTheAccountAndTheKeyAndTellsNeither) {
  EXPECT_EQ(command_id("li", "k"), command_id("li", "k"));
  EXPECT_NE(command_id("li", "k"), command_id("wang", "k"));
  EXPECT_NE(command_id("a", "bc"), command_id("ab", "c"));
  EXPECT_EQ(command_id("li", "k").size(), 34U);
}

// ---- the past ----------------------------------------------------------------------------------------------------

SeriesKey pm25(const char* site) {
  return {site, core::Factor::PM25, core::Window::H1};
}

TEST(History, ASeriesIsReadFromTheLogWithItsLatestRevisions) {
  stream::MemoryLog log;
  fixture::set_up(log);
  std::vector<stream::NewRecord> records;
  for (int h = 0; h < 100; ++h) {
    for (const char* site : {"S1", "S1|x", "S2"}) records.push_back(mean_record(site, kBegan + core::kHour * h, h));
  }
  records.push_back(mean_record("S1", kBegan + core::kHour * 10, 777, 2));
  fixture::append(log, records);
  History history(log, {});
  const auto found = history.series(pm25("S1"), false, {kBegan + core::kHour * 9, kBegan + core::kHour * 12});
  ASSERT_TRUE(found) << found.error().text;
  ASSERT_EQ(found->size(), 3U) << "(from, until]";
  EXPECT_EQ((*found)[0].value_pg, core::ug(777).pg);
  EXPECT_EQ((*found)[0].revision, 2);
  EXPECT_EQ((*found)[2].value_pg, core::ug(12).pg);
}

TEST(History, BeyondItsLimitsItSaysWhich) {
  stream::MemoryLog log;
  fixture::set_up(log);
  std::vector<stream::NewRecord> records;
  for (int h = 0; h < 100; ++h) records.push_back(mean_record("S1", kBegan + core::kHour * h, h));
  fixture::append(log, records);
  HistoryLimits few;
  few.records_max = 50;
  History history(log, few);
  const auto many = history.series(pm25("S1"), false, {kBegan, kBegan + core::kHour * 99});
  ASSERT_FALSE(many);
  EXPECT_THAT(many.error().text, testing::HasSubstr("records_max"));
  EXPECT_FALSE(history.series(pm25("S1"), false, {kBegan, kBegan + core::kHour * 24 * 365}));
  history.stop();
  EXPECT_EQ(history.series(pm25("S1"), false, {kBegan, kBegan + core::kHour}).error().code, Errc::stopped);
}

TEST(MeansFrom, BisectionNeverBeginsBehindWhatIsAskedForAndSavesMostOfTheWay) {
  stream::MemoryLog log;
  fixture::set_up(log);
  std::vector<stream::NewRecord> records;
  constexpr int kHours = 24 * 60;
  constexpr int kSites = 100;
  for (int h = 0; h < kHours; ++h) {
    for (int s = 0; s < kSites; ++s)
      records.push_back(mean_record("S" + std::to_string(s), kBegan + core::kHour * h, 1));
    // Corrections of the far past among them mislead nobody.
    if (h % 100 == 99) records.push_back(mean_record("S1", kBegan, 2, h));
  }
  fixture::append(log, records);
  for (const int h : {0, 1, 500, 1000, kHours - 1}) {
    const auto from = offset_of_means(log, {kMeans, 0}, kBegan + core::kHour * h);
    ASSERT_TRUE(from);
    EXPECT_LE(*from, h * kSites + h / 100) << h;
    EXPECT_GE(*from, h * kSites - 60'000) << h;
  }
  const auto last = last_of_means(log, {kMeans, 0});
  ASSERT_TRUE(last);
  EXPECT_EQ(*last, kBegan + core::kHour * (kHours - 1));
}

// ---- the follower ------------------------------------------------------------------------------------------------

TEST(FollowerTest, IsReadyOnceItHasReadWhatWasThereAndFollowsWhatComes) {
  stream::MemoryLog log;
  fixture::set_up(log);
  fixture::append(log, {fixture::alert_record(fixture::told("S1", 1)), mean_record("S1", kBegan, 40)});
  auto model = fixture::model();
  IdentityOptions who;
  who.now = [] { return kBegan; };
  auto identity = Identity::create(log, who);
  ASSERT_TRUE(identity);
  CommandDesk::Options desk;
  desk.now = [] { return kBegan; };
  auto commands = CommandDesk::create(log, &record_of, desk);
  ASSERT_TRUE(commands);
  FollowerOptions options;
  options.now = kBegan;
  auto follower = Follower::create(log, {*model, **identity, **commands}, options);
  ASSERT_TRUE(follower) << follower.error().text;
  EXPECT_EQ((*follower)->unready().size(), 1U);
  std::atomic<int> woken{0};
  model->feed().on_change([&] { ++woken; });
  {
    std::jthread running([&](const std::stop_token& stop) { EXPECT_TRUE((*follower)->run(stop)); });
    const auto eventually = [](auto&& holds) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (!holds() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
      return holds();
    };
    EXPECT_TRUE(eventually([&] { return (*follower)->unready().empty(); }));
    EXPECT_EQ(model->read([](const Tables& t) { return t.alerts.size() + t.series.all().size(); }), 2U);
    const int before = woken;
    fixture::append(log, {fixture::alert_record(fixture::told("S1", 2))});
    EXPECT_TRUE(eventually([&] { return model->feed().end() == 3 && woken > before; }));
  }
  EXPECT_GE((*follower)->records(), 3U);
}

}  // namespace
}  // namespace qc::console
