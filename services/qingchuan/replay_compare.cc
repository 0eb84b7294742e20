#include "qingchuan/replay_compare.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "processor/records.h"

namespace qc::commands {
namespace {

// How far it is looked for a record behind others that were not recomputed. Where much is compacted away, most of what
// is made is not there, and looking would be most of the work.
constexpr std::size_t kLookAhead = 64;
constexpr std::size_t kLookAheadCompacted = 4;

// The binary's own, and what older ones did not write: both say nothing that the value does not say.
bool is_compared(std::string_view header) {
  return header != "version" && header != "ce_subject" && header != "content-type";
}

bool same_headers(std::string_view published, std::string_view recomputed) {
  if (published == recomputed) return true;
  const auto listed = [](std::string_view headers) {
    std::vector<std::pair<std::string, std::string>> all;
    stream::each_header(headers, [&](std::string_view key, std::string_view value) {
      if (is_compared(key)) all.emplace_back(key, value);
    });
    return all;
  };
  return listed(published) == listed(recomputed);
}

bool equal(const stream::Record& published, const stream::NewRecord& made) {
  return published.key == made.key && published.tombstone == !made.value && published.value == value_of(made) &&
         same_headers(published.headers.bytes(), made.headers);
}

// The same place in the sequence, whatever stands there.
bool same_place(const Published& published, const stream::NewRecord& made, stream::Offset at) {
  const std::string& topic = made.to.topic;
  if (topic == processor::kDeadLetters) return published.made.at == at;
  if (published.record.key != made.key) return false;
  const auto was = about(topic, published.record.key, published.record.value);
  const auto is = about(topic, made.key, value_of(made));
  if (!was || !is) return !is && published.made.tick;
  return was->id == is->id && was->revision == is->revision;
}

}  // namespace

bool Comparison::passed(const Published& head, const MadeAt& at) const {
  if (head.made.tick) return head.made.now < at.before;
  // A region's signal may name another record than the one at which it was let go.
  return spec_.by.stage == ReplayStage::Readings && head.made.at < at.offset;
}

Result<void> Comparison::take(const stream::NewRecord& made, const MadeAt& at) {
  const Published* next = nullptr;
  while (true) {
    const auto head = published_->ahead();
    if (!head) return tl::make_unexpected(head.error());
    next = *head;
    if (next == nullptr) break;
    if (equal(next->record, made)) {
      tally_.equal(count_, made.to.topic, made.key, value_of(made));
      found(made, *next);
      return {};
    }
    if (!passed(*next, at)) break;
    unexpected(*next);
  }
  // Where ticks are compacted or trimmed, one of another time is simply a later one.
  const bool later_tick = next != nullptr && next->made.tick && (compacted() || (spec_.trimmed && !begun_));
  if (next != nullptr && !later_tick && same_place(*next, made, at.offset)) {
    whole_ = false;
    tally_.differs(count_, spec_.by, next->record, made, at.offset);
    found(made, *next);
    return {};
  }
  const auto is_there = find_ahead(made);
  if (!is_there) return tl::make_unexpected(is_there.error());
  if (!*is_there) absent(made, at);
  return {};
}

Result<bool> Comparison::find_ahead(const stream::NewRecord& made) {
  const std::size_t most = compacted() ? kLookAheadCompacted : kLookAhead;
  std::size_t behind = 0;
  for (std::size_t i = 1; i <= most && behind == 0; ++i) {
    const auto published = published_->ahead(i);
    if (!published) return tl::make_unexpected(published.error());
    if (*published == nullptr) return false;
    if (equal((*published)->record, made)) behind = i;
  }
  if (behind == 0) return false;
  for (; behind > 0; --behind) {
    const auto head = published_->ahead();
    if (!head) return tl::make_unexpected(head.error());
    unexpected(**head);
  }
  const auto head = published_->ahead();
  if (!head) return tl::make_unexpected(head.error());
  tally_.equal(count_, made.to.topic, made.key, value_of(made));
  found(made, **head);
  return true;
}

void Comparison::unexpected(const Published& head) {
  whole_ = false;
  tally_.unexpected(count_, spec_.by, head.record);
  published_->take();
}

void Comparison::absent(const stream::NewRecord& made, const MadeAt& at) {
  whole_ = false;
  if (spec_.trimmed && !begun_) {
    tally_.not_recomputed(count_, NotRecomputed::PublishedTrimmed, made.to.topic, made.key, value_of(made));
    return;
  }
  // It was written after its input, and after what stands before it: too young to be compacted?
  const std::int64_t written_ms = std::max(found_written_ms_, at.written_ms);
  if (!compacted() || written_ms >= spec_.compacted_before_ms) {
    tally_.missing(count_, spec_.by, made, at.offset);
    return;
  }
  Pending& pending = pending_[made.key];
  pending.made = made;
  pending.at = at.offset;
  ++pending.records;
  // What erases its key goes the same way, with all that it took the place of: no later record will be there.
  if (!made.value) excuse(made.key);
}

// Those that are not there, because a later one of their key took their place.
void Comparison::excuse(const std::string& key) {
  const auto it = pending_.find(key);
  if (it == pending_.end()) return;
  const Pending& p = it->second;
  tally_.not_recomputed(count_, NotRecomputed::Compacted, p.made.to.topic, p.made.key, value_of(p.made), p.records);
  pending_.erase(it);
}

void Comparison::found(const stream::NewRecord& made, const Published& head) {
  begun_ = true;
  found_written_ms_ = head.record.written_ms;
  published_->take();
  if (!pending_.empty()) excuse(made.key);
}

void Comparison::end() {
  // Of those no later record is there: nothing that compaction does.
  for (const auto& [key, p] : pending_) {
    for (std::int64_t i = 0; i < p.records; ++i) tally_.missing(count_, spec_.by, p.made, p.at);
  }
  pending_.clear();
}

}  // namespace qc::commands
