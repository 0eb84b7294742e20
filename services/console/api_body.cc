#include "console/api_body.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/parse_options.hpp>
#include <charconv>

#include "platform/hmac.h"
#include "platform/web_text.h"

namespace qc::console {
namespace {

// The members of all objects in it.
std::size_t members_of(const boost::json::value& value) {
  std::size_t n = 0;
  if (const auto* object = value.if_object()) {
    n += object->size();
    for (const auto& member : *object) n += members_of(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) n += members_of(item);
  }
  return n;
}

// The names that a JSON text gives to members: its colons outside strings. REQUIRES: it is JSON.
std::size_t names_in(std::string_view json) {
  std::size_t n = 0;
  bool inside = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (inside && json[i] == '\\') {
      ++i;
    } else if (json[i] == '"') {
      inside = !inside;
    } else if (!inside && json[i] == ':') {
      ++n;
    }
  }
  return n;
}

std::string shown_name(std::string_view text) {
  constexpr std::size_t kMost = 60;
  if (text.size() <= kMost) return std::string(text);
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string between(std::int64_t least, std::int64_t most) {
  return "from " + std::to_string(least) + " to " + std::to_string(most);
}

std::string time_text_wanted() {
  return "must be a time such as 2026-11-28T10:00:00+08:00";
}

// An instant that people mean: what is before or after it overflows sums and is a slip.
std::optional<core::EventTime> sane_time(std::string_view text) {
  if (text.size() < 16 || text.size() > 40) return std::nullopt;
  const auto time = core::parse_iso(text);
  if (!time || *time < core::beijing_midnight(1970, 1, 2) || *time > core::beijing_midnight(2200, 1, 1)) {
    return std::nullopt;
  }
  return time;
}

}  // namespace

Expected<boost::json::object> parse_body(const platform::WebRequest& request) {
  if (platform::media_type(request.header("content-type")) != "application/json") {
    return refuse({.status = 415, .code = "not_json", .detail = "the body must be application/json"});
  }
  boost::json::parse_options options;
  options.max_depth = kBodyDepthMax;
  boost::system::error_code failed;
  boost::json::value value = boost::json::parse(request.body, failed, {}, options);
  if (failed) {
    return refuse({.status = 400, .code = "malformed_json", .detail = "the body is no JSON: " + failed.message()});
  }
  const auto* object = value.if_object();
  if (object == nullptr) {
    return refuse({.status = 422, .code = "bad_body", .detail = "the body must be a JSON object"});
  }
  // Of a name that stands twice the parser keeps one, and another reader might have kept the other.
  if (names_in(request.body) != members_of(value)) {
    return refuse({.status = 400, .code = "malformed_json", .detail = "a name stands twice in one object"});
  }
  return *object;
}

bool is_clean_text(std::string_view text, bool lines) {
  return platform::is_utf8(text) && std::none_of(text.begin(), text.end(), [&](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte < 0x20 && !(lines && (c == '\n' || c == '\t'))) || byte == 0x7f;
         });
}

std::string BodyReader::pointer(std::string_view member) const {
  std::string out = at_ + "/";
  for (const char c : shown_name(member)) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

void BodyReader::wrong(std::string_view member, std::string detail) {
  errors_.push_back({pointer(member), {}, std::move(detail)});
}

const boost::json::value* BodyReader::take(std::string_view member, bool required) {
  known_.emplace(member);
  const boost::json::value* value = object_.if_contains(member);
  if (value == nullptr && required) wrong(member, "is required");
  return value;
}

std::optional<std::string> BodyReader::maybe_text(std::string_view member, const TextLimits& limits) {
  const boost::json::value* value = take(member, false);
  if (value == nullptr) return std::nullopt;
  const boost::json::string* text = value->if_string();
  if (text == nullptr) {
    wrong(member, "must be a text");
    return std::nullopt;
  }
  if (text->size() < limits.least || text->size() > limits.most) {
    wrong(member, "must be " +
                      between(static_cast<std::int64_t>(limits.least), static_cast<std::int64_t>(limits.most)) +
                      " bytes long");
    return std::nullopt;
  }
  if (!is_clean_text({text->data(), text->size()}, limits.lines)) {
    wrong(member, "must be without control characters");
    return std::nullopt;
  }
  return std::string(text->data(), text->size());
}

std::string BodyReader::text(std::string_view member, const TextLimits& limits) {
  take(member, true);
  return maybe_text(member, limits).value_or(std::string());
}

std::optional<std::int64_t> BodyReader::maybe_number(std::string_view member, std::int64_t least, std::int64_t most) {
  const boost::json::value* value = take(member, false);
  if (value == nullptr) return std::nullopt;
  const std::int64_t* number = value->if_int64();
  if (number == nullptr || *number < least || *number > most) {
    wrong(member, "must be a whole number " + between(least, most));
    return std::nullopt;
  }
  return *number;
}

std::int64_t BodyReader::number(std::string_view member, std::int64_t least, std::int64_t most) {
  take(member, true);
  return maybe_number(member, least, most).value_or(least);
}

std::optional<bool> BodyReader::maybe_flag(std::string_view member) {
  const boost::json::value* value = take(member, false);
  if (value == nullptr) return std::nullopt;
  const bool* flag = value->if_bool();
  if (flag == nullptr) {
    wrong(member, "must be true or false");
    return std::nullopt;
  }
  return *flag;
}

std::optional<core::EventTime> BodyReader::maybe_time(std::string_view member) {
  const boost::json::value* value = take(member, false);
  if (value == nullptr) return std::nullopt;
  const boost::json::string* text = value->if_string();
  const auto time = text == nullptr ? std::nullopt : sane_time({text->data(), text->size()});
  if (!time) wrong(member, time_text_wanted());
  return time;
}

core::EventTime BodyReader::time(std::string_view member) {
  take(member, true);
  return maybe_time(member).value_or(core::EventTime{});
}

const boost::json::array* BodyReader::maybe_array(std::string_view member, std::size_t most) {
  const boost::json::value* value = take(member, false);
  if (value == nullptr) return nullptr;
  const boost::json::array* array = value->if_array();
  if (array == nullptr || array->size() > most) {
    wrong(member, "must be an array of at most " + std::to_string(most) + " items");
    return nullptr;
  }
  return array;
}

const boost::json::array* BodyReader::array(std::string_view member, std::size_t least, std::size_t most) {
  take(member, true);
  const boost::json::array* found = maybe_array(member, most);
  if (found != nullptr && found->size() < least) {
    wrong(member, "must have at least " + std::to_string(least) + " items");
    return nullptr;
  }
  return found;
}

std::vector<FieldError> BodyReader::finish() {
  constexpr std::size_t kErrorsMax = 20;
  for (const auto& member : object_) {
    if (errors_.size() >= kErrorsMax) break;
    if (known_.find(std::string_view(member.key())) == known_.end()) wrong(member.key(), "is not known here");
  }
  if (errors_.size() > kErrorsMax) errors_.resize(kErrorsMax);
  return std::move(errors_);
}

// ---- queries

const std::string* QueryReader::find(std::string_view name) const {
  const auto it = std::find_if(given_.begin(), given_.end(), [&](const auto& one) { return one.first == name; });
  return it == given_.end() ? nullptr : &it->second;
}

void QueryReader::wrong(std::string_view name, std::string detail) {
  errors_.push_back({{}, std::string(name), std::move(detail)});
}

void QueryReader::require(std::string_view name) {
  if (!has(name)) wrong(name, "is required");
}

std::string QueryReader::text(std::string_view name, std::size_t most) {
  const std::string* value = find(name);
  if (value == nullptr) return {};
  if (value->empty() || value->size() > most || !is_clean_text(*value, false)) {
    wrong(name, "must be 1 to " + std::to_string(most) + " bytes of text without control characters");
    return {};
  }
  return *value;
}

std::int64_t QueryReader::number(std::string_view name, std::int64_t least, std::int64_t most, std::int64_t otherwise) {
  const std::string* value = find(name);
  if (value == nullptr) return otherwise;
  std::int64_t number = 0;
  const char* const end = value->data() + value->size();
  const auto read = std::from_chars(value->data(), end, number);
  if (value->empty() || read.ec != std::errc() || read.ptr != end || number < least || number > most) {
    wrong(name, "must be a whole number " + between(least, most));
    return otherwise;
  }
  return number;
}

std::optional<bool> QueryReader::flag(std::string_view name) {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (*value == "true") return true;
  if (*value == "false") return false;
  wrong(name, "must be true or false");
  return std::nullopt;
}

std::optional<core::EventTime> QueryReader::time(std::string_view name) {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto time = sane_time(*value);
  if (!time) wrong(name, time_text_wanted());
  return time;
}

std::optional<core::Factor> QueryReader::factor(std::string_view name) {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  for (std::size_t i = 1; i < core::kFactors; ++i) {
    if (core::name(static_cast<core::Factor>(i)) == *value) return static_cast<core::Factor>(i);
  }
  wrong(name, "must be a factor such as PM2.5 (see factors)");
  return std::nullopt;
}

std::optional<core::Window> QueryReader::window(std::string_view name) {
  const std::string* value = find(name);
  if (value == nullptr) return std::nullopt;
  for (std::size_t i = 1; i < core::kWindows; ++i) {
    if (core::name(static_cast<core::Window>(i)) == *value) return static_cast<core::Window>(i);
  }
  wrong(name, "must be a window such as 1h (see factors)");
  return std::nullopt;
}

std::string QueryReader::word(std::string_view name, std::initializer_list<std::string_view> words,
                              std::string_view otherwise) {
  const std::string* value = find(name);
  if (value == nullptr) return std::string(otherwise);
  if (std::find(words.begin(), words.end(), *value) != words.end()) return *value;
  std::string list;
  for (const std::string_view word : words) list += (list.empty() ? "" : ", ") + std::string(word);
  wrong(name, "must be one of " + list);
  return std::string(otherwise);
}

Expected<QueryReader> parse_known_query(std::string_view query, const std::vector<std::string_view>& known) {
  std::vector<std::pair<std::string, std::string>> given;
  if (!query.empty()) {
    auto parsed = platform::parse_query(query);
    if (!parsed) {
      return refuse(
          {.status = 400, .code = "bad_parameter", .detail = "the query is malformed, or names a parameter twice"});
    }
    given = std::move(*parsed);
  }
  std::vector<FieldError> errors;
  for (const auto& [name, value] : given) {
    if (std::find(known.begin(), known.end(), name) == known.end() && errors.size() < 20) {
      errors.push_back({{}, shown_name(name), "is not known here"});
    }
  }
  if (!errors.empty()) return tl::make_unexpected(parameters_problem(std::move(errors)));
  return QueryReader(std::move(given));
}

// ---- cursors

std::string make_cursor(std::string_view place) {
  return "c" + platform::hex(std::span(reinterpret_cast<const std::uint8_t*>(place.data()), place.size()));
}

std::optional<std::string> read_cursor(std::string_view cursor) {
  if (cursor.size() < 3 || cursor.size() > kCursorBytesMax || cursor.size() % 2 == 0 || cursor[0] != 'c') {
    return std::nullopt;
  }
  std::string place;
  for (std::size_t i = 1; i < cursor.size(); i += 2) {
    unsigned byte = 0;
    const auto read = std::from_chars(cursor.data() + i, cursor.data() + i + 2, byte, 16);
    if (read.ec != std::errc() || read.ptr != cursor.data() + i + 2) return std::nullopt;
    place += static_cast<char>(byte);
  }
  if (!platform::is_utf8(place) || make_cursor(place) != cursor) return std::nullopt;
  return place;
}

}  // namespace qc::console
