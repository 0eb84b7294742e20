#include "sse_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace qc::bench {
namespace {

constexpr std::int64_t kReconnectAfter = kSecond / 10;
constexpr std::size_t kStampDigitsMin = 12;

}  // namespace

std::int64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::int64_t>(t.tv_sec) * kSecond + t.tv_nsec;
}

void fail(const std::string& what) {
  std::fprintf(stderr, "sse_load: %s\n", what.c_str());
  std::exit(1);
}

void Client::connect() {
  close();
  buffer_.clear();
  chunk_line_.clear();
  id_ = last_id_;
  event_.clear();
  data_.clear();
  part_ = Part::Connecting;
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail(std::string("socket: ") + std::strerror(errno));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(load_.options.port);
  if (::inet_pton(AF_INET, load_.options.host.c_str(), &to.sin_addr) != 1)
    fail("not an IPv4 address: " + load_.options.host);
  epoll_event event{};
  event.events = EPOLLOUT;
  event.data.u64 = number_;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
    lost();
    return;
  }
  if (::epoll_ctl(load_.epoll, EPOLL_CTL_ADD, fd_, &event) != 0) fail(std::string("epoll: ") + std::strerror(errno));
}

void Client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Client::lost() {
  close();
  ++load_.ended;
  retry_at = now_ns() + kReconnectAfter;
  if (!load_.options.reconnect && !load_.announced) {
    fail("client " + std::to_string(number_) + " was not served: " + buffer_.substr(0, buffer_.find('\r')));
  }
}

void Client::writable() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    lost();
    return;
  }
  std::string request = "GET " + load_.options.path + " HTTP/1.1\r\nHost: " + load_.options.host + ":" +
                        std::to_string(load_.options.port) + "\r\nAccept: text/event-stream\r\n";
  for (const std::string& header : load_.options.headers) request += header + "\r\n";
  if (!last_id_.empty()) request += "Last-Event-ID: " + last_id_ + "\r\n";
  request += "\r\n";
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    lost();
    return;
  }
  part_ = Part::Head;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number_;
  ::epoll_ctl(load_.epoll, EPOLL_CTL_MOD, fd_, &event);
}

void Client::readable() {
  if (part_ == Part::Connecting) {
    lost();
    return;
  }
  const ssize_t got = ::recv(fd_, load_.input.data(), load_.input.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    lost();
    return;
  }
  load_.wire_bytes += static_cast<std::uint64_t>(got);
  take({load_.input.data(), static_cast<std::size_t>(got)});
}

void Client::take(std::string_view bytes) {
  if (part_ == Part::Head) {
    buffer_ += bytes;
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::string rest = buffer_.substr(end + 4);
    buffer_.resize(end + 2);
    head();
    buffer_.clear();
    part_ = Part::Body;
    if (load_.options.wait_for.empty() && !ready) {
      ready = true;
      ++load_.ready;
    }
    bytes = {};
    chunked_ ? chunked(rest) : body(rest);
    return;
  }
  chunked_ ? chunked(bytes) : body(bytes);
}

void Client::head() {
  if (!buffer_.starts_with("HTTP/1.") || buffer_.substr(8, 5) != " 200 ") {
    fail("client " + std::to_string(number_) + " was answered: " + buffer_.substr(0, buffer_.find('\r')));
  }
  std::string lower = buffer_;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  chunked_ = lower.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos;
  chunk_ = Chunk::Size;
}

void Client::chunked(std::string_view bytes) {
  while (!bytes.empty()) {
    if (chunk_ == Chunk::Data) {
      const std::size_t part = std::min(chunk_left_, bytes.size());
      body(bytes.substr(0, part));
      bytes.remove_prefix(part);
      chunk_left_ -= part;
      if (chunk_left_ == 0) chunk_ = Chunk::End;
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (c != '\n') {
      if (c != '\r') chunk_line_ += c;
      continue;
    }
    if (chunk_ == Chunk::Size) {
      const auto read = std::from_chars(chunk_line_.data(), chunk_line_.data() + chunk_line_.size(), chunk_left_, 16);
      if (read.ec != std::errc()) fail("not a chunk: " + chunk_line_);
      chunk_ = chunk_left_ == 0 ? Chunk::End : Chunk::Data;
    } else {
      chunk_ = Chunk::Size;
    }
    chunk_line_.clear();
  }
}

void Client::body(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      buffer_ += bytes;
      return;
    }
    if (buffer_.empty()) {
      line(bytes.substr(0, end));
    } else {
      buffer_ += bytes.substr(0, end);
      line(buffer_);
      buffer_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

void Client::line(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) {
    dispatch();
    return;
  }
  const std::size_t colon = text.find(':');
  const std::string_view field = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "id") {
    id_ = value;
  } else if (field == "event") {
    event_ = value;
  } else if (field == "data") {
    if (!data_.empty()) data_ += '\n';
    data_ += value;
  }
}

void Client::dispatch() {
  last_id_ = id_;
  if (data_.empty()) {
    event_.clear();
    return;
  }
  const std::int64_t at = now_ns();
  ++events;
  if (event_ == "reset") ++load_.resets;
  if (counts() && load_.announced) {
    ++load_.events;
    load_.bytes += data_.size();
    constexpr std::string_view kMark = "\"S";
    for (std::size_t found = data_.find(kMark); found != std::string::npos; found = data_.find(kMark, found + 1)) {
      std::int64_t stamp = 0;
      const char* const begin = data_.data() + found + kMark.size();
      const auto read = std::from_chars(begin, data_.data() + data_.size(), stamp);
      if (read.ec != std::errc() || read.ptr - begin < static_cast<std::ptrdiff_t>(kStampDigitsMin)) continue;
      load_.latencies.push_back(at - stamp);
      break;
    }
  }
  if (!ready && event_ == load_.options.wait_for) {
    ready = true;
    ++load_.ready;
  }
  if (load_.record != nullptr) {
    std::fprintf(load_.record, "%zu\t%lld\t%s\t%s\t%s\n", number_, static_cast<long long>(at), last_id_.c_str(),
                 event_.c_str(), data_.c_str());
  }
  event_.clear();
  data_.clear();
}

}  // namespace qc::bench
