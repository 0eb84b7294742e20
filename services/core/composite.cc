#include "core/composite.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/assert.h"

namespace qc::core {
namespace {

using Wide = unsigned __int128;

constexpr std::uint64_t kDenominatorMax = 1'000'000'000'000'000'000;

// n / d rounded half to even.
constexpr Wide divide(Wide n, Wide d) {
  const Wide q = n / d;
  const Wide rest = n % d;
  if (rest > d - rest || (rest == d - rest && q % 2 == 1)) return q + 1;
  return q;
}

Concentration saturated(Wide millionths) {
  constexpr auto kMax = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());
  return {static_cast<std::int64_t>(std::min(millionths, kMax))};
}

// A sum of fractions: whole + part / of, part < of.
class Sum {
 public:
  // n / d; n < 2^72, d <= 1 g/m3.
  void add(Wide n, std::uint64_t d) {
    whole_ += n / d;
    auto rest = static_cast<std::uint64_t>(n % d);
    const std::uint64_t common = std::gcd(rest, d);
    rest /= common;
    d /= common;
    const Wide multiple = Wide(of_ / std::gcd(of_, d)) * d;
    if (multiple > kDenominatorMax) {
      part_ = divide(part_ * kDenominatorMax, of_) + divide(Wide(rest) * kDenominatorMax, d);
      of_ = kDenominatorMax;
    } else {
      const auto of = static_cast<std::uint64_t>(multiple);
      part_ = part_ * (of / of_) + Wide(rest) * (of / d);
      of_ = of;
    }
    whole_ += part_ / of_;
    part_ %= of_;
  }

  Concentration over(std::uint64_t divisor) const {
    // The quotient of the whole, and the remainder with the fraction: neither leaves 128 bits.
    const Wide rest = (whole_ % divisor) * of_ + part_;
    return saturated(whole_ / divisor * Wide(kMillion) + divide(rest * Wide(kMillion), Wide(of_) * divisor));
  }

 private:
  Wide whole_ = 0;
  Wide part_ = 0;
  std::uint64_t of_ = 1;
};

std::optional<Concentration> value_of(const CompositeItem& item, const CompositeInputs& inputs) {
  const auto at = std::find(kSixPollutants.begin(), kSixPollutants.end(), item.factor);
  if (at == kSixPollutants.end()) return std::nullopt;
  const auto& values = item.percentile ? inputs.percentile : inputs.mean;
  return values[static_cast<std::size_t>(at - kSixPollutants.begin())];
}

Wide magnitude(Concentration c) {
  return static_cast<Wide>(c.pg);
}

}  // namespace

CompositeResult composite_index(const Composite& rules, const CompositeInputs& inputs) {
  QC_ASSERT(rules.divisor > 0);
  CompositeResult result;
  Sum sum;
  // The item with the greatest I so far, as the fraction value / standard.
  Concentration greatest{0};
  Concentration greatest_standard{1};
  for (const CompositeItem& item : rules.items) {
    QC_ASSERT(item.standard.pg > 0 && item.standard.pg <= kConcentrationMax && item.weight > 0);
    const auto value = value_of(item, inputs);
    if (!value || value->pg < 0) {
      result.missing.push_back(item.factor);
      continue;
    }
    sum.add(magnitude(*value) * static_cast<Wide>(item.weight), static_cast<std::uint64_t>(item.standard.pg));
    result.parts.push_back(
        {item.factor, saturated(divide(magnitude(*value) * Wide(kMillion), magnitude(item.standard)))});
    const Wide its = magnitude(*value) * magnitude(greatest_standard);
    const Wide others = magnitude(greatest) * magnitude(item.standard);
    if (result.primary.empty() || its > others) {
      result.primary = {item.factor};
      greatest = *value;
      greatest_standard = item.standard;
    } else if (its == others) {
      result.primary.push_back(item.factor);
    }
  }
  if (!result.missing.empty() || result.parts.empty()) {
    result.primary.clear();
    return result;
  }
  result.index = sum.over(static_cast<std::uint64_t>(rules.divisor));
  return result;
}

std::string format_composite(Concentration index) {
  std::string text = format(rounded(index, Unit::Point, 2), Unit::Point);
  const std::size_t point = text.find('.');
  if (point == std::string::npos) return text + ".00";
  return text + std::string(point + 3 - text.size(), '0');
}

void rank(std::vector<Ranked>& all) {
  std::sort(all.begin(), all.end(), [](const Ranked& a, const Ranked& b) {
    return std::forward_as_tuple(!a.index, a.index, a.id) < std::forward_as_tuple(!b.index, b.index, b.id);
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool tied = i > 0 && all[i].index == all[i - 1].index;
    all[i].rank = !all[i].index ? 0 : tied ? all[i - 1].rank : static_cast<int>(i) + 1;
  }
}

}  // namespace qc::core
