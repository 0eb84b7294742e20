// Why the bytes of a record cannot be a message of ours: what every decoder asks before it looks inside. Inside of
// wire. Functions; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/reading.h"
#include "wire/codec.h"

namespace qc::wire {

// Oversized, or Garbage where there is nothing. Also makes protobuf say nothing on stderr of text that is no UTF-8: bad
// input is a value.
std::optional<core::Rejected> size_error(std::string_view bytes, const DecodeLimits& limits);

// Of bytes that protobuf refused: Truncated or Garbage.
core::Rejected unreadable(std::string_view bytes);

}  // namespace qc::wire
