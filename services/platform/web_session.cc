// One connection, plain or TLS: requests in, answers out, one at a time. All of it runs in the socket thread; while a
// request is with the handler, nothing is outstanding.
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "platform/web_parser.h"
#include "platform/web_stream.h"

namespace qc::platform {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kWebReadBytes = 4096;
// After an answer that ends a connection: how long and how much of the client's unread bytes we take, because closing a
// socket with unread bytes resets it, and the client may lose the answer.
constexpr std::chrono::milliseconds kWebLinger(1000);
constexpr std::size_t kWebLingerBytesMax = 1 << 20;

template <class Stream>
class WebSession final : public WebConnection {
  static constexpr bool kTls = std::is_same_v<Stream, WebTls>;

 public:
  WebSession(WebShared& shared, Stream stream, WebSlot slot)
      : WebConnection(shared),
        stream_(std::move(stream)),
        slot_(std::move(slot)),
        parser_({shared.options.target_bytes_max, shared.options.header_bytes_max, shared.options.body_bytes_max}) {}
  ~WebSession() override { close(); }

  void start() override {
    shared_.enter(*this);
    error_code ignored;
    web_socket(stream_).set_option(asio::ip::tcp::no_delay(true), ignored);
    phase_ = Phase::reading;
    expires_after(shared_.options.read_timeout);
    if constexpr (kTls) {
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = shared_from_this(), this](const error_code& error) {
                                if (closed_) return;
                                if (error) {
                                  close();
                                } else {
                                  begin();
                                }
                              });
    } else {
      begin();
    }
  }

  void stop() override {
    if (phase_ == Phase::idle || phase_ == Phase::reading) close();
  }

  void expire() override {
    if (phase_ == Phase::writing) {
      ++shared_.slow_clients;
    } else if (phase_ != Phase::lingering) {
      ++shared_.timeouts;
    }
    close();
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    web_socket(stream_).shutdown(WebPlain::shutdown_both, ignored);
    web_socket(stream_).close(ignored);
    slot_.release();
    shared_.leave(*this);
  }

  void answer(WebAnswer answer) override {
    if (closed_) return;
    if (answer.stream) {
      open_stream(std::move(answer));
    } else {
      write(std::move(answer));
    }
  }

 private:
  enum class Phase { idle, reading, handling, writing, lingering };

  void begin() {
    if (slot_.rejected()) {
      refuse(503, "There are too many connections; try again later.", WebAsked());
    } else {
      read();
    }
  }

  void read() {
    stream_.async_read_some(
        asio::buffer(input_), [self = shared_from_this(), this](const error_code& error, std::size_t bytes) {
          if (closed_) return;
          if (error) {
            close();
            return;
          }
          if (phase_ == Phase::idle) {
            phase_ = Phase::reading;
            expires_after(shared_.options.read_timeout);  // for the whole request, however slowly its bytes come
          }
          go_on(parser_.feed({input_.data(), bytes}));
        });
  }

  void await_request() {
    const WebParser::State state = parser_.next();
    phase_ = parser_.begun() ? Phase::reading : Phase::idle;
    expires_after(phase_ == Phase::idle ? shared_.options.idle_timeout : shared_.options.read_timeout);
    go_on(state);
  }

  void go_on(WebParser::State state) {
    switch (state) {
      case WebParser::State::need_more:
        read();
        break;
      case WebParser::State::need_continue:
        tell_to_continue();
        break;
      case WebParser::State::refused: {
        ++shared_.malformed;
        WebAsked asked;
        asked.head = parser_.is_head();
        asked.version = parser_.version();
        asked.keep_alive = !parser_.refusal().close && parser_.keep_alive();
        refuse(parser_.refusal().status, parser_.refusal().detail, asked);
        break;
      }
      case WebParser::State::complete:
        hand_over(parser_.take());
        break;
    }
  }

  void tell_to_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()),
                      [self = shared_from_this(), this](const error_code& error, std::size_t) {
                        if (closed_) return;
                        if (error) {
                          close();
                        } else {
                          read();
                        }
                      });
  }

  void hand_over(WebRequest request) {
    ++shared_.requests;
    phase_ = Phase::handling;
    never_expires();
    request.peer = slot_.peer().to_string();
    request.tls = kTls;
    asked_ = web_asked(request, parser_.version(), parser_.keep_alive());
    auto target = std::make_unique<WebReply::Target>(shared_.shared_from_this(), shared_from_this(), asked_);
    if (shared_.enqueue(request, target)) return;
    ++shared_.refused_requests;
    refuse(503, "There are too many requests at once; try again later.", asked_);
  }

  // An answer of the server's own; small, so it is never worth compressing.
  void refuse(int status, std::string_view detail, const WebAsked& asked) {
    WebResponse response = shared_.problem(status, detail);
    if (status == 503) response.headers.emplace_back("Retry-After", "1");
    write(make_answer(std::move(response), asked, 0));
  }

  void write(WebAnswer answer) {
    phase_ = Phase::writing;
    answer_ = std::move(answer);
    answer_.keep_alive = answer_.keep_alive && !shared_.stopping;
    finish_head(answer_.head, answer_.version, answer_.keep_alive);
    taken_ = 0;
    write_rest();
  }

  void write_rest() {
    const std::size_t head_bytes = answer_.head.size();
    const std::size_t body_bytes = answer_.body == nullptr ? 0 : answer_.body->size();
    const std::size_t head_done = std::min(taken_, head_bytes);
    const std::size_t body_done = taken_ - head_done;
    if (taken_ == head_bytes + body_bytes) {
      shared_.bytes_sent += body_bytes;
      const bool keep_alive = answer_.keep_alive;
      answer_ = WebAnswer();
      if (keep_alive && !shared_.stopping) {
        await_request();
      } else {
        begin_linger();
      }
      return;
    }
    expires_after(shared_.options.write_timeout);
    const auto on_written = [self = shared_from_this(), this](const error_code& error, std::size_t bytes) {
      if (closed_) return;
      if (error) {
        close();
        return;
      }
      taken_ += bytes;
      write_rest();
    };
    // No empty buffer may stand first: a TLS stream writes the first one of several alone where it is large.
    const asio::const_buffer head(answer_.head.data() + head_done, head_bytes - head_done);
    if (body_bytes == 0) {
      stream_.async_write_some(asio::const_buffers_1(head), on_written);
      return;
    }
    const asio::const_buffer body(answer_.body->data() + body_done, body_bytes - body_done);
    if (head.size() == 0) {
      stream_.async_write_some(asio::const_buffers_1(body), on_written);
    } else {
      stream_.async_write_some(std::array<asio::const_buffer, 2>{head, body}, on_written);
    }
  }

  void begin_linger() {
    phase_ = Phase::lingering;
    expires_after(kWebLinger);
    taken_ = 0;
    if constexpr (kTls) {
      // Tells the client that this was all. It fails where the client still sends: its bytes are taken below.
      stream_.async_shutdown([self = shared_from_this(), this](const error_code&) { end_sending(); });
    } else {
      end_sending();
    }
  }

  void end_sending() {
    if (closed_) return;
    error_code ignored;
    web_socket(stream_).shutdown(WebPlain::shutdown_send, ignored);
    linger();
  }

  void linger() {
    if (taken_ > kWebLingerBytesMax) {
      close();
      return;
    }
    web_socket(stream_).async_read_some(asio::buffer(input_),
                                        [self = shared_from_this(), this](const error_code& error, std::size_t bytes) {
                                          if (closed_) return;
                                          if (error) {
                                            close();
                                            return;
                                          }
                                          taken_ += bytes;
                                          linger();
                                        });
  }

  // The stream takes over the socket; this session, its parser and its buffer end.
  void open_stream(WebAnswer answer) {
    if (shared_.streams_open >= shared_.options.streams_max) {
      ++shared_.refused_requests;
      refuse(503, "There are too many open streams; try again later.", asked_);
      return;
    }
    std::unique_ptr<WebSource> source;
    try {
      source = answer.stream();
    } catch (const std::exception& error) {
      log_limited("web.source", 1, Level::error, "web stream failed", {{"reason", error.what()}});
    }
    if (source == nullptr) {
      refuse(500, "The stream could not be opened; see the log.", asked_);
      return;
    }
    finish_head(answer.head, answer.version, false);
    closed_ = true;
    auto stream = std::make_shared<WebStreamSession<Stream>>(shared_, std::move(stream_), std::move(slot_),
                                                             std::move(source), std::move(answer.head));
    stream->start();
    if (shared_.stopping) stream->stop();
    shared_.leave(*this);
  }

  Stream stream_;
  WebSlot slot_;
  WebParser parser_;
  WebAsked asked_;
  WebAnswer answer_;       // being written
  std::size_t taken_ = 0;  // bytes of it that the socket took; while lingering, bytes that the client still sent
  std::array<char, kWebReadBytes> input_;
  Phase phase_ = Phase::idle;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<WebConnection> make_connection(WebShared& shared, asio::ip::tcp::socket socket, WebSlot slot,
                                               asio::ssl::context* tls) {
  if (tls == nullptr) return std::make_shared<WebSession<WebPlain>>(shared, std::move(socket), std::move(slot));
  return std::make_shared<WebSession<WebTls>>(shared, WebTls(std::move(socket), *tls), std::move(slot));
}

}  // namespace qc::platform
