// Over real sockets: what a client sees, also a bad one. Streams have web_stream_test.cc, the bytes of requests
// web_parser_test.cc.
#include "platform/web_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "platform/gunzip_testing.h"
#include "platform/log.h"
#include "platform/web_client_testing.h"

namespace qc::platform {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::shared_ptr<const std::string> web_body(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

void web_pages(WebRequest request, WebReply reply) {
  WebResponse response;
  if (request.path == "/hello") {
    response.body = web_body("hello " + request.query + "\n");
    response.headers.emplace_back("ETag", "\"1\"");
  } else if (request.path == "/echo") {
    response.body = web_body(request.method + " " + request.peer + " " + request.body);
  } else if (request.path == "/large") {
    response.content_type = "image/png";
    response.body = web_body(std::string(16 << 20, 'x') + "END");
  } else if (request.path == "/text") {
    response.body = web_body(std::string(100'000, 't'));
  } else if (request.path == "/throws") {
    throw std::runtime_error("broken page");
  } else if (request.path == "/silent") {
    return;
  } else {
    response.status = 404;
    response.body = web_body("nothing here\n");
  }
  reply(std::move(response));
}

WebOptions web_options() {
  WebOptions options;
  options.listen = "127.0.0.1:0";
  return options;
}

std::unique_ptr<WebServer> web_serve(WebOptions options = web_options(), WebHandler handler = web_pages) {
  auto server = WebServer::start(std::move(options), std::move(handler));
  if (!server) throw std::runtime_error(server.error().text);
  return *std::move(server);
}

// Keeps the replies that a handler is asked for, for the test to answer.
struct WebDesk {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<WebReply> replies;

  WebHandler handler() {
    return [this](WebRequest, WebReply reply) {
      const std::lock_guard<std::mutex> lock(mutex);
      replies.push_back(std::move(reply));
      changed.notify_all();
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock<std::mutex> lock(mutex);
    return changed.wait_for(lock, kWebDeadline, [&] { return replies.size() >= count; });
  }
  void answer(std::string text) {
    const std::lock_guard<std::mutex> lock(mutex);
    WebResponse response;
    response.body = web_body(std::move(text));
    replies.front()(std::move(response));
    replies.erase(replies.begin());
  }
};

TEST(WebServer, AnswersAndKeepsTheConnection) {
  const auto server = web_serve();
  WebClient client(server->port());
  const WebSeen first = client.ask("/hello?a=b");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "hello a=b\n");
  EXPECT_THAT(first.head, Not(HasSubstr("Connection:")));
  EXPECT_THAT(first.head, HasSubstr("\r\nServer: qingchuan\r\n"));
  EXPECT_EQ(client.ask("/hello").status, 200);
  EXPECT_EQ(server->counts().requests, 2U);
  EXPECT_EQ(server->counts().connections_open, 1U);
  EXPECT_TRUE(web_eventually([&] { return server->counts().bytes_sent == first.body.size() + 7; }));
  EXPECT_EQ(server->address(), "127.0.0.1:" + std::to_string(server->port()));
  EXPECT_FALSE(server->tls());
}

TEST(WebServer, EveryMethodAndItsBodyReachTheHandler) {
  const auto server = web_serve();
  WebClient client(server->port());
  for (const std::string method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QC-OWN"}) {
    client.send(method + " /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(client.read_reply().body, method + " 127.0.0.1 body");
  }
}

TEST(WebServer, RequestsThatComeTogetherAreAnsweredInTheirOrder) {
  const auto server = web_serve();
  WebClient client(server->port());
  std::string together;
  for (int i = 0; i < 50; ++i) together += "GET /hello?" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(together);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.read_reply().body, "hello " + std::to_string(i) + "\n");
}

TEST(WebServer, HeadIsTheAnswerWithoutItsBody) {
  const auto server = web_serve();
  WebClient client(server->port());
  client.send("HEAD /hello?abc HTTP/1.1\r\nHost: x\r\n\r\n");
  const WebSeen head = client.read_reply(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_THAT(head.head, HasSubstr("\r\nContent-Length: 10\r\n"));
  EXPECT_EQ(client.ask("/hello?abc").body, "hello abc\n");  // nothing of a body stood between
}

TEST(WebServer, AKnownTagIsAnswered304) {
  const auto server = web_serve();
  WebClient client(server->port());
  const WebSeen same = client.ask("/hello", "If-None-Match: \"1\"\r\n");
  EXPECT_EQ(same.status, 304);
  EXPECT_THAT(same.head, HasSubstr("\r\nETag: \"1\"\r\n"));
  EXPECT_EQ(client.ask("/hello", "If-None-Match: \"2\"\r\n").body, "hello \n");
}

TEST(WebServer, TextIsCompressedForAClientThatTakesIt) {
  const auto server = web_serve();
  WebClient client(server->port());
  const WebSeen packed = client.ask("/text", "Accept-Encoding: br, gzip\r\n");
  EXPECT_THAT(packed.head, HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_LT(packed.body.size(), 1000U);
  EXPECT_EQ(gunzip(packed.body), std::string(100'000, 't'));
  EXPECT_EQ(client.ask("/text").body, std::string(100'000, 't'));
}

TEST(WebServer, AClientThatWaitsIsToldToContinue) {
  const auto server = web_serve();
  WebClient client(server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(client.read_reply().body, "POST 127.0.0.1 body");
}

TEST(WebServer, AnOldClientIsClosedUnlessItAsksOtherwise) {
  const auto server = web_serve();
  WebClient once(server->port());
  once.send("GET /hello HTTP/1.0\r\nHost: x\r\n\r\n");
  EXPECT_THAT(once.read_all(), testing::EndsWith("hello \n"));
  WebClient kept(server->port());
  kept.send("GET /hello HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(kept.read_reply().head, HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_EQ(kept.ask("/hello").status, 200);
}

TEST(WebServer, WhatIsRefusedIsCountedAndSaidInTheCallersShape) {
  WebOptions options = web_options();
  options.problem = [](int status, std::string_view detail) {
    WebResponse response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body = web_body("{\"detail\":\"" + std::string(detail) + "\"}");
    return response;
  };
  options.body_bytes_max = 10;
  const auto server = web_serve(options);
  struct Case {
    std::string bytes;
    int status;
  };
  const std::vector<Case> cases = {
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: x\n\n", 400},
      {"GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'a') + "\r\n", 431},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890", 413},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n", 413},
  };
  for (const Case& c : cases) {
    WebClient client(server->port());
    client.send(c.bytes);
    const WebSeen seen = client.read_reply();
    EXPECT_EQ(seen.status, c.status) << c.bytes;
    EXPECT_THAT(seen.head, HasSubstr("application/problem+json")) << c.bytes;
    EXPECT_THAT(seen.head, HasSubstr("\r\nConnection: close\r\n")) << c.bytes;
    EXPECT_THAT(seen.body, StartsWith("{\"detail\":\"")) << c.bytes;
    EXPECT_TRUE(client.closed_by_server()) << c.bytes;
  }
  EXPECT_EQ(server->counts().malformed, cases.size());
  EXPECT_EQ(server->counts().requests, 0U);
}

TEST(WebServer, AfterARefusalThatIsUnderstoodTheConnectionGoesOn) {
  const auto server = web_serve();
  WebClient client(server->port());
  EXPECT_EQ(client.ask("/a/%2e%2e/b").status, 400);
  EXPECT_EQ(client.ask("http://x/hello").status, 400);
  EXPECT_EQ(client.ask("/missing").status, 404);
  EXPECT_EQ(client.ask("/hello").status, 200);
  EXPECT_EQ(server->counts().malformed, 2U);
}

TEST(WebServer, ALargeRefusedBodyDoesNotLoseTheAnswer) {
  const auto server = web_serve();
  WebClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n" + std::string(600'000, 'b'));
  EXPECT_EQ(client.read_reply().status, 413);
}

TEST(WebServer, ASlowRequestIsCutThoughItsBytesKeepComing) {
  WebOptions options = web_options();
  options.read_timeout = 100ms;
  options.header_bytes_max = 64 << 20;  // not reached before the time is up
  const auto server = web_serve(options);
  WebClient client(server->port());
  client.send("GET / HTTP/1.1\r\nX: ");
  ASSERT_TRUE(web_eventually([&] {
    client.send("a");
    return server->counts().timeouts == 1;
  }));
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(web_eventually([&] { return server->counts().connections_open == 0; }));
}

TEST(WebServer, AConnectionThatStandsIdleIsClosed) {
  WebOptions options = web_options();
  options.idle_timeout = 50ms;
  const auto server = web_serve(options);
  WebClient client(server->port());
  EXPECT_EQ(client.ask("/hello").status, 200);
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(server->counts().timeouts, 1U);
}

TEST(WebServer, AClientThatDoesNotTakeItsAnswerIsCut) {
  WebOptions options = web_options();
  options.write_timeout = 100ms;
  const auto server = web_serve(options);
  WebClient client(server->port(), 4096);
  client.get("/large");
  EXPECT_TRUE(web_eventually([&] { return server->counts().slow_clients == 1; }));
  EXPECT_THAT(client.read_all(), Not(testing::EndsWith("END")));
  EXPECT_EQ(server->counts().timeouts, 0U);
}

TEST(WebServer, ALargeAnswerArrivesWhole) {
  const auto server = web_serve();
  WebClient client(server->port());
  const WebSeen large = client.ask("/large");
  EXPECT_EQ(large.body.size(), (16U << 20) + 3);
  EXPECT_THAT(large.body, testing::EndsWith("xEND"));
}

TEST(WebServer, ConnectionsBeyondTheLimitAreToldSo) {
  WebOptions options = web_options();
  options.connections_max = 2;
  const auto server = web_serve(options);
  WebClient first(server->port());
  auto second = std::make_unique<WebClient>(server->port());
  EXPECT_EQ(first.ask("/hello").status, 200);
  EXPECT_EQ(second->ask("/hello").status, 200);
  WebClient third(server->port());
  const WebSeen refused = third.read_reply();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.head, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_TRUE(third.closed_by_server());
  EXPECT_EQ(server->counts().refused_connections, 1U);
  second.reset();
  EXPECT_TRUE(web_eventually([&] { return WebClient(server->port()).ask("/hello").status == 200; }));
}

TEST(WebServer, ThoseOfOnePeerAreLimitedAndOthersAreNot) {
  WebOptions options = web_options();
  options.connections_per_peer_max = 1;
  const auto server = web_serve(options);
  WebClient first(server->port());
  EXPECT_EQ(first.ask("/hello").status, 200);
  EXPECT_EQ(WebClient(server->port()).read_reply().status, 503);
  EXPECT_EQ(WebClient(server->port(), 0, "127.0.0.2").ask("/hello").status, 200);
}

TEST(WebServer, AFullQueueIsAnswered503AndTheConnectionGoesOn) {
  std::mutex gate;
  std::atomic<int> inside{0};
  WebOptions options = web_options();
  options.workers = 1;
  options.queue_max = 1;
  const auto server = web_serve(options, [&](WebRequest request, WebReply reply) {
    ++inside;
    { const std::lock_guard<std::mutex> wait(gate); }
    web_pages(std::move(request), std::move(reply));
  });
  WebClient worked(server->port()), queued(server->port()), refused(server->port());
  {
    const std::lock_guard<std::mutex> hold(gate);
    worked.get("/hello");
    ASSERT_TRUE(web_eventually([&] { return inside == 1; }));
    queued.get("/hello");
    ASSERT_TRUE(web_eventually([&] { return server->counts().requests == 2; }));
    EXPECT_EQ(refused.ask("/hello").status, 503);
    EXPECT_EQ(server->counts().refused_requests, 1U);
  }
  EXPECT_EQ(worked.read_reply().status, 200);
  EXPECT_EQ(queued.read_reply().status, 200);
  EXPECT_EQ(refused.ask("/hello").status, 200);
}

TEST(WebServer, ABrokenHandlerIsA500WithoutItsReason) {
  std::mutex mutex;
  std::string lines;
  const LogCapture capture([&](std::string_view line) {
    const std::lock_guard<std::mutex> lock(mutex);
    lines.append(line).append("\n");
  });
  const auto server = web_serve();
  WebClient client(server->port());
  const WebSeen broken = client.ask("/throws");
  EXPECT_EQ(broken.status, 500);
  EXPECT_THAT(broken.body, Not(HasSubstr("broken page")));
  EXPECT_EQ(client.ask("/silent").status, 500);
  EXPECT_EQ(client.ask("/hello").status, 200);
  EXPECT_TRUE(web_eventually([&] {
    const std::lock_guard<std::mutex> lock(mutex);
    return lines.find("broken page") != std::string::npos;
  }));
}

TEST(WebServer, AnAnswerMayComeLaterFromAnotherThread) {
  WebDesk desk;
  const auto server = web_serve(web_options(), desk.handler());
  WebClient client(server->port());
  client.get("/");
  ASSERT_TRUE(desk.wait_for(1));
  std::thread([&] { desk.answer("later"); }).join();
  EXPECT_EQ(client.read_reply().body, "later");
}

TEST(WebServer, AnAnswerToAClientThatHasLeftIsDropped) {
  WebDesk desk;
  const auto server = web_serve(web_options(), desk.handler());
  WebClient client(server->port());
  client.get("/");
  ASSERT_TRUE(desk.wait_for(1));
  client.leave();
  desk.answer(std::string(8 << 20, 'x'));
  EXPECT_TRUE(web_eventually([&] { return server->counts().connections_open == 0; }));
  WebClient other(server->port());
  other.get("/");
  ASSERT_TRUE(desk.wait_for(1));
  desk.answer("other");
  EXPECT_EQ(other.read_reply().body, "other");
}

TEST(WebServer, StoppingFinishesWhatIsBeingAnswered) {
  WebDesk desk;
  const auto server = web_serve(web_options(), desk.handler());
  WebClient busy(server->port()), idle(server->port());
  busy.get("/");
  ASSERT_TRUE(desk.wait_for(1));
  std::thread stopper([&] { server->stop(); });
  EXPECT_TRUE(idle.closed_by_server());  // the stop has begun
  desk.answer("in time");
  const WebSeen seen = busy.read_reply();
  EXPECT_EQ(seen.body, "in time");
  EXPECT_THAT(seen.head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(busy.closed_by_server());
  busy.leave();
  stopper.join();
  EXPECT_EQ(server->counts().connections_open, 0U);
  EXPECT_EQ(WebClient(server->port()).ask("/").status, 0);
  server->stop();
}

TEST(WebServer, AnAnswerThatNeverComesDoesNotHoldUpTheStop) {
  WebDesk desk;
  WebOptions options = web_options();
  options.stop_timeout = 50ms;
  auto server = web_serve(options, desk.handler());
  WebClient client(server->port());
  client.get("/");
  ASSERT_TRUE(desk.wait_for(1));
  server->stop();
  EXPECT_TRUE(client.closed_by_server());
  server.reset();
  desk.answer("too late");  // of a server that is no more
}

TEST(WebServer, TasksRunInOneThreadUntilTheEnd) {
  const auto server = web_serve();
  std::atomic<int> ran{0};
  std::thread::id first, second;
  server->post([&] { first = std::this_thread::get_id(), ++ran; });
  server->post([&] { second = std::this_thread::get_id(), ++ran; });
  ASSERT_TRUE(web_eventually([&] { return ran == 2; }));
  EXPECT_EQ(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
  server->stop();
  server->post([&] { ++ran; });
  EXPECT_EQ(ran, 2);
}

TEST(WebServer, WhatCannotBeListenedOnIsSaid) {
  const auto code_of = [](const std::string& listen) {
    WebOptions options;
    options.listen = listen;
    const auto server = WebServer::start(options, web_pages);
    return server ? std::nullopt : std::optional<Errc>(server.error().code);
  };
  for (const std::string listen :
       {"", "nowhere", "1.2.3.4:", "1.2.3.4:x", "127.0.0.1:70000", "::1:80", "no such host:80"}) {
    EXPECT_EQ(code_of(listen), Errc::usage) << listen;
  }
  const auto server = web_serve();
  EXPECT_EQ(code_of(server->address()), Errc::port_in_use);
}

}  // namespace
}  // namespace qc::platform
