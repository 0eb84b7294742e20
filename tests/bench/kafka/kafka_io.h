// Writing to and reading from Kafka as the benchmark needs it: straight on librdkafka, so that no code of the product
// stands between the clock and the broker. Any failure ends the program with a line that says what failed: a
// measurement that went on after an error would be none.
//
// Threads: a Writer or Tail from one thread at a time.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qc::bench {

[[noreturn]] void die(const std::string& what);

struct DestroyClient {
  void operator()(rd_kafka_t* rk) const { rd_kafka_destroy(rk); }
};
using Client = std::unique_ptr<rd_kafka_t, DestroyClient>;

struct DestroyTopic {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using Topic = std::unique_ptr<rd_kafka_topic_t, DestroyTopic>;

int partitions_of(const std::string& brokers, const std::string& topic);

// Idempotent, acks=all, lz4.
class Writer {
 public:
  // linger: how long a record may wait for others.
  Writer(const std::string& brokers, const std::string& topic, int linger_ms);
  void write(int partition, std::string_view key, std::string_view value);
  // Serves delivery reports without waiting.
  void serve();
  // Until everything written so far is acknowledged.
  void flush();

 private:
  Client client_;
  Topic topic_;
};

// Reads a topic, all partitions, committed records only.
class Tail {
 public:
  enum class From { Beginning, End };
  Tail(const std::string& brokers, const std::string& topic, From from);
  // Gives what has come to `take`, waiting at most `wait_ms` for the first record. At the end of every partition:
  // false.
  bool poll(int wait_ms, const std::function<void(std::string_view key, std::string_view value)>& take);

 private:
  Client client_;
  std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue_;
  std::vector<bool> at_end_;
};

}  // namespace qc::bench
