// One record of `signals` to core values, for who reads them to act upon them. What it lets through is shaped as the
// encoders write it. Functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/output.h"
#include "wire/codec.h"
#include "wire/mean_decoder.h"

namespace qc::wire {

struct DecodedSignal {
  core::Signal signal;
  std::string rules;           // hash of what it was judged by
  std::int32_t partition = 0;  // of the topic that its origin's offsets are of
};
struct NotForUs {};  // a record of ours that says nothing of a condition: Taken

using SignalInput = std::variant<DecodedSignal, UpstreamTick, NotForUs, core::Rejected>;

// Rejected: Oversized, Garbage, BadShape. Marks of a later version are left out.
SignalInput decode_signal_record(std::string_view bytes, const DecodeLimits& limits = {});

// nullopt: no signal of ours (time, or bytes that are none).
std::optional<core::Signal> decode_signal(std::string_view bytes);

}  // namespace qc::wire
