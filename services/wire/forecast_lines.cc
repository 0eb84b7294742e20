#include "wire/forecast_lines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "core/factor.h"
#include "wire/csv_lines.h"
#include "wire/event_codec.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

using Wrong = tl::unexpected<std::string>;

enum Key : std::size_t { RegionName, Time, Aqi, Primary, Dust };
constexpr std::array<std::string_view, 5> kColumns = {"region", "time", "aqi", "primary", "dust"};
constexpr std::size_t kNeeded = 3;  // of them
constexpr const char* kHeader = "region,time,aqi[,primary][,dust] expected";

std::string quoted(std::string_view text) {
  return '"' + std::string(text.substr(0, 40)) + '"';
}

using Columns = std::array<std::optional<std::size_t>, kColumns.size()>;
tl::expected<Columns, std::string> columns_of(const Fields& header) {
  Columns columns;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const auto known = std::find(kColumns.begin(), kColumns.end(), header[i]);
    if (known == kColumns.end()) return Wrong("unknown column " + quoted(header[i]) + "; " + kHeader);
    auto& at = columns[static_cast<std::size_t>(known - kColumns.begin())];
    if (at) return Wrong("the column " + std::string(header[i]) + " stands twice");
    at = i;
  }
  for (std::size_t k = 0; k < kNeeded; ++k) {
    if (!columns[k]) return Wrong("no column " + std::string(kColumns[k]) + "; " + kHeader);
  }
  return columns;
}

// Ends of hours, (after, until].
tl::expected<core::Interval, std::string> hours_of(std::string_view text, core::EventTime issued) {
  constexpr std::size_t kDate = 10;
  const bool day = text.size() == kDate;
  const auto time = core::parse_iso(day ? std::string(text) + "T00:00" : std::string(text));
  if (!time || !sane_time(core::ms(*time)))
    return Wrong("time " + quoted(text) + ": 2026-11-28 or 2026-11-28T15:00 expected");
  if (core::hour_of(*time) != *time) return Wrong("time " + quoted(text) + " is not a whole hour");
  core::Interval hours{day ? *time : *time - core::kHour, day ? *time + core::kHour * 24 : *time};
  hours.start = std::max(hours.start, std::min(core::hour_of(issued), hours.end));
  if (hours.start >= hours.end) return Wrong("time " + quoted(text) + " had passed when the forecast was issued");
  if (hours.end > core::hour_of(issued) + core::kHour * kForecastHoursMax)
    return Wrong("time " + quoted(text) + " is more than " + std::to_string(kForecastHoursMax) +
                 " hours after the forecast was issued");
  return hours;
}

tl::expected<int, std::string> index_of(std::string_view text) {
  int index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc{} || end != text.data() + text.size() || index < 0 || index > core::kIndexMax)
    return Wrong("aqi " + quoted(text) + ": a whole number from 0 to 500 expected");
  return index;
}

// Whether ozone alone is primary. `text`: pollutants joined by '+', as in the CSV of `tail means`.
tl::expected<bool, std::string> ozone_of(std::string_view text) {
  int others = 0;
  bool ozone = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find('+'));
    const auto factor = core::parse_factor(one);
    if (!factor || *factor == core::Factor::None || core::is_index(*factor))
      return Wrong("primary " + quoted(text) + ": pollutants joined by + expected");
    if (*factor == core::Factor::O3) {
      ozone = true;
    } else {
      ++others;
    }
    rest.remove_prefix(one.size());
    if (rest == "+") return Wrong("primary " + quoted(text) + ": pollutants joined by + expected");
    if (!rest.empty()) rest.remove_prefix(1);
  }
  return ozone && others == 0;
}

struct Line {
  std::string region;
  core::Interval hours;
  core::IndexHour hour;
};

tl::expected<Line, std::string> line_of(const Fields& fields, const Columns& columns, core::EventTime issued,
                                        const RegionOf& region_of) {
  const auto field = [&](Key k) { return columns[k] ? fields[*columns[k]] : std::string_view(); };
  const auto region = region_of(field(RegionName));
  if (!region) return Wrong(region.error());
  const auto hours = hours_of(field(Time), issued);
  if (!hours) return Wrong(hours.error());
  const auto index = index_of(field(Aqi));
  if (!index) return Wrong(index.error());
  const auto ozone = ozone_of(field(Primary));
  if (!ozone) return Wrong(ozone.error());
  const std::string_view dust = field(Dust);
  if (dust != "yes" && dust != "no" && !dust.empty()) return Wrong("dust " + quoted(dust) + ": yes or no expected");
  return Line{*region, *hours, {*index, *ozone, dust == "yes"}};
}

}  // namespace

Result<ForecastFile> read_forecasts(const std::string& name, std::unique_ptr<ByteSource> source, core::EventTime issued,
                                    const RegionOf& region_of, const ForecastFileLimits& limits) {
  ForecastFile file;
  CsvLines lines(std::move(source), limits.line_bytes_max);
  Fields fields;
  std::optional<Columns> columns;
  struct Said {
    core::IndexHour hour;
    std::int64_t line = 0;
  };
  std::map<std::string, std::map<core::EventTime, Said>> regions;
  std::size_t found = 0;
  std::size_t taken = 0;
  const auto problem = [&](const std::string& what) {
    const std::string where = name + ":" + std::to_string(lines.number()) + ": ";
    if (++found <= limits.problems_max) file.problems.push_back(where + what);
    if (found == limits.problems_max + 1) file.problems.push_back(where + "there are more problems from here on");
  };
  while (true) {
    std::string_view text;
    const auto kind = lines.next(text);
    if (!kind) return tl::make_unexpected(kind.error());
    if (*kind == CsvLines::Kind::End) break;
    if (*kind == CsvLines::Kind::TooLong) {
      problem("longer than " + std::to_string(limits.line_bytes_max) + " bytes");
      continue;
    }
    const bool whole = fields.split(text);
    if (!columns) {
      const auto header = columns_of(fields);
      if (!header || !whole) {
        problem(header ? "a broken quotation" : header.error());
        return file;
      }
      columns = *header;
      continue;
    }
    const auto expected = static_cast<std::size_t>(
        std::count_if(columns->begin(), columns->end(), [](const auto& column) { return column.has_value(); }));
    if (!whole || fields.size() != expected) {
      problem(whole ? std::to_string(fields.size()) + " fields; " + std::to_string(expected) + " expected"
                    : "a broken quotation");
      continue;
    }
    if (++taken > limits.lines_max) {
      problem("more than " + std::to_string(limits.lines_max) + " lines");
      return file;
    }
    const auto line = line_of(fields, *columns, issued, region_of);
    if (!line) {
      problem(line.error());
      continue;
    }
    for (core::EventTime end = line->hours.start + core::kHour; end <= line->hours.end; end += core::kHour) {
      const auto [at, is_new] = regions[line->region].try_emplace(end, Said{line->hour, lines.number()});
      if (is_new) continue;
      problem("the hour that ends at " + core::to_iso(end) + " is forecast for " + line->region + " in line " +
              std::to_string(at->second.line) + " already");
      break;
    }
  }
  if (!columns) problem(std::string("an empty file; ") + kHeader);
  for (const auto& [region, hours] : regions) {
    RegionForecast& out = file.regions.emplace_back(RegionForecast{region, {}});
    for (const auto& [end, said] : hours) out.hours.emplace_hint(out.hours.end(), end, said.hour);
  }
  return file;
}

}  // namespace qc::wire
