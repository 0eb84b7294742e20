#include "core/hour.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

namespace qc::core {
namespace {

constexpr int kValid = 45 * 60;

void fill(HourSlots& hour, Source source, int step_s, int rows, int column, Concentration value) {
  for (int row = 0; row < rows; ++row) {
    ASSERT_TRUE(hour.store(source, step_s, row, column, Slot::of(1000, value, Flag::Normal)));
  }
}

std::string bytes_of(const HourSlots& hour) {
  std::string bytes;
  ByteWriter out(bytes);
  hour.write(out);
  return bytes;
}

HourSlots from_bytes(const std::string& bytes) {
  HourSlots hour;
  ByteReader in(bytes);
  EXPECT_TRUE(hour.read(in));
  EXPECT_TRUE(in.done());
  return hour;
}

TEST(Slot, TheLaterStampWinsThenTheGreaterValueThenTheFlag) {
  const Slot early = Slot::of(1, ug(9), Flag::Normal);
  const Slot late = Slot::of(2, ug(1), Flag::Normal);
  EXPECT_TRUE(late.beats(early));
  EXPECT_FALSE(early.beats(late));
  EXPECT_TRUE(Slot::of(2, ug(2), Flag::Normal).beats(late));
  EXPECT_TRUE(Slot::of(2, ug(1), Flag::Fault).beats(late));
  EXPECT_FALSE(late.beats(late));
}

TEST(Slot, AStampThatIsNoTimeCountsAsNone) {
  EXPECT_EQ(Slot::of(-5, ug(1), Flag::Normal).stamp(), 0U);
  EXPECT_EQ(Slot::of(std::numeric_limits<std::int64_t>::max(), ug(1), Flag::Normal).stamp(), Slot::kStampMax);
  EXPECT_EQ(Slot::of(0, ug(1), Flag::OverRange).flag(), Flag::OverRange);
}

TEST(HourSlots, TheMeanIsExactAndRoundedOnceHalfToEven) {
  HourSlots hour;
  hour.store(Source::Minute, 60, 0, 0, Slot::of(1, {1}, Flag::Normal));
  hour.store(Source::Minute, 60, 1, 0, Slot::of(1, {2}, Flag::Normal));
  EXPECT_EQ(hour.value(0, kValid, 60).mean().pg, 2);  // 1.5
  hour.store(Source::Minute, 60, 2, 0, Slot::of(1, {0}, Flag::Normal));
  hour.store(Source::Minute, 60, 3, 0, Slot::of(1, {7}, Flag::Normal));
  const HourValue value = hour.value(0, kValid, 60);
  EXPECT_EQ(value.mean().pg, 2);  // 2.5
  EXPECT_EQ(value.sums.sum_pg, 10);
  EXPECT_EQ(value.sums.min_pg, 0);
  EXPECT_EQ(value.sums.max_pg, 7);
  EXPECT_EQ(value.sums.count, 4);
  EXPECT_EQ(value.expected, 60);
}

TEST(HourSlots, FortyFiveMinutesMakeAValidHourOnEveryGrid) {
  for (const auto& [step_s, enough] : {std::pair{5, 540}, {60, 45}, {300, 9}}) {
    HourSlots hour;
    fill(hour, Source::Minute, step_s, enough - 1, 0, ug(10));
    EXPECT_FALSE(hour.value(0, kValid, step_s).valid) << step_s;
    hour.store(Source::Minute, step_s, enough - 1, 0, Slot::of(1, ug(10), Flag::Normal));
    EXPECT_TRUE(hour.value(0, kValid, step_s).valid) << step_s;
  }
}

TEST(HourSlots, AFlaggedValueTakesItsSlotAndCountsForNothing) {
  HourSlots hour;
  fill(hour, Source::Minute, 60, 45, 0, ug(10));
  EXPECT_EQ(hour.store(Source::Minute, 60, 0, 0, Slot::of(2000, ug(10), Flag::Maintenance)), Stored::Replaced);
  EXPECT_EQ(hour.value(0, kValid, 60).sums.count, 44);
  EXPECT_FALSE(hour.value(0, kValid, 60).valid);
}

TEST(HourSlots, TheHighestValidKindMakesTheHourAndKindsNeverMix) {
  HourSlots hour;
  fill(hour, Source::Realtime, 60, 60, 0, ug(10));
  fill(hour, Source::Minute, 60, 44, 0, ug(20));
  EXPECT_EQ(hour.value(0, kValid, 60).source, Source::Realtime) << "44 minutes are no valid hour";
  hour.store(Source::Minute, 60, 44, 0, Slot::of(1, ug(20), Flag::Normal));
  HourValue value = hour.value(0, kValid, 60);
  EXPECT_EQ(value.source, Source::Minute);
  EXPECT_EQ(value.mean(), ug(20));
  EXPECT_EQ(value.sums.count, 45);
  hour.store(Source::Hour, 3600, 0, 0, Slot::of(1, ug(30), Flag::Broken));
  EXPECT_EQ(hour.value(0, kValid, 60).source, Source::Minute) << "a flagged hour value is not valid";
  hour.store(Source::Hour, 3600, 0, 0, Slot::of(2, ug(30), Flag::Normal));
  value = hour.value(0, kValid, 60);
  EXPECT_EQ(value.source, Source::Hour);
  EXPECT_EQ(value.mean(), ug(30));
  EXPECT_EQ(value.expected, 1);
}

TEST(HourSlots, WhereNoKindIsValidTheOneThatCoversMostIsShown) {
  HourSlots hour;
  fill(hour, Source::Minute, 60, 10, 0, ug(20));
  fill(hour, Source::Realtime, 60, 30, 0, ug(10));
  const HourValue value = hour.value(0, kValid, 60);
  EXPECT_FALSE(value.valid);
  EXPECT_EQ(value.source, Source::Realtime);
  EXPECT_EQ(value.sums.count, 30);
}

TEST(HourSlots, ASeriesWithoutAnythingExpectsItsGrid) {
  const HourSlots hour;
  EXPECT_EQ(hour.value(3, kValid, 300).expected, 12);
  EXPECT_EQ(hour.value(3, kValid, 300).source, Source::None);
  EXPECT_EQ(hour.value(3, kValid, 300).mean().pg, 0);
}

TEST(HourSlots, AnAmendmentBeatsEverythingUntilItIsTakenBack) {
  HourSlots hour;
  fill(hour, Source::Minute, 60, 60, 0, ug(20));
  fill(hour, Source::Minute, 60, 60, 1, ug(7));
  hour.amend(0, Slot::of(0, ug(5), Flag::Normal));
  EXPECT_EQ(hour.value(0, kValid, 60).mean(), ug(5));
  EXPECT_EQ(hour.value(0, kValid, 60).source, Source::Amended);
  hour.amend(0, Slot::of(0, {}, Flag::Fault));
  EXPECT_FALSE(hour.value(0, kValid, 60).valid);
  EXPECT_EQ(hour.value(0, kValid, 60).sums.count, 0);
  EXPECT_EQ(hour.value(1, kValid, 60).mean(), ug(7)) << "the neighbour is untouched";
  hour.restore(0);
  EXPECT_EQ(hour.value(0, kValid, 60).mean(), ug(20));
}

TEST(HourSlots, AnySequenceOfTheSameReadingsGivesTheSameHour) {
  std::mt19937_64 random(7);
  std::vector<std::tuple<Source, int, int, int, Slot>> readings;
  for (int i = 0; i < 400; ++i) {
    const auto source = static_cast<Source>(1 + random() % 3);
    const int step_s = source == Source::Hour ? 3600 : random() % 2 == 0 ? 60 : 300;
    const auto row = static_cast<int>(random() % static_cast<std::uint64_t>(3600 / step_s));
    const auto flag = random() % 8 == 0 ? Flag::Fault : Flag::Normal;
    readings.emplace_back(
        source, step_s, row, static_cast<int>(random() % 11),
        Slot::of(static_cast<std::int64_t>(random() % 3), ug(static_cast<std::int64_t>(random() % 4)), flag));
  }
  std::vector<HourValue> expected;
  for (int round = 0; round < 20; ++round) {
    HourSlots hour;
    for (const auto& [source, step_s, row, column, slot] : readings) hour.store(source, step_s, row, column, slot);
    for (int c = 0; c < 11; ++c) {
      if (round == 0) {
        expected.push_back(hour.value(c, kValid, 60));
      } else {
        ASSERT_EQ(hour.value(c, kValid, 60), expected[static_cast<std::size_t>(c)]) << "round " << round;
      }
    }
    std::shuffle(readings.begin(), readings.end(), random);
  }
}

TEST(HourSlots, ASealedHourKeepsItsValueTakesNoMinutesAndStillTakesAnHourValue) {
  HourSlots hour;
  fill(hour, Source::Minute, 60, 50, 0, ug(20));
  const HourValue before = hour.value(0, kValid, 60);
  const std::size_t open = hour.bytes();
  hour.seal();
  EXPECT_LT(hour.bytes() * 3, open);
  EXPECT_EQ(hour.value(0, kValid, 60), before);
  EXPECT_EQ(hour.store(Source::Minute, 60, 55, 0, Slot::of(9, ug(1), Flag::Normal)), std::nullopt);
  EXPECT_EQ(hour.store(Source::Realtime, 5, 0, 0, Slot::of(9, ug(1), Flag::Normal)), std::nullopt)
      << "of a kind that it has not seen, too";
  EXPECT_EQ(hour.store(Source::Minute, 60, 0, 9, Slot::of(9, ug(1), Flag::Normal)), std::nullopt) << "of a new factor";
  EXPECT_EQ(hour.value(0, kValid, 60), before);
  EXPECT_EQ(hour.store(Source::Hour, 3600, 0, 0, Slot::of(1, ug(3), Flag::Normal)), Stored::First);
  EXPECT_EQ(hour.value(0, kValid, 60).source, Source::Hour);
}

TEST(HourSlots, BytesGiveBackTheSameHourOpenAndSealed) {
  HourSlots hour;
  fill(hour, Source::Minute, 60, 50, 0, {12'300'000});
  fill(hour, Source::Realtime, 5, 700, 8, {1});
  hour.store(Source::Minute, 60, 59, 2, Slot::of(1'700'000'000'123, {kConcentrationMax}, Flag::Broken));
  hour.store(Source::Hour, 3600, 0, 1, Slot::of(0, {}, Flag::Normal));
  hour.amend(3, Slot::of(0, ug(4), Flag::Normal));
  hour.note_offset(77);
  for (int round = 0; round < 2; ++round) {
    const HourSlots again = from_bytes(bytes_of(hour));
    EXPECT_EQ(bytes_of(again), bytes_of(hour));
    EXPECT_EQ(again.first_offset(), 77);
    EXPECT_EQ(again.sealed(), hour.sealed());
    for (int c = 0; c < 12; ++c) EXPECT_EQ(again.value(c, kValid, 60), hour.value(c, kValid, 60)) << c;
    hour.seal();
  }
}

TEST(HourSlots, AMinuteOfOneFactorTakesAFewBytes) {
  HourSlots hour;
  for (int row = 0; row < 60; ++row) {
    hour.store(Source::Minute, 60, row, 0, Slot::of(1'448'900'000'000 + row * 60'000, ug(100 + row % 7), Flag::Normal));
  }
  EXPECT_LT(bytes_of(hour).size(), 60U * 4U);
}

TEST(HourSlots, BrokenBytesAreRefusedOrAWholeHour) {
  HourSlots hour;
  fill(hour, Source::Minute, 60, 50, 0, ug(20));
  fill(hour, Source::Hour, 3600, 1, 2, ug(20));
  hour.amend(1, Slot::of(0, ug(5), Flag::Normal));
  HourSlots sealed = hour;
  sealed.seal();
  std::mt19937_64 random(3);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = bytes_of(round % 2 == 0 ? hour : sealed);
    for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (round % 5 == 0) bytes.resize(random() % bytes.size());
    HourSlots broken;
    ByteReader in(bytes);
    if (!broken.read(in)) {
      ++refused;
      continue;
    }
    for (int c = 0; c < 9; ++c) broken.value(c, kValid, 60);
    broken.store(Source::Hour, 3600, 0, 3, Slot::of(1, ug(1), Flag::Normal));
    broken.store(Source::Minute, 60, 59, 7, Slot::of(1, ug(1), Flag::Normal));
    broken.amend(12, Slot::of(0, ug(1), Flag::Normal));
    broken.seal();
    const std::string saved = bytes_of(broken);
    EXPECT_EQ(bytes_of(from_bytes(saved)), saved);
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace qc::core
