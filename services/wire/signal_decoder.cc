#include "wire/signal_decoder.h"

#include <limits>

#include "core/condition.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/codec.h"
#include "wire/limits.h"
#include "wire/packet.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

std::optional<core::Signal> decode_signal(std::string_view bytes) {
  v1::SignalRecord record;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !record.has_signal()) {
    return std::nullopt;
  }
  const v1::Signal& in = record.signal();
  const auto factor = known(in.factor(), core::Factor::AQI_PM24);
  const auto window = known(in.window(), core::Window::Year);
  const auto state = known(in.state(), core::SignalState::Withdrawn);
  if (!factor || !window || !state || in.revision() < 1) return std::nullopt;
  if (!printable(in.id(), kDisplayNameBytesMax) || !printable(in.rule(), kNameBytesMax) ||
      !printable(in.subject(), kNameBytesMax)) {
    return std::nullopt;
  }
  for (const std::int64_t t : {in.at_ms(), in.began_ms(), in.window_start_ms(), in.window_end_ms()}) {
    if (!sane_time(t)) return std::nullopt;
  }
  if (in.level() < 0 || in.level() > core::kLevels || in.unit() < 0 ||
      in.unit() > static_cast<int>(core::Unit::Count)) {
    return std::nullopt;
  }
  core::Signal s;
  s.id = in.id();
  s.revision = in.revision();
  s.rule = in.rule();
  s.subject = in.subject();
  s.region = in.region();
  s.root = in.root();
  s.factor = *factor;
  s.window = *window;
  s.level = in.level();
  s.state = *state;
  s.at = core::event_time(in.at_ms());
  s.began = core::event_time(in.began_ms());
  s.unit = static_cast<core::Unit>(in.unit());
  s.value = {in.value()};
  s.limit = {in.limit()};
  s.clause = in.clause();
  s.reason = in.reason();
  s.interval = {core::event_time(in.window_start_ms()), core::event_time(in.window_end_ms())};
  s.count = in.count();
  s.expected = in.expected();
  for (const int n : in.marks()) {
    if (const auto mark = known(n, core::Mark::Spike)) s.marks.add(*mark);
  }
  s.origin = {in.origin().first_offset(), in.origin().offset()};
  return s;
}

}  // namespace qc::wire
