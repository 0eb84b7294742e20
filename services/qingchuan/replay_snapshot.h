// The state of every stage at some places of the log, kept in a file, so that a replay need not begin with the log's
// first record: later, when retention has taken that, it is the only beginning there is.
//
// The file DIR/qingchuan.snapshot: the eight bytes "QCSNAP01" (01: the format), then for each stage its service,
// partition, position, fingerprint, rules' hash and entries (varints and texts of core/bytes.h), then the CRC-32 of all
// that, four bytes, little end first. It is written whole or not at all.
//
// Values and functions; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "qingchuan/replay_made.h"
#include "stream/log.h"

namespace qc::commands {

struct StageSnapshot {
  stream::Offset position = 0;    // the next input record
  std::uint32_t fingerprint = 0;  // of the record before it
  std::string rules;              // hash of those in force; empty: none yet
  std::map<std::string, std::string> entries;
  bool operator==(const StageSnapshot&) const = default;
};

struct Snapshot {
  std::map<Maker, StageSnapshot> stages;
  bool operator==(const Snapshot&) const = default;
};

std::string encode_snapshot(const Snapshot& snapshot);
// snapshot_invalid: not one of ours, of another version, or damaged; the text says which.
Result<Snapshot> decode_snapshot(std::string_view bytes);

// Makes the directory where it is missing and replaces what is there. file_unreadable.
Result<void> write_snapshot(const std::string& directory, const Snapshot& snapshot);
Result<Snapshot> read_snapshot(const std::string& directory);

// Of the record before `next`; nullopt: it is no longer there, or there is none.
Result<std::optional<std::uint32_t>> fingerprint(stream::Log& log, const stream::TopicPartition& input,
                                                 stream::Offset next);
// snapshot_invalid: the record that it was made behind is another one in this log.
Result<void> check_snapshot(stream::Log& log, const stream::TopicPartition& input, const StageSnapshot& snapshot);

}  // namespace qc::commands
