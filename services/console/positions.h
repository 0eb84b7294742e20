// Where a reader stands in each partition that people see: the id of an event of the stream. It names the log's own
// offsets, so it means the same to every console of a log and after every restart.
//
// Values; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stream/log.h"

namespace qc::console {

// The partitions that are followed for the stream, in a fixed order: their places are `slot`s.
using Slots = std::vector<stream::TopicPartition>;

// The next offset of each slot.
struct Positions {
  std::vector<stream::Offset> next;
  bool operator==(const Positions&) const = default;
};

inline constexpr std::size_t kPositionsBytesMax = 1024;
std::string text(const Positions& positions);  // "1.0.4711.12"; the first is the format
// nullopt: not one of `slots` partitions.
std::optional<Positions> parse_positions(std::string_view text, std::size_t slots);

}  // namespace qc::console
