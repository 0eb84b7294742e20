#include "platform/message_diff.h"

#include <cstdio>
#include <map>

#include "base/assert.h"
#include "platform/yaml_schema.h"
#include "platform/yaml_value.h"

namespace qc::platform {
namespace {

namespace pb = google::protobuf;
namespace schema = ::qingchuan::v1;
using Field = pb::FieldDescriptor;

constexpr const char* kAbsent = "absent";

std::string integer_text(const Field& field, std::int64_t value) {
  switch (rule_of(field).format()) {
    case schema::DURATION:
      return duration_text(value);
    case schema::DATE:
      return value == 0 ? kAbsent : date_text(value);  // no midnight in Beijing is the epoch
    case schema::DECIMAL:
      return decimal_text(value);
    case schema::PLAIN:
      break;
  }
  return std::to_string(value);
}

std::string enum_text(const pb::EnumValueDescriptor& value) {
  if (value.options().HasExtension(schema::label)) return value.options().GetExtension(schema::label);
  return value.number() == 0 ? kAbsent : value.name();
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

// One value; `index` of a repeated field, -1 of a singular one.
std::string value_text(const pb::Message& m, const Field& field, int index) {
  const pb::Reflection& r = *m.GetReflection();
  const bool many = index >= 0;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return integer_text(field, many ? r.GetRepeatedInt32(m, &field, index) : r.GetInt32(m, &field));
    case Field::CPPTYPE_INT64:
      return integer_text(field, many ? r.GetRepeatedInt64(m, &field, index) : r.GetInt64(m, &field));
    case Field::CPPTYPE_DOUBLE:
      return number_text(many ? r.GetRepeatedDouble(m, &field, index) : r.GetDouble(m, &field));
    case Field::CPPTYPE_BOOL:
      return (many ? r.GetRepeatedBool(m, &field, index) : r.GetBool(m, &field)) ? "true" : "false";
    case Field::CPPTYPE_ENUM:
      return enum_text(*(many ? r.GetRepeatedEnum(m, &field, index) : r.GetEnum(m, &field)));
    case Field::CPPTYPE_STRING: {
      const std::string text = many ? r.GetRepeatedString(m, &field, index) : r.GetString(m, &field);
      return text.empty() ? kAbsent : printable(text, 200);
    }
    default:
      break;
  }
  QC_ASSERT(false);  // a type that the schema does not have
  return {};
}

// A field that is no message, as a person would write it.
std::string text_of(const pb::Message& m, const Field& field) {
  const pb::Reflection& r = *m.GetReflection();
  if (!field.is_repeated()) {
    if (field.has_presence() && !r.HasField(m, &field)) return kAbsent;
    return value_text(m, field, -1);
  }
  std::string text;
  for (int i = 0; i < r.FieldSize(m, &field); ++i) text += (i == 0 ? "" : ", ") + value_text(m, field, i);
  return "[" + text + "]";
}

// What tells an entry of a list from the others: "Limit GB 3095-2026 SO2 1h 2026-03-01".
std::string title_of(const pb::Message& entry) {
  const pb::Descriptor& type = *entry.GetDescriptor();
  std::string title = type.name();
  for (int i = 0; i < type.field_count(); ++i) {
    const Field& field = *type.field(i);
    const schema::Rule& rule = rule_of(field);
    // A list that defines names is no name of the entry itself.
    if ((!rule.has_defines() || field.is_repeated()) && !rule.names()) continue;
    const std::string text = text_of(entry, field);
    if (text == kAbsent || text == "false") continue;
    title += field.cpp_type() == Field::CPPTYPE_BOOL ? " " + field.name() : " " + text;
  }
  return title;
}

class Walk {
 public:
  std::vector<std::string> take() { return std::move(lines_); }

  // `path`: how lines begin, with the separator behind it.
  void message(const pb::Message& before, const pb::Message& after, const std::string& path) {
    const pb::Descriptor& type = *before.GetDescriptor();
    const pb::Reflection& r = *before.GetReflection();
    for (int i = 0; i < type.field_count(); ++i) {
      const Field& field = *type.field(i);
      if (field.is_map()) {
        map(before, after, field, path + field.name());
      } else if (field.cpp_type() != Field::CPPTYPE_MESSAGE) {
        const std::string was = text_of(before, field);
        const std::string is = text_of(after, field);
        if (was != is) lines_.push_back(path + field.name() + ": " + was + " -> " + is);
      } else if (field.is_repeated()) {
        list(before, after, field, path);
      } else {
        message(r.GetMessage(before, &field), r.GetMessage(after, &field), path + field.name() + ".");
      }
    }
  }

 private:
  using Entries = std::vector<std::pair<std::string, const pb::Message*>>;

  // By title; entries that nothing tells apart are numbered.
  static Entries entries(const pb::Message& m, const Field& field) {
    const pb::Reflection& r = *m.GetReflection();
    std::map<std::string, int> seen;
    Entries all;
    for (int i = 0; i < r.FieldSize(m, &field); ++i) {
      const pb::Message& entry = r.GetRepeatedMessage(m, &field, i);
      std::string title = title_of(entry);
      if (const int n = ++seen[title]; n > 1) title += " #" + std::to_string(n);
      all.emplace_back(std::move(title), &entry);
    }
    return all;
  }

  void list(const pb::Message& before, const pb::Message& after, const Field& field, const std::string& path) {
    const Entries was = entries(before, field);
    const Entries is = entries(after, field);
    const std::map<std::string, const pb::Message*> now(is.begin(), is.end());
    std::map<std::string, const pb::Message*> then(was.begin(), was.end());
    for (const auto& [title, entry] : was) {
      const auto found = now.find(title);
      if (found == now.end()) {
        lines_.push_back(path + title + ": removed");
      } else {
        message(*entry, *found->second, path + title + ": ");
      }
    }
    for (const auto& [title, entry] : is) {
      if (!then.contains(title)) lines_.push_back(path + title + ": added");
    }
  }

  void map(const pb::Message& before, const pb::Message& after, const Field& field, const std::string& path) {
    const auto items = [&field](const pb::Message& m) {
      const pb::Reflection& r = *m.GetReflection();
      std::map<std::string, std::string> all;
      for (int i = 0; i < r.FieldSize(m, &field); ++i) {
        const pb::Message& item = r.GetRepeatedMessage(m, &field, i);
        all[item.GetReflection()->GetString(item, field.message_type()->map_key())] =
            item.GetReflection()->GetString(item, field.message_type()->map_value());
      }
      return all;
    };
    const auto was = items(before);
    const auto is = items(after);
    for (const auto& [name, value] : was) {
      const auto found = is.find(name);
      if (found == is.end()) lines_.push_back(path + "[" + printable(name, 100) + "]: removed");
      if (found != is.end() && found->second != value)
        lines_.push_back(path + "[" + printable(name, 100) + "]: has another value");
    }
    for (const auto& [name, unused] : is) {
      if (!was.contains(name)) lines_.push_back(path + "[" + printable(name, 100) + "]: added");
    }
  }

  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> differences(const pb::Message& before, const pb::Message& after) {
  QC_ASSERT(before.GetDescriptor() == after.GetDescriptor());
  Walk walk;
  walk.message(before, after, "");
  return walk.take();
}

}  // namespace qc::platform
