#include "platform/web_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qc::platform {
namespace {

using testing::ElementsAre;
using testing::Optional;
using testing::Pair;
using WebPairs = std::vector<std::pair<std::string, std::string>>;

std::string every_byte_but_nul() {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  return all;
}

TEST(WebText, PercentCodingGivesBackWhatItTook) {
  EXPECT_EQ(percent_decode(percent_encode(every_byte_but_nul()), false), every_byte_but_nul());
  EXPECT_EQ(percent_encode("站 a/b~"), "%E7%AB%99%20a%2Fb~");
  EXPECT_EQ(percent_decode("a+b%2b", true), "a b+");
  EXPECT_EQ(percent_decode("a+b", false), "a+b");
}

TEST(WebText, EncodingLeavesOnlyWhatNeedsNoEscape) {
  EXPECT_EQ(percent_encode("a-Z_0.9~"), "a-Z_0.9~");
  EXPECT_EQ(percent_encode("a+b/c=d e&\xe6"), "a%2Bb%2Fc%3Dd%20e%26%E6");
}

TEST(WebText, APercentSignWithoutTwoDigitsIsRefused) {
  for (const std::string_view text : {"%", "%4", "a%4", "%zz", "%4g", "%%41", "%00", "a%00b"}) {
    EXPECT_FALSE(percent_decode(text, false)) << text;
  }
  EXPECT_FALSE(percent_decode(std::string_view("a\0b", 3), false));
}

TEST(WebText, APathIsDecodedOnce) {
  EXPECT_EQ(decode_path("/"), "/");
  EXPECT_EQ(decode_path("/api/v1/alerts"), "/api/v1/alerts");
  EXPECT_EQ(decode_path("/a/"), "/a/");
  EXPECT_EQ(decode_path("/%E7%AB%99"), "/站");
  EXPECT_EQ(decode_path("/%252e"), "/%2e");
  EXPECT_EQ(decode_path("/a%2Fb"), "/a/b");
  EXPECT_EQ(decode_path("/.well-known/...x"), "/.well-known/...x");
}

TEST(WebText, APathThatLeadsElsewhereIsRefused) {
  for (const std::string_view path :
       {"",      "a",      "*",       "http://host/", "//",        "//host",  "/a//b",       "/a//",       "/.",
        "/..",   "/./a",   "/a/../b", "/a/..",        "/%2e%2e/b", "/%2E./b", "/a%2F..%2Fb", "/a%2f%2fb",  "/%2Fa",
        "/a\\b", "/a%5Cb", "/a%0Ab",  "/a%7Fb",       "/a%00b",    "/a\tb",   "/%FF",        "/%ED%A0%80", "/a%"}) {
    EXPECT_FALSE(decode_path(path)) << path;
    EXPECT_FALSE(path_parts(path)) << path;
  }
}

TEST(WebText, AnEncodedSlashIsRefusedWhereItIsNotWanted) {
  EXPECT_FALSE(decode_path("/a%2Fb", false));
  EXPECT_EQ(decode_path("/a/b", false), "/a/b");
}

TEST(WebText, PartsKeepAnEncodedSlash) {
  EXPECT_THAT(path_parts("/sites/a%2Fb"), Optional(ElementsAre("sites", "a/b")));
  EXPECT_THAT(path_parts("/a/"), Optional(ElementsAre("a", "")));
  EXPECT_THAT(path_parts("/"), Optional(ElementsAre("")));
}

TEST(WebText, AQueryIsReadInItsOrder) {
  EXPECT_THAT(parse_query("b=x%20y&a=1+2&c"), Optional(ElementsAre(Pair("b", "x y"), Pair("a", "1 2"), Pair("c", ""))));
  EXPECT_THAT(parse_query("a=b=c&&"), Optional(ElementsAre(Pair("a", "b=c"))));
  EXPECT_THAT(parse_query(""), Optional(WebPairs{}));
}

TEST(WebText, ANameMayComeTwiceWhereThatWasSaid) {
  EXPECT_FALSE(parse_query("a=1&a=2"));
  EXPECT_FALSE(parse_query("a=1&%61=2"));
  EXPECT_THAT(parse_query("a=1&b=3&a=2", {"a"}), Optional(ElementsAre(Pair("a", "1"), Pair("b", "3"), Pair("a", "2"))));
}

TEST(WebText, AQueryBeyondItsLimitOrMalformedIsRefused) {
  std::string query = "n0";
  for (int i = 1; i < 64; ++i) query += "&n" + std::to_string(i);
  ASSERT_TRUE(parse_query(query));
  EXPECT_EQ(parse_query(query)->size(), 64U);
  EXPECT_FALSE(parse_query(query + "&more"));
  for (const std::string_view bad : {"=1", "a=%", "%=1", "a=%FF", "%C0%80=1", "a=%00"}) {
    EXPECT_FALSE(parse_query(bad)) << bad;
  }
}

TEST(WebText, ACookieIsFoundAmongOthers) {
  EXPECT_EQ(cookie_value("a=1; session=xyz; b=2", "session"), "xyz");
  EXPECT_EQ(cookie_value("session=\"xyz\"", "session"), "xyz");
  EXPECT_EQ(cookie_value("session=", "session"), "");
  EXPECT_EQ(cookie_value("session=a=b", "session"), "a=b");
  EXPECT_EQ(cookie_value("other={\"x\", 1}; session=1", "session"), "1");
}

TEST(WebText, ACookieThatIsMissingDoubleOrMalformedIsNone) {
  for (const std::string_view header : {"", "session", "xsession=1", "sessionx=1", "Session=1", "session=1; session=1",
                                        "session=a b", "session=a\\b", "session=a,b", "session=\"a", "session=\x80"}) {
    EXPECT_FALSE(cookie_value(header, "session")) << header;
  }
}

TEST(WebText, GzipIsTakenWhereTheClientSaysSo) {
  for (const std::string_view header : {"gzip", "deflate, gzip;q=0.5", "GZIP", "x-gzip", "*", "br, *;q=0.1",
                                        "gzip ; q=1.000", ",,gzip", "gzip;q=0.001"}) {
    EXPECT_TRUE(accepts_gzip(header)) << header;
  }
  for (const std::string_view header : {"", "identity", "gzip;q=0", "gzip;q=0.000", "*, gzip;q=0", "*;q=0", "gzip;q=2",
                                        "gzip;q=", "gzip;x=1", "gzip;q=0.0001", "gzipx", "gzip;q=1.5"}) {
    EXPECT_FALSE(accepts_gzip(header)) << header;
  }
}

TEST(WebText, EntityTagsAreComparedWeakly) {
  for (const std::string_view header :
       {"\"a\"", "W/\"a\"", "\"b\", \"a\"", "*", "\"b\",W/\"a\" , \"c\"", ", \"a\"", "\"x,y\", \"a\""}) {
    EXPECT_TRUE(matches_etag(header, "\"a\"")) << header;
    EXPECT_TRUE(matches_etag(header, "W/\"a\"")) << header;
  }
  for (const std::string_view header :
       {"", "a", "\"b\"", "\"a", "\"a\" \"b\"", "w/\"a\"", "\"A\"", "\"a\"x", "*, \"a\""}) {
    EXPECT_FALSE(matches_etag(header, "\"a\"")) << header;
  }
  EXPECT_FALSE(matches_etag("*", "not a tag"));
}

TEST(WebText, AMediaTypeIsWithoutItsParameters) {
  EXPECT_EQ(media_type("application/json; charset=utf-8"), "application/json");
  EXPECT_EQ(media_type(" text/html "), "text/html");
  EXPECT_EQ(media_type(""), "");
}

TEST(WebText, Utf8IsStrict) {
  EXPECT_TRUE(is_utf8("a\xC2\x80站\xF4\x8F\xBF\xBF"));
  for (const std::string_view bytes :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xE7\xAB", "\xE7", "\xE7\x41\x80"}) {
    EXPECT_FALSE(is_utf8(bytes)) << percent_encode(bytes);
  }
}

TEST(WebText, ATokenHasNoBlanksAndNoSeparators) {
  EXPECT_TRUE(is_token("X-Header_1!"));
  for (const std::string_view text : {"", "a b", "a:", "a\t", "\xC3\xA4", "a/b", "(a)"}) EXPECT_FALSE(is_token(text));
}

}  // namespace
}  // namespace qc::platform
