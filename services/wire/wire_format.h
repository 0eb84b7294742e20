// The outermost layer of a protobuf record, read by hand: which kind of record it is without building a message, and,
// where protobuf refused it, whether it was cut short. Functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace qc::wire {

struct OnlyField {
  std::uint32_t number = 0;
  std::string_view content;
};
// The record's one length-delimited field, if that is all it holds (as every encoder of a oneof writes it).
std::optional<OnlyField> only_field(std::string_view bytes);

// The bytes are fields up to a point where a tag, a length or a field's content goes beyond the end.
bool ends_mid_field(std::string_view bytes);

}  // namespace qc::wire
