// Bytes in, requests or refusals out; what is refused here can smuggle nothing past a proxy in front of the server.
#include "platform/web_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qc::platform {
namespace {

using testing::ElementsAre;
using testing::Pair;
using WebState = WebParser::State;

WebLimits web_limits() {
  WebLimits limits;
  limits.target_bytes_max = 100;
  limits.header_bytes_max = 1000;
  limits.body_bytes_max = 50;
  return limits;
}

// What it comes to, in words: "GET /a?b [body]", or "400 close: why", or "more".
std::string web_outcome(WebParser& parser, WebState state) {
  switch (state) {
    case WebState::complete: {
      const WebRequest request = parser.take();
      return request.method + " " + request.path + (request.query.empty() ? "" : "?" + request.query) + " [" +
             request.body + "]";
    }
    case WebState::refused:
      return std::to_string(parser.refusal().status) + (parser.refusal().close ? " close" : " keep");
    case WebState::need_continue:
      return "continue";
    case WebState::need_more:
      return "more";
  }
  return "";
}

std::string web_parsed(std::string_view bytes) {
  WebParser parser(web_limits());
  return web_outcome(parser, parser.feed(bytes));
}

// The same bytes, one at a time, must come to the same.
std::string web_parsed_slowly(std::string_view bytes) {
  WebParser parser(web_limits());
  WebState state = WebState::need_more;
  for (std::size_t i = 0; i < bytes.size() && (state == WebState::need_more || state == WebState::need_continue); ++i) {
    state = parser.feed(bytes.substr(i, 1));
  }
  return web_outcome(parser, state);
}

std::string web_lines(std::initializer_list<std::string_view> lines) {
  std::string text;
  for (const std::string_view line : lines) text.append(line).append("\r\n");
  return text + "\r\n";
}

TEST(WebParser, ReadsARequest) {
  WebParser parser(web_limits());
  ASSERT_EQ(parser.feed(
                web_lines({"POST /a%20b?c=%20 HTTP/1.1", "Host: x:80", "X-Two:  1 ", "x-two: 2", "Content-Length: 4"}) +
                "body"),
            WebState::complete);
  EXPECT_TRUE(parser.keep_alive());
  const WebRequest request = parser.take();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/a b");
  EXPECT_EQ(request.raw_path, "/a%20b");
  EXPECT_EQ(request.query, "c=%20");
  EXPECT_EQ(request.body, "body");
  EXPECT_EQ(request.header("x-two"), "1");
  EXPECT_EQ(request.header("missing"), "");
  EXPECT_THAT(request.headers,
              ElementsAre(Pair("host", "x:80"), Pair("x-two", "1"), Pair("x-two", "2"), Pair("content-length", "4")));
}

TEST(WebParser, RequestsThatComeTogetherAreReadOneByOne) {
  const std::string one = web_lines({"GET /1 HTTP/1.1", "Host: x"});
  const std::string two = web_lines({"POST /2 HTTP/1.1", "Host: x", "Content-Length: 2"}) + "ab";
  WebParser parser(web_limits());
  EXPECT_EQ(web_outcome(parser, parser.feed(one + two + one.substr(0, 5))), "GET /1 []");
  EXPECT_EQ(web_outcome(parser, parser.next()), "POST /2 [ab]");
  EXPECT_EQ(web_outcome(parser, parser.next()), "more");
  EXPECT_TRUE(parser.begun());
  EXPECT_EQ(web_outcome(parser, parser.feed(one.substr(5))), "GET /1 []");
  EXPECT_EQ(web_outcome(parser, parser.next()), "more");
  EXPECT_FALSE(parser.begun());
}

TEST(WebParser, AChunkedBodyIsPutTogetherAndItsTrailersAreNoHeaders) {
  const std::string bytes = web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) +
                            "3;a=\"b;\"\r\nabc\r\n2 \r\nde\r\n00\r\nX-Admin: yes\r\nY:\r\n\r\n";
  EXPECT_EQ(web_parsed_slowly(bytes), "POST / [abcde]");
  WebParser parser(web_limits());
  ASSERT_EQ(parser.feed(bytes), WebState::complete);
  const WebRequest request = parser.take();
  EXPECT_EQ(request.body, "abcde");
  EXPECT_EQ(request.header("x-admin"), "");
}

// Whole and byte by byte: where the bytes are cut changes nothing.
TEST(WebParser, WhatTwoServersMightReadDifferentlyIsRefused) {
  const std::string chunked = "0\r\n\r\n";
  const std::vector<std::string> ambiguous = {
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: 5", "Transfer-Encoding: chunked"}) + chunked,
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "Content-Length: 5"}) + chunked,
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: 5", "Content-Length: 6"}) + "abcde",
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: 5", "Content-Length: 5"}) + "abcde",
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: 5, 5"}) + "abcde",
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: +5"}) + "abcde",
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: 0x5"}) + "abcde",
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: -1"}),
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length:"}),
      web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: 99999999999999999999999"}),
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: gzip, chunked"}) + chunked,
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked, identity"}) + chunked,
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: xchunked"}) + chunked,
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: \"chunked\""}) + chunked,
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}) + chunked,
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding:"}) + chunked,
      web_lines({"POST / HTTP/1.0", "Host: x", "Transfer-Encoding: chunked"}) + chunked,
      web_lines({"GET / HTTP/1.1", "Host: x", "Content-Length : 5"}),
      web_lines({"GET / HTTP/1.1", "Host: x", " folded: 1"}),
      web_lines({"GET / HTTP/1.1", "Host: x", "X: 1", "\tfolded"}),
      web_lines({"GET / HTTP/1.1", " Host: x"}),
      web_lines({"GET / HTTP/1.1", "Host: x", "no colon"}),
      web_lines({"GET / HTTP/1.1", "Host: x", ": empty"}),
      web_lines({"GET / HTTP/1.1", "Host: x", "X\x01: 1"}),
      web_lines({"GET / HTTP/1.1", "Host: x", "X: a\x01z"}),
      web_lines({"GET / HTTP/1.1", "Host: x", "X: a\x7fz"}),
      "GET / HTTP/1.1\nHost: x\n\n",
      "GET / HTTP/1.1\r\nHost: x\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nX: a\rContent-Length: 5\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n",
      std::string("GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 35),
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "5\nabcde\r\n0\r\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "0x5\r\nabcde\r\n0\r\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "5\r\nabcdefg\r\n0\r\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "-1\r\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "1;a\nb\r\nx\r\n0\r\n\r\n",
      // One reader may let the quotes go on over the line's end, another not.
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) +
          "1;a=\"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\"",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "1;a\rb\r\nx\r\n0\r\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "000000001\r\nx\r\n0\r\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "ffffffffffffffff1\r\nx\r\n0\r\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "\r\nx\r\n0\r\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "0\r\nX: y\n\r\n",
      web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"}) + "0\r\n\rX",
  };
  for (const std::string& bytes : ambiguous) {
    EXPECT_EQ(web_parsed(bytes), "400 close") << bytes;
    EXPECT_EQ(web_parsed_slowly(bytes), "400 close") << bytes;
  }
}

TEST(WebParser, ThereIsExactlyOneHost) {
  EXPECT_EQ(web_parsed(web_lines({"GET / HTTP/1.1"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"GET / HTTP/1.0", "X: 1"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"GET / HTTP/1.1", "Host: x", "Host: x"})), "400 close");
  for (const std::string host : {"", "a b", "user@x", "x/y", "x?", "x#", "\xE7\xAB\x99"}) {
    EXPECT_EQ(web_parsed(web_lines({"GET / HTTP/1.1", "Host: " + host})), "400 close") << host;
  }
  for (const std::string host : {"x", "x.example:8443", "[::1]:80", "10.0.0.1"}) {
    EXPECT_EQ(web_parsed(web_lines({"GET / HTTP/1.1", "Host: " + host})), "GET / []") << host;
  }
}

TEST(WebParser, WhatIsNoRequestIsRefusedWhenItArrives) {
  EXPECT_EQ(web_parsed(std::string("\x16\x03\x01\x02", 4)), "400 close");
  EXPECT_EQ(web_parsed("GET / HTTP/1.1\n"), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"GET  / HTTP/1.1", "Host: x"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"GET / HTTP/1.1 ", "Host: x"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"GET / HTTP/2.0", "Host: x"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"GET / http/1.1", "Host: x"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"GET /", "Host: x"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"G@T / HTTP/1.1", "Host: x"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({std::string(33, 'M') + " / HTTP/1.1", "Host: x"})), "400 close");
  EXPECT_EQ(web_parsed(web_lines({"GET / HTTP/1.1", "Host: x", "Expect: 200-maybe"})), "417 close");
}

TEST(WebParser, OneEmptyLineBeforeARequestIsLeftOut) {
  const std::string request = web_lines({"GET / HTTP/1.1", "Host: x"});
  EXPECT_EQ(web_parsed("\r\n" + request), "GET / []");
  EXPECT_EQ(web_parsed_slowly("\r\n" + request), "GET / []");
  EXPECT_EQ(web_parsed("\r\n\r\n" + request), "400 close");
}

TEST(WebParser, ATargetThatIsNoPathIsRefusedAndTheConnectionGoesOn) {
  for (const std::string target :
       {"http://x/", "x:443", "*", "/a/../b", "/%2e%2e/b", "/%00", "//", "/a\\b", "/a#b", "/%FF", "?a"}) {
    EXPECT_EQ(web_parsed(web_lines({"GET " + target + " HTTP/1.1", "Host: x"})), "400 keep") << target;
    EXPECT_EQ(web_parsed(web_lines({"POST " + target + " HTTP/1.1", "Host: x", "Content-Length: 1"}) + "x"),
              "400 close")
        << target;
  }
  WebParser parser(web_limits());
  const std::string good = web_lines({"GET /good HTTP/1.1", "Host: x"});
  EXPECT_EQ(web_outcome(parser, parser.feed(web_lines({"GET /../ HTTP/1.1", "Host: x"}) + good)), "400 keep");
  EXPECT_EQ(web_outcome(parser, parser.next()), "GET /good []");
}

TEST(WebParser, EveryLimitIsReachedAndNotPassed) {
  const auto target = [](std::size_t size) {
    return web_lines({"GET /" + std::string(size - 1, 'a') + " HTTP/1.1", "Host: x"});
  };
  EXPECT_EQ(web_parsed(target(100)), "GET /" + std::string(99, 'a') + " []");
  EXPECT_EQ(web_parsed(target(101)), "414 keep");
  EXPECT_EQ(web_parsed(target(500)), "414 close");
  EXPECT_EQ(web_parsed_slowly("GET /" + std::string(500, 'a')), "414 close");  // before its end has come

  const std::string frame = web_lines({"GET / HTTP/1.1", "Host: x", "X: "});
  const auto header = [&](std::size_t size) {
    return web_lines({"GET / HTTP/1.1", "Host: x", "X: " + std::string(size - frame.size(), 'a')});
  };
  EXPECT_EQ(web_parsed(header(1000)), "GET / []");
  EXPECT_EQ(web_parsed(header(1001)), "431 close");
  EXPECT_EQ(web_parsed_slowly(header(2000).substr(0, 1500)), "431 close");

  const auto body = [](std::size_t size) {
    return web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: " + std::to_string(size)}) +
           std::string(size, 'b');
  };
  EXPECT_EQ(web_parsed(body(50)), "POST / [" + std::string(50, 'b') + "]");
  EXPECT_EQ(web_parsed(body(51)), "413 close");
  const std::string chunked = web_lines({"POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"});
  const std::string chunk = "19\r\n" + std::string(25, 'c') + "\r\n";
  EXPECT_EQ(web_parsed(chunked + chunk + chunk + "0\r\n\r\n"), "POST / [" + std::string(50, 'c') + "]");
  EXPECT_EQ(web_parsed(chunked + chunk + chunk + "1\r\nd\r\n0\r\n\r\n"), "413 close");
  EXPECT_EQ(web_parsed(chunked + "1;" + std::string(1001, 'e')), "400 close");
  std::string extended = chunked;  // together they are too long, each is not
  for (int i = 0; i < 40; ++i) extended += "1;" + std::string(30, 'e') + "\r\nx\r\n";
  EXPECT_EQ(web_parsed(extended), "400 close");
  EXPECT_EQ(web_parsed(chunked + "0\r\nX: " + std::string(1001, 't')), "400 close");
}

TEST(WebParser, ManyHeaderLinesAreTooMany) {
  WebLimits limits;
  const auto parsed = [&](int lines) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 1; i < lines; ++i) bytes += "a:\r\n";
    WebParser parser(limits);
    return web_outcome(parser, parser.feed(bytes + "\r\n"));
  };
  EXPECT_EQ(parsed(128), "GET / []");
  EXPECT_EQ(parsed(129), "431 close");
}

TEST(WebParser, AClientThatWaitsIsToldOnceToContinue) {
  const std::string head = web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: 4", "Expect: 100-continue"});
  WebParser parser(web_limits());
  EXPECT_EQ(parser.feed(head), WebState::need_continue);
  EXPECT_EQ(parser.feed("bo"), WebState::need_more);
  EXPECT_EQ(web_outcome(parser, parser.feed("dy")), "POST / [body]");
  EXPECT_EQ(web_parsed(head + "b"), "more");  // it does not wait
  EXPECT_EQ(web_parsed(web_lines({"POST / HTTP/1.1", "Host: x", "Content-Length: 51", "Expect: 100-continue"})),
            "413 close");
  EXPECT_EQ(web_parsed(web_lines({"POST / HTTP/1.0", "Host: x", "Content-Length: 4", "Expect: 100-continue"})), "more");
}

TEST(WebParser, AConnectionIsKeptAsTheVersionSays) {
  const auto keeps = [](std::string_view version, std::string_view connection) {
    WebParser parser(web_limits());
    EXPECT_EQ(parser.feed(web_lines(
                  {"GET / HTTP/" + std::string(version), "Host: x", "Connection: " + std::string(connection)})),
              WebState::complete);
    return parser.keep_alive();
  };
  EXPECT_TRUE(keeps("1.1", "x"));
  EXPECT_FALSE(keeps("1.1", "close"));
  EXPECT_FALSE(keeps("1.0", "x"));
  EXPECT_TRUE(keeps("1.0", "Keep-Alive"));
}

}  // namespace
}  // namespace qc::platform
