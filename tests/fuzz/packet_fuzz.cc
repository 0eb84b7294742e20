// Any bytes as a record of `readings`: the decoder neither crashes nor lets anything through that core must not see,
// and what it reads survives being encoded and read again.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "core/reading_stage.h"
#include "core/testing.h"
#include "wire/codec.h"
#include "wire/packet.h"
#include "wire/packet_testing.h"
#include "wire/wire_format.h"

namespace {

using namespace qc;

void check_batch(const core::ReadingBatch& batch) {
  QC_ASSERT(batch.values.size() == batch.flags.size());
  QC_ASSERT(!batch.site.empty() && batch.site.size() <= wire::kNameBytesMax);
  QC_ASSERT(batch.step > core::Duration(0));
  std::size_t rows = 0;
  for (const core::Column& column : batch.columns) {
    QC_ASSERT(column.first == rows);
    rows += column.count;
    QC_ASSERT(column.factor != core::Factor::None && !core::is_index(column.factor));
  }
  QC_ASSERT(rows == batch.values.size());
  for (std::size_t i = 0; i < rows; ++i) {
    QC_ASSERT(batch.values[i].pg >= 0 && batch.values[i].pg <= core::kConcentrationMax);
    QC_ASSERT(batch.flags[i] <= core::Flag::Missing);
  }
  for (const core::Rejected& r : batch.rejected) QC_ASSERT(r.readings > 0 && r.reason != core::Reason::None);
}

// The same readings, built anew, are the same batch: nothing refused, nothing changed.
void check_round_trip(const core::ReadingBatch& batch) {
  static wire::BatchBuilder builder;
  static wire::InputDecoder second;
  builder.begin(batch.site, batch.received, batch.stamp_ms, batch.source, batch.start, batch.step);
  std::size_t readings = 0;
  for (const core::Column& column : batch.columns) {
    for (std::uint32_t i = 0; i < column.count; ++i) {
      const std::size_t at = column.first + i;
      if (batch.flags[at] == core::Flag::Missing) continue;
      ++readings;
      builder.add(i, column.factor, core::Unit::UgM3, {batch.values[at].pg, 6}, batch.flags[at]);
    }
  }
  const std::string bytes = builder.finish();
  const wire::Decoded decoded = second.decode(bytes);
  const auto* again = std::get_if<const core::ReadingBatch*>(&decoded);
  QC_ASSERT(again != nullptr);
  check_batch(**again);
  QC_ASSERT((*again)->rejected.empty());
  std::size_t there = 0;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < (*again)->values.size(); ++i) {
    if ((*again)->flags[i] == core::Flag::Missing) continue;
    ++there;
    sum += (*again)->values[i].pg;
  }
  for (std::size_t i = 0; i < batch.values.size(); ++i) {
    if (batch.flags[i] != core::Flag::Missing) sum -= batch.values[i].pg;
  }
  QC_ASSERT(there == readings && sum == 0);
}

// Read without a message between, it is what protobuf makes of it: with a field that nobody knows it is protobuf's.
void check_plain(std::string_view record) {
  static core::ReadingBatch plain;
  static wire::InputDecoder second;
  const auto field = wire::only_field(record);
  if (!field || field->number != 1 || !wire::read_plain_packet(field->content, {}, plain)) return;
  const std::string with_more = wire::with_unknown_field(field->content);
  const wire::Decoded decoded = second.decode(with_more);
  const auto* other = std::get_if<const core::ReadingBatch*>(&decoded);
  QC_ASSERT(other != nullptr && wire::same(plain, **other));
}

// What the stage does with it, where it holds such a site: whatever it brings along, the stage goes on.
void check_past(const core::PastAmend& past) {
  static wire::InputDecoder second;
  const std::string bytes = wire::encode_past_amend(past);
  const wire::Decoded decoded = second.decode(bytes);
  const auto* again = std::get_if<core::PastAmend>(&decoded);
  QC_ASSERT(again != nullptr && wire::encode_past_amend(*again) == bytes);
  core::ReadingStage stage([](std::string_view) { return true; });
  auto rules = std::make_shared<core::RuleSet>(*core::test_rules_with_windows());
  core::SiteInfo site = rules->sites["S1"];
  site.id = past.site;
  rules->sites[site.id] = site;
  stage.use(rules, core::Timeline::Wall);
  core::Outputs out;
  stage.apply(core::Tick{past.as_of}, 0, out);
  stage.apply(past, 1, out);
  stage.apply(core::Tick{past.as_of + core::kHour * 3}, 2, out);
  QC_ASSERT(stage.ledger().balanced());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::InputDecoder decoder;
  static wire::InputDecoder second;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const wire::Decoded decoded = decoder.decode(bytes);
  if (const auto* batch = std::get_if<const core::ReadingBatch*>(&decoded)) {
    check_batch(**batch);
    check_round_trip(**batch);
    check_plain(bytes);
  } else if (const auto* site = std::get_if<core::Register>(&decoded)) {
    const auto again = second.decode(wire::encode_register(*site));
    QC_ASSERT(std::get<core::Register>(again).site == site->site);
  } else if (const auto* tick = std::get_if<core::Tick>(&decoded)) {
    const auto again = second.decode(wire::encode_tick(tick->now));
    QC_ASSERT(std::get<core::Tick>(again).now == tick->now);
  } else if (const auto* amend = std::get_if<core::Amend>(&decoded)) {
    const auto again = second.decode(wire::encode_amend(*amend));
    QC_ASSERT(std::get<core::Amend>(again).interval == amend->interval);
  } else if (const auto* past = std::get_if<core::PastAmend>(&decoded)) {
    check_past(*past);
  } else if (const auto* rules = std::get_if<core::RulesSwitch>(&decoded)) {
    const auto again = second.decode(wire::encode_rules_switch(*rules));
    QC_ASSERT(std::get<core::RulesSwitch>(again).hash == rules->hash);
  } else {
    const auto& rejected = std::get<core::Rejected>(decoded);
    QC_ASSERT(rejected.reason != core::Reason::None && rejected.readings >= 1 && !rejected.detail.empty());
  }
  return 0;
}
