#include "platform/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/http_peer_testing.h"

namespace qc::platform {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::unique_ptr<HttpClient> client_of(const std::string& url, std::chrono::milliseconds timeout = 10s) {
  HttpClientOptions options;
  options.url = url;
  options.timeout = timeout;
  options.header_bytes_max = 4096;
  options.body_bytes_max = 4096;
  auto made = HttpClient::create(options);
  EXPECT_TRUE(made) << made.error().text;
  return std::move(*made);
}

HttpPost hello() {
  HttpPost post;
  post.body = "{}";
  return post;
}

// Answers every request of a connection with 200 and the request itself.
void echo(PeerConnection& c) {
  for (std::string request = c.read_request(); !request.empty(); request = c.read_request())
    c.answer("200 OK", request);
}

TEST(HttpUrl, SaysWhereAndWhat) {
  const auto plain = parse_http_url("http://alerts.example/hook?a=b");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->address(), "http://alerts.example:80");
  EXPECT_EQ(plain->target, "/hook?a=b");
  const auto v6 = parse_http_url("https://[::1]:8443");
  ASSERT_TRUE(v6);
  EXPECT_TRUE(v6->tls);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->address(), "https://[::1]:8443");
  EXPECT_EQ(v6->target, "/");
  EXPECT_EQ(parse_http_url("https://h?x=1")->target, "/?x=1");
  EXPECT_EQ(parse_http_url("https://h")->port, "443");
}

TEST(HttpUrl, RefusesWhatIsNone) {
  for (const char* text : {"", "alerts.example", "ftp://h/", "http://", "http://:80", "http://h:0", "http://h:65536",
                           "http://h:x", "http://user:pw@h/", "http://h/#part", "http://h/a b", "http://h/\n",
                           "http://::1/", "http://[h]/", "http://[::1", "https:///x", "http://h\xe6/"}) {
    EXPECT_FALSE(parse_http_url(text)) << text;
  }
}

TEST(HttpClient, PostsAndReadsTheAnswerOverOneConnection) {
  const HttpPeer peer(echo);
  const auto client = client_of(peer.url("/hook?key=k"));
  for (int i = 0; i < 3; ++i) {
    HttpPost post = hello();
    post.headers = {{"X-Qingchuan-Id", std::to_string(i)}};
    const auto reply = client->post(post);
    ASSERT_TRUE(reply) << reply.error().text;
    EXPECT_EQ(reply->status, 200);
    EXPECT_THAT(reply->body, StartsWith("POST /hook?key=k HTTP/1.1\r\nHost: " + peer.address() + "\r\n"));
    EXPECT_THAT(reply->body, HasSubstr("X-Qingchuan-Id: " + std::to_string(i) + "\r\n"));
    EXPECT_THAT(reply->body, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(reply->body, testing::EndsWith("\r\n\r\n{}"));
  }
  EXPECT_EQ(client->connections(), 1U);
  HttpPost other = hello();
  other.target = "/other";
  EXPECT_THAT(client->post(other)->body, StartsWith("POST /other HTTP/1.1"));
}

TEST(HttpClient, AnyStatusIsAnAnswerAndARedirectIsNotFollowed) {
  const HttpPeer peer([n = 0](PeerConnection& c) mutable {
    for (; !c.read_request().empty(); ++n) {
      if (n == 0) c.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
      if (n == 1) c.send("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
      if (n == 2)
        c.send("HTTP/1.1 429 Busy\r\nRetry-After: Fri, 27 Nov 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n");
      if (n == 3) c.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    }
  });
  const auto client = client_of(peer.url());
  EXPECT_EQ(client->post(hello())->status, 302);
  const auto busy = client->post(hello());
  EXPECT_EQ(busy->status, 503);
  EXPECT_EQ(busy->retry_after, 7s);
  EXPECT_EQ(client->post(hello())->retry_after, std::nullopt);
  EXPECT_EQ(client->post(hello())->status, 204);
  EXPECT_EQ(client->connections(), 1U);
}

TEST(HttpClient, AKeptConnectionThatWasClosedMeanwhileIsReplaced) {
  const HttpPeer peer([](PeerConnection& c) {
    c.read_request();
    c.answer("200 OK");  // says nothing of closing, and closes
  });
  const auto client = client_of(peer.url());
  for (int i = 1; i <= 5; ++i) {
    const auto reply = client->post(hello());
    ASSERT_TRUE(reply) << reply.error().text;
    EXPECT_EQ(client->connections(), static_cast<std::uint64_t>(i));
  }
}

TEST(HttpClient, ConnectionCloseIsHeeded) {
  const HttpPeer peer([](PeerConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
  });
  const auto client = client_of(peer.url());
  EXPECT_EQ(client->post(hello())->body, "until the end");
  EXPECT_EQ(client->post(hello())->body, "until the end");
  EXPECT_EQ(client->connections(), 2U);
}

TEST(HttpClient, WhatIsNoHttpIsAnErrorAndTheNextOneWorks) {
  const std::vector<std::string> garbage = {"\x16\x03\x01 no HTTP at all\r\n\r\n", "HTTP/1.1 999999 X\r\n\r\n",
                                            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                                            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"};
  for (const std::string& text : garbage) {
    const HttpPeer peer([&, n = 0](PeerConnection& c) mutable {
      c.read_request();
      if (n++ == 0) c.send(text);
      c.answer("200 OK");
    });
    const auto client = client_of(peer.url());
    const auto reply = client->post(hello());
    ASSERT_FALSE(reply) << text;
    EXPECT_EQ(reply.error().code, Errc::peer_unavailable);
    EXPECT_THAT(reply.error().text, StartsWith("http://" + peer.address() + ": "));
    EXPECT_THAT(reply.error().text, HasSubstr("while waiting for its answer"));
    EXPECT_EQ(client->post(hello())->status, 200);
  }
}

TEST(HttpClient, AnAnswerThatBreaksOffIsAnError) {
  for (const bool reset : {false, true}) {
    const HttpPeer peer([&](PeerConnection& c) {
      c.read_request();
      c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      if (reset) c.reset();
    });
    const auto client = client_of(peer.url());
    const auto reply = client->post(hello());
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::peer_unavailable);
    // It had answered, if not to the end: the request is not sent again on the sly.
    EXPECT_EQ(peer.connections(), 1);
  }
}

TEST(HttpClient, AnAnswerLargerThanTheLimitsIsAnError) {
  const std::vector<std::string> large = {"HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n" + std::string(4097, 'x'),
                                          "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(1 << 20, 'x'),
                                          "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n"};
  for (const std::string& text : large) {
    const HttpPeer peer([&](PeerConnection& c) {
      c.read_request();
      c.send(text);
    });
    const auto reply = client_of(peer.url())->post(hello());
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::peer_unavailable);
    EXPECT_THAT(reply.error().text, HasSubstr("limit"));
  }
}

TEST(HttpClient, ASilentReceiverIsGivenUp) {
  const HttpPeer peer([](PeerConnection& c) { c.hang(); });
  const auto client = client_of(peer.url(), 80ms);
  const auto before = std::chrono::steady_clock::now();
  const auto reply = client->post(hello());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().text, "http://" + peer.address() + ": no end within 80 ms while waiting for its answer");
  EXPECT_GE(std::chrono::steady_clock::now() - before, 80ms);
}

TEST(HttpClient, ByteAfterByteDoesNotStretchTheDeadline) {
  const HttpPeer peer([](PeerConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    while (c.send("x")) {
    }
  });
  HttpClientOptions options;
  options.url = peer.url();
  options.timeout = 80ms;
  options.body_bytes_max = 1 << 30;
  const auto client = HttpClient::create(options);
  const auto reply = (*client)->post(hello());
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().text, HasSubstr("no end within 80 ms"));
}

TEST(HttpClient, AReceiverThatReadsNothingIsGivenUp) {
  const HttpPeer peer([](PeerConnection& c) { c.hang_unread(); });
  const auto client = client_of(peer.url(), 80ms);
  HttpPost post;
  post.body.assign(64 << 20, 'x');
  const auto reply = client->post(post);
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().text, HasSubstr("no end within 80 ms while sending"));
}

TEST(HttpClient, AStopEndsAWaitAtOnce) {
  std::stop_source stop;
  const HttpPeer peer([&](PeerConnection& c) {
    c.read_request();
    stop.request_stop();
    c.hang();
  });
  const auto client = client_of(peer.url(), 60s);
  const auto before = std::chrono::steady_clock::now();
  const auto reply = client->post(hello(), stop.get_token());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::stopped);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  EXPECT_EQ(client->post(hello(), stop.get_token()).error().code, Errc::stopped);
}

TEST(HttpClient, NobodyThereIsAnErrorThatNamesThePlaceAndNoSecret) {
  std::string address;
  { address = HttpPeer(echo).address(); }
  const auto client = client_of("http://" + address + "/send?key=SECRET");
  const auto reply = client->post(hello());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::peer_unavailable);
  EXPECT_EQ(reply.error().text, "http://" + address + ": Connection refused while connecting");
  EXPECT_THAT(describe(reply.error()), Not(HasSubstr("SECRET")));
}

TEST(HttpClient, ANameThatIsNoneIsAnError) {
  const auto reply = client_of("http://nobody.invalid/")->post(hello());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::peer_unavailable);
  EXPECT_THAT(reply.error().text, StartsWith("http://nobody.invalid:80: "));
  EXPECT_THAT(reply.error().text, HasSubstr("while looking up its name"));
}

TEST(HttpClient, AnAddressThatIsNoneIsRefusedAtOnceAndNotRepeated) {
  HttpClientOptions options;
  options.url = "SECRET";
  const auto made = HttpClient::create(options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::usage);
  EXPECT_THAT(made.error().text, Not(HasSubstr("SECRET")));
}

}  // namespace
}  // namespace qc::platform
