// The log in memory: for the seeded simulator, which runs every stage on one thread, and for unit tests. It keeps the
// whole contract of log.h (it runs the same contract tests as the others) and is deterministic: nothing happens in it
// but by a call. Beside the contract it has the hooks by which a simulator does to it what a bad day does to Kafka:
// members that die without a word, fenced zombies, commits that fail or whose answer is lost, offset gaps, compaction
// and retention at any moment.
//
// Partitions of a group are shared out by range over the members' names, again whenever one joins, leaves or expires; a
// member learns of it at its next poll, and only what moved is told. poll with wait 0 never blocks; a longer one waits
// on a condition variable, so that threaded tests can use it too.
//
// Lifecycle: outlives its readers, appenders and members. Threads: any; one mutex.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "stream/log.h"

namespace qc::stream {

struct MemoryLogOptions {
  std::function<std::int64_t()> now_ms;           // the time of writing; empty: the system's clock
  std::size_t record_bytes_max = 16u << 20;       // key, value and headers together: record_too_large
  Milliseconds tombstone_kept{24 * 3600 * 1000};  // from when the older values of their keys went, for slow readers
  Offset control_records = 0;                     // offsets that each commit leaves unused in each partition (Kafka: 1)
};

class MemoryLog final : public Log {
 public:
  explicit MemoryLog(MemoryLogOptions options = {});
  ~MemoryLog() override;

  Result<void> create_topics(std::span<const TopicSpec> specs) override;
  Result<std::vector<TopicSpec>> topics() override;
  Result<Range> range(const TopicPartition& tp) override;
  Result<std::unique_ptr<Reader>> reader(std::span<const std::pair<TopicPartition, Offset>> from) override;
  Result<std::unique_ptr<Appender>> appender() override;
  // A second member of the same name fences the first, as a restarted worker fences its former self.
  Result<std::unique_ptr<Member>> join(const GroupSpec& spec) override;

  // --- hooks for simulators ---------------------------------------------------------------------------------------

  enum class CommitFault {
    Abortable,    // nothing happened, but offsets were used up
    Full,         // nothing happened: log_full
    Unavailable,  // nothing happened: log_unavailable
    Unknown,      // the commit took effect, its answer is lost: the member finds itself fenced
  };
  // The next `times` commits of any member (or only of that one) fail so.
  void fail_commits(CommitFault fault, int times = 1, const std::string& member = "");
  // The same for appends, with log_full.
  void fail_appends(int times);
  // The member dies without notice: its partitions stay with it, and destroying it gives nothing up, until expire.
  // Used on after that, it is a zombie, which may commit until it has expired.
  void kill(const std::string& group, const std::string& member);
  // The group gives up waiting for a killed member.
  void expire(const std::string& group, const std::string& member);
  // The member is put out of the group: whatever it does next fails with log_fenced.
  void fence(const std::string& group, const std::string& member);
  // As before a rebalance: what the member has is announced to leave it, then taken and shared out anew.
  void revoke(const std::string& group, const std::string& member);
  // The next record of the partition gets an offset so much greater.
  void leave_gap(const TopicPartition& tp, Offset offsets);
  // Compacts all topics that are for it: of each key the last value stays, and older ones than compaction_lag go.
  void compact_now();
  // Drops what is older than each topic's retention.
  void retain_now();
  // Drops what stands before `offset`, whatever the topic's settings.
  void delete_before(const TopicPartition& tp, Offset offset);
  // The group's next offset to read; nullopt: never committed.
  std::optional<Offset> committed(const std::string& group, const TopicPartition& tp) const;
  // Members that are in the group now.
  std::size_t members(const std::string& group) const;
  // Whatever readers, appenders and members do fails with log_unavailable, until false is given.
  void unavailable(bool value);

 private:
  class MemoryReader;
  class MemoryAppender;
  class MemoryMember;
  struct Stored {
    Offset offset = 0;
    std::int64_t written_ms = 0;
    std::string key;
    std::optional<std::string> value;
    std::string headers;
  };
  struct Partition {
    TopicPartition name;
    std::deque<std::shared_ptr<const Stored>> records;
    Offset start = 0;  // the oldest kept
    Offset end = 0;    // after the last committed record
    Offset next = 0;   // what the next record gets: end, or more after a gap
    // Tombstones below may be compacted away from then on: so long after the older values of their keys were.
    Offset tombstones_below = 0;
    std::optional<std::int64_t> tombstones_due;
  };
  struct Topic {
    TopicSpec spec;
    std::vector<std::unique_ptr<Partition>> partitions;
  };
  struct Seat {  // one member as the group knows it
    std::uint64_t id = 0;
    bool killed = false;
    bool revoke = false;   // its next poll says that all it has will leave it
    bool revoked = false;  // the one after that takes it
  };
  struct Share {              // one partition number within a group
    std::uint64_t owner = 0;  // Seat::id; 0: nobody
    std::uint64_t epoch = 0;  // rises whenever the owner changes
  };
  struct Group {
    std::vector<std::string> topics;
    std::map<std::string, Seat> seats;  // by member name: range assignment goes by it
    std::vector<Share> shares;          // by partition number
    std::map<TopicPartition, Offset> committed;
  };
  struct Fault {
    CommitFault fault;
    int times;
    std::string member;
  };

  std::int64_t now_ms() const { return options_.now_ms(); }
  Partition* find(const TopicPartition& tp);
  Result<void> check(std::span<const NewRecord> records);
  void write(std::span<const NewRecord> records);
  void share_out(Group& group);
  void remove(Group& group, const std::string& member, std::uint64_t id);
  // Copies records of `partition` from `*offset` on, and moves it past them.
  static void read(const Partition& partition, Offset* offset, std::size_t max, Batch& out);
  static void begin(Batch& out);
  std::optional<CommitFault> take_fault(const std::string& member);

  MemoryLogOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // something was committed, or a group was shared out anew
  std::map<std::string, Topic> topics_;
  std::map<std::string, Group> groups_;
  std::vector<Fault> faults_;
  int append_failures_ = 0;
  bool unavailable_ = false;
  std::uint64_t seats_ = 0;
};

}  // namespace qc::stream
