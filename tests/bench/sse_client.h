// One client of sse_load: a plain socket, an answer that may be chunked, events. For sse_load.cc alone.
//
// Threads: one, which waits for all sockets with epoll.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qc::bench {

inline constexpr std::int64_t kSecond = 1'000'000'000;
std::int64_t now_ns();
[[noreturn]] void fail(const std::string& what);  // says it and ends the program

struct Options {
  std::string host;
  std::uint16_t port = 0;
  std::string path;
  std::vector<std::string> headers;
  std::size_t clients = 1;
  double seconds = 0;  // 0: no limit
  bool until_eof = false;
  std::size_t stalled_percent = 0;
  std::string record;
  bool reconnect = false;
  std::string wait_for;
};

struct Load;

class Client {
 public:
  Client(Load& load, std::size_t number) : load_(load), number_(number) {}
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void connect();
  void close();
  void writable();
  void readable();
  bool counts() const { return !stalled; }
  int fd() const { return fd_; }

  bool ready = false;  // has its answer
  bool stalled = false;
  std::uint64_t events = 0;
  std::int64_t retry_at = 0;

 private:
  enum class Part : std::uint8_t { Connecting, Head, Body };
  enum class Chunk : std::uint8_t { Size, Data, End };

  void take(std::string_view bytes);
  void head();
  void body(std::string_view bytes);
  void chunked(std::string_view bytes);
  void line(std::string_view text);
  void dispatch();
  void lost();

  Load& load_;
  const std::size_t number_;
  int fd_ = -1;
  Part part_ = Part::Connecting;
  bool chunked_ = false;
  Chunk chunk_ = Chunk::Size;
  std::size_t chunk_left_ = 0;
  std::string chunk_line_;
  std::string buffer_;  // the answer's head; then half a line
  std::string last_id_;
  std::string id_;
  std::string event_;
  std::string data_;
};

struct Load {
  explicit Load(Options given) : options(std::move(given)) {}
  Options options;
  int epoll = -1;
  std::vector<std::unique_ptr<Client>> clients;
  std::size_t connecting = 0;
  std::size_t ready = 0;
  bool announced = false;
  std::int64_t first_at = 0;
  std::vector<std::int64_t> latencies;
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;       // of data
  std::uint64_t wire_bytes = 0;  // all that was read
  std::uint64_t ended = 0;       // connections
  std::uint64_t resets = 0;
  std::FILE* record = nullptr;
  std::vector<char> input = std::vector<char>(std::size_t{256} << 10);
};

}  // namespace qc::bench
