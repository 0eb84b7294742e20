// The composite index (空气质量综合指数) by which sites, counties and cities are ranked: over the items of the rules in
// force, the sum of weight * C / S, over the divisor. Which items, weights and divisor is configuration (RuleSet's
// Composite); C is the period's mean or its evaluated percentile. Pure functions on integers: the sum is that of exact
// fractions and is rounded once, so that equal air has an equal index and shares its place.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/concentration.h"
#include "core/factor.h"
#include "core/rules.h"

namespace qc::core {

// Valid values of the period only; nullopt where there is none. In the order of kSixPollutants.
struct CompositeInputs {
  std::array<std::optional<Concentration>, kSixPollutants.size()> mean;
  std::array<std::optional<Concentration>, kSixPollutants.size()> percentile;
};

// 单项指数: I = C / S, without the item's weight.
struct CompositePart {
  Factor factor = Factor::None;
  Concentration index;  // millionths of a point, half to even
  bool operator==(const CompositePart&) const = default;
};

struct CompositeResult {
  // Millionths of a point, half to even. nullopt: an item is missing, see `missing`.
  std::optional<Concentration> index;
  std::vector<CompositePart> parts;  // of every item that has a value, in the order of the rules
  std::vector<Factor> primary;       // with the greatest I, ties together in that order; empty without an index
  std::vector<Factor> missing;       // why there is no index
};

// REQUIRES: standards, weights and divisor above 0. The sum is exact as long as the standards' least common multiple is
// below 10^18 pg/m3 (of all published ones it is about 10^11); beyond that each item is first rounded to 10^-18 points.
CompositeResult composite_index(const Composite& rules, const CompositeInputs& inputs);

// With two decimals, half to even, as it is published: "4.10".
std::string format_composite(Concentration index);

// One place of a ranking.
struct Ranked {
  std::string id;
  std::optional<Concentration> index;
  int rank = 0;  // 1 is the cleanest air; 0: no index, no rank
  bool operator==(const Ranked&) const = default;
};

// Sorts by index, then id, and gives the places: equals share one, and the places they fill are left out (1, 2, 2, 4).
// Those without an index come last, by id. The values are compared as given: a publisher whose ties are those of two
// decimals rounds first (`rounded` to 2 decimals of a point).
void rank(std::vector<Ranked>& all);

}  // namespace qc::core
