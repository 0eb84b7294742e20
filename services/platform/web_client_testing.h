// A plain client for tests of the web server: it sends any bytes and gives up after a deadline. For tests only.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace qc::platform {

constexpr std::chrono::seconds kWebDeadline(20);

template <class Condition>
bool web_eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kWebDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

struct WebSeen {
  int status = 0;  // 0: no answer came
  std::string head;
  std::string body;
};

class WebClient {
 public:
  // `receive_buffer`: of the socket, in bytes, so that a test reaches the end of it; 0: the system's.
  explicit WebClient(std::uint16_t port, int receive_buffer = 0, const char* from = nullptr)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{kWebDeadline.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (from != nullptr) {
      ::inet_pton(AF_INET, from, &address.sin_addr);
      ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~WebClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  WebClient(const WebClient&) = delete;
  WebClient& operator=(const WebClient&) = delete;

  bool connected() const { return connected_; }
  void leave() { ::close(std::exchange(fd_, -1)); }
  void end_sending() const { ::shutdown(fd_, SHUT_WR); }

  // False once the server has closed.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void get(const std::string& target, const std::string& headers = "") const {
    send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
  }

  // One whole answer; what came after it is kept for the next.
  WebSeen read_reply(bool to_head = false) {
    WebSeen seen;
    while (ahead_.find("\r\n\r\n") == std::string::npos) {
      if (!receive()) return seen;
    }
    const std::size_t end = ahead_.find("\r\n\r\n") + 4;
    seen.head = ahead_.substr(0, end);
    ahead_.erase(0, end);
    seen.status = std::stoi(seen.head.substr(9, 3));
    const std::size_t length = seen.head.find("\r\nContent-Length: ");
    if (to_head || length == std::string::npos) return seen;
    seen.body = read_bytes(std::stoul(seen.head.substr(length + 18)));
    return seen;
  }
  WebSeen ask(const std::string& target, const std::string& headers = "") {
    get(target, headers);
    return read_reply();
  }

  std::string read_bytes(std::size_t count) {
    while (ahead_.size() < count && receive()) continue;
    const std::string bytes = ahead_.substr(0, count);
    ahead_.erase(0, count);
    return bytes;
  }
  // Up to and with `end`; what came so far where the server closes before.
  std::string read_until(const std::string& end) {
    std::size_t from = 0;
    std::size_t at;
    while ((at = ahead_.find(end, from)) == std::string::npos) {
      from = ahead_.size() < end.size() ? 0 : ahead_.size() - end.size();
      if (!receive()) return std::exchange(ahead_, "") + "<closed>";
    }
    return read_bytes(at + end.size());
  }
  // Everything until the server closes; ends in "<timeout>" when it does not.
  std::string read_all() {
    while (receive()) continue;
    return std::exchange(ahead_, "") + (timed_out_ ? "<timeout>" : "");
  }
  bool closed_by_server() { return !read_all().ends_with("<timeout>"); }

 private:
  bool receive() {
    char buffer[16384];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got > 0) ahead_.append(buffer, static_cast<std::size_t>(got));
    timed_out_ = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return got > 0;
  }

  int fd_;
  bool connected_ = false;
  bool timed_out_ = false;
  std::string ahead_;
};

}  // namespace qc::platform
