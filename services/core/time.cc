#include "core/time.h"

#include <algorithm>

#include "base/assert.h"

namespace qc::core {
namespace {

using Calendar = std::chrono::sys_time<Duration>;  // civil days and times of Beijing, kept in UTC's type

void append_digits(std::string& out, std::int64_t value, int width) {
  const std::string digits = std::to_string(value);
  if (const int missing = width - static_cast<int>(digits.size()); missing > 0) {
    out.append(static_cast<std::size_t>(missing), '0');
  }
  out += digits;
}

// Reads a text from left to right; once something did not fit, nothing does any more.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  bool skip(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  // Exactly `width` digits with a value in [min, max].
  std::optional<int> number(std::size_t width, int min, int max) {
    if (text_.size() < width) return std::nullopt;
    int value = 0;
    for (const char c : text_.substr(0, width)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    if (value < min || value > max) return std::nullopt;
    text_.remove_prefix(width);
    return value;
  }
  // One to three digits after the point, in milliseconds.
  std::optional<int> fraction() {
    int value = 0;
    int place = 100;
    for (; place > 0; place /= 10) {
      const auto digit = number(1, 0, 9);
      if (!digit) break;
      value += *digit * place;
    }
    if (place == 100) return std::nullopt;
    return value;
  }

 private:
  std::string_view text_;
};

// "Z", "+08:00" or nothing (Beijing's). No place on Earth is more than 14 hours from UTC.
std::optional<Duration> parse_offset(Scanner& in) {
  if (in.at_end()) return kBeijing;
  if (in.skip('Z')) return Duration(0);
  int sign = 1;
  if (in.skip('-')) {
    sign = -1;
  } else if (!in.skip('+')) {
    return std::nullopt;
  }
  const auto hours = in.number(2, 0, 14);
  if (!hours || !in.skip(':')) return std::nullopt;
  const auto minutes = in.number(2, 0, *hours == 14 ? 0 : 59);
  if (!minutes) return std::nullopt;
  return sign * (std::chrono::hours(*hours) + std::chrono::minutes(*minutes));
}

}  // namespace

EventTime beijing_midnight(int year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  QC_ASSERT(date.ok());
  return EventTime(Calendar(std::chrono::sys_days(date)).time_since_epoch() - kBeijing);
}

std::string to_iso(EventTime t) {
  // Outside the years 0000..9999 there is no such text; EventTime::min() and max() stand for "ever".
  static const EventTime first = beijing_midnight(0, 1, 1);
  static const EventTime last = beijing_midnight(9999, 12, 31) + std::chrono::hours(24) - Duration(1);
  t = std::clamp(t, first, last);

  const Calendar local(t.time_since_epoch() + kBeijing);
  const auto days = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(days);
  const std::int64_t in_day = (local - days).count();
  const std::int64_t seconds = in_day / 1000;

  std::string out;
  out.reserve(29);
  append_digits(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_digits(out, seconds / 3600, 2);
  out += ':';
  append_digits(out, seconds / 60 % 60, 2);
  out += ':';
  append_digits(out, seconds % 60, 2);
  if (const std::int64_t millis = in_day % 1000; millis != 0) {
    out += '.';
    append_digits(out, millis, 3);
  }
  out += "+08:00";
  return out;
}

std::optional<EventTime> parse_iso(std::string_view text) {
  Scanner in(text);
  const auto year = in.number(4, 0, 9999);
  if (!year || !in.skip('-')) return std::nullopt;
  const auto month = in.number(2, 1, 12);
  if (!month || !in.skip('-')) return std::nullopt;
  const auto day = in.number(2, 1, 31);
  if (!day || (!in.skip('T') && !in.skip(' '))) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;

  const auto hour = in.number(2, 0, 23);
  if (!hour || !in.skip(':')) return std::nullopt;
  const auto minute = in.number(2, 0, 59);
  if (!minute) return std::nullopt;
  int second = 0;
  int millis = 0;
  if (in.skip(':')) {
    const auto whole = in.number(2, 0, 59);
    if (!whole) return std::nullopt;
    second = *whole;
    if (in.skip('.')) {
      const auto fraction = in.fraction();
      if (!fraction) return std::nullopt;
      millis = *fraction;
    }
  }
  const auto offset = parse_offset(in);
  if (!offset || !in.at_end()) return std::nullopt;

  const Calendar local = Calendar(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
                         std::chrono::minutes(*minute) + std::chrono::seconds(second) + Duration(millis);
  return EventTime(local.time_since_epoch() - *offset);
}

}  // namespace qc::core
