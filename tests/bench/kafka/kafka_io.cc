#include "kafka_io.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace qc::bench {
namespace {

constexpr int kRequestMs = 10'000;
constexpr std::size_t kPollMax = 10'000;

using Setting = std::pair<const char*, std::string>;

Client connect(rd_kafka_type_t type, const std::vector<Setting>& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> text{};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), text.data(), text.size()) != RD_KAFKA_CONF_OK) die(text.data());
  }
  if (type == RD_KAFKA_PRODUCER) {
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* m, void*) {
      if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) die(std::string("not delivered: ") + rd_kafka_err2str(m->err));
    });
  }
  rd_kafka_t* rk = rd_kafka_new(type, conf, text.data(), text.size());
  if (rk == nullptr) die(text.data());
  return Client(rk);
}

int partitions_of(rd_kafka_t* rk, const std::string& topic) {
  const Topic handle(rd_kafka_topic_new(rk, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(rk, 0, handle.get(), &metadata, kRequestMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) die("metadata of " + topic + ": " + rd_kafka_err2str(error));
  const int n = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(metadata);
  if (n == 0) die("there is no topic " + topic);
  return n;
}

// A broker that has just started says for a moment that it leads nothing.
std::pair<std::int64_t, std::int64_t> range_of(rd_kafka_t* rk, const std::string& topic, int partition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kRequestMs);
  for (;;) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    const auto error = rd_kafka_query_watermark_offsets(rk, topic.c_str(), partition, &low, &high, kRequestMs);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {low, high};
    if (std::chrono::steady_clock::now() > until) die("offsets of " + topic + ": " + rd_kafka_err2str(error));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

void die(const std::string& what) {
  std::fprintf(stderr, "kafka_load: %s\n", what.c_str());
  std::_Exit(1);
}

int partitions_of(const std::string& brokers, const std::string& topic) {
  return partitions_of(connect(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}}).get(), topic);
}

Writer::Writer(const std::string& brokers, const std::string& topic, int linger_ms)
    : client_(connect(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                          {"enable.idempotence", "true"},
                                          {"compression.codec", "lz4"},
                                          {"linger.ms", std::to_string(linger_ms)},
                                          {"batch.size", "1000000"},
                                          {"queue.buffering.max.messages", "200000"},
                                          {"socket.nagle.disable", "true"}})),
      topic_(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr)) {}

void Writer::write(int partition, std::string_view key, std::string_view value) {
  // librdkafka copies the value (F_COPY) and only reads it.
  void* const bytes = const_cast<char*>(value.data());
  while (rd_kafka_produce(topic_.get(), partition, RD_KAFKA_MSG_F_COPY, bytes, value.size(), key.data(), key.size(),
                          nullptr) != 0) {
    const auto error = rd_kafka_last_error();
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) die(std::string("produce: ") + rd_kafka_err2str(error));
    rd_kafka_poll(client_.get(), 10);
  }
}

void Writer::serve() {
  rd_kafka_poll(client_.get(), 0);
}

void Writer::flush() {
  const auto error = rd_kafka_flush(client_.get(), 6 * kRequestMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) die(std::string("flush: ") + rd_kafka_err2str(error));
}

Tail::Tail(const std::string& brokers, const std::string& topic, From from)
    : client_(connect(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                          {"group.id", "kafka-load"},  // asked for, never used: it assigns by itself
                                          {"enable.auto.commit", "false"},
                                          {"isolation.level", "read_committed"},
                                          {"enable.partition.eof", "true"},
                                          {"fetch.wait.max.ms", "100"},
                                          // librdkafka waits a second before it fetches again once this much is queued
                                          {"queued.min.messages", "1000000"},
                                          {"queued.max.messages.kbytes", "1000000"},
                                          {"socket.nagle.disable", "true"}})),
      queue_(nullptr, &rd_kafka_queue_destroy) {
  rd_kafka_poll_set_consumer(client_.get());
  const int n = partitions_of(client_.get(), topic);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(n);
  for (int p = 0; p < n; ++p) {
    const auto [low, high] = range_of(client_.get(), topic, p);
    rd_kafka_topic_partition_list_add(list, topic.c_str(), p)->offset = from == From::End ? high : low;
  }
  const auto error = rd_kafka_assign(client_.get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) die("assign " + topic + ": " + rd_kafka_err2str(error));
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  at_end_.resize(static_cast<std::size_t>(n));
}

bool Tail::poll(int wait_ms, const std::function<void(std::string_view, std::string_view)>& take) {
  std::array<rd_kafka_message_t*, kPollMax> messages;
  const auto n = rd_kafka_consume_batch_queue(queue_.get(), wait_ms, messages.data(), messages.size());
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max<ssize_t>(n, 0)); ++i) {
    const rd_kafka_message_t* m = messages[i];
    const auto partition = static_cast<std::size_t>(std::max(m->partition, 0));
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at_end_[partition] = true;
    } else if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      die(std::string("read: ") + rd_kafka_message_errstr(m));
    } else {
      at_end_[partition] = false;
      take({static_cast<const char*>(m->key), m->key_len}, {static_cast<const char*>(m->payload), m->len});
    }
    rd_kafka_message_destroy(messages[i]);
  }
  return !std::all_of(at_end_.begin(), at_end_.end(), [](bool end) { return end; });
}

}  // namespace qc::bench
