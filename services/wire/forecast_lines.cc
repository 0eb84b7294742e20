#include "wire/forecast_lines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "core/factor.h"
#include "wire/csv_rows.h"
#include "wire/event_codec.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

using Wrong = tl::unexpected<std::string>;

enum Key : std::size_t { RegionName, Time, Aqi, Primary, Dust };
constexpr std::array<std::string_view, 5> kColumns = {"region", "time", "aqi", "primary", "dust"};
constexpr std::size_t kNeeded = 3;  // of them
constexpr const char* kHeader = "region,time,aqi[,primary][,dust] expected";

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

tl::expected<Line, std::string> line_of(const CsvRows& rows, core::EventTime issued, const RegionOf& region_of) {
  const auto region = region_of(rows.field(RegionName));
  if (!region) return Wrong(region.error());
  const auto hours = hours_of(rows.field(Time), issued);
  if (!hours) return Wrong(hours.error());
  const auto index = index_of(rows.field(Aqi));
  if (!index) return Wrong(index.error());
  const auto ozone = ozone_of(rows.field(Primary));
  if (!ozone) return Wrong(ozone.error());
  const std::string_view dust = rows.field(Dust);
  if (dust != "yes" && dust != "no" && !dust.empty()) return Wrong("dust " + quoted(dust) + ": yes or no expected");
  return Line{*region, *hours, {*index, *ozone, dust == "yes"}};
}

}  // namespace

Result<ForecastFile> read_forecasts(const std::string& name, std::unique_ptr<ByteSource> source, core::EventTime issued,
                                    const RegionOf& region_of, const ForecastFileLimits& limits) {
  ForecastFile file;
  CsvRows rows(name, std::move(source), {kColumns, kNeeded, kHeader}, limits.line_bytes_max, limits.problems_max);
  struct Said {
    core::IndexHour hour;
    std::int64_t line = 0;
  };
  std::map<std::string, std::map<core::EventTime, Said>> regions;
  std::size_t taken = 0;
  while (true) {
    const auto more = rows.next();
    if (!more) return tl::make_unexpected(more.error());
    if (!*more) break;
    if (++taken > limits.lines_max) {
      rows.problem("more than " + std::to_string(limits.lines_max) + " lines");
      break;
    }
    const auto line = line_of(rows, issued, region_of);
    if (!line) {
      rows.problem(line.error());
      continue;
    }
    for (core::EventTime end = line->hours.start + core::kHour; end <= line->hours.end; end += core::kHour) {
      const auto [at, is_new] = regions[line->region].try_emplace(end, Said{line->hour, rows.line()});
      if (is_new) continue;
      rows.problem("the hour that ends at " + core::to_iso(end) + " is forecast for " + line->region + " in line " +
                   std::to_string(at->second.line) + " already");
      break;
    }
  }
  file.problems = rows.take_problems();
  for (const auto& [region, hours] : regions) {
    RegionForecast& out = file.regions.emplace_back(RegionForecast{region, {}});
    for (const auto& [end, said] : hours) out.hours.emplace_hint(out.hours.end(), end, said.hour);
  }
  return file;
}

}  // namespace qc::wire
