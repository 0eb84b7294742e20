// Faults of a real Kafka (QC_KAFKA: its address; without it these tests say "skipped"), made from outside: what its
// readers and members say, that nothing is seen which was not committed, and where they go on.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "stream/kafka_client.h"
#include "stream/kafka_test.h"
#include "stream/log_contract_test.h"
#include "stream/worker_toy.h"

namespace qc::stream {
namespace {

using namespace contract;
using std::chrono::steady_clock;

constexpr Milliseconds kLong{30000};  // a deadline, not a delay

using Event = std::unique_ptr<rd_kafka_event_t, kafka::Destroy<rd_kafka_event_destroy>>;

// A client that does to the cluster what its owner, or a stranger, may do.
class Stranger {
 public:
  explicit Stranger(const KafkaOptions& options, const std::vector<kafka::Setting>& settings = {})
      : prefix_(options.prefix) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char why[256] = "";
    rd_kafka_conf_set(conf, "bootstrap.servers", options.brokers.c_str(), why, sizeof why);
    rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why);
    for (const auto& [name, value] : settings) {
      EXPECT_EQ(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why), RD_KAFKA_CONF_OK) << why;
    }
    rk_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    queue_.reset(rd_kafka_queue_new(rk_));
  }
  ~Stranger() {
    queue_.reset();
    rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(rk_);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  rd_kafka_t* get() { return rk_; }
  void write(const TopicPartition& to, const std::vector<std::string>& values) {
    const std::string topic = prefix_ + to.topic;
    for (const std::string& value : values) {
      ASSERT_EQ(
          rd_kafka_producev(rk_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(to.partition),
                            RD_KAFKA_V_KEY("k", 1), RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
          RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ASSERT_EQ(rd_kafka_flush(rk_, static_cast<int>(kLong.count())), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  // Retention, at once: what lies before `before` is gone.
  void delete_records(const std::vector<std::pair<TopicPartition, Offset>>& before) {
    const kafka::List list(rd_kafka_topic_partition_list_new(static_cast<int>(before.size())));
    for (const auto& [tp, offset] : before) {
      rd_kafka_topic_partition_list_add(list.get(), (prefix_ + tp.topic).c_str(), tp.partition)->offset = offset;
    }
    rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list.get());
    rd_kafka_DeleteRecords(rk_, &request, 1, nullptr, queue_.get());
    rd_kafka_DeleteRecords_destroy(request);
    expect_done();
  }
  void delete_group(const std::string& group) {
    rd_kafka_DeleteGroup_t* request = rd_kafka_DeleteGroup_new((prefix_ + group).c_str());
    rd_kafka_DeleteGroups(rk_, &request, 1, nullptr, queue_.get());
    rd_kafka_DeleteGroup_destroy(request);
    expect_done();
  }
  void configure(const std::string& topic, const std::vector<kafka::Setting>& settings) {
    rd_kafka_ConfigResource_t* request =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, (prefix_ + topic).c_str());
    for (const auto& [name, value] : settings) {
      rd_kafka_ConfigResource_set_config(request, name.c_str(), value.c_str());
    }
    rd_kafka_AlterConfigs(rk_, &request, 1, nullptr, queue_.get());
    rd_kafka_ConfigResource_destroy(request);
    expect_done();
  }

 private:
  void expect_done() {
    const Event event(rd_kafka_queue_poll(queue_.get(), static_cast<int>(kLong.count())));
    ASSERT_TRUE(event);
    EXPECT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR)
        << rd_kafka_event_error_string(event.get());
  }
  const std::string prefix_;
  rd_kafka_t* rk_ = nullptr;
  kafka::Queue queue_;
};

class KafkaFault : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_test_kafka()) GTEST_SKIP() << "nothing to run it on here";
    options_ = kafka_test_options("fault");
    // Nobody is put out for being slow: what puts them out here is the fault.
    options_.session_timeout = Milliseconds(6000);
    options_.max_poll_interval = Milliseconds(60000);
    auto log = open_kafka(options_);
    ASSERT_OK(log);
    log_ = std::move(*log);
    stranger_ = std::make_unique<Stranger>(options_);
  }
  Log& log() { return *log_; }
  Stranger& stranger() { return *stranger_; }
  void make(std::vector<TopicSpec> specs) { ASSERT_OK(log().create_topics(specs)); }
  void append(const TopicPartition& to, int first, int count) {
    auto appender = log().appender();
    ASSERT_OK(appender);
    std::vector<NewRecord> records;
    for (int i = first; i < first + count; ++i)
      records.push_back(record(to.topic, to.partition, "k", std::to_string(i)));
    ASSERT_OK((*appender)->append(records));
  }
  std::unique_ptr<Member> join(const std::string& name) {
    auto member = log().join({"steps", {"in"}, name});
    EXPECT_TRUE(member.has_value()) << describe(member.error());
    return member ? std::move(*member) : nullptr;
  }
  static Transaction transaction(const std::string& value, Offset next) {
    Transaction t;
    t.records.push_back(record("out", 0, "o", value));
    t.next = {{{"in", 0}, next}};
    return t;
  }
  // As the worker does with what may be given again at once.
  static Result<void> commit_again(Member& member, const Transaction& t) {
    auto done = member.commit(t);
    for (int i = 0; i < 3 && code_of(done) == Errc::log_abortable; ++i) done = member.commit(t);
    return done;
  }
  static std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> all;
    for (int i = from; i < to; ++i) all.push_back(std::to_string(i));
    return all;
  }

  KafkaOptions options_;

 private:
  std::unique_ptr<Log> log_;
  std::unique_ptr<Stranger> stranger_;
};

// ---- transactions -------------------------------------------------------------------------------------------------

TEST_F(KafkaFault, WhoeverTakesOverATransactionalIdPutsItsFormerHolderOut) {
  make({{"in", 1}, {"out", 1}});
  append({"in", 0}, 0, 4);
  auto former = join("a");
  ASSERT_EQ(poll_until(*former, owns(1)).owned.size(), 1U);
  ASSERT_OK(former->commit(transaction("first", 1)));
  auto heir = join("a");  // the same process started again, while the former one still hangs
  EXPECT_EQ(code_of(former->commit(transaction("zombie", 2))), Errc::log_fenced);
  EXPECT_EQ(code_of(former->commit(transaction("zombie", 2))), Errc::log_fenced);
  former.reset();
  ASSERT_EQ(poll_until(*heir, owns(1)).owned.size(), 1U);
  EXPECT_EQ(*heir->committed({"in", 0}), 1);
  ASSERT_OK(heir->commit(transaction("second", 2)));
  EXPECT_EQ(values_of(log(), {"out", 0}), (std::vector<std::string>{"o=first", "o=second"}));
}

TEST_F(KafkaFault, OneThatStopsInsideATransactionHoldsReadersBackNoLongerThanItsTimeout) {
  make({{"in", 1}, {"out", 1}});
  append({"out", 0}, 0, 1);
  Stranger stopped(options_, {{"transactional.id", options_.prefix + "stopped"}, {"transaction.timeout.ms", "4000"}});
  ASSERT_EQ(rd_kafka_init_transactions(stopped.get(), 10000), nullptr);
  ASSERT_EQ(rd_kafka_begin_transaction(stopped.get()), nullptr);
  stopped.write({"out", 0}, {"never"});
  append({"out", 0}, 1, 1);  // behind it
  EXPECT_EQ(log().range({"out", 0})->end, 3);
  const std::pair<TopicPartition, Offset> from[] = {{{"out", 0}, 0}};
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  std::vector<std::string> seen;
  Batch batch;
  const auto deadline = steady_clock::now() + kLong;
  while (*(*reader)->position({"out", 0}) < 3 && steady_clock::now() < deadline) {
    ASSERT_OK((*reader)->poll(batch, 10, Milliseconds(50)));
    for (const Record& r : batch.records) seen.emplace_back(r.value);
  }
  EXPECT_EQ(seen, numbers(0, 2));
  const kafka::RdError late(rd_kafka_commit_transaction(stopped.get(), 10000));
  ASSERT_TRUE(late);  // the one that stopped wakes up: too late
  EXPECT_EQ(values_of(log(), {"out", 0}), (std::vector<std::string>{"k=0", "k=1"}));
}

TEST_F(KafkaFault, RecordsOfAbortedTransactionsAreSeenByNobody) {
  make({{"in", 1}});
  Stranger writer(options_, {{"transactional.id", options_.prefix + "writer"}});
  ASSERT_EQ(rd_kafka_init_transactions(writer.get(), 10000), nullptr);
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(rd_kafka_begin_transaction(writer.get()), nullptr);
    writer.write({"in", 0}, {i % 2 == 0 ? std::to_string(i / 2) : "aborted"});
    if (i % 2 == 0) {
      ASSERT_EQ(rd_kafka_commit_transaction(writer.get(), 10000), nullptr);
    } else {
      ASSERT_EQ(rd_kafka_abort_transaction(writer.get(), 10000), nullptr);
    }
  }
  EXPECT_EQ(values_of(log(), {"in", 0}), (std::vector<std::string>{"k=0", "k=1", "k=2"}));
  auto member = join("a");
  const Watched watched = poll_until(*member, has_read(3));
  EXPECT_EQ(watched.values, numbers(0, 3));
  const auto at_end = [&](const Watched&) { return member->position({"in", 0}) == log().range({"in", 0})->end; };
  EXPECT_EQ(poll_until(*member, at_end, watched).values, numbers(0, 3));
  EXPECT_TRUE(at_end({}));  // although it ends with records that nobody sees
}

TEST_F(KafkaFault, ARecordTooLargeForTheBrokerIsSaidAndTheNextOneGetsThrough) {
  make({{"in", 1}, {"out", 1}});
  append({"in", 0}, 0, 4);
  stranger().configure("out", {{"max.message.bytes", "2000"}});
  auto member = join("a");
  ASSERT_EQ(poll_until(*member, owns(1)).owned.size(), 1U);
  std::mt19937 random(1);
  std::string noise(20000, ' ');  // does not compress
  for (char& c : noise) c = static_cast<char>(random());
  Transaction large = transaction("small", 1);
  large.records.push_back(record("out", 0, "o", noise));
  EXPECT_EQ(code_of(member->commit(large)), Errc::record_too_large);
  EXPECT_EQ(code_of(commit_again(*member, large)), Errc::record_too_large);
  EXPECT_EQ(*member->committed({"in", 0}), std::nullopt);
  ASSERT_OK(commit_again(*member, transaction("small", 1)));
  EXPECT_EQ(values_of(log(), {"out", 0}), (std::vector<std::string>{"o=small"}));
}

// ---- retention and compaction
// -----------------------------------------------------------------------------------------------

TEST_F(KafkaFault, WhatRetentionTookBeforeItWasReadIsPassedOverInEveryPartition) {
  make({{"in", 3}, {"out", 1}});
  for (int p = 0; p < 3; ++p) append({"in", p}, 0, 10);
  {
    auto member = join("a");
    ASSERT_EQ(poll_until(*member, owns(3)).owned.size(), 3U);
    Transaction t;
    for (int p = 0; p < 3; ++p) t.next.push_back({{"in", p}, 2});
    ASSERT_OK(member->commit(t));
  }
  stranger().delete_records({{{"in", 0}, 6}, {{"in", 1}, 7}, {{"in", 2}, 8}});
  auto member = join("b");
  const Watched watched = poll_until(*member, has_read(4 + 3 + 2));
  std::vector<std::string> sorted = watched.values;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, (std::vector<std::string>{"6", "7", "7", "8", "8", "8", "9", "9", "9"}));
  // And a reader that begins before what is kept.
  std::vector<std::pair<TopicPartition, Offset>> from;
  for (int p = 0; p < 3; ++p) from.push_back({{"in", p}, 0});
  auto reader = log().reader(from);
  ASSERT_OK(reader);
  std::size_t read = 0;
  Batch batch;
  const auto deadline = steady_clock::now() + kLong;
  while (read < 9 && steady_clock::now() < deadline) {
    ASSERT_OK((*reader)->poll(batch, 100, Milliseconds(50)));
    read += batch.records.size();
  }
  EXPECT_EQ(read, 9U);
}

TEST_F(KafkaFault, AMemberUnderWhomRetentionTakesTheNextRecordsIsPutOutSoThatARestoreSaysWhatIsLost) {
  make({{"in", 2}, {"out", 1}});
  for (int p = 0; p < 2; ++p) append({"in", p}, 0, 10);
  auto member = join("a");
  ASSERT_EQ(poll_until(*member, owns(2)).owned.size(), 2U);
  for (int p = 0; p < 2; ++p) {
    member->pause({"in", p});
    // A busy broker may take longer than the little time that the client gives it here.
    Result<void> sought = member->seek({"in", p}, 2);
    for (int again = 0; again < 20 && !sought && sought.error().code == Errc::log_unavailable; ++again) {
      sought = member->seek({"in", p}, 2);
    }
    ASSERT_OK(sought);
  }
  stranger().delete_records({{{"in", 0}, 6}, {{"in", 1}, 7}});
  for (int p = 0; p < 2; ++p) member->resume({"in", p});
  Batch batch;
  Assignment change;
  Result<void> polled;
  const auto deadline = steady_clock::now() + kLong;
  while (polled && steady_clock::now() < deadline) {
    polled = member->poll(batch, change, 10, Milliseconds(50));
    EXPECT_TRUE(batch.records.empty() || !polled);  // nothing behind the gap is given as if there were none
  }
  ASSERT_FALSE(polled.has_value());
  EXPECT_EQ(polled.error().code, Errc::log_fenced) << describe(polled.error());
  member.reset();
  EXPECT_EQ(poll_until(*join("a"), has_read(4 + 3)).values.size(), 7U);
}

TEST_F(KafkaFault, TheRealCleanerChangesNoFold) {
  make({{"state", 1, Cleanup::Compact}});
  stranger().configure("state", {{"cleanup.policy", "compact"},
                                 {"segment.bytes", "2000"},
                                 {"min.cleanable.dirty.ratio", "0.01"},
                                 {"delete.retention.ms", "0"}});
  auto appender = log().appender();
  ASSERT_OK(appender);
  std::map<std::string, std::string> expected;
  constexpr int kWritten = 400;
  for (int i = 0; i < kWritten; i += 20) {
    std::vector<NewRecord> records;
    for (int k = i; k < i + 20; ++k) {
      const std::string key = "key" + std::to_string(k % 17);
      if (k % 13 == 5) {
        records.push_back(record("state", 0, key, std::nullopt));
        expected.erase(key);
      } else {
        records.push_back(record("state", 0, key, "value " + std::to_string(k)));
        expected[key] = "value " + std::to_string(k);
      }
    }
    ASSERT_OK((*appender)->append(records));
  }
  // The broker cleans when it likes: every fifteen seconds by its default.
  const auto deadline = steady_clock::now() + kLong * 3;
  std::size_t left = kWritten;
  do {
    EXPECT_EQ(fold(log(), {"state", 0}), expected);
    left = read_all(log(), {"state", 0}, 0, 1000).size();
  } while (left > kWritten / 2 && steady_clock::now() < deadline);
  EXPECT_LE(left, static_cast<std::size_t>(kWritten / 2));
  EXPECT_EQ(fold(log(), {"state", 0}), expected);
}

// ---- groups -------------------------------------------------------------------------------------------------------

TEST_F(KafkaFault, AGroupThatNobodyKnowsBeginsAtTheBeginning) {
  make({{"in", 1}, {"out", 1}});
  append({"in", 0}, 0, 3);
  auto member = join("a");
  const Watched watched = poll_until(*member, has_read(3));
  EXPECT_EQ(watched.values, numbers(0, 3));
  EXPECT_EQ(*member->committed({"in", 0}), std::nullopt);
}

// The broker forgets a group's offsets a week after its last member left (offsets.retention.minutes), or an operator
// does it. The state knows better: nothing is published twice.
TEST_F(KafkaFault, AWorkerWhoseGroupWasForgottenStopsBeforeItRepeatsAnything) {
  make({{"in", 1}, {"out", 1}, {"ticks", 1}, {"dead", 1}});
  append({"in", 0}, 0, 30);
  toy::Knobs knobs;
  WorkerParts parts;
  parts.stages = [&](int number) { return std::make_unique<toy::ToyStage>(number, 1, &knobs); };
  WorkerOptions options;
  options.service = "toy";
  options.name = "w";
  options.topics = {"in"};
  options.poll_wait = Milliseconds(20);
  options.until_end = true;
  const auto run = [&] { return Worker::create(log(), options, parts).value()->run({}); };
  ASSERT_OK(run());
  const auto published = values_of(log(), {"out", 0});
  EXPECT_EQ(published.size(), 10U);
  stranger().delete_group("toy");
  const auto again = run();
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Errc::state_corrupt) << describe(again.error());
  EXPECT_EQ(values_of(log(), {"out", 0}), published);
}

}  // namespace
}  // namespace qc::stream
