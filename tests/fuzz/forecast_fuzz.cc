// Any bytes as a file of forecasts: what comes of it without a problem is an event that the codec writes and reads back
// as it was, and the same bytes say the same thing twice.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "wire/event_codec.h"
#include "wire/forecast_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qc;
  const core::EventTime issued = core::beijing_midnight(2026, 11, 27) + core::kHour * 8;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto region_of = [](std::string_view written) -> tl::expected<std::string, std::string> {
    if (written.size() == 1) return std::string("r") + (written == "a" ? "1" : "2");
    return tl::unexpected<std::string>("one letter expected");
  };
  const auto read = [&] {
    auto source = wire::bytes_of(text);
    if (!source) return wire::ForecastFile{};
    auto file = wire::read_forecasts("fuzz", std::move(*source), issued, region_of,
                                     {.line_bytes_max = 512, .lines_max = 100, .problems_max = 10});
    return file ? std::move(*file) : wire::ForecastFile{};  // compression may fail midway
  };
  const wire::ForecastFile file = read();
  QC_ASSERT(file.problems.size() <= 11 && file.regions.size() <= 2);
  for (const wire::RegionForecast& region : file.regions) {
    core::Event event{"id", region.region, "root", "centre", issued, core::ForecastIssue{issued, region.hours}};
    const auto decoded = wire::decode_event(wire::encode_event(event));
    const auto* back = std::get_if<core::Event>(&decoded);
    QC_ASSERT(back != nullptr && std::get<core::ForecastIssue>(back->what).hours == region.hours);
    QC_ASSERT(!region.hours.empty() && region.hours.begin()->first > issued);
  }
  const wire::ForecastFile again = read();
  QC_ASSERT(again.problems == file.problems && again.regions.size() == file.regions.size());
  for (std::size_t i = 0; i < file.regions.size(); ++i) QC_ASSERT(again.regions[i].hours == file.regions[i].hours);
  return 0;
}
