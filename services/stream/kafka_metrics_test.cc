#include "stream/kafka_metrics.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace qc::stream {
namespace {

// What librdkafka 2.0.2 said of a group's consumer and of a transactional producer, shortened.
constexpr const char* kConsumer = R"({"name":"qingchuan-consumer#consumer-1","client_id":"qingchuan-consumer",
"type":"consumer","ts":26449075289,"time":1795485042,"age":5004251,"replyq":1,"msg_cnt":0,"msg_size":0,
"brokers":{"127.0.0.1:9092/1":{"name":"127.0.0.1:9092/1","nodeid":1,"source":"configured","state":"UP","outbuf_cnt":0,
"tx":15,"txbytes":1391,"txerrs":0,"txretries":2,"req_timeouts":1,"rx":14,"rxbytes":8889,"rxerrs":0,"connects":1,
"disconnects":0,"rtt":{"min":501614,"max":501912,"avg":501763,"sum":1003526,"cnt":2},
"throttle":{"min":0,"max":250,"avg":0,"sum":250,"cnt":2}},
"GroupCoordinator":{"name":"GroupCoordinator","nodeid":1,"source":"logical","state":"UP","txerrs":0,"txretries":0,
"req_timeouts":0,"rxerrs":0,"connects":1,"disconnects":0,"rtt":{"sum":0,"cnt":0},"throttle":{"sum":0,"cnt":0}}},
"topics":{"sample":{"topic":"sample","age":4100,"partitions":{
"0":{"partition":0,"leader":1,"desired":true,"fetchq_cnt":3,"fetchq_size":96,"fetch_state":"active","next_offset":354,
"app_offset":340,"stored_offset":-1001,"committed_offset":-1001,"hi_offset":356,"ls_offset":354,"consumer_lag":-1},
"1":{"partition":1,"leader":1,"desired":true,"fetchq_cnt":0,"fetchq_size":0,"fetch_state":"active","next_offset":0,
"app_offset":-1001,"stored_offset":-1001,"committed_offset":-1001,"hi_offset":-1001,"ls_offset":-1001},
"-1":{"partition":-1,"leader":-1,"desired":false,"fetchq_cnt":0,"fetchq_size":0,"fetch_state":"none",
"app_offset":-1001,"hi_offset":-1001,"ls_offset":-1001}}}},
"cgrp":{"state":"up","stateage":4994,"join_state":"steady","rebalance_age":2879,"rebalance_cnt":1,
"rebalance_reason":"Metadata for subscribed topic(s) has changed","assignment_size":2},
"tx":23,"tx_bytes":2199,"rx":22,"rx_bytes":10036,"txmsgs":0,"txmsg_bytes":0,"rxmsgs":702,"rxmsg_bytes":4392})";

constexpr const char* kProducer = R"({"name":"qingchuan-producer#producer-2","client_id":"qingchuan-producer",
"type":"producer","ts":26446072109,"time":1795485039,"age":2000601,"replyq":0,"msg_cnt":200,"msg_size":2200,
"brokers":{"TxnCoordinator":{"name":"TxnCoordinator","nodeid":1,"source":"logical","state":"UP","tx":4,"txerrs":0,
"txretries":0,"req_timeouts":0,"rxerrs":0,"connects":3,"disconnects":0,"rtt":{"sum":11879,"cnt":1},
"throttle":{"sum":0,"cnt":0}}},"topics":{},
"eos":{"idemp_state":"Assigned","idemp_stateage":979,"txn_state":"BeginCommit","txn_may_enq":false,"producer_id":0,
"producer_epoch":0,"epoch_cnt":1},"tx":10,"tx_bytes":454,"rx":9,"rx_bytes":1333,"txmsgs":0,"txmsg_bytes":0,"rxmsgs":0,
"rxmsg_bytes":0})";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

class KafkaMetricsTest : public testing::Test {
 protected:
  std::optional<double> value(const std::string& name, const std::string& client = "") const {
    for (const auto& family : registry_.Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) {
        if (!client.empty() && (metric.label.size() != 1 || metric.label[0].value != client)) continue;
        return family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
      }
    }
    return std::nullopt;
  }

  prometheus::Registry registry_;
  KafkaMetrics metrics_{registry_};
};

TEST_F(KafkaMetricsTest, WhatAConsumerSaysIsShownInBaseUnits) {
  metrics_.take(kConsumer);
  EXPECT_EQ(value("qingchuan_kafka_requests_total", "consumer"), 23);
  EXPECT_EQ(value("qingchuan_kafka_response_bytes_total", "consumer"), 10036);
  EXPECT_EQ(value("qingchuan_kafka_received_records_total", "consumer"), 702);
  EXPECT_EQ(value("qingchuan_kafka_retries_total", "consumer"), 2);
  EXPECT_EQ(value("qingchuan_kafka_timeouts_total", "consumer"), 1);
  EXPECT_EQ(value("qingchuan_kafka_connects_total", "consumer"), 2);
  EXPECT_EQ(value("qingchuan_kafka_connections", "consumer"), 2);
  EXPECT_EQ(value("qingchuan_kafka_rebalances_total", "consumer"), 1);
  EXPECT_EQ(value("qingchuan_kafka_assigned_partitions", "consumer"), 2);
  EXPECT_EQ(value("qingchuan_kafka_fetched_records", "consumer"), 3);
  EXPECT_EQ(value("qingchuan_kafka_fetched_bytes", "consumer"), 96);
  EXPECT_EQ(value("qingchuan_kafka_unread_records", "consumer"), 14) << "of the one partition whose end is known";
  EXPECT_DOUBLE_EQ(*value("qingchuan_kafka_round_trip_seconds_total", "consumer"), 1.003526);
  EXPECT_DOUBLE_EQ(*value("qingchuan_kafka_throttled_seconds_total", "consumer"), 0.25);
  EXPECT_EQ(value("qingchuan_kafka_statistics_malformed_total"), 0);
}

TEST_F(KafkaMetricsTest, AProducersQueueAndItsFailedTransactionAreSeen) {
  metrics_.take(kProducer);
  EXPECT_EQ(value("qingchuan_kafka_queued_records", "producer"), 200);
  EXPECT_EQ(value("qingchuan_kafka_queued_bytes", "producer"), 2200);
  EXPECT_EQ(value("qingchuan_kafka_transaction_errors", "producer"), 0);
  for (const char* state : {"AbortableError", "FatalError"}) {
    metrics_.take(replaced(kProducer, "BeginCommit", state));
    EXPECT_EQ(value("qingchuan_kafka_transaction_errors", "producer"), 1) << state;
  }
  metrics_.take(kProducer);
  EXPECT_EQ(value("qingchuan_kafka_transaction_errors", "producer"), 0);
}

TEST_F(KafkaMetricsTest, CountersGrowByWhatIsNewAndWindowsByThemselves) {
  metrics_.take(kConsumer);
  metrics_.take(replaced(kConsumer, "\"rxmsgs\":702", "\"rxmsgs\":1000"));
  EXPECT_EQ(value("qingchuan_kafka_received_records_total", "consumer"), 1000);
  EXPECT_EQ(value("qingchuan_kafka_requests_total", "consumer"), 23);
  EXPECT_EQ(value("qingchuan_kafka_round_trips_total", "consumer"), 4) << "each window is told once";
}

TEST_F(KafkaMetricsTest, CountersNeverFallWhenAClientBeginsAnew) {
  metrics_.take(kConsumer);
  metrics_.take(replaced(kConsumer, "\"rxmsgs\":702", "\"rxmsgs\":5"));
  EXPECT_EQ(value("qingchuan_kafka_received_records_total", "consumer"), 707);
}

TEST_F(KafkaMetricsTest, ClientsOfOneKindAddUpAndOneThatIsGoneLeavesOnlyItsCounters) {
  metrics_.take(kConsumer);
  metrics_.take(replaced(kConsumer, "consumer-1", "consumer-7"));
  EXPECT_EQ(value("qingchuan_kafka_received_records_total", "consumer"), 1404);
  EXPECT_EQ(value("qingchuan_kafka_assigned_partitions", "consumer"), 4);
  // Half a minute later only one of them still speaks.
  metrics_.take(replaced(kConsumer, "\"ts\":26449075289", "\"ts\":26480075289"));
  EXPECT_EQ(value("qingchuan_kafka_assigned_partitions", "consumer"), 2);
  EXPECT_EQ(value("qingchuan_kafka_received_records_total", "consumer"), 1404);
  // And of a kind that is gone altogether nothing stands.
  std::string other = replaced(kConsumer, "\"ts\":26449075289", "\"ts\":26520075289");
  other = replaced(other, "qingchuan-consumer#consumer-1", "qingchuan-reader#consumer-9");
  metrics_.take(replaced(other, "\"client_id\":\"qingchuan-consumer\"", "\"client_id\":\"qingchuan-reader\""));
  EXPECT_EQ(value("qingchuan_kafka_assigned_partitions", "consumer"), 0);
  EXPECT_EQ(value("qingchuan_kafka_assigned_partitions", "reader"), 2);
}

TEST_F(KafkaMetricsTest, NamesOfClientsThatAreNotOursShareOneLabel) {
  for (int i = 0; i < 50; ++i) {
    metrics_.take(R"({"name":"x#)" + std::to_string(i) + R"(","client_id":"x)" + std::to_string(i) + R"(","tx":1})");
  }
  EXPECT_EQ(value("qingchuan_kafka_requests_total", "other"), 50);
  for (const auto& family : registry_.Collect()) EXPECT_LE(family.metric.size(), 1U) << family.name;
}

TEST_F(KafkaMetricsTest, WhatIsMalformedIsCountedAndChangesNothingElse) {
  metrics_.take(kConsumer);
  const std::vector<std::string> wrong = {"",
                                          "{",
                                          "[]",
                                          "7",
                                          "null",
                                          R"({"client_id":"qingchuan-reader"})",
                                          R"({"name":3})",
                                          std::string(100000, '['),
                                          std::string("\0\xff", 2)};
  for (const std::string& json : wrong) metrics_.take(json);
  EXPECT_EQ(value("qingchuan_kafka_statistics_malformed_total"), static_cast<double>(wrong.size()));
  EXPECT_EQ(value("qingchuan_kafka_received_records_total", "consumer"), 702);
  // Parts of other types than they should be are as if they were not there.
  metrics_.take(
      R"({"name":"r","client_id":7,"tx":"many","rx":-1001,"brokers":[],"topics":{"t":{"partitions":{"0":3}},"u":1},)"
      R"("cgrp":"up","eos":{"txn_state":5}})");
  EXPECT_EQ(value("qingchuan_kafka_statistics_malformed_total"), static_cast<double>(wrong.size()));
  EXPECT_EQ(value("qingchuan_kafka_responses_total", "other"), 0);
}

TEST_F(KafkaMetricsTest, ManyThreadsMaySpeakAtOnce) {
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([this, t] {
        const std::string mine = replaced(kConsumer, "consumer-1", "consumer-" + std::to_string(10 + t));
        for (int i = 0; i < 50; ++i) metrics_.take(mine);
      });
    }
  }
  EXPECT_EQ(value("qingchuan_kafka_received_records_total", "consumer"), 4 * 702);
  EXPECT_EQ(value("qingchuan_kafka_round_trips_total", "consumer"), 4 * 50 * 2);
}

}  // namespace
}  // namespace qc::stream
