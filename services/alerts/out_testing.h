// For tests of what goes out: alerts in a line, and a log in memory that holds them.
#pragma once

#include <string>
#include <vector>

#include "core/alert.h"
#include "core/alert_stage.h"
#include "stream/memory_log.h"
#include "wire/alert_codec.h"
#include "wire/keys.h"

namespace qc::alerts::fixture {

inline constexpr core::EventTime kBegan = core::event_time(1'790'000'000'000);

// The first revision of `subject`'s alert is 1; level 0: it is over.
inline core::ToldAlert told(const std::string& subject, std::int64_t revision, int level = 1) {
  core::ToldAlert t;
  core::Alert& a = t.alert;
  a.key = {"aqi_level", subject, core::Factor::AQI};
  a.episode = 1;
  a.revision = revision;
  a.begun_revision = 1;
  a.listed = level > 0;
  core::Signal& s = a.condition;
  s.id = core::text(a.key) + "/1";
  s.revision = static_cast<std::int32_t>(revision);
  s.rule = a.key.rule;
  s.subject = subject;
  s.region = "C";
  s.root = "P";
  s.factor = core::Factor::AQI;
  s.window = core::Window::H1;
  s.unit = core::Unit::Point;
  s.level = level > 0 ? level : 1;
  s.state = level > 0 ? core::SignalState::Active : core::SignalState::Cleared;
  s.began = kBegan;
  s.at = kBegan + std::chrono::minutes(revision);
  s.interval = {kBegan - core::kHour, kBegan};
  s.value = {166'000'000};
  s.limit = {150'000'000};
  s.clause = "HJ 633";
  a.level_max = s.level;
  a.occurrences = 1;
  a.change = {s.at, "signals", "test", ""};
  t.telling = revision == 1 ? core::Telling::Alert : level > 0 ? core::Telling::Update : core::Telling::Cancel;
  t.annunciate = revision == 1;
  return t;
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
