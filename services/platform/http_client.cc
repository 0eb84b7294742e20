#include "platform/http_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

namespace qc::platform {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

using TlsStream = ssl::stream<tcp::socket>;

// "100 Continue" and its like before the answer itself; more than these are no answer.
constexpr int kInterimMax = 8;

bool is_port(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 1 && number <= 65535;
}

bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == ':';
  });
}

bool is_address(const std::string& host) {
  error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

std::optional<std::chrono::seconds> seconds_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return std::chrono::seconds(number);
}

}  // namespace

std::string HttpUrl::address() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (tls ? "https://" : "http://") + (is_v6 ? "[" + host + "]" : host) + ":" + port;
}

std::optional<HttpUrl> parse_http_url(std::string_view text) {
  HttpUrl url;
  if (text.starts_with("https://")) {
    url.tls = true;
  } else if (!text.starts_with("http://")) {
    return std::nullopt;
  }
  text.remove_prefix(url.tls ? 8 : 7);
  const bool is_printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!is_printable || text.find('#') != std::string_view::npos) return std::nullopt;
  const std::size_t slash = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, slash);
  url.target = std::string(text.substr(slash));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");

  std::string_view port = url.tls ? "443" : "80";
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  const bool in_brackets = authority.size() > 2 && authority.front() == '[' && authority.back() == ']';
  if (in_brackets) authority = authority.substr(1, authority.size() - 2);
  url.host = std::string(authority);
  url.port = std::string(port);
  const bool has_colon = url.host.find(':') != std::string::npos;
  if (!is_port(port) || !is_host(url.host) || has_colon != in_brackets) return std::nullopt;
  if (in_brackets && !is_address(url.host)) return std::nullopt;
  return url;
}

struct HttpClient::Impl {
  Impl(HttpClientOptions o, HttpUrl u) : options(std::move(o)), url(std::move(u)) {}

  // One request on one connection, a new one where none is kept. `answered`: at least a byte came back.
  Result<HttpReply> exchange(const HttpPost& post, bool* answered);
  Result<void> connect();
  Result<tcp::resolver::results_type> resolve();
  Result<void> handshake();
  template <class Stream>
  Result<HttpReply> talk(Stream& stream, const HttpPost& post, bool* answered);
  // Starts an operation with a handler and waits for its end, the deadline or the stop; then the socket is closed.
  template <class Start>
  error_code wait(Start start);
  bool run_until_done(const bool& done);
  tcp::socket& socket() { return tls ? tls->next_layer() : *plain; }
  bool connected() const { return tls != nullptr || plain != nullptr; }
  void close();
  tl::unexpected<Error> failed(std::string_view what, const error_code& error) const;

  const HttpClientOptions options;
  const HttpUrl url;
  ssl::context context{ssl::context::tls_client};
  asio::io_context io{1};
  tcp::resolver resolver{io};
  std::unique_ptr<tcp::socket> plain;
  std::unique_ptr<TlsStream> tls;
  boost::beast::flat_buffer buffer;
  std::uint64_t connections = 0;
  Clock::time_point deadline{};
  std::stop_token stop;
};

tl::unexpected<Error> HttpClient::Impl::failed(std::string_view what, const error_code& error) const {
  const std::string where = url.address() + ": ";
  if (error == asio::error::operation_aborted) return fail(Errc::stopped, where + "asked to stop");
  if (error == asio::error::timed_out) {
    return fail(Errc::peer_unavailable,
                where + "no end within " + std::to_string(options.timeout.count()) + " ms " + std::string(what));
  }
  return fail(Errc::peer_unavailable, where + error.message() + " " + std::string(what));
}

void HttpClient::Impl::close() {
  error_code ignored;
  if (connected()) socket().close(ignored);
  tls.reset();
  plain.reset();
  buffer.clear();
}

bool HttpClient::Impl::run_until_done(const bool& done) {
  io.restart();
  while (!done && !stop.stop_requested() && Clock::now() < deadline) io.run_one_until(deadline);
  return done;
}

template <class Start>
error_code HttpClient::Impl::wait(Start start) {
  error_code result = asio::error::timed_out;
  bool done = false;
  start([&](const error_code& error, auto&&...) {
    result = error;
    done = true;
  });
  if (run_until_done(done)) return result;
  const bool stopped = stop.stop_requested();
  error_code ignored;
  socket().close(ignored);  // its handler runs now: what it refers to stays until then
  io.restart();
  while (!done) io.run_one();
  return stopped ? asio::error::operation_aborted : asio::error::timed_out;
}

Result<tcp::resolver::results_type> HttpClient::Impl::resolve() {
  // A look-up cannot be broken off: where it is too slow its answer comes to nobody.
  struct Answer {
    error_code error;
    tcp::resolver::results_type found;
    bool done = false;
  };
  const auto answer = std::make_shared<Answer>();
  const auto flags = is_address(url.host) ? tcp::resolver::numeric_host | tcp::resolver::numeric_service
                                          : tcp::resolver::numeric_service;
  resolver.async_resolve(url.host, url.port, flags, [answer](const error_code& error, auto found) {
    answer->error = error;
    answer->found = std::move(found);
    answer->done = true;
  });
  if (!run_until_done(answer->done)) {
    const error_code error =
        stop.stop_requested() ? error_code(asio::error::operation_aborted) : asio::error::timed_out;
    return failed("while looking up its name", error);
  }
  if (answer->error) return failed("while looking up its name", answer->error);
  return answer->found;
}

Result<void> HttpClient::Impl::connect() {
  close();
  const auto found = resolve();
  if (!found) return tl::make_unexpected(found.error());
  if (url.tls) {
    tls = std::make_unique<TlsStream>(io, context);
  } else {
    plain = std::make_unique<tcp::socket>(io);
  }
  const error_code error = wait([&](auto handler) { asio::async_connect(socket(), *found, handler); });
  if (error) return failed("while connecting", error);
  ++connections;
  error_code ignored;
  socket().set_option(tcp::no_delay(true), ignored);
  return url.tls ? handshake() : Result<void>{};
}

Result<void> HttpClient::Impl::handshake() {
  const std::string& name = options.server_name.empty() ? url.host : options.server_name;
  SSL* handle = tls->native_handle();
  // Errors of earlier calls in this thread would otherwise be taken for this one's.
  ERR_clear_error();
  if (is_address(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), name.c_str());
  } else {
    SSL_set_tlsext_host_name(handle, name.c_str());
    SSL_set1_host(handle, name.c_str());
  }
  tls->set_verify_mode(ssl::verify_peer);
  const error_code error = wait([&](auto handler) { tls->async_handshake(ssl::stream_base::client, handler); });
  if (!error) return {};
  const long verified = SSL_get_verify_result(handle);
  if (error.category() == asio::error::get_ssl_category() && verified != X509_V_OK) {
    return fail(Errc::peer_untrusted, url.address() + ": its certificate is not trusted as that of " + name + ": " +
                                          X509_verify_cert_error_string(verified));
  }
  return failed("in the TLS handshake", error);
}

template <class Stream>
Result<HttpReply> HttpClient::Impl::talk(Stream& stream, const HttpPost& post, bool* answered) {
  http::request<http::string_body> request{http::verb::post, post.target.empty() ? url.target : post.target, 11};
  const bool is_default_port = url.port == (url.tls ? "443" : "80");
  const std::string host = url.address().substr(url.tls ? 8 : 7);
  request.set(http::field::host, is_default_port ? host.substr(0, host.rfind(':')) : host);
  request.set(http::field::user_agent, "qingchuan");
  request.set(http::field::content_type, post.content_type);
  for (const HttpHeader& header : post.headers) request.set(header.name, header.value);
  request.body() = post.body;
  request.prepare_payload();
  if (const error_code error = wait([&](auto handler) { http::async_write(stream, request, handler); })) {
    return failed("while sending", error);
  }

  for (int interim = 0; interim <= kInterimMax; ++interim) {
    http::response_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options.header_bytes_max));
    parser.body_limit(options.body_bytes_max);
    const error_code error = wait([&](auto handler) { http::async_read(stream, buffer, parser, handler); });
    *answered = *answered || parser.got_some() || buffer.size() > 0;
    if (error) return failed("while waiting for its answer", error);
    auto& response = parser.get();
    const int status = static_cast<int>(response.result_int());
    if (status < 200) continue;
    HttpReply reply{status, std::move(response.body()), seconds_of(std::string(response[http::field::retry_after]))};
    // Bytes behind an answer that nobody asked for: the next answer would be somebody else's.
    if (!response.keep_alive() || buffer.size() > 0) close();
    return reply;
  }
  return fail(Errc::peer_unavailable,
              url.address() + ": more than " + std::to_string(kInterimMax) + " interim answers");
}

Result<HttpReply> HttpClient::Impl::exchange(const HttpPost& post, bool* answered) {
  if (!connected()) {
    if (auto made = connect(); !made) return tl::make_unexpected(made.error());
  }
  return tls ? talk(*tls, post, answered) : talk(*plain, post, answered);
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() {
  impl_->close();
}

Result<std::unique_ptr<HttpClient>> HttpClient::create(HttpClientOptions options) {
  auto url = parse_http_url(options.url);
  if (!url) return fail(Errc::usage, "the address is not http(s)://HOST[:PORT][/PATH]");
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*url));
  const std::string& ca_file = impl->options.ca_file;
  // One header and body, and the piece that is read behind them.
  impl->buffer.max_size(impl->options.header_bytes_max + impl->options.body_bytes_max + (64U << 10));
  if (impl->url.tls) {
    error_code error;
    SSL_CTX_set_min_proto_version(impl->context.native_handle(), TLS1_2_VERSION);
    ERR_clear_error();
    if (ca_file.empty()) {
      impl->context.set_default_verify_paths(error);
    } else {
      impl->context.load_verify_file(ca_file, error);
    }
    if (error) return fail(Errc::file_unreadable, "no certificates can be read from `" + ca_file + "`");
  }
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(impl)));
}

Result<HttpReply> HttpClient::post(const HttpPost& request, const std::stop_token& stop) {
  Impl& i = *impl_;
  i.deadline = Clock::now() + i.options.timeout;
  i.stop = stop;
  // Wakes the thread that waits in wait().
  const std::stop_callback wake(stop, [&i] { asio::post(i.io, [] {}); });
  const bool kept = i.connected();
  bool answered = false;
  auto reply = i.exchange(request, &answered);
  if (!reply) i.close();
  // It had been closed since the last answer, as servers do with idle connections: that is no failure of the receiver.
  if (!reply && kept && !answered && Clock::now() < i.deadline && !stop.stop_requested()) {
    reply = i.exchange(request, &answered);
    if (!reply) i.close();
  }
  i.stop = {};
  return reply;
}

const HttpUrl& HttpClient::url() const {
  return impl_->url;
}

std::uint64_t HttpClient::connections() const {
  return impl_->connections;
}

}  // namespace qc::platform
