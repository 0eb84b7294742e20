// Any bytes as a record of `events`: the decoder neither crashes nor lets anything through that the region stage must
// not see, and what it reads survives being encoded and read again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "wire/event_codec.h"
#include "wire/limits.h"

namespace {

using namespace qc;

bool is_hour(core::EventTime t) {
  return core::hour_of(t) == t && wire::sane_time(core::ms(t));
}

void check(const core::Event& event) {
  for (const std::string* text : {&event.id, &event.region, &event.root}) {
    QC_ASSERT(!text->empty() && text->size() <= wire::kNameBytesMax && text->find('\0') == std::string::npos);
  }
  QC_ASSERT(!event.source.empty() && wire::sane_time(core::ms(event.received)));
  if (const auto* forecast = std::get_if<core::ForecastIssue>(&event.what)) {
    QC_ASSERT(forecast->hours.size() <= static_cast<std::size_t>(wire::kForecastHoursMax));
    for (const auto& [end, hour] : forecast->hours)
      QC_ASSERT(is_hour(end) && hour.index >= 0 && hour.index <= core::kIndexMax);
  } else {
    const auto& order = std::get<core::AreaOrder>(event.what);
    QC_ASSERT(order.level >= 0 && order.level <= core::kWarningLevels);
    QC_ASSERT(is_hour(order.interval.start) && order.interval.start < order.interval.end);
    QC_ASSERT(order.interval.end == core::EventTime::max() || is_hour(order.interval.end));
  }
  QC_ASSERT(wire::event_error(event).empty());
  const std::string bytes = wire::encode_event(event);
  const auto again = wire::decode_event(bytes);
  const auto* same = std::get_if<core::Event>(&again);
  QC_ASSERT(same != nullptr && wire::encode_event(*same) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto decoded = wire::decode_event({reinterpret_cast<const char*>(data), size});
  if (const auto* event = std::get_if<core::Event>(&decoded)) {
    check(*event);
  } else {
    const auto& rejected = std::get<core::Rejected>(decoded);
    QC_ASSERT(rejected.reason != core::Reason::None && rejected.readings == 1 && !rejected.detail.empty());
  }
  return 0;
}
