// The worker's own entry in the state topic: up to where, in each input, the state beside it is folded. It is written
// as the last entry of every transaction that holds state, so it is always true of what stands before it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "stream/log.h"

namespace qc::stream {

inline constexpr std::string_view kPositionKey = "@position";

// Of one partition number: topic → the next offset to apply.
using Positions = std::map<std::string, Offset>;

// A version byte (1), then a varint count, then for each topic in order: varint length, name, varint offset.
std::string encode_positions(const Positions& positions);
// state_version: another version byte; state_corrupt: anything else that is not as written.
Result<Positions> decode_positions(std::string_view bytes);

}  // namespace qc::stream
