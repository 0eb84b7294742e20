#include "wire/event_codec.h"

#include <optional>
#include <utility>

#include "qingchuan/v1/event.pb.h"
#include "wire/limits.h"
#include "wire/refuse.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Reason;

core::Rejected refuse(Reason reason, std::string detail) {
  return {reason, 1, std::move(detail)};
}

bool is_hour(std::int64_t ms) {
  return sane_time(ms) && ms % core::kHour.count() == 0;
}

// Either what the hours say or why they cannot be used.
std::variant<core::ForecastIssue, core::Rejected> take(const v1::Forecast& in, std::int64_t issued_ms) {
  const auto bad = [](Reason reason, std::string_view what) {
    return refuse(reason, "forecast: " + std::string(what));
  };
  if (in.hours_size() > kForecastHoursMax)
    return bad(Reason::BadShape, "more hours than " + std::to_string(kForecastHoursMax));
  core::ForecastIssue out;
  out.issued = core::event_time(issued_ms);
  for (const v1::ForecastHour& hour : in.hours()) {
    if (!is_hour(hour.end_ms())) return bad(Reason::BadShape, "whole hours between 1990 and 2200 expected");
    const core::EventTime end = core::event_time(hour.end_ms());
    if (!out.hours.empty() && end <= out.hours.rbegin()->first)
      return bad(Reason::BadShape, "an hour twice, or before the one in front of it");
    if (hour.index() < 0 || hour.index() > core::kIndexMax)
      return bad(Reason::OutOfRange, "index " + std::to_string(hour.index()) + ": 0 to 500 expected");
    out.hours.emplace_hint(out.hours.end(), end, core::IndexHour{hour.index(), hour.ozone(), hour.dust()});
  }
  return out;
}

std::variant<core::AreaOrder, core::Rejected> take(const v1::Order& in) {
  const auto bad = [](Reason reason, std::string_view what) { return refuse(reason, "order: " + std::string(what)); };
  if (in.level() < 0 || in.level() > core::kWarningLevels)
    return bad(Reason::OutOfRange, "level " + std::to_string(in.level()) + ": 0 to 3 expected");
  if (!is_hour(in.start_ms()) || (in.has_end_ms() && !is_hour(in.end_ms())))
    return bad(Reason::BadShape, "whole hours between 1990 and 2200 expected");
  if (in.has_end_ms() && in.start_ms() >= in.end_ms()) return bad(Reason::BadShape, "it ends before it begins");
  const auto end = in.has_end_ms() ? core::event_time(in.end_ms()) : core::EventTime::max();
  return core::AreaOrder{in.level(), {core::event_time(in.start_ms()), end}};
}

DecodedEvent take(const v1::Event& in) {
  const auto bad = [](std::string_view what) { return refuse(Reason::BadShape, "event: " + std::string(what)); };
  if (!printable(in.id(), kNameBytesMax)) return bad("id: 1 to 64 bytes of printable text expected");
  if (!printable(in.region(), kNameBytesMax)) return bad("region: 1 to 64 bytes of printable text expected");
  if (!printable(in.root(), kNameBytesMax)) return bad("root: 1 to 64 bytes of printable text expected");
  if (!printable(in.source(), kDisplayNameBytesMax)) return bad("source: 1 to 256 bytes of printable text expected");
  if (!sane_time(in.at_ms()) || !sane_time(in.received_ms()))
    return bad("when it was issued and received: times between 1990 and 2200 expected");
  core::Event out;
  out.id = in.id();
  out.region = in.region();
  out.root = in.root();
  out.source = in.source();
  out.received = core::event_time(in.received_ms());
  const auto with = [&out](auto taken) -> DecodedEvent {
    if (auto* why = std::get_if<core::Rejected>(&taken)) return std::move(*why);
    out.what = std::move(std::get<0>(taken));
    return std::move(out);
  };
  switch (in.what_case()) {
    case v1::Event::kForecast:
      return with(take(in.forecast(), in.at_ms()));
    case v1::Event::kOrder:
      return with(take(in.order()));
    case v1::Event::WHAT_NOT_SET:
      break;
  }
  return refuse(Reason::NotSupported, "a kind of event that this version doesn't know");
}

void set(const core::ForecastIssue& in, v1::Forecast& out) {
  for (const auto& [end, hour] : in.hours) {
    v1::ForecastHour& h = *out.add_hours();
    h.set_end_ms(core::ms(end));
    h.set_index(hour.index);
    h.set_ozone(hour.ozone);
    h.set_dust(hour.dust);
  }
}

void set(const core::AreaOrder& in, v1::Order& out) {
  out.set_level(in.level);
  out.set_start_ms(core::ms(in.interval.start));
  if (in.interval.end != core::EventTime::max()) out.set_end_ms(core::ms(in.interval.end));
}

v1::Event message_of(const core::Event& event) {
  v1::Event out;
  out.set_id(event.id);
  out.set_region(event.region);
  out.set_root(event.root);
  out.set_source(event.source);
  out.set_received_ms(core::ms(event.received));
  out.set_at_ms(core::ms(event.received));
  if (const auto* forecast = std::get_if<core::ForecastIssue>(&event.what)) {
    out.set_at_ms(core::ms(forecast->issued));
    set(*forecast, *out.mutable_forecast());
  } else {
    set(std::get<core::AreaOrder>(event.what), *out.mutable_order());
  }
  return out;
}

}  // namespace

std::string encode_event(const core::Event& event) {
  return message_of(event).SerializeAsString();
}

std::string event_error(const core::Event& event) {
  const DecodedEvent taken = take(message_of(event));
  const auto* why = std::get_if<core::Rejected>(&taken);
  return why == nullptr ? std::string() : why->detail;
}

DecodedEvent decode_event(std::string_view bytes, const DecodeLimits& limits) {
  if (auto refused = size_error(bytes, limits)) return std::move(*refused);
  v1::Event message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return unreadable(bytes);
  return take(message);
}

}  // namespace qc::wire
