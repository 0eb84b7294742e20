// Any bytes as what a request brings: a body, a query, a cursor, headers that say where it comes from. Nothing crashes;
// what is taken for an object means one thing (written again it is read the same, and no name stands twice); readers
// give values within their limits or say what was wrong; an answer about it is JSON, whatever was in it.
//
// The first byte says which: 'b' a body, 'q' a query, 'c' a cursor, 'h' headers (a line each).
#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "console/api_body.h"
#include "console/api_guard.h"
#include "console/api_problem.h"

namespace {

using namespace qc::console;
namespace json = boost::json;

void check_problem(const qc::platform::WebResponse& response) {
  QC_ASSERT(response.status >= 400 && response.status < 500 && response.body != nullptr);
  boost::system::error_code failed;
  const json::value value = json::parse(*response.body, failed);
  QC_ASSERT(!failed && value.is_object() && value.as_object().contains("code"));
}

void body(std::string_view bytes) {
  qc::platform::WebRequest request;
  request.headers.emplace_back("content-type", "application/json");
  request.body = bytes;
  const auto object = parse_body(request);
  if (!object) return check_problem(object.error());
  request.body = json::serialize(*object);
  const auto again = parse_body(request);
  QC_ASSERT(again && *again == *object);
  BodyReader reader(*object);
  const std::string text = reader.text("text", {.least = 1, .most = 50});
  QC_ASSERT(text.size() <= 50 && is_clean_text(text, false));
  const std::string lines = reader.maybe_text("lines", {.least = 0, .most = 50, .lines = true}).value_or("");
  QC_ASSERT(is_clean_text(lines, true));
  const std::int64_t number = reader.number("revision", 0, 1'000);
  QC_ASSERT(number >= 0 && number <= 1'000);
  reader.maybe_flag("flag");
  const auto until = reader.maybe_time("until");
  QC_ASSERT(!until || qc::core::parse_iso(qc::core::to_iso(*until)) == until);
  if (const json::array* items = reader.array("items", 1, 5)) QC_ASSERT(!items->empty() && items->size() <= 5);
  auto errors = reader.finish();
  QC_ASSERT(errors.size() <= 20);
  if (!errors.empty()) check_problem(fields_problem(std::move(errors)));
}

void query(std::string_view bytes) {
  auto parsed = parse_known_query(bytes, {"text", "limit", "flag", "from", "factor", "window", "order", "cursor"});
  if (!parsed) return check_problem(parsed.error());
  const std::string text = parsed->text("text", 20);
  QC_ASSERT(text.size() <= 20 && is_clean_text(text, false));
  const std::int64_t limit = parsed->number("limit", 1, 100, 7);
  QC_ASSERT(limit >= 1 && limit <= 100);
  parsed->flag("flag");
  parsed->time("from");
  if (const auto factor = parsed->factor("factor")) QC_ASSERT(!qc::core::name(*factor).empty());
  if (const auto window = parsed->window("window")) QC_ASSERT(!qc::core::name(*window).empty());
  const std::string order = parsed->word("order", {"urgent", "newest"}, "urgent");
  QC_ASSERT(order == "urgent" || order == "newest");
  if (!parsed->fine()) check_problem(parameters_problem(parsed->errors()));
}

void cursor(std::string_view bytes) {
  if (const auto place = read_cursor(bytes)) QC_ASSERT(make_cursor(*place) == bytes);
}

void headers(std::string_view bytes) {
  qc::platform::WebRequest request;
  request.headers.emplace_back("host", "console.test");
  for (const char* name : {"cookie", "authorization", "origin", "referer", "sec-fetch-site"}) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    if (end > 0) request.headers.emplace_back(name, bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  for (const bool secure : {false, true}) {
    ApiOptions options;
    options.origins = {"https://wall.example"};
    options.secure_cookies = secure;
    const Credentials given = credentials_of(request, secure);
    QC_ASSERT(given.session.empty() || given.bearer.empty());
    const auto refused = refuse_foreign(request, options, false);
    if (refused) {
      check_problem(*refused);
      continue;
    }
    // What is let in names us, or one of the list.
    std::string_view from = request.header("origin");
    if (from.empty()) from = request.header("referer");
    const std::string_view authority = authority_of(from);
    QC_ASSERT(authority.size() == std::string_view("console.test").size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'b':
      body(rest);
      break;
    case 'q':
      query(rest);
      break;
    case 'c':
      cursor(rest);
      break;
    default:
      headers(rest);
      break;
  }
  return 0;
}
