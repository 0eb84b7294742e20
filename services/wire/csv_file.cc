#include "wire/csv_file.h"

#include <algorithm>
#include <charconv>

#include "wire/limits.h"

namespace qc::wire {
namespace {

constexpr std::size_t kQuotedBytesMax = 40;  // of foreign text in a message

}  // namespace

CsvFile::CsvFile(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options)
    : path_(std::move(path)), options_(options), lines_(std::move(source), options.line_bytes_max) {}

Result<std::optional<Packet>> CsvFile::next() {
  while (ready_.empty() && !ended_ && !error_) {
    if (auto read = read_line(); !read) error_ = read.error();
  }
  // What was complete before the error is given first.
  if (!ready_.empty()) {
    Packet packet = std::move(ready_.front());
    ready_.pop_front();
    return packet;
  }
  if (error_) return tl::make_unexpected(*error_);
  return std::nullopt;
}

Result<void> CsvFile::read_line() {
  std::string_view line;
  auto kind = lines_.next(line);
  if (!kind) return fail(kind.error().code, path_ + ": " + kind.error().text);
  if (*kind == CsvLines::Kind::End) {
    ended_ = true;
    if (width_ == 0) return malformed("the file is empty, a header was expected");
    finish();
    return {};
  }
  ++counts_.lines;
  if (*kind == CsvLines::Kind::TooLong) {
    ++counts_.fields;
    if (width_ == 0)
      return malformed("the header is longer than line_bytes_max, " + std::to_string(options_.line_bytes_max));
    bad(Fate::LongLine, "a line longer than line_bytes_max, " + std::to_string(options_.line_bytes_max) + " bytes");
    return {};
  }
  const bool whole = fields_.split(line);
  const auto n = static_cast<std::int64_t>(fields_.size());
  counts_.fields += n;
  if (width_ == 0) {
    count(Fate::Other, n);
    if (!whole) return malformed("the header's quotation is broken");
    if (auto understood = header(fields_); !understood) return understood;
    width_ = fields_.size();
    return {};
  }
  if (!whole) {
    bad(Fate::TornRow, "a quotation that doesn't end", n);
  } else if (fields_.size() != width_) {
    bad(Fate::TornRow, std::to_string(n) + " fields, " + std::to_string(width_) + " expected", n);
  } else {
    row(fields_);
  }
  return {};
}

void CsvFile::bad(Fate fate, std::string_view what, std::int64_t n) {
  count(fate, n);
  if (messages_.size() >= options_.messages_max) return;
  std::string text = path_ + ':' + std::to_string(lines_.number()) + ": ";
  for (const char c : what) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  messages_.push_back(std::move(text));
}

void CsvFile::skip(const Fields& fields, std::span<const std::size_t> columns, Fate fate, std::string_view why) {
  std::int64_t lost = 0;
  for (const std::size_t at : columns) {
    if (is_missing(fields[at])) {
      count(Fate::Missing);
    } else {
      ++lost;
    }
  }
  if (!is_bad(fate)) {
    count(fate, lost);
  } else if (lost > 0) {
    bad(fate, why, lost);
  }
}

void CsvFile::emit(Packet packet) {
  if (packet.rows.empty()) return;
  ++counts_.packets;
  ready_.push_back(std::move(packet));
}

std::optional<core::Decimal> CsvFile::value(std::string_view text, std::string_view column) {
  if (is_missing(text)) {
    count(Fate::Missing);
    return std::nullopt;
  }
  auto number = core::parse_decimal(text);
  if (!number) {
    bad(Fate::NotANumber,
        std::string(column) + ": \"" + std::string(text.substr(0, kQuotedBytesMax)) + "\" is not a number");
  }
  return number;
}

Result<std::size_t> CsvFile::column(const Fields& header, std::string_view name) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] != name) continue;
    if (found) return malformed("the column " + std::string(name) + " stands twice");
    found = i;
  }
  if (!found) return malformed("no column " + std::string(name));
  return *found;
}

tl::unexpected<Error> CsvFile::malformed(std::string_view what) const {
  return fail(Errc::file_malformed, path_ + ':' + std::to_string(std::max<std::int64_t>(lines_.number(), 1)) + ": " +
                                        std::string(what) + " (format " + std::string(wire::name(options_.format)) +
                                        ')');
}

std::optional<core::EventTime> hour_label(int year, unsigned month, unsigned day, unsigned hour) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (year < 0 || year > 9999 || !date.ok() || hour > 23) return std::nullopt;
  const core::EventTime at = core::beijing_midnight(year, month, day) + std::chrono::hours(hour);
  if (!sane_time(core::ms(at) - core::kHour.count())) return std::nullopt;
  return at;
}

std::optional<unsigned> whole_number(std::string_view text) {
  constexpr std::size_t kDigitsMax = 9;
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || text.size() > kDigitsMax || error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return n;
}

core::Interval hour_ending(core::EventTime end) {
  return {end - core::kHour, end};
}

}  // namespace qc::wire
