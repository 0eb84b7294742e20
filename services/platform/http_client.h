// A small HTTP/1.1 client for one receiver: what alerts go out by. It posts, reads the answer's status and a bounded
// body, and keeps the connection for the next time. It follows no redirect. Boost.Beast and OpenSSL stay inside
// http_client.cc.
//
// TLS: 1.2 or newer; the certificate must lead to `ca_file` (or to the system's) and name the host. There is no way to
// leave that out.
//
// Secrets: a robot's address holds its key, so no error repeats more of an address than scheme, host and port.
//
// Lifecycle: create reads the certificates and connects to nothing. Threads: one at a time; a stop may be asked for
// from any. A name that the system looks up without end holds up the destructor, not post().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qc::platform {

struct HttpUrl {
  bool tls = false;
  std::string host;             // without the brackets of an IPv6 address
  std::string port;             // "443" where it names none
  std::string target;           // path and query, "/" where it names none
  std::string address() const;  // "https://host:port": all that may be shown
};
// "http://host[:port][/path][?query]", or https. nullopt: it is none, or has a user, a fragment or blanks.
std::optional<HttpUrl> parse_http_url(std::string_view text);

struct HttpClientOptions {
  std::string url;
  std::string ca_file;                        // PEM; empty: the certificates that the system trusts
  std::string server_name;                    // whom the certificate must name; empty: the address's host
  std::chrono::milliseconds timeout{10'000};  // the whole exchange: look-up, connecting, handshake, request, answer
  std::size_t header_bytes_max = 16 << 10;
  std::size_t body_bytes_max = 64 << 10;
};

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpPost {
  std::string target;  // empty: the url's own
  std::string content_type = "application/json";
  std::string body;
  std::vector<HttpHeader> headers;
};

struct HttpReply {
  int status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;  // where it says so as a number
};

class HttpClient {
 public:
  // Errors: usage (the address is none), file_unreadable (ca_file).
  static Result<std::unique_ptr<HttpClient>> create(HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is a reply. Errors: peer_unavailable, peer_untrusted, stopped. After an error the request may have
  // arrived all the same, so what is posted must bear a repeat; a kept connection that the receiver has closed in the
  // meantime is replaced without a word.
  Result<HttpReply> post(const HttpPost& request, const std::stop_token& stop = {});

  const HttpUrl& url() const;
  std::uint64_t connections() const;  // made so far

 private:
  struct Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::platform
