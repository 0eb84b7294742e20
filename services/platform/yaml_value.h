// How people write single values in YAML: durations, dates, exact decimals; and the nearest name to a mistyped one.
// Pure functions; no floating point between a person's number and ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qc::platform {

// "500ms", "90s", "10min", "6h", "4d", "0" in milliseconds.
std::optional<std::int64_t> parse_duration(std::string_view text);
// The greatest unit that leaves a whole number: 90000 -> "90s", 3600000 -> "1h", 0 -> "0s".
std::string duration_text(std::int64_t ms);

// "2026-03-01": midnight in Beijing (UTC+8) in milliseconds since the epoch; 1900 to 2999.
std::optional<std::int64_t> parse_date(std::string_view text);
std::string date_text(std::int64_t ms);  // of the day in Beijing that holds it

// "0.0025" in millionths. A value finer than that, or of 13 and more digits before the point, is none.
std::optional<std::int64_t> parse_decimal(std::string_view text);
bool is_too_fine_decimal(std::string_view text);    // a decimal, but with more than 6 digits after the point
std::string decimal_text(std::int64_t millionths);  // "0.0025"

// The name that a person most probably meant: by edit distance (a swap of neighbours counts one), case counting half;
// none when nothing is near.
std::optional<std::string> nearest_name(std::string_view written, const std::vector<std::string>& names);

bool is_valid_utf8(std::string_view text);

// For messages: control characters and broken UTF-8 as \xNN, so that a line stays a line; cut after about `bytes_max`.
std::string printable(std::string_view text, std::size_t bytes_max = 4096);
// The same in backticks, cut after about 40 bytes.
std::string shown(std::string_view text);

}  // namespace qc::platform
