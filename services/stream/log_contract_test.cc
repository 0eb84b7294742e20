// The contract of log.h: topics, records, readers, appenders.
#include "stream/log_contract_test.h"

#include <atomic>
#include <thread>

namespace qc::stream {
namespace {

using namespace contract;
using std::chrono::hours;
using std::chrono::seconds;
using std::chrono::steady_clock;

TEST_P(LogContract, RecordsComeBackInTheOrderOfTheirAppendAndWhole) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 2}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  const std::string headers = encode_headers(std::vector<Header>{{"region", "510100"}});
  std::vector<NewRecord> records = {record("readings", 0, "a", "1"), record("readings", 1, "b", "2"),
                                    record("readings", 0, "", ""), record("readings", 0, std::string("\0x", 2), "4")};
  records[0].headers = headers;
  ASSERT_OK((*appender)->append(records));
  harness().advance(Milliseconds(250));
  ASSERT_OK((*appender)->append(std::vector{record("readings", 0, "gone", std::nullopt)}));

  const std::pair<TopicPartition, Offset> from[] = {{{"readings", 0}, 0}};
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  Batch batch;
  poll_whole(**reader, {"readings", 0}, 0, 4, batch);
  ASSERT_EQ(batch.records.size(), 4U);
  EXPECT_EQ(*batch.records[0].from, (TopicPartition{"readings", 0}));
  EXPECT_EQ(batch.records[0].key, "a");
  EXPECT_EQ(batch.records[0].value, "1");
  EXPECT_EQ(find_header(batch.records[0].headers.bytes(), "region"), "510100");
  EXPECT_EQ(batch.records[0].written_ms, LogHarness::kStartMs);
  EXPECT_EQ(batch.records[1].key, "");
  EXPECT_EQ(batch.records[1].value, "");
  EXPECT_FALSE(batch.records[1].tombstone);  // an empty value is a value
  EXPECT_EQ(batch.records[1].headers.bytes(), "");
  EXPECT_EQ(batch.records[2].key, std::string_view("\0x", 2));
  EXPECT_TRUE(batch.records[3].tombstone);
  EXPECT_EQ(batch.records[3].written_ms, LogHarness::kStartMs + 250);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_GT(batch.records[i].offset, batch.records[i - 1].offset);
  EXPECT_EQ(values_of(log(), {"readings", 1}), (std::vector<std::string>{"b=2"}));
}

TEST_P(LogContract, ARecordThatSaysWhenItWasWrittenKeepsThatTime) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 1}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  std::vector<NewRecord> records = {record("readings", 0, "copied", "1"), record("readings", 0, "new", "2")};
  records[0].written_ms = LogHarness::kStartMs - 86'400'000;
  ASSERT_OK((*appender)->append(records));
  const TopicPartition tp{"readings", 0};
  const std::pair<TopicPartition, Offset> from[] = {{tp, 0}};
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  Batch batch;
  poll_whole(**reader, tp, 0, 2, batch);
  ASSERT_EQ(batch.records.size(), 2U);
  EXPECT_EQ(batch.records[0].written_ms, LogHarness::kStartMs - 86'400'000);
  EXPECT_EQ(batch.records[1].written_ms, LogHarness::kStartMs);
}

TEST_P(LogContract, ViewsOfABatchStayGoodWhileAnotherBatchIsFilled) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 1}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  for (int i = 0; i < 40; ++i) {
    ASSERT_OK((*appender)->append(std::vector{record("readings", 0, "k", std::string(20'000, char('a' + i % 26)))}));
  }
  const std::pair<TopicPartition, Offset> from[] = {{{"readings", 0}, 0}};
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  Batch first, second;
  const TopicPartition tp{"readings", 0};
  poll_whole(**reader, tp, 0, 20, first);
  ASSERT_EQ(first.records.size(), 20U);
  const std::shared_ptr<void> kept = first.owner;
  const std::vector<Record> records = first.records;
  poll_whole(**reader, tp, records.back().offset + 1, 10, second);
  ASSERT_EQ(second.records.size(), 10U);
  poll_whole(**reader, tp, second.records.back().offset + 1, 10,
             first);  // somebody still holds its memory: it must take another
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(records[i].value, std::string(20'000, char('a' + i % 26)));
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(second.records[i].value, std::string(20'000, char('a' + (i + 20) % 26)));
  }
}

TEST_P(LogContract, CreatingTopicsAgainChangesSettingsButNeverThePartitionCount) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 2}, {"state", 2, Cleanup::Compact}}));
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 2, Cleanup::Delete, hours(1)}}));
  const auto changed = log().create_topics(std::vector<TopicSpec>{{"extra", 1}, {"readings", 3}});
  EXPECT_EQ(code_of(changed), Errc::partitions_changed);
  const auto topics = log().topics();
  ASSERT_OK(topics);
  ASSERT_EQ(topics->size(), 2U);  // `extra` was not made either
  std::map<std::string, TopicSpec> by_name;
  for (const TopicSpec& spec : *topics) by_name[spec.name] = spec;
  EXPECT_EQ(by_name["readings"], (TopicSpec{"readings", 2, Cleanup::Delete, hours(1), Milliseconds(0)}));
  EXPECT_EQ(by_name["state"].cleanup, Cleanup::Compact);
}

TEST_P(LogContract, UnknownTopicsAndPartitionsAreRefused) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 1}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  EXPECT_EQ(code_of((*appender)->append(std::vector{record("readings", 0, "a", "1"), record("raedings", 0, "b", "2")})),
            Errc::topic_unknown);
  EXPECT_EQ(code_of((*appender)->append(std::vector{record("readings", 1, "a", "1")})), Errc::topic_unknown);
  EXPECT_EQ(code_of((*appender)->append(std::vector{record("readings", -1, "a", "1")})), Errc::topic_unknown);
  EXPECT_TRUE(read_all(log(), {"readings", 0}).empty());  // all or nothing
  const auto range = log().range({"nowhere", 0});
  ASSERT_FALSE(range.has_value());
  EXPECT_EQ(range.error().code, Errc::topic_unknown);
}

TEST_P(LogContract, ARecordAboveTheLimitIsRefusedAndOneAtItIsKept) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 1}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  const std::string value(LogHarness::kRecordBytesMax - 1, 'x');
  EXPECT_EQ(code_of((*appender)->append(
                std::vector{record("readings", 0, "small", "1"), record("readings", 0, "ab", value)})),
            Errc::record_too_large);
  EXPECT_TRUE(read_all(log(), {"readings", 0}).empty());
  ASSERT_OK((*appender)->append(std::vector{record("readings", 0, "a", value)}));
  const std::vector<std::string> all = values_of(log(), {"readings", 0});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0] == "a=" + value);
}

TEST_P(LogContract, RangeTellsTheOldestKeptAndTheEnd) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 1}}));
  auto range = log().range({"readings", 0});
  ASSERT_OK(range);
  EXPECT_EQ(range->start, 0);
  EXPECT_EQ(range->end, 0);
  auto appender = log().appender();
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(std::vector{record("readings", 0, "a", "1"), record("readings", 0, "a", "2")}));
  range = log().range({"readings", 0});
  ASSERT_OK(range);
  EXPECT_GE(range->end, 2);
  EXPECT_TRUE(read_all(log(), {"readings", 0}, range->end).empty());
  EXPECT_EQ(read_all(log(), {"readings", 0}, range->end - 1).size(), 1U);
}

TEST_P(LogContract, SeekMovesAReader) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 2}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(
      std::vector{record("readings", 0, "a", "1"), record("readings", 0, "a", "2"), record("readings", 0, "a", "3")}));
  const std::pair<TopicPartition, Offset> from[] = {{{"readings", 0}, 0}};
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  Batch batch;
  poll_whole(**reader, {"readings", 0}, 0, 2, batch);
  ASSERT_EQ(batch.records.size(), 2U);
  const Offset second = batch.records[1].offset;
  while (!batch.records.empty()) ASSERT_OK(poll_there(log(), **reader, {"readings", 0}, batch, 2));
  poll_whole(**reader, {"readings", 0}, second, 2, batch);
  ASSERT_EQ(batch.records.size(), 2U);
  EXPECT_EQ(batch.records[0].value, "2");
  EXPECT_FALSE((*reader)->seek({"readings", 1}, 0).has_value());  // not one of its own
}

TEST_P(LogContract, APollTakesFromEveryPartitionThatHasSomething) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 3}}));
  auto appender = log().appender();
  ASSERT_OK(appender);
  std::vector<NewRecord> records;
  for (int i = 0; i < 300; ++i) records.push_back(record("readings", i < 280 ? 0 : i % 2 + 1, "k", std::to_string(i)));
  ASSERT_OK((*appender)->append(records));
  const std::pair<TopicPartition, Offset> from[] = {{{"readings", 0}, 0}, {{"readings", 1}, 0}, {{"readings", 2}, 0}};
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  Batch batch;
  std::map<int, std::size_t> read;
  std::size_t polls = 0;
  const auto deadline = steady_clock::now() + kSoon;
  for (std::size_t all = 0; all < records.size() && steady_clock::now() < deadline; all += batch.records.size()) {
    ASSERT_OK((*reader)->poll(batch, 60, Milliseconds(20)));
    EXPECT_LE(batch.records.size(), 60U);
    ++polls;
    std::map<int, Offset> last;
    for (const Record& r : batch.records) {
      ++read[r.from->partition];
      const auto [at, first] = last.try_emplace(r.from->partition, r.offset);
      if (!first) {
        EXPECT_GT(r.offset, at->second);
        at->second = r.offset;
      }
    }
  }
  EXPECT_EQ(read, (std::map<int, std::size_t>{{0, 280}, {1, 10}, {2, 10}}));
  EXPECT_GE(polls, 5U);
}

TEST_P(LogContract, AWaitingPollWakesWhenARecordIsCommitted) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 1}}));
  const std::pair<TopicPartition, Offset> from[] = {{{"readings", 0}, 0}};
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  Batch batch;
  ASSERT_OK((*reader)->poll(batch, 10, kNow));
  EXPECT_TRUE(batch.records.empty());
  std::atomic<bool> waiting{false};
  std::thread door([&] {
    while (!waiting) std::this_thread::yield();
    auto appender = log().appender();
    EXPECT_TRUE((*appender)->append(std::vector{record("readings", 0, "a", "1")}).has_value());
  });
  const auto started = steady_clock::now();
  waiting = true;
  // It may come back earlier with the news that there is nothing yet.
  do {
    ASSERT_OK((*reader)->poll(batch, 10, seconds(60)));
  } while (batch.records.empty() && steady_clock::now() - started < seconds(30));
  door.join();
  EXPECT_EQ(batch.records.size(), 1U);
  EXPECT_LT(steady_clock::now() - started, seconds(30));
}

TEST_P(LogContract, AnIdlePollReturnsAfterItsWait) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"readings", 1}}));
  const std::pair<TopicPartition, Offset> from[] = {{{"readings", 0}, 0}};
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  Batch batch;
  const auto started = steady_clock::now();
  // It may come back earlier with the news that there is nothing, but it does not spin.
  int polls = 0;
  while (steady_clock::now() - started < Milliseconds(60)) {
    ASSERT_OK((*reader)->poll(batch, 10, Milliseconds(60)));
    EXPECT_TRUE(batch.records.empty());
    ++polls;
  }
  EXPECT_LE(polls, 5);
}

TEST_P(LogContract, ManyDoorsAppendAtOnceAndEachKeepsItsOrder) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"in", 2}}));
  constexpr int kDoors = 6;
  constexpr int kAppends = 40;
  std::vector<std::thread> doors;
  for (int door = 0; door < kDoors; ++door) {
    doors.emplace_back([&, door] {
      auto appender = log().appender();
      for (int i = 0; i < kAppends; ++i) {
        const std::vector<NewRecord> pair = {record("in", 0, std::to_string(door), std::to_string(i)),
                                             record("in", 1, std::to_string(door), std::to_string(i))};
        EXPECT_TRUE((*appender)->append(pair).has_value());
      }
    });
  }
  for (std::thread& door : doors) door.join();
  std::map<std::string, int> next;
  for (const std::string& line : values_of(log(), {"in", 0})) {
    const auto equals = line.find('=');
    EXPECT_EQ(std::stoi(line.substr(equals + 1)), next[line.substr(0, equals)]++);
  }
  EXPECT_EQ(next.size(), static_cast<std::size_t>(kDoors));
  for (const auto& [door, count] : next) EXPECT_EQ(count, kAppends) << door;
  if (!harness().appends_are_atomic()) return;
  EXPECT_EQ(values_of(log(), {"in", 0}), values_of(log(), {"in", 1}));  // each append whole, in one place
}

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LogContract);

}  // namespace qc::stream
