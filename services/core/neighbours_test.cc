#include "core/neighbours.h"

#include <gtest/gtest.h>

#include <cmath>

namespace qc::core {
namespace {

double metres(const Place& a, const Place& b) {
  return std::sqrt(static_cast<double>(distance_squared_m2(a, b)));
}

TEST(Distance, IsThatOfAMapInMetres) {
  const Place beijing{116'397'000, 39'909'000};
  EXPECT_EQ(distance_squared_m2(beijing, beijing), 0);
  // A thousandth of a degree of a meridian is 111.2 m anywhere; of a parallel 85.3 m at 39.909 degrees.
  EXPECT_EQ(distance_squared_m2(beijing, {116'397'000, 39'910'000}), 111 * 111);
  EXPECT_EQ(distance_squared_m2(beijing, {116'398'000, 39'909'000}), 85 * 85);
  // Haversine on the same sphere, with a thousandth to spare.
  const Place tianjin{117'200'000, 39'130'000};
  EXPECT_NEAR(metres(beijing, tianjin), 110'667, 111);
  EXPECT_EQ(distance_squared_m2(beijing, tianjin), distance_squared_m2(tianjin, beijing));
}

TEST(Distance, UsesTheCosineOfTheLatitudeAtEveryLatitude) {
  for (int degrees = -90; degrees <= 90; ++degrees) {
    const Place a{0, degrees * 1'000'000};
    const Place b{1'000'000, degrees * 1'000'000};
    EXPECT_NEAR(metres(a, b), 111'195 * std::cos(degrees * std::acos(-1.0) / 180), 1.5) << degrees;
  }
  // The longest way there can be does not overflow.
  EXPECT_GT(distance_squared_m2({-180'000'000, -90'000'000}, {180'000'000, 90'000'000}), 0);
}

TEST(Median, IsTheMiddleOneOrTheMeanOfTheTwoInTheMiddle) {
  const auto median = [](std::vector<std::int64_t> values) { return median_pg(values); };
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({8, 1, 2, 100}), 5);
  EXPECT_EQ(median({1, 2}), 2) << "1.5: half to even";
  EXPECT_EQ(median({2, 3}), 2) << "2.5: half to even";
}

TEST(Percent, IsExactAndHasAnEnd) {
  EXPECT_EQ(percent_of(ug(200).pg, ug(100).pg), 200 * kMillion);
  EXPECT_EQ(percent_of(ug(1).pg, ug(3).pg), 33'333'333);
  EXPECT_EQ(percent_of(1, 800'000'000), 0) << "an eighth of a millionth";
  EXPECT_EQ(percent_of(1, 200'000'000), 0) << "half a millionth: to even";
  EXPECT_EQ(percent_of(3, 200'000'000), 2) << "one and a half: to even";
  EXPECT_EQ(percent_of(0, 0), 100 * kMillion);
  EXPECT_EQ(percent_of(1, 0), kPercentMax);
  EXPECT_EQ(percent_of(kConcentrationMax, 1), kPercentMax);
  EXPECT_EQ(percent_of(kConcentrationMax, kConcentrationMax), 100 * kMillion);
}

}  // namespace
}  // namespace qc::core
