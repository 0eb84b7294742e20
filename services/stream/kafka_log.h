// The log on Apache Kafka, by librdkafka (architecture section 4). One KafkaLog is one cluster and one prefix; what it
// makes has connections and threads of its own (librdkafka's), so make few and keep them.
//
//  - Everything reads committed records only. `range().end` is the high watermark: it may lie behind records that are
//    not committed yet and behind transaction markers, so "read up to the end" goes by Reader::position, not by an
//    offset seen.
//  - A Member is a consumer of its group (assignor `range`, dynamic membership) and a transactional producer whose
//    transactional.id is `<prefix><group>-<instance>-<member>`: a process that starts again in the same place at once
//    ends what its former life left open. A commit carries the generation that the partitions were assigned in, so a
//    zombie's is refused by the broker.
//  - The outcome of a commit that the broker did not answer is not known: log_fenced, and the restore finds out.
//  - Records are written with the time of writing; retention goes by it.
//
// Settings that matter are set in kafka_settings.cc, each with its reason; `settings` adds any other of librdkafka's
// (security above all) under its own name. Secrets are never said.
//
// Lifecycle: open; outlives what it makes. Threads: as stream/log.h says; `line` and `statistics` are called from
// threads of librdkafka's and of callers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stream/log.h"
#include "stream/worker.h"

namespace qc::stream {

struct KafkaOptions {
  std::string brokers;                                        // "host:port,host:port"
  std::string prefix;                                         // of topics, groups and transactional ids; may be empty
  std::string instance = "0";                                 // of this process among those of its groups: stable
  std::vector<std::pair<std::string, std::string>> settings;  // librdkafka's own names; see check_kafka_settings
  int replication = -1;                                       // of topics that are made; -1: the broker's default
  std::size_t record_bytes_max = 4UL << 20;                   // key and value
  Milliseconds session_timeout{6000};                         // a killed member's partitions are given on after this
  Milliseconds max_poll_interval{300000};                     // so long may one step of a worker take
  Milliseconds transaction_timeout{10000};
  Milliseconds request_timeout{10000};                    // the longest wait for an answer: metadata, offsets, a commit
  LineSink line;                                          // one line for a person; empty: dropped
  std::function<void(std::string_view json)> statistics;  // librdkafka's, of each client, every statistics_interval
  Milliseconds statistics_interval{5000};
  std::function<std::int64_t()> clock_ms;  // the time of writing; empty: the wall clock
};

// Whether librdkafka knows the names and takes the values, and whether they are not ours to set. The error names the
// setting, never its value.
Result<void> check_kafka_settings(const std::vector<std::pair<std::string, std::string>>& settings);

// A stable number for this process among those of this host that use the same cluster and prefix: the lowest that is
// free, held until the process ends. With the host's name it makes a good KafkaOptions::instance.
Result<std::string> claim_kafka_instance(const std::string& brokers, const std::string& prefix);

// Errors: config_invalid (settings), log_unavailable (no broker answers within request_timeout), log_refused.
Result<std::unique_ptr<Log>> open_kafka(KafkaOptions options);

}  // namespace qc::stream
