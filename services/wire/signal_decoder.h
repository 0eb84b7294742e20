// One record of `signals` to a core value, for who reads them back to act upon them. What it lets through is shaped as
// encode_signal() writes it. Function; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/output.h"

namespace qc::wire {

// nullopt: no signal of ours (time, or bytes that are none). Marks of a later version are left out, and the evidence.
std::optional<core::Signal> decode_signal(std::string_view bytes);

}  // namespace qc::wire
