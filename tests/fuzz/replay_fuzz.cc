// Any bytes as a snapshot of a replay, and as a published record: what is read of a snapshot is written and read again
// as it was, and who made a record is either said or not, whatever stands in it.
#include <boost/crc.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "qingchuan/replay_made.h"
#include "qingchuan/replay_snapshot.h"

namespace {

using namespace qc;

// With the right beginning and the right checksum: otherwise nothing gets past them.
void read_snapshot_of(std::string_view content) {
  std::string bytes = "QCSNAP01";
  bytes += content;
  boost::crc_32_type sum;
  sum.process_bytes(bytes.data(), bytes.size());
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(sum.checksum() >> shift & 0xffU);
  const auto snapshot = commands::decode_snapshot(bytes);
  if (!snapshot) return;
  const auto again = commands::decode_snapshot(commands::encode_snapshot(*snapshot));
  QC_ASSERT(again.has_value() && *again == *snapshot);
}

void read_record(const char* topic, std::string_view key, std::string_view value) {
  const stream::TopicPartition from{topic, 0};
  stream::Record record;
  record.from = &from;
  record.key = key;
  record.value = value;
  const auto made = commands::made_of(record);
  const bool has_ticks = from.topic == "means" || from.topic == "signals";
  if (made) QC_ASSERT(made->tick == (has_ticks && key.starts_with("@tick|")));
  const auto about = commands::about(topic, key, value);
  QC_ASSERT(!about || !commands::describe_record(topic, key, value).empty());
  QC_ASSERT(commands::field_differences(topic, value, value).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_snapshot_of(bytes);
  static_cast<void>(commands::decode_snapshot(bytes));
  for (const char* topic : {"means", "signals", "dead-letters", "alerts", "outcomes", "ledger"}) {
    read_record(topic, "site|PM10|1h|1", bytes);
    read_record(topic, "@tick|processor|0", bytes);
  }
  return 0;
}
