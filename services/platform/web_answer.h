// What a handler said becomes the bytes of an HTTP answer: its head, compression, entity tags, "not modified". No
// socket; functions, any thread: they run in the thread that answers, because compressing takes long.
#pragma once

#include <cstddef>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/web_server.h"

namespace qc::platform {

// What of a request its answer depends on.
struct WebAsked {
  bool head = false;
  bool get = false;  // or HEAD: an answer may be "not modified"
  bool gzip = false;
  bool keep_alive = false;
  unsigned version = 11;
  std::string if_none_match;
};
WebAsked web_asked(const WebRequest& request, unsigned version, bool keep_alive);

struct WebAnswer {
  std::string head;                         // without the Connection line and the empty line: see finish_head
  std::shared_ptr<const std::string> body;  // null: none is sent
  std::function<std::unique_ptr<WebSource>()> stream;  // instead of a body; never for HEAD
  bool keep_alive = false;                             // as far as the request and the answer allow it
  unsigned version = 11;
};

// An answer that cannot be sent (a status out of 200..599, a header with a line break) becomes 500 and a line in the
// log. Connection, Content-Length, Transfer-Encoding, Date and Server are the server's own: a handler's are left out.
WebAnswer make_answer(WebResponse response, const WebAsked& asked, std::size_t compress_from);

// The end of the head: whether the connection goes on is known only when the answer is sent.
void finish_head(std::string& head, unsigned version, bool keep_alive);

std::string http_date(std::time_t time);                  // "Sat, 28 Nov 2026 03:05:33 GMT"
std::optional<std::string> gzip_bytes(std::string_view);  // nullopt: above 1 GiB, or no memory

}  // namespace qc::platform
