#include "qingchuan/alerts_send.h"

#include <array>
#include <random>

#include "alerts/records.h"
#include "qingchuan/command.h"
#include "stream/read_range.h"

namespace qc::commands {

std::string new_command_id() {
  std::random_device chance;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string id = "cmd-";
  for (int i = 0; i < 4; ++i) {
    for (unsigned n = chance(), digit = 0; digit < 8; ++digit, n >>= 4U) id += kHex[n & 15U];
  }
  return id;
}

Result<std::optional<wire::DecodedOutcome>> send_command(stream::Log& log, const core::AlertCommand& command,
                                                         const std::string& root, core::EventTime sent,
                                                         std::chrono::milliseconds at_most, std::stop_token stop) {
  const auto partitions = stream::partitions_of(log, alerts::kCommands);
  if (!partitions) return tl::make_unexpected(partitions.error());
  const auto whole = stream::whole_topic(log, alerts::kOutcomes);
  if (!whole) return tl::make_unexpected(whole.error());
  std::vector<std::pair<stream::TopicPartition, stream::Offset>> from;
  for (const stream::Stretch& s : *whole) from.emplace_back(s.of, s.until);
  auto reader = log.reader(from);
  if (!reader) return tl::make_unexpected(reader.error());
  auto appender = log.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  const std::array record = {alerts::command_record(command, root, sent, *partitions, version())};
  if (auto done = (*appender)->append(record); !done) return tl::make_unexpected(done.error());
  const auto until = std::chrono::steady_clock::now() + at_most;
  stream::Batch batch;
  while (std::chrono::steady_clock::now() < until && !stop.stop_requested()) {
    if (auto polled = (*reader)->poll(batch, 1000, stream::Milliseconds(100)); !polled)
      return tl::make_unexpected(polled.error());
    for (const stream::Record& r : batch.records) {
      if (r.tombstone || r.key != command.id) continue;
      if (auto outcome = wire::decode_outcome(r.value)) return outcome;
    }
  }
  return std::nullopt;
}

}  // namespace qc::commands
