// Holds answers against openapi.json: as much of JSON Schema as that document uses.
#include <algorithm>

#include "console/api_problem.h"
#include "console/api_testing.h"

namespace qc::console::fixture {
namespace {

const json::object& resolved(const json::object& schema) {
  const auto* ref = schema.if_contains("$ref");
  if (ref == nullptr) return schema;
  boost::system::error_code failed;
  const json::value document(openapi());
  static std::map<std::string, json::object> known;
  const std::string name(ref->as_string());
  auto it = known.find(name);
  if (it == known.end()) {
    const json::value* found = document.find_pointer(name.substr(1), failed);
    it = known.emplace(name, found == nullptr ? json::object() : found->as_object()).first;
  }
  return it->second;
}

bool type_fits(const json::value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  return type == "number" && value.is_number();
}

std::string object_wrong(const json::object& object, const json::object& schema, const std::string& at) {
  static const json::object kNone;
  const auto* properties = schema.if_contains("properties");
  const json::object& known = properties == nullptr ? kNone : properties->as_object();
  if (const auto* required = schema.if_contains("required")) {
    for (const json::value& name : required->as_array()) {
      if (!object.contains(name.as_string())) return at + " lacks " + std::string(name.as_string());
    }
  }
  const auto* more = schema.if_contains("additionalProperties");
  for (const auto& member : object) {
    const std::string inner = at + "/" + std::string(member.key());
    if (const auto* of = known.if_contains(member.key())) {
      if (std::string wrong = schema_wrong(member.value(), of->as_object(), inner); !wrong.empty()) return wrong;
    } else if (more != nullptr && more->is_bool() && !more->as_bool()) {
      return inner + " is not in the document";
    }
  }
  return {};
}

// "/alerts/a%2Fb/why" is "/alerts/{key}/why".
bool is_path_of(std::string_view path, std::string_view pattern) {
  while (!path.empty() && !pattern.empty()) {
    path.remove_prefix(1);
    pattern.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    const std::string_view wanted = pattern.substr(0, pattern.find('/'));
    const std::string_view suffix = wanted.starts_with('{') ? wanted.substr(wanted.find('}') + 1) : wanted;
    if (wanted.starts_with('{') ? !part.ends_with(suffix) : part != wanted) return false;
    path.remove_prefix(part.size());
    pattern.remove_prefix(wanted.size());
  }
  return path.empty() && pattern.empty();
}

std::string lower_method(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

const json::object& openapi() {
  static const json::value document = json::parse(kOpenApi);
  return document.as_object();
}

std::string schema_wrong(const json::value& value, const json::object& given, const std::string& at) {
  const json::object& schema = resolved(given);
  const auto* nullable = schema.if_contains("nullable");
  if (value.is_null() && nullable != nullptr && nullable->as_bool()) return {};
  if (const auto* all = schema.if_contains("allOf")) {
    for (const json::value& one : all->as_array()) {
      if (std::string wrong = schema_wrong(value, one.as_object(), at); !wrong.empty()) return wrong;
    }
  }
  if (const auto* any = schema.if_contains("oneOf")) {
    const auto fits = std::count_if(any->as_array().begin(), any->as_array().end(), [&](const json::value& one) {
      return schema_wrong(value, one.as_object(), at).empty();
    });
    if (fits != 1) return at + " fits " + std::to_string(fits) + " of its alternatives";
  }
  const auto* type = schema.if_contains("type");
  if (type != nullptr && !type_fits(value, type->as_string())) {
    return at + " is no " + std::string(type->as_string()) + ": " + json::serialize(value);
  }
  if (const auto* words = schema.if_contains("enum")) {
    const auto& all = words->as_array();
    if (std::find(all.begin(), all.end(), value) == all.end())
      return at + " is none of its words: " + json::serialize(value);
  }
  if (const auto* object = value.if_object()) return object_wrong(*object, schema, at);
  if (const auto* array = value.if_array()) {
    const auto* items = schema.if_contains("items");
    for (std::size_t i = 0; items != nullptr && i < array->size(); ++i) {
      std::string wrong = schema_wrong((*array)[i], items->as_object(), at + "/" + std::to_string(i));
      if (!wrong.empty()) return wrong;
    }
  }
  return {};
}

std::string answer_wrong(const Sent& sent, const Heard& heard) {
  const std::string path = sent.target.substr(0, sent.target.find('?'));
  const std::string method = sent.method == "HEAD" ? "get" : lower_method(sent.method);
  const json::object* operation = nullptr;
  for (const auto& one : openapi().at("paths").as_object()) {
    if (!is_path_of(path, one.key())) continue;
    operation = one.value().as_object().if_contains(method) == nullptr
                    ? operation
                    : &one.value().as_object().at(method).as_object();
  }
  const json::object& responses = operation == nullptr
                                      ? openapi().at("paths").at("/alerts").at("get").at("responses").as_object()
                                      : operation->at("responses").as_object();
  const auto* found = responses.if_contains(std::to_string(heard.status));
  if (found == nullptr && heard.status < 400) return "no status " + std::to_string(heard.status) + " in the document";
  if (found == nullptr) found = &responses.at("default");
  const json::object& response = resolved(found->as_object());
  const auto* content = response.if_contains("content");
  if (content == nullptr) return heard.body.empty() ? "" : "a body where the document has none";
  if (heard.streams) return {};
  const std::string type = heard.type.substr(0, heard.type.find(';'));
  const auto* media = content->as_object().if_contains(type);
  if (media == nullptr) return "the document has no " + type;
  if (type.find("json") == std::string::npos) return {};
  return schema_wrong(heard.json(), media->at("schema").as_object());
}

}  // namespace qc::console::fixture
