#include "qingchuan/live_play.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "platform/config.h"
#include "platform/log.h"
#include "simulator/load.h"
#include "stream/memory_log.h"
#include "stream/partition.h"
#include "wire/keys.h"
#include "wire/rules.h"

namespace qc::commands {
namespace {

using core::EventTime;
using simulator::kMinute;

constexpr int kPartitions = 2;
const EventTime kNow =
    core::beijing_midnight(2026, 11, 23) + std::chrono::minutes(14 * 60 + 20) + std::chrono::seconds(30);
const EventTime kLastMinute = core::floor_to(kNow, kMinute);
const EventTime kThreeHours = core::hour_of(kNow) - std::chrono::hours(3);

const platform::Loaded& config() {
  static const platform::Loaded loaded = platform::load_valid_config(QC_SOURCE_DIR "/config").value();
  return loaded;
}

// What a log's `readings` hold: packets by site and first minute, and ticks, in the order of each partition.
class LivePlayTest : public testing::Test {
 protected:
  using Key = std::pair<std::string, EventTime>;

  void SetUp() override {
    const std::vector<stream::TopicSpec> specs{{"readings", kPartitions}, {"tracks", 1}, {"events", 1}};
    ASSERT_TRUE(log_.create_topics(specs));
    auto rules = wire::build_rules(config().rules).value();
    for (auto it = rules.sites.begin(); it != rules.sites.end();) {
      it = it->second.region == "lishi" ? std::next(it) : rules.sites.erase(it);
    }
    rules_ = std::make_shared<const core::RuleSet>(std::move(rules));
    std::vector<std::pair<stream::TopicPartition, stream::Offset>> from;
    for (int p = 0; p < kPartitions; ++p) from.emplace_back(stream::TopicPartition{"readings", p}, 0);
    reader_ = log_.reader(from).value();
  }

  std::unique_ptr<LivePlay> start(EventTime from, std::function<Result<void>()> hand_over = {}) {
    simulator::v1::Played played;
    *played.mutable_world() = simulator::load_plays(config()).world;
    played.mutable_scenario()->set_luck(0);
    played.set_seed(1);
    played.set_from_ms(core::ms(from));
    LivePlay::Options options;
    options.wall_ms = [this] { return wall_ms_.load(); };
    options.hand_over = std::move(hand_over);
    return std::make_unique<LivePlay>(log_, std::make_unique<simulator::Simulation>(played, rules_),
                                      std::move(options));
  }

  void read_until(EventTime minute) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const auto there = [&] {
      return std::all_of(rules_->sites.begin(), rules_->sites.end(), [&](const auto& site) {
        return got_.contains({site.first, minute});
      });
    };
    while (!there()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "no packet of " << core::to_iso(minute);
      ASSERT_NO_FATAL_FAILURE(read(stream::Milliseconds(50)));
    }
    ASSERT_NO_FATAL_FAILURE(read(stream::Milliseconds(0)));
  }

  void read(stream::Milliseconds wait) {
    stream::Batch batch;
    ASSERT_TRUE(reader_->poll(batch, 100'000, wait));
    for (const stream::Record& r : batch.records) {
      const wire::Decoded decoded = decoder_.decode(r.value);
      EventTime& now = now_[r.from->partition];
      if (const auto* tick = std::get_if<core::Tick>(&decoded)) {
        EXPECT_GT(tick->now, now);
        now = tick->now;
        ++ticks_;
        continue;
      }
      const auto* found = std::get_if<const core::ReadingBatch*>(&decoded);
      ASSERT_NE(found, nullptr);
      const core::ReadingBatch& packet = **found;
      EXPECT_EQ(packet.source, core::Source::Minute);
      EXPECT_LE(packet.start + kMinute, core::as_event(packet.received)) << "sent before the minute had ended";
      EXPECT_EQ(r.from->partition, stream::partition_of(r.key, kPartitions));
      const auto [it, is_new] = got_.try_emplace({std::string(packet.site), packet.start}, packet.values.front().pg);
      repeats_ += is_new ? 0 : 1;
      EXPECT_EQ(it->second, packet.values.front().pg) << "the same minute with another value";
    }
  }

  std::size_t packets(EventTime from, EventTime until) const {
    return rules_->sites.size() * static_cast<std::size_t>((until - from) / kMinute);
  }

  std::atomic<std::int64_t> wall_ms_{core::ms(kNow)};
  stream::MemoryLog log_;
  std::shared_ptr<const core::RuleSet> rules_;
  std::unique_ptr<stream::Reader> reader_;
  wire::InputDecoder decoder_;
  std::map<Key, std::int64_t> got_;
  std::map<int, EventTime> now_{{0, EventTime::min()}, {1, EventTime::min()}};
  int ticks_ = 0;
  int repeats_ = 0;
};

TEST_F(LivePlayTest, IntoAWallLogItSendsTheLastThreeHoursAtOnceAndWritesNoTime) {
  const auto play = start(kNow - std::chrono::hours(30));
  ASSERT_NO_FATAL_FAILURE(read(stream::Milliseconds(0)));  // they are there as soon as it is made
  EXPECT_EQ(got_.size(), packets(kThreeHours, kLastMinute));
  EXPECT_EQ(ticks_, 0);
}

TEST_F(LivePlayTest, SendsEachMinuteOnceAfterItsEnd) {
  const auto play = start(kNow - std::chrono::hours(30));
  for (int i = 1; i <= 2; ++i) {
    wall_ms_ = core::ms(kLastMinute + i * kMinute) + 5000;
    ASSERT_NO_FATAL_FAILURE(read_until(kLastMinute + (i - 1) * kMinute));
    EXPECT_EQ(got_.size(), packets(kThreeHours, kLastMinute + i * kMinute));
  }
  EXPECT_EQ(repeats_, 0);
}

TEST_F(LivePlayTest, ARestartGoesOnFromTheLogsLastTickWithTheSameValues) {
  { const auto play = start(kNow - std::chrono::hours(30)); }
  auto writer = LogWriter::open(log_).value();
  writer.tick(kNow);
  ASSERT_TRUE(writer.flush());
  wall_ms_ = core::ms(kNow + std::chrono::minutes(40));
  const auto play = start(kNow - std::chrono::hours(30));
  ASSERT_NO_FATAL_FAILURE(read(stream::Milliseconds(0)));
  EXPECT_EQ(got_.size(), packets(kThreeHours, kLastMinute + 40 * kMinute));
  EXPECT_EQ(static_cast<std::size_t>(repeats_), 2 * rules_->sites.size());  // what was on its way
}

TEST_F(LivePlayTest, AFullDiskDelaysButLosesAndDoublesNothingAndIsSaidInALine) {
  std::atomic<int> lines{0};
  const platform::LogCapture capture([&](std::string_view line) { lines += line.find("E204") != line.npos ? 1 : 0; });
  log_.fail_appends(2);
  const auto play = start(kNow - std::chrono::hours(30));
  read_until(kLastMinute - kMinute);
  EXPECT_EQ(got_.size(), packets(kThreeHours, kLastMinute));
  EXPECT_EQ(repeats_, 0);
  EXPECT_GE(lines.load(), 1);
}

// Minutes beyond slots_kept would only be counted as late.
TEST_F(LivePlayTest, AfterALongSleepItLeavesOutWhatNobodyTakesAnyMore) {
  const auto play = start(kNow - std::chrono::hours(30));
  wall_ms_ = core::ms(kNow + std::chrono::hours(12));
  read_until(kLastMinute + std::chrono::hours(12) - kMinute);
  EXPECT_EQ(got_.size(), packets(kThreeHours, kLastMinute) + packets(core::hour_of(kNow + std::chrono::hours(7)),
                                                                     kLastMinute + std::chrono::hours(12)));
}

TEST_F(LivePlayTest, AHistoryIsPlayedWithItsTimeAndHandedOverOnce) {
  std::atomic<int> handed{0};
  const EventTime from = kNow - std::chrono::hours(10);
  log_.fail_appends(2);
  {
    const auto play = start(core::hour_of(from), [&]() -> Result<void> {
      ++handed;
      return {};
    });
    read_until(kLastMinute - kMinute);
    wall_ms_ = core::ms(kLastMinute + kMinute) + 5000;
    read_until(kLastMinute);
  }
  EXPECT_EQ(handed.load(), 1);
  EXPECT_EQ(got_.size(), packets(core::hour_of(from), kLastMinute + kMinute));
  EXPECT_EQ(repeats_, 0);
  // From the tenth minute of the first hour to the last minute of the history; the minute after it has none of ours.
  const auto minutes = (kLastMinute - core::hour_of(from)) / kMinute - 9;
  EXPECT_NEAR(ticks_, static_cast<double>(static_cast<double>(minutes * kPartitions)), kPartitions);
}

TEST_F(LivePlayTest, AHistoryThatWasInterruptedGoesOnAfterItsLastTick) {
  const EventTime from = core::hour_of(kNow - std::chrono::hours(10));
  wall_ms_ = core::ms(kNow - std::chrono::hours(5));
  {
    std::atomic<bool> tried{false};
    const auto play = start(from, [&]() -> Result<void> {
      tried = true;
      return fail(Errc::log_full, "not now");
    });
    read_until(core::floor_to(kNow - std::chrono::hours(5), kMinute) - kMinute);
  }
  wall_ms_ = core::ms(kNow);
  const auto play = start(from, [] { return Result<void>(); });
  read_until(kLastMinute - kMinute);
  EXPECT_EQ(got_.size(), packets(from, kLastMinute));
  EXPECT_EQ(repeats_, 0);
}

}  // namespace
}  // namespace qc::commands
