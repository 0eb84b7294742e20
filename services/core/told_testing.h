// For tests only: what is told of an alert, in a line.
#pragma once

#include <string>

#include "core/alert.h"

namespace qc::core::fixture {

// The first revision of `subject`'s alert is 1; level 0: it is over.
inline ToldAlert told_alert(const std::string& subject, std::int64_t revision, int level, const std::string& region,
                            EventTime began) {
  ToldAlert t;
  Alert& a = t.alert;
  a.key = {"aqi_level", subject, Factor::AQI};
  a.episode = 1;
  a.revision = revision;
  a.begun_revision = 1;
  a.listed = level > 0;
  Signal& s = a.condition;
  s.id = text(a.key) + "/1";
  s.revision = static_cast<std::int32_t>(revision);
  s.rule = a.key.rule;
  s.subject = subject;
  s.region = region;
  s.root = "P";
  s.factor = Factor::AQI;
  s.window = Window::H1;
  s.unit = Unit::Point;
  s.level = level > 0 ? level : 1;
  s.state = level > 0 ? SignalState::Active : SignalState::Cleared;
  s.began = began;
  s.at = began + std::chrono::minutes(revision);
  s.interval = {began - kHour, began};
  s.value = {166'000'000};
  s.limit = {150'000'000};
  s.clause = "HJ 633";
  a.level_max = s.level;
  a.occurrences = 1;
  a.change = {s.at, "signals", "test", ""};
  t.telling = revision == 1 ? Telling::Alert : level > 0 ? Telling::Update : Telling::Cancel;
  t.annunciate = revision == 1;
  return t;
}

}  // namespace qc::core::fixture
