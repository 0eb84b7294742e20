// What the loader asks of a message's descriptor: the options of schema.proto, labels, names, and setting one field
// from the text that a person wrote. Free functions of their arguments.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "qingchuan/v1/schema.pb.h"

namespace qc::platform {

// The field's rule; the empty one when it has none.
const ::qingchuan::v1::Rule& rule_of(const google::protobuf::FieldDescriptor& field);

std::vector<std::string> field_names(const google::protobuf::Descriptor& type);
// How people write the values of an enum; a value without a label (the unspecified one) cannot be written.
std::vector<std::string> labels(const google::protobuf::EnumDescriptor& type);

// "; did you mean `x`?", or the list of what is expected when nothing is near and the list is short, or nothing.
std::string hint(std::string_view written, const std::vector<std::string>& names);

// Sets a singular field or appends to a repeated one, when `text` is of its type, format and range; otherwise the error
// says what is wrong with it and what was expected.
tl::expected<void, std::string> set_scalar(google::protobuf::Message& into,
                                           const google::protobuf::FieldDescriptor& field, std::string_view text);

// Every string field that is set, item by item of lists, messages within messages included, with its path.
void for_each_text(const google::protobuf::Message& message,
                   const std::function<void(const std::string& path, const google::protobuf::FieldDescriptor& field,
                                            const std::string& text)>& visit);

}  // namespace qc::platform
