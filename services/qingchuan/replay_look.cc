#include "qingchuan/replay_look.h"

#include <algorithm>
#include <string>
#include <utility>

#include "stream/read_range.h"

namespace qc::commands {

Result<std::optional<stream::Positions>> saved_positions(stream::Log& log, const char* service, int partition,
                                                         std::stop_token stop) {
  const stream::TopicPartition state{std::string(service) + "-state", partition};
  const auto range = log.range(state);
  if (!range) {
    if (range.error().code == Errc::topic_unknown) return std::optional<stream::Positions>();
    return tl::make_unexpected(range.error());
  }
  std::optional<stream::Positions> at;
  Result<void> read_well;
  const std::vector<stream::Stretch> whole = {{state, range->start, range->end}};
  const auto take = [&](const stream::Record& r) {
    if (r.key != stream::kPositionKey || r.tombstone) return true;
    auto positions = stream::decode_positions(r.value);
    if (!positions) {
      read_well = tl::make_unexpected(positions.error());
      return false;
    }
    at = std::move(*positions);
    return true;
  };
  if (auto read = stream::read_range(log, whole, take, std::move(stop)); !read)
    return tl::make_unexpected(read.error());
  if (!read_well) return tl::make_unexpected(read_well.error());
  return at;
}

Result<std::vector<ReplayOutput>> outputs_as_they_stand(stream::Log& log, std::span<const char* const> topics,
                                                        std::int64_t now_ms) {
  const auto specs = log.topics();
  if (!specs) return tl::make_unexpected(specs.error());
  std::vector<ReplayOutput> outputs;
  for (const char* name : topics) {
    const auto spec = std::find_if(specs->begin(), specs->end(), [&](const auto& t) { return t.name == name; });
    const auto whole = stream::whole_topic(log, name);
    if (!whole) return tl::make_unexpected(whole.error());
    for (const stream::Stretch& s : *whole) {
      outputs.push_back({s, s.from > 0});
      if (spec->cleanup != stream::Cleanup::Delete) {
        outputs.back().compacted_before_ms = now_ms - spec->compaction_lag.count();
      }
    }
  }
  return outputs;
}

}  // namespace qc::commands
