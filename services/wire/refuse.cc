#include "wire/refuse.h"

#include <google/protobuf/stubs/logging.h>

#include <limits>
#include <mutex>
#include <string>

#include "wire/wire_format.h"

namespace qc::wire {

using core::Reason;

std::optional<core::Rejected> size_error(std::string_view bytes, const DecodeLimits& limits) {
  static std::once_flag once;
  std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
  if (bytes.size() > limits.record_bytes_max || bytes.size() > std::numeric_limits<int>::max()) {
    return core::Rejected{Reason::Oversized, 1,
                          std::to_string(bytes.size()) + " bytes; the limit record_bytes_max is " +
                              std::to_string(limits.record_bytes_max)};
  }
  if (bytes.empty()) return core::Rejected{Reason::Garbage, 1, "an empty record"};
  return std::nullopt;
}

core::Rejected unreadable(std::string_view bytes) {
  const std::string size = std::to_string(bytes.size()) + " bytes";
  if (ends_mid_field(bytes)) return {Reason::Truncated, 1, "the record ends in the middle, after " + size};
  return {Reason::Garbage, 1, "not a message of ours, " + size};
}

}  // namespace qc::wire
