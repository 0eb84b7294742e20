#include "stream/state_restore.h"

#include <array>

namespace qc::stream {

bool reached(const Reader& reader, const TopicPartition& tp, Offset seen, Offset end, bool quiet) {
  if (seen >= end) return true;
  const auto position = reader.position(tp);
  return position ? *position >= end : quiet;
}

Result<bool> Restore::step(Log& log, Member& member, Stage& stage) {
  applying_ = false;
  Result<void> done;
  switch (phase_) {
    case Phase::Begin:
      done = begin(log, member);
      break;
    case Phase::Read:
      done = read_state();
      break;
    case Phase::Load:
      done = load(log, stage);
      break;
    case Phase::Fold:
      done = fold(log, stage);
      break;
    case Phase::Done:
      break;
  }
  if (!done) return tl::make_unexpected(done.error());
  return phase_ == Phase::Done;
}

Result<void> Restore::begin(Log& log, Member& member) {
  // The end is taken after the partition was gained: its former owner can commit nothing any more.
  committed_.clear();
  ever_committed_ = false;
  for (const std::string& topic : spec_.topics) {
    const auto offset = member.committed({topic, spec_.state.partition});
    if (!offset) return tl::make_unexpected(offset.error());
    committed_[topic] = offset->value_or(0);
    ever_committed_ = ever_committed_ || offset->has_value();
  }
  const auto range = log.range(spec_.state);
  if (!range) return tl::make_unexpected(range.error());
  const std::array from{std::pair(spec_.state, range->start)};
  auto reader = log.reader(from);
  if (!reader) return tl::make_unexpected(reader.error());
  reader_ = std::move(*reader);
  seen_ = range->start;
  end_ = range->end;
  phase_ = seen_ >= end_ ? Phase::Load : Phase::Read;
  return {};
}

Result<void> Restore::read_state() {
  if (auto polled = reader_->poll(batch_, spec_.records_max, spec_.wait); !polled) return polled;
  for (const Record& record : batch_.records) {
    seen_ = record.offset + 1;
    if (record.offset >= end_) break;
    if (record.tombstone) {
      latest_.erase(std::string(record.key));
    } else {
      latest_[std::string(record.key)] = record.value;
    }
  }
  if (reached(*reader_, spec_.state, seen_, end_, batch_.records.empty())) phase_ = Phase::Load;
  return {};
}

Result<void> Restore::load(Log& log, Stage& stage) {
  Positions state;
  if (const auto entry = latest_.find(std::string(kPositionKey)); entry != latest_.end()) {
    auto decoded = decode_positions(entry->second);
    if (!decoded) return fail(decoded.error().code, to_string(spec_.state) + ": " + decoded.error().text);
    state = std::move(*decoded);
    found_ = true;
  }
  if (auto checked = check(log, state); !checked) return checked;
  latest_.erase(std::string(kPositionKey));
  entries_ = latest_.size();
  while (!latest_.empty()) {  // each entry is let go as the stage takes it: only one copy of a large state
    const auto entry = latest_.extract(latest_.begin());
    if (auto taken = stage.load(entry.key(), entry.mapped()); !taken) {
      // Whatever the stage calls it, half a state cannot be mended by loading again.
      const Errc code = taken.error().code == Errc::state_version ? Errc::state_version : Errc::state_corrupt;
      return fail(code, to_string(spec_.state) + ": " + taken.error().text);
    }
  }
  latest_ = {};
  if (auto loaded = stage.loaded(); !loaded) {
    return fail(Errc::state_corrupt, to_string(spec_.state) + ": " + loaded.error().text);
  }
  reader_.reset();
  phase_ = Phase::Done;
  if (!spec_.checkpoints) return {};
  const std::string& topic = spec_.topics.front();
  seen_ = state.count(topic) != 0 ? state.at(topic) : 0;
  end_ = committed_.at(topic);
  if (seen_ >= end_) return {};
  batch_.clear();
  next_ = 0;
  phase_ = Phase::Fold;
  return {};
}

Result<void> Restore::check(Log& log, const Positions& state) {
  for (const auto& [topic, committed] : committed_) {
    const TopicPartition input{topic, spec_.state.partition};
    const auto at = state.find(topic);
    const Offset position = at == state.end() ? 0 : at->second;
    const std::string where = to_string(spec_.state) + " is folded up to offset " + std::to_string(position) + " of " +
                              to_string(input) + ", the group has committed " + std::to_string(committed);
    if (position > committed) {
      return fail(Errc::state_corrupt, where + ": the state is ahead of the truth");
    }
    if (!spec_.checkpoints && position != committed) {
      return fail(Errc::state_corrupt, where + ": state that goes with every commit must be equal");
    }
    const auto range = log.range(input);
    if (!range) return tl::make_unexpected(range.error());
    if (position < committed && range->start > position) {
      return fail(Errc::state_corrupt, where + ": the state is too old for what the log keeps (from " +
                                           std::to_string(range->start) + " on)");
    }
    if (ever_committed_ && range->start > committed) {
      unread_lost_ = to_string(input) + ": retention took offsets " + std::to_string(committed) + " to " +
                     std::to_string(range->start - 1) + " before they were read";
    }
  }
  return {};
}

Result<void> Restore::fold(Log& log, Stage& stage) {
  const TopicPartition input{spec_.topics.front(), spec_.state.partition};
  if (!reader_) {
    const std::array from{std::pair(input, seen_)};
    auto reader = log.reader(from);
    if (!reader) return tl::make_unexpected(reader.error());
    reader_ = std::move(*reader);
  }
  bool quiet = false;
  if (next_ == batch_.records.size()) {
    next_ = 0;
    if (auto polled = reader_->poll(batch_, spec_.records_max, spec_.wait); !polled) {
      batch_.clear();
      return polled;
    }
    quiet = batch_.records.empty();
  }
  for (; next_ < batch_.records.size(); ++next_) {
    const Record& record = batch_.records[next_];
    if (record.offset >= end_) {
      seen_ = end_;
      break;
    }
    muted_.records.clear();
    if (auto applied = stage.apply(record, muted_); !applied) {
      applying_ = true;
      return fail(applied.error().code,
                  to_string(input) + " offset " + std::to_string(record.offset) + ": " + applied.error().text);
    }
    seen_ = record.offset + 1;
    ++folded_;
  }
  if (seen_ < end_ && !reached(*reader_, input, seen_, end_, quiet)) return {};
  reader_.reset();
  batch_ = {};
  muted_ = {};
  phase_ = Phase::Done;
  return {};
}

}  // namespace qc::stream
