#include "platform/yaml_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>

namespace qc::platform {
namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<DurationUnit, 5> kUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1000}, {"ms", 1}}};

constexpr std::int64_t kBeijingMs = 8LL * 3'600'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::int64_t digits_value(std::string_view digits) {  // REQUIRES: at most 18 digits
  std::int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

struct DecimalParts {
  bool negative;
  std::string_view whole;
  std::string_view fraction;
};

std::optional<DecimalParts> split_decimal(std::string_view text) {
  DecimalParts parts{};
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    parts.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const std::size_t point = text.find('.');
  parts.whole = text.substr(0, point);
  if (!all_digits(parts.whole)) return std::nullopt;
  if (point != std::string_view::npos) {
    parts.fraction = text.substr(point + 1);
    if (!all_digits(parts.fraction)) return std::nullopt;
  }
  return parts;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Optimal string alignment; two for every edit, one where only the case differs.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = 2 * j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = 2 * i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const char x = a[i - 1], y = b[j - 1];
      const std::size_t replace = x == y ? 0 : (lower(x) == lower(y) ? 1 : 2);
      row[j] = std::min({above[j] + 2, row[j - 1] + 2, above[j - 1] + replace});
      if (i > 1 && j > 1 && lower(x) == lower(b[j - 2]) && lower(a[i - 2]) == lower(y)) {
        row[j] = std::min(row[j], before[j - 2] + 2);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

// Length of the valid UTF-8 sequence at the start, 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong_or_beyond = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                                  (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return overlong_or_beyond ? 0 : length;
}

}  // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  const std::size_t end = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  if (end == 0 || end > 9) return std::nullopt;  // 9 digits of days still fit into 64 bits of milliseconds
  for (const DurationUnit& unit : kUnits) {
    if (text.substr(end) == unit.name) return digits_value(text.substr(0, end)) * unit.ms;
  }
  return std::nullopt;
}

std::string duration_text(std::int64_t ms) {
  if (ms == 0) return "0s";
  for (const DurationUnit& unit : kUnits) {
    if (ms % unit.ms == 0) return std::to_string(ms / unit.ms) + std::string(unit.name);
  }
  return std::to_string(ms) + "ms";
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::string_view year = text.substr(0, 4), month = text.substr(5, 2), day = text.substr(8, 2);
  if (!all_digits(year) || !all_digits(month) || !all_digits(day)) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(digits_value(year))),
                                         std::chrono::month(static_cast<unsigned>(digits_value(month))),
                                         std::chrono::day(static_cast<unsigned>(digits_value(day)))};
  if (!date.ok() || date.year() < std::chrono::year(1900) || date.year() > std::chrono::year(2999)) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * 86'400'000LL - kBeijingMs;
}

std::string date_text(std::int64_t ms) {
  const std::chrono::sys_days day{std::chrono::floor<std::chrono::days>(std::chrono::milliseconds(ms + kBeijingMs))};
  const std::chrono::year_month_day date{day};
  const auto padded = [](unsigned n) { return (n < 10 ? "-0" : "-") + std::to_string(n); };
  return std::to_string(static_cast<int>(date.year())) + padded(static_cast<unsigned>(date.month())) +
         padded(static_cast<unsigned>(date.day()));
}

std::optional<std::int64_t> parse_decimal(std::string_view text) {
  const auto parts = split_decimal(text);
  if (!parts || parts->whole.size() > 12) return std::nullopt;
  std::string_view fraction = parts->fraction;
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (fraction.size() > 6) return std::nullopt;
  std::int64_t value = digits_value(fraction);
  for (std::size_t i = fraction.size(); i < 6; ++i) value *= 10;
  value += digits_value(parts->whole) * 1'000'000;
  return parts->negative ? -value : value;
}

bool is_too_fine_decimal(std::string_view text) {
  const auto parts = split_decimal(text);
  return parts && parts->whole.size() <= 12 && !parse_decimal(text);
}

std::string decimal_text(std::int64_t millionths) {
  const std::string digits = std::to_string(std::llabs(millionths % 1'000'000) + 1'000'000).substr(1);
  std::string text = (millionths < 0 ? "-" : "") + std::to_string(std::llabs(millionths / 1'000'000)) + "." + digits;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::optional<std::string> nearest_name(std::string_view written, const std::vector<std::string>& names) {
  if (written.empty() || written.size() > 64) return std::nullopt;  // nobody mistypes that; and the work is quadratic
  // A third of the letters may be wrong, but never all of a short name.
  const std::size_t budget = 2 * std::max<std::size_t>(1, written.size() / 3);
  const std::string* best = nullptr;
  std::size_t best_distance = budget + 1;
  for (const std::string& name : names) {
    if (name.size() > 64) continue;
    const std::size_t d = distance(written, name);
    if (d < best_distance && d < 2 * std::max(written.size(), name.size())) {
      best = &name;
      best_distance = d;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  while (!text.empty()) {
    if (out.size() >= bytes_max) {
      out += "...";
      break;
    }
    const std::size_t length = utf8_length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

std::string shown(std::string_view text) {
  return "`" + printable(text, 40) + "`";
}

}  // namespace qc::platform
