#include "stream/read_range.h"

#include <algorithm>

#include "stream/state_restore.h"

namespace qc::stream {
namespace {

constexpr std::size_t kRecordsOfPoll = 4096;
constexpr Milliseconds kWait{100};  // how soon a stop is noticed where a fetch is slow

std::vector<Stretch> unread(std::span<const Stretch> stretches) {
  std::vector<Stretch> left(stretches.begin(), stretches.end());
  std::erase_if(left, [](const Stretch& s) { return s.from >= s.until; });
  return left;
}

// `left`: their `from` is the next offset that may still be there, and where the reader stands.
Result<void> read_left(Reader& reader, std::vector<Stretch> left, const Visit& visit, const std::stop_token& stop) {
  Batch batch;
  while (!left.empty() && !stop.stop_requested()) {
    if (auto polled = reader.poll(batch, kRecordsOfPoll, kWait); !polled) return polled;
    for (const Record& r : batch.records) {
      const auto of = std::find_if(left.begin(), left.end(), [&](const Stretch& s) { return s.of == *r.from; });
      if (of == left.end() || r.offset < of->from || r.offset >= of->until) continue;
      of->from = r.offset + 1;
      if (!visit(r)) return {};
    }
    const bool quiet = batch.records.empty();
    std::erase_if(left, [&](const Stretch& s) { return reached(reader, s.of, s.from, s.until, quiet); });
  }
  return {};
}

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

Result<std::unique_ptr<Reader>> reader_of(Log& log, std::span<const Stretch> all) {
  std::vector<std::pair<TopicPartition, Offset>> places;
  for (const Stretch& s : all) places.emplace_back(s.of, s.from);
  return log.reader(places);
}

Result<void> read_range(Log& log, std::span<const Stretch> stretches, const Visit& visit, std::stop_token stop) {
  const std::vector<Stretch> left = unread(stretches);
  if (left.empty()) return {};
  auto reader = reader_of(log, left);
  if (!reader) return tl::make_unexpected(reader.error());
  return read_left(**reader, left, visit, stop);
}

Result<void> read_range(Reader& reader, std::span<const Stretch> stretches, const Visit& visit, std::stop_token stop) {
  std::vector<Stretch> left = unread(stretches);
  for (const Stretch& s : left) {
    if (auto sought = reader.seek(s.of, s.from); !sought) return sought;
  }
  return read_left(reader, std::move(left), visit, stop);
}

Result<std::unique_ptr<StretchReader>> StretchReader::open(Log& log, Stretch of, std::stop_token stop) {
  auto reader = reader_of(log, {&of, 1});
  if (!reader) return tl::make_unexpected(reader.error());
  return std::unique_ptr<StretchReader>(new StretchReader(std::move(*reader), std::move(of), std::move(stop)));
}

Result<bool> StretchReader::next(Batch& batch) {
  while (!ended_) {
    if (stop_.stop_requested()) return fail(Errc::stopped, "asked to stop");
    if (auto polled = reader_->poll(batch, kRecordsOfPoll, kWait); !polled) return tl::make_unexpected(polled.error());
    const bool quiet = batch.records.empty();
    while (!batch.records.empty() && batch.records.back().offset >= left_.until) {
      batch.records.pop_back();
      left_.from = left_.until;
    }
    if (!batch.records.empty() && left_.from < left_.until) left_.from = batch.records.back().offset + 1;
    ended_ = reached(*reader_, left_.of, left_.from, left_.until, quiet);
    if (!batch.records.empty()) return true;
  }
  batch.clear();
  return false;
}

}  // namespace qc::stream
