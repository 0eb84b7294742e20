#include "platform/web_parser.h"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/assert.h"
#include "platform/web_text.h"

namespace qc::platform {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kMethodBytesMax = 32;
constexpr std::size_t kHeaderLinesMax = 128;
constexpr std::size_t kRequestLineRest = kMethodBytesMax + 12;  // beside the target: two spaces, "HTTP/1.1", CR LF
constexpr std::string_view kMalformed = "The request line or a header line is malformed.";
constexpr std::string_view kBadEnding = "A line must end in CR LF, and no other control character may stand in it.";
constexpr std::string_view kLongTarget = "The request's target is too long.";
constexpr std::string_view kLongHeader = "The request's header is too large.";
constexpr std::string_view kLongBody = "The request's body is too large.";
constexpr std::string_view kBadTarget = "The request's target must be a plain absolute path.";

bool is_host(std::string_view host) {
  // A name, an address, "[v6]", with or without ":port": the characters of RFC 3986 3.2.2, without a user.
  return !host.empty() && host.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "-._~%!$&'()*+,;=:[]") == std::string_view::npos;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string_view WebRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

WebParser::WebParser(WebLimits limits) : limits_(limits) {}

WebParser::State WebParser::feed(std::string_view bytes) {
  pending_ += bytes;
  return advance();
}

WebParser::State WebParser::next() {
  in_body_ = false;
  chunks_.reset();
  length_left_ = 0;
  request_ = WebRequest();
  refusal_ = WebRefusal();
  scanned_ = line_begin_ = 0;
  blank_skipped_ = chunked_ = expects_continue_ = keep_alive_ = is_head_ = false;
  version_ = 11;
  if (pending_.empty()) std::string().swap(pending_);
  return advance();
}

WebRequest WebParser::take() {
  QC_ASSERT(in_body_);
  return std::move(request_);
}

WebParser::State WebParser::refuse(int status, std::string_view detail, bool close) {
  refusal_ = {status, detail, close};
  return State::refused;
}

WebParser::State WebParser::advance() {
  return in_body_ ? read_body() : read_head();
}

// Looks for the header's end byte by byte, so that what cannot become a request is refused when it arrives, not when
// the time is up.
WebParser::State WebParser::read_head() {
  if (!blank_skipped_ && line_begin_ == 0 && pending_.starts_with("\r\n")) {
    pending_.erase(0, 2);
    scanned_ = 0;
    blank_skipped_ = true;
  }
  for (; scanned_ < pending_.size(); ++scanned_) {
    if (line_begin_ == 0 && scanned_ >= limits_.target_bytes_max + kRequestLineRest) return refuse(414, kLongTarget);
    if (scanned_ >= limits_.header_bytes_max) return refuse(431, kLongHeader);
    const char c = pending_[scanned_];
    const bool after_cr = scanned_ > 0 && pending_[scanned_ - 1] == '\r';
    if ((c == '\n') != after_cr) return refuse(400, kBadEnding);
    if ((static_cast<unsigned char>(c) < ' ' && c != '\r' && c != '\n' && c != '\t') || c == 0x7f) {
      return refuse(400, kBadEnding);
    }
    if (c != '\n') continue;
    const std::size_t end = scanned_ + 1;
    const bool empty_line = end - line_begin_ == 2;
    if (empty_line) {
      if (line_begin_ == 0) return refuse(400, kMalformed);
      const State state = on_head(std::string_view(pending_).substr(0, end));
      pending_.erase(0, end);
      scanned_ = line_begin_ = 0;
      if (state == State::refused) return state;
      return read_body();
    }
    line_begin_ = end;
  }
  return State::need_more;
}

// All that decides where the request ends is looked at here, in the bytes as they came; Beast is asked afterwards.
bool WebParser::check_lines(std::string_view head) {
  head.remove_suffix(2);  // the empty line
  const auto take_line = [&head] {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    return line;
  };
  const std::string_view request_line = take_line();
  is_head_ = request_line.starts_with("HEAD ");
  if (request_line.ends_with(" HTTP/1.0")) version_ = 10;
  std::size_t hosts = 0, lengths = 0, encodings = 0;
  while (!head.empty()) {
    const std::string_view line = take_line();
    const std::size_t colon = line.find(':');
    // A folded line begins with a blank, which is no part of a name; neither may a blank stand before the colon.
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return refuse(400, kMalformed), false;
    }
    if (request_.headers.size() == kHeaderLinesMax) return refuse(431, kLongHeader), false;
    std::string name = lower_case(line.substr(0, colon));
    const std::string_view value = trim_blanks(line.substr(colon + 1));
    if (name == "host") {
      ++hosts;
      if (!is_host(value)) return refuse(400, "The Host header names no host."), false;
    } else if (name == "content-length") {
      ++lengths;
      if (!is_digits(value)) return refuse(400, "Content-Length must be a number."), false;
    } else if (name == "transfer-encoding") {
      ++encodings;
      chunked_ = true;
      if (!same_ignoring_case(value, "chunked")) {
        return refuse(400, "No transfer encoding but chunked is understood."), false;
      }
    } else if (name == "expect" && version_ == 11) {
      if (!same_ignoring_case(value, "100-continue")) {
        return refuse(417, "Nothing but 100-continue may be expected."), false;
      }
      expects_continue_ = true;
    }
    request_.headers.emplace_back(std::move(name), std::string(value));
  }
  if (hosts != 1) return refuse(400, "There must be exactly one Host header."), false;
  if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0)) {
    return refuse(400, "The length of the body is ambiguous."), false;
  }
  if (encodings > 0 && version_ == 10) return refuse(400, "HTTP/1.0 knows no transfer encoding."), false;
  return true;
}

bool WebParser::check_target(std::string_view target) {
  // What has no body ends here, so the connection can go on.
  const bool close = length_left_ > 0 || chunked_;
  if (target.size() > limits_.target_bytes_max) return refuse(414, kLongTarget, close), false;
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  std::optional<std::string> decoded = decode_path(path);
  if (!decoded || target.find('#') != std::string_view::npos) return refuse(400, kBadTarget, close), false;
  request_.path = *std::move(decoded);
  request_.raw_path = std::string(path);
  if (mark != std::string_view::npos) request_.query = std::string(target.substr(mark + 1));
  return true;
}

WebParser::State WebParser::on_head(std::string_view head) {
  if (!check_lines(head)) return State::refused;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(head.size() + 1));  // what is beyond the limit was refused above
  parser.body_limit(limits_.body_bytes_max);
  error_code error;
  const std::size_t taken = parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error == http::error::body_limit) return refuse(413, kLongBody);
  if (error || taken != head.size() || !parser.is_header_done() || parser.chunked() != chunked_) {
    return refuse(400, kMalformed);
  }
  const auto& parsed = parser.get();
  keep_alive_ = parser.keep_alive();
  version_ = parsed.version();
  length_left_ = parser.content_length().value_or(0);
  request_.method = std::string(parsed.method_string());
  if (request_.method.size() > kMethodBytesMax) return refuse(400, "The request's method is too long.");
  const auto target = parsed.target();
  if (!check_target({target.data(), target.size()})) return State::refused;
  if (chunked_) chunks_.emplace(limits_.body_bytes_max, limits_.header_bytes_max);
  in_body_ = true;
  return State::need_more;
}

WebParser::State WebParser::read_body() {
  std::string_view bytes = pending_;
  WebChunks::State chunks = WebChunks::State::complete;
  if (chunks_) {
    chunks = chunks_->put(bytes, request_.body);
  } else {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(length_left_, bytes.size()));
    request_.body.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    length_left_ -= size;
    if (length_left_ > 0) chunks = WebChunks::State::need_more;
  }
  pending_.erase(0, pending_.size() - bytes.size());
  switch (chunks) {
    case WebChunks::State::complete:
      return State::complete;
    case WebChunks::State::malformed:
      return refuse(400, "The request's body is malformed.");
    case WebChunks::State::too_large:
      return refuse(413, kLongBody);
    case WebChunks::State::rest_too_large:
      return refuse(400, "The extensions or trailers of the body are too long.");
    case WebChunks::State::need_more:
      break;
  }
  const bool tell = expects_continue_ && request_.body.empty();
  expects_continue_ = false;
  return tell ? State::need_continue : State::need_more;
}

}  // namespace qc::platform
