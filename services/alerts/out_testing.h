// For tests of what goes out: alerts in a line, and a log in memory that holds them.
#pragma once

#include <string>
#include <vector>

#include "core/alert.h"
#include "core/alert_stage.h"
#include "core/told_testing.h"
#include "stream/memory_log.h"
#include "wire/alert_codec.h"
#include "wire/keys.h"

namespace qc::alerts::fixture {

inline constexpr core::EventTime kBegan = core::event_time(1'790'000'000'000);

// The first revision of `subject`'s alert is 1; level 0: it is over.
inline core::ToldAlert told(const std::string& subject, std::int64_t revision, int level = 1) {
  return core::fixture::told_alert(subject, revision, level, "C", kBegan);
}

inline stream::NewRecord record(const core::ToldAlert& t, int partition = 0) {
  return {{"alerts", partition}, wire::alert_key(t.alert.key), wire::encode_alert(t, {}), {}};
}

inline void set_up(stream::Log& log, int partitions = 1) {
  const std::vector<stream::TopicSpec> topics = {{"alerts", partitions, stream::Cleanup::Compact},
                                                 {"dead-letters", 1, stream::Cleanup::Delete}};
  ASSERT_TRUE(log.create_topics(topics));
}

inline void append(stream::Log& log, const std::vector<stream::NewRecord>& records) {
  auto appender = log.appender();
  ASSERT_TRUE(appender);
  ASSERT_TRUE((*appender)->append(records));
}

}  // namespace qc::alerts::fixture
