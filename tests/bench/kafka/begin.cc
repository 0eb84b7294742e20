// A new log as `feed` makes it, and the topics of the side that we are compared with.
#include <array>
#include <cstdio>

#include "commands.h"
#include "kafka_io.h"
#include "qingchuan/open_log.h"

namespace qc::bench {

int begin(const Broker& broker, const std::string& config, const std::string& peer) {
  std::string hash;
  auto log = commands::create_log({.config = config, .kafka = broker.brokers}, core::Timeline::Fed, hash);
  if (!log) die(describe(log.error()));
  const std::array topics = {stream::TopicSpec{peer + "means", 1, stream::Cleanup::Delete, {}, {}},
                             stream::TopicSpec{peer + "signals", 1, stream::Cleanup::Delete, {}, {}}};
  if (auto made = log->log->create_topics(topics); !made) die(describe(made.error()));
  std::printf("{\"rules\": \"%s\"}\n", hash.c_str());
  return 0;
}

}  // namespace qc::bench
