#include "qingchuan/live_source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <tuple>

#include "core/testing.h"
#include "platform/log.h"
#include "stream/memory_log.h"
#include "stream/partition.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::commands {
namespace {

using core::Duration;
using core::EventTime;
using core::Factor;

constexpr Duration kMinute = std::chrono::minutes(1);
constexpr int kPartitions = 4;
const EventTime kMidnight = core::beijing_midnight(2026, 11, 23);

core::SiteInfo site_in(const std::string& id, const std::string& region) {
  core::SiteInfo site;
  site.id = id;
  site.name = id;
  site.region = region;
  site.root = "lvliang";
  site.kind = core::SiteKind::Evaluation;
  site.factors.assign(core::kSixPollutants.begin(), core::kSixPollutants.end());
  return site;
}

std::int64_t pg(const Invented& v) {
  return core::scaled(v.value.mantissa, v.value.decimals, v.unit)->pg;
}
double ug(const Invented& v) {
  return static_cast<double>(pg(v)) / 1e6;
}

double mean_of(const core::SiteInfo& site, Factor factor, EventTime from, Duration length) {
  double sum = 0;
  for (EventTime t = from; t < from + length; t += kMinute) sum += ug(invent(1, site, factor, t));
  return sum / static_cast<double>(length / kMinute);
}

TEST(Invent, IsAPureFunctionOfSeedSiteFactorAndMinute) {
  const core::SiteInfo a = site_in("A", "lishi");
  const core::SiteInfo b = site_in("B", "lishi");
  int other_seed = 0;
  int other_site = 0;
  for (EventTime t = kMidnight; t < kMidnight + std::chrono::hours(24); t += kMinute) {
    const Invented once = invent(1, a, Factor::PM25, t);
    const Invented again = invent(1, a, Factor::PM25, t);
    ASSERT_EQ(pg(once), pg(again));
    ASSERT_EQ(once.flag, again.flag);
    other_seed += pg(once) != pg(invent(2, a, Factor::PM25, t)) ? 1 : 0;
    other_site += pg(once) != pg(invent(1, b, Factor::PM25, t)) ? 1 : 0;
  }
  EXPECT_GT(other_seed, 1000);
  EXPECT_GT(other_site, 1000);
}

TEST(Invent, ValuesAreThoseThatInstrumentsShow) {
  for (const char* region : {"lishi", "xiaoyi"}) {
    core::SiteInfo site = site_in("A", region);
    site.factors.insert(site.factors.end(), {Factor::TSP, Factor::NOx, Factor::Pb, Factor::BaP});
    for (const Factor f : site.factors) {
      for (EventTime t = kMidnight; t < kMidnight + std::chrono::hours(24 * 365); t += 97 * kMinute) {
        const Invented v = invent(1, site, f, t);
        const bool trace = f == Factor::Pb || f == Factor::BaP;
        ASSERT_EQ(v.value.decimals, f == Factor::CO ? 3 : trace ? 5 : 1);
        ASSERT_EQ(v.unit, f == Factor::CO ? core::Unit::MgM3 : core::Unit::UgM3);
        ASSERT_GT(v.value.mantissa, 0) << core::name(f) << " at " << core::to_iso(t);
        ASSERT_LT(ug(v), f == Factor::CO ? 10'000 : 1000) << core::name(f) << " at " << core::to_iso(t);
      }
    }
  }
}

TEST(Invent, EachFactorHasItsDailyHabit) {
  const core::SiteInfo site = site_in("A", "lishi");
  const auto at = [&](Factor f, int hour) {
    return mean_of(site, f, kMidnight + std::chrono::hours(hour), core::kHour);
  };
  EXPECT_GT(at(Factor::PM25, 3), 1.5 * at(Factor::PM25, 13));
  EXPECT_GT(at(Factor::PM10, 3), 1.2 * at(Factor::PM10, 13));
  EXPECT_GT(at(Factor::NO2, 8), 1.5 * at(Factor::NO2, 3));
  EXPECT_GT(at(Factor::O3, 15), 2 * at(Factor::O3, 3));
}

TEST(Invent, ThePlainCountiesAreWorse) {
  for (const char* plain : {"fenyang", "xiaoyi", "jiaocheng", "wenshui"}) {
    const Duration week = std::chrono::hours(7 * 24);
    EXPECT_GT(mean_of(site_in("A", plain), Factor::PM25, kMidnight, week),
              1.3 * mean_of(site_in("A", "lishi"), Factor::PM25, kMidnight, week))
        << plain;
  }
}

// What makes reading_over_limit signals: SO2 above 500, but never for so long that the hour's mean is.
TEST(Invent, EachPlainCountyHasTwentyMinutesOfSulphurAboveTheLimitInEveryTwoHours) {
  for (EventTime from = kMidnight; from < kMidnight + std::chrono::hours(24); from += std::chrono::hours(2)) {
    for (const char* region : {"fenyang", "xiaoyi", "jiaocheng", "wenshui", "lishi"}) {
      core::SiteInfo site = site_in("A", region);
      int minutes = 0;
      for (EventTime t = from; t < from + std::chrono::hours(2); t += kMinute) {
        minutes += ug(invent(1, site, Factor::SO2, t)) > 500 ? 1 : 0;
      }
      EXPECT_EQ(minutes, region == std::string("lishi") ? 0 : 20) << region << " from " << core::to_iso(from);
      EXPECT_LT(mean_of(site, Factor::SO2, from, core::kHour), 450);
      site.kind = core::SiteKind::Background;
      for (EventTime t = from; t < from + std::chrono::hours(2); t += kMinute) {
        ASSERT_LT(ug(invent(1, site, Factor::SO2, t)), 150);
      }
    }
  }
}

// An early indicator speaks of the last half hour only: whenever somebody starts, there must be something in it.
TEST(Invent, AnyHalfHourHasReadingsAboveTheLimitSomewhere) {
  for (EventTime from = kMidnight; from < kMidnight + std::chrono::hours(6); from += kMinute) {
    int minutes = 0;
    for (EventTime t = from; t < from + 30 * kMinute; t += kMinute) {
      for (const char* region : {"fenyang", "xiaoyi", "jiaocheng", "wenshui"}) {
        minutes += ug(invent(1, site_in("A", region), Factor::SO2, t)) > 500 ? 1 : 0;
      }
    }
    ASSERT_GE(minutes, 10) << core::to_iso(from);
  }
}

TEST(Invent, FaultsAndGapsAreRareButOccur) {
  const core::SiteInfo site = site_in("A", "lishi");
  int faults = 0;
  int missing = 0;
  int all = 0;
  for (EventTime t = kMidnight; t < kMidnight + std::chrono::hours(24 * 7); t += kMinute) {
    for (const Factor f : core::kSixPollutants) {
      const core::Flag flag = invent(1, site, f, t).flag;
      faults += flag == core::Flag::Fault ? 1 : 0;
      missing += flag == core::Flag::Missing ? 1 : 0;
      ++all;
    }
  }
  EXPECT_GT(faults, 0);
  EXPECT_GT(missing, 0);
  EXPECT_LT(faults + missing, all / 100);
}

// What a log's `readings` hold, reading by reading.
class LiveSourceTest : public testing::Test {
 protected:
  struct Got {
    std::int64_t pg;
    core::Flag flag;
    bool operator==(const Got&) const = default;
  };
  using Key = std::tuple<std::string, std::int64_t, Factor>;  // site, minute's start, factor

  void SetUp() override {
    const std::vector<stream::TopicSpec> specs{{"readings", kPartitions}};
    ASSERT_TRUE(log_.create_topics(specs));
    auto rules = std::make_shared<core::RuleSet>();
    for (const auto& [id, region] : {std::pair{"A", "lishi"}, std::pair{"B", "xiaoyi"}, std::pair{"C", "fenyang"}}) {
      rules->sites[id] = site_in(id, region);
    }
    rules->sites["OLD"] = site_in("OLD", "lishi");
    rules->sites["OLD"].dated.until = kMidnight - std::chrono::hours(1000);
    rules_ = rules;
    std::vector<std::pair<stream::TopicPartition, stream::Offset>> from;
    for (int p = 0; p < kPartitions; ++p) from.emplace_back(stream::TopicPartition{"readings", p}, 0);
    reader_ = log_.reader(from).value();
  }

  std::unique_ptr<LiveSource> start() {
    LiveSource::Options options;
    options.wall_ms = [this] { return wall_ms_.load(); };
    return std::make_unique<LiveSource>(log_, rules_, kPartitions, options);
  }

  // Reads until the minute before `until` is there for site A, then what else is there.
  void read_until(EventTime until) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto there = [&] {
      for (const Factor f : core::kSixPollutants) {
        if (got_.contains({"A", core::ms(until - kMinute), f})) return true;
      }
      return false;
    };
    while (!there()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "no reading of " << core::to_iso(until - kMinute);
      ASSERT_NO_FATAL_FAILURE(read(stream::Milliseconds(50)));
    }
    ASSERT_NO_FATAL_FAILURE(read(stream::Milliseconds(0)));
  }

  void read(stream::Milliseconds wait) {
    stream::Batch batch;
    ASSERT_TRUE(reader_->poll(batch, 100'000, wait));
    for (const stream::Record& r : batch.records) {
      const wire::Decoded decoded = decoder_.decode(r.value);
      const auto* found = std::get_if<const core::ReadingBatch*>(&decoded);
      ASSERT_NE(found, nullptr) << "it writes readings only, never time or rules";
      const core::ReadingBatch& packet = **found;
      const std::string site(packet.site);
      EXPECT_TRUE(packet.rejected.empty());
      EXPECT_EQ(packet.source, core::Source::Minute);
      EXPECT_EQ(packet.step, kMinute);
      EXPECT_EQ(core::ms(packet.received), wall_ms_.load());
      EXPECT_LE(packet.start + kMinute, core::as_event(packet.received)) << "sent before the minute had ended";
      EXPECT_EQ(r.from->partition, stream::partition_of(wire::reading_key(site), kPartitions));
      EXPECT_EQ(r.key, wire::reading_key(site));
      for (const core::Column& c : packet.columns) {
        ASSERT_EQ(c.count, 1U);
        const Got value{packet.values[c.first].pg, packet.flags[c.first]};
        const auto [it, is_new] = got_.try_emplace({site, core::ms(packet.start), c.factor}, value);
        repeats_ += is_new ? 0 : 1;
        EXPECT_EQ(it->second, value) << "the same minute with another value";
      }
    }
  }

  std::map<Key, Got> invented(EventTime from, EventTime until) const {
    std::map<Key, Got> all;
    for (const char* id : {"A", "B", "C"}) {
      for (EventTime t = from; t < until; t += kMinute) {
        for (const Factor f : core::kSixPollutants) {
          const Invented v = invent(1, rules_->sites.at(id), f, t);
          if (v.flag != core::Flag::Missing) all[{id, core::ms(t), f}] = {pg(v), v.flag};
        }
      }
    }
    return all;
  }

  const EventTime now_ = kMidnight + std::chrono::hours(14) + std::chrono::minutes(20) + std::chrono::seconds(30);
  const EventTime minute_ = core::floor_to(now_, kMinute);
  const EventTime first_ = kMidnight + std::chrono::hours(11);  // three whole hours back
  std::atomic<std::int64_t> wall_ms_{core::ms(now_)};
  stream::MemoryLog log_;
  std::shared_ptr<const core::RuleSet> rules_;
  std::unique_ptr<stream::Reader> reader_;
  wire::InputDecoder decoder_;
  std::map<Key, Got> got_;
  int repeats_ = 0;
};

TEST_F(LiveSourceTest, SendsTheLastThreeWholeHoursAtOnceOfEverySiteInForce) {
  const auto source = start();
  read_until(minute_);
  EXPECT_EQ(got_, invented(first_, minute_));
  EXPECT_EQ(repeats_, 0);
}

// Otherwise ticks come between the minutes, and an hour closes half full, to be amended again and again.
TEST_F(LiveSourceTest, WhatIsFilledInIsThereAllAtOnce) {
  const auto source = start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (got_.empty() && std::chrono::steady_clock::now() < deadline) read(stream::Milliseconds(50));
  EXPECT_EQ(got_, invented(first_, minute_));
}

TEST_F(LiveSourceTest, SendsEachMinuteOnceAfterItsEnd) {
  const auto source = start();
  read_until(minute_);
  for (int i = 1; i <= 2; ++i) {
    wall_ms_ = core::ms(minute_ + i * kMinute) + 5000;
    read_until(minute_ + i * kMinute);
    EXPECT_EQ(got_, invented(first_, minute_ + i * kMinute));
  }
  EXPECT_EQ(repeats_, 0);
}

TEST_F(LiveSourceTest, ARestartSendsTheSameValuesAgain) {
  {
    const auto source = start();
    read_until(minute_);
  }
  const auto once = got_;
  const std::size_t readings = once.size();
  got_.clear();
  const auto source = start();
  read_until(minute_);
  EXPECT_EQ(got_, once);
  EXPECT_EQ(got_.size(), readings);
}

TEST_F(LiveSourceTest, AFullDiskDelaysButLosesAndDoublesNothingAndIsSaidInALine) {
  std::atomic<int> lines{0};
  const platform::LogCapture capture([&](std::string_view line) { lines += line.find("E204") != line.npos ? 1 : 0; });
  log_.fail_appends(2);
  const auto source = start();
  read_until(minute_);
  EXPECT_EQ(got_, invented(first_, minute_));
  EXPECT_EQ(repeats_, 0);
  EXPECT_GE(lines.load(), 1);
}

// Minutes beyond slots_kept would only be counted as late.
TEST_F(LiveSourceTest, AfterALongSleepItLeavesOutWhatNobodyTakesAnyMore) {
  const auto source = start();
  read_until(minute_);
  const auto before = got_;
  wall_ms_ = core::ms(now_ + std::chrono::hours(12));
  read_until(minute_ + std::chrono::hours(12));
  auto expected = invented(core::hour_of(now_ + std::chrono::hours(7)), minute_ + std::chrono::hours(12));
  expected.insert(before.begin(), before.end());
  EXPECT_EQ(got_, expected);
}

}  // namespace
}  // namespace qc::commands
