#include "stream/read_range.h"

#include <algorithm>

#include "stream/state_restore.h"

namespace qc::stream {
namespace {

constexpr std::size_t kRecordsOfPoll = 4096;
constexpr Milliseconds kWait{100};  // how soon a stop is noticed where a fetch is slow

}  // namespace

Result<int> partitions_of(Log& log, std::string_view topic) {
  const auto topics = log.topics();
  if (!topics) return tl::make_unexpected(topics.error());
  for (const TopicSpec& t : *topics) {
    if (t.name == topic) return t.partitions;
  }
  return fail(Errc::topic_unknown, "the log has no topic `" + std::string(topic) + "`");
}

Result<std::vector<Stretch>> whole_topic(Log& log, std::string_view topic) {
  const auto partitions = partitions_of(log, topic);
  if (!partitions) return tl::make_unexpected(partitions.error());
  std::vector<Stretch> whole;
  for (int p = 0; p < *partitions; ++p) {
    TopicPartition tp{std::string(topic), p};
    const auto range = log.range(tp);
    if (!range) return tl::make_unexpected(range.error());
    whole.push_back({std::move(tp), range->start, range->end});
  }
  return whole;
}

Result<void> read_range(Log& log, std::span<const Stretch> stretches, const Visit& visit, std::stop_token stop) {
  std::vector<Stretch> left;  // `from`: the next offset that may still be there
  std::vector<std::pair<TopicPartition, Offset>> places;
  for (const Stretch& s : stretches) {
    if (s.from >= s.until) continue;
    left.push_back(s);
    places.emplace_back(s.of, s.from);
  }
  if (left.empty()) return {};
  auto reader = log.reader(places);
  if (!reader) return tl::make_unexpected(reader.error());
  Batch batch;
  while (!left.empty() && !stop.stop_requested()) {
    if (auto polled = (*reader)->poll(batch, kRecordsOfPoll, kWait); !polled) return polled;
    for (const Record& r : batch.records) {
      const auto of = std::find_if(left.begin(), left.end(), [&](const Stretch& s) { return s.of == *r.from; });
      if (of == left.end() || r.offset >= of->until) continue;
      of->from = r.offset + 1;
      if (!visit(r)) return {};
    }
    const bool quiet = batch.records.empty();
    std::erase_if(left, [&](const Stretch& s) { return reached(**reader, s.of, s.from, s.until, quiet); });
  }
  return {};
}

}  // namespace qc::stream
