#include "event_tail.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "kafka_io.h"

namespace qc::bench {
namespace {

constexpr int kConnectSeconds = 60;

// -1: nobody is there yet.
int connect_to(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1) die(address + " is no address");
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("no socket");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    ::close(fd);
    return -1;
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

}  // namespace

// A console that begins is not there, and then not ready (503): it is asked again.
EventTail::EventTail(const std::string& address, const std::string& token) {
  const std::string request = "GET /api/v1/stream?subjects=alerts HTTP/1.1\r\nHost: " + address +
                              "\r\nAuthorization: Bearer " + token + "\r\n\r\n";
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(kConnectSeconds);
  std::string event;
  std::string data;
  while (std::chrono::steady_clock::now() < until) {
    socket_ = connect_to(address);
    if (socket_ >= 0 && ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
      while (std::chrono::steady_clock::now() < until && buffer_.find("HTTP/1.1 5") != 0 && read(100)) {
        while (next(event, data)) {
          if (event == "live") return;
        }
      }
    }
    if (socket_ >= 0) ::close(socket_);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (buffer_.find("HTTP/1.1 4") == 0) break;
    buffer_.clear();
    at_ = 0;
  }
  die("no stream at " + address + ": " + buffer_.substr(0, buffer_.find('\r')));
}

EventTail::~EventTail() {
  ::close(socket_);
}

bool EventTail::read(int wait_ms) {
  pollfd ready{socket_, POLLIN, 0};
  if (::poll(&ready, 1, wait_ms) <= 0) return true;
  std::array<char, 64 << 10> bytes{};
  const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

bool EventTail::next(std::string& event, std::string& data) {
  const std::size_t end = buffer_.find("\n\n", at_);
  if (end == std::string::npos) {
    buffer_.erase(0, at_);
    at_ = 0;
    return false;
  }
  event.clear();
  data.clear();
  while (at_ < end) {
    const std::size_t line_end = std::min(buffer_.find('\n', at_), end);
    const std::string_view line(buffer_.data() + at_, line_end - at_);
    if (line.starts_with("event: ")) event = line.substr(7);
    if (line.starts_with("data: ")) data = line.substr(6);
    at_ = line_end + 1;
  }
  at_ = end + 2;
  return true;
}

void EventTail::run(const std::stop_token& stop,
                    const std::function<void(std::string_view event, std::string_view data)>& use) {
  std::string event;
  std::string data;
  while (!stop.stop_requested()) {
    if (!read(10)) die("the console closed its stream");
    while (next(event, data)) use(event, data);
  }
}

}  // namespace qc::bench
