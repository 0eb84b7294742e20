// Forecasts as a centre writes them: a CSV of hours or days and the AQI of each (docs/events.md). Here is judged all
// that can be judged without a log.
//
// All or nothing: whoever finds a problem in ForecastFile uses none of it. Function; any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/result.h"
#include "core/warning.h"
#include "wire/byte_source.h"

namespace qc::wire {

struct RegionForecast {
  std::string region;
  core::Forecast hours;
};

struct ForecastFile {
  std::vector<RegionForecast> regions;  // by id, each once
  std::vector<std::string> problems;    // "forecast.csv:12: what is wrong", in the order of the lines
};

struct ForecastFileLimits {
  std::size_t line_bytes_max = 65'536;
  std::size_t lines_max = 100'000;  // 40 days of 100 regions by the hour
  std::size_t problems_max = 50;    // then one last one says that there are more
};

// The id of the region that is called so, or why there is none.
using RegionOf = std::function<tl::expected<std::string, std::string>(std::string_view)>;

// region,time,aqi[,primary][,dust]. `time`: an hour, the end of the 24 h that the AQI is of; or a date, whose AQI is
// taken for every hour that ends within it. Hours of a day that ended before `issued` are left out. file_unreadable:
// the device or the compression failed.
Result<ForecastFile> read_forecasts(const std::string& name, std::unique_ptr<ByteSource> source, core::EventTime issued,
                                    const RegionOf& region_of, const ForecastFileLimits& limits = {});

}  // namespace qc::wire
