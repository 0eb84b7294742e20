#include "wire/signal_decoder.h"

#include <utility>

#include "qingchuan/v1/output.pb.h"
#include "wire/limits.h"
#include "wire/refuse.h"
#include "wire/signal_message.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

SignalInput decode_signal_record(std::string_view bytes, const DecodeLimits& limits) {
  if (auto refused = size_error(bytes, limits)) return std::move(*refused);
  v1::SignalRecord record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return unreadable(bytes);
  const auto bad = [](const char* what) { return core::Rejected{core::Reason::BadShape, 1, what}; };
  switch (record.record_case()) {
    case v1::SignalRecord::kSignal: {
      auto signal = signal_of(record.signal());
      if (!signal) return bad("signal: not as any stage of ours writes it");
      const v1::Origin& origin = record.signal().origin();
      return DecodedSignal{std::move(*signal), origin.rules(), origin.partition()};
    }
    case v1::SignalRecord::kTick:
      if (!sane_time(record.tick().now_ms()) || record.tick().partition() < 0)
        return bad("tick: its time or partition");
      return UpstreamTick{
          {core::event_time(record.tick().now_ms())}, record.tick().upstream(), record.tick().partition()};
    case v1::SignalRecord::kTaken:
      return NotForUs{};
    case v1::SignalRecord::RECORD_NOT_SET:
      break;
  }
  return bad("a kind of record that this version doesn't know");
}

std::optional<core::Signal> decode_signal(std::string_view bytes) {
  SignalInput input = decode_signal_record(bytes);
  auto* decoded = std::get_if<DecodedSignal>(&input);
  if (decoded == nullptr) return std::nullopt;
  return std::move(decoded->signal);
}

}  // namespace qc::wire
