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

Result<void> Merge::fill(std::size_t index) {
  Source& source = sources_[index];
  auto packet = source.reader->next();
  if (!packet) return tl::make_unexpected(packet.error());
  source.head = std::move(*packet);
  if (!source.head) return {};
  const core::EventTime end = source.head->interval.end;
  if (end < source.greatest_end) ++source.out_of_order;
  // A packet from the past takes the turn of the one before it: its file's own order is kept.
  source.greatest_end = std::max(source.greatest_end, end);
  turns_.push({source.greatest_end, index});
  return {};
}

Result<std::optional<Merge::Item>> Merge::next() {
  if (!started_) {
    started_ = true;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (auto filled = fill(i); !filled) return tl::make_unexpected(filled.error());
    }
  }
  if (turns_.empty()) return std::nullopt;
  const std::size_t index = turns_.top().file;
  turns_.pop();
  Item item{std::move(*sources_[index].head), index};
  sources_[index].head.reset();
  if (auto filled = fill(index); !filled) return tl::make_unexpected(filled.error());
  return item;
}

Counts Merge::counts() const {
  Counts total;
  for (const Source& source : sources_) total += source.reader->counts();
  return total;
}

}  // namespace qc::wire
