#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "qingchuan/v1/input.pb.h"
#include "wire/codec.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Factor;
using core::Unit;

constexpr std::int64_t kStart = 1'449'532'800'000;

void begin(BatchBuilder& builder) {
  builder.begin("S1", core::receive_time(kStart + 1), 0, core::Source::Minute, core::event_time(kStart),
                std::chrono::minutes(1));
}

v1::ReadingBatch message(const std::string& bytes) {
  v1::Input input;
  EXPECT_TRUE(input.ParseFromString(bytes));
  return input.batch();
}

TEST(BatchBuilder, PacksRowsIntoColumnsWithTheFewestDecimals) {
  BatchBuilder builder;
  begin(builder);
  builder.add(0, Factor::PM25, Unit::UgM3, {3500, 2});  // 35.00
  builder.add(0, Factor::CO, Unit::MgM3, {8, 1});
  builder.add(1, Factor::PM25, Unit::UgM3, {361, 1});
  EXPECT_EQ(builder.readings(), 3u);
  const auto batch = message(builder.finish());
  EXPECT_EQ(batch.site(), "S1");
  EXPECT_EQ(batch.step_s(), 60);
  ASSERT_EQ(batch.columns_size(), 2);
  EXPECT_EQ(batch.columns(0).factor(), v1::PM2_5);
  EXPECT_EQ(batch.columns(0).decimals(), 1);
  EXPECT_EQ(batch.columns(0).values(0), 350);
  EXPECT_EQ(batch.columns(0).values(1), 361);
  EXPECT_TRUE(batch.columns(0).flags().empty());  // all N: no flags
  EXPECT_EQ(batch.columns(1).values_size(), 1);
}

TEST(BatchBuilder, RowsLeftOutAreMissingAndFlagsAreKept) {
  BatchBuilder builder;
  begin(builder);
  builder.add(3, Factor::O3, Unit::UgM3, {7, 0}, *core::parse_flag('D'));
  builder.add(1, Factor::O3, Unit::UgM3, {5, 0});
  const auto batch = message(builder.finish());
  ASSERT_EQ(batch.columns_size(), 1);
  EXPECT_EQ(batch.columns(0).flags(), "-N-D");
}

TEST(BatchBuilder, ASecondValueForTheSameRowIsKept) {
  BatchBuilder builder;
  begin(builder);
  builder.add(0, Factor::O3, Unit::UgM3, {5, 0});
  builder.add(0, Factor::O3, Unit::UgM3, {6, 0});
  InputDecoder decoder;
  const auto decoded = decoder.decode(builder.finish());
  const auto& batch = *std::get<const core::ReadingBatch*>(decoded);
  ASSERT_EQ(batch.columns.size(), 2u);
  EXPECT_EQ(batch.values[0].pg, 5'000'000);
  EXPECT_EQ(batch.values[1].pg, 6'000'000);
}

TEST(BatchBuilder, ValuesThatDontShareAColumnGetOneEach) {
  BatchBuilder builder;
  begin(builder);
  builder.add(0, Factor::O3, Unit::UgM3, {std::numeric_limits<std::int64_t>::max(), 0});
  builder.add(1, Factor::O3, Unit::UgM3, {1, 9});
  const auto batch = message(builder.finish());
  ASSERT_EQ(batch.columns_size(), 2);
  EXPECT_EQ(batch.columns(0).decimals(), 9);
  EXPECT_EQ(batch.columns(0).flags(), "-N");
  EXPECT_EQ(batch.columns(1).values(0), std::numeric_limits<std::int64_t>::max());
}

TEST(BatchBuilder, IsReusedWithoutATraceOfThePacketBefore) {
  BatchBuilder builder;
  begin(builder);
  builder.add(0, Factor::O3, Unit::UgM3, {5, 0});
  const std::string first = builder.finish();
  begin(builder);
  builder.add(4, Factor::SO2, Unit::UgM3, {9, 3});
  builder.finish();
  begin(builder);
  builder.add(0, Factor::O3, Unit::UgM3, {5, 0});
  EXPECT_EQ(builder.finish(), first);
}

// Whatever is put in comes out as core::scaled reads it.
TEST(BatchBuilder, AnyValuesComeBackExactly) {
  std::mt19937_64 random(7);
  constexpr std::array<Unit, 3> kUnits = {Unit::UgM3, Unit::MgM3, Unit::NgM3};
  InputDecoder decoder;
  BatchBuilder builder;
  for (int round = 0; round < 2000; ++round) {
    begin(builder);
    const Unit unit = kUnits[random() % kUnits.size()];
    const std::size_t rows = 1 + random() % 20;
    std::vector<std::optional<core::Concentration>> expected;
    for (std::size_t row = 0; row < rows; ++row) {
      const int decimals = static_cast<int>(random() % 19);
      const auto mantissa = static_cast<std::int64_t>(random() >> (1 + random() % 62));
      builder.add(row, Factor::PM10, unit, {mantissa, decimals});
      const auto value = core::scaled(mantissa, decimals, unit);
      expected.push_back(value && value->pg <= core::kConcentrationMax ? value : std::nullopt);
    }
    const std::string bytes = builder.finish();
    const auto decoded = decoder.decode(bytes);
    const auto& batch = *std::get<const core::ReadingBatch*>(decoded);
    std::vector<std::optional<core::Concentration>> got(rows);
    for (const auto& column : batch.columns) {
      for (std::uint32_t i = 0; i < column.count; ++i) {
        if (batch.flags[column.first + i] != core::Flag::Missing) got[i] = batch.values[column.first + i];
      }
    }
    ASSERT_EQ(got, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace qc::wire
