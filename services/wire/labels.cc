#include "wire/labels.h"

#include "qingchuan/v1/schema.pb.h"

namespace qc::wire {

// The options are read once by protobuf and live as long as the descriptor: for ever.
std::string_view label(const google::protobuf::EnumValueDescriptor& value) {
  if (value.options().HasExtension(::qingchuan::v1::label)) {
    return value.options().GetExtension(::qingchuan::v1::label);
  }
  return value.name();
}

std::string_view label(const google::protobuf::EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  return value == nullptr ? std::string_view() : label(*value);
}

std::optional<int> number_of(const google::protobuf::EnumDescriptor& type, std::string_view text) {
  for (int i = 0; i < type.value_count(); ++i) {
    const auto& value = *type.value(i);
    if (value.options().HasExtension(::qingchuan::v1::label) && label(value) == text) return value.number();
  }
  return std::nullopt;
}

}  // namespace qc::wire
