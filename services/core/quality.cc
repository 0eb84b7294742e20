#include "core/quality.h"

#include <algorithm>

namespace qc::core {

PlainTable plain_table(const RuleSet& rules) {
  PlainTable table;
  for (const QualityCheck& c : rules.checks) {
    table[index(c.factor)] = {c.low.pg, std::min(c.high.pg, c.clip.pg - 1)};
  }
  return table;
}

Marks reading_marks(const QualityCheck& check, Concentration value) {
  Marks marks;
  if (value < check.low || value > check.high) marks.add(Mark::Range);
  if (value >= check.clip) marks.add(Mark::Clipped);
  return marks;
}

std::uint64_t slot_marks(Marks marks) {
  return (marks.has(Mark::Range) ? Slot::kRange : 0) | (marks.has(Mark::Clipped) ? Slot::kClipped : 0);
}

int stuck_hours(const Site& site, std::size_t column, EventTime hour) {
  const auto mean = site.history.flat_mean(column, hour);
  if (!mean) return 0;
  int run = 1;
  while (run < kRunMax && site.history.flat_mean(column, hour - kHour * run) == mean) ++run;
  return run;
}

std::optional<std::int64_t> inversion(const Site& site, EventTime hour) {
  const std::uint8_t fine = site.column[index(Factor::PM25)];
  const std::uint8_t coarse = site.column[index(Factor::PM10)];
  if (fine == kNoColumn || coarse == kNoColumn) return std::nullopt;
  const auto pm25 = site.history.mean(fine, hour);
  const auto pm10 = site.history.mean(coarse, hour);
  if (!pm25 || !pm10) return std::nullopt;
  return *pm25 - *pm10;
}

Marks hour_marks(const RuleSet& rules, const Site& site, std::size_t column, EventTime hour, const HourValue& value) {
  const Factor factor = site.series[column].factor;
  const QualityCheck* check = rules.check(factor);
  Marks marks;
  if (check == nullptr) return marks;
  if (value.sums.range > 0) marks.add(Mark::Range);
  if (value.sums.clipped > 0) marks.add(Mark::Clipped);
  if (!value.valid) return marks;
  if (check->stuck_hours > 0 && value.flat() &&
      stuck_hours(site, column, hour) >= std::min(check->stuck_hours, kRunMax)) {
    marks.add(Mark::Stuck);
  }
  if ((factor == Factor::PM25 || factor == Factor::PM10) && inversion(site, hour).value_or(0) > 0) {
    marks.add(Mark::Inverted);
  }
  return marks;
}

}  // namespace qc::core
