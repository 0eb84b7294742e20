// librdkafka's statistics (KafkaOptions::statistics: JSON of each client, every few seconds) as metrics
// `qingchuan_kafka_*`. Each has the label `client`: what the client is for (reader, appender, consumer, producer,
// admin); clients of one kind add up. Counters only rise, also when a client ends and another one begins; gauges are of
// the clients that were heard of lately. What cannot be read is counted and changes nothing else.
//
// Lifecycle: made before the log that it is given to, outlives it. Threads: take() from any.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string_view>

namespace qc::stream {

class KafkaMetrics {
 public:
  // The registry outlives it.
  explicit KafkaMetrics(prometheus::Registry& registry);
  ~KafkaMetrics();

  void take(std::string_view json);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::stream
