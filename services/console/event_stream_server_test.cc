// The stream over the real server and real sockets, with a writer and clients in threads of their own.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "console/event_stream_testing.h"

namespace qc::console {
namespace {

using testing::Event;
using testing::EventReader;
using testing::ReadState;
using testing::Written;

// Streams of everything, of whatever a writer tells.
class ServedStreams {
 public:
  explicit ServedStreams(StreamOptions options = {}) {
    const auto snapshot = [this](const Subjects& subjects, const Sight& sight) {
      const std::lock_guard lock(mutex_);
      return state_.snapshot(subjects, sight);
    };
    options.tick = std::chrono::milliseconds(5);
    streams_ = std::make_unique<EventStreams>(state_.feed, snapshot, options);
    platform::WebOptions web;
    web.listen = "127.0.0.1:0";
    auto started =
        platform::WebServer::start(web, [this](const platform::WebRequest& request, platform::WebReply reply) {
          StreamAsked asked;
          asked.subjects = {Subject::Alerts};
          asked.last_event_id = request.header("last-event-id");
          asked.who.id = "session";
          asked.sight.everything = true;
          reply(streams_->open(std::move(asked)));
        });
    EXPECT_TRUE(started) << started.error().text;
    web_ = std::move(*started);
    streams_->use([this](std::function<void()> task) { web_->post(std::move(task)); });
  }
  ~ServedStreams() {
    web_->stop();
    streams_->close();
  }
  void write(stream::Offset offset) {
    {
      const std::lock_guard lock(mutex_);
      state_.apply(Written{0, offset, "key-" + std::to_string(offset % 10), "A", true});
    }
    state_.feed.wake();
  }
  platform::WebServer& web() { return *web_; }
  EventStreams& streams() { return *streams_; }

 private:
  std::mutex mutex_;
  ReadState state_{FeedOptions{}};
  std::unique_ptr<EventStreams> streams_;
  std::unique_ptr<platform::WebServer> web_;
};

// One connection; reading fails after 20 s without a byte.
class StreamSocket {
 public:
  StreamSocket(std::uint16_t port, const std::string& last_id) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    std::string request = "GET /stream HTTP/1.1\r\nHost: localhost\r\n";
    if (!last_id.empty()) request += "Last-Event-ID: " + last_id + "\r\n";
    request += "\r\n";
    EXPECT_EQ(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      const std::string more = receive(1 << 16);
      if (more.empty()) break;
      head += more;
    }
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
    rest_ = head.substr(std::min(head.size(), head.find("\r\n\r\n") + 4));
  }
  ~StreamSocket() { ::close(fd_); }
  StreamSocket(const StreamSocket&) = delete;
  StreamSocket& operator=(const StreamSocket&) = delete;

  // Empty: it is over.
  std::string take(std::size_t bytes) { return rest_.empty() ? receive(bytes) : std::exchange(rest_, {}); }

 private:
  std::string receive(std::size_t bytes) const {
    std::string out(bytes, '\0');
    const ssize_t got = ::recv(fd_, out.data(), out.size(), 0);
    EXPECT_GE(got, 0) << "nothing came for 20 s";
    out.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return out;
  }
  int fd_;
  std::string rest_;
};

TEST(EventStreamServer, SaysHelloWhatStandsChangesAndGoodbye) {
  ServedStreams served;
  served.write(0);
  StreamSocket socket(served.web().port(), {});
  EventReader reader;
  std::vector<std::string> seen;
  const auto read_to = [&](const std::string& last) {
    while (seen.empty() || seen.back() != last) {
      const std::string bytes = socket.take(1 << 16);
      if (bytes.empty()) break;
      for (const Event& event : reader.take(bytes)) seen.push_back(event.event + " " + event.data);
    }
  };
  read_to("live {}");
  served.write(1);
  read_to("alert 0 1 key-1");
  EXPECT_EQ(reader.last_id, "1.2.0.0.0");
  served.web().stop();
  read_to("the end");
  ASSERT_EQ(seen.size(), 6U);
  EXPECT_EQ(seen[2], "alert 0 0 key-0");
  EXPECT_EQ(seen[5], "bye {\"reason\":\"stopping\"}");
  EXPECT_EQ(served.streams().figures().open, 0U);
}

TEST(EventStreamServer, EachOfManyClientsThatComeAndGoHasEverythingOnce) {
  constexpr int kClients = 8;
  constexpr stream::Offset kChanges = 3'000;
  StreamOptions options;
  options.window = 32;
  options.heartbeat = std::chrono::milliseconds(10);
  ServedStreams served(options);
  std::atomic<int> begun = 0;
  std::vector<std::thread> clients;
  for (int number = 0; number < kClients; ++number) {
    clients.emplace_back([&served, &begun, number] {
      std::mt19937 random(static_cast<unsigned>(number + 1));
      std::string last_id;
      stream::Offset next = 0;
      bool live = false;
      while (next < kChanges && !::testing::Test::HasFailure()) {
        StreamSocket socket(served.web().port(), last_id);
        EventReader reader;
        const std::size_t reads = 1 + random() % 40;
        for (std::size_t i = 0; i < reads && next < kChanges; ++i) {
          const std::string bytes = socket.take(1 + random() % 2'000);
          if (bytes.empty()) break;
          for (const Event& event : reader.take(bytes)) {
            if (event.event == "live") {
              ++begun;
              live = true;
              next = parse_positions(event.id, testing::kStreamSlots.size())->next[0];
            } else if (event.event == "alert" && live) {
              EXPECT_EQ(event.data, Written({0, next, "key-" + std::to_string(next % 10), "A", true}).data());
              ++next;
            } else {
              EXPECT_NE(event.event, "reset") << event.data;
            }
          }
        }
        // Before anything was dispatched the former one holds.
        if (!reader.last_id.empty()) last_id = reader.last_id;
      }
    });
  }
  std::thread writer([&] {
    for (stream::Offset offset = 0; offset < kChanges; ++offset) {
      served.write(offset);
      if (offset % 64 == 0) std::this_thread::yield();
    }
  });
  writer.join();
  for (std::thread& client : clients) client.join();
  EXPECT_GE(begun.load(), kClients);
  EXPECT_GT(served.streams().figures().resumed, static_cast<std::uint64_t>(kClients));
}

}  // namespace
}  // namespace qc::console
