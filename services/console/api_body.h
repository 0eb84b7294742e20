// What a request brings, read strictly: a JSON body whose members are all known, of the right type and within limits,
// each thing that is wrong named by its JSON pointer; and a query likewise. Parsers of bytes from outside.
//
// Use: read all members, then `finish()`: what was wrong or unknown. Values read before an error are defaults.
// Functions and values; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "console/api_problem.h"
#include "core/factor.h"
#include "core/time.h"
#include "platform/web_server.h"

namespace qc::console {

inline constexpr std::size_t kBodyDepthMax = 16;
inline constexpr std::size_t kTextBytesMax = 2'000;  // of what people write, as the alerts take it

// The object that the body is. 415: no JSON by its type. 400: no JSON, deeper than kBodyDepthMax, a name twice in one
// object. 422: no object.
Expected<boost::json::object> parse_body(const platform::WebRequest& request);

// Valid UTF-8 without control characters; of several lines also tab and newline.
bool is_clean_text(std::string_view text, bool lines);

class BodyReader {
 public:
  // `object` outlives it; `at`: its own pointer.
  explicit BodyReader(const boost::json::object& object, std::string at = {}) : object_(object), at_(std::move(at)) {}

  struct TextLimits {
    std::size_t least = 1;
    std::size_t most = 200;  // bytes
    bool lines = false;
  };
  bool has(std::string_view member) const { return object_.contains(member); }
  std::string text(std::string_view member, const TextLimits& limits);
  std::optional<std::string> maybe_text(std::string_view member, const TextLimits& limits);
  std::int64_t number(std::string_view member, std::int64_t least, std::int64_t most);
  std::optional<std::int64_t> maybe_number(std::string_view member, std::int64_t least, std::int64_t most);
  std::optional<bool> maybe_flag(std::string_view member);
  core::EventTime time(std::string_view member);
  std::optional<core::EventTime> maybe_time(std::string_view member);
  // nullptr: absent or wrong.
  const boost::json::array* maybe_array(std::string_view member, std::size_t most);
  const boost::json::array* array(std::string_view member, std::size_t least, std::size_t most);

  void wrong(std::string_view member, std::string detail);
  std::string pointer(std::string_view member) const;
  std::vector<FieldError>& errors() { return errors_; }
  // All that was wrong, and the members that nobody asked for.
  std::vector<FieldError> finish();

 private:
  const boost::json::value* take(std::string_view member, bool required);

  const boost::json::object& object_;
  std::string at_;
  std::set<std::string, std::less<>> known_;
  std::vector<FieldError> errors_;
};

// A parsed query whose names are known.
class QueryReader {
 public:
  explicit QueryReader(std::vector<std::pair<std::string, std::string>> given) : given_(std::move(given)) {}

  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::string text(std::string_view name, std::size_t most = 200);
  std::int64_t number(std::string_view name, std::int64_t least, std::int64_t most, std::int64_t otherwise);
  std::optional<bool> flag(std::string_view name);
  std::optional<core::EventTime> time(std::string_view name);
  std::optional<core::Factor> factor(std::string_view name);
  std::optional<core::Window> window(std::string_view name);
  // One of `words`; `otherwise` where it is not given.
  std::string word(std::string_view name, std::initializer_list<std::string_view> words, std::string_view otherwise);
  void require(std::string_view name);
  void wrong(std::string_view name, std::string detail);
  const std::vector<FieldError>& errors() const { return errors_; }
  bool fine() const { return errors_.empty(); }

 private:
  const std::string* find(std::string_view name) const;

  std::vector<std::pair<std::string, std::string>> given_;
  std::vector<FieldError> errors_;
};

// 400: malformed, a name twice, a name that is not among `known`.
Expected<QueryReader> parse_known_query(std::string_view query, const std::vector<std::string_view>& known);

// Cursors: opaque to clients, checked when they come back. nullopt: none of ours.
std::string make_cursor(std::string_view place);
std::optional<std::string> read_cursor(std::string_view cursor);
inline constexpr std::size_t kCursorBytesMax = 2'000;

}  // namespace qc::console
