// The log: named topics of partitions of records, the only thing the services share and the only database
// (architecture section 3 and 4). Three implementations under one contract test (log_contract_test.h): memory (for the
// seeded simulator), embedded (one SQLite file) and, with its own issue, Kafka.
//
// The contract, for readers of any implementation:
//  - Within a partition offsets rise; they may have gaps (compaction, retention, aborted or control records).
//  - Only committed records are ever seen. `end` is the offset after the last committed record.
//  - A Transaction is all or nothing: records, state and input offsets become visible together.
//  - A (group, partition) has one owner at a time; a commit by a former owner fails with log_fenced and changes
//  nothing.
//  - An append that returned without error survives SIGKILL and, for embedded and Kafka, power loss.
//
// Lifecycle: the Log outlives what it makes. Threads: Log may be called from any thread; a Reader, Appender or Member
// from one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace qc::stream {

using Milliseconds = std::chrono::milliseconds;
using Offset = std::int64_t;

enum class Cleanup { Delete, Compact, CompactDelete };

struct TopicSpec {
  std::string name;
  int partitions = 1;
  Cleanup cleanup = Cleanup::Delete;
  Milliseconds retention{0};       // by the time of writing; 0: for ever
  Milliseconds compaction_lag{0};  // younger records are never compacted
  bool operator==(const TopicSpec&) const = default;
};

struct TopicPartition {
  std::string topic;
  int partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};
std::string to_string(const TopicPartition& tp);  // "means-0"

struct Header {
  std::string key;
  std::string value;
};
// Headers travel as one byte string: a varint length before each key and each value.
std::string encode_headers(std::span<const Header> headers);
// The value of the first header with that key. Malformed bytes read as "not there".
std::optional<std::string_view> find_header(std::string_view headers, std::string_view key);
// All of them in their order, up to the first malformed byte.
void each_header(std::string_view headers,
                 const std::function<void(std::string_view key, std::string_view value)>& use);

// A record to be written.
struct NewRecord {
  TopicPartition to;
  std::string key;
  std::optional<std::string> value;  // nullopt: a tombstone
  std::string headers;               // encode_headers
  std::int64_t written_ms = 0;       // the time of writing that a copy keeps; 0: now
};

// The headers of a record as read. On Kafka they are looked for when they are asked for, which most readers never do.
class RecordHeaders {
 public:
  using Find = std::string_view (*)(void* batch, const void* message);
  RecordHeaders() = default;
  explicit RecordHeaders(std::string_view bytes) : bytes_(bytes) {}
  RecordHeaders(Find find, void* batch, const void* message) : find_(find), batch_(batch), message_(message) {}
  // encode_headers
  std::string_view bytes() const {
    if (find_ != nullptr) bytes_ = std::exchange(find_, nullptr)(batch_, message_);
    return bytes_;
  }

 private:
  mutable std::string_view bytes_;
  mutable Find find_ = nullptr;
  void* batch_ = nullptr;
  const void* message_ = nullptr;
};

// A record as read. The views live as long as the Batch they came in and the Reader or Member that filled it.
struct Record {
  const TopicPartition* from = nullptr;
  Offset offset = 0;
  std::int64_t written_ms = 0;  // the time of writing: what retention goes by, never event time
  std::string_view key;
  std::string_view value;
  bool tombstone = false;
  RecordHeaders headers;
};

// What one poll brought. Reuse it: its memory is kept. Records of one partition are in offset order.
struct Batch {
  std::vector<Record> records;
  std::shared_ptr<void> owner;  // keeps the views alive; an implementation's own
  void clear() { records.clear(); }
};

// The whole of one atomic step of a worker.
struct Transaction {
  std::vector<NewRecord> records;                       // outputs and state
  std::vector<std::pair<TopicPartition, Offset>> next;  // input offsets: the next one to read
  bool empty() const { return records.empty() && next.empty(); }
  void clear() {
    records.clear();
    next.clear();
  }
};

struct Range {
  Offset start = 0;  // the oldest offset still kept
  Offset end = 0;    // after the last committed record
};

// Reads given partitions, outside any group.
class Reader {
 public:
  virtual ~Reader() = default;
  // Fills `out` with at most `max` records, waiting at most `wait` for the first one. Empty: there was none.
  virtual Result<void> poll(Batch& out, std::size_t max, Milliseconds wait) = 0;
  virtual Result<void> seek(const TopicPartition& tp, Offset offset) = 0;
  // The next offset it will look at, past the gaps that it has seen. nullopt (an implementation whose empty poll always
  // means "nothing more is there"): not told. Kafka tells it: there an empty poll may also mean that a fetch is slow.
  virtual std::optional<Offset> position(const TopicPartition& /*tp*/) const { return std::nullopt; }
};

// Appends outside any transaction: doors, ticks, rules.
class Appender {
 public:
  virtual ~Appender() = default;
  // Appends all of them in this order and returns when they are durable. Embedded and memory: all or nothing. Kafka: a
  // prefix may remain after an error, and a repeat is safe only for idempotent records (readings, ticks, rules all
  // are).
  virtual Result<void> append(std::span<const NewRecord> records) = 0;
};

struct Assignment {
  std::vector<TopicPartition> gained;
  std::vector<TopicPartition> lost;
  // Will be lost by the next poll, which others wait for: the moment to commit what was applied, and the state with it,
  // so that their next owner has nothing to do again. May be left out; no records come with it.
  std::vector<TopicPartition> leaving;
  bool empty() const { return gained.empty() && lost.empty() && leaving.empty(); }
};

struct GroupSpec {
  std::string group;
  std::vector<std::string> topics;  // of equal partition counts; a member owns the same numbers in all of them
  std::string member;               // stable name of this worker slot (Kafka: transactional.id)
  // How many members this process has in the group. Kafka's assignor shares partitions out by itself; the embedded log,
  // where the first comes first, takes at most this member's share of them.
  int members = 1;
};

// One worker's membership in a group: consumer and transactional producer in one, because input offsets, outputs and
// state are committed together or not at all. Closing (destroying) it gives its partitions up at once.
class Member {
 public:
  virtual ~Member() = default;
  // As Reader::poll over the owned partitions, which begin at their committed offset (0 where there is none).
  // `change` tells of partitions gained or lost by this call, before any record of them; records of lost ones are
  // never returned, and what was applied but not committed of them must be dropped.
  virtual Result<void> poll(Batch& out, Assignment& change, std::size_t max, Milliseconds wait) = 0;
  // As Reader::position.
  virtual std::optional<Offset> position(const TopicPartition& /*tp*/) const { return std::nullopt; }
  // The end of an owned partition as it was last heard of, without asking; nullopt: ask the log.
  virtual std::optional<Offset> known_end(const TopicPartition& /*tp*/) const { return std::nullopt; }
  // The group's next offset to read; nullopt where it has never committed one.
  virtual Result<std::optional<Offset>> committed(const TopicPartition& tp) = 0;
  virtual Result<void> seek(const TopicPartition& tp, Offset offset) = 0;
  // Paused partitions are kept but not read.
  virtual void pause(const TopicPartition& tp) = 0;
  virtual void resume(const TopicPartition& tp) = 0;
  // begin, produce, delivery reports, offsets, commit, in one call. Errors: log_abortable (nothing happened: the same
  // transaction may be given again), log_full and log_unavailable (the same, later), log_fenced (drop everything and
  // restore), log_fatal.
  virtual Result<void> commit(const Transaction& transaction) = 0;
};

class Log {
 public:
  virtual ~Log() = default;
  // Makes the missing ones. A topic that is there with another partition count: partitions_changed, nothing is made.
  // Other settings of existing topics are updated.
  virtual Result<void> create_topics(std::span<const TopicSpec> specs) = 0;
  virtual Result<std::vector<TopicSpec>> topics() = 0;
  virtual Result<Range> range(const TopicPartition& tp) = 0;
  // Each partition begins at its given offset; one that is no longer kept begins at the oldest kept.
  virtual Result<std::unique_ptr<Reader>> reader(std::span<const std::pair<TopicPartition, Offset>> from) = 0;
  virtual Result<std::unique_ptr<Appender>> appender() = 0;
  virtual Result<std::unique_ptr<Member>> join(const GroupSpec& spec) = 0;
};

}  // namespace qc::stream
