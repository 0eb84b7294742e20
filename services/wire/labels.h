// How people write an enum's value: the option `label` of schema.proto, read from the descriptor, so that YAML, CSV and
// pages share one word. Functions; any thread.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>

#include <optional>
#include <string_view>

namespace qc::wire {

// The label; the value's own name where it has none ("UNIT_UNSPECIFIED").
std::string_view label(const google::protobuf::EnumValueDescriptor& value);
// By number; "" where the enum has no such number.
std::string_view label(const google::protobuf::EnumDescriptor& type, int number);
template <class E>
std::string_view label(E value) {
  return label(*google::protobuf::GetEnumDescriptor<E>(), static_cast<int>(value));
}

// The number of the value with that label.
std::optional<int> number_of(const google::protobuf::EnumDescriptor& type, std::string_view label);

}  // namespace qc::wire
