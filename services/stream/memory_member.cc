// The groups of the memory log: seats, shares and the Member.
#include <algorithm>

#include "base/assert.h"
#include "stream/memory_log.h"

namespace qc::stream {

// Range assignment as Kafka does it: members in the order of their names, consecutive numbers, the first ones one more.
void MemoryLog::share_out(Group& group) {
  const std::size_t partitions = group.shares.size();
  const std::size_t members = group.seats.size();
  std::size_t number = 0;
  std::size_t index = 0;
  for (const auto& [name, seat] : group.seats) {
    const std::size_t many = partitions / members + (index++ < partitions % members ? 1 : 0);
    for (std::size_t i = 0; i < many; ++i, ++number) {
      Share& share = group.shares[number];
      if (share.owner == seat.id) continue;
      share.owner = seat.id;
      ++share.epoch;
    }
  }
  for (; number < partitions; ++number) {  // nobody is left
    if (group.shares[number].owner != 0) ++group.shares[number].epoch;
    group.shares[number].owner = 0;
  }
  changed_.notify_all();
}

void MemoryLog::remove(Group& group, const std::string& member, std::uint64_t id) {
  const auto seat = group.seats.find(member);
  if (seat == group.seats.end() || seat->second.id != id) return;
  group.seats.erase(seat);
  share_out(group);
}

class MemoryLog::MemoryMember final : public Member {
 public:
  MemoryMember(MemoryLog& log, Group& group, const GroupSpec& spec, std::uint64_t id)
      : log_(log), group_(group), name_(spec.member), id_(id), seen_(group.shares.size()) {}

  ~MemoryMember() override {
    const std::lock_guard lock(log_.mutex_);
    const auto seat = group_.seats.find(name_);
    if (seat == group_.seats.end() || seat->second.id != id_ || seat->second.killed) return;
    log_.remove(group_, name_, id_);
  }

  Result<void> poll(Batch& out, Assignment& change, std::size_t max, Milliseconds wait) override {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    change = {};
    std::unique_lock lock(log_.mutex_);
    begin(out);
    while (true) {
      if (log_.unavailable_) return fail(Errc::log_unavailable, "the log is away");
      if (!seated()) return fenced();
      if (leaves(change)) return {};
      notice(change);
      for (std::size_t i = 0; i < cursors_.size(); ++i) {
        auto at = std::next(cursors_.begin(), static_cast<std::ptrdiff_t>((turn_ + i) % cursors_.size()));
        if (!at->second.paused) read(*log_.find(at->first), &at->second.next, max, out);
      }
      ++turn_;
      if (!out.records.empty() || !change.empty() || wait.count() == 0) return {};
      if (log_.changed_.wait_until(lock, deadline) == std::cv_status::timeout) wait = Milliseconds(0);
    }
  }

  Result<std::optional<Offset>> committed(const TopicPartition& tp) override {
    const std::lock_guard lock(log_.mutex_);
    if (log_.unavailable_) return fail(Errc::log_unavailable, "the log is away");
    if (log_.find(tp) == nullptr) return fail(Errc::topic_unknown, "there is no " + to_string(tp));
    const auto at = group_.committed.find(tp);
    return at == group_.committed.end() ? std::nullopt : std::optional<Offset>(at->second);
  }

  Result<void> seek(const TopicPartition& tp, Offset offset) override {
    const std::lock_guard lock(log_.mutex_);
    const auto at = cursors_.find(tp);
    if (at == cursors_.end()) return fail(Errc::log_fenced, to_string(tp) + " is not this member's");
    at->second.next = offset;
    return {};
  }

  void pause(const TopicPartition& tp) override { set_paused(tp, true); }
  void resume(const TopicPartition& tp) override { set_paused(tp, false); }

  Result<void> commit(const Transaction& transaction) override {
    const std::lock_guard lock(log_.mutex_);
    if (log_.unavailable_) return fail(Errc::log_unavailable, "the log is away");
    if (!seated()) return fenced();
    for (const auto& [tp, next] : transaction.next) {
      if (log_.find(tp) == nullptr) return fail(Errc::topic_unknown, "there is no " + to_string(tp));
      if (!owns(tp)) return fail(Errc::log_fenced, to_string(tp) + " belongs to another member of the group now");
    }
    if (auto fits = log_.check(transaction.records); !fits) return fits;
    const auto fault = log_.take_fault(name_);
    if (fault == CommitFault::Abortable) {
      for (const NewRecord& record : transaction.records) ++log_.find(record.to)->next;  // aborted records
      return fail(Errc::log_abortable, "the transaction was aborted");
    }
    if (fault == CommitFault::Full) return fail(Errc::log_full, "no space left on the device");
    if (fault == CommitFault::Unavailable) return fail(Errc::log_unavailable, "the log is away");
    log_.write(transaction.records);
    for (const auto& [tp, next] : transaction.next) group_.committed[tp] = next;
    if (fault != CommitFault::Unknown) return {};
    log_.remove(group_, name_, id_);
    return fail(Errc::log_fenced, "the answer to the commit was lost");
  }

 private:
  struct Cursor {
    Offset next = 0;
    bool paused = false;
  };

  bool seated() const {
    const auto seat = group_.seats.find(name_);
    return seat != group_.seats.end() && seat->second.id == id_;
  }

  tl::unexpected<Error> fenced() const {
    return fail(Errc::log_fenced, "member " + name_ + " is no longer in its group");
  }

  // Ours, and without a break since the last poll said so.
  bool owns(const TopicPartition& tp) const {
    const auto number = static_cast<std::size_t>(tp.partition);
    return number < seen_.size() && seen_[number] != 0 && group_.shares[number].owner == id_ &&
           group_.shares[number].epoch == seen_[number];
  }

  // A revocation that was announced: told first, done at the next poll.
  bool leaves(Assignment& change) {
    Seat& seat = group_.seats.at(name_);
    if (seat.revoked) {
      seat.revoked = false;
      for (Share& share : group_.shares) share.epoch += share.owner == id_ ? 1 : 0;
      return false;
    }
    if (!seat.revoke) return false;
    seat.revoke = false;
    for (const auto& [tp, cursor] : cursors_) change.leaving.push_back(tp);
    seat.revoked = !change.leaving.empty();
    return seat.revoked;
  }

  // Tells what moved since the last poll. A number that went away and came back is both lost and gained.
  void notice(Assignment& change) {
    for (std::size_t number = 0; number < seen_.size(); ++number) {
      const Share& share = group_.shares[number];
      const std::uint64_t now = share.owner == id_ ? share.epoch : 0;
      if (now == seen_[number]) continue;
      for (const std::string& topic : group_.topics) {
        const TopicPartition tp{topic, static_cast<int>(number)};
        if (seen_[number] != 0) {
          change.lost.push_back(tp);
          cursors_.erase(tp);
        }
        if (now == 0) continue;
        change.gained.push_back(tp);
        const auto at = group_.committed.find(tp);
        cursors_[tp].next = at == group_.committed.end() ? 0 : at->second;
      }
      seen_[number] = now;
    }
  }

  void set_paused(const TopicPartition& tp, bool value) {
    const std::lock_guard lock(log_.mutex_);
    if (const auto at = cursors_.find(tp); at != cursors_.end()) at->second.paused = value;
  }

  MemoryLog& log_;
  Group& group_;
  const std::string name_;
  const std::uint64_t id_;
  std::vector<std::uint64_t> seen_;  // by partition number: the epoch at which it is ours; 0: it is not
  std::map<TopicPartition, Cursor> cursors_;
  std::size_t turn_ = 0;
};

Result<std::unique_ptr<Member>> MemoryLog::join(const GroupSpec& spec) {
  const std::lock_guard lock(mutex_);
  if (unavailable_) return fail(Errc::log_unavailable, "the log is away");
  if (spec.topics.empty()) return fail(Errc::usage, "group " + spec.group + " has no topics");
  std::size_t partitions = 0;
  for (const std::string& name : spec.topics) {
    const auto topic = topics_.find(name);
    if (topic == topics_.end()) return fail(Errc::topic_unknown, "there is no topic " + name);
    const std::size_t many = topic->second.partitions.size();
    if (partitions != 0 && many != partitions) {
      return fail(Errc::partitions_changed, "group " + spec.group + ": topic " + name + " has " + std::to_string(many) +
                                                " partitions, " + spec.topics.front() + " " +
                                                std::to_string(partitions));
    }
    partitions = many;
  }
  Group& group = groups_[spec.group];
  if (group.seats.empty()) group.topics = spec.topics;
  if (group.topics != spec.topics) return fail(Errc::usage, "group " + spec.group + " reads other topics");
  group.shares.resize(partitions);
  const std::uint64_t id = ++seats_;
  group.seats[spec.member] = Seat{id, false};
  share_out(group);
  return std::make_unique<MemoryMember>(*this, group, spec, id);
}

void MemoryLog::revoke(const std::string& group, const std::string& member) {
  const std::lock_guard lock(mutex_);
  auto& seats = groups_[group].seats;
  if (const auto seat = seats.find(member); seat != seats.end()) seat->second.revoke = true;
}

void MemoryLog::kill(const std::string& group, const std::string& member) {
  const std::lock_guard lock(mutex_);
  auto& seats = groups_[group].seats;
  if (const auto seat = seats.find(member); seat != seats.end()) seat->second.killed = true;
}

void MemoryLog::expire(const std::string& group, const std::string& member) {
  const std::lock_guard lock(mutex_);
  Group& at = groups_[group];
  const auto seat = at.seats.find(member);
  if (seat != at.seats.end() && seat->second.killed) remove(at, member, seat->second.id);
}

void MemoryLog::fence(const std::string& group, const std::string& member) {
  const std::lock_guard lock(mutex_);
  Group& at = groups_[group];
  if (const auto seat = at.seats.find(member); seat != at.seats.end()) remove(at, member, seat->second.id);
}

std::optional<Offset> MemoryLog::committed(const std::string& group, const TopicPartition& tp) const {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(group);
  if (at == groups_.end()) return std::nullopt;
  const auto offset = at->second.committed.find(tp);
  return offset == at->second.committed.end() ? std::nullopt : std::optional<Offset>(offset->second);
}

std::size_t MemoryLog::members(const std::string& group) const {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(group);
  return at == groups_.end() ? 0 : at->second.seats.size();
}

}  // namespace qc::stream
