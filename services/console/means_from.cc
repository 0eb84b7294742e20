#include "console/means_from.h"

#include <algorithm>
#include <array>
#include <optional>

#include "wire/mean_decoder.h"

namespace qc::console {
namespace {

constexpr std::size_t kProbe = 400;             // records looked at
constexpr stream::Offset kNearEnough = 20'000;  // no use in halving less: a poll reads as much
// Nothing is published so long after its end as a matter of course; a day's mean is closed within it.
constexpr core::Duration kSlack = std::chrono::hours(30);

// The latest end of an hour or time that stands in the records from `at` on; nullopt: none there.
Result<std::optional<core::EventTime>> latest_at(stream::Reader& reader, const stream::TopicPartition& tp,
                                                 stream::Offset at) {
  if (auto sought = reader.seek(tp, at); !sought) return tl::make_unexpected(sought.error());
  stream::Batch batch;
  wire::MeanDecoder decoder;
  std::optional<core::EventTime> latest;
  // An empty poll may mean a slow fetch: a few more tries.
  for (int tries = 0; tries < 20 && batch.records.empty(); ++tries) {
    if (auto polled = reader.poll(batch, kProbe, stream::Milliseconds(100)); !polled) {
      return tl::make_unexpected(polled.error());
    }
  }
  for (const stream::Record& r : batch.records) {
    if (r.tombstone) continue;
    const auto decoded = decoder.decode(r.value);
    core::EventTime end = core::EventTime::min();
    if (const auto* tick = std::get_if<wire::UpstreamTick>(&decoded)) end = tick->tick.now;
    if (const auto* mean = std::get_if<const wire::DecodedMean*>(&decoded)) {
      if ((*mean)->mean.window == core::Window::H1) end = (*mean)->mean.interval.end;
    }
    if (end != core::EventTime::min() && (!latest || *latest < end)) latest = end;
  }
  return latest;
}

}  // namespace

Result<std::optional<core::EventTime>> last_of_means(stream::Log& log, const stream::TopicPartition& tp) {
  const auto range = log.range(tp);
  if (!range) return tl::make_unexpected(range.error());
  if (range->end == range->start) return std::optional<core::EventTime>();
  const std::array start = {std::pair{tp, range->start}};
  auto reader = log.reader(start);
  if (!reader) return tl::make_unexpected(reader.error());
  // Further and further back, since the last records may be anything.
  for (stream::Offset back = static_cast<stream::Offset>(kProbe);; back *= 8) {
    const stream::Offset at = std::max(range->start, range->end - back);
    auto latest = latest_at(**reader, tp, at);
    if (!latest || *latest || at == range->start) return latest;
  }
}

Result<stream::Offset> offset_of_means(stream::Log& log, const stream::TopicPartition& tp, core::EventTime from) {
  const auto range = log.range(tp);
  if (!range) return tl::make_unexpected(range.error());
  stream::Offset low = range->start;
  stream::Offset high = range->end;
  if (high - low <= kNearEnough) return low;
  const std::array start = {std::pair{tp, low}};
  auto reader = log.reader(start);
  if (!reader) return tl::make_unexpected(reader.error());
  while (high - low > kNearEnough) {
    const stream::Offset middle = low + (high - low) / 2;
    const auto latest = latest_at(**reader, tp, middle);
    if (!latest) return tl::make_unexpected(latest.error());
    if (*latest && **latest < from - kSlack) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace qc::console
