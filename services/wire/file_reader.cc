#include "wire/file_reader.h"

#include <algorithm>
#include <numeric>

#include "wire/csv_file.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

constexpr std::array<std::string_view, 4> kFormats = {"prsa", "beijing", "cnemc", "csv"};

Result<std::unique_ptr<FileReader>> make(std::string path, Result<std::unique_ptr<ByteSource>> source,
                                         const FileOptions& options) {
  if (!is_grid(options.interval)) return fail(Errc::usage, "interval: 5s, 1min, 5min or 1h expected");
  if (options.line_bytes_max == 0 || options.packet_readings_max == 0) return fail(Errc::usage, "a limit of 0");
  if (!source) return tl::make_unexpected(source.error());
  switch (options.format) {
    case Format::Prsa:
      return make_prsa(std::move(path), std::move(*source), options);
    case Format::Beijing:
      return make_beijing(std::move(path), std::move(*source), options);
    case Format::Cnemc:
      return make_cnemc(std::move(path), std::move(*source), options);
    case Format::Csv:
      break;
  }
  return make_plain(std::move(path), std::move(*source), options);
}

}  // namespace

std::optional<Format> parse_format(std::string_view text) {
  const auto found = std::find(kFormats.begin(), kFormats.end(), text);
  if (found == kFormats.end()) return std::nullopt;
  return static_cast<Format>(found - kFormats.begin());
}

std::string_view name(Format f) {
  return kFormats[static_cast<std::size_t>(f)];
}

std::string_view name(Fate f) {
  constexpr std::array<std::string_view, kFates> kNames = {"reading",      "missing",        "published",  "other",
                                                           "not_a_number", "unknown_factor", "wrong_unit", "bad_flag",
                                                           "bad_time",     "bad_site",       "torn_row",   "long_line"};
  return kNames[static_cast<std::size_t>(f)];
}

std::int64_t Counts::bad() const {
  std::int64_t n = 0;
  for (std::size_t i = 0; i < kFates; ++i) n += is_bad(static_cast<Fate>(i)) ? fates[i] : 0;
  return n;
}

bool Counts::balanced() const {
  return fields == std::accumulate(fates.begin(), fates.end(), std::int64_t{0});
}

Counts& Counts::operator+=(const Counts& other) {
  lines += other.lines;
  fields += other.fields;
  packets += other.packets;
  for (std::size_t i = 0; i < kFates; ++i) fates[i] += other.fates[i];
  return *this;
}

Result<std::unique_ptr<FileReader>> open_file(const std::string& path, const FileOptions& options) {
  return make(path, open_bytes(path), options);
}

Result<std::unique_ptr<FileReader>> open_text(std::string name, std::string text, const FileOptions& options) {
  return make(std::move(name), bytes_of(std::move(text)), options);
}

}  // namespace qc::wire
