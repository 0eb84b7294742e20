#include "processor/records.h"

#include <array>
#include <utility>

#include "stream/partition.h"
#include "stream/read_range.h"
#include "wire/keys.h"

namespace qc::processor {

Result<void> learn_partitions(stream::Log& log, StageOptions& options) {
  for (auto [name, count] :
       {std::pair{kReadings, &options.readings_partitions}, std::pair{kMeans, &options.means_partitions},
        std::pair{kRegionMeans, &options.region_means_partitions}, std::pair{kSignals, &options.signals_partitions},
        std::pair{kDeadLetters, &options.dead_letters_partitions}}) {
    const auto n = stream::partitions_of(log, name);
    if (!n && n.error().code == Errc::topic_unknown && name == std::string_view(kRegionMeans)) {
      *count = options.means_partitions;  // of a log from before there were any
      continue;
    }
    if (!n) return tl::make_unexpected(n.error());
    *count = *n;
  }
  return {};
}

stream::NewRecord signal_record(const core::Signal& s, const wire::Provenance& from, std::string_view source,
                                const StageOptions& options) {
  // CloudEvents 1.0 in Kafka's binary mode, so that other systems subscribe without our code (docs/output.md). The last
  // two say again what the value says.
  const std::array headers = {stream::Header{"region", s.root},
                              stream::Header{"version", options.version},
                              stream::Header{"ce_specversion", "1.0"},
                              stream::Header{"ce_id", s.id + "@" + std::to_string(s.revision)},
                              stream::Header{"ce_type", "qingchuan.signal"},
                              stream::Header{"ce_source", std::string(source)},
                              stream::Header{"ce_time", core::to_iso(s.at)},
                              stream::Header{"ce_subject", s.subject},
                              stream::Header{"content-type", "application/protobuf"}};
  return {{kSignals, stream::partition_of(s.root, options.signals_partitions)},
          wire::signal_key(s.subject),
          wire::encode_signal(s, from),
          stream::encode_headers(headers)};
}

stream::NewRecord dead_letter(const stream::Record& record, const core::Rejected& why, std::string_view stage,
                              const StageOptions& options) {
  wire::DeadLetter letter;
  letter.source_topic = record.from->topic;
  letter.source_partition = record.from->partition;
  letter.source_offset = record.offset;
  letter.reason = why.reason;
  letter.detail = why.detail;
  letter.readings = why.readings;
  letter.key = record.key;
  letter.value = record.value;
  letter.stage = stage;
  std::string key = wire::dead_letter_key(record.from->topic, record.from->partition);
  const int partition = stream::partition_of(key, options.dead_letters_partitions);
  const std::array headers = {stream::Header{"version", options.version}};
  return {{kDeadLetters, partition},
          std::move(key),
          wire::encode_dead_letter(letter, options.dead_letter_bytes_max),
          stream::encode_headers(headers)};
}

void add_signal_ticks(core::EventTime now, std::string_view service, int partition, const StageOptions& options,
                      stream::StageOutputs& out) {
  for (int p = 0; p < options.signals_partitions; ++p) {
    out.records.push_back(
        {{kSignals, p}, wire::tick_key(service, partition), wire::encode_signal_tick(now, service, partition), {}});
  }
}

}  // namespace qc::processor
