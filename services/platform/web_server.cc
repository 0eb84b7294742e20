#include "platform/web_server.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/ssl.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "platform/log.h"
#include "platform/web_shared.h"

namespace qc::platform {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Connections above the limit that may be listening to their 503 at one time; the ones beyond are closed in silence.
constexpr std::size_t kWebRejectingMax = 16;
// When accepting fails (no file descriptor left), so that the loop does not spin.
constexpr std::chrono::milliseconds kWebAcceptPause(100);

struct WebListen {
  std::string host;
  std::string port;
};

// "host:port", "[::1]:port", ":port".
std::optional<WebListen> parse_web_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return std::nullopt;
  WebListen listen{text.substr(0, colon), text.substr(colon + 1)};
  if (listen.port.size() > 5 || listen.port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(listen.port) > 65535) {
    return std::nullopt;
  }
  if (listen.host.size() >= 2 && listen.host.front() == '[' && listen.host.back() == ']') {
    listen.host = listen.host.substr(1, listen.host.size() - 2);
  } else if (listen.host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  return listen;
}

// "::ffff:1.2.3.4" is the same client as "1.2.3.4".
asio::ip::address plain_address(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

// Four looks within the shortest limit; a second is exact enough for those of minutes.
std::chrono::milliseconds sweep_interval(const WebOptions& options) {
  const auto shortest = std::min({options.read_timeout, options.idle_timeout, options.write_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(1000));
}

}  // namespace

struct WebServer::Impl {
  Impl(WebOptions o, WebHandler h)
      : shared(std::make_shared<WebShared>(std::move(o))),
        handler(std::move(h)),
        acceptor(shared->io),
        pause(shared->io) {}

  const WebOptions& options() const { return shared->options; }
  Result<void> open();
  Result<void> read_certificate();
  void start();
  void stop();
  void accept();
  void admit(tcp::socket socket);
  void sweep();
  void work();

  const std::shared_ptr<WebShared> shared;
  const WebHandler handler;
  std::optional<asio::ssl::context> tls;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  tcp::endpoint endpoint;
  std::thread socket_thread;
  std::vector<std::thread> workers;
};

Result<void> WebServer::Impl::read_certificate() {
  const std::string& certificate = options().certificate_file;
  const std::string& key = options().key_file;
  if (certificate.empty() && key.empty()) return {};
  if (certificate.empty() || key.empty()) return fail(Errc::usage, "TLS needs both a certificate and a key");
  tls.emplace(asio::ssl::context::tls_server);
  SSL_CTX* const context = tls->native_handle();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // a stream that stands idle holds less
  error_code error;
  // A key with a passphrase is refused; OpenSSL would ask for it at the terminal.
  tls->set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); }, error);
  if (!error) tls->use_certificate_chain_file(certificate, error);
  if (error) return fail(Errc::file_unreadable, "cannot read a certificate from " + certificate);
  tls->use_private_key_file(key, asio::ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(context) != 1) {
    return fail(Errc::file_unreadable, "cannot read the key of " + certificate + " from " + key);
  }
  return {};
}

Result<void> WebServer::Impl::open() {
  if (auto read = read_certificate(); !read) return read;
  const std::string& wanted = options().listen;
  const auto listen = parse_web_listen(wanted);
  if (!listen) return fail(Errc::usage, "cannot listen on `" + wanted + "`; expected host:port");
  error_code error;
  tcp::resolver resolver(shared->io);
  const auto found =
      resolver.resolve(listen->host, listen->port, tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) return fail(Errc::usage, "cannot listen on `" + wanted + "`: the host is unknown");
  const tcp::endpoint at = found.begin()->endpoint();
  acceptor.open(at.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) endpoint = acceptor.local_endpoint(error);
  if (error == asio::error::address_in_use) {
    return fail(Errc::port_in_use, "cannot listen on " + wanted + ": another program uses this port");
  }
  if (error) return fail(Errc::usage, "cannot listen on " + wanted + ": " + error.message());
  return {};
}

void WebServer::Impl::start() {
  accept();
  sweep();
  socket_thread = std::thread([this] { shared->io.run(); });
  for (int i = 0; i < std::max(1, options().workers); ++i) workers.emplace_back([this] { work(); });
}

void WebServer::Impl::accept() {
  acceptor.async_accept([this](const error_code& error, tcp::socket socket) {
    if (shared->stopping || error == asio::error::operation_aborted) return;
    if (error) {
      log_limited("web.accept", 1, Level::warn, "web accept failed", {{"reason", error.message()}});
      pause.expires_after(kWebAcceptPause);
      pause.async_wait([this](const error_code& cancelled) {
        if (!cancelled && !shared->stopping) accept();
      });
      return;
    }
    admit(std::move(socket));
    accept();
  });
}

void WebServer::Impl::admit(tcp::socket socket) {
  error_code error;
  const asio::ip::address peer = plain_address(socket.remote_endpoint(error).address());
  if (error) return;  // gone already
  const auto same = shared->peers.find(peer);
  const bool reject = shared->connections_open - shared->rejecting >= options().connections_max ||
                      (same != shared->peers.end() && same->second >= options().connections_per_peer_max);
  if (reject) ++shared->refused_connections;
  if (reject && shared->rejecting >= kWebRejectingMax) return;
  make_connection(*shared, std::move(socket), WebSlot(*shared, peer, reject), tls ? &*tls : nullptr)->start();
}

// Every time limit of every connection: one timer, and a look at each.
void WebServer::Impl::sweep() {
  shared->sweep_timer.expires_after(sweep_interval(options()));
  shared->sweep_timer.async_wait([this](const error_code& cancelled) {
    if (cancelled) return;
    const auto now = std::chrono::steady_clock::now();
    // Backwards: one that closes is replaced by the last, which has been looked at.
    for (std::size_t i = shared->connections.size(); i-- > 0;) {
      if (i < shared->connections.size() && shared->connections[i]->deadline() <= now) {
        const auto held = shared->connections[i]->shared_from_this();
        held->expire();
      }
    }
    if (!shared->stopping || !shared->connections.empty()) sweep();
  });
}

void WebServer::Impl::work() {
  for (;;) {
    std::optional<WebShared::Job> job;
    {
      std::unique_lock<std::mutex> lock(shared->mutex);
      shared->arrived.wait(lock, [this] { return shared->workers_end || !shared->queue.empty(); });
      if (shared->workers_end) return;
      job.emplace(std::move(shared->queue.front()));
      shared->queue.pop_front();
    }
    const std::string method = job->request.method;
    try {
      handler(std::move(job->request), std::move(job->reply));
    } catch (const std::exception& error) {
      // The reply was destroyed on the way here, which has answered 500. The path is not told: it may hold a secret.
      log_limited("web.handler", 1, Level::error, "web handler failed", {{"method", method}, {"reason", error.what()}});
    }
  }
}

void WebServer::Impl::stop() {
  if (!socket_thread.joinable()) return;
  asio::post(shared->io, [this] {
    shared->stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
    const auto close_all = [this](void (WebConnection::*how)()) {
      std::vector<std::shared_ptr<WebConnection>> open;
      for (WebConnection* connection : shared->connections) open.push_back(connection->shared_from_this());
      for (const auto& connection : open) ((*connection).*how)();
    };
    close_all(&WebConnection::stop);
    shared->stop_timer.expires_after(options().stop_timeout);
    shared->stop_timer.async_wait([close_all](const error_code& cancelled) {
      if (!cancelled) close_all(&WebConnection::close);
    });
    shared->drained();
  });
  socket_thread.join();
  std::deque<WebShared::Job> unanswered;
  {
    const std::lock_guard<std::mutex> lock(shared->mutex);
    shared->ended = shared->workers_end = true;
    unanswered.swap(shared->queue);
  }
  shared->arrived.notify_all();
  for (std::thread& worker : workers) worker.join();
  // What was posted in the last moment finds its connection closed, or is dropped (post).
  shared->stopped = true;
  shared->io.restart();
  shared->io.poll();
  shared->ready.clear();
}

WebServer::WebServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WebServer::~WebServer() {
  stop();
}

Result<std::unique_ptr<WebServer>> WebServer::start(WebOptions options, WebHandler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  if (auto opened = impl->open(); !opened) return tl::make_unexpected(opened.error());
  impl->start();
  return std::unique_ptr<WebServer>(new WebServer(std::move(impl)));
}

std::uint16_t WebServer::port() const {
  return impl_->endpoint.port();
}

std::string WebServer::address() const {
  const std::string host = impl_->endpoint.address().to_string();
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port());
}

bool WebServer::tls() const {
  return impl_->tls.has_value();
}

WebCounts WebServer::counts() const {
  const WebShared& s = *impl_->shared;
  return {s.connections_open, s.streams_open, s.requests,     s.refused_connections, s.refused_requests,
          s.malformed,        s.timeouts,     s.slow_clients, s.bytes_sent};
}

void WebServer::post(std::function<void()> task) {
  // Raw: a task that holds a WebReply must not keep alive what keeps it.
  impl_->shared->post([shared = impl_->shared.get(), task = std::move(task)] {
    if (!shared->stopped) task();
  });
}

void WebServer::stop() {
  impl_->stop();
}

}  // namespace qc::platform
