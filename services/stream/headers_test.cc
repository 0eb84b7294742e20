#include <gtest/gtest.h>

#include <random>

#include "stream/log.h"

namespace qc::stream {
namespace {

TEST(Headers, ComeBackAsTheyWentIn) {
  const std::vector<Header> headers = {
      {"ce_id", "a1"}, {"", "no name"}, {"empty", ""}, {"long", std::string(100'000, 'x')}, {"ce_id", "second"}};
  const std::string bytes = encode_headers(headers);
  EXPECT_EQ(find_header(bytes, "ce_id"), "a1");  // the first of two
  EXPECT_EQ(find_header(bytes, ""), "no name");
  EXPECT_EQ(find_header(bytes, "empty"), "");
  EXPECT_EQ(find_header(bytes, "long"), std::string(100'000, 'x'));
  EXPECT_EQ(find_header(bytes, "absent"), std::nullopt);
  EXPECT_EQ(find_header("", "ce_id"), std::nullopt);
}

TEST(Headers, CutBytesReadAsNotThere) {
  const std::string bytes = encode_headers(std::vector<Header>{{"region", "510100"}, {"other", "value"}});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(find_header(std::string_view(bytes).substr(0, length), "other"), std::nullopt) << length;
  }
  EXPECT_EQ(find_header(bytes, "other"), "value");
}

TEST(Headers, GarbageNeverReadsOutsideTheBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 24, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const auto value = find_header(bytes, "\x01");
    if (!value) continue;
    EXPECT_GE(value->data(), bytes.data());
    EXPECT_LE(value->data() + value->size(), bytes.data() + bytes.size());
  }
  EXPECT_EQ(find_header(std::string(12, '\xFF'), "x"), std::nullopt);  // a length that never ends
}

TEST(TopicPartition, PrintsAsTopicAndNumber) {
  EXPECT_EQ(to_string(TopicPartition{"means", 0}), "means-0");
}

}  // namespace
}  // namespace qc::stream
