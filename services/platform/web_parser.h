// The bytes of one connection become requests: framing, limits and refusals, without any socket. Boost.Beast, which
// parses the header, stays inside web_parser.cc. Before it stands a check of the bytes that is stricter than Beast (and
// than RFC 9112 asks for), because two servers that disagree about where a request ends let one client speak for
// another (request smuggling): no folded lines, no line that ends in CR or LF alone, one Content-Length of digits or
// one Transfer-Encoding that is "chunked", exactly one Host.
//
// Lifecycle: feed it what arrives; at `complete` take the request; next() begins the one after it, of which bytes may
// be here already. After a refusal that says `close`, where the next request begins is not known. Threads: one at a
// time. Memory: nothing but what is held while no request is here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/web_chunks.h"
#include "platform/web_server.h"

namespace qc::platform {

struct WebLimits {
  std::size_t target_bytes_max = 4 << 10;
  std::size_t header_bytes_max = 16 << 10;  // request line and headers; also a chunk's own line, and trailers
  std::size_t body_bytes_max = 256 << 10;
};

struct WebRefusal {
  int status = 400;
  std::string_view detail;  // a sentence for the client, of this program's own words
  bool close = true;        // the connection cannot go on
};

class WebParser {
 public:
  enum class State {
    need_more,
    need_continue,  // as need_more; the client waits for "100 Continue" before it sends the body. Told once.
    complete,
    refused,
  };

  explicit WebParser(WebLimits limits);
  WebParser(const WebParser&) = delete;
  WebParser& operator=(const WebParser&) = delete;

  // REQUIRES: the state is need_more or need_continue (feed), complete or refused without `close` (next).
  State feed(std::string_view bytes);
  State next();

  WebRequest take();  // REQUIRES: complete; `peer` and `tls` are left to the caller
  const WebRefusal& refusal() const { return refusal_; }
  bool keep_alive() const { return keep_alive_; }  // of the request that is complete, or refused without `close`
  unsigned version() const { return version_; }    // 10 or 11
  bool is_head() const { return is_head_; }        // also of a refused request, as far as it was understood
  bool begun() const { return !pending_.empty() || in_body_; }  // bytes of a request are here

 private:
  State advance();
  State read_head();
  State on_head(std::string_view head);
  State read_body();
  State refuse(int status, std::string_view detail, bool close = true);
  bool check_lines(std::string_view head);
  bool check_target(std::string_view target);

  const WebLimits limits_;
  std::string pending_;         // bytes not yet understood
  std::size_t scanned_ = 0;     // of pending_: no need to look at them again for the header's end
  std::size_t line_begin_ = 0;  // of pending_: the header line being looked at
  bool blank_skipped_ = false;  // RFC 9112 2.2: one empty line before a request is ignored
  bool in_body_ = false;        // from the header's end to next()
  std::optional<WebChunks> chunks_;
  std::uint64_t length_left_ = 0;  // of a body with a length
  WebRequest request_;
  WebRefusal refusal_;
  bool chunked_ = false;
  bool expects_continue_ = false;
  bool keep_alive_ = false;
  bool is_head_ = false;
  unsigned version_ = 11;
};

}  // namespace qc::platform
