// Reader, Appender and Member of the embedded log. A member's ownership is a lock that the system drops with its
// process (embedded_lease.h) and an epoch in the database that its commits must match (embedded_writer.h).
//
// Lifecycle and threads: as log.h says.
#pragma once

#include <map>
#include <vector>

#include "stream/embedded_lease.h"
#include "stream/embedded_tail.h"
#include "stream/embedded_writer.h"

namespace qc::stream::embedded {

class EmbeddedReader : public Reader {
 public:
  EmbeddedReader(Core& core, std::unique_ptr<Tail> tail) : resolver_(core), tail_(std::move(tail)) {}
  Result<void> poll(Batch& out, std::size_t max, Milliseconds wait) override;
  Result<void> seek(const TopicPartition& tp, Offset offset) override;

 private:
  Resolver resolver_;
  std::unique_ptr<Tail> tail_;
};

// Refuses what cannot be written before it reaches the writer.
class Checked {
 public:
  explicit Checked(Core& core) : core_(core), resolver_(core) {}
  Result<std::span<const Partition* const>> targets(std::span<const NewRecord> records);
  Resolver& resolver() { return resolver_; }

 private:
  Core& core_;
  Resolver resolver_;
  std::vector<const Partition*> targets_;
};

class EmbeddedAppender : public Appender {
 public:
  EmbeddedAppender(Core& core, Writer& writer) : checked_(core), writer_(writer) {}
  Result<void> append(std::span<const NewRecord> records) override;

 private:
  Checked checked_;
  Writer& writer_;
};

class EmbeddedMember : public Member {
 public:
  static Result<std::unique_ptr<Member>> join(Core& core, Writer& writer, const GroupSpec& spec);
  ~EmbeddedMember() override;

  Result<void> poll(Batch& out, Assignment& change, std::size_t max, Milliseconds wait) override;
  Result<std::optional<Offset>> committed(const TopicPartition& tp) override;
  Result<void> seek(const TopicPartition& tp, Offset offset) override;
  void pause(const TopicPartition& tp) override;
  void resume(const TopicPartition& tp) override;
  Result<void> commit(const Transaction& transaction) override;

 private:
  EmbeddedMember(Core& core, Writer& writer, const GroupSpec& spec, LeaseFile locks, std::unique_ptr<Tail> tail)
      : core_(core), writer_(writer), spec_(spec), locks_(std::move(locks)), tail_(std::move(tail)), checked_(core) {}

  Result<void> look_after_leases(Assignment& change);
  Result<void> drop_fenced();
  Result<void> take_free(Assignment& change);
  Result<void> begin_reading(int number, Assignment& change);
  void give_up(int number);
  Result<const Partition*> owned(const TopicPartition& tp);

  Core& core_;
  Writer& writer_;
  GroupSpec spec_;
  LeaseFile locks_;
  std::unique_ptr<Tail> tail_;
  Checked checked_;
  std::int64_t group_ = 0;
  std::vector<const Topic*> topics_;
  int partitions_ = 0;
  std::map<int, std::int64_t> epochs_;  // of the numbers that are owned
  std::vector<int> lost_;               // not told yet
  Statement select_epoch_, select_offset_;
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace qc::stream::embedded
