#include "stream/log_contract_test.h"

#include <atomic>
#include <map>
#include <random>
#include <thread>

namespace qc::stream {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr Milliseconds kNow{0};
constexpr Milliseconds kSoon{5000};  // a deadline, not a delay

NewRecord record(const std::string& topic, int partition, std::string key, std::optional<std::string> value) {
  return NewRecord{{topic, partition}, std::move(key), std::move(value), ""};
}

#define ASSERT_OK(expression)                                          \
  do {                                                                 \
    const auto& ok_result = (expression);                              \
    ASSERT_TRUE(ok_result.has_value()) << describe(ok_result.error()); \
  } while (false)

Errc code_of(const Result<void>& result) {
  return result ? Errc{} : result.error().code;
}

// Everything from `from` to the end that stands now, as "offset key=value" ("offset key!" for a tombstone).
std::vector<std::string> read_all(Log& log, const TopicPartition& tp, Offset from = 0, std::size_t max = 7) {
  std::vector<std::string> all;
  const std::pair<TopicPartition, Offset> where[] = {{tp, from}};
  auto reader = log.reader(where);
  if (!reader) return {describe(reader.error())};
  Batch batch;
  for (;;) {
    if (auto polled = (*reader)->poll(batch, max, kNow); !polled) return {describe(polled.error())};
    if (batch.records.empty()) return all;
    for (const Record& r : batch.records) {
      all.push_back(std::to_string(r.offset) + " " + std::string(r.key) +
                    (r.tombstone ? "!" : "=" + std::string(r.value)));
    }
  }
}

// Keys and values only, where offsets may differ between implementations.
std::vector<std::string> values_of(Log& log, const TopicPartition& tp) {
  std::vector<std::string> all = read_all(log, tp);
  for (std::string& line : all) line = line.substr(line.find(' ') + 1);
  return all;
}

std::map<std::string, std::string> fold(Log& log, const TopicPartition& tp) {
  std::map<std::string, std::string> state;
  const std::pair<TopicPartition, Offset> where[] = {{tp, 0}};
  auto reader = log.reader(where);
  EXPECT_TRUE(reader.has_value());
  Batch batch;
  do {
    EXPECT_TRUE((*reader)->poll(batch, 100, kNow).has_value());
    for (const Record& r : batch.records) {
      if (r.tombstone) {
        state.erase(std::string(r.key));
      } else {
        state[std::string(r.key)] = r.value;
      }
    }
  } while (!batch.records.empty());
  return state;
}

// Polls until the member owns `partitions` of them or the deadline has passed; records it meets are kept.
struct Watched {
  std::vector<TopicPartition> owned;
  std::vector<std::string> values;
};
Watched poll_until(Member& member, const std::function<bool(const Watched&)>& enough, Watched watched = {}) {
  const auto deadline = steady_clock::now() + kSoon;
  Batch batch;
  Assignment change;
  while (!enough(watched) && steady_clock::now() < deadline) {
    const auto polled = member.poll(batch, change, 10, Milliseconds(20));
    EXPECT_TRUE(polled.has_value()) << describe(polled.error());
    if (!polled) break;
    for (const auto& tp : change.lost) std::erase(watched.owned, tp);
    for (const auto& tp : change.gained) watched.owned.push_back(tp);
    for (const Record& r : batch.records) watched.values.emplace_back(r.value);
  }
  return watched;
}
auto owns(std::size_t partitions) {
  return [=](const Watched& watched) { return watched.owned.size() >= partitions; };
}
auto has_read(std::size_t values) {
  return [=](const Watched& watched) { return watched.values.size() >= values; };
}

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
  ASSERT_OK((*reader)->poll(batch, 100, kNow));
  ASSERT_EQ(batch.records.size(), 4U);
  EXPECT_EQ(*batch.records[0].from, (TopicPartition{"readings", 0}));
  EXPECT_EQ(batch.records[0].key, "a");
  EXPECT_EQ(batch.records[0].value, "1");
  EXPECT_EQ(find_header(batch.records[0].headers, "region"), "510100");
  EXPECT_EQ(batch.records[0].written_ms, LogHarness::kStartMs);
  EXPECT_EQ(batch.records[1].key, "");
  EXPECT_EQ(batch.records[1].value, "");
  EXPECT_FALSE(batch.records[1].tombstone);  // an empty value is a value
  EXPECT_EQ(batch.records[1].headers, "");
  EXPECT_EQ(batch.records[2].key, std::string_view("\0x", 2));
  EXPECT_TRUE(batch.records[3].tombstone);
  EXPECT_EQ(batch.records[3].written_ms, LogHarness::kStartMs + 250);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_GT(batch.records[i].offset, batch.records[i - 1].offset);
  EXPECT_EQ(values_of(log(), {"readings", 1}), (std::vector<std::string>{"b=2"}));
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
  ASSERT_OK((*reader)->poll(first, 20, kNow));
  const std::shared_ptr<void> kept = first.owner;
  const std::vector<Record> records = first.records;
  ASSERT_OK((*reader)->poll(second, 10, kNow));
  ASSERT_OK((*reader)->poll(first, 10, kNow));  // somebody still holds its memory: it must take another
  ASSERT_EQ(records.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(records[i].value, std::string(20'000, char('a' + i % 26)));
  ASSERT_EQ(second.records.size(), 10U);
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
  ASSERT_OK((*reader)->poll(batch, 2, kNow));
  ASSERT_EQ(batch.records.size(), 2U);
  const Offset second = batch.records[1].offset;
  ASSERT_OK((*reader)->poll(batch, 2, kNow));
  ASSERT_OK((*reader)->poll(batch, 2, kNow));
  EXPECT_TRUE(batch.records.empty());
  ASSERT_OK((*reader)->seek({"readings", 0}, second));
  ASSERT_OK((*reader)->poll(batch, 9, kNow));
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
  for (;;) {
    ASSERT_OK((*reader)->poll(batch, 60, kNow));
    if (batch.records.empty()) break;
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
  ASSERT_OK((*reader)->poll(batch, 10, seconds(60)));
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
  ASSERT_OK((*reader)->poll(batch, 10, Milliseconds(60)));
  EXPECT_TRUE(batch.records.empty());
  EXPECT_GE(steady_clock::now() - started, Milliseconds(60));
}

TEST_P(LogContract, AMemberOwnsTheSameNumbersInAllItsTopics) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"signals", 2}, {"commands", 2}, {"narrow", 1}}));
  const GroupSpec spec{"alerts", {"signals", "commands"}, "alerts-0"};
  auto member = log().join(spec);
  ASSERT_OK(member);
  const Watched watched = poll_until(**member, owns(4));
  std::vector<TopicPartition> sorted = watched.owned;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, (std::vector<TopicPartition>{{"commands", 0}, {"commands", 1}, {"signals", 0}, {"signals", 1}}));
  const auto uneven = log().join({"other", {"signals", "narrow"}, "other-0"});
  ASSERT_FALSE(uneven.has_value());
  EXPECT_EQ(uneven.error().code, Errc::partitions_changed);
  const auto unknown = log().join({"other", {"nowhere"}, "other-0"});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Errc::topic_unknown);
}

// Input of 10 records, and a group over it.
class Stepper {
 public:
  explicit Stepper(Log& log) : log_(log) {
    const std::vector<TopicSpec> specs = {{"in", 1}, {"out", 1}, {"state", 1, Cleanup::Compact}};
    EXPECT_TRUE(log.create_topics(specs).has_value());
    std::vector<NewRecord> input;
    for (int i = 0; i < 10; ++i) input.push_back(record("in", 0, "k", std::to_string(i)));
    EXPECT_TRUE((*log.appender())->append(input).has_value());
  }
  GroupSpec spec(const std::string& name) const { return {"steps", {"in"}, name}; }
  std::unique_ptr<Member> join(const std::string& name) {
    auto member = log_.join(spec(name));
    EXPECT_TRUE(member.has_value());
    return std::move(*member);
  }
  // Reads until `count` records came, and makes the transaction that goes with them.
  Transaction step(Member& member, std::size_t count) {
    Transaction transaction;
    const auto deadline = steady_clock::now() + kSoon;
    Batch batch;
    Assignment change;
    while (transaction.records.size() < count && steady_clock::now() < deadline) {
      const auto polled = member.poll(batch, change, count - transaction.records.size(), Milliseconds(20));
      EXPECT_TRUE(polled.has_value());
      for (const Record& r : batch.records) {
        transaction.records.push_back(record("out", 0, "o", "out of " + std::string(r.value)));
        transaction.next = {{*r.from, r.offset + 1}};
      }
    }
    EXPECT_EQ(transaction.records.size(), count);
    if (!transaction.records.empty()) {
      transaction.records.push_back(record("state", 0, "sum", std::to_string(transaction.next[0].second)));
    }
    return transaction;
  }
  std::vector<std::string> outputs() { return values_of(log_, {"out", 0}); }
  static std::vector<std::string> expected(int count) {
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) lines.push_back("o=out of " + std::to_string(i));
    return lines;
  }

 private:
  Log& log_;
};

TEST_P(LogContract, ATransactionShowsRecordsStateAndOffsetsTogether) {
  Stepper steps(log());
  auto member = steps.join("a");
  const auto none = member->committed({"in", 0});
  ASSERT_OK(none);
  EXPECT_EQ(*none, std::nullopt);
  const Transaction transaction = steps.step(*member, 4);
  EXPECT_TRUE(steps.outputs().empty());  // nothing before the commit
  ASSERT_OK(member->commit(transaction));
  EXPECT_EQ(steps.outputs(), Stepper::expected(4));
  EXPECT_EQ(values_of(log(), {"state", 0}).size(), 1U);
  const auto committed = member->committed({"in", 0});
  ASSERT_OK(committed);
  EXPECT_EQ(*committed, transaction.next[0].second);
}

TEST_P(LogContract, ARefusedTransactionChangesNothing) {
  Stepper steps(log());
  auto member = steps.join("a");
  Transaction transaction = steps.step(*member, 4);
  const Transaction good = transaction;
  transaction.records.push_back(record("nowhere", 0, "a", "1"));
  EXPECT_EQ(code_of(member->commit(transaction)), Errc::topic_unknown);
  transaction.records.back() = record("out", 0, "a", std::string(LogHarness::kRecordBytesMax, 'x'));
  EXPECT_EQ(code_of(member->commit(transaction)), Errc::record_too_large);
  EXPECT_TRUE(steps.outputs().empty());
  EXPECT_TRUE(values_of(log(), {"state", 0}).empty());
  EXPECT_EQ(*member->committed({"in", 0}), std::nullopt);
  ASSERT_OK(member->commit(good));
  EXPECT_EQ(steps.outputs(), Stepper::expected(4));
}

TEST_P(LogContract, AfterADeathTheNextOwnerGoesOnAtTheCommittedOffset) {
  Stepper steps(log());
  auto first = steps.join("a");
  ASSERT_OK(first->commit(steps.step(*first, 3)));
  steps.step(*first, 5);  // read, applied, not committed
  harness().die(std::move(first), steps.spec("a"));
  auto second = steps.join("b");
  ASSERT_OK(second->commit(steps.step(*second, 7)));
  EXPECT_EQ(steps.outputs(), Stepper::expected(10));
}

TEST_P(LogContract, EachPartitionHasOneOwnerAndMovesWhenItsOwnerLeaves) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"in", 4}}));
  const GroupSpec a{"group", {"in"}, "a"}, b{"group", {"in"}, "b"};
  auto first = log().join(a);
  ASSERT_OK(first);
  Watched of_first = poll_until(**first, owns(4));
  EXPECT_EQ(of_first.owned.size(), 4U);
  auto second = log().join(b);
  ASSERT_OK(second);
  // Whatever the log's way of sharing them out: never two owners, and all of them owned in the end.
  Watched of_second;
  Batch batch;
  Assignment change;
  for (int round = 0; round < 10; ++round) {
    ASSERT_OK((*first)->poll(batch, change, 10, Milliseconds(1)));
    for (const auto& tp : change.lost) std::erase(of_first.owned, tp);
    for (const auto& tp : change.gained) of_first.owned.push_back(tp);
    ASSERT_OK((*second)->poll(batch, change, 10, Milliseconds(1)));
    for (const auto& tp : change.lost) std::erase(of_second.owned, tp);
    for (const auto& tp : change.gained) of_second.owned.push_back(tp);
    for (const auto& tp : of_second.owned) {
      EXPECT_EQ(std::count(of_first.owned.begin(), of_first.owned.end(), tp), 0) << to_string(tp);
    }
  }
  EXPECT_EQ(of_first.owned.size() + of_second.owned.size(), 4U);
  first->reset();
  of_second = poll_until(**second, owns(4), of_second);
  EXPECT_EQ(of_second.owned.size(), 4U);
  // Another group has owners of its own.
  auto other = log().join({"others", {"in"}, "a"});
  ASSERT_OK(other);
  EXPECT_EQ(poll_until(**other, owns(4)).owned.size(), 4U);
}

TEST_P(LogContract, AFormerOwnersCommitIsFencedAndChangesNothing) {
  Stepper steps(log());
  auto former = steps.join("a");
  ASSERT_OK(former->commit(steps.step(*former, 2)));
  const Transaction late = steps.step(*former, 3);
  harness().fence(steps.spec("a"));
  EXPECT_EQ(code_of(former->commit(late)), Errc::log_fenced);
  EXPECT_EQ(code_of(former->commit(late)), Errc::log_fenced);  // and stays so
  EXPECT_EQ(steps.outputs(), Stepper::expected(2));
  auto owner = steps.join("b");
  ASSERT_OK(owner->commit(steps.step(*owner, 8)));
  EXPECT_EQ(code_of(former->commit(late)), Errc::log_fenced);
  EXPECT_EQ(steps.outputs(), Stepper::expected(10));
  EXPECT_EQ(values_of(log(), {"state", 0}).size(), 2U);
}

TEST_P(LogContract, ACommitOfAPartitionThatIsNotOwnedIsFenced) {
  Stepper steps(log());
  auto owner = steps.join("a");
  ASSERT_OK(owner->commit(steps.step(*owner, 1)));
  auto idle = log().join({"idle", {"in"}, "c"});  // has never polled
  ASSERT_OK(idle);
  Transaction transaction;
  transaction.next = {{{"in", 0}, 1}};
  EXPECT_EQ(code_of((*idle)->commit(transaction)), Errc::log_fenced);
}

TEST_P(LogContract, PausedPartitionsAreKeptButNotRead) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"in", 2}}));
  ASSERT_OK((*log().appender())->append(std::vector{record("in", 0, "k", "zero"), record("in", 1, "k", "one")}));
  auto member = log().join({"group", {"in"}, "a"});
  ASSERT_OK(member);
  Watched watched;
  Batch batch;
  Assignment change;
  const auto deadline = steady_clock::now() + kSoon;
  while (watched.owned.size() < 2 && steady_clock::now() < deadline) {
    ASSERT_OK((*member)->poll(batch, change, 10, Milliseconds(20)));
    for (const auto& tp : change.gained) {
      watched.owned.push_back(tp);
      (*member)->pause({"in", 0});
    }
    if (!change.gained.empty()) ASSERT_OK((*member)->seek({"in", 1}, 0));
  }
  watched = poll_until(**member, has_read(1), watched);
  EXPECT_EQ(watched.values, (std::vector<std::string>{"one"}));
  ASSERT_OK((*member)->poll(batch, change, 10, Milliseconds(30)));
  EXPECT_TRUE(batch.records.empty());
  EXPECT_TRUE(change.empty());
  (*member)->resume({"in", 0});
  ASSERT_OK((*member)->seek({"in", 0}, 0));
  watched.values.clear();
  EXPECT_EQ(poll_until(**member, has_read(1), watched).values, (std::vector<std::string>{"zero"}));
}

TEST_P(LogContract, AMemberSeeksBackToReadAgain) {
  Stepper steps(log());
  auto member = steps.join("a");
  steps.step(*member, 6);
  ASSERT_OK(member->seek({"in", 0}, 0));
  ASSERT_OK(member->commit(steps.step(*member, 10)));
  EXPECT_EQ(steps.outputs(), Stepper::expected(10));
}

TEST_P(LogContract, RetentionDropsTheOldAndNeverUsesAnOffsetTwice) {
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

TEST_P(LogContract, CompactionKeepsTheLastOfEachKeyWhereItStood) {
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

TEST_P(LogContract, CompactionSparesWhatIsYoungerThanItsLag) {
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

TEST_P(LogContract, CompactionAtAnyTimeUnderAReaderGivesTheSameFold) {
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

TEST_P(LogContract, ATopicOfBothKindsIsCompactedAndItsOldRecordsGo) {
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

TEST_P(LogContract, ACommittedOffsetThatIsNoLongerKeptGoesOnAtTheOldestKept) {
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
  EXPECT_EQ(values_of(log(), {"in", 0}), values_of(log(), {"in", 1}));  // each append whole, in one place
}

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LogContract);

}  // namespace qc::stream
