#include "platform/http_server.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/log.h"

namespace qc::platform {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadChunk = 4096;
// Connections above the limit that may be listening to their 503 at one time; the ones beyond are closed in silence.
constexpr std::size_t kRejectingMax = 16;
// After an answer that ends a connection: how long and how much of the peer's unread bytes we take, because closing a
// socket with unread bytes resets it, and the peer may lose the answer.
constexpr std::chrono::milliseconds kLinger(1000);
constexpr std::size_t kLingerBytesMax = 256 << 10;
// When accepting fails (no file descriptor left), so that the loop does not spin.
constexpr std::chrono::milliseconds kAcceptPause(100);

struct Listen {
  std::string host;
  std::string port;
};

// "host:port", "[::1]:port", ":port".
std::optional<Listen> split_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return std::nullopt;
  Listen listen{text.substr(0, colon), text.substr(colon + 1)};
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

bool is_http_error(const error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category();
}

HttpResponse answer_to(const error_code& error) {
  if (error == http::error::header_limit) return {431, "the request's header is too large\n"};
  if (error == http::error::body_limit) return {413, "the request's body is too large\n"};
  return {400, "this is not a request that this server understands\n"};
}

}  // namespace

class Session;

struct HttpServer::Impl {
  Impl(HttpOptions o, HttpHandler h) : options(std::move(o)), handler(std::move(h)) {}

  Result<void> open();
  void start();
  void stop();
  void drained();
  void accept();
  void enqueue(std::shared_ptr<Session> session, HttpRequest request);
  void work();

  struct Job {
    std::shared_ptr<Session> session;
    HttpRequest request;
  };

  const HttpOptions options;
  const HttpHandler handler;
  tcp::endpoint endpoint;

  std::atomic<std::uint64_t> connections_open{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> rejected_connections{0};
  std::atomic<std::uint64_t> rejected_requests{0};
  std::atomic<std::uint64_t> timeouts{0};
  std::atomic<std::uint64_t> malformed{0};

  // Of the I/O thread. Declared before io: sessions that end with it still take themselves out.
  std::unordered_map<Session*, std::weak_ptr<Session>> sessions;
  std::size_t rejecting = 0;
  bool stopping = false;
  bool draining = false;  // stopping, and the I/O thread still runs

  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer timer{io};

  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<Job> queue;  // guarded by mutex, as is `ending`
  bool ending = false;

  std::thread io_thread;
  std::thread worker;
};

// One connection. All of it runs in the I/O thread; while a request is with the handler, nothing is outstanding.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(HttpServer::Impl& server, tcp::socket socket, bool reject)
      : server_(server), stream_(std::move(socket)), reject_(reject) {
    // Room for one whole header and the first bytes of what follows; bodies are read piece by piece.
    buffer_.max_size(server_.options.header_bytes_max + server_.options.body_bytes_max + kReadChunk);
    ++server_.connections_open;
    if (reject_) ++server_.rejecting;
  }

  ~Session() {
    --server_.connections_open;
    if (reject_) --server_.rejecting;
    server_.sessions.erase(this);
    server_.drained();
  }

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start() {
    server_.sessions.emplace(this, weak_from_this());
    if (reject_) {
      write({503, "too many connections; try again later\n"}, false);
    } else {
      stream_.expires_after(server_.options.read_timeout);
      read_request();
    }
  }

  // The server stops: what waits for a request is closed, what has one is answered first.
  void stop() {
    if (waiting_) close();
  }

  void answer(HttpResponse response) { write(std::move(response), keep_alive_ && !server_.stopping); }

 private:
  void await_request() {
    waiting_ = true;
    if (buffer_.size() > 0) {  // the next request is already here, or its beginning
      stream_.expires_after(server_.options.read_timeout);
      read_request();
      return;
    }
    stream_.expires_after(server_.options.idle_timeout);
    stream_.async_read_some(buffer_.prepare(kReadChunk),
                            [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                              if (error) {
                                if (error == beast::error::timeout) ++self->server_.timeouts;
                                self->close();
                                return;
                              }
                              self->buffer_.commit(bytes);
                              self->stream_.expires_after(self->server_.options.read_timeout);
                              self->read_request();
                            });
  }

  // REQUIRES: the time limit is set; it holds for the whole request, however slowly its bytes come.
  void read_request() {
    waiting_ = true;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_.options.header_bytes_max));
    parser_->body_limit(server_.options.body_bytes_max);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](const error_code& error, std::size_t) {
      self->waiting_ = false;
      self->on_request(error);
    });
  }

  void on_request(const error_code& error) {
    if (error) {
      if (error == beast::error::timeout) ++server_.timeouts;
      const bool can_answer = is_http_error(error) && error != http::error::end_of_stream;
      if (!can_answer || server_.stopping) {
        close();
        return;
      }
      ++server_.malformed;
      head_ = false;
      version_ = 11;
      write(answer_to(error), false);
      return;
    }
    const auto& request = parser_->get();
    ++server_.requests;
    keep_alive_ = request.keep_alive();
    version_ = request.version();
    head_ = request.method() == http::verb::head;
    if (!head_ && request.method() != http::verb::get) {
      write({405, "only GET and HEAD\n"}, keep_alive_);
      return;
    }
    const std::string target(request.target());
    const std::size_t mark = target.find('?');
    HttpRequest passed{std::string(request.method_string()), target.substr(0, mark),
                       mark == std::string::npos ? "" : target.substr(mark + 1)};
    server_.enqueue(shared_from_this(), std::move(passed));
  }

  void write(HttpResponse answer, bool keep_alive) {
    const auto fill = [&](auto& response) {
      response.version(version_);
      response.result(static_cast<unsigned>(answer.status));
      response.set(http::field::content_type, answer.content_type);
      response.content_length(answer.body.size());
      response.keep_alive(keep_alive);
      if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
      if (answer.status == 503) response.set(http::field::retry_after, "1");
    };
    stream_.expires_after(server_.options.read_timeout);
    if (head_) {
      auto response = std::make_shared<http::response<http::empty_body>>();
      fill(*response);  // the length of the body that GET would have
      send(std::move(response), keep_alive);
    } else {
      auto response = std::make_shared<http::response<http::string_body>>();
      fill(*response);
      response->body() = std::move(answer.body);
      send(std::move(response), keep_alive);
    }
  }

  template <class Response>
  void send(std::shared_ptr<Response> response, bool keep_alive) {
    Response& message = *response;
    http::async_write(
        stream_, message,
        [self = shared_from_this(), response = std::move(response), keep_alive](const error_code& error, std::size_t) {
          if (error) {
            if (error == beast::error::timeout) ++self->server_.timeouts;
            self->close();
          } else if (keep_alive && !self->server_.stopping) {
            self->await_request();
          } else {
            self->begin_linger();
          }
        });
  }

  void begin_linger() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    waiting_ = true;
    stream_.expires_after(kLinger);
    linger(0);
  }

  void linger(std::size_t taken) {
    buffer_.clear();
    if (taken > kLingerBytesMax || server_.stopping) {
      close();
      return;
    }
    stream_.async_read_some(buffer_.prepare(kReadChunk),
                            [self = shared_from_this(), taken](const error_code& error, std::size_t bytes) {
                              if (error) {
                                self->close();
                              } else {
                                self->linger(taken + bytes);
                              }
                            });
  }

  void close() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

  HttpServer::Impl& server_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  const bool reject_;
  bool waiting_ = false;  // for bytes of the peer, not for us
  bool keep_alive_ = false;
  bool head_ = false;
  unsigned version_ = 11;
};

Result<void> HttpServer::Impl::open() {
  const auto listen = split_listen(options.listen);
  if (!listen) return fail(Errc::usage, "cannot listen on `" + options.listen + "`; expected host:port");
  error_code error;
  tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(listen->host, listen->port, tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return fail(Errc::usage, "cannot listen on `" + options.listen + "`: the host is unknown");
  }
  const tcp::endpoint wanted = found.begin()->endpoint();
  acceptor.open(wanted.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(wanted, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) endpoint = acceptor.local_endpoint(error);
  if (error == asio::error::address_in_use) {
    return fail(Errc::port_in_use, "cannot listen on " + options.listen + ": another program uses this port");
  }
  if (error) return fail(Errc::usage, "cannot listen on " + options.listen + ": " + error.message());
  return {};
}

void HttpServer::Impl::start() {
  accept();
  io_thread = std::thread([this] { io.run(); });
  worker = std::thread([this] { work(); });
}

void HttpServer::Impl::accept() {
  acceptor.async_accept([this](const error_code& error, tcp::socket socket) {
    if (stopping || error == asio::error::operation_aborted) return;
    if (error) {
      log_limited("http.accept", 1, Level::warn, "http accept failed", {{"reason", error.message()}});
      timer.expires_after(kAcceptPause);
      timer.async_wait([this](const error_code& cancelled) {
        if (!cancelled && !stopping) accept();
      });
      return;
    }
    const bool reject = connections_open - rejecting >= options.connections_max;
    if (reject) ++rejected_connections;
    if (!reject || rejecting < kRejectingMax) std::make_shared<Session>(*this, std::move(socket), reject)->start();
    accept();
  });
}

void HttpServer::Impl::enqueue(std::shared_ptr<Session> session, HttpRequest request) {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (queue.size() < options.queue_max) {
      queue.push_back({std::move(session), std::move(request)});
      arrived.notify_one();
      return;
    }
  }
  ++rejected_requests;
  session->answer({503, "too many requests at once; try again later\n"});
}

void HttpServer::Impl::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock<std::mutex> lock(mutex);
      arrived.wait(lock, [this] { return ending || !queue.empty(); });
      if (ending) return;
      job = std::move(queue.front());
      queue.pop_front();
    }
    HttpResponse response;
    try {
      response = handler(job.request);
    } catch (const std::exception& error) {  // a library's, say bad_alloc: this page failed, the service goes on
      log_limited("http.handler", 1, Level::error, "http handler failed",
                  {{"path", job.request.path}, {"reason", error.what()}});
      response = {500, "this page failed; see the log\n"};
    }
    // The session moves on, so that it ends in the I/O thread.
    asio::post(io, [session = std::move(job.session), response = std::move(response)]() mutable {
      session->answer(std::move(response));
    });
  }
}

// While stopping: with the last session gone nothing is left to wait for, and run() returns.
void HttpServer::Impl::drained() {
  if (draining && sessions.empty()) timer.cancel();
}

void HttpServer::Impl::stop() {
  if (!io_thread.joinable()) return;
  asio::post(io, [this] {
    stopping = draining = true;
    error_code ignored;
    acceptor.close(ignored);
    std::vector<std::shared_ptr<Session>> open;
    for (const auto& [unused, session] : sessions) {
      if (auto held = session.lock()) open.push_back(std::move(held));
    }
    for (const auto& session : open) session->stop();
    timer.expires_after(options.stop_timeout);
    timer.async_wait([this](const error_code& cancelled) {
      if (!cancelled) io.stop();
    });
    drained();
  });
  io_thread.join();
  draining = false;  // sessions that end from here on must not touch the timer: it may be gone
  {
    const std::lock_guard<std::mutex> lock(mutex);
    ending = true;
  }
  arrived.notify_one();
  worker.join();
  queue.clear();
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpOptions options, HttpHandler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  if (auto opened = impl->open(); !opened) return tl::make_unexpected(opened.error());
  impl->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const {
  return impl_->endpoint.port();
}

std::string HttpServer::address() const {
  const std::string host = impl_->endpoint.address().to_string();
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port());
}

HttpCounts HttpServer::counts() const {
  return {impl_->connections_open,  impl_->requests, impl_->rejected_connections,
          impl_->rejected_requests, impl_->timeouts, impl_->malformed};
}

void HttpServer::stop() {
  impl_->stop();
}

}  // namespace qc::platform
