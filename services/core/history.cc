#include "core/history.h"

#include <chrono>
#include <limits>

#include "base/assert.h"

namespace qc::core {
namespace {

constexpr std::uint8_t kDayVersion = 1;
constexpr std::uint8_t kMonthVersion = 1;
constexpr std::uint64_t kRevisionMax = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kColumnsMax = kFactors;
constexpr std::uint8_t kKinds = 4;

template <class T>
auto at_or_after(T& all, EventTime start) {
  return std::lower_bound(all.begin(), all.end(), start, [](const auto& e, EventTime t) { return e.start < t; });
}

template <class T>
auto* find_in(T& all, EventTime start) {
  const auto at = at_or_after(all, start);
  return at != all.end() && at->start == start ? &*at : nullptr;
}

template <class T>
auto& make_in(T& all, EventTime start) {
  const auto at = at_or_after(all, start);
  if (at != all.end() && at->start == start) return *at;
  auto& made = *all.insert(at, typename T::value_type{});
  made.start = start;
  return made;
}

// A mean is written one greater, so that none is one byte.
void write_mean(ByteWriter& out, std::int64_t pg) {
  out.u64(static_cast<std::uint64_t>(pg + 1));
}
std::int64_t read_mean(ByteReader& in) {
  return static_cast<std::int64_t>(in.u64_to(static_cast<std::uint64_t>(kConcentrationMax) + 1)) - 1;
}

int hour_in(EventTime day, EventTime hour) {
  return static_cast<int>((hour - day) / kHour);
}

EventTime first_of(std::chrono::year year, std::chrono::month month) {
  return beijing_midnight(static_cast<int>(year), static_cast<unsigned>(month), 1);
}

// The period of `months` months (a divisor of 12) that holds `t`.
Interval period(EventTime t, unsigned months) {
  const std::chrono::sys_days day{std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>((t + kBeijing).time_since_epoch()))};
  const std::chrono::year_month_day date{day};
  const unsigned first = (static_cast<unsigned>(date.month()) - 1) / months * months + 1;
  const std::chrono::year_month begin = date.year() / std::chrono::month(first);
  const std::chrono::year_month end = begin + std::chrono::months(months);
  return {first_of(begin.year(), begin.month()), first_of(end.year(), end.month())};
}

}  // namespace

Interval month_of(EventTime t) {
  return period(t, 1);
}
Interval quarter_of(EventTime t) {
  return period(t, 3);
}
Interval year_of(EventTime t) {
  return period(t, 12);
}

Concentration percentile(std::vector<std::int64_t>& values, int percent) {
  QC_ASSERT(!values.empty() && percent > 0 && percent < 100);
  std::sort(values.begin(), values.end());
  // Of 0-based places: (n - 1) p, in hundredths.
  const std::int64_t place = static_cast<std::int64_t>(values.size() - 1) * percent;
  const auto low = static_cast<std::size_t>(place / 100);
  const std::int64_t share = place % 100;
  if (share == 0) return {values[low]};
  return {divide_half_even(values[low] * (100 - share) + values[low + 1] * share, 100)};
}

// ---- a day -------------------------------------------------------------------------------------------------------

Day::Column& Day::column(std::size_t c) {
  if (columns.size() <= c) columns.resize(c + 1);
  return columns[c];
}

bool Day::any_published(int hour) const {
  return std::any_of(columns.begin(), columns.end(),
                     [hour](const Column& c) { return (c.published >> hour & 1U) != 0; });
}

namespace {
Republished& republished_at(std::vector<Republished>& all, const Republished& wanted) {
  const auto at = std::lower_bound(all.begin(), all.end(), wanted,
                                   [](const Republished& a, const Republished& b) { return a.place() < b.place(); });
  return at != all.end() && at->place() == wanted.place() ? *at : *all.insert(at, wanted);
}
}  // namespace

std::int32_t Day::next_revision(TrailingKind kind, std::size_t c, int hour, bool first) {
  if (first) return 1;
  return ++republished_at(republished, {kind, static_cast<std::uint8_t>(c), static_cast<std::uint8_t>(hour), 1})
               .revision;
}

void Day::note_revision(TrailingKind kind, std::size_t c, int hour, std::int32_t revision) {
  republished_at(republished, {kind, static_cast<std::uint8_t>(c), static_cast<std::uint8_t>(hour), 1}).revision =
      revision;
}

// Format 1 of a day: version, closed, offsets, the columns, what was published again.
void Day::write(std::string& out) const {
  ByteWriter w(out);
  w.u8(kDayVersion);
  w.u8(closed ? 1 : 0);
  w.i64(first_offset);
  w.u64(static_cast<std::uint64_t>(index_revision));
  w.u64(columns.size());
  for (const Column& c : columns) {
    w.u64(c.published);
    w.u64(c.flat);
    w.u64(static_cast<std::uint64_t>(c.revision));
    w.u64(static_cast<std::uint64_t>(c.mda8_revision));
    for (const std::int64_t pg : c.mean) write_mean(w, pg);
  }
  w.u64(republished.size());
  for (const Republished& r : republished) {
    w.u8(r.kind);
    w.u8(r.column);
    w.u8(r.hour);
    w.u64(static_cast<std::uint64_t>(r.revision));
  }
}

bool Day::read(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.u8() != kDayVersion) return false;
  closed = in.flag();
  first_offset = in.i64_in(-1, std::numeric_limits<std::int64_t>::max());
  index_revision = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
  columns.resize(in.u64_to(kColumnsMax));
  for (Column& c : columns) {
    c.published = static_cast<std::uint32_t>(in.u64_to((1U << kDayHours) - 1));
    c.flat = static_cast<std::uint32_t>(in.u64_to((1U << kDayHours) - 1));
    c.revision = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
    c.mda8_revision = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
    for (std::int64_t& pg : c.mean) pg = read_mean(in);
  }
  republished.resize(in.size());
  for (std::size_t i = 0; i < republished.size() && in.ok(); ++i) {
    Republished& r = republished[i];
    r.kind = static_cast<std::uint8_t>(in.u64_to(kKinds - 1));
    r.column = static_cast<std::uint8_t>(in.u64_to(kColumnsMax - 1));
    r.hour = static_cast<std::uint8_t>(in.u64_to(kDayHours - 1));
    r.revision = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
    if (i > 0 && !(republished[i - 1].place() < r.place())) return false;
  }
  return in.done();
}

// ---- a month -----------------------------------------------------------------------------------------------------

// Format 1 of a month's values: the columns, each its published days and then all days up to the last one of them.
void Month::close(const MonthValues& values) {
  packed.clear();
  ByteWriter w(packed);
  w.u64(values.columns.size());
  for (const MonthValues::Column& c : values.columns) {
    w.u64(c.published);
    for (std::size_t d = 0; c.published >> d != 0; ++d) write_mean(w, c.value[d]);
  }
  packed.shrink_to_fit();
  dirty = true;
}

MonthValues Month::open() const {
  MonthValues values;
  if (packed.empty()) return values;
  ByteReader in(packed);
  values.columns.resize(in.u64_to(kColumnsMax));
  for (MonthValues::Column& c : values.columns) {
    c.published = static_cast<std::uint32_t>(in.u64_to(0x7fffffffU));
    for (std::size_t d = 0; c.published >> d != 0; ++d) c.value[d] = read_mean(in);
  }
  QC_ASSERT(in.done());
  return values;
}

void Month::write(std::string& out) const {
  ByteWriter w(out);
  w.u8(kMonthVersion);
  out += packed;
}

bool Month::read(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.u8() != kMonthVersion) return false;
  if (in.ok() && bytes.size() == 1) {
    packed.clear();
    return true;
  }
  const std::uint64_t count = in.u64_to(kColumnsMax);
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::uint64_t published = in.u64_to(0x7fffffffU);
    for (std::size_t d = 0; published >> d != 0 && in.ok(); ++d) read_mean(in);
  }
  if (!in.done()) return false;
  packed = std::string(bytes.substr(1));
  return true;
}

// ---- the history -------------------------------------------------------------------------------------------------

const Day* History::find_day(EventTime day) const {
  return find_in(days, day);
}
Day* History::find_day(EventTime day) {
  // Almost always the last one.
  if (!days.empty() && days.back().start == day) return &days.back();
  return find_in(days, day);
}
Day& History::make_day(EventTime day) {
  if (!days.empty() && days.back().start == day) return days.back();
  return make_in(days, day);
}
const Month* History::find_month(EventTime month) const {
  return find_in(months, month);
}
Month& History::make_month(EventTime month) {
  return make_in(months, month);
}

std::optional<std::int64_t> History::mean(std::size_t column, EventTime hour) const {
  const EventTime day = day_of(hour);
  const Day* d = find_day(day);
  if (d == nullptr || column >= d->columns.size()) return std::nullopt;
  const std::int64_t pg = d->columns[column].mean[static_cast<std::size_t>(hour_in(day, hour))];
  return pg == Day::kNone ? std::nullopt : std::optional(pg);
}

bool History::published(std::size_t column, EventTime hour) const {
  const EventTime day = day_of(hour);
  const Day* d = find_day(day);
  return d != nullptr && d->published(column, hour_in(day, hour));
}

std::optional<std::int64_t> History::flat_mean(std::size_t column, EventTime hour) const {
  const EventTime day = day_of(hour);
  const Day* d = find_day(day);
  if (d == nullptr || column >= d->columns.size()) return std::nullopt;
  const int h = hour_in(day, hour);
  const Day::Column& c = d->columns[column];
  return (c.flat >> h & 1U) == 0 ? std::nullopt : std::optional(c.mean[static_cast<std::size_t>(h)]);
}

Total History::trailing(std::size_t column, EventTime end, int hours) const {
  Total total;
  const EventTime begin = end - kHour * hours;
  for (EventTime day = day_of(begin); day < end; day += kDay) {
    const Day* d = find_day(day);
    if (d == nullptr || column >= d->columns.size()) continue;
    const auto& mean = d->columns[column].mean;
    const int from = std::max(0, hour_in(day, begin));
    const int until = std::min(kDayHours, hour_in(day, end));
    for (int h = from; h < until; ++h) {
      const std::int64_t pg = mean[static_cast<std::size_t>(h)];
      if (pg != Day::kNone) total.add(pg);
    }
  }
  return total;
}

Greatest8h History::greatest_8h(std::size_t column, EventTime first_end, EventTime last_end, int hours_at_least) const {
  Greatest8h greatest;
  for (EventTime end = first_end; end <= last_end; end += kHour) {
    const Total t = trailing(column, end, 8);
    if (t.count < std::max(1, hours_at_least)) continue;
    ++greatest.valid;
    if (greatest.best.count == 0 || t.mean() > greatest.best.mean()) greatest.best = t;
  }
  return greatest;
}

std::size_t History::bytes() const {
  std::size_t n = days.capacity() * sizeof(Day) + months.capacity() * sizeof(Month);
  for (const Day& d : days) {
    n += d.columns.capacity() * sizeof(Day::Column) + d.republished.capacity() * sizeof(Republished);
  }
  for (const Month& m : months) n += m.packed.capacity();
  return n;
}

}  // namespace qc::core
