#include "stream/memory_log.h"

#include <algorithm>
#include <unordered_map>

#include "base/assert.h"

namespace qc::stream {

namespace {

std::int64_t system_ms() {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

MemoryLog::MemoryLog(MemoryLogOptions options) : options_(std::move(options)) {
  if (!options_.now_ms) options_.now_ms = &system_ms;
}

MemoryLog::~MemoryLog() = default;

Result<void> MemoryLog::create_topics(std::span<const TopicSpec> specs) {
  const std::lock_guard lock(mutex_);
  for (const TopicSpec& spec : specs) {
    const auto there = topics_.find(spec.name);
    const int now = there == topics_.end() ? spec.partitions : there->second.spec.partitions;
    if (spec.partitions < 1) return fail(Errc::usage, "topic " + spec.name + " needs at least one partition");
    if (now != spec.partitions) {
      return fail(Errc::partitions_changed, "topic " + spec.name + " has " + std::to_string(now) + " partitions, not " +
                                                std::to_string(spec.partitions));
    }
  }
  for (const TopicSpec& spec : specs) {
    Topic& topic = topics_[spec.name];
    topic.spec = spec;
    for (int i = static_cast<int>(topic.partitions.size()); i < spec.partitions; ++i) {
      topic.partitions.push_back(std::make_unique<Partition>());
      topic.partitions.back()->name = TopicPartition{spec.name, i};
    }
  }
  return {};
}

Result<std::vector<TopicSpec>> MemoryLog::topics() {
  const std::lock_guard lock(mutex_);
  std::vector<TopicSpec> specs;
  for (const auto& [name, topic] : topics_) specs.push_back(topic.spec);
  return specs;
}

MemoryLog::Partition* MemoryLog::find(const TopicPartition& tp) {
  const auto topic = topics_.find(tp.topic);
  if (topic == topics_.end() || tp.partition < 0 || tp.partition >= topic->second.spec.partitions) return nullptr;
  return topic->second.partitions[static_cast<std::size_t>(tp.partition)].get();
}

Result<Range> MemoryLog::range(const TopicPartition& tp) {
  const std::lock_guard lock(mutex_);
  const Partition* partition = find(tp);
  if (partition == nullptr) return fail(Errc::topic_unknown, "there is no " + to_string(tp));
  return Range{partition->start, partition->end};
}

Result<void> MemoryLog::check(std::span<const NewRecord> records) {
  for (const NewRecord& record : records) {
    if (find(record.to) == nullptr) return fail(Errc::topic_unknown, "there is no " + to_string(record.to));
    const std::size_t bytes = record.key.size() + (record.value ? record.value->size() : 0) + record.headers.size();
    if (bytes > options_.record_bytes_max) {
      return fail(Errc::record_too_large, "a record for " + to_string(record.to) + " has " + std::to_string(bytes) +
                                              " bytes, more than " + std::to_string(options_.record_bytes_max));
    }
  }
  return {};
}

void MemoryLog::write(std::span<const NewRecord> records) {
  const std::int64_t now = now_ms();
  std::vector<Partition*> touched;
  for (const NewRecord& record : records) {
    Partition* partition = find(record.to);
    partition->records.push_back(std::make_shared<const Stored>(Stored{
        partition->next, record.written_ms > 0 ? record.written_ms : now, record.key, record.value, record.headers}));
    partition->end = ++partition->next;
    if (options_.control_records > 0) touched.push_back(partition);
  }
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (Partition* partition : touched) partition->next += options_.control_records;
  changed_.notify_all();
}

namespace {
// What keeps the views of a batch alive: its records, whatever compaction and retention do to the log.
using Kept = std::vector<std::shared_ptr<const void>>;
}  // namespace

void MemoryLog::begin(Batch& out) {
  out.clear();
  out.owner = std::make_shared<Kept>();
}

void MemoryLog::read(const Partition& partition, Offset* offset, std::size_t max, Batch& out) {
  auto& kept = *std::static_pointer_cast<Kept>(out.owner);
  auto at = std::lower_bound(partition.records.begin(), partition.records.end(), *offset,
                             [](const auto& record, Offset wanted) { return record->offset < wanted; });
  for (; at != partition.records.end() && out.records.size() < max; ++at) {
    const Stored& stored = **at;
    kept.push_back(*at);
    out.records.push_back(Record{&partition.name, stored.offset, stored.written_ms, stored.key,
                                 stored.value ? std::string_view(*stored.value) : std::string_view(),
                                 !stored.value.has_value(), RecordHeaders(stored.headers)});
    *offset = stored.offset + 1;
  }
  if (at == partition.records.end()) *offset = std::max(*offset, partition.end);  // past gaps at the end
}

class MemoryLog::MemoryReader final : public Reader {
 public:
  MemoryReader(MemoryLog& log, std::vector<std::pair<Partition*, Offset>> cursors)
      : log_(log), cursors_(std::move(cursors)) {}

  Result<void> poll(Batch& out, std::size_t max, Milliseconds wait) override {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    std::unique_lock lock(log_.mutex_);
    begin(out);
    while (true) {
      if (log_.unavailable_) return fail(Errc::log_unavailable, "the log is away");
      for (std::size_t i = 0; i < cursors_.size(); ++i) {
        auto& [partition, offset] = cursors_[(turn_ + i) % cursors_.size()];
        read(*partition, &offset, max, out);
      }
      ++turn_;  // so that a busy partition does not starve the others
      if (!out.records.empty() || wait.count() == 0) return {};
      if (log_.changed_.wait_until(lock, deadline) == std::cv_status::timeout) wait = Milliseconds(0);
    }
  }

  Result<void> seek(const TopicPartition& tp, Offset offset) override {
    const std::lock_guard lock(log_.mutex_);
    for (auto& [partition, at] : cursors_) {
      if (partition->name != tp) continue;
      at = offset;
      return {};
    }
    return fail(Errc::topic_unknown, to_string(tp) + " is not among what this reader reads");
  }

  std::optional<Offset> position(const TopicPartition& tp) const override {
    const std::lock_guard lock(log_.mutex_);
    for (const auto& [partition, at] : cursors_) {
      if (partition->name == tp) return at;
    }
    return std::nullopt;
  }

 private:
  MemoryLog& log_;
  std::vector<std::pair<Partition*, Offset>> cursors_;
  std::size_t turn_ = 0;
};

Result<std::unique_ptr<Reader>> MemoryLog::reader(std::span<const std::pair<TopicPartition, Offset>> from) {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<Partition*, Offset>> cursors;
  for (const auto& [tp, offset] : from) {
    Partition* partition = find(tp);
    if (partition == nullptr) return fail(Errc::topic_unknown, "there is no " + to_string(tp));
    cursors.emplace_back(partition, offset);
  }
  return std::make_unique<MemoryReader>(*this, std::move(cursors));
}

class MemoryLog::MemoryAppender final : public Appender {
 public:
  explicit MemoryAppender(MemoryLog& log) : log_(log) {}

  Result<void> append(std::span<const NewRecord> records) override {
    const std::lock_guard lock(log_.mutex_);
    if (log_.unavailable_) return fail(Errc::log_unavailable, "the log is away");
    if (log_.append_failures_ > 0) {
      --log_.append_failures_;
      return fail(Errc::log_full, "no space left on the device");
    }
    if (auto fits = log_.check(records); !fits) return fits;
    log_.write(records);
    return {};
  }

 private:
  MemoryLog& log_;
};

Result<std::unique_ptr<Appender>> MemoryLog::appender() {
  return std::make_unique<MemoryAppender>(*this);
}

void MemoryLog::fail_commits(CommitFault fault, int times, const std::string& member) {
  const std::lock_guard lock(mutex_);
  if (times > 0) faults_.push_back(Fault{fault, times, member});
}

void MemoryLog::fail_appends(int times) {
  const std::lock_guard lock(mutex_);
  append_failures_ = times;
}

void MemoryLog::unavailable(bool value) {
  const std::lock_guard lock(mutex_);
  unavailable_ = value;
  changed_.notify_all();
}

std::optional<MemoryLog::CommitFault> MemoryLog::take_fault(const std::string& member) {
  for (auto at = faults_.begin(); at != faults_.end(); ++at) {
    if (!at->member.empty() && at->member != member) continue;
    const CommitFault fault = at->fault;
    if (--at->times == 0) faults_.erase(at);
    return fault;
  }
  return std::nullopt;
}

void MemoryLog::leave_gap(const TopicPartition& tp, Offset offsets) {
  const std::lock_guard lock(mutex_);
  Partition* partition = find(tp);
  QC_ASSERT(partition != nullptr && offsets >= 0);
  partition->next += offsets;
}

void MemoryLog::compact_now() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = now_ms();
  for (auto& [name, topic] : topics_) {
    if (topic.spec.cleanup == Cleanup::Delete) continue;
    for (auto& partition : topic.partitions) {
      std::unordered_map<std::string_view, Offset> last;
      const auto young = [now, lag = topic.spec.compaction_lag.count()](const auto& record) {
        return record->written_ms + lag > now;
      };
      // The young ones neither go nor make others go: a reader within the lag sees every value.
      for (const auto& record : partition->records) {
        if (!young(record)) last[record->key] = record->offset;
      }
      std::deque<std::shared_ptr<const Stored>> kept;
      const bool due = partition->tombstones_due && *partition->tombstones_due <= now;
      bool some_wait = false;
      Offset end = 0;  // of what is not young
      for (const auto& record : partition->records) {
        if (young(record)) {
          kept.push_back(record);
          continue;
        }
        end = record->offset + 1;
        if (last[record->key] != record->offset) continue;
        if (!record->value && due && record->offset < partition->tombstones_below) continue;
        some_wait = some_wait || !record->value;
        kept.push_back(record);
      }
      if (!some_wait) {
        partition->tombstones_due.reset();
      } else if (due || !partition->tombstones_due) {
        partition->tombstones_below = end;
        partition->tombstones_due = now + options_.tombstone_kept.count();
      }
      partition->records.swap(kept);
    }
  }
}

void MemoryLog::retain_now() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = now_ms();
  for (auto& [name, topic] : topics_) {
    if (topic.spec.cleanup == Cleanup::Compact || topic.spec.retention.count() == 0) continue;
    for (auto& partition : topic.partitions) {
      auto& records = partition->records;
      while (!records.empty() && records.front()->written_ms + topic.spec.retention.count() < now) {
        partition->start = records.front()->offset + 1;
        records.pop_front();
        if (records.empty()) partition->start = partition->end;
      }
    }
  }
}

void MemoryLog::delete_before(const TopicPartition& tp, Offset offset) {
  const std::lock_guard lock(mutex_);
  Partition* partition = find(tp);
  QC_ASSERT(partition != nullptr);
  while (!partition->records.empty() && partition->records.front()->offset < offset) partition->records.pop_front();
  partition->start = std::max(partition->start, std::min(offset, partition->end));
}

}  // namespace qc::stream
