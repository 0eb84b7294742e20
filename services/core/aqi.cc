#include "core/aqi.h"

#include <algorithm>

#include "base/assert.h"

namespace qc::core {
namespace {

constexpr int kAqiMax = 500;
constexpr int kPrimaryAbove = 50;      // HJ 633-2012 5.1, HJ 633-2026 4.3.1
constexpr int kIncompleteAbove = 100;  // HJ 633-2026 5.3.1

const AqiItem* find_item(const AqiEdition& edition, Factor factor, Window window) {
  const auto found = std::find_if(edition.items.begin(), edition.items.end(),
                                  [&](const AqiItem& i) { return i.factor == factor && i.window == window; });
  return found == edition.items.end() ? nullptr : &*found;
}

const AqiItem* find_hourly(const AqiEdition& edition, Factor factor) {
  const auto found = std::find_if(edition.items.begin(), edition.items.end(),
                                  [&](const AqiItem& i) { return i.factor == factor && i.hourly; });
  return found == edition.items.end() ? nullptr : &*found;
}

// The item of a pollutant's own in a report; nullptr: it is not part of it.
const AqiItem* find_item(const AqiEdition& edition, AqiReport report, Factor factor) {
  if (report == AqiReport::Hour || report == AqiReport::HourPm24) return find_hourly(edition, factor);
  return find_item(edition, factor, factor == Factor::O3 ? Window::H8 : Window::H24);
}

std::optional<Concentration> value_of(const AqiInputs& inputs, std::size_t pollutant, Window window) {
  switch (window) {
    case Window::H1:
      return inputs.h1[pollutant];
    case Window::H24:
      return inputs.h24[pollutant];
    case Window::H8:
      if (kSixPollutants[pollutant] == Factor::O3) return inputs.o3_8h;
      break;
    default:
      break;
  }
  return std::nullopt;
}

// What an item says of a concentration, or the item that speaks in its place.
std::optional<int> iaqi_or_instead(const AqiEdition& edition, const AqiItem& item, std::optional<Concentration> c,
                                   const AqiInputs& inputs, std::size_t pollutant) {
  if (!c) return std::nullopt;
  const auto own = iaqi(edition, item, *c);
  // None of a measurement: it is above the last break point.
  if (own || c->pg < 0 || item.above != Above::OtherWindow) return own;
  const AqiItem* other = find_item(edition, item.factor, item.instead);
  const auto value = value_of(inputs, pollutant, item.instead);
  return other != nullptr && value ? iaqi(edition, *other, *value) : std::nullopt;
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

AqiResult aqi(const AqiEdition& edition, AqiReport report, const AqiInputs& inputs, std::span<const Factor> exempt) {
  AqiResult result;
  result.sub_indices.reserve(kSixPollutants.size());
  bool complete = true;
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    const Factor factor = kSixPollutants[i];
    const AqiItem* item = find_item(edition, report, factor);
    if (item == nullptr) continue;
    const Window window = report == AqiReport::Hour ? Window::H1 : item->window;
    auto index = iaqi_or_instead(edition, *item, value_of(inputs, i, window), inputs, i);
    if (report == AqiReport::Day && factor == Factor::O3 && edition.day_o3_1h) {
      const AqiItem* hour = find_item(edition, factor, Window::H1);
      const auto of_hour = hour == nullptr ? std::nullopt : iaqi_or_instead(edition, *hour, inputs.h1[i], inputs, i);
      index = std::max(index, of_hour);  // none is less than any
    }
    if (index) {
      result.sub_indices.push_back({factor, *index});
    } else if (std::find(exempt.begin(), exempt.end(), factor) == exempt.end()) {
      complete = false;
    }
  }
  // An index of particles' 24 hours that has no particles would show clean air where nobody measured it.
  const bool says =
      report == AqiReport::HourPm24
          ? std::any_of(result.sub_indices.begin(), result.sub_indices.end(),
                        [](const SubIndex& s) { return s.factor == Factor::PM25 || s.factor == Factor::PM10; })
          : !result.sub_indices.empty();
  if (!says) return result;

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

const AqiLevel& aqi_level(int aqi) {
  QC_ASSERT(aqi >= 0 && aqi <= kAqiMax);
  return *std::find_if(kAqiLevels.begin(), kAqiLevels.end(), [aqi](const AqiLevel& l) { return aqi <= l.last; });
}

}  // namespace qc::core
