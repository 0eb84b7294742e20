#include "stream/embedded_member.h"

#include <unistd.h>

#include <algorithm>

#include "base/assert.h"

namespace qc::stream::embedded {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Result<void> EmbeddedReader::poll(Batch& out, std::size_t max, Milliseconds wait) {
  const auto deadline = Clock::now() + wait;
  for (;;) {
    if (auto read = tail_->read(out, max); !read) return read;
    if (!out.records.empty() || Clock::now() >= deadline) return {};
    if (auto waited = tail_->wait(deadline); !waited) return waited;
  }
}

Result<void> EmbeddedReader::seek(const TopicPartition& tp, Offset offset) {
  const auto partition = resolver_.find(tp);
  if (!partition) return tl::make_unexpected(partition.error());
  if (!tail_->seek(**partition, offset)) {
    return fail(Errc::topic_unknown, to_string(tp) + " is not among this reader's partitions");
  }
  return {};
}

Result<std::span<const Partition* const>> Checked::targets(std::span<const NewRecord> records) {
  targets_.clear();
  targets_.reserve(records.size());
  for (const NewRecord& record : records) {
    const auto partition = resolver_.find(record.to);
    if (!partition) return tl::make_unexpected(partition.error());
    const std::size_t bytes = record.key.size() + record.headers.size() + (record.value ? record.value->size() : 0);
    if (bytes > core_.options.record_bytes_max) {
      return fail(Errc::record_too_large, "a record of " + std::to_string(bytes) + " bytes for " +
                                              to_string(record.to) + ", and record_bytes_max is " +
                                              std::to_string(core_.options.record_bytes_max));
    }
    targets_.push_back(*partition);
  }
  return std::span<const Partition* const>(targets_);
}

Result<void> EmbeddedAppender::append(std::span<const NewRecord> records) {
  if (records.empty()) return {};
  const auto to = checked_.targets(records);
  if (!to) return tl::make_unexpected(to.error());
  Append append;
  append.records = records;
  append.to = *to;
  return writer_.append(append);
}

Result<std::unique_ptr<Member>> EmbeddedMember::join(Core& core, Writer& writer, const GroupSpec& spec) {
  if (spec.group.empty() || spec.topics.empty() || spec.members < 1) {
    return fail(Errc::usage, "a group needs a name, topics and a member");
  }
  auto locks = LeaseFile::open(core.leases, true);
  if (!locks) return tl::make_unexpected(locks.error());
  auto tail = Tail::open(core);
  if (!tail) return tl::make_unexpected(tail.error());
  std::unique_ptr<EmbeddedMember> member(new EmbeddedMember(core, writer, spec, std::move(*locks), std::move(*tail)));
  for (const std::string& name : spec.topics) {
    const auto topic = member->checked_.resolver().topic(name);
    if (!topic) return tl::make_unexpected(topic.error());
    member->topics_.push_back(*topic);
    const auto count = static_cast<int>((*topic)->partitions.size());
    if (member->topics_.size() > 1 && count != member->partitions_) {
      return fail(Errc::partitions_changed, "the topics of the group " + spec.group +
                                                " must have equal partition counts: " + spec.topics.front() + " has " +
                                                std::to_string(member->partitions_) + ", " + name + " has " +
                                                std::to_string(count));
    }
    member->partitions_ = count;
  }
  const auto known = writer.run([&](Database& database) -> Result<void> {
    const auto id = group_id(database, spec.group, true);
    if (!id) return tl::make_unexpected(id.error());
    member->group_ = *id;
    return {};
  });
  if (!known) return tl::make_unexpected(known.error());
  const std::pair<Statement*, const char*> statements[] = {
      {&member->select_epoch_, "SELECT epoch FROM leases WHERE grp=?1 AND number=?2"},
      {&member->select_offset_, "SELECT next FROM group_offsets WHERE grp=?1 AND part=?2"}};
  for (const auto& [statement, sql] : statements) {
    auto prepared = member->tail_->database().prepare(sql);
    if (!prepared) return tl::make_unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return member;
}

EmbeddedMember::~EmbeddedMember() {
  const std::vector<std::pair<int, std::int64_t>> owned_now(epochs_.begin(), epochs_.end());
  for (const auto& [number, epoch] : owned_now) give_up(number);
  core_.bell.ring();  // who stands by in this process need not wait for its next try
}

void EmbeddedMember::give_up(int number) {
  for (const Topic* topic : topics_) tail_->remove(*topic->partitions[static_cast<std::size_t>(number)]);
  epochs_.erase(number);
  locks_.unlock(lease_lock(group_, number));
}

Result<void> EmbeddedMember::poll(Batch& out, Assignment& change, std::size_t max, Milliseconds wait) {
  out.clear();
  change.gained.clear();
  change.lost.clear();
  const auto deadline = Clock::now() + wait;
  for (;;) {
    if (auto looked = look_after_leases(change); !looked) return looked;
    if (!change.empty()) return {};  // without records: the caller restores and may seek first
    if (auto read = tail_->read(out, max); !read) return read;
    if (!out.records.empty() || Clock::now() >= deadline) return {};
    if (auto waited = tail_->wait(std::min(deadline, next_look_)); !waited) return waited;
  }
}

Result<void> EmbeddedMember::look_after_leases(Assignment& change) {
  const auto now = Clock::now();
  if (now >= next_look_) {
    if (auto dropped = drop_fenced(); !dropped) return dropped;
  }
  if (!lost_.empty()) {
    for (const int number : lost_) {
      for (const std::string& topic : spec_.topics) change.lost.push_back({topic, number});
    }
    lost_.clear();
    // Whoever fenced this member has one interval to take over before it tries again itself.
    next_look_ = now + core_.options.standby_interval;
    return {};
  }
  if (now < next_look_) return {};
  next_look_ = now + core_.options.standby_interval;
  return take_free(change);
}

Result<void> EmbeddedMember::drop_fenced() {
  std::vector<int> fenced;
  for (const auto& [number, epoch] : epochs_) {
    const Resetting reset(select_epoch_);
    const auto row = select_epoch_.bind(1, group_).bind(2, number).next("reading a lease");
    if (!row) return tl::make_unexpected(row.error());
    if (!*row || select_epoch_.integer(0) != epoch) fenced.push_back(number);
  }
  for (const int number : fenced) {
    give_up(number);
    lost_.push_back(number);
  }
  return {};
}

Result<void> EmbeddedMember::take_free(Assignment& change) {
  const auto share = static_cast<std::size_t>((partitions_ + spec_.members - 1) / spec_.members);
  if (epochs_.size() >= share) return {};
  std::vector<int> locked;
  for (int number = 0; number < partitions_ && epochs_.size() + locked.size() < share; ++number) {
    if (!epochs_.contains(number) && locks_.try_lock(lease_lock(group_, number))) locked.push_back(number);
  }
  if (locked.empty()) return {};
  std::map<int, std::int64_t> taken;
  auto bumped = writer_.run([&](Database& database) -> Result<void> {
    auto bump = database.prepare(
        "INSERT INTO leases(grp, number, epoch, pid, member) VALUES(?1, ?2, 1, ?3, ?4)"
        " ON CONFLICT(grp, number) DO UPDATE SET epoch = epoch + 1, pid = ?3, member = ?4 RETURNING epoch");
    if (!bump) return tl::make_unexpected(bump.error());
    for (const int number : locked) {
      bump->bind(1, group_).bind(2, number).bind(3, ::getpid()).bind_text(4, spec_.member);
      const auto row = bump->next("taking a lease");
      if (!row) return tl::make_unexpected(row.error());
      taken[number] = bump->integer(0);
      bump->reset();
    }
    return {};
  });
  for (const int number : locked) {
    if (bumped) {
      epochs_[number] = taken[number];
      bumped = begin_reading(number, change);
    }
    if (!bumped) {  // all that this call has taken goes back, so that the next one may try again
      give_up(number);
      std::erase_if(change.gained, [&](const TopicPartition& tp) { return tp.partition == number; });
    }
  }
  return bumped;
}

Result<void> EmbeddedMember::begin_reading(int number, Assignment& change) {
  for (const Topic* topic : topics_) {
    const Partition& partition = *topic->partitions[static_cast<std::size_t>(number)];
    const auto from = committed(partition.name);
    if (!from) return tl::make_unexpected(from.error());
    if (auto added = tail_->add(partition, from->value_or(0)); !added) return added;
    change.gained.push_back(partition.name);
  }
  return {};
}

Result<std::optional<Offset>> EmbeddedMember::committed(const TopicPartition& tp) {
  const auto partition = checked_.resolver().find(tp);
  if (!partition) return tl::make_unexpected(partition.error());
  const Resetting reset(select_offset_);
  const auto row = select_offset_.bind(1, group_).bind(2, (*partition)->id).next("reading a group's offset");
  if (!row) return tl::make_unexpected(row.error());
  if (!*row) return std::optional<Offset>();
  return std::optional<Offset>(select_offset_.integer(0));
}

// log_fenced where this member does not own it (any more).
Result<const Partition*> EmbeddedMember::owned(const TopicPartition& tp) {
  const auto partition = checked_.resolver().find(tp);
  if (!partition) return partition;
  const bool ours = std::find(spec_.topics.begin(), spec_.topics.end(), tp.topic) != spec_.topics.end();
  if (!ours || !epochs_.contains(tp.partition)) {
    return fail(Errc::log_fenced, to_string(tp) + " is not owned by " + spec_.member + " of " + spec_.group);
  }
  return partition;
}

Result<void> EmbeddedMember::seek(const TopicPartition& tp, Offset offset) {
  const auto partition = owned(tp);
  if (!partition) return tl::make_unexpected(partition.error());
  QC_ASSERT(tail_->seek(**partition, offset));
  return {};
}

void EmbeddedMember::pause(const TopicPartition& tp) {
  if (const auto partition = owned(tp)) tail_->pause(**partition, true);
}

void EmbeddedMember::resume(const TopicPartition& tp) {
  if (const auto partition = owned(tp)) tail_->pause(**partition, false);
}

Result<void> EmbeddedMember::commit(const Transaction& transaction) {
  // Owning nothing, not even an empty step may succeed: its caller has lost what it stands on.
  if (epochs_.empty()) return fail(Errc::log_fenced, spec_.member + " of " + spec_.group + " owns no partition");
  const auto to = checked_.targets(transaction.records);
  if (!to) return tl::make_unexpected(to.error());
  std::vector<std::pair<const Partition*, Offset>> next;
  next.reserve(transaction.next.size());
  for (const auto& [tp, offset] : transaction.next) {
    const auto partition = owned(tp);
    if (!partition) return tl::make_unexpected(partition.error());
    next.emplace_back(*partition, offset);
  }
  std::vector<Fence> fences;
  fences.reserve(epochs_.size());
  // All of its numbers, not only those of `next`: records carry no number of the partition they came from.
  for (const auto& [number, epoch] : epochs_) fences.push_back(Fence{group_, number, epoch, false});
  Append append;
  append.records = transaction.records;
  append.to = *to;
  append.group = group_;
  append.next = next;
  append.fences = fences;
  auto done = writer_.append(append);
  for (const Fence& fence : fences) {
    if (!fence.failed) continue;
    give_up(fence.number);
    lost_.push_back(fence.number);
  }
  return done;
}

}  // namespace qc::stream::embedded
