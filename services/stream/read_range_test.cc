#include "stream/read_range.h"

#include <gtest/gtest.h>

#include <map>

#include "stream/memory_log.h"

namespace qc::stream {
namespace {

class ReadRangeTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<TopicSpec> specs{{"in", 3, Cleanup::Compact}, {"other", 1}};
    ASSERT_TRUE(log_.create_topics(specs));
  }

  void append(int partition, const std::string& key, int records = 1) {
    std::vector<NewRecord> all;
    for (int i = 0; i < records; ++i) all.push_back({{"in", partition}, key, std::to_string(i), {}});
    ASSERT_TRUE(log_.appender().value()->append(all));
  }

  // The offsets that were visited, by partition.
  using Offsets = std::map<int, std::vector<Offset>>;
  Offsets read(std::span<const Stretch> stretches) {
    Offsets seen;
    const auto done = read_range(log_, stretches, [&](const Record& r) {
      seen[r.from->partition].push_back(r.offset);
      return true;
    });
    EXPECT_TRUE(done) << describe(done.error());
    return seen;
  }
  Offsets read_whole() {
    const auto whole = whole_topic(log_, "in");
    EXPECT_TRUE(whole);
    return read(*whole);
  }

  MemoryLog log_;
};

TEST_F(ReadRangeTest, VisitsEveryRecordOfEveryPartitionInOrder) {
  append(0, "a", 10'000);
  append(2, "b", 3);
  const Offsets seen = read_whole();
  ASSERT_EQ(seen.size(), 2U);
  ASSERT_EQ(seen.at(0).size(), 10'000U);
  for (Offset i = 0; i < 10'000; ++i) EXPECT_EQ(seen.at(0)[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(seen.at(2), (std::vector<Offset>{0, 1, 2}));
}

TEST_F(ReadRangeTest, AnEmptyTopicAndAnEmptyStretchHaveNothing) {
  EXPECT_TRUE(read_whole().empty());
  append(0, "a", 3);
  EXPECT_TRUE(read(std::vector<Stretch>{{{"in", 0}, 2, 2}}).empty());
}

TEST_F(ReadRangeTest, ReadsOnlyTheStretch) {
  append(1, "a", 10);
  EXPECT_EQ(read(std::vector<Stretch>{{{"in", 1}, 3, 6}}), (Offsets{{1, {3, 4, 5}}}));
}

TEST_F(ReadRangeTest, WhatIsWrittenMeanwhileIsNotRead) {
  append(0, "a", 3);
  const auto whole = whole_topic(log_, "in");
  ASSERT_TRUE(whole);
  int visited = 0;
  const auto done = read_range(log_, *whole, [&](const Record&) {
    append(0, "later");
    append(1, "later");
    ++visited;
    return true;
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(visited, 3);
}

TEST_F(ReadRangeTest, GapsAtTheBeginningWithinAndAtTheEndArePassedOver) {
  append(0, "first");
  log_.leave_gap({"in", 0}, 50);
  append(0, "second");
  append(1, "gone", 4);
  log_.delete_before({"in", 1}, 4);
  log_.leave_gap({"in", 2}, 7);
  append(2, "after a gap");
  EXPECT_EQ(read(std::vector<Stretch>{{{"in", 0}, 0, 52}, {{"in", 1}, 0, 4}, {{"in", 2}, 0, 8}}),
            (Offsets{{0, {0, 51}}, {2, {7}}}));
  EXPECT_TRUE(read(std::vector<Stretch>{{{"in", 0}, 1, 51}}).empty());  // nothing but the gap
}

TEST_F(ReadRangeTest, TheVisitorMayHaveEnough) {
  append(0, "a", 100);
  const auto whole = whole_topic(log_, "in");
  int visited = 0;
  ASSERT_TRUE(read_range(log_, *whole, [&](const Record&) { return ++visited < 5; }));
  EXPECT_EQ(visited, 5);
}

TEST_F(ReadRangeTest, AStopEndsIt) {
  append(0, "a", 10'000);
  const auto whole = whole_topic(log_, "in");
  std::stop_source stop;
  int visited = 0;
  const auto done = read_range(
      log_, *whole,
      [&](const Record&) {
        stop.request_stop();
        ++visited;
        return true;
      },
      stop.get_token());
  ASSERT_TRUE(done);
  EXPECT_GT(visited, 0);
  EXPECT_LT(visited, 10'000);  // the batch at hand
}

TEST_F(ReadRangeTest, FailuresOfTheLogAreToldAndNotTakenForTheEnd) {
  append(0, "a", 3);
  const auto whole = whole_topic(log_, "in");
  ASSERT_TRUE(whole);
  log_.unavailable(true);
  const auto done = read_range(log_, *whole, [](const Record&) { return true; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::log_unavailable);
}

TEST_F(ReadRangeTest, AnUnknownTopicIsNamed) {
  const auto whole = whole_topic(log_, "nothing");
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, Errc::topic_unknown);
  EXPECT_EQ(partitions_of(log_, "in").value(), 3);
}

}  // namespace
}  // namespace qc::stream
