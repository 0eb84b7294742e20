#include "qingchuan/copy_source.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "processor/rules_store.h"
#include "stream/read_range.h"
#include "stream/state_position.h"

namespace qc::commands {
namespace {

using stream::Offset;
using stream::TopicPartition;
using stream::TopicSpec;

bool is_state(const std::string& topic) {
  return topic.ends_with("-state");
}

}  // namespace

Result<std::unique_ptr<CopySource>> CopySource::open(stream::Log& log, const CopyOptions& options,
                                                     std::stop_token stop) {
  std::unique_ptr<CopySource> source(new CopySource(log, options, std::move(stop)));
  if (auto looked = source->look(); !looked) return tl::make_unexpected(looked.error());
  if (auto held = source->hold(); !held) return tl::make_unexpected(held.error());
  // Only now: what a service wrote before it was gone is part of the log.
  for (const TopicSpec& topic : source->topics_) {
    for (int p = 0; p < topic.partitions; ++p) {
      const auto range = log.range({topic.name, p});
      if (!range) return tl::make_unexpected(range.error());
      source->ranges_[{topic.name, p}] = *range;
      source->records_ += static_cast<std::uint64_t>(range->end - range->start);
    }
  }
  if (auto mapped = source->map_offsets(); !mapped) return tl::make_unexpected(mapped.error());
  if (auto read = source->read_states(); !read) return tl::make_unexpected(read.error());
  return source;
}

Result<void> CopySource::look() {
  auto found = log_.topics();
  if (!found) return tl::make_unexpected(found.error());
  topics_ = std::move(*found);
  if (topics_.empty()) return fail(Errc::copy_refused, "the log that is to be copied has no topics");
  const auto rank = [](const TopicSpec& t) { return is_state(t.name) ? 0 : t.name == processor::kRulesTopic ? 1 : 2; };
  std::sort(topics_.begin(), topics_.end(), [&rank](const TopicSpec& a, const TopicSpec& b) {
    return std::pair(rank(a), a.name) < std::pair(rank(b), b.name);
  });
  return {};
}

Result<void> CopySource::hold() {
  for (const CopyGroup& group : options_.groups) {
    const bool has_all = std::all_of(group.topics.begin(), group.topics.end(), [this](const std::string& topic) {
      return std::any_of(topics_.begin(), topics_.end(), [&topic](const TopicSpec& t) { return t.name == topic; });
    });
    if (!has_all) continue;
    if (auto held = hold(group); !held) return held;
  }
  return {};
}

Result<void> CopySource::hold(const CopyGroup& group) {
  auto member = log_.join({group.name, group.topics, "copy"});
  if (!member) return tl::make_unexpected(member.error());
  std::set<TopicPartition> wanted;
  for (const TopicSpec& t : topics_) {
    if (std::find(group.topics.begin(), group.topics.end(), t.name) == group.topics.end()) continue;
    for (int p = 0; p < t.partitions; ++p) wanted.insert({t.name, p});
  }
  const auto deadline = std::chrono::steady_clock::now() + options_.source_wait;
  std::set<TopicPartition> owned;
  stream::Batch batch;
  stream::Assignment change;
  while (owned != wanted) {
    if (auto polled = (*member)->poll(batch, change, 1, stream::Milliseconds(20)); !polled) return polled;
    for (const TopicPartition& tp : change.lost) owned.erase(tp);
    for (const TopicPartition& tp : change.gained) owned.insert(tp);
    if (owned == wanted) break;
    if (stop_.stop_requested()) return fail(Errc::stopped, "stopped before anything was copied");
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(Errc::copy_refused, "the service `" + group.name +
                                          "` is at work on the log that is to be copied: stop it and what feeds it");
    }
  }
  auto& next = next_[group.name];
  for (const TopicPartition& tp : wanted) {
    auto committed = (*member)->committed(tp);
    if (!committed) return tl::make_unexpected(committed.error());
    committed_[tp] = *committed;
    next.emplace_back(tp, committed->value_or(0));
  }
  held_.push_back(std::move(*member));
  return {};
}

Result<void> CopySource::map_offsets() {
  std::size_t runs = 0;
  for (const auto& [tp, committed] : committed_) {
    const stream::Range& range = ranges_.at(tp);
    OffsetMap& map = maps_[tp];
    const std::array all = {stream::Stretch{tp, range.start, range.end}};
    const std::size_t before = runs;
    auto read = stream::read_range(
        log_, all,
        [&](const stream::Record& r) {
          map.add(r.offset);
          runs = before + map.runs();
          return runs <= options_.runs_max;
        },
        stop_);
    if (!read) return read;
    if (stop_.stop_requested()) return fail(Errc::stopped, "stopped before anything was copied");
    if (runs > options_.runs_max) {
      return fail(Errc::copy_refused, to_string(tp) + " has more than " + std::to_string(options_.runs_max) +
                                          " gaps: its offsets cannot be followed");
    }
    map.end(range.end);
  }
  renumber_ = std::make_unique<Renumber>(maps_, options_.groups);
  for (auto& [group, next] : next_) {
    for (auto& [tp, offset] : next) offset = maps_.at(tp).at_or_after(offset);
  }
  if (!renumber_->needed()) return {};
  for (const TopicSpec& topic : topics_) {
    if (Renumber::knows(topic.name)) continue;
    for (int p = 0; p < topic.partitions; ++p) {
      const stream::Range& range = ranges_.at({topic.name, p});
      if (range.start == range.end) continue;
      return fail(Errc::copy_refused,
                  "offsets change in the copy, and this binary does not know which of them the "
                  "records of `" +
                      topic.name + "` name: a newer one may");
    }
  }
  return {};
}

Result<void> CopySource::read_states() {
  for (const CopyGroup& group : options_.groups) {
    if (!next_.contains(group.name)) continue;
    for (int p = 0; ranges_.contains({group.topics.front(), p}); ++p) {
      const TopicPartition tp{group.name + "-state", p};
      if (!renumber_->needs_state(tp)) continue;
      State state;
      if (ranges_.contains(tp)) {
        auto folded = fold(tp);
        if (!folded) return tl::make_unexpected(folded.error());
        state = std::move(*folded);
      }
      if (auto checked = check_trimmed(group, p, state.entries); !checked) return checked;
      if (!ranges_.contains(tp)) continue;
      auto now = renumber_->state(tp, state.entries);
      if (!now) return tl::make_unexpected(now.error());
      state.entries = std::move(*now);
      states_[tp] = std::move(state);
    }
  }
  return {};
}

Result<CopySource::State> CopySource::fold(const TopicPartition& tp) {
  State state;
  const stream::Range& range = ranges_.at(tp);
  const std::array all = {stream::Stretch{tp, range.start, range.end}};
  auto read = stream::read_range(
      log_, all,
      [&state](const stream::Record& r) {
        state.written_ms = r.written_ms;
        if (r.tombstone) {
          state.entries.erase(std::string(r.key));
        } else {
          state.entries.insert_or_assign(std::string(r.key), std::string(r.value));
        }
        return true;
      },
      stop_);
  if (!read) return tl::make_unexpected(read.error());
  if (stop_.stop_requested()) return fail(Errc::stopped, "stopped before anything was copied");
  return state;
}

// A start that was trimmed may be missed by nobody: what the state has not folded yet must be there.
Result<void> CopySource::check_trimmed(const CopyGroup& group, int partition, const StateEntries& entries) {
  stream::Positions positions;
  if (const auto at = entries.find(std::string(stream::kPositionKey)); at != entries.end()) {
    auto decoded = stream::decode_positions(at->second);
    if (!decoded) return tl::make_unexpected(decoded.error());
    positions = std::move(*decoded);
  }
  for (const std::string& topic : group.topics) {
    const TopicPartition tp{topic, partition};
    const Offset start = ranges_.at(tp).start;
    const Offset committed = committed_.at(tp).value_or(0);
    const auto at = positions.find(topic);
    const Offset position = at == positions.end() ? 0 : at->second;
    if (position < committed && start > position) {
      return fail(Errc::copy_refused, to_string(tp) + " begins at offset " + std::to_string(start) +
                                          ", and the state of `" + group.name + "` is folded only up to " +
                                          std::to_string(position) + " of the " + std::to_string(committed) +
                                          " that it has read: what is missing was trimmed");
    }
    if (committed_.at(tp) && start > committed) {
      unread_lost_.push_back(to_string(tp) + ": retention took offsets " + std::to_string(committed) + " to " +
                             std::to_string(start - 1) + " before `" + group.name + "` had read them");
    }
  }
  return {};
}

Result<void> CopySource::each(const TopicPartition& tp, const std::function<Result<void>(const CopyRecord&)>& visit) {
  if (const auto state = states_.find(tp); state != states_.end()) {
    // The position last, as the worker writes it: it is true of what stands before it.
    const StateEntries& entries = state->second.entries;
    const auto position = entries.find(std::string(stream::kPositionKey));
    const auto give = [&](const auto& entry) {
      return visit({entry.first, entry.second, {}, state->second.written_ms, true});
    };
    for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
      if (entry == position) continue;
      if (auto done = give(*entry); !done) return done;
    }
    return position == entries.end() ? Result<void>() : give(*position);
  }
  const stream::Range& range = ranges_.at(tp);
  const std::array all = {stream::Stretch{tp, range.start, range.end}};
  Result<void> done;
  auto read = stream::read_range(
      log_, all,
      [&](const stream::Record& r) {
        CopyRecord out{r.key, std::nullopt, r.headers.bytes(), r.written_ms, false};
        const auto changed = renumber_->value(r);
        if (!r.tombstone) out.value = changed ? std::string_view(*changed) : r.value;
        out.changed = changed.has_value();
        done = visit(out);
        return done.has_value();
      },
      stop_);
  if (!read) return read;
  if (!done) return done;
  if (stop_.stop_requested()) return fail(Errc::stopped, "stopped; the same command again goes on");
  return {};
}

Result<void> CopySource::unchanged() {
  for (const auto& [tp, before] : ranges_) {
    const auto range = log_.range(tp);
    if (!range) return tl::make_unexpected(range.error());
    if (range->end == before.end && range->start == before.start) continue;
    return fail(Errc::copy_refused, to_string(tp) +
                                        " was written to while it was copied: stop what feeds the log, "
                                        "then the same command again goes on");
  }
  return {};
}

}  // namespace qc::commands
