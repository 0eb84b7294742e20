// Records of `events` to core values and back. As InputDecoder (codec.h) the decoder validates everything that can be
// judged without state: what it lets through core may rely upon; what it refuses is a value, core::Rejected, for the
// dead letters. Functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "core/event.h"
#include "core/reading.h"
#include "wire/codec.h"

namespace qc::wire {

// Of one forecast, in hours: more than any centre issues, and than the warning machine looks at.
inline constexpr int kForecastHoursMax = 4 * core::kWarningHoursMax;

std::string encode_event(const core::Event& event);

using DecodedEvent = std::variant<core::Event, core::Rejected>;

// A refused record is a Rejected with one reading: Garbage, Truncated, Oversized, BadShape, OutOfRange (an index or a
// level that there is not), NotSupported (another kind of event).
DecodedEvent decode_event(std::string_view bytes, const DecodeLimits& limits = {});

// "" where the event is one that decode_event() lets through; otherwise what is wrong with it. For doors: they refuse
// at once what the stage would refuse later.
std::string event_error(const core::Event& event);

}  // namespace qc::wire
