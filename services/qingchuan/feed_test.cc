#include "qingchuan/feed.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "stream/memory_log.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

const core::EventTime kMidnight = core::beijing_midnight(2013, 12, 5);

// Three hours, each named by its end, of two sites; the second source goes on where the first is asked to stop.
constexpr const char* kFirst =
    "time,site,factor,value,unit\n"
    "2013-12-04T23:00,Dongsi,SO2,1,ug/m3\n2013-12-04T23:00,Elsewhere,SO2,2,ug/m3\n"
    "2013-12-05T00:00,Dongsi,SO2,3,ug/m3\n"
    "2013-12-05T01:00,Dongsi,SO2,4,ug/m3\n2013-12-05T01:00,Elsewhere,SO2,5,ug/m3\n";
constexpr const char* kSecond =
    "time,site,factor,value,unit\n"
    "2013-12-05T00:00,东四,SO2,6,ug/m3\n"
    "2013-12-05T01:00,东四,SO2,7,ug/m3\n";

class FeedTest : public testing::Test {
 protected:
  // One reading as it stands in the log.
  struct Said {
    std::string site;
    core::EventTime start;
    std::int64_t value;
    bool operator==(const Said&) const = default;
  };

  void SetUp() override {
    const std::vector<stream::TopicSpec> specs{{"readings", 1}, {"tracks", 1}};
    ASSERT_TRUE(log_.create_topics(specs));
    rules_.sites["东四"].id = "东四";
    rules_.aliases["Dongsi"] = "东四";
  }

  FeedReport feed(const char* text, FeedOptions options) {
    wire::FileOptions file;
    file.interval = core::kHour;
    file.label = wire::Label::End;
    std::vector<std::unique_ptr<wire::FileReader>> files;
    files.push_back(wire::open_text("text", text, file).value());
    wire::Merge merge(std::move(files));
    const auto report = Feed(log_, merge, rules_, std::move(options)).run({});
    EXPECT_TRUE(report) << describe(report.error());
    return report.value_or(FeedReport{});
  }

  std::vector<Said> readings() {
    std::vector<Said> said;
    wire::InputDecoder decoder;
    registered_.clear();
    const auto read = stream::read_range(log_, *stream::whole_topic(log_, "readings"), [&](const stream::Record& r) {
      const wire::Decoded record = decoder.decode(r.value);
      if (const auto* site = std::get_if<core::Register>(&record)) registered_.push_back(site->site);
      if (const auto* const* batch = std::get_if<const core::ReadingBatch*>(&record)) {
        said.push_back({std::string((*batch)->site), (*batch)->start, (*batch)->values.front().pg / 1'000'000});
      }
      return true;
    });
    EXPECT_TRUE(read);
    return said;
  }

  stream::MemoryLog log_;
  core::RuleSet rules_;
  std::vector<std::string> registered_;
};

TEST_F(FeedTest, AnAliasIsReadAsItsSiteAndOthersAreRegistered) {
  const FeedReport report = feed(kFirst, {});
  EXPECT_EQ(report.packets, 5);
  EXPECT_EQ(report.sites, 2u);
  const core::Duration h = core::kHour;
  EXPECT_EQ(readings(), (std::vector<Said>{{"东四", kMidnight - 2 * h, 1},
                                           {"Elsewhere", kMidnight - 2 * h, 2},
                                           {"东四", kMidnight - h, 3},
                                           {"东四", kMidnight, 4},
                                           {"Elsewhere", kMidnight, 5}}));
  EXPECT_EQ(registered_, std::vector<std::string>{"Elsewhere"});
}

TEST_F(FeedTest, TwoSourcesOfASiteFollowEachOtherWithoutADouble) {
  FeedOptions until;
  until.only.end = kMidnight;
  until.known_only = true;
  const FeedReport first = feed(kFirst, until);
  EXPECT_EQ(first.packets, 2);
  EXPECT_EQ(first.outside_packets, 2);
  EXPECT_EQ(first.unknown_packets, 1);
  FeedOptions from;
  from.only.start = kMidnight;
  const FeedReport second = feed(kSecond, from);
  EXPECT_EQ(second.packets, 1);
  EXPECT_EQ(second.outside_packets, 1);
  EXPECT_EQ(readings(), (std::vector<Said>{{"东四", kMidnight - 2 * core::kHour, 1},
                                           {"东四", kMidnight - core::kHour, 3},
                                           {"东四", kMidnight, 7}}));
  EXPECT_TRUE(registered_.empty());
}

TEST_F(FeedTest, TheTimeOfWhatIsLeftOutIsNotTheLogs) {
  FeedOptions until;
  until.only.end = kMidnight;
  const FeedReport report = feed(kFirst, until);
  EXPECT_EQ(report.last, kMidnight);
  const auto ticks = LogWriter::open(log_)->last_ticks();
  ASSERT_TRUE(ticks);
  EXPECT_EQ(ticks->greatest, kMidnight + until.close_after);
}

}  // namespace
}  // namespace qc::commands
