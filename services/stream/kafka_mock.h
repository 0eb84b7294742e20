// librdkafka's mock cluster for tests of what brokers answer: a cluster of three in this process, which gives the
// answers that it is told to, and a fixture with a producer over it.
#pragma once

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "stream/kafka_producer.h"
#include "stream/kafka_reader.h"
#include "stream/log_contract_test.h"

namespace qc::stream {

// Kafka's numbers of requests.
enum Api : std::int16_t {
  kProduce = 0,
  kFetch = 1,
  kListOffsets = 2,
  kMetadata = 3,
  kOffsetFetch = 9,
  kFindCoordinator = 10,
  kJoinGroup = 11,
  kHeartbeat = 12,
  kInitProducerId = 22,
  kAddPartitionsToTxn = 24,
  kAddOffsetsToTxn = 25,
  kEndTxn = 26,
  kTxnOffsetCommit = 28,
};

inline constexpr int kBrokers = 3;
inline constexpr Milliseconds kRequestTimeout{4000};
inline constexpr Milliseconds kNotForEver = kRequestTimeout * 5;  // a hang is found, a slow machine is not
inline constexpr const char* kId = "steps-0-a";

// A mock cluster on a client of its own, with the topics `in` and `out` of one partition each.
class Mock {
 public:
  Mock() {
    char why[256] = "";
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", why, sizeof why);  // it has no brokers of its own, and says so
    owner_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    cluster_ = rd_kafka_mock_cluster_new(owner_, kBrokers);
    for (const char* topic : {"in", "out"}) {
      rd_kafka_mock_topic_create(cluster_, topic, 1, kBrokers);
      rd_kafka_mock_partition_set_leader(cluster_, topic, 0, 1);
    }
    rd_kafka_mock_coordinator_set(cluster_, "transaction", kId, 2);
    rd_kafka_mock_coordinator_set(cluster_, "group", "steps", 3);
  }
  ~Mock() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(owner_);
  }
  Mock(const Mock&) = delete;
  Mock& operator=(const Mock&) = delete;

  rd_kafka_mock_cluster_t* get() { return cluster_; }
  void answer(Api api, std::vector<rd_kafka_resp_err_t> errors) {
    rd_kafka_mock_push_request_errors_array(cluster_, api, errors.size(), errors.data());
  }
  void quiet(Api api) { rd_kafka_mock_clear_request_errors(cluster_, api); }
  void down(bool are) {
    for (int i = 1; i <= kBrokers; ++i) {
      if (are) {
        rd_kafka_mock_broker_set_down(cluster_, i);
      } else {
        rd_kafka_mock_broker_set_up(cluster_, i);
      }
    }
  }
  void slow(Milliseconds rtt) {
    for (int i = 1; i <= kBrokers; ++i) rd_kafka_mock_broker_set_rtt(cluster_, i, static_cast<int>(rtt.count()));
  }
  KafkaOptions options(Milliseconds request_timeout) const {
    KafkaOptions options;
    options.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    options.request_timeout = request_timeout;
    options.transaction_timeout = request_timeout;
    options.session_timeout = Milliseconds(2500);  // the mock's rebalances take a second less
    return options;
  }

 private:
  rd_kafka_t* owner_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

class KafkaMock : public testing::Test {
 protected:
  explicit KafkaMock(Milliseconds request_timeout = kRequestTimeout) {
    auto cluster = kafka::Cluster::open(mock_.options(request_timeout));
    EXPECT_TRUE(cluster.has_value());
    cluster_ = std::move(*cluster);
    group_.reset(rd_kafka_consumer_group_metadata_new("steps"));
  }
  std::unique_ptr<kafka::TransactionalProducer> producer() {
    auto producer = std::make_unique<kafka::TransactionalProducer>(*cluster_);
    auto opened = producer->open(kId);
    EXPECT_TRUE(opened.has_value()) << describe(opened.error());
    return producer;
  }
  Transaction next() {
    Transaction transaction;
    for (int i = 0; i < 3; ++i) transaction.records.push_back(contract::record("out", 0, "k", std::to_string(++made_)));
    transaction.next = {{{"in", 0}, made_}};
    return transaction;
  }
  Result<void> commit(kafka::TransactionalProducer& producer, const Transaction& transaction) {
    return producer.commit(transaction, group_.get());
  }
  // As the worker does: librdkafka 2.0 aborts the transaction behind one whose records were refused, too, because it
  // skips their sequence numbers.
  Result<void> commit_again(kafka::TransactionalProducer& producer, const Transaction& transaction) {
    auto done = commit(producer, transaction);
    for (int i = 0; i < 3 && contract::code_of(done) == Errc::log_abortable; ++i) done = commit(producer, transaction);
    return done;
  }
  // Whether every record of it is in the log. In the mock it may be there although it was aborted, never the reverse.
  testing::AssertionResult stands(const Transaction& transaction) {
    std::vector<std::string> all;
    const std::pair<TopicPartition, Offset> from[] = {{{"out", 0}, 0}};
    auto reader = kafka::KafkaReader::open(*cluster_, from);
    if (!reader) return testing::AssertionFailure() << describe(reader.error());
    const auto range = cluster_->range({"out", 0});
    if (!range) return testing::AssertionFailure() << describe(range.error());
    const auto deadline = std::chrono::steady_clock::now() + contract::kSoon * 2;
    Batch batch;
    while (*(*reader)->position({"out", 0}) < range->end && std::chrono::steady_clock::now() < deadline) {
      // A broker that has just been cut off may be away for a moment.
      const auto polled = (*reader)->poll(batch, 100, Milliseconds(50));
      if (!polled && polled.error().code != Errc::log_unavailable) {
        return testing::AssertionFailure() << describe(polled.error());
      }
      for (const Record& r : batch.records) all.emplace_back(r.value);
    }
    for (const NewRecord& r : transaction.records) {
      if (std::find(all.begin(), all.end(), *r.value) == all.end()) {
        return testing::AssertionFailure() << "record " << *r.value << " is not there";
      }
    }
    return testing::AssertionSuccess();
  }

  Mock mock_;
  std::unique_ptr<kafka::Cluster> cluster_;
  kafka::GroupMetadata group_;

 private:
  Offset made_ = 0;
};

}  // namespace qc::stream
