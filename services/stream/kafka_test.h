// A real Kafka for tests: QC_KAFKA names its address. Every test has a prefix of its own.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>

#include "stream/kafka_log.h"

namespace qc::stream {

inline bool has_test_kafka() {
  const char* address = std::getenv("QC_KAFKA");
  return address != nullptr && *address != '\0';
}

inline KafkaOptions kafka_test_options(const std::string& name) {
  static std::atomic<int> next{0};
  KafkaOptions options;
  options.brokers = std::getenv("QC_KAFKA");
  const auto now = std::chrono::system_clock::now().time_since_epoch().count() / 1'000'000;
  options.prefix = name + "." + std::to_string(getpid()) + "." + std::to_string(now % 100'000'000) + "." +
                   std::to_string(next++) + ".";
  options.session_timeout = Milliseconds(1000);    // the broker of the tests allows it
  options.max_poll_interval = Milliseconds(2500);  // so that one that does not poll is soon put out
  return options;
}

}  // namespace qc::stream
