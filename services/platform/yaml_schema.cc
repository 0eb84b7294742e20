#include "platform/yaml_schema.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>

#include "base/assert.h"
#include "platform/yaml_value.h"

namespace qc::platform {

namespace pb = google::protobuf;
namespace schema = ::qingchuan::v1;
using Error = tl::unexpected<std::string>;
using Field = pb::FieldDescriptor;

namespace {

std::optional<std::string> label_of(const pb::EnumValueDescriptor& value) {
  if (!value.options().HasExtension(schema::label)) return std::nullopt;
  return value.options().GetExtension(schema::label);
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + shown(name);
  return text;
}

std::string plain_number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.10g", value);
  return buffer;
}

// A bound as the person would write the value.
std::string bound_text(const schema::Rule& rule, double bound) {
  if (rule.format() == schema::DURATION) return duration_text(std::llround(bound * 1000));
  return plain_number(bound);
}

std::string range_text(const schema::Rule& rule) {
  if (rule.has_min() && rule.has_max()) return bound_text(rule, rule.min()) + " to " + bound_text(rule, rule.max());
  if (rule.has_min()) return "at least " + bound_text(rule, rule.min());
  return "at most " + bound_text(rule, rule.max());
}

// What one unit of the stored value is of what a person writes.
double units_per_written(const schema::Rule& rule) {
  switch (rule.format()) {
    case schema::DURATION:
      return 1000;
    case schema::DECIMAL:
      return 1'000'000;
    default:
      return 1;
  }
}

// A range bound to an integer is exact in a double (all are far below 2^53).
template <class T>
bool in_range(const schema::Rule& rule, T stored) {
  const double value = static_cast<double>(stored);
  const double unit = units_per_written(rule);
  return !(rule.has_min() && value < rule.min() * unit) && !(rule.has_max() && value > rule.max() * unit);
}

Error wrong(const Field& field, std::string_view text, const std::string& expected) {
  return Error(shown(field.name()) + " is " + shown(text) + "; expected " + expected);
}

tl::expected<std::int64_t, std::string> integer(const Field& field, std::string_view text, std::int64_t min,
                                                std::int64_t max) {
  const schema::Rule& rule = rule_of(field);
  std::optional<std::int64_t> value;
  std::string expected;
  switch (rule.format()) {
    case schema::DURATION:
      value = parse_duration(text);
      expected = "a duration such as 500ms, 90s, 10min, 6h or 4d";
      break;
    case schema::DATE:
      value = parse_date(text);
      expected = "a date such as 2026-03-01";
      break;
    case schema::DECIMAL:
      value = parse_decimal(text);
      expected = is_too_fine_decimal(text) ? "at most 6 decimals" : "a number such as 0.0025";
      break;
    case schema::PLAIN: {
      std::int64_t parsed = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
      if (error == std::errc() && end == text.data() + text.size()) value = parsed;
      expected = "a whole number";
      break;
    }
  }
  if (!value) return wrong(field, text, expected);
  if (!in_range(rule, *value)) return wrong(field, text, range_text(rule));
  if (*value < min || *value > max) {
    return wrong(field, text, std::to_string(min) + " to " + std::to_string(max));
  }
  return *value;
}

tl::expected<double, std::string> real(const Field& field, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return wrong(field, text, "a number");
  }
  if (!in_range(rule_of(field), value)) return wrong(field, text, range_text(rule_of(field)));
  return value;
}

tl::expected<const pb::EnumValueDescriptor*, std::string> enum_value(const Field& field, std::string_view text) {
  const pb::EnumDescriptor& type = *field.enum_type();
  for (int i = 0; i < type.value_count(); ++i) {
    if (label_of(*type.value(i)) == text) return type.value(i);
  }
  const std::vector<std::string> names = labels(type);
  if (const auto near = nearest_name(text, names)) {
    return Error(shown(field.name()) + " is " + shown(text) + "; did you mean " + shown(*near) + "?");
  }
  return wrong(field, text, "one of " + list_of(names));
}

// Sets or appends, as the field wants. The protobuf setters come in pairs with one signature.
template <class T, class Set, class Add>
void store(pb::Message& into, const Field& field, Set set, Add add, T value) {
  const pb::Reflection& reflection = *into.GetReflection();
  if (field.is_repeated()) {
    (reflection.*add)(&into, &field, std::move(value));
  } else {
    (reflection.*set)(&into, &field, std::move(value));
  }
}

template <class T, class Set, class Add>
tl::expected<void, std::string> store_integer(pb::Message& into, const Field& field, std::string_view text, Set set,
                                              Add add) {
  // Unsigned 64-bit fields take what fits into 63 bits: nobody configures more.
  constexpr std::int64_t min = std::is_signed_v<T> ? static_cast<std::int64_t>(std::numeric_limits<T>::min()) : 0;
  constexpr std::int64_t max = sizeof(T) == 8 ? std::numeric_limits<std::int64_t>::max()
                                              : static_cast<std::int64_t>(std::numeric_limits<T>::max());
  const auto value = integer(field, text, min, max);
  if (!value) return Error(value.error());
  store(into, field, set, add, static_cast<T>(*value));
  return {};
}

}  // namespace

const schema::Rule& rule_of(const Field& field) {
  return field.options().GetExtension(schema::rule);
}

std::vector<std::string> field_names(const pb::Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

std::vector<std::string> labels(const pb::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (auto label = label_of(*type.value(i))) names.push_back(*std::move(label));
  }
  return names;
}

std::string hint(std::string_view written, const std::vector<std::string>& names) {
  constexpr std::size_t kListed = 16;
  if (const auto near = nearest_name(written, names)) return "; did you mean " + shown(*near) + "?";
  if (names.empty() || names.size() > kListed) return "";
  return "; expected one of " + list_of(names);
}

tl::expected<void, std::string> set_scalar(pb::Message& into, const Field& field, std::string_view text) {
  using R = pb::Reflection;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return store_integer<pb::int32>(into, field, text, &R::SetInt32, &R::AddInt32);
    case Field::CPPTYPE_INT64:
      return store_integer<pb::int64>(into, field, text, &R::SetInt64, &R::AddInt64);
    case Field::CPPTYPE_UINT32:
      return store_integer<pb::uint32>(into, field, text, &R::SetUInt32, &R::AddUInt32);
    case Field::CPPTYPE_UINT64:
      return store_integer<pb::uint64>(into, field, text, &R::SetUInt64, &R::AddUInt64);
    case Field::CPPTYPE_DOUBLE:
    case Field::CPPTYPE_FLOAT: {
      const auto value = real(field, text);
      if (!value) return Error(value.error());
      if (field.cpp_type() == Field::CPPTYPE_DOUBLE) {
        store(into, field, &R::SetDouble, &R::AddDouble, *value);
      } else {
        store(into, field, &R::SetFloat, &R::AddFloat, static_cast<float>(*value));
      }
      return {};
    }
    case Field::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return wrong(field, text, "true or false");
      store(into, field, &R::SetBool, &R::AddBool, text == "true");
      return {};
    case Field::CPPTYPE_ENUM: {
      const auto value = enum_value(field, text);
      if (!value) return Error(value.error());
      store(into, field, &R::SetEnum, &R::AddEnum, *value);
      return {};
    }
    case Field::CPPTYPE_STRING:
      if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos) return wrong(field, text, "text in UTF-8");
      if (text.empty() && rule_of(field).required()) return Error(shown(field.name()) + " must not be empty");
      store(into, field, &R::SetString, &R::AddString, std::string(text));
      return {};
    case Field::CPPTYPE_MESSAGE:
      break;
  }
  QC_ASSERT(false && "a message is no scalar");
  return {};
}

void for_each_text(const pb::Message& message,
                   const std::function<void(const std::string&, const Field&, const std::string&)>& visit) {
  const std::function<void(const pb::Message&, const std::string&)> walk = [&](const pb::Message& m,
                                                                               const std::string& prefix) {
    const pb::Reflection& reflection = *m.GetReflection();
    std::vector<const Field*> set;
    reflection.ListFields(m, &set);  // in the order of field numbers
    for (const Field* field : set) {
      const bool is_text = field->type() == Field::TYPE_STRING;
      if (!is_text && field->cpp_type() != Field::CPPTYPE_MESSAGE) continue;
      const std::string path = prefix + field->name();
      if (!field->is_repeated()) {
        if (is_text) {
          visit(path, *field, reflection.GetString(m, field));
        } else {
          walk(reflection.GetMessage(m, field), path + ".");
        }
        continue;
      }
      for (int i = 0; i < reflection.FieldSize(m, field); ++i) {
        const std::string item = path + "[" + std::to_string(i) + "]";
        if (is_text) {
          visit(item, *field, reflection.GetRepeatedString(m, field, i));
        } else {
          walk(reflection.GetRepeatedMessage(m, field, i), item + ".");
        }
      }
    }
  };
  walk(message, "");
}

}  // namespace qc::platform
