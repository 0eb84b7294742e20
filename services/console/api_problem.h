// Answers of the API: JSON, lists, and problem details (RFC 9457) with a code for machines and a sentence for people.
// What goes out through here carries the security headers that every answer has. Functions; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/result.h"
#include "console/identity.h"
#include "platform/web_server.h"

namespace qc::console {

// The document openapi.json, byte for byte; its definition is made from that file by the build.
extern const std::string_view kOpenApi;

// What is wrong with one member of a body ("/until", a JSON pointer) or one parameter ("limit").
struct FieldError {
  std::string pointer;    // one of the two is empty
  std::string parameter;  //
  std::string detail;
};

struct Problem {
  int status = 500;
  std::string_view code;  // "stale_revision"; a word that stays
  std::string detail;     // one sentence, English; never a secret
  std::vector<FieldError> errors{};
  boost::json::object more{};  // members beside the standard ones: "current", "refusal"
  std::chrono::seconds retry_after{0};
  std::vector<std::pair<std::string, std::string>> headers{};
};

// A value, or the answer that says why not.
template <class T>
using Expected = tl::expected<T, platform::WebResponse>;

platform::WebResponse problem(Problem said);
inline tl::unexpected<platform::WebResponse> refuse(Problem said) {
  return tl::make_unexpected(problem(std::move(said)));
}
// What one cannot see is not there.
platform::WebResponse not_found(std::string_view what);
platform::WebResponse fields_problem(std::vector<FieldError> errors);      // 422, of a body
platform::WebResponse parameters_problem(std::vector<FieldError> errors);  // 400, of a query
// What Identity refused; `signing_in`: a wrong password is 401 there and 422 elsewhere.
platform::WebResponse identity_problem(Refused refused, std::chrono::seconds retry_after, std::string_view detail,
                                       bool signing_in = false);
platform::WebResponse error_problem(const Error& error);  // of the log, a report

platform::WebResponse json_answer(int status, const boost::json::value& value);
platform::WebResponse text_answer(std::string content_type, std::string body);
platform::WebResponse empty_answer();  // 204

// {"items":[...],"next":null,"total":n}: of items that are JSON already.
platform::WebResponse list_answer(const std::vector<std::shared_ptr<const std::string>>& items,
                                  const std::optional<std::string>& next, std::size_t total);
platform::WebResponse list_answer(boost::json::array items, const std::optional<std::string>& next, std::size_t total);

// Adds what every answer says: security headers; no-store, or no-cache with an ETag of the body where it is a 200.
void finish_answer(platform::WebResponse& response, bool no_store);

}  // namespace qc::console
