#include "platform/web_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/gunzip_testing.h"
#include "platform/log.h"

namespace qc::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

WebAsked web_get() {
  WebAsked asked;
  asked.get = asked.keep_alive = asked.gzip = true;
  return asked;
}

WebResponse web_json(std::size_t size, const std::string& etag = "") {
  WebResponse response;
  response.content_type = "application/json; charset=utf-8";
  response.body = std::make_shared<const std::string>(size, '1');
  if (!etag.empty()) response.headers.emplace_back("ETag", etag);
  return response;
}

TEST(WebAnswer, SaysItsLengthItsTypeAndItsDate) {
  WebResponse response = web_json(3);
  response.headers.emplace_back("X-Own", "1");
  const WebAnswer answer = make_answer(std::move(response), web_get(), 1024);
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  for (const char* line : {"\r\nServer: qingchuan\r\n", "\r\nContent-Type: application/json; charset=utf-8\r\n",
                           "\r\nContent-Length: 3\r\n", "\r\nX-Own: 1\r\n", "\r\nVary: Accept-Encoding\r\n"}) {
    EXPECT_THAT(answer.head, HasSubstr(line));
  }
  EXPECT_EQ(*answer.body, "111");
  EXPECT_TRUE(answer.keep_alive);
}

TEST(WebAnswer, DatesAreThoseOfHttp) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(WebAnswer, TextIsCompressedFromTheLimitOn) {
  const WebAnswer small = make_answer(web_json(1023), web_get(), 1024);
  EXPECT_THAT(small.head, Not(HasSubstr("Content-Encoding")));
  const WebAnswer large = make_answer(web_json(1024, "\"v1\""), web_get(), 1024);
  EXPECT_THAT(large.head, HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_THAT(large.head, HasSubstr("\r\nVary: Accept-Encoding\r\n"));
  EXPECT_THAT(large.head, HasSubstr("\r\nETag: W/\"v1\"\r\n"));
  EXPECT_THAT(large.head, HasSubstr("\r\nContent-Length: " + std::to_string(large.body->size()) + "\r\n"));
  EXPECT_LT(large.body->size(), 100U);
  EXPECT_EQ(gunzip(*large.body), std::string(1024, '1'));
}

TEST(WebAnswer, WhatTheClientOrTheTypeDoesNotTakeIsNotCompressed) {
  WebAsked plain = web_get();
  plain.gzip = false;
  EXPECT_THAT(make_answer(web_json(5000), plain, 1024).head, Not(HasSubstr("Content-Encoding")));
  EXPECT_THAT(make_answer(web_json(5000), plain, 1024).head, HasSubstr("Vary: Accept-Encoding"));
  WebResponse picture = web_json(5000);
  picture.content_type = "image/png";
  const WebAnswer sent = make_answer(picture, web_get(), 1024);
  EXPECT_THAT(sent.head, Not(HasSubstr("Content-Encoding")));
  EXPECT_THAT(sent.head, Not(HasSubstr("Vary")));
  WebResponse packed = web_json(5000);
  packed.headers.emplace_back("content-encoding", "zstd");
  EXPECT_THAT(make_answer(packed, web_get(), 1024).head, Not(HasSubstr("gzip")));
  WebResponse failed = web_json(5000);
  failed.status = 500;
  EXPECT_THAT(make_answer(failed, web_get(), 1024).head, Not(HasSubstr("gzip")));
  EXPECT_THAT(make_answer(web_json(5000), web_get(), 0).head, Not(HasSubstr("gzip")));
}

TEST(WebAnswer, AVaryOfTheHandlersIsAddedTo) {
  WebResponse response = web_json(5);
  response.headers.emplace_back("vary", "Origin");
  EXPECT_THAT(make_answer(response, web_get(), 1024).head, HasSubstr("\r\nvary: Origin, Accept-Encoding\r\n"));
}

TEST(WebAnswer, AKnownTagIsNotModified) {
  WebAsked asked = web_get();
  asked.if_none_match = "W/\"v1\"";
  const WebAnswer same = make_answer(web_json(2000, "\"v1\""), asked, 1024);
  EXPECT_THAT(same.head, StartsWith("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_THAT(same.head, HasSubstr("\r\nETag: W/\"v1\"\r\n"));
  EXPECT_THAT(same.head, HasSubstr("\r\nVary: Accept-Encoding\r\n"));
  EXPECT_THAT(same.head, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(same.body, nullptr);

  EXPECT_THAT(make_answer(web_json(10, "\"v2\""), asked, 1024).head, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(make_answer(web_json(10), asked, 1024).head, StartsWith("HTTP/1.1 200"));
  WebResponse failed = web_json(10, "\"v1\"");
  failed.status = 404;
  EXPECT_THAT(make_answer(failed, asked, 1024).head, StartsWith("HTTP/1.1 404"));
  asked.get = false;  // a POST
  EXPECT_THAT(make_answer(web_json(10, "\"v1\""), asked, 1024).head, StartsWith("HTTP/1.1 200"));
}

TEST(WebAnswer, HeadAndNoContentHaveNoBody) {
  WebAsked head = web_get();
  head.head = true;
  const WebAnswer answer = make_answer(web_json(7), head, 1024);
  EXPECT_THAT(answer.head, HasSubstr("\r\nContent-Length: 7\r\n"));
  EXPECT_EQ(answer.body, nullptr);
  WebResponse none = web_json(7);
  none.status = 204;
  const WebAnswer empty = make_answer(none, web_get(), 1024);
  EXPECT_THAT(empty.head, Not(HasSubstr("Content-")));
  EXPECT_EQ(empty.body, nullptr);
}

TEST(WebAnswer, AHeaderWithALineBreakIsNotSentAndItsValueNotTold) {
  std::vector<std::string> lines;
  const LogCapture capture([&](std::string_view line) { lines.emplace_back(line); });
  WebResponse response = web_json(7);
  response.headers.emplace_back("X-Secret", "key\r\nSet-Cookie: a=b");
  const WebAnswer answer = make_answer(response, web_get(), 1024);
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer.head, Not(HasSubstr("Cookie")));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("wrong=X-Secret")));
  EXPECT_THAT(lines[0], Not(HasSubstr("key")));
  WebResponse odd = web_json(7);
  odd.status = 42;
  EXPECT_THAT(make_answer(odd, web_get(), 1024).head, StartsWith("HTTP/1.1 500 "));
}

TEST(WebAnswer, WhatIsTheServersOwnIsNotTheHandlers) {
  WebResponse response = web_json(7);
  response.headers.emplace_back("Content-Length", "99");
  response.headers.emplace_back("transfer-encoding", "chunked");
  response.headers.emplace_back("Connection", "upgrade");
  const WebAnswer answer = make_answer(response, web_get(), 1024);
  EXPECT_THAT(answer.head, Not(HasSubstr("99")));
  EXPECT_THAT(answer.head, Not(HasSubstr("chunked")));
  EXPECT_THAT(answer.head, Not(HasSubstr("upgrade")));
}

TEST(WebAnswer, TheHeadEndsAsTheVersionSays) {
  std::string head;
  finish_head(head, 11, true);
  EXPECT_EQ(head, "\r\n");
  head.clear();
  finish_head(head, 10, true);
  EXPECT_EQ(head, "Connection: keep-alive\r\n\r\n");
  head.clear();
  finish_head(head, 11, false);
  EXPECT_EQ(head, "Connection: close\r\n\r\n");
}

}  // namespace
}  // namespace qc::platform
