#include "wire/merge.h"

#include <algorithm>
#include <utility>

namespace qc::wire {

Merge::Merge(std::vector<std::unique_ptr<FileReader>> files) {
  sources_.reserve(files.size());
  for (auto& file : files) {
    Source source;
    source.reader = std::move(file);
    sources_.push_back(std::move(source));
  }
}

// The end of the first packet from which on most of the file agrees, where the first one runs ahead of it.
std::optional<core::EventTime> Merge::believed_instead(const Source& source) {
  const core::EventTime limit = source.next.front().interval.end - kAhead;
  const auto before = [limit](const Packet& p) { return p.interval.end < limit; };
  const auto behind = std::count_if(source.next.begin() + 1, source.next.end(), before);
  if (behind * 2 <= static_cast<std::ptrdiff_t>(source.next.size() - 1)) return std::nullopt;
  return std::find_if(source.next.begin() + 1, source.next.end(), before)->interval.end;
}

void Merge::fill(std::size_t index) {
  Source& source = sources_[index];
  while (!source.ended && source.next.size() <= kLookAhead) {
    auto packet = source.reader->next();
    source.ended = !packet || !*packet;
    if (!packet) source.failure = packet.error();
    if (!source.ended) source.next.push_back(std::move(**packet));
  }
  if (source.next.empty()) {
    if (source.failure && !failure_) failure_ = source.failure;  // after all that came before it
    return;
  }
  core::EventTime end = source.next.front().interval.end;
  if (const auto instead = believed_instead(source)) {
    ++source.ahead;
    end = *instead;
  } else if (end < source.turn) {
    ++source.out_of_order;
  }
  // A packet from the past takes the turn of the one before it: its file's own order is kept.
  source.turn = std::max(source.turn, end);
  turns_.push({source.turn, index});
}

Result<std::optional<Merge::Item>> Merge::next() {
  if (!started_) {
    started_ = true;
    for (std::size_t i = 0; i < sources_.size(); ++i) fill(i);
  }
  if (failure_) return tl::make_unexpected(*failure_);
  if (turns_.empty()) return std::nullopt;
  const auto [at, index] = turns_.top();
  turns_.pop();
  Item item{std::move(sources_[index].next.front()), index, at};
  sources_[index].next.pop_front();
  fill(index);
  return item;
}

Counts Merge::counts() const {
  Counts total;
  for (const Source& source : sources_) total += source.reader->counts();
  return total;
}

}  // namespace qc::wire
