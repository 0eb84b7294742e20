// A connection whose answer goes on until its source or its client ends it. For web_session.cc alone.
//
// What stands for one open stream: the socket, this object, the source and one read that waits to see the client leave.
// What is to be sent is the source's (shared strings), written with one system call as it lies; only what a full socket
// did not take is held here. A plain socket is written to at once, without asio; where it is full, one wait for room is
// outstanding: 0.9 kB of memory. TLS has the buffers of OpenSSL and asio, 73 kB, and is written through asio; at the
// end its connection is closed without TLS's farewell, because a stream has no whole that could be cut.
#pragma once

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "base/assert.h"
#include "platform/log.h"
#include "platform/web_shared.h"

namespace qc::platform {

using WebPlain = boost::asio::ip::tcp::socket;
using WebTls = boost::beast::ssl_stream<boost::asio::ip::tcp::socket>;

inline WebPlain& web_socket(WebPlain& stream) {
  return stream;
}
inline WebPlain& web_socket(WebTls& stream) {
  return stream.next_layer();
}

template <class Stream>
class WebStreamSession final : public WebConnection, public WebStream {
 public:
  using error_code = boost::system::error_code;

  // `head` is sent first.
  WebStreamSession(WebShared& shared, Stream stream, WebSlot slot, std::unique_ptr<WebSource> source, std::string head)
      : WebConnection(shared), stream_(std::move(stream)), slot_(std::move(slot)), source_(std::move(source)) {
    frames_.push_back(std::make_shared<const std::string>(std::move(head)));
    ++shared_.streams_open;
  }
  ~WebStreamSession() override { close(); }

  void start() override {
    shared_.enter(*this);
    WebPlain& socket = web_socket(stream_);
    error_code ignored;
    socket.non_blocking(true, ignored);
    // The system would let the unread bytes of a slow client grow to megabytes, and it would be seen as slow that much
    // later. Events are small and must not be old.
    socket.set_option(boost::asio::socket_base::send_buffer_size(kSendBuffer), ignored);
    // A client that is unplugged acknowledges nothing; without this the system tries for a quarter of an hour.
    const auto unacknowledged_ms = static_cast<unsigned>(shared_.options.write_timeout.count());
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
    watch();
    guarded([this] { source_->opened(*this); });
    wake();
  }

  // WebStream
  void wake() override {
    if (closed_ || writing_ || ready_) return;  // a write that is outstanding asks the source when it is done
    ready_ = true;
    shared_.make_ready(shared_from_this());
  }
  void end() override {
    ended_ = true;
    wake();
  }

  void stop() override {
    guarded([this] { source_->draining(); });
    end();
  }

  void expire() override {
    ++shared_.slow_clients;
    close();
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    --shared_.streams_open;
    error_code ignored;
    web_socket(stream_).shutdown(WebPlain::shutdown_both, ignored);
    web_socket(stream_).close(ignored);
    std::vector<std::shared_ptr<const std::string>>().swap(frames_);
    source_.reset();
    slot_.release();
    shared_.leave(*this);
  }

  // Sends what there is, until there is nothing or the socket is full. Some rounds only: others wait, too.
  void pump() override {
    ready_ = false;
    for (int round = 0; round < kRounds; ++round) {
      if (closed_ || writing_) return;
      if (frames_.empty() && !gather()) return;
      write();
    }
    wake();
  }

 private:
  static constexpr int kSendBuffer = 64 << 10;  // the system doubles it
  static constexpr int kRounds = 4;
  static constexpr std::size_t kBuffersMax = 64;  // what asio passes to the system at a time
  static constexpr std::size_t kInputBytesMax = 4 << 10;

  // A source that throws (a library's exception, say bad_alloc) ends its stream, not the service.
  template <class Call>
  void guarded(Call call) {
    if (closed_) return;
    try {
      call();
    } catch (const std::exception& error) {
      log_limited("web.source", 1, Level::error, "web stream failed", {{"reason", error.what()}});
      close();
    }
  }

  // False: there is nothing to be sent.
  bool gather() {
    frames_.swap(shared_.frames);
    guarded([this] { source_->next(frames_, shared_.options.stream_send_bytes); });
    if (closed_) return false;
    if (!frames_.empty()) return true;
    frames_.swap(shared_.frames);
    if (ended_) close();
    return false;
  }

  void write() {
    std::array<boost::asio::const_buffer, kBuffersMax> buffers;
    std::size_t count = 0;
    for (std::size_t i = first_; i < frames_.size() && count < kBuffersMax; ++i) {
      QC_ASSERT(frames_[i] != nullptr);
      const std::size_t skip = i == first_ ? taken_ : 0;
      buffers[count++] = boost::asio::const_buffer(frames_[i]->data() + skip, frames_[i]->size() - skip);
    }
    if constexpr (std::is_same_v<Stream, WebPlain>) {
      error_code error;
      const std::size_t bytes = stream_.write_some(View{buffers.data(), buffers.data() + count}, error);
      if (!error) {
        sent(bytes);
        return;
      }
      if (error != boost::asio::error::would_block && error != boost::asio::error::try_again) {
        close();
        return;
      }
      writing_ = true;
      if (!waited_) expires_after(shared_.options.write_timeout);
      waited_ = true;
      stream_.async_wait(WebPlain::wait_write, [self = shared_from_this(), this](const error_code& failed) {
        writing_ = false;
        if (closed_) return;
        if (failed) {
          close();
          return;
        }
        pump();
      });
    } else {
      writing_ = true;
      expires_after(shared_.options.write_timeout);
      stream_.async_write_some(View{buffers.data(), buffers.data() + count}.copy(),
                               [self = shared_from_this(), this](const error_code& failed, std::size_t bytes) {
                                 writing_ = false;
                                 if (closed_) return;
                                 if (failed) {
                                   close();
                                   return;
                                 }
                                 sent(bytes);
                                 pump();
                               });
    }
  }

  // The first `count` buffers of an array, as asio wants a sequence.
  struct View {
    using value_type = boost::asio::const_buffer;
    using const_iterator = const boost::asio::const_buffer*;
    const_iterator first;
    const_iterator last;
    const_iterator begin() const { return first; }
    const_iterator end() const { return last; }
    std::vector<boost::asio::const_buffer> copy() const { return {first, last}; }
  };

  void sent(std::size_t bytes) {
    shared_.bytes_sent += bytes;
    taken_ += bytes;
    while (first_ < frames_.size() && taken_ >= frames_[first_]->size()) {
      taken_ -= frames_[first_]->size();
      frames_[first_].reset();
      ++first_;
    }
    if (bytes > 0 || first_ == frames_.size()) {
      waited_ = false;
      never_expires();
    }
    if (first_ == frames_.size()) {
      first_ = 0;
      frames_.clear();
      if (shared_.frames.capacity() < frames_.capacity()) frames_.swap(shared_.frames);
      std::vector<std::shared_ptr<const std::string>>().swap(frames_);
    }
  }

  void watch() {
    stream_.async_read_some(boost::asio::buffer(input_),
                            [self = shared_from_this(), this](const error_code& error, std::size_t bytes) {
                              if (closed_) return;
                              input_bytes_ += bytes;
                              // It has nothing more to say; what says a lot is no client of a stream.
                              if (error || input_bytes_ > kInputBytesMax) {
                                close();
                                return;
                              }
                              watch();
                            });
  }

  Stream stream_;
  WebSlot slot_;
  std::unique_ptr<WebSource> source_;
  std::vector<std::shared_ptr<const std::string>> frames_;  // given by the source, not yet in the socket's hands
  std::size_t first_ = 0;                                   // of frames_; those before are sent
  std::size_t taken_ = 0;                                   // bytes of that one
  std::size_t input_bytes_ = 0;
  std::array<char, 32> input_;
  bool writing_ = false;  // a wait for room, or a TLS write, is outstanding
  bool waited_ = false;   // and it was before, and nothing has been taken since
  bool ready_ = false;    // it stands in WebShared::ready
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace qc::platform
