// Arbitrary bytes as the texts of HTTP and as what a connection sends: the parsers return, whatever they are; what they
// let through has the form that their headers promise; and where a connection's bytes are cut changes nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "platform/web_parser.h"
#include "platform/web_text.h"

namespace {

using namespace qc::platform;
using State = WebParser::State;

void check_percent(std::string_view text) {
  const auto back = percent_decode(percent_encode(text), false);
  QC_ASSERT(back.has_value() == (text.find('\0') == std::string_view::npos));
  QC_ASSERT(!back || *back == text);
  for (const bool plus : {false, true}) {
    const auto decoded = percent_decode(text, plus);
    if (!decoded) continue;
    QC_ASSERT(decoded->size() <= text.size() && decoded->find('\0') == std::string::npos);
    QC_ASSERT(percent_decode(percent_encode(*decoded), plus) == decoded);
  }
}

void check_decoded_path(const std::string& path) {
  QC_ASSERT(path.front() == '/' && is_utf8(path));
  QC_ASSERT(path.find("//") == std::string::npos && (path + "/").find("/./") == std::string::npos);
  QC_ASSERT((path + "/").find("/../") == std::string::npos && path.find('\\') == std::string::npos);
  for (const char c : path) QC_ASSERT(static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
}

void check_path(std::string_view text) {
  const auto path = decode_path(text);
  const auto strict = decode_path(text, false);
  const auto parts = path_parts(text);
  QC_ASSERT(!strict || strict == path);
  QC_ASSERT(!parts || path);
  if (path) check_decoded_path(*path);
  if (!parts) return;
  std::string joined, encoded;
  for (const std::string& part : *parts) {
    joined += "/" + part;
    encoded += "/" + percent_encode(part);
  }
  QC_ASSERT(joined == *path);
  QC_ASSERT(path_parts(encoded) == parts);
}

void check_query(std::string_view text) {
  const auto query = parse_query(text);
  if (!query) return;
  QC_ASSERT(query->size() <= 64);
  std::string encoded;
  for (const auto& part : *query) {
    QC_ASSERT(!part.first.empty() && is_utf8(part.first) && is_utf8(part.second));
    const auto same = [&](const auto& other) { return other.first == part.first; };
    QC_ASSERT(std::count_if(query->begin(), query->end(), same) == 1);
    encoded += (encoded.empty() ? "" : "&") + percent_encode(part.first) + "=" + percent_encode(part.second);
  }
  QC_ASSERT(parse_query(encoded) == query);
}

void check_headers(std::string_view text) {
  if (const auto value = cookie_value(text, "qc")) {
    QC_ASSERT(text.find(*value) != std::string_view::npos && value->find_first_of(" ,;\"\\") == std::string::npos);
    QC_ASSERT(cookie_value("a=b; qc=" + *value, "qc") == value);
    QC_ASSERT(!cookie_value(std::string(text) + "; qc=1", "qc"));
  }
  // Another coding at the end changes nothing about gzip, and a plain "gzip" at the end decides.
  const std::string header(text);
  if (accepts_gzip(header)) QC_ASSERT(accepts_gzip(header + ", br") && accepts_gzip(header + ", gzip"));
  if (matches_etag(header, "\"a\"")) {
    QC_ASSERT(header.find('*') != std::string::npos || header.find("\"a\"") != std::string::npos);
  }
  if (matches_etag("*", header)) QC_ASSERT(matches_etag(header, header) && matches_etag("\"b\", " + header, header));
  const std::string_view type = media_type(text);
  QC_ASSERT(type.find(';') == std::string_view::npos && trim_blanks(type) == type);
  QC_ASSERT(lower_case(lower_case(text)) == lower_case(text) && same_ignoring_case(text, lower_case(text)));
  if (is_token(text)) QC_ASSERT(text.find_first_of(" \t\r\n:,;") == std::string_view::npos && is_utf8(text));
}

// All requests and the refusal that ends them, in words.
std::string outcomes(std::string_view bytes, std::size_t piece) {
  WebLimits limits;
  limits.target_bytes_max = 64;
  limits.header_bytes_max = 512;
  limits.body_bytes_max = 64;
  WebParser parser(limits);
  std::string words;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    State state = parser.feed(bytes.substr(at, piece));
    while (state == State::complete || state == State::refused) {
      words += parser.keep_alive() ? "+" : "-";
      if (state == State::refused) {
        words += std::to_string(parser.refusal().status) + "\n";
        QC_ASSERT(!parser.refusal().detail.empty());
        if (parser.refusal().close) return words;
      } else {
        const WebRequest request = parser.take();
        check_decoded_path(request.path);
        QC_ASSERT(decode_path(request.raw_path) == request.path && is_token(request.method));
        QC_ASSERT(request.body.size() <= limits.body_bytes_max && !request.header("host").empty());
        QC_ASSERT(request.header("content-length").empty() || request.header("transfer-encoding").empty());
        words += request.method + request.raw_path + "?" + request.query;
        for (const auto& [name, value] : request.headers) {
          QC_ASSERT(is_token(name) && lower_case(name) == name && value.find_first_of("\r\n") == std::string::npos);
          words += "|" + name + ":" + value;
        }
        words += "[" + request.body + "]\n";
      }
      state = parser.next();
    }
  }
  return words + (parser.begun() ? "more" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_percent(text);
  check_path(text);
  check_query(text);
  check_headers(text);
  const std::string whole = outcomes(text, std::max<std::size_t>(size, 1));
  QC_ASSERT(outcomes(text, 1) == whole);
  QC_ASSERT(outcomes(text, 7) == whole);
  return 0;
}
