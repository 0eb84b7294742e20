#include "processor/records.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "stream/log.h"

namespace qc::processor {
namespace {

core::Signal signal() {
  core::Signal s;
  s.id = "hour_limit/LL0701/O3/3";
  s.revision = 2;
  s.subject = "LL0701";
  s.root = "lvliang";
  s.at = core::parse_iso("2026-11-27T18:00:00+08:00").value();
  return s;
}

// What CloudEvents 1.0 asks of an event in Kafka's binary mode: the required attributes, the optional ones that we
// give, and the type of the value under the name that the binding wants.
TEST(SignalRecord, IsACloudEvent) {
  StageOptions options;
  options.version = "v1";
  const stream::NewRecord record = signal_record(signal(), {}, "/qingchuan/processor", options);
  std::vector<std::pair<std::string, std::string>> headers;
  stream::each_header(record.headers,
                      [&](std::string_view key, std::string_view value) { headers.emplace_back(key, value); });
  const std::vector<std::pair<std::string, std::string>> expected = {{"region", "lvliang"},
                                                                     {"version", "v1"},
                                                                     {"ce_specversion", "1.0"},
                                                                     {"ce_id", "hour_limit/LL0701/O3/3@2"},
                                                                     {"ce_type", "qingchuan.signal"},
                                                                     {"ce_source", "/qingchuan/processor"},
                                                                     {"ce_time", "2026-11-27T18:00:00+08:00"},
                                                                     {"ce_subject", "LL0701"},
                                                                     {"content-type", "application/protobuf"}};
  EXPECT_EQ(headers, expected);
}

TEST(SignalRecord, EachRevisionIsAnEventOfItsOwn) {
  core::Signal later = signal();
  ++later.revision;
  const auto id = [](const core::Signal& s) {
    const stream::NewRecord record = signal_record(s, {}, "/qingchuan/processor", {});
    return std::string(stream::find_header(record.headers, "ce_id").value());
  };
  EXPECT_NE(id(signal()), id(later));
}

TEST(SignalTicks, AreNoEvents) {
  stream::StageOutputs out;
  StageOptions options;
  options.signals_partitions = 2;
  add_signal_ticks(core::event_time(0), "processor", 0, options, out);
  ASSERT_EQ(out.records.size(), 2u);
  for (const stream::NewRecord& record : out.records) EXPECT_TRUE(record.headers.empty());
}

}  // namespace
}  // namespace qc::processor
