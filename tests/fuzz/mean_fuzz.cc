// Any bytes as a record of `means`: the decoder neither crashes nor lets anything through that the region stage must
// not see, and what it reads survives being encoded and read again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "core/region_stage.h"
#include "wire/limits.h"
#include "wire/mean_decoder.h"
#include "wire/signal_decoder.h"

namespace {

using namespace qc;

void check_mean(const wire::DecodedMean& decoded) {
  const core::Mean& m = decoded.mean;
  QC_ASSERT(!m.site.empty() && m.site.size() <= wire::kNameBytesMax && m.site.find('\0') == std::string::npos);
  QC_ASSERT(!m.region.empty() && m.factor != core::Factor::None);
  QC_ASSERT(m.interval.start < m.interval.end && core::hour_of(m.interval.start) == m.interval.start);
  QC_ASSERT(m.value.pg >= 0 && m.value.pg <= core::kConcentrationMax);
  QC_ASSERT(decoded.partition >= 0 && decoded.rules.size() == 16);
  if (core::RegionStage::takes(m)) QC_ASSERT(m.interval.end - m.interval.start == core::kHour);
  static wire::MeanDecoder second;
  const std::string bytes = wire::encode_mean(m, {decoded.rules, decoded.partition});
  QC_ASSERT(wire::peek_mean(bytes) == std::optional(wire::MeanKind{m.factor, m.window, m.status}));
  const auto again = second.decode(bytes);
  const auto* same = std::get_if<const wire::DecodedMean*>(&again);
  QC_ASSERT(same != nullptr);
  QC_ASSERT(wire::encode_mean((*same)->mean, {(*same)->rules, (*same)->partition}) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::MeanDecoder decoder;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto signal = wire::decode_signal(bytes)) {
    const auto again = wire::decode_signal(wire::encode_signal(*signal, {}));
    QC_ASSERT(again && again->id == signal->id && again->revision == signal->revision);
  }
  static_cast<void>(wire::peek_mean(bytes));
  const auto decoded = decoder.decode(bytes);
  if (const auto* mean = std::get_if<const wire::DecodedMean*>(&decoded)) {
    check_mean(**mean);
  } else if (const auto* tick = std::get_if<wire::UpstreamTick>(&decoded)) {
    static wire::MeanDecoder second;
    const auto again = second.decode(wire::encode_mean_tick(tick->tick.now, tick->upstream, tick->partition));
    QC_ASSERT(std::get<wire::UpstreamTick>(again).tick.now == tick->tick.now);
  } else {
    const auto& rejected = std::get<core::Rejected>(decoded);
    QC_ASSERT(rejected.reason != core::Reason::None && rejected.readings == 1 && !rejected.detail.empty());
  }
  return 0;
}
