#include "core/good_day.h"

#include <algorithm>

#include "core/aqi.h"
#include "core/windows.h"

namespace qc::core {
namespace {

// The factor's index of the day, were all remaining hours `pg`. nullopt: it has none.
std::optional<int> iaqi_of_day(const RuleSet& rules, const AqiEdition& edition, Factor factor, Day day, int hours_over,
                               std::int64_t pg) {
  Day::Column& column = day.columns.front();
  std::fill(column.mean.begin() + hours_over, column.mean.end(), pg);
  const EventTime start = day.start;
  const EventTime end = day.end();
  History history;
  history.days.push_back(std::move(day));
  const auto i = static_cast<std::size_t>(std::find(kSixPollutants.begin(), kSixPollutants.end(), factor) -
                                          kSixPollutants.begin());
  AqiInputs in;
  const Total total = history.day(0, start);
  in.h24[i] = total.mean();
  if (factor == Factor::O3) {
    in.h1[i] = Concentration{total.max_pg};
    const Greatest8h mda8 = history.mda8(0, start, hours_of_8h(rules, end));
    if (mda8.best.count > 0) in.o3_8h = mda8.best.mean();
  }
  const AqiResult result = aqi(edition, AqiReport::Day, in, kSixPollutants);
  for (const SubIndex& s : result.sub_indices) {
    if (s.factor == factor) return s.iaqi;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Concentration> remaining_mean(const RuleSet& rules, const Site& site, EventTime day, std::size_t column,
                                            int hours_over) {
  const Factor factor = site.series[column].factor;
  const AqiEdition* edition = rules.edition(day + kDay - Duration(1));
  if (edition == nullptr || std::find(kSixPollutants.begin(), kSixPollutants.end(), factor) == kSixPollutants.end())
    return std::nullopt;
  Day alone;
  alone.start = day;
  const Day* known = site.history.find_day(day);
  alone.columns.push_back(known != nullptr && column < known->columns.size() ? known->columns[column] : Day::Column{});
  const auto good = [&](std::int64_t pg) {
    const auto index = iaqi_of_day(rules, *edition, factor, alone, hours_over, pg);
    return index && good_day(*index);
  };
  if (!good(0)) return std::nullopt;
  std::int64_t low = 0;
  std::int64_t high = kConcentrationMax;
  while (low < high) {  // more never makes it better
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (good(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return Concentration{low};
}

}  // namespace qc::core
