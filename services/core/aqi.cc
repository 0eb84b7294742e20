#include "core/aqi.h"

#include <algorithm>

#include "base/assert.h"

namespace qc::core {
namespace {

constexpr int kAqiMax = 500;
constexpr int kPrimaryAbove = 50;      // HJ 633-2012 5.1, HJ 633-2026 4.3.1
constexpr int kIncompleteAbove = 100;  // HJ 633-2026 5.3.1

const AqiItem* hourly_item(const AqiEdition& edition, Factor factor) {
  const auto found = std::find_if(edition.items.begin(), edition.items.end(),
                                  [&](const AqiItem& item) { return item.factor == factor && item.hourly; });
  return found == edition.items.end() ? nullptr : &*found;
}

}  // namespace

std::optional<int> iaqi(const AqiEdition& edition, const AqiItem& item, Concentration c) {
  const auto& table = item.concentrations;
  QC_ASSERT(table.size() >= 2 && table.size() <= edition.iaqi.size());
  if (c.pg < 0) return std::nullopt;
  if (edition.round_input) c = rounded(c, publishing_unit(item.factor), item.decimals);

  // The first break point at or above c: c lies in (table[high - 1], table[high]].
  const auto at = std::lower_bound(table.begin(), table.end(), c);
  if (at == table.end()) {
    if (item.above != Above::Cap) return std::nullopt;
    return edition.iaqi[table.size() - 1];
  }
  const auto high = static_cast<std::size_t>(at - table.begin());
  if (high == 0) return edition.iaqi[0];
  const std::size_t low = high - 1;
  const std::int64_t width = table[high].pg - table[low].pg;
  const std::int64_t rise = edition.iaqi[high] - edition.iaqi[low];
  QC_ASSERT(width > 0 && rise >= 0);
  // 500 * 1 g/m3 is far below 2^63.
  const std::int64_t above_low = (rise * (c.pg - table[low].pg) + width - 1) / width;
  return edition.iaqi[low] + static_cast<int>(above_low);
}

AqiResult hourly_aqi(const AqiEdition& edition,
                     std::span<const std::optional<Concentration>, kSixPollutants.size()> means,
                     std::span<const Factor> exempt) {
  AqiResult result;
  result.sub_indices.reserve(kSixPollutants.size());
  bool complete = true;
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    const Factor factor = kSixPollutants[i];
    const AqiItem* item = hourly_item(edition, factor);
    if (item == nullptr) continue;
    const auto index = means[i] ? iaqi(edition, *item, *means[i]) : std::nullopt;
    if (index) {
      result.sub_indices.push_back({factor, *index});
    } else if (std::find(exempt.begin(), exempt.end(), factor) == exempt.end()) {
      complete = false;
    }
  }
  if (result.sub_indices.empty()) return result;

  const int greatest =
      std::max_element(result.sub_indices.begin(), result.sub_indices.end(), [](const SubIndex& a, const SubIndex& b) {
        return a.iaqi < b.iaqi;
      })->iaqi;
  if (!complete && edition.incomplete_only_above_100 && greatest <= kIncompleteAbove) return result;
  result.aqi = std::clamp(greatest, edition.minimum, kAqiMax);
  if (*result.aqi > kPrimaryAbove) {
    for (const SubIndex& sub : result.sub_indices) {
      if (sub.iaqi == greatest) result.primary.push_back(sub.factor);
    }
  }
  return result;
}

AqiResult aqi(const AqiEdition& edition, AqiReport report, const AqiInputs& inputs, std::span<const Factor> exempt) {
  auto means = report == AqiReport::Hour ? inputs.h1 : inputs.h24;
  return hourly_aqi(edition, means, exempt);
}

}  // namespace qc::core
