// A packet read without a message between is what protobuf makes of it, over packets of every kind and over bytes that
// are almost one. The fuzzer does the same without end.
#include "wire/packet.h"

#include <gtest/gtest.h>

#include <random>

#include "wire/codec.h"
#include "wire/packet_testing.h"
#include "wire/wire_format.h"

namespace qc::wire {
namespace {

using Random = std::mt19937_64;

std::int64_t below(Random& random, std::int64_t n) {
  return std::uniform_int_distribution<std::int64_t>(0, n - 1)(random);
}

// A record of `readings`, as a door makes it.
std::string packet(Random& random) {
  static constexpr core::Factor kFactors[] = {core::Factor::PM25, core::Factor::PM10, core::Factor::O3,
                                              core::Factor::NO2,  core::Factor::CO,   core::Factor::SO2};
  static constexpr char kFlags[] = "NNNNNNFMSDCTB";
  BatchBuilder builder;
  const bool realtime = below(random, 4) == 0;
  const std::int64_t start = 1'449'532'800'000 + below(random, 100'000) * 60'000 + (realtime ? 5'000 : 0);
  const std::string name = below(random, 3) == 0 ? "\u5409\u6797" : "S" + std::to_string(below(random, 2000));
  builder.begin(name, core::receive_time(start + 61'000), below(random, 2) * (start + 60'000),
                realtime ? core::Source::Realtime : core::Source::Minute, core::event_time(start),
                std::chrono::seconds(realtime ? 5 : 60));
  const auto rows = static_cast<std::size_t>(1 + below(random, 70));
  for (const core::Factor factor : kFactors) {
    const core::Unit unit = factor == core::Factor::CO ? core::Unit::MgM3 : core::Unit::UgM3;
    const bool flagged = below(random, 3) == 0;
    for (std::size_t row = 0; row < rows; ++row) {
      if (below(random, 20) == 0) continue;
      const auto letter = kFlags[static_cast<std::size_t>(flagged ? below(random, sizeof kFlags - 1) : 0)];
      builder.add(row, factor, unit, {below(random, 900), static_cast<int>(below(random, 8))},
                  *core::parse_flag(letter));
    }
  }
  return builder.finish();
}

bool plain(std::string_view record, core::ReadingBatch& batch) {
  const auto field = only_field(record);
  return field && field->number == 1 && read_plain_packet(field->content, {}, batch);
}

TEST(PlainPacket, IsWhatProtobufMakesOfIt) {
  Random random(1);
  InputDecoder protobuf;
  core::ReadingBatch batch;
  for (int i = 0; i < 2000; ++i) {
    const std::string record = packet(random);
    ASSERT_TRUE(plain(record, batch)) << "a door's packet is to take the short way";
    const Decoded decoded = protobuf.decode(with_unknown_field(only_field(record)->content));
    ASSERT_TRUE(std::holds_alternative<const core::ReadingBatch*>(decoded));
    ASSERT_TRUE(same(batch, *std::get<const core::ReadingBatch*>(decoded)));
  }
}

TEST(PlainPacket, BytesThatAreAlmostOneAreTakenOnlyWhereProtobufTakesThemToo) {
  Random random(2);
  InputDecoder protobuf;
  core::ReadingBatch batch;
  int taken = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string record = packet(random);
    std::string content(only_field(record)->content);
    for (int k = 0; k <= below(random, 3); ++k) {
      const auto at = static_cast<std::size_t>(below(random, static_cast<std::int64_t>(content.size())));
      const auto byte = static_cast<char>(below(random, 256));
      switch (below(random, 4)) {
        case 0:
          content[at] = byte;
          break;
        case 1:
          content.insert(at, 1, byte);
          break;
        case 2:
          content.erase(at, 1);
          break;
        default:
          content.insert(at, content.substr(0, static_cast<std::size_t>(below(random, 30))));
          break;
      }
      if (content.empty()) content = "x";
    }
    if (!read_plain_packet(content, {}, batch)) continue;
    ++taken;
    const Decoded decoded = protobuf.decode(with_unknown_field(content));
    ASSERT_TRUE(std::holds_alternative<const core::ReadingBatch*>(decoded)) << i;
    ASSERT_TRUE(same(batch, *std::get<const core::ReadingBatch*>(decoded))) << i;
  }
  EXPECT_GT(taken, 1000);
}

TEST(PlainPacket, MoreReadingsThanAPacketMayHaveAreNotTaken) {
  Random random(3);
  core::ReadingBatch batch;
  const std::string record = packet(random);
  ASSERT_TRUE(plain(record, batch));
  DecodeLimits limits;
  limits.batch_readings_max = batch.values.size() - 1;
  EXPECT_FALSE(read_plain_packet(only_field(record)->content, limits, batch));
  limits.batch_readings_max = batch.values.size();
  EXPECT_TRUE(read_plain_packet(only_field(record)->content, limits, batch));
}

}  // namespace
}  // namespace qc::wire
