#include "platform/web_answer.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "platform/log.h"
#include "platform/web_text.h"

namespace qc::platform {

namespace {

constexpr std::size_t kGzipBytesMax = std::size_t{1} << 30;
// A third of the time of level 9 for a few per cent more bytes.
constexpr int kGzipLevel = 5;

struct StatusText {
  int status;
  const char* text;
};
constexpr StatusText kStatusTexts[] = {{200, "OK"},
                                       {201, "Created"},
                                       {202, "Accepted"},
                                       {204, "No Content"},
                                       {301, "Moved Permanently"},
                                       {302, "Found"},
                                       {303, "See Other"},
                                       {304, "Not Modified"},
                                       {307, "Temporary Redirect"},
                                       {308, "Permanent Redirect"},
                                       {400, "Bad Request"},
                                       {401, "Unauthorized"},
                                       {403, "Forbidden"},
                                       {404, "Not Found"},
                                       {405, "Method Not Allowed"},
                                       {406, "Not Acceptable"},
                                       {409, "Conflict"},
                                       {410, "Gone"},
                                       {412, "Precondition Failed"},
                                       {413, "Content Too Large"},
                                       {414, "URI Too Long"},
                                       {415, "Unsupported Media Type"},
                                       {417, "Expectation Failed"},
                                       {422, "Unprocessable Content"},
                                       {428, "Precondition Required"},
                                       {429, "Too Many Requests"},
                                       {431, "Request Header Fields Too Large"},
                                       {500, "Internal Server Error"},
                                       {501, "Not Implemented"},
                                       {502, "Bad Gateway"},
                                       {503, "Service Unavailable"},
                                       {504, "Gateway Timeout"}};

std::string_view status_text(int status) {
  for (const StatusText& known : kStatusTexts) {
    if (known.status == status) return known.text;
  }
  return "Status";
}

bool is_header_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; });
}

// Types whose bytes are text; pictures and archives are compressed already.
bool is_compressible(std::string_view content_type) {
  constexpr std::array<std::string_view, 7> kTypes = {
      "application/json",     "application/problem+json", "application/xml",    "application/geo+json",
      "application/atom+xml", "application/cap+xml",      "application/ld+json"};
  const std::string type = lower_case(media_type(content_type));
  return type.starts_with("text/") || std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

bool is_servers_own(std::string_view name) {
  for (const std::string_view own :
       {"connection", "content-length", "transfer-encoding", "date", "server", "content-type"}) {
    if (same_ignoring_case(name, own)) return true;
  }
  return false;
}

std::string* find_header(WebResponse& response, std::string_view name) {
  for (auto& [key, value] : response.headers) {
    if (same_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

void add_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

// What of it no client could read, or one could read as two answers. The name alone is told: values may be secrets.
bool can_be_sent(const WebResponse& response) {
  std::string wrong;
  if (response.status < 200 || response.status > 599) wrong = "status";
  if (!is_header_value(response.content_type)) wrong = "content-type";
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name)) {
      wrong = "a header's name";
    } else if (!is_header_value(value)) {
      wrong = name;
    }
  }
  if (wrong.empty()) return true;
  log_limited("web.answer", 1, Level::error, "web answer cannot be sent", {{"wrong", wrong}});
  return false;
}

void vary_by_encoding(WebResponse& response) {
  std::string* vary = find_header(response, "vary");
  if (vary == nullptr) {
    response.headers.emplace_back("Vary", "Accept-Encoding");
  } else if (*vary != "*" && lower_case(*vary).find("accept-encoding") == std::string::npos) {
    *vary += ", Accept-Encoding";
  }
}

}  // namespace

WebAsked web_asked(const WebRequest& request, unsigned version, bool keep_alive) {
  WebAsked asked;
  asked.head = request.method == "HEAD";
  asked.get = asked.head || request.method == "GET";
  asked.gzip = accepts_gzip(request.header("accept-encoding"));
  asked.keep_alive = keep_alive;
  asked.version = version;
  asked.if_none_match = std::string(request.header("if-none-match"));
  return asked;
}

WebAnswer make_answer(WebResponse response, const WebAsked& asked, std::size_t compress_from) {
  if (!can_be_sent(response)) {
    response = WebResponse();
    response.status = 500;
    response.body = std::make_shared<const std::string>("The answer could not be made; see the log.\n");
  }
  const bool streams = response.stream != nullptr;
  std::shared_ptr<const std::string> body = streams ? nullptr : std::move(response.body);
  if (!streams && compress_from > 0 && is_compressible(response.content_type)) vary_by_encoding(response);

  std::string* etag = find_header(response, "etag");
  bool gzip = !streams && asked.gzip && compress_from > 0 && body != nullptr && body->size() >= compress_from &&
              response.status < 300 && is_compressible(response.content_type) &&
              find_header(response, "content-encoding") == nullptr;
  if (response.status == 200 && !streams && asked.get && etag != nullptr && !asked.if_none_match.empty() &&
      matches_etag(asked.if_none_match, *etag)) {
    response.status = 304;
    body = nullptr;
  } else if (gzip) {
    std::optional<std::string> packed = gzip_bytes(*body);
    gzip = packed && packed->size() < body->size();
    if (gzip) {
      body = std::make_shared<const std::string>(*std::move(packed));
      response.headers.emplace_back("Content-Encoding", "gzip");
      etag = find_header(response, "etag");
    }
  }
  // Compressed, the bytes are others than those that a strong tag names (RFC 9110 8.8.1).
  if (gzip && etag != nullptr && !etag->starts_with("W/")) etag->insert(0, "W/");

  WebAnswer answer;
  answer.version = asked.version;
  answer.keep_alive = asked.keep_alive && !streams;
  std::string& head = answer.head;
  head.reserve(512);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head.append(status_text(response.status)).append("\r\n");
  add_line(head, "Date", http_date(std::time(nullptr)));
  add_line(head, "Server", "qingchuan");
  const bool no_body = response.status == 204 || response.status == 304;
  if (!no_body) {
    if (!response.content_type.empty()) add_line(head, "Content-Type", response.content_type);
    if (!streams) add_line(head, "Content-Length", std::to_string(body == nullptr ? 0 : body->size()));
  }
  for (const auto& [name, value] : response.headers) {
    if (!is_servers_own(name)) add_line(head, name, value);
  }
  if (!asked.head && !no_body) {
    if (body != nullptr && !body->empty()) answer.body = std::move(body);
    answer.stream = std::move(response.stream);
  }
  return answer;
}

void finish_head(std::string& head, unsigned version, bool keep_alive) {
  if (!keep_alive) {
    head += "Connection: close\r\n";
  } else if (version == 10) {
    head += "Connection: keep-alive\r\n";
  }
  head += "\r\n";
}

std::string http_date(std::time_t time) {
  // Not strftime: its names follow the locale.
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  if (::gmtime_r(&time, &utc) == nullptr) return "Thu, 01 Jan 1970 00:00:00 GMT";
  char text[64];
  const int size =
      std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[utc.tm_wday], utc.tm_mday,
                    kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return {text, static_cast<std::size_t>(size)};
}

std::optional<std::string> gzip_bytes(std::string_view bytes) {
  if (bytes.size() > kGzipBytesMax) return std::nullopt;
  z_stream stream{};
  // 15 bits of window; 16 more ask for the gzip wrapping.
  if (::deflateInit2(&stream, kGzipLevel, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return std::nullopt;
  std::string packed(::deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int end = ::deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (end != Z_STREAM_END) return std::nullopt;
  return packed;
}

}  // namespace qc::platform
