// The contract of log.h: retention and compaction.
#include <random>

#include "stream/log_contract_test.h"

namespace qc::stream {
namespace {

using namespace contract;
using std::chrono::hours;
using std::chrono::seconds;

TEST_P(LogCleanupContract, RetentionDropsTheOldAndNeverUsesAnOffsetTwice) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"in", 1, Cleanup::Delete, hours(2)}, {"kept", 1}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(std::vector{record("in", 0, "k", "old"), record("kept", 0, "k", "old")}));
  harness().advance(hours(1));
  ASSERT_OK((*appender)->append(std::vector{record("in", 0, "k", "young")}));
  harness().maintain();
  EXPECT_EQ(values_of(log(), {"in", 0}).size(), 2U);
  harness().advance(hours(1) + seconds(1));
  harness().maintain();
  EXPECT_EQ(values_of(log(), {"in", 0}), (std::vector<std::string>{"k=young"}));
  EXPECT_EQ(values_of(log(), {"kept", 0}), (std::vector<std::string>{"k=old"}));  // retention 0: for ever
  auto range = log().range({"in", 0});
  ASSERT_OK(range);
  EXPECT_GT(range->start, 0);
  harness().advance(hours(9));
  harness().maintain();
  EXPECT_TRUE(values_of(log(), {"in", 0}).empty());
  const auto emptied = log().range({"in", 0});
  ASSERT_OK(emptied);
  EXPECT_EQ(emptied->end, range->end);
  EXPECT_EQ(emptied->start, emptied->end);
  ASSERT_OK((*appender)->append(std::vector{record("in", 0, "k", "new")}));
  const auto all = read_all(log(), {"in", 0});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_GE(std::stoll(all[0]), emptied->end);
}

TEST_P(LogCleanupContract, RetentionGoesByTheTimeOfWritingThatARecordBrought) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"in", 1, Cleanup::Delete, hours(2)}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  std::vector<NewRecord> records = {record("in", 0, "k", "copied"), record("in", 0, "k", "new")};
  records[0].written_ms = LogHarness::kStartMs - 3 * 3'600'000;
  ASSERT_OK((*appender)->append(records));
  harness().maintain();
  EXPECT_EQ(values_of(log(), {"in", 0}), (std::vector<std::string>{"k=new"}));
}

TEST_P(LogCleanupContract, CompactionKeepsTheLastOfEachKeyWhereItStood) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"state", 1, Cleanup::Compact}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(std::vector{record("state", 0, "a", "1"), record("state", 0, "b", "1"),
                                            record("state", 0, "a", "2"), record("state", 0, "c", "1"),
                                            record("state", 0, "c", std::nullopt), record("state", 0, "a", "3")}));
  const auto before = read_all(log(), {"state", 0});
  const auto folded = fold(log(), {"state", 0});
  harness().advance(seconds(1));
  harness().maintain();
  EXPECT_EQ(fold(log(), {"state", 0}), folded);
  EXPECT_EQ(read_all(log(), {"state", 0}), (std::vector<std::string>{before[1], before[4], before[5]}));
  // The tombstone goes only when every slow reader has had its time; the rest stays.
  harness().advance(LogHarness::kTombstonesKept + seconds(1));
  harness().maintain();
  EXPECT_EQ(read_all(log(), {"state", 0}), (std::vector<std::string>{before[1], before[5]}));
  EXPECT_EQ(fold(log(), {"state", 0}), folded);
}

// A log that lay still for long: whoever reads an old value must still meet its tombstone, though that is old, too.
TEST_P(LogCleanupContract, AnOldTombstoneOutlivesTheOldValuesThatItErases) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"state", 1, Cleanup::Compact}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(
      std::vector{record("state", 0, "a", "1"), record("state", 0, "a", std::nullopt), record("state", 0, "b", "1")}));
  const auto before = read_all(log(), {"state", 0});
  harness().advance(LogHarness::kTombstonesKept * 3);
  harness().maintain();
  EXPECT_EQ(read_all(log(), {"state", 0}), (std::vector<std::string>{before[1], before[2]}));
  harness().advance(LogHarness::kTombstonesKept - seconds(1));
  ASSERT_OK((*appender)->append(std::vector{record("state", 0, "b", std::nullopt)}));
  harness().maintain();
  const auto both = read_all(log(), {"state", 0});
  EXPECT_EQ(both.size(), 2U) << "of a and of b";
  EXPECT_EQ(both[0], before[1]);
  harness().advance(seconds(2));
  harness().maintain();
  EXPECT_EQ(read_all(log(), {"state", 0}), std::vector<std::string>{both[1]}) << "that of b waits its own time";
  harness().advance(LogHarness::kTombstonesKept);
  harness().maintain();
  EXPECT_TRUE(read_all(log(), {"state", 0}).empty());
}

TEST_P(LogCleanupContract, CompactionSparesWhatIsYoungerThanItsLag) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"state", 1, Cleanup::Compact, Milliseconds(0), hours(1)}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(std::vector{record("state", 0, "a", "1"), record("state", 0, "a", "2")}));
  harness().advance(Milliseconds(hours(1)) - seconds(1));
  ASSERT_OK((*appender)->append(std::vector{record("state", 0, "a", "3")}));
  harness().maintain();
  EXPECT_EQ(values_of(log(), {"state", 0}).size(), 3U);
  harness().advance(seconds(2));
  harness().maintain();
  EXPECT_EQ(values_of(log(), {"state", 0}), (std::vector<std::string>{"a=2", "a=3"}));
}

TEST_P(LogCleanupContract, CompactionAtAnyTimeUnderAReaderGivesTheSameFold) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::string topic = "state" + std::to_string(seed);
    ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{topic, 1, Cleanup::Compact}}));
    auto appender = log().appender();
    ASSERT_OK(appender);
    std::mt19937 random(seed);
    std::map<std::string, std::string> truth, seen;
    const std::pair<TopicPartition, Offset> from[] = {{{topic, 0}, 0}};
    auto reader = log().reader(from);
    ASSERT_OK(reader);
    Batch batch;
    Offset last = -1;
    for (int i = 0; i < 150 || !batch.records.empty(); ++i) {
      if (i < 150) {
        const std::string key = "k" + std::to_string(random() % 9);
        if (random() % 5 == 0) {
          ASSERT_OK((*appender)->append(std::vector{record(topic, 0, key, std::nullopt)}));
          truth.erase(key);
        } else {
          truth[key] = std::to_string(i);
          ASSERT_OK((*appender)->append(std::vector{record(topic, 0, key, truth[key])}));
        }
        harness().advance(seconds(random() % 3));
        if (random() % 10 == 0) harness().maintain();
      }
      if (i >= 150 || random() % 3 == 0) {
        ASSERT_OK((*reader)->poll(batch, 1 + random() % 5, kNow));
        for (const Record& r : batch.records) {
          EXPECT_GT(r.offset, last);
          last = r.offset;
          if (r.tombstone) {
            seen.erase(std::string(r.key));
          } else {
            seen[std::string(r.key)] = r.value;
          }
        }
      } else if (batch.records.empty()) {
        batch.records.emplace_back();  // not at the end yet
      }
    }
    EXPECT_EQ(seen, truth);
    EXPECT_EQ(fold(log(), {topic, 0}), truth);
  }
}

TEST_P(LogCleanupContract, ATopicOfBothKindsIsCompactedAndItsOldRecordsGo) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"means", 1, Cleanup::CompactDelete, hours(2)}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(std::vector{record("means", 0, "a", "1"), record("means", 0, "a", "2")}));
  harness().advance(hours(1));
  ASSERT_OK((*appender)->append(std::vector{record("means", 0, "b", "1")}));
  harness().maintain();
  EXPECT_EQ(values_of(log(), {"means", 0}), (std::vector<std::string>{"a=2", "b=1"}));
  harness().advance(hours(1) + seconds(1));
  harness().maintain();
  EXPECT_EQ(values_of(log(), {"means", 0}), (std::vector<std::string>{"b=1"}));
}

TEST_P(LogCleanupContract, ACommittedOffsetThatIsNoLongerKeptGoesOnAtTheOldestKept) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"in", 1, Cleanup::Delete, hours(1)}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(std::vector{record("in", 0, "k", "old"), record("in", 0, "k", "old too")}));
  harness().advance(hours(2));
  ASSERT_OK((*appender)->append(std::vector{record("in", 0, "k", "young")}));
  harness().maintain();
  auto member = log().join({"group", {"in"}, "a"});
  ASSERT_OK(member);
  EXPECT_EQ(poll_until(**member, has_read(1)).values, (std::vector<std::string>{"young"}));
}

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LogCleanupContract);

}  // namespace qc::stream
