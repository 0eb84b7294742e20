// Many clients of server-sent events in one thread: plain sockets, epoll. For the benchmark of the stream (sse.py) and
// for tests that want to know exactly what each client got.
//
//   sse_load --url HOST:PORT/PATH [--header 'NAME: VALUE']... --clients N [--seconds S] [--until-eof]
//            [--stalled PERCENT] [--record FILE] [--reconnect] [--wait-for EVENT]
//
// Prints `connected N` once every client has its answer (with --wait-for: once every client had that event), then, when
// the time is over or standard input ends, one line of JSON. Latency is measured of events whose data has "S<digits>"
// in quotes: the digits are the publisher's monotonic clock in nanoseconds, and both sides are on one machine.
// `--stalled`: that share of the clients stops reading after `connected`; they are not counted.
// `--record`: a line for each event: client, nanoseconds, id, event, data, with tabs between.
// `--reconnect`: a connection that ends is made again after 100 ms, with Last-Event-ID.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sse_client.h"

namespace qc::bench {
namespace {

std::optional<Options> options_of(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--until-eof") {
      out.until_eof = true;
      continue;
    }
    if (name == "--reconnect") {
      out.reconnect = true;
      continue;
    }
    if (++i == argc) return std::nullopt;
    const std::string value = argv[i];
    if (name == "--url") {
      const std::size_t colon = value.find(':');
      const std::size_t slash = value.find('/');
      if (colon == std::string::npos || slash == std::string::npos || slash < colon) return std::nullopt;
      out.host = value.substr(0, colon);
      out.port = static_cast<std::uint16_t>(std::atoi(value.substr(colon + 1, slash - colon - 1).c_str()));
      out.path = value.substr(slash);
    } else if (name == "--header") {
      out.headers.push_back(value);
    } else if (name == "--clients") {
      out.clients = static_cast<std::size_t>(std::max(1, std::atoi(value.c_str())));
    } else if (name == "--seconds") {
      out.seconds = std::atof(value.c_str());
    } else if (name == "--stalled") {
      out.stalled_percent = static_cast<std::size_t>(std::clamp(std::atoi(value.c_str()), 0, 100));
    } else if (name == "--record") {
      out.record = value;
    } else if (name == "--wait-for") {
      out.wait_for = value;
    } else {
      return std::nullopt;
    }
  }
  if (out.port == 0 || (out.seconds <= 0 && !out.until_eof)) return std::nullopt;
  return out;
}

double ms_at(const std::vector<std::int64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(static_cast<double>(sorted.size() - 1) * part);
  return static_cast<double>(sorted[at]) / 1e6;
}

void report(Load& load) {
  std::sort(load.latencies.begin(), load.latencies.end());
  std::uint64_t fewest = UINT64_MAX;
  std::uint64_t most = 0;
  std::size_t open = 0;
  for (const auto& client : load.clients) {
    if (client->fd() >= 0) ++open;
    if (!client->counts()) continue;
    fewest = std::min(fewest, client->events);
    most = std::max(most, client->events);
  }
  std::printf(
      "{\"events\":%llu,\"measured\":%zu,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
      "\"data_bytes\":%llu,\"wire_bytes\":%llu,\"fewest\":%llu,\"most\":%llu,\"open\":%zu,\"ended\":%llu,\"resets\":%"
      "llu}\n",
      static_cast<unsigned long long>(load.events), load.latencies.size(), ms_at(load.latencies, 0.5),
      ms_at(load.latencies, 0.9), ms_at(load.latencies, 0.99), ms_at(load.latencies, 1),
      static_cast<unsigned long long>(load.bytes), static_cast<unsigned long long>(load.wire_bytes),
      static_cast<unsigned long long>(fewest), static_cast<unsigned long long>(most), open,
      static_cast<unsigned long long>(load.ended), static_cast<unsigned long long>(load.resets));
}

void announce(Load& load) {
  load.announced = true;
  load.first_at = now_ns();
  const std::size_t stalled = load.clients.size() * load.options.stalled_percent / 100;
  for (std::size_t i = 0; i < stalled; ++i) {
    load.clients[i]->stalled = true;
    ::epoll_ctl(load.epoll, EPOLL_CTL_DEL, load.clients[i]->fd(), nullptr);
  }
  std::printf("connected %zu\n", load.clients.size());
  std::fflush(stdout);
}

bool input_ended() {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  if (::poll(&in, 1, 0) <= 0) return false;
  char ignored[256];
  return ::read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
}

void run(Load& load) {
  // So many at a time as a listening socket takes; those that come back are few.
  constexpr std::size_t kConnectingMax = 256;
  std::size_t next = 0;
  const auto last_at = [&] { return load.first_at + static_cast<std::int64_t>(load.options.seconds * 1e9); };
  std::vector<epoll_event> events(1'024);
  while (true) {
    while (next < load.clients.size() && next - std::min(next, load.ready) < kConnectingMax)
      load.clients[next++]->connect();
    if (load.options.reconnect) {
      const std::int64_t now = now_ns();
      for (const auto& client : load.clients) {
        if (client->retry_at != 0 && client->fd() < 0 && client->retry_at <= now) client->connect();
      }
    }
    const int count = ::epoll_wait(load.epoll, events.data(), static_cast<int>(events.size()), 20);
    for (int i = 0; i < count; ++i) {
      Client& client = *load.clients[events[static_cast<std::size_t>(i)].data.u64];
      if (client.fd() < 0) continue;
      if ((events[static_cast<std::size_t>(i)].events & EPOLLOUT) != 0) {
        client.writable();
      } else {
        client.readable();
      }
    }
    if (!load.announced && load.ready == load.clients.size()) announce(load);
    if (load.options.until_eof && input_ended()) return;
    if (load.announced && load.options.seconds > 0 && now_ns() >= last_at()) return;
  }
}

int main_of(int argc, char** argv) {
  auto options = options_of(argc, argv);
  if (!options) fail("--url HOST:PORT/PATH --clients N and --seconds S or --until-eof; see the head of sse_load.cc");
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < options->clients + 16) fail("the limit of open files is " + std::to_string(files.rlim_cur));
  Load load(std::move(*options));
  load.epoll = ::epoll_create1(EPOLL_CLOEXEC);
  load.latencies.reserve(1 << 20);
  if (!load.options.record.empty() && (load.record = std::fopen(load.options.record.c_str(), "w")) == nullptr) {
    fail("cannot write " + load.options.record);
  }
  for (std::size_t i = 0; i < load.options.clients; ++i) load.clients.push_back(std::make_unique<Client>(load, i));
  run(load);
  if (load.record != nullptr) std::fclose(load.record);
  report(load);
  return 0;
}

}  // namespace
}  // namespace qc::bench

int main(int argc, char** argv) {
  return qc::bench::main_of(argc, argv);
}
