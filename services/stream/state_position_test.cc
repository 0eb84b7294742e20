#include "stream/state_position.h"

#include <gtest/gtest.h>

namespace qc::stream {
namespace {

TEST(StatePosition, ComesBackAsItWas) {
  const Positions positions{{"events", 0}, {"means", 127}, {"readings", 1'234'567'890'123}};
  EXPECT_EQ(decode_positions(encode_positions(positions)).value(), positions);
  EXPECT_EQ(decode_positions(encode_positions({})).value(), Positions{});
}

TEST(StatePosition, HasTheBytesThatTheFormatSays) {
  EXPECT_EQ(encode_positions({{"in", 300}}), std::string("\x01\x01\x02in\xac\x02", 7));
}

TEST(StatePosition, OfAnotherVersionIsRefusedAsSuch) {
  EXPECT_EQ(decode_positions(std::string("\x02\x00", 2)).error().code, Errc::state_version);
}

TEST(StatePosition, EveryTruncationAndAnyTailIsCorrupt) {
  const std::string whole = encode_positions({{"in", 300}, {"in2", 5}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(decode_positions(std::string_view(whole).substr(0, size)).error().code, Errc::state_corrupt) << size;
  }
  EXPECT_EQ(decode_positions(whole + "x").error().code, Errc::state_corrupt);
  EXPECT_EQ(decode_positions(std::string("\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12)).error().code,
            Errc::state_corrupt);
}

}  // namespace
}  // namespace qc::stream
