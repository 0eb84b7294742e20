// Retention and compaction: what to delete is found by reading in short transactions, and deleted in small ones through
// the writer's queue, so that no producer waits long and no reader pins the WAL. A crash anywhere leaves a log that the
// next pass goes on with.
//
// Compaction works as Kafka's cleaner does: the newest offset of each key over the part that is new since the last pass
// (and older than the topic's lag), then one sweep from the start that deletes what is older than that. A tombstone
// goes in a later pass, tombstones_kept after the one that took the older values of its key: whoever has read one of
// those has so much time to meet it, however old it is itself (a log that lay still for days is compacted while it is
// read).
//
// Lifecycle: made for one pass. Threads: one.
#pragma once

#include <span>
#include <string>
#include <unordered_map>

#include "stream/embedded_core.h"
#include "stream/embedded_writer.h"

namespace qc::stream::embedded {

class Maintainer {
 public:
  static Result<Maintenance> pass(Core& core, Writer& writer);

 private:
  struct Part {
    std::int64_t id = 0;
    Offset start = 0, next = 0, cleaned = 0;
    std::int64_t kept = 0;
    // Those below `tombstones_below` may go from then on, milliseconds; the greatest number where none waits.
    std::int64_t tombstones_due = 0;
    Offset tombstones_below = 0;
  };
  Maintainer(Core& core, Writer& writer, Database database)
      : core_(core), writer_(writer), database_(std::move(database)), now_(core.options.clock_ms()) {}

  Result<std::vector<Part>> parts(const std::string& topic);
  Result<void> retain(Part& part, std::int64_t written_before);
  Result<void> compact(const Part& part, std::int64_t written_before);
  // The newest offset of each key in [part.cleaned, the result).
  Result<Offset> newest_of_keys(const Part& part, std::int64_t written_before);
  Result<void> sweep(const Part& part, Offset end);
  Result<void> erase(std::int64_t part, std::span<const Offset> offsets);

  Core& core_;
  Writer& writer_;
  Database database_;
  std::int64_t now_;
  Maintenance done_;
  std::unordered_map<std::string, Offset> newest_;
};

// What EmbeddedLog::check_integrity says.
Result<void> check_integrity(Database& database, const std::string& file);

}  // namespace qc::stream::embedded
