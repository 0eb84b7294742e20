#include "stream/partition.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace qc::stream {
namespace {

TEST(Murmur2, AgreesWithKafkasJavaClient) {  // the vectors of Kafka's own UtilsTest
  const auto as_java = [](std::string_view text) { return static_cast<std::int32_t>(murmur2(text)); };
  EXPECT_EQ(as_java("21"), -973932308);
  EXPECT_EQ(as_java("foobar"), -790332482);
  EXPECT_EQ(as_java("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(as_java("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(as_java("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(as_java("abc"), 479470107);
}

TEST(Murmur2, ReadsBytesAboveAsciiAsUnsigned) {
  const std::string region = "\xE6\x88\x90\xE9\x83\xBD\xFF";  // a length of every remainder is reached below
  for (std::size_t length = 0; length <= region.size(); ++length) {
    const int partition = partition_of(std::string_view(region).substr(0, length), 7);
    EXPECT_GE(partition, 0);
    EXPECT_LT(partition, 7);
  }
}

TEST(PartitionOf, IgnoresTheSignAsJavasToPositive) {
  // toPositive(-973932308) = 1173551340
  EXPECT_EQ(partition_of("21", 10), 1173551340 % 10);
  EXPECT_EQ(partition_of("21", 1), 0);
}

TEST(PartitionOf, SpreadsKeys) {
  std::map<int, int> count;
  for (int i = 0; i < 8000; ++i) ++count[partition_of("site-" + std::to_string(i), 8)];
  ASSERT_EQ(count.size(), 8U);
  for (const auto& [partition, n] : count) EXPECT_NEAR(n, 1000, 150) << partition;
}

}  // namespace
}  // namespace qc::stream
