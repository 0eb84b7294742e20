// What the worker commits, and what it makes of failures.
#include <algorithm>

#include "base/assert.h"
#include "stream/passing.h"
#include "stream/worker_engine.h"
#include "stream/worker_probe.h"

namespace qc::stream {

namespace {

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

// Puts the state's changed entries straight into the transaction: a large checkpoint is in memory once.
class TransactionSink final : public StateSink {
 public:
  TransactionSink(Transaction& transaction, TopicPartition to) : transaction_(transaction), to_(std::move(to)) {}
  void put(std::string_view key, std::string_view value) override { add(key, std::string(value)); }
  void erase(std::string_view key) override { add(key, std::nullopt); }
  std::size_t entries() const { return entries_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void add(std::string_view key, std::optional<std::string> value) {
    QC_ASSERT(key.empty() || key.front() != '@');  // the worker's own
    ++entries_;
    bytes_ += key.size() + (value ? value->size() : 0);
    transaction_.records.push_back(NewRecord{to_, std::string(key), std::move(value), {}});
  }
  Transaction& transaction_;
  const TopicPartition to_;
  std::size_t entries_ = 0;
  std::size_t bytes_ = 0;
};

bool fatal_for_a_stage(Errc code) {
  return code == Errc::log_fatal || code == Errc::log_corrupt || code == Errc::log_version ||
         code == Errc::state_corrupt || code == Errc::state_version;
}

}  // namespace

bool WorkerEngine::checkpoint_due(const Owned& owned, bool force) const {
  if (options_.checkpoint_interval.count() == 0) return owned.position != owned.committed;
  if (!owned.changed) return false;
  return force || !owned.has_checkpoint || now() - owned.checkpointed_at >= options_.checkpoint_interval;
}

bool WorkerEngine::commit_due() const {
  if (urgent_since_) {
    const bool more = batch_.records.size() >= options_.poll_records_max;
    if (!more || now() - *urgent_since_ >= options_.urgent_wait) return true;
  }
  const bool waited = uncommitted_since_ && now() - *uncommitted_since_ >= options_.commit_interval;
  if (waited || options_.checkpoint_interval.count() == 0) return waited;
  return std::any_of(owned_.begin(), owned_.end(), [this](const auto& entry) {
    const Owned& owned = entry.second;
    return owned.live() && owned.has_checkpoint && checkpoint_due(owned, false);
  });
}

void WorkerEngine::build(bool force_checkpoint) {
  QC_ASSERT(pending_.empty());
  for (auto& [number, owned] : owned_) {
    if (!owned.live()) continue;
    const bool checkpoint = checkpoint_due(owned, force_checkpoint);
    const bool moved = owned.position != owned.committed;
    if (!moved && !checkpoint) continue;
    pending_numbers_.push_back(number);
    std::move(owned.gathered.records.begin(), owned.gathered.records.end(), std::back_inserter(pending_.records));
    owned.gathered.records.clear();
    owned.gathered.urgent = false;
    owned.gathered_bytes = 0;
    if (checkpoint) build_checkpoint(owned);
    for (const auto& [topic, next] : owned.position) {
      if (next != owned.committed[topic]) pending_.next.emplace_back(TopicPartition{topic, number}, next);
    }
    if (!moved) {  // a checkpoint alone: the offset goes along, so that a former owner's is refused
      const std::string& topic = options_.topics.front();
      pending_.next.emplace_back(TopicPartition{topic, number}, owned.position[topic]);
    }
  }
  gathered_records_ = 0;
  gathered_bytes_ = 0;
  urgent_since_.reset();
  uncommitted_since_.reset();
}

void WorkerEngine::build_checkpoint(Owned& owned) {
  const TimePoint begin = now();
  TransactionSink sink(pending_, state_of(owned.number));
  owned.stage->save(sink);
  const std::string position = encode_positions(owned.position);
  pending_.records.push_back(NewRecord{state_of(owned.number), std::string(kPositionKey), position, {}});
  pending_checkpoints_.push_back(owned.number);
  if (parts_.probe != nullptr) parts_.probe->checkpointed(sink.entries(), sink.bytes(), seconds(now() - begin));
}

WorkerEngine::Outcome WorkerEngine::commit() {
  if (pending_.empty()) return {};
  busy_ = true;
  const TimePoint begin = now();
  if (auto committed = member_->commit(pending_); !committed) {
    if (parts_.probe != nullptr) parts_.probe->commit_failed(committed.error().code);
    return tl::make_unexpected(Failure{Doing::Commit, committed.error()});
  }
  if (parts_.probe != nullptr) {
    parts_.probe->committed(seconds(now() - begin));
    const std::string state = options_.service + "-state";
    std::map<std::string_view, std::size_t> by_topic;
    for (const NewRecord& record : pending_.records) ++by_topic[record.to.topic];
    for (const auto& [topic, records] : by_topic) {
      if (topic != state) parts_.probe->published(std::string(topic), records);
    }
  }
  for (const int number : pending_numbers_) owned_[number].committed = owned_[number].position;
  for (const int number : pending_checkpoints_) {
    Owned& owned = owned_[number];
    owned.checkpointed_at = now();
    owned.has_checkpoint = true;
    owned.changed = false;
  }
  pending_.clear();
  pending_numbers_.clear();
  pending_checkpoints_.clear();
  abort_tries_ = 0;
  fences_ = 0;
  works(Doing::Commit);
  return {};
}

WorkerEngine::Outcome WorkerEngine::finish() {
  batch_.clear();
  next_ = 0;
  build(true);
  if (auto committed = commit(); !committed) return committed;
  leave(LineLevel::Info, ending_ ? "all that was in the inputs at the start is committed" : "stopped");
  return {};
}

WorkerStep WorkerEngine::leave(LineLevel level, const std::string& how) {
  drop_all();
  member_.reset();
  finished_ = true;
  troubles_.clear();
  line(level, how);
  refresh();
  return WorkerStep{true, true, Milliseconds(0)};
}

Milliseconds WorkerEngine::back_off(int tries) const {
  auto wait = options_.retry_wait_min;
  for (; tries > 1 && wait < options_.retry_wait_max; --tries) wait *= 2;
  return std::min(wait, options_.retry_wait_max);
}

Result<WorkerStep> WorkerEngine::failed(const Failure& failure) {
  const Errc code = failure.error.code;
  if (leaving_ && failure.doing == Doing::Commit && is_passing(code)) {
    // One try: others wait. The next owner does it again from the commit before.
    drop_all();
    refresh();
    return WorkerStep{false, true, Milliseconds(0)};
  }
  if (failure.doing == Doing::Apply ? !fatal_for_a_stage(code) : is_passing(code)) return retry(failure);
  if (code == Errc::log_fenced) return rejoin(failure);
  line(LineLevel::Error, describe(failure.error));
  drop_all();
  member_.reset();
  troubles_.clear();
  finished_ = true;
  refresh();
  return tl::make_unexpected(failure.error);
}

WorkerStep WorkerEngine::rejoin(const Failure& failure) {
  line(LineLevel::Warning, "put out of the group (" + failure.error.text + "): what was not committed is dropped, " +
                               "joins again and restores");
  if (parts_.probe != nullptr) parts_.probe->rejoined();
  drop_all();
  member_.reset();
  troubles_.clear();
  ending_ = false;
  if (stopping_) return leave(LineLevel::Info, "stopped; the next owner goes on from the last commit");
  fenced_by_ = failure.error.text;
  const Milliseconds wait = back_off(++fences_);
  retry_at_ = now() + wait;
  refresh();
  return WorkerStep{false, true, wait};
}

WorkerStep WorkerEngine::retry(const Failure& failure) {
  const TimePoint t = now();
  if (stopping_ && t >= stop_deadline_) {
    return leave(LineLevel::Warning, "stopped without a last commit (" + describe(failure.error) +
                                         "); the next start goes on from the one before, nothing is lost");
  }
  if (parts_.probe != nullptr) parts_.probe->retried();
  if (failure.error.code == Errc::log_abortable && failure.doing == Doing::Commit &&
      ++abort_tries_ <= options_.abort_retries_max) {
    return WorkerStep{false, true, Milliseconds(0)};
  }
  static constexpr const char* kWhat[] = {"cannot join", "cannot restore", "cannot read", "a record cannot be applied",
                                          "cannot commit"};
  auto [at, first] = troubles_.try_emplace(failure.doing);
  Trouble& trouble = at->second;
  if (first) trouble.since = t;
  ++trouble.tries;
  if (first || t - trouble.said >= options_.line_interval) {
    trouble.said = t;
    trouble.text = std::string(kWhat[static_cast<std::size_t>(failure.doing)]) + ": " + describe(failure.error);
    line(LineLevel::Error, trouble.text + " (try " + std::to_string(trouble.tries) + "; nothing is lost, tries again)");
  }
  const Milliseconds wait = back_off(trouble.tries);
  retry_at_ = t + wait;
  refresh();
  return WorkerStep{false, false, wait};
}

void WorkerEngine::works(Doing doing) {
  const auto at = troubles_.find(doing);
  if (at == troubles_.end()) return;
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(now() - at->second.since);
  line(LineLevel::Info,
       "works again after " + std::to_string(lasted.count()) + " s and " + std::to_string(at->second.tries) + " tries");
  troubles_.erase(at);
  refresh();
}

}  // namespace qc::stream
