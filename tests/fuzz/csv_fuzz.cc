// Any bytes as a data file, in each of the four formats: whatever stands in it, every field is counted exactly once and
// every counted reading is in a packet that the codec can write. The first byte chooses format and interval.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "wire/codec.h"
#include "wire/file_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qc;
  if (size == 0) return 0;
  static wire::BatchBuilder builder;
  static wire::InputDecoder decoder;
  wire::FileOptions options;
  options.format = static_cast<wire::Format>(data[0] % 4);
  options.label = (data[0] & 4) != 0 ? wire::Label::End : wire::Label::Start;
  options.interval =
      (data[0] & 8) != 0 ? core::Duration(std::chrono::hours(1)) : core::Duration(std::chrono::seconds(5));
  options.line_bytes_max = 512;
  options.packet_readings_max = 16;
  auto file = wire::open_text("fuzz", std::string(reinterpret_cast<const char*>(data + 1), size - 1), options);
  if (!file) return 0;
  std::int64_t rows = 0;
  std::int64_t packets = 0;
  while (true) {
    auto packet = (*file)->next();
    if (!packet) return 0;  // the file's header or compression: told, and nothing to balance
    if (!*packet) break;
    const wire::Packet& p = **packet;
    QC_ASSERT(!p.rows.empty() && p.interval.start < p.interval.end);
    ++packets;
    rows += static_cast<std::int64_t>(p.rows.size());
    builder.begin(p.site, core::receive_time(core::ms(p.interval.end)), 0, p.source, p.interval.start,
                  p.interval.end - p.interval.start);
    for (const wire::Row& row : p.rows) builder.add(0, row.factor, row.unit, row.value, row.flag);
    const std::string bytes = builder.finish();
    const wire::Decoded decoded = decoder.decode(bytes);
    const auto* batch = std::get_if<const core::ReadingBatch*>(&decoded);
    QC_ASSERT(batch != nullptr);
    std::int64_t accounted = 0;
    for (const core::Flag f : (*batch)->flags) accounted += f != core::Flag::Missing ? 1 : 0;
    for (const core::Rejected& r : (*batch)->rejected) accounted += r.readings;
    QC_ASSERT(accounted == static_cast<std::int64_t>(p.rows.size()));
  }
  const wire::Counts& counts = (*file)->counts();
  QC_ASSERT(counts.balanced());
  QC_ASSERT(counts.readings() == rows && counts.packets == packets);
  return 0;
}
