// The other end of an HTTP client in unit tests: a real socket that a script answers, well or badly.
//
// Lifecycle: from construction it accepts, one connection after the other, and runs the script with each; the
// destructor closes what is open and joins. Threads: one of its own; counts from any.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace qc::platform {

class PeerConnection {
 public:
  explicit PeerConnection(int fd) : fd_(fd) {}

  // One request, with the body that its length announces; empty: the client has closed.
  std::string read_request() {
    while (true) {
      const std::size_t head = text_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const std::size_t length = text_.find("Content-Length: ");
        const std::size_t body = length < head ? std::stoul(text_.substr(length + 16)) : 0;
        const std::size_t whole = head + 4 + body;
        if (text_.size() >= whole) {
          std::string request = text_.substr(0, whole);
          text_.erase(0, whole);
          return request;
        }
      }
      if (!read_some()) return {};
    }
  }
  bool send(std::string_view text) const {  // false: the client has closed
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void answer(std::string_view status, std::string_view body = "") const {
    send("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body));
  }
  // Says nothing until the client has had enough.
  void hang() {
    while (read_some()) {
    }
  }
  void hang_unread() const {
    pollfd closed{fd_, POLLRDHUP, 0};
    ::poll(&closed, 1, -1);
  }
  // Closed so that the client sees a reset.
  void reset() const {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  bool read_some() {
    char buffer[65536];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    text_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  std::string text_;
};

class HttpPeer {
 public:
  using Script = std::function<void(PeerConnection&)>;

  explicit HttpPeer(Script script) : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~HttpPeer() {
    ::shutdown(listener_, SHUT_RDWR);
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      if (open_ >= 0) ::shutdown(open_, SHUT_RDWR);
    }
    thread_.join();
    ::close(listener_);
  }
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  std::string url(const std::string& target = "/hook") const { return "http://" + address() + target; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

 private:
  void run() {
    while (true) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      ++connections_;
      {
        const std::lock_guard lock(mutex_);
        open_ = ended_ ? -1 : fd;
      }
      PeerConnection connection(fd);
      if (open_ >= 0) script_(connection);
      const std::lock_guard lock(mutex_);
      open_ = -1;
      ::close(fd);
      if (ended_) return;
    }
  }

  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  int open_ = -1;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace qc::platform
