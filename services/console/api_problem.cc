#include "console/api_problem.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <span>

#include "console/json_text.h"
#include "platform/hmac.h"

namespace qc::console {
namespace {

using platform::WebResponse;

constexpr const char* kJsonType = "application/json";
constexpr std::size_t kDetailBytesMax = 500;

std::string_view title_of_status(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return status >= 500 ? "Internal Server Error" : "Error";
  }
}

WebResponse with_body(int status, std::string type, std::string body) {
  WebResponse response;
  response.status = status;
  response.content_type = std::move(type);
  response.body = std::make_shared<const std::string>(std::move(body));
  return response;
}

// Cut between characters.
std::string shortened_detail(std::string text) {
  if (text.size() <= kDetailBytesMax) return text;
  std::size_t end = kDetailBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  text.resize(end);
  return text + "...";
}

bool has_header(const WebResponse& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const auto& header) { return header.first == name; });
}

std::string list_text(const std::string& items, const std::optional<std::string>& next, std::size_t total) {
  std::string body = "{\"items\":[";
  body.reserve(items.size() + 100);
  body += items;
  body += "],\"next\":";
  body += next ? json_line(boost::json::string(*next)) : "null";
  body += ",\"total\":" + std::to_string(total) + "}";
  return body;
}

}  // namespace

WebResponse problem(Problem said) {
  boost::json::object body{{"type", "about:blank"},
                           {"title", title_of_status(said.status)},
                           {"status", said.status},
                           {"code", said.code},
                           {"detail", shortened_detail(std::move(said.detail))}};
  if (!said.errors.empty()) {
    boost::json::array errors;
    for (FieldError& e : said.errors) {
      boost::json::object one{{"detail", std::move(e.detail)}};
      if (e.parameter.empty()) {
        one["pointer"] = e.pointer;
      } else {
        one["parameter"] = e.parameter;
      }
      errors.push_back(std::move(one));
    }
    body["errors"] = std::move(errors);
  }
  for (auto& member : said.more) body[member.key()] = std::move(member.value());
  WebResponse response = with_body(said.status, "application/problem+json", json_line(body));
  if (said.retry_after.count() > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(said.retry_after.count()));
  }
  for (auto& header : said.headers) response.headers.push_back(std::move(header));
  return response;
}

WebResponse not_found(std::string_view what) {
  return problem({.status = 404, .code = "not_found", .detail = "there is no such " + std::string(what)});
}

WebResponse fields_problem(std::vector<FieldError> errors) {
  return problem({.status = 422,
                  .code = "bad_body",
                  .detail = "the body is not what this route takes; see errors",
                  .errors = std::move(errors)});
}

WebResponse parameters_problem(std::vector<FieldError> errors) {
  return problem({.status = 400,
                  .code = "bad_parameter",
                  .detail = "a parameter is not what this route takes; see errors",
                  .errors = std::move(errors)});
}

WebResponse identity_problem(Refused refused, std::chrono::seconds retry_after, std::string_view detail,
                             bool signing_in) {
  Problem said{.status = 422, .code = name(refused), .detail = std::string(detail)};
  if (said.detail.empty()) said.detail = name(refused);
  switch (refused) {
    case Refused::NotSignedIn:
    case Refused::Expired:
      said.status = 401;
      said.headers.emplace_back("WWW-Authenticate", "Bearer");
      break;
    case Refused::WrongPassword:
      if (signing_in) {
        said.status = 401;
        said.headers.emplace_back("WWW-Authenticate", "Bearer");
      }
      break;
    case Refused::Locked:
      said.status = 429;
      said.retry_after = std::max(retry_after, std::chrono::seconds(1));
      break;
    case Refused::Disabled:
    case Refused::ChangeFirst:
      said.status = 403;
      break;
    case Refused::UnknownAccount:
      said.status = 404;
      break;
    case Refused::AlreadyThere:
    case Refused::StaleRevision:
    case Refused::LastAdmin:
    case Refused::TooMany:
      said.status = 409;
      break;
    case Refused::LogAway:
      said.status = 503;
      said.retry_after = std::chrono::seconds(1);
      break;
    case Refused::WeakPassword:
    case Refused::BadName:
    case Refused::BadGrant:
      break;
    case Refused::None:
      said.status = 500;
      break;
  }
  return problem(std::move(said));
}

WebResponse error_problem(const Error& error) {
  Problem said{.status = 503, .code = "log_away", .detail = error.text};
  switch (error.code) {
    case Errc::queue_full:
      said.code = "busy";
      break;
    case Errc::stopped:
      said.code = "stopping";
      said.detail = "this console stops";
      break;
    case Errc::log_unavailable:
    case Errc::log_full:
    case Errc::log_abortable:
      said.detail = "the log cannot be reached for now";
      break;
    default:
      // What else went wrong may name files and hosts; the log of this process says it.
      said.status = 500;
      said.code = "internal";
      said.detail = "this could not be answered; the console's log may say why";
      return problem(std::move(said));
  }
  said.retry_after = std::chrono::seconds(1);
  return problem(std::move(said));
}

WebResponse json_answer(int status, const boost::json::value& value) {
  return with_body(status, kJsonType, json_line(value));
}

WebResponse text_answer(std::string content_type, std::string body) {
  return with_body(200, std::move(content_type), std::move(body));
}

WebResponse empty_answer() {
  WebResponse response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

WebResponse list_answer(const std::vector<std::shared_ptr<const std::string>>& items,
                        const std::optional<std::string>& next, std::size_t total) {
  std::size_t bytes = 0;
  for (const auto& item : items) bytes += item->size() + 1;
  std::string all;
  all.reserve(bytes);
  for (const auto& item : items) {
    if (!all.empty()) all += ',';
    all += *item;
  }
  return with_body(200, kJsonType, list_text(all, next, total));
}

WebResponse list_answer(boost::json::array items, const std::optional<std::string>& next, std::size_t total) {
  const std::string all = json_line(std::move(items));
  return with_body(200, kJsonType, list_text(all.substr(1, all.size() - 2), next, total));
}

void finish_answer(WebResponse& response, bool no_store) {
  const auto add = [&](const char* header, std::string value) {
    if (!has_header(response, header)) response.headers.emplace_back(header, std::move(value));
  };
  add("X-Content-Type-Options", "nosniff");
  add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  add("Referrer-Policy", "no-referrer");
  if (no_store || response.status != 200 || response.stream) {
    add("Cache-Control", "no-store");
    return;
  }
  add("Cache-Control", "no-cache");
  const std::string_view body = response.body ? std::string_view(*response.body) : std::string_view();
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(body.data()), body.size(), hash.data());
  add("ETag", "\"" + platform::hex(std::span(hash).first(8)) + "\"");
}

}  // namespace qc::console
