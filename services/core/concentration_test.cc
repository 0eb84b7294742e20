#include "core/concentration.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace qc::core {
namespace {

constexpr std::int64_t kMin64 = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax64 = std::numeric_limits<std::int64_t>::max();

TEST(DivideHalfEven, TiesGoToTheEvenNeighbour) {
  EXPECT_EQ(divide_half_even(5, 10), 0);
  EXPECT_EQ(divide_half_even(15, 10), 2);
  EXPECT_EQ(divide_half_even(25, 10), 2);
  EXPECT_EQ(divide_half_even(-5, 10), 0);
  EXPECT_EQ(divide_half_even(-15, 10), -2);
  EXPECT_EQ(divide_half_even(-25, 10), -2);
  EXPECT_EQ(divide_half_even(26, 10), 3);
  EXPECT_EQ(divide_half_even(24, 10), 2);
  EXPECT_EQ(divide_half_even(1, 3), 0);
  EXPECT_EQ(divide_half_even(2, 3), 1);
}

TEST(DivideHalfEven, ExtremesDoNotOverflow) {
  EXPECT_EQ(divide_half_even(kMax64, 1), kMax64);
  EXPECT_EQ(divide_half_even(kMin64, 1), kMin64);
  EXPECT_EQ(divide_half_even(kMax64, kMax64), 1);
  EXPECT_EQ(divide_half_even(kMin64, kMax64), -1);
  EXPECT_EQ(divide_half_even(kMax64, 2), 4'611'686'018'427'387'904);  // ...903.5, a tie: up to the even one
}

TEST(Scaled, UnitsAreExact) {
  EXPECT_EQ(scaled(163, 0, Unit::UgM3), ug(163));
  EXPECT_EQ(scaled(19, 1, Unit::MgM3), ug(1900));
  EXPECT_EQ(scaled(75'600'000, 3, Unit::NgM3), Concentration{75'600'000});
  EXPECT_EQ(scaled(25, 4, Unit::UgM3), Concentration{2500});
  EXPECT_EQ(scaled(151, 0, Unit::Point), Concentration{151 * kMillion});
  EXPECT_EQ(scaled(-125, 1, Unit::UgM3), Concentration{-12'500'000});
}

TEST(Scaled, DigitsFinerThanAPicogramAreRoundedHalfToEven) {
  EXPECT_EQ(scaled(5, 7, Unit::UgM3), Concentration{0});
  EXPECT_EQ(scaled(15, 7, Unit::UgM3), Concentration{2});
  EXPECT_EQ(scaled(-15, 7, Unit::UgM3), Concentration{-2});
  EXPECT_EQ(scaled(123'333'333'333'333'33, 15, Unit::UgM3), Concentration{12'333'333});
  EXPECT_EQ(scaled(1, 18, Unit::MgM3), Concentration{0});
}

TEST(Scaled, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(scaled(kMax64 / kMillion, 0, Unit::UgM3), Concentration{kMax64 / kMillion * kMillion});
  EXPECT_FALSE(scaled(kMax64 / kMillion + 1, 0, Unit::UgM3).has_value());
  EXPECT_FALSE(scaled(kMin64, 0, Unit::MgM3).has_value());
  EXPECT_EQ(scaled(kMin64, 6, Unit::UgM3), Concentration{kMin64});
  EXPECT_FALSE(scaled(1, 19, Unit::UgM3).has_value());
  EXPECT_FALSE(scaled(1, -1, Unit::UgM3).has_value());
  EXPECT_FALSE(scaled(1, 0, Unit::None).has_value());
}

TEST(ParseDecimal, PlainNumbersAreExact) {
  const auto expect = [](std::string_view text, std::int64_t mantissa, int decimals) {
    const auto d = parse_decimal(text);
    ASSERT_TRUE(d.has_value()) << text;
    EXPECT_EQ(d->mantissa, mantissa) << text;
    EXPECT_EQ(d->decimals, decimals) << text;
  };
  expect("0", 0, 0);
  expect("-12.5", -125, 1);
  expect(".5", 5, 1);
  expect("5.", 5, 0);
  expect("0.0025", 25, 4);
  expect("007", 7, 0);
  expect("12.500", 125, 1);  // trailing zeros of the fraction say nothing
  expect("1.0000000000000000000000000", 1, 0);
  expect("1.05000", 105, 2);
  expect("-0.0", 0, 0);
  expect("9223372036854775807", kMax64, 0);
  expect("0.000000000000000001", 1, 18);
}

TEST(ParseDecimal, WhatIsNoPlainNumberIsRefused) {
  for (const char* text : {"",
                           "-",
                           ".",
                           "-.",
                           "1e3",
                           "1E3",
                           "NaN",
                           "nan",
                           "inf",
                           "-inf",
                           "NA",
                           "1,5",
                           "1 ",
                           " 1",
                           "+1",
                           "--1",
                           "1.2.3",
                           "0x10",
                           "9223372036854775808",
                           "-9223372036854775808",
                           "0.0000000000000000001",
                           "99999999999999999999999",
                           "1-"}) {
    EXPECT_FALSE(parse_decimal(text).has_value()) << text;
  }
}

TEST(FormatMean, IsExactAndCutsTrailingZeros) {
  EXPECT_EQ(format(ug(163), Unit::UgM3), "163");
  EXPECT_EQ(format(ug(800), Unit::MgM3), "0.8");
  EXPECT_EQ(format_mean(37 * kMillion, 3, Unit::UgM3), "12.333333");
  EXPECT_EQ(format_mean(38 * kMillion, 3, Unit::UgM3), "12.666667");
  EXPECT_EQ(format(Concentration{0}, Unit::UgM3), "0");
  EXPECT_EQ(format(Concentration{1}, Unit::UgM3), "0.000001");
  EXPECT_EQ(format(Concentration{2500}, Unit::NgM3), "2.5");
  EXPECT_EQ(format(Concentration{-12'500'000}, Unit::UgM3), "-12.5");
  EXPECT_EQ(format(Concentration{151 * kMillion}, Unit::Point), "151");
}

TEST(FormatMean, IsRoundedOnceHalfToEven) {
  EXPECT_EQ(format_mean(1, 2, Unit::UgM3), "0");         // 0.0000005
  EXPECT_EQ(format_mean(3, 2, Unit::UgM3), "0.000002");  // 0.0000015
  EXPECT_EQ(format_mean(-1, 2, Unit::UgM3), "0");        // never "-0"
  EXPECT_EQ(format_mean(500, 1, Unit::MgM3), "0");
  EXPECT_EQ(format_mean(1500, 1, Unit::MgM3), "0.000002");
  // Rounded first to a picogram (2) and then to 6 decimals, this tie would be broken the wrong way.
  EXPECT_EQ(format_mean(1001, 2, Unit::MgM3), "0.000001");
}

TEST(FormatMean, GreatestSumsDoNotOverflow) {
  EXPECT_EQ(format_mean(kMax64, 1, Unit::NgM3), "9223372036854775.807");
  EXPECT_EQ(format_mean(kMin64, 1, Unit::UgM3), "-9223372036854.775808");
  EXPECT_EQ(format_mean(kMax64, kMax64, Unit::UgM3), "0.000001");
}

TEST(FormatMean, TextIsReadBackAsTheSameValue) {
  std::mt19937_64 random(163);
  std::uniform_int_distribution<std::int64_t> values(-kConcentrationMax, kConcentrationMax);
  for (int i = 0; i < 10'000; ++i) {
    const Concentration c{values(random)};
    const auto d = parse_decimal(format(c, Unit::UgM3));
    ASSERT_TRUE(d.has_value());
    ASSERT_EQ(scaled(d->mantissa, d->decimals, Unit::UgM3), c);
  }
}

TEST(Rounded, HalvesGoToTheEvenNeighbourOfThePublishingUnit) {
  const auto half = [](std::int64_t whole) { return Concentration{whole * kMillion + kMillion / 2}; };
  EXPECT_EQ(rounded(half(60), Unit::UgM3, 0), ug(60));
  EXPECT_EQ(rounded(half(61), Unit::UgM3, 0), ug(62));
  EXPECT_EQ(rounded(Concentration{half(60).pg + 1}, Unit::UgM3, 0), ug(61));
  EXPECT_EQ(rounded(ug(1850), Unit::MgM3, 1), ug(1800));
  EXPECT_EQ(rounded(ug(1950), Unit::MgM3, 1), ug(2000));
  EXPECT_EQ(rounded(Concentration{123'456'789}, Unit::UgM3, 6), Concentration{123'456'789});
  EXPECT_EQ(rounded(Concentration{123'456'789}, Unit::UgM3, 12), Concentration{123'456'789});
}

}  // namespace
}  // namespace qc::core
