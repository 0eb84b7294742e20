// What every stage of this service writes in the same way: signals with their CloudEvents headers, time, dead letters
// and state. Functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/output.h"
#include "core/reading.h"
#include "stream/stage.h"
#include "wire/codec.h"

namespace qc::processor {

inline constexpr const char* kReadings = "readings";
inline constexpr const char* kEvents = "events";
inline constexpr const char* kMeans = "means";
// Of regions, and not in `means`: that is what the region stage reads, and every origin there is in `readings`.
inline constexpr const char* kRegionMeans = "region-means";
inline constexpr const char* kSignals = "signals";
inline constexpr const char* kDeadLetters = "dead-letters";
// Its records are MeanRecords.
inline bool holds_means(std::string_view topic) {
  return topic == kMeans || topic == kRegionMeans;
}

// Partition counts, limits and the version, as all stages of a log have them.
struct StageOptions {
  wire::DecodeLimits decode;
  std::size_t dead_letter_bytes_max = 64 << 10;
  int readings_partitions = 1;
  int means_partitions = 1;
  int region_means_partitions = 1;
  int signals_partitions = 1;
  int dead_letters_partitions = 1;
  std::string version;  // of the binary; said in a header, left out of every comparison
};

// Fills in the partition counts as the log has them. topic_unknown where it has not been set up.
Result<void> learn_partitions(stream::Log& log, StageOptions& options);

// To the partition of its root region. `source`: CloudEvents' ce_source, "/qingchuan/processor": it tells apart the
// stages that write signals, whose origins are positions in different topics.
stream::NewRecord signal_record(const core::Signal& signal, const wire::Provenance& from, std::string_view source,
                                const StageOptions& options);

// The record that could not be processed, for a person. `stage`: who says so.
stream::NewRecord dead_letter(const stream::Record& record, const core::Rejected& why, std::string_view stage,
                              const StageOptions& options);

// The stage's new time, to every partition of `signals`. `service`, `partition`: who says so.
void add_signal_ticks(core::EventTime now, std::string_view service, int partition, const StageOptions& options,
                      stream::StageOutputs& out);

// What a stage of the core saves, into the engine's state: empty bytes erase the key.
inline auto put_into(stream::StateSink& sink) {
  return [&sink](std::string_view key, std::string_view bytes) {
    if (bytes.empty()) {
      sink.erase(key);
    } else {
      sink.put(key, bytes);
    }
  };
}

}  // namespace qc::processor
