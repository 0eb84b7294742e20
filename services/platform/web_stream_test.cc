// Answers that go on: order, slow clients, ends. The sources run in the server's socket thread, and so does what the
// tests do with them (WebFeed::with).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <stdexcept>
#include <thread>

#include "platform/log.h"
#include "platform/web_client_testing.h"
#include "platform/web_server.h"

namespace qc::platform {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// One stream's frames, and what has happened to it.
struct WebFeed {
  std::deque<std::shared_ptr<const std::string>> waiting;  // socket thread, as is `stream`
  WebStream* stream = nullptr;
  std::atomic<bool> opened{false};
  std::atomic<bool> drained{false};
  std::atomic<bool> destroyed{false};
  std::atomic<int> asked{0};
  std::size_t given_max = 0;  // the most bytes given at one time
  bool throws = false;
  std::string farewell;  // given when the server stops
};

class WebFeedSource final : public WebSource {
 public:
  explicit WebFeedSource(std::shared_ptr<WebFeed> feed) : feed_(std::move(feed)) {}
  ~WebFeedSource() override {
    feed_->stream = nullptr;
    feed_->destroyed = true;
  }
  void opened(WebStream& stream) override {
    feed_->stream = &stream;
    feed_->opened = true;
  }
  void next(std::vector<std::shared_ptr<const std::string>>& out, std::size_t bytes_max) override {
    ++feed_->asked;
    if (feed_->throws) throw std::runtime_error("broken source");
    std::size_t bytes = 0;
    while (!feed_->waiting.empty() && (bytes == 0 || bytes + feed_->waiting.front()->size() <= bytes_max)) {
      bytes += feed_->waiting.front()->size();
      out.push_back(std::move(feed_->waiting.front()));
      feed_->waiting.pop_front();
    }
    feed_->given_max = std::max(feed_->given_max, bytes);
  }
  void draining() override {
    feed_->drained = true;
    if (!feed_->farewell.empty()) feed_->waiting.push_back(std::make_shared<const std::string>(feed_->farewell));
  }

 private:
  const std::shared_ptr<WebFeed> feed_;
};

class WebStreams : public testing::Test {
 protected:
  void serve(WebOptions options = {}) {
    options.listen = "127.0.0.1:0";
    auto started = WebServer::start(std::move(options), [this](WebRequest request, WebReply reply) {
      WebResponse response;
      if (request.path == "/null") {
        response.stream = [] { return nullptr; };
      } else if (request.path == "/throws") {
        response.stream = []() -> std::unique_ptr<WebSource> { throw std::runtime_error("no stream"); };
      } else {
        const auto feed = std::make_shared<WebFeed>();
        {
          const std::lock_guard<std::mutex> lock(mutex_);
          feeds_.push_back(feed);
        }
        response.content_type = "text/event-stream";
        response.stream = [feed] { return std::make_unique<WebFeedSource>(feed); };
      }
      reply(std::move(response));
    });
    ASSERT_TRUE(started) << started.error().text;
    server_ = *std::move(started);
  }

  // Asks for a stream, and reads its head.
  std::shared_ptr<WebFeed> open(WebClient& client) {
    client.get("/stream");
    head_ = client.read_until("\r\n\r\n");
    const std::lock_guard<std::mutex> lock(mutex_);
    return feeds_.empty() ? nullptr : feeds_.back();
  }

  // In the socket thread; returns when it is done.
  template <class Task>
  void with(const std::shared_ptr<WebFeed>& feed, Task task) {
    std::promise<void> done;
    server_->post([&] {
      task(*feed);
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(kWebDeadline), std::future_status::ready);
  }
  void give(const std::shared_ptr<WebFeed>& feed, std::string text) {
    with(feed, [&](WebFeed& f) {
      f.waiting.push_back(std::make_shared<const std::string>(std::move(text)));
      if (f.stream != nullptr) f.stream->wake();
    });
  }

  std::mutex mutex_;
  std::vector<std::shared_ptr<WebFeed>> feeds_;
  std::string head_;
  std::unique_ptr<WebServer> server_;
};

// Frames that can be told apart and checked: "<number> <filling>\n".
std::string web_frame(int number, std::size_t size) {
  std::string text = std::to_string(number) + " ";
  text.resize(std::max(size, text.size() + 1), static_cast<char>('a' + number % 26));
  text.back() = '\n';
  return text;
}

TEST_F(WebStreams, SendWhatTheSourceGives) {
  serve();
  WebClient client(server_->port());
  const auto feed = open(client);
  EXPECT_THAT(head_, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head_, HasSubstr("\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_THAT(head_, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(head_, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(head_, Not(HasSubstr("Transfer-Encoding")));
  give(feed, "data: 1\n\n");
  EXPECT_EQ(client.read_until("\n\n"), "data: 1\n\n");
  give(feed, "data: 2\n\n");
  EXPECT_EQ(client.read_until("\n\n"), "data: 2\n\n");
  EXPECT_EQ(server_->counts().streams_open, 1U);
}

TEST_F(WebStreams, KeepTheOrderWhenTheClientIsSlow) {
  WebOptions options;
  options.stream_send_bytes = 30'000;
  serve(options);
  WebClient client(server_->port(), 4096);
  const auto feed = open(client);
  std::string all;
  with(feed, [&](WebFeed& f) {
    for (int i = 0; i < 3000; ++i) {
      const auto frame = std::make_shared<const std::string>(web_frame(i, static_cast<std::size_t>(i * 7919 % 2500)));
      all += *frame;
      f.waiting.push_back(frame);
    }
    f.stream->wake();
  });
  // Nothing is read yet: the socket fills, and the source keeps what it cannot take.
  ASSERT_TRUE(web_eventually([&] {
    std::size_t first = 0, second = 0;
    with(feed, [&](WebFeed& f) { first = f.waiting.size(); });
    with(feed, [&](WebFeed& f) { second = f.waiting.size(); });
    return first == second && feed->asked > 3;
  }));
  with(feed, [](WebFeed& f) {
    EXPECT_FALSE(f.waiting.empty());
    EXPECT_LE(f.given_max, 30'000U);
    f.stream->wake();  // while a write is outstanding: it is noted, and the order stays
    f.stream->wake();
  });
  give(feed, "END\n");
  EXPECT_TRUE(client.read_until("END\n") == all + "END\n");
}

TEST_F(WebStreams, AWakeDuringAWriteIsNotLost) {
  serve();
  WebClient client(server_->port(), 4096);
  const auto feed = open(client);
  give(feed, std::string(4 << 20, 'x'));  // more than the socket takes
  give(feed, "after");
  EXPECT_THAT(client.read_until("after"), EndsWith("xafter"));
  give(feed, "again");
  EXPECT_EQ(client.read_until("again"), "again");
}

TEST_F(WebStreams, EmptyFramesSendNothing) {
  serve();
  WebClient client(server_->port());
  const auto feed = open(client);
  give(feed, "");
  give(feed, "a");
  give(feed, "");
  give(feed, "b");
  EXPECT_EQ(client.read_bytes(2), "ab");
}

TEST_F(WebStreams, ASlowClientIsCutAndTheOthersGoOn) {
  WebOptions options;
  options.write_timeout = 150ms;
  serve(options);
  WebClient slow(server_->port(), 4096), good(server_->port());
  const auto slow_feed = open(slow);
  const auto good_feed = open(good);
  give(slow_feed, std::string(8 << 20, 'x'));
  int sent = 0;
  ASSERT_TRUE(web_eventually([&] {
    give(good_feed, web_frame(++sent, 20));
    return good.read_until("\n") == web_frame(sent, 20) && slow_feed->destroyed;
  }));
  EXPECT_EQ(server_->counts().slow_clients, 1U);
  EXPECT_EQ(server_->counts().streams_open, 1U);
  give(good_feed, "still here\n");
  EXPECT_EQ(good.read_until("\n"), "still here\n");
}

TEST_F(WebStreams, AnIdleStreamIsNotCut) {
  WebOptions options;
  options.write_timeout = options.idle_timeout = options.read_timeout = 20ms;
  serve(options);
  WebClient client(server_->port());
  const auto feed = open(client);
  // Two others come and are cut for standing idle, one after the other: several limits have passed.
  EXPECT_TRUE(WebClient(server_->port()).closed_by_server());
  EXPECT_TRUE(WebClient(server_->port()).closed_by_server());
  EXPECT_EQ(server_->counts().timeouts, 2U);
  give(feed, "here\n");
  EXPECT_EQ(client.read_until("\n"), "here\n");
}

TEST_F(WebStreams, ASourceEndsWithItsClient) {
  serve();
  WebClient client(server_->port());
  const auto feed = open(client);
  ASSERT_TRUE(feed->opened);
  EXPECT_FALSE(feed->destroyed);
  client.leave();
  EXPECT_TRUE(web_eventually([&] { return feed->destroyed.load(); }));
  EXPECT_TRUE(web_eventually([&] { return server_->counts().connections_open == 0; }));
  EXPECT_EQ(server_->counts().streams_open, 0U);
}

TEST_F(WebStreams, AClientThatKeepsTalkingIsClosed) {
  serve();
  WebClient client(server_->port());
  const auto feed = open(client);
  client.get("/another");  // some bytes do no harm
  give(feed, "a");
  EXPECT_EQ(client.read_bytes(1), "a");
  client.send(std::string(8192, 'x'));
  EXPECT_TRUE(web_eventually([&] { return feed->destroyed.load(); }));
}

TEST_F(WebStreams, EndSendsWhatIsThereAndCloses) {
  serve();
  WebClient client(server_->port(), 4096);
  const auto feed = open(client);
  with(feed, [](WebFeed& f) {
    for (int i = 0; i < 100; ++i) f.waiting.push_back(std::make_shared<const std::string>(100'000, 'x'));
    f.waiting.push_back(std::make_shared<const std::string>("last"));
    f.stream->end();
  });
  const std::string all = client.read_all();
  EXPECT_EQ(all.size(), 10'000'004U);
  EXPECT_THAT(all.substr(all.size() - 5), "xlast");
  EXPECT_TRUE(web_eventually([&] { return feed->destroyed.load(); }));
}

TEST_F(WebStreams, TheServersStopSaysFarewell) {
  serve();
  WebClient client(server_->port());
  const auto feed = open(client);
  with(feed, [](WebFeed& f) { f.farewell = "bye\n"; });
  server_->stop();
  EXPECT_EQ(client.read_all(), "bye\n");
  EXPECT_TRUE(feed->drained);
  EXPECT_TRUE(feed->destroyed);
  EXPECT_EQ(server_->counts().streams_open, 0U);
}

TEST_F(WebStreams, AClientThatTakesNothingDoesNotHoldUpTheStop) {
  WebOptions options;
  options.stop_timeout = 50ms;
  serve(options);
  WebClient client(server_->port(), 4096);
  const auto feed = open(client);
  give(feed, std::string(8 << 20, 'x'));
  server_->stop();
  EXPECT_TRUE(feed->destroyed);
  EXPECT_THAT(client.read_all(), Not(EndsWith("<timeout>")));
}

TEST_F(WebStreams, BeyondTheLimitAreRefusedAndTheConnectionGoesOn) {
  WebOptions options;
  options.streams_max = 1;
  serve(options);
  WebClient first(server_->port()), second(server_->port());
  const auto feed = open(first);
  EXPECT_EQ(second.ask("/stream").status, 503);
  EXPECT_EQ(server_->counts().refused_requests, 1U);
  first.leave();
  ASSERT_TRUE(web_eventually([&] { return server_->counts().streams_open == 0; }));
  const auto other = open(second);
  EXPECT_THAT(head_, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(WebStreams, ASourceThatCannotBeMadeIsA500) {
  const LogCapture capture([](std::string_view) {});
  serve();
  WebClient client(server_->port());
  EXPECT_EQ(client.ask("/null").status, 500);
  const WebSeen thrown = client.ask("/throws");
  EXPECT_EQ(thrown.status, 500);
  EXPECT_THAT(thrown.body, Not(HasSubstr("no stream")));
}

TEST_F(WebStreams, ASourceThatThrowsEndsItsStreamAlone) {
  const LogCapture capture([](std::string_view) {});
  serve();
  WebClient broken(server_->port()), good(server_->port());
  const auto broken_feed = open(broken);
  const auto good_feed = open(good);
  with(broken_feed, [](WebFeed& f) {
    f.throws = true;
    f.stream->wake();
  });
  EXPECT_EQ(broken.read_all(), "");
  EXPECT_TRUE(web_eventually([&] { return broken_feed->destroyed.load(); }));
  give(good_feed, "here\n");
  EXPECT_EQ(good.read_until("\n"), "here\n");
}

TEST_F(WebStreams, HeadOfAStreamOpensNone) {
  serve();
  WebClient client(server_->port());
  client.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_all(), HasSubstr("\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_FALSE(feeds_.back()->opened);
  EXPECT_EQ(server_->counts().streams_open, 0U);
}

TEST_F(WebStreams, ManyAreServedByOnePublisher) {
  serve();
  constexpr int kCount = 200;
  std::vector<std::unique_ptr<WebClient>> clients;
  for (int i = 0; i < kCount; ++i) {
    clients.push_back(std::make_unique<WebClient>(server_->port()));
    ASSERT_NE(open(*clients.back()), nullptr);
  }
  for (int round = 0; round < 20; ++round) {
    const auto frame = std::make_shared<const std::string>(web_frame(round, 300));
    server_->post([this, frame] {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (const auto& feed : feeds_) {
        feed->waiting.push_back(frame);
        feed->stream->wake();
      }
    });
  }
  for (const auto& client : clients) {
    for (int round = 0; round < 20; ++round) ASSERT_EQ(client->read_until("\n"), web_frame(round, 300));
  }
}

}  // namespace
}  // namespace qc::platform
