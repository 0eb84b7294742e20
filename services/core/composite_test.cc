#include "core/composite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "core/testing.h"

namespace qc::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const RuleSet& rules() {
  static const auto made = test_rules_with_windows();
  return *made;
}
const Composite& of_2013() {
  return rules().composites.front();
}
const Composite& of_2026() {
  return rules().composites.back();
}

// PM2.5 PM10 SO2 NO2 CO O3, as the rules want them: CO and O3 as percentiles.
CompositeInputs air(std::int64_t pm25, std::int64_t pm10, std::int64_t so2, std::int64_t no2, Concentration co,
                    std::int64_t o3) {
  CompositeInputs in;
  in.mean = {ug(pm25), ug(pm10), ug(so2), ug(no2), std::nullopt, std::nullopt};
  in.percentile[4] = co;
  in.percentile[5] = ug(o3);
  return in;
}

TEST(CompositeIndex, IsSixWhereEveryItemIsAtItsStandard) {
  const auto r = composite_index(of_2013(), air(35, 70, 60, 40, mg(4), 160));
  EXPECT_EQ(r.index, ug(6));
  EXPECT_EQ(r.parts.size(), 6U);
  for (const CompositePart& p : r.parts) EXPECT_EQ(p.index, ug(1)) << name(p.factor);
  EXPECT_THAT(r.primary, ElementsAre(Factor::SO2, Factor::NO2, Factor::PM10, Factor::PM25, Factor::CO, Factor::O3));
  EXPECT_THAT(r.missing, IsEmpty());
}

TEST(CompositeIndex, IsTheSumOfConcentrationsOverStandards) {
  // 15/60 + 30/40 + 105/70 + 49/35 + 1.8/4 + 120/160 = 0.25 + 0.75 + 1.5 + 1.4 + 0.45 + 0.75
  const auto r = composite_index(of_2013(), air(49, 105, 15, 30, ug(1800), 120));
  EXPECT_EQ(r.index, Concentration{5'100'000});
  EXPECT_THAT(r.parts, ElementsAre(CompositePart{Factor::SO2, {250'000}}, CompositePart{Factor::NO2, {750'000}},
                                   CompositePart{Factor::PM10, {1'500'000}}, CompositePart{Factor::PM25, {1'400'000}},
                                   CompositePart{Factor::CO, {450'000}}, CompositePart{Factor::O3, {750'000}}));
  EXPECT_THAT(r.primary, ElementsAre(Factor::PM10));
}

TEST(CompositeIndex, Of2026HasItsStandards) {
  // 15/60 + 30/40 + 105/60 + 49/30 + 1.8/4 + 120/160 = 0.25 + 0.75 + 1.75 + 1.6333.. + 0.45 + 0.75
  const auto r = composite_index(of_2026(), air(49, 105, 15, 30, ug(1800), 120));
  EXPECT_EQ(r.index, Concentration{5'583'333});
  EXPECT_THAT(r.primary, ElementsAre(Factor::PM10));
  EXPECT_EQ(rules().composite(beijing_midnight(2026, 3, 1) - Duration(1)), &of_2013());
  EXPECT_EQ(rules().composite(beijing_midnight(2026, 3, 1)), &of_2026());
}

TEST(CompositeIndex, WeightsAndDivisorAreThoseOfTheRules) {
  Composite weighted = of_2026();
  for (CompositeItem& i : weighted.items) {
    i.weight = i.factor == Factor::PM25 ? 3 : i.factor == Factor::NO2 || i.factor == Factor::O3 ? 2 : 1;
  }
  // 0.25 + 2 * 0.75 + 1.75 + 3 * 1.6333.. + 0.45 + 2 * 0.75 = 10.35
  const CompositeInputs in = air(49, 105, 15, 30, ug(1800), 120);
  EXPECT_EQ(composite_index(weighted, in).index, Concentration{10'350'000});
  weighted.divisor = 10;
  const auto r = composite_index(weighted, in);
  EXPECT_EQ(r.index, Concentration{1'035'000});
  // A single index has no weight, and the greatest of those names the primary pollutant.
  EXPECT_EQ(r.parts[3], (CompositePart{Factor::PM25, {1'633'333}}));
  EXPECT_THAT(r.primary, ElementsAre(Factor::PM10));
}

TEST(CompositeIndex, RoundsTheSumAndNotItsParts) {
  // Thrice 1/3 is 1; the parts rounded would make 0.999999.
  Composite thirds;
  thirds.items = {{Factor::SO2, false, ug(3), 1}, {Factor::NO2, false, ug(3), 1}, {Factor::PM10, false, ug(3), 1}};
  const auto r = composite_index(thirds, air(0, 1, 1, 1, ug(0), 0));
  EXPECT_EQ(r.index, ug(1));
  EXPECT_EQ(r.parts[0].index, Concentration{333'333});
}

TEST(CompositeIndex, HalvesGoToTheEvenMillionth) {
  Composite one;
  one.items = {{Factor::SO2, false, ug(2), 1}};
  const auto index = [&](std::int64_t pg) {
    CompositeInputs in;
    in.mean[2] = Concentration{pg};
    return composite_index(one, in).index->pg;
  };
  EXPECT_EQ(index(1), 0);  // half a millionth
  EXPECT_EQ(index(2), 1);
  EXPECT_EQ(index(3), 2);
  EXPECT_EQ(index(5), 2);
  EXPECT_EQ(index(7), 4);
}

TEST(CompositeIndex, EqualSinglesSharePrimaryToThePicogram) {
  auto in = air(35, 70, 15, 30, mg(1), 20);
  EXPECT_THAT(composite_index(of_2013(), in).primary, ElementsAre(Factor::PM10, Factor::PM25));
  in.mean[1]->pg -= 1;  // the single indices, rounded, are equal still
  const auto r = composite_index(of_2013(), in);
  EXPECT_EQ(r.parts[2].index, r.parts[3].index);
  EXPECT_THAT(r.primary, ElementsAre(Factor::PM25));
}

TEST(CompositeIndex, WithAnItemMissingThereIsNoneAndItSaysWhich) {
  auto in = air(35, 70, 60, 40, mg(4), 160);
  in.percentile[4].reset();
  in.mean[4] = mg(4);  // its mean is no percentile
  in.mean[0].reset();
  const auto r = composite_index(of_2013(), in);
  EXPECT_EQ(r.index, std::nullopt);
  EXPECT_THAT(r.missing, ElementsAre(Factor::PM25, Factor::CO));
  EXPECT_THAT(r.primary, IsEmpty());
  EXPECT_EQ(r.parts.size(), 4U);
  EXPECT_EQ(composite_index(of_2013(), {}).missing.size(), 6U);
}

TEST(CompositeIndex, WhatIsNoneOfTheSixOrNegativeIsMissing) {
  Composite with_lead = of_2013();
  with_lead.items.push_back({Factor::Pb, false, ug(1), 1});
  EXPECT_THAT(composite_index(with_lead, air(35, 70, 60, 40, mg(4), 160)).missing, ElementsAre(Factor::Pb));
  EXPECT_THAT(composite_index(of_2013(), air(35, 70, -1, 40, mg(4), 160)).missing, ElementsAre(Factor::SO2));
}

TEST(CompositeIndex, WithoutItemsThereIsNone) {
  EXPECT_EQ(composite_index({}, air(35, 70, 60, 40, mg(4), 160)).index, std::nullopt);
}

TEST(CompositeIndex, EqualsTheFractionsOverACommonDenominator) {
  // Independent of the implementation: all standards divide 84 mg/m3; the order of the items does not matter.
  std::mt19937_64 random(3095);
  std::uniform_int_distribution<std::int64_t> pg(0, 500'000'000);
  Composite c = of_2013();
  c.divisor = 7;
  for (int n = 0; n < 2000; ++n) {
    CompositeInputs in;
    for (auto& v : in.mean) v = Concentration{pg(random)};
    for (auto& v : in.percentile) v = Concentration{pg(random)};
    __int128 sum = 0;  // of 84 mg/m3
    for (CompositeItem& i : c.items) {
      i.weight = static_cast<int>(pg(random) % 5) + 1;
      const auto at = std::find(kSixPollutants.begin(), kSixPollutants.end(), i.factor) - kSixPollutants.begin();
      const auto value = (i.percentile ? in.percentile : in.mean)[static_cast<std::size_t>(at)];
      sum += static_cast<__int128>(value->pg) * i.weight * (mg(84).pg / i.standard.pg);
    }
    const __int128 of = static_cast<__int128>(mg(84).pg) * 7;
    __int128 expected = sum * kMillion / of;
    const __int128 twice = 2 * (sum * kMillion % of);
    if (twice > of || (twice == of && expected % 2 == 1)) ++expected;
    std::shuffle(c.items.begin(), c.items.end(), random);
    ASSERT_EQ(composite_index(c, in).index->pg, static_cast<std::int64_t>(expected)) << n;
  }
}

TEST(CompositeIndex, StandardsWithoutACommonMeasureStillAddUp) {
  // Four numbers near 10^9 without a common divisor: their product has no room.
  Composite odd;
  odd.items = {{Factor::SO2, false, {1'000'000'007}, 1},
               {Factor::NO2, false, {1'000'000'009}, 1},
               {Factor::PM10, false, {1'000'000'021}, 1},
               {Factor::PM25, false, {1'000'000'033}, 1}};
  CompositeInputs in;
  in.mean[2] = Concentration{1'000'000'006};
  in.mean[3] = Concentration{1'000'000'010};
  in.mean[1] = Concentration{1'000'000'021};
  in.mean[0] = Concentration{500'000'516};  // 3.5 + 0.4995 millionths: down
  EXPECT_EQ(composite_index(odd, in).index, Concentration{3'500'000});
  in.mean[0] = Concentration{500'000'517};  // 3.5 + 0.5005 millionths: up
  EXPECT_EQ(composite_index(odd, in).index, Concentration{3'500'001});
}

TEST(CompositeIndex, GreatestConcentrationsAndWeightsDoNotOverflow) {
  Composite c = of_2013();
  for (CompositeItem& i : c.items) i.weight = 1'000'000;
  CompositeInputs in;
  in.mean.fill(Concentration{kConcentrationMax});
  in.percentile.fill(Concentration{kConcentrationMax});
  // 10^12 pg/m3 over 60, 40, 70, 35, 4000 and 160 ug/m3 is 1911500 / 21 points; a million times that.
  EXPECT_EQ(composite_index(c, in).index, Concentration{91'023'809'523'809'524});
  for (CompositeItem& i : c.items) i.weight = std::numeric_limits<int>::max();
  EXPECT_EQ(composite_index(c, in).index, Concentration{std::numeric_limits<std::int64_t>::max()});
  c.divisor = std::numeric_limits<int>::max();
  EXPECT_EQ(composite_index(c, in).index, Concentration{91'023'809'524});
}

TEST(CompositeText, HasTwoDecimalsHalfToEven) {
  EXPECT_EQ(format_composite({4'125'000}), "4.12");
  EXPECT_EQ(format_composite({4'135'000}), "4.14");
  EXPECT_EQ(format_composite({4'125'001}), "4.13");
  EXPECT_EQ(format_composite({4'100'000}), "4.10");
  EXPECT_EQ(format_composite({4'000'000}), "4.00");
  EXPECT_EQ(format_composite({9'999}), "0.01");
  EXPECT_EQ(format_composite({4'995'000}), "5.00");
  EXPECT_EQ(format_composite({4'994'999}), "4.99");
}

TEST(CompositeRanking, EqualsShareAPlaceAndFillTheNext) {
  std::vector<Ranked> all = {{"wenshui", ug(5)}, {"fenyang", ug(4)}, {"xiaoyi", ug(4)}, {"fangshan", ug(3)}};
  rank(all);
  EXPECT_THAT(all, ElementsAre(Ranked{"fangshan", ug(3), 1}, Ranked{"fenyang", ug(4), 2}, Ranked{"xiaoyi", ug(4), 2},
                               Ranked{"wenshui", ug(5), 4}));
}

TEST(CompositeRanking, WithoutAnIndexThereIsNoPlace) {
  std::vector<Ranked> all = {{"c", std::nullopt, 7}, {"b", ug(4)}, {"a", std::nullopt}, {"d", Concentration{0}}};
  rank(all);
  EXPECT_THAT(all, ElementsAre(Ranked{"d", Concentration{0}, 1}, Ranked{"b", ug(4), 2}, Ranked{"a", std::nullopt, 0},
                               Ranked{"c", std::nullopt, 0}));
  std::vector<Ranked> none;
  rank(none);
  EXPECT_THAT(none, IsEmpty());
}

TEST(CompositeRanking, DoesNotDependOnTheOrderItIsGiven) {
  std::vector<Ranked> all;
  for (int i = 0; i < 12; ++i) all.push_back({std::string(1, static_cast<char>('a' + i)), ug(i / 3)});
  all.push_back({"z", std::nullopt});
  auto expected = all;
  rank(expected);
  std::mt19937_64 random(13);
  for (int n = 0; n < 50; ++n) {
    std::shuffle(all.begin(), all.end(), random);
    rank(all);
    ASSERT_EQ(all, expected);
  }
}

TEST(CompositeRanking, AMillionthDecidesUnlessItWasRounded) {
  std::vector<Ranked> all = {{"a", Concentration{4'100'001}}, {"b", Concentration{4'100'000}}};
  rank(all);
  EXPECT_EQ(all[0].id, "b");
  EXPECT_EQ(all[1].rank, 2);
  for (Ranked& r : all) r.index = rounded(*r.index, Unit::Point, 2);
  rank(all);
  EXPECT_EQ(all[0].id, "a");
  EXPECT_EQ(all[1].rank, 1);
}

}  // namespace
}  // namespace qc::core
