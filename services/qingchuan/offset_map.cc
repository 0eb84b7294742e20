#include "qingchuan/offset_map.h"

#include <algorithm>

#include "base/assert.h"

namespace qc::commands {

using stream::Offset;

void OffsetMap::add(Offset offset) {
  QC_ASSERT(offset > last_);
  if (runs_.empty() || offset != last_ + 1) runs_.push_back({offset, records_});
  ++records_;
  last_ = offset;
}

const OffsetMap::Run* OffsetMap::find(Offset offset) const {
  const auto after =
      std::upper_bound(runs_.begin(), runs_.end(), offset, [](Offset o, const Run& run) { return o < run.from; });
  return after == runs_.begin() ? nullptr : &*std::prev(after);
}

Offset OffsetMap::length(const Run& run) const {
  return (&run == &runs_.back() ? records_ : (&run + 1)->to) - run.to;
}

std::optional<Offset> OffsetMap::exact(Offset offset) const {
  const Run* run = find(offset);
  if (run == nullptr || offset - run->from >= length(*run)) return std::nullopt;
  return run->to + (offset - run->from);
}

Offset OffsetMap::at_or_after(Offset offset) const {
  const Run* run = find(offset);
  if (run == nullptr) return 0;
  return run->to + std::min(offset - run->from, length(*run));
}

std::optional<Offset> OffsetMap::at_or_before(Offset offset) const {
  const Run* run = find(offset);
  if (run == nullptr) return std::nullopt;
  return run->to + std::min(offset - run->from, length(*run) - 1);
}

}  // namespace qc::commands
