#include "stream/worker_engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "stream/worker_probe.h"

namespace qc::stream {

namespace {

constexpr Milliseconds kEndWaitMax{2000};

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

std::string brief(double s) {
  const auto tenths = static_cast<long long>(s * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

WorkerEngine::WorkerEngine(Log& log, WorkerOptions options, WorkerParts parts, Ends ends)
    : log_(log), options_(std::move(options)), parts_(std::move(parts)), ends_(std::move(ends)) {}

WorkerEngine::~WorkerEngine() {
  if (parts_.probe != nullptr) parts_.probe->ready(false);
}

void WorkerEngine::line(LineLevel level, const std::string& text) const {
  if (parts_.line) parts_.line(level, options_.service + "/" + options_.name + ": " + text);
}

std::string WorkerEngine::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

void WorkerEngine::stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_deadline_ = now() + options_.stop_wait_max;
}

void WorkerEngine::refresh() {
  const auto restoring = std::count_if(owned_.begin(), owned_.end(), [](const auto& o) { return !o.second.live(); });
  const bool is_ready = member_ != nullptr && restoring == 0 && troubles_.empty();
  ready_.store(is_ready);
  if (parts_.probe != nullptr) parts_.probe->ready(is_ready);
  std::string text;
  if (finished_) {
    text = "stopped";
  } else if (!troubles_.empty()) {
    text = troubles_.begin()->second.text;
  } else if (member_ == nullptr) {
    text = fenced_by_.empty() ? "joining" : "joining again; put out of the group: " + fenced_by_;
  } else if (restoring > 0) {
    text = "restoring " + std::to_string(restoring) + " of " + std::to_string(owned_.size()) + " partitions";
  } else {
    text = "working on " + std::to_string(owned_.size()) + " partitions";
  }
  const std::lock_guard lock(status_mutex_);
  status_ = std::move(text);
}

Result<WorkerStep> WorkerEngine::step() {
  if (finished_) return WorkerStep{true, false, Milliseconds(0)};
  if (retry_at_) {
    const auto at = stopping_ ? std::min(*retry_at_, stop_deadline_) : *retry_at_;
    // Rounded up: rounded down, the last part of a millisecond would be spun away.
    const auto wait = std::chrono::ceil<Milliseconds>(at - now());
    if (wait.count() > 0) return WorkerStep{false, false, wait};
    retry_at_.reset();
  }
  busy_ = false;
  if (const auto done = advance(); !done) return failed(done.error());
  return WorkerStep{finished_, busy_, Milliseconds(0)};
}

WorkerEngine::Outcome WorkerEngine::advance() {
  const auto as_poll = [](const Error& error) { return tl::make_unexpected(Failure{Doing::Poll, error}); };
  if (!member_) {
    if (stopping_) {
      leave(LineLevel::Info, "stopped");
      return {};
    }
    if (auto joined = join(); !joined) return joined;
  }
  if (!pending_.empty()) {
    if (auto committed = commit(); !committed) return committed;
  }
  if (stopping_ || ending_) return finish();
  if (auto restored = restore(); !restored) return restored;
  if (next_ == batch_.records.size()) {
    if (auto polled = poll(); !polled) return polled;
  }
  if (auto applied = apply(); !applied) return applied;
  if (commit_due() || leaving_) {
    build(leaving_);
    if (auto committed = commit(); !committed) return committed;
    leaving_ = false;
  }
  tend();
  if (options_.until_end) {
    const auto end = at_end();
    if (!end) return as_poll(end.error());
    if (*end) {
      ending_ = true;
      return finish();
    }
  }
  return {};
}

WorkerEngine::Outcome WorkerEngine::join() {
  auto member = log_.join(GroupSpec{options_.service, options_.topics, options_.name, options_.members});
  if (!member) return tl::make_unexpected(Failure{Doing::Join, member.error()});
  member_ = std::move(*member);
  fenced_by_.clear();
  works(Doing::Join);
  refresh();
  return {};
}

Milliseconds WorkerEngine::poll_wait() const {
  for (const auto& [number, owned] : owned_) {
    if (!owned.live()) return Milliseconds(0);
  }
  if (urgent_since_) return Milliseconds(0);
  auto wait = options_.poll_wait;
  if (uncommitted_since_) {
    const auto due = std::chrono::ceil<Milliseconds>(*uncommitted_since_ + options_.commit_interval - now());
    wait = std::clamp(due, Milliseconds(0), wait);
  }
  return wait;
}

WorkerEngine::Outcome WorkerEngine::poll() {
  Assignment change;
  next_ = 0;
  const auto polled = member_->poll(batch_, change, options_.poll_records_max, poll_wait());
  // Also beside an error: what it tells of partitions is told once.
  if (!change.empty()) reassign(change);
  if (!polled) {
    batch_.clear();
    return tl::make_unexpected(Failure{Doing::Poll, polled.error()});
  }
  quiet_ = batch_.records.empty();
  works(Doing::Poll);
  return {};
}

void WorkerEngine::reassign(const Assignment& change) {
  // What was gathered of a lost number goes with it; a number that was lost and gained at once starts anew.
  for (const TopicPartition& tp : change.lost) drop(tp.partition);
  for (const TopicPartition& tp : change.gained) gain(tp.partition);
  leaving_ = !change.leaving.empty();
  if (leaving_) {
    line(LineLevel::Info, "gives up " + std::to_string(owned_.size()) +
                              " partitions: the group shares them out anew; what was applied is committed first");
  }
  busy_ = true;
  refresh();
}

void WorkerEngine::gain(int number) {
  if (owned_.count(number) != 0) return;
  Owned& owned = owned_[number];
  owned.number = number;
  owned.gained_at = now();
  owned.stage = parts_.stages(number);
  owned.restore =
      std::make_unique<Restore>(RestoreSpec{state_of(number), options_.topics, options_.checkpoint_interval.count() > 0,
                                            options_.poll_records_max, std::min(options_.poll_wait, Milliseconds(20))});
  for (const std::string& topic : options_.topics) member_->pause({topic, number});
}

void WorkerEngine::drop(int number) {
  const auto at = owned_.find(number);
  if (at == owned_.end()) return;
  gathered_records_ -= at->second.gathered.records.size();
  gathered_bytes_ -= at->second.gathered_bytes;
  owned_.erase(at);
  if (parts_.probe != nullptr) parts_.probe->lag(number, 0);
  if (parts_.custodian != nullptr) parts_.custodian->lost({options_.topics.front(), number});
}

void WorkerEngine::drop_all() {
  while (!owned_.empty()) drop(owned_.begin()->first);
  batch_.clear();
  next_ = 0;
  pending_.clear();
  pending_numbers_.clear();
  pending_checkpoints_.clear();
  urgent_since_.reset();
  leaving_ = false;
  uncommitted_since_.reset();
  abort_tries_ = 0;
}

WorkerEngine::Outcome WorkerEngine::restore() {
  for (auto& [number, owned] : owned_) {
    if (owned.live()) continue;
    busy_ = true;
    const auto done = owned.restore->step(log_, *member_, *owned.stage);
    if (!done) {
      const Doing doing = owned.restore->applying() ? Doing::Apply : Doing::Restore;
      return tl::make_unexpected(Failure{doing, done.error()});
    }
    works(Doing::Restore);
    works(Doing::Apply);
    if (*done) return go_live(owned);
    return {};  // one piece of work a turn
  }
  return {};
}

WorkerEngine::Outcome WorkerEngine::go_live(Owned& owned) {
  for (const auto& [topic, offset] : owned.restore->positions()) {
    const TopicPartition input{topic, owned.number};
    // Back to the committed offset: records that came in while it was restored were passed over.
    if (auto sought = member_->seek(input, offset); !sought) {
      return tl::make_unexpected(Failure{Doing::Restore, sought.error()});
    }
    member_->resume(input);
  }
  const Restore& restore = *owned.restore;
  if (!restore.unread_lost().empty()) line(LineLevel::Error, restore.unread_lost());
  const double took = seconds(now() - owned.gained_at);
  if (parts_.probe != nullptr) parts_.probe->restored(restore.entries(), restore.folded(), took);
  std::string text = "partition " + std::to_string(owned.number) + " restored: " + std::to_string(restore.entries()) +
                     " state entries, " + std::to_string(restore.folded()) + " records folded again, " + brief(took) +
                     "; goes on at";
  for (const auto& [topic, offset] : restore.positions()) text += " " + topic + " " + std::to_string(offset);
  line(LineLevel::Info, text);
  owned.position = restore.positions();
  owned.committed = restore.positions();
  owned.has_checkpoint = restore.found();
  owned.changed = restore.folded() > 0;
  owned.checkpointed_at = now();
  owned.restore.reset();
  refresh();
  return {};
}

WorkerEngine::Outcome WorkerEngine::apply() {
  std::size_t records = 0;
  std::size_t bytes = 0;
  const auto count = [&] {
    if (parts_.probe != nullptr && records > 0) parts_.probe->read(records, bytes);
  };
  const TopicPartition* from = nullptr;  // of the record before: most follow one of the same
  std::map<int, Owned>::iterator at = owned_.end();
  Offset* at_position = nullptr;
  for (; next_ < batch_.records.size(); ++next_) {
    const Record& record = batch_.records[next_];
    if (record.from != std::exchange(from, record.from)) {
      at = owned_.find(record.from->partition);
      if (at != owned_.end()) at_position = &at->second.position[record.from->topic];
    }
    if (at == owned_.end() || !at->second.live()) continue;
    Owned& owned = at->second;
    Offset& position = *at_position;
    if (record.offset < position) continue;  // given before: each record once
    auto& outputs = owned.gathered.records;
    const std::size_t before = outputs.size();
    if (auto applied = owned.stage->apply(record, owned.gathered); !applied) {
      outputs.resize(before);
      count();
      return tl::make_unexpected(Failure{
          Doing::Apply,
          {applied.error().code,
           to_string(*record.from) + " offset " + std::to_string(record.offset) + ": " + applied.error().text}});
    }
    position = record.offset + 1;
    owned.changed = true;
    ++records;
    bytes += record.key.size() + record.value.size();
    for (std::size_t i = before; i < outputs.size(); ++i) {
      const std::size_t size =
          outputs[i].key.size() + outputs[i].headers.size() + (outputs[i].value ? outputs[i].value->size() : 0);
      owned.gathered_bytes += size;
      gathered_bytes_ += size;
    }
    gathered_records_ += outputs.size() - before;
    if (owned.gathered.urgent && !urgent_since_) urgent_since_ = now();
    if (!uncommitted_since_) uncommitted_since_ = now();
    if (gathered_records_ < options_.gathered_records_max && gathered_bytes_ < options_.gathered_bytes_max) continue;
    if (parts_.probe != nullptr) parts_.probe->limit_reached();
    ++next_;
    count();
    records = bytes = 0;
    build(false);
    if (auto committed = commit(); !committed) return committed;
    --next_;
  }
  if (records > 0) {
    busy_ = true;
    works(Doing::Apply);
  }
  count();
  return {};
}

// Of an owned partition: asking for it may be a way to a broker and back.
Result<Range> WorkerEngine::range_of(const TopicPartition& input) {
  if (const auto end = member_->known_end(input)) return Range{0, *end};
  return log_.range(input);
}

void WorkerEngine::tend() {
  const TimePoint t = now();
  if ((parts_.custodian != nullptr || parts_.probe != nullptr) &&
      (!tended_at_ || t - *tended_at_ >= options_.tend_interval)) {
    tended_at_ = t;
    for (auto& [number, owned] : owned_) {
      if (!owned.live()) continue;
      Offset lag = 0;
      for (const std::string& topic : options_.topics) {
        const TopicPartition input{topic, number};
        const auto range = range_of(input);
        if (!range) continue;  // the next poll will say so
        // Past the gaps that it has seen: at the end of what was applied, so that the rest is lag.
        const Offset position = std::max(owned.position[topic], member_->position(input).value_or(0));
        lag += std::max<Offset>(0, range->end - std::max(position, range->start));
        if (parts_.custodian != nullptr && topic == options_.topics.front()) {
          parts_.custodian->tend(input, position, range->end);
        }
      }
      if (parts_.probe != nullptr) parts_.probe->lag(number, static_cast<double>(lag));
    }
  }
  if (observed_at_ && t - *observed_at_ < options_.observe_interval) return;
  observed_at_ = t;
  if (parts_.probe != nullptr) parts_.probe->cpu();
  if (!parts_.observer) return;
  for (auto& [number, owned] : owned_) {
    if (owned.live()) parts_.observer(number, *owned.stage);
  }
}

Result<bool> WorkerEngine::at_end() {
  if (next_ < batch_.records.size()) return false;
  for (const auto& [tp, end] : ends_) {
    Offset at = 0;
    if (const auto owned = owned_.find(tp.partition); owned != owned_.end()) {
      if (!owned->second.live()) return false;
      at = std::max(owned->second.position[tp.topic], member_->position(tp).value_or(0));
    } else {  // another worker's, or not yet given out
      const auto committed = member_->committed(tp);
      if (!committed) return tl::make_unexpected(committed.error());
      at = committed->value_or(0);
    }
    if (at >= end) continue;
    if (!quiet_) return false;
    const auto nothing = nothing_between(tp, at, end);
    if (!nothing || !*nothing) return nothing;
  }
  return true;
}

// Whether the end of a partition is only a gap: compacted, aborted, or taken by retention.
Result<bool> WorkerEngine::nothing_between(const TopicPartition& tp, Offset from, Offset end) {
  const std::array start{std::pair(tp, from)};
  auto reader = log_.reader(start);
  if (!reader) return tl::make_unexpected(reader.error());
  // A new reader may need longer than a poll waits to hear anything; one that is given up each time never would.
  const TimePoint until = now() + kEndWaitMax;
  Batch batch;
  do {
    if (auto polled = (*reader)->poll(batch, 1, options_.poll_wait); !polled) {
      return tl::make_unexpected(polled.error());
    }
    if (!batch.records.empty()) return batch.records.front().offset >= end;
    if (reached(**reader, tp, from, end, true)) return true;
  } while ((*reader)->position(tp) && now() < until);
  return false;
}

}  // namespace qc::stream
