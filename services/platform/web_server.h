// The web server of every process, for its metrics and health, and of the console for people and other systems: every
// method, bodies, TLS, compression, and answers that never end (server-sent events). Boost.Beast stays inside
// web_parser.cc and web_session.cc.
//
// Threads: one for all sockets and all streams; `workers` that run the handler. A handler may answer later, from any
// thread (WebReply). A WebSource is made and used in the socket thread alone.
//
// What never reaches the handler, because it is answered here: what is no HTTP/1.x or ambiguous (two lengths, a length
// beside a transfer encoding, a header line folded or without a name: request smuggling), a header, body or target
// beyond its limit, a target that is not a path ("/a/../b", "%2e%2e", "%00", "//"), no Host, a queue that is full.
//
// Limits: connections (beyond: 503 and closed), of them streams, those of one peer; header, body, target bytes; time
// for a request to arrive, for a kept connection to stand idle, for an answer or a stream's bytes to be taken (a slow
// client is cut); requests that wait for a worker.
//
// Lifecycle: start; stop (or the destructor): the door closes, answers that are being made or written are finished
// within stop_timeout, streams are told (`WebSource::draining`) and closed, the threads are joined.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace qc::platform {

struct WebRequest {
  std::string method;    // as sent, "GET"
  std::string path;      // decoded, "/api/v1/alerts"; a "/" first, no empty, "." or ".." part, no control character
  std::string raw_path;  // as sent: path_parts (web_text.h) keeps an encoded "/" inside its part
  std::string query;     // undecoded, without "?"
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in their order
  std::string body;
  std::string peer;  // the client's address, without its port
  bool tls = false;

  // The first header of that name (lower case); empty: there is none.
  std::string_view header(std::string_view name) const;
};

// A stream as its source sees it: valid until the source is destroyed; socket thread only.
class WebStream {
 public:
  virtual ~WebStream() = default;
  virtual void wake() = 0;  // there is something to send: next() will be called
  virtual void end() = 0;   // close once what next() gave is sent
};

// What a stream says. Socket thread only; destroyed when the connection is over, for whatever reason.
class WebSource {
 public:
  virtual ~WebSource() = default;
  virtual void opened(WebStream& stream) = 0;
  // Appends what is to be sent next, about bytes_max together; nothing: there is nothing before the next wake().
  // Called only when all that it gave before is in the socket's hands: what a slow client does not take is never
  // gathered here.
  virtual void next(std::vector<std::shared_ptr<const std::string>>& out, std::size_t bytes_max) = 0;
  virtual void draining() {}  // the server stops: what next() still gives is sent, then the connection is closed
};

struct WebResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::shared_ptr<const std::string> body;  // null: empty
  std::vector<std::pair<std::string, std::string>> headers;
  // Instead of a body: the answer goes on until the source or the client ends it. Called in the socket thread.
  std::function<std::unique_ptr<WebSource>()> stream;
};

// The answer to one request: called once, from any thread. Destroyed without having been called it answers 500.
class WebReply {
 public:
  struct Target;  // in web_shared.h
  explicit WebReply(std::unique_ptr<Target> target);
  WebReply(WebReply&&) noexcept;
  WebReply& operator=(WebReply&&) noexcept;
  ~WebReply();
  void operator()(WebResponse response);

 private:
  std::unique_ptr<Target> target_;
};

// Called in a worker.
using WebHandler = std::function<void(WebRequest, WebReply)>;

// How errors that the server itself answers look: status and a sentence; the caller's shape (problem details).
using WebProblem = std::function<WebResponse(int status, std::string_view detail)>;

struct WebOptions {
  std::string listen = "127.0.0.1:8440";  // "host:port", "[::1]:port"; port 0: any free one
  int workers = 2;
  std::size_t connections_max = 10'000;
  std::size_t connections_per_peer_max = 10'000;
  std::size_t streams_max = 8'000;  // beyond: 503
  std::size_t queue_max = 1'000;
  std::size_t target_bytes_max = 4 << 10;
  std::size_t header_bytes_max = 16 << 10;
  std::size_t body_bytes_max = 256 << 10;
  std::size_t stream_send_bytes = 64 << 10;  // asked of a source at a time
  std::chrono::milliseconds read_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds write_timeout{20'000};  // without any byte taken
  std::chrono::milliseconds stop_timeout{5'000};
  // TLS 1.2 and later where both are set: PEM files.
  std::string certificate_file;
  std::string key_file;
  // Answers of these sizes and more are compressed (gzip) where the client takes it and the type is text or JSON; never
  // streams. 0: never.
  std::size_t compress_from = 1 << 10;
  WebProblem problem;  // empty: plain text
};

// Counts since the start, for metrics and tests.
struct WebCounts {
  std::uint64_t connections_open = 0;
  std::uint64_t streams_open = 0;
  std::uint64_t requests = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t refused_requests = 0;  // the queue was full, too many streams
  std::uint64_t malformed = 0;         // answered 400, 413, 414, 431
  std::uint64_t timeouts = 0;          // reading, idle
  std::uint64_t slow_clients = 0;      // cut because they took nothing for write_timeout
  std::uint64_t bytes_sent = 0;        // bodies and streams
};

class WebServer {
 public:
  struct Impl;  // in web_server.cc

  // Errors: port_in_use; usage (`listen`); file_unreadable (certificate or key), each one line.
  static Result<std::unique_ptr<WebServer>> start(WebOptions options, WebHandler handler);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  std::uint16_t port() const;
  std::string address() const;  // "127.0.0.1:8440"
  bool tls() const;
  WebCounts counts() const;  // any thread
  // Runs it in the socket thread, soon; dropped once the server has stopped. Any thread.
  void post(std::function<void()> task);
  void stop();  // idempotent; not from a handler or a source

 private:
  explicit WebServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::platform
