// A small HTTP/1.1 server for machines and operators of this process: metrics, health, later the console. Boost.Beast
// stays inside http_server.cc (it costs 13 s to compile).
//
// Lifecycle: `start` binds, listens and returns a running server; `stop` (or the destructor) closes the door, lets
// answers that are being written finish within `stop_timeout`, closes the rest and joins the threads
// (so a handler that never returns holds up the stop).
//
// Threads: one for all sockets, one that runs the handler, so that a slow answer (10,000 series are serialised in 7 ms)
// never holds up another connection's reading, writing or time limit. The handler is therefore called from one thread
// at a time, never from the caller's; between the two stands a queue of `queue_max` requests, and what finds it full is
// answered 503 at once.
//
// Limits: connections (the one above is told 503 and closed), header and body bytes, time for a request to arrive,
// time for a kept connection to stand idle. GET and HEAD are passed to the handler, everything else is 405.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace qc::platform {

struct HttpRequest {
  std::string method;  // "GET" or "HEAD"
  std::string path;    // "/metrics", without the query
  std::string query;   // "a=b&c", undecoded
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct HttpOptions {
  std::string listen = "127.0.0.1:9464";  // "host:port", "[::1]:port"; port 0: any free one
  std::size_t connections_max = 64;
  std::size_t queue_max = 64;
  std::size_t header_bytes_max = 8 << 10;
  std::size_t body_bytes_max = 64 << 10;
  std::chrono::milliseconds read_timeout{10'000};  // for a request to arrive, or an answer to be taken
  std::chrono::milliseconds idle_timeout{30'000};  // between two requests of one connection
  std::chrono::milliseconds stop_timeout{2'000};
};

// Counts since the start, for metrics and tests.
struct HttpCounts {
  std::uint64_t connections_open = 0;
  std::uint64_t requests = 0;
  std::uint64_t rejected_connections = 0;  // above connections_max
  std::uint64_t rejected_requests = 0;     // the queue was full
  std::uint64_t timeouts = 0;
  std::uint64_t malformed = 0;  // not HTTP, or above the header or body limit
};

class HttpServer {
 public:
  struct Impl;  // in http_server.cc

  // Errors: port_in_use, usage (`listen` cannot be read or resolved), each one line.
  static Result<std::unique_ptr<HttpServer>> start(HttpOptions options, HttpHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  std::string address() const;  // "127.0.0.1:9464", the real port
  HttpCounts counts() const;    // any thread
  void stop();                  // idempotent; not from the handler

 private:
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::platform
