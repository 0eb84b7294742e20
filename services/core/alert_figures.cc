#include "core/alert_figures.h"

#include <algorithm>
#include <limits>

namespace qc::core {
namespace {

constexpr Duration kDay = kHour * 24;
constexpr std::int64_t kCountMax = std::numeric_limits<std::int64_t>::max() / 2;

std::int64_t day_of(EventTime t) {
  return ms(t) / kDay.count();
}

}  // namespace

void AlertWeek::add(EventTime now) {
  const std::int64_t day = day_of(now);
  for (std::int64_t d = std::max(day_ + 1, day - kDays + 1); d <= day; ++d) {
    counts_[static_cast<std::size_t>(d % kDays)] = 0;
  }
  day_ = std::max(day_, day);
  ++counts_[static_cast<std::size_t>(day_ % kDays)];
}

std::int64_t AlertWeek::sum(EventTime now) const {
  std::int64_t sum = 0;
  for (std::int64_t d = std::max(day_of(now) - kDays + 1, day_ - kDays + 1); d <= day_; ++d) {
    if (d >= 0) sum += counts_[static_cast<std::size_t>(d % kDays)];
  }
  return sum;
}

void AlertWeek::write(ByteWriter& out) const {
  out.i64(day_);
  for (const std::int64_t n : counts_) out.i64(n);
}

void AlertWeek::read(ByteReader& in) {
  day_ = in.i64_in(0, kCountMax);
  for (std::int64_t& n : counts_) n = in.i64_in(0, kCountMax);
}

void write_totals(ByteWriter& out, const AlertTotals& t) {
  for (const std::int64_t n : t.asked) out.i64(n);
  out.i64(t.escalated);
  out.i64(t.acknowledged);
  out.i64(t.acknowledged_after.count());
  out.i64(t.commands);
  out.u64(t.refused.size());
  for (const std::int64_t n : t.refused) out.i64(n);
  out.i64(t.folded);
  out.i64(t.floods);
  out.i64(t.flood.count());
  out.i64(t.time.count());
}

AlertTotals read_totals(ByteReader& in) {
  AlertTotals t;
  const auto count = [&in] { return in.i64_in(0, kCountMax); };
  for (std::int64_t& n : t.asked) n = count();
  t.escalated = count();
  t.acknowledged = count();
  t.acknowledged_after = Duration(count());
  t.commands = count();
  // Refusals that this binary knows and an older one didn't.
  const std::size_t known = in.size();
  for (std::size_t i = 0; i < known; ++i) {
    const std::int64_t n = count();
    if (i < t.refused.size()) t.refused[i] = n;
  }
  t.folded = count();
  t.floods = count();
  t.flood = Duration(count());
  t.time = Duration(count());
  return t;
}

}  // namespace qc::core
