// What the tests of the reading stage share: the hours of one morning, packets of one factor, changed rules.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <vector>

#include "core/stage_testing.h"
#include "core/testing.h"

namespace qc::core {

using fixture::add_column;
using fixture::Driver;
using fixture::kMinute;
using fixture::packet;

// 8 December 2015, 08:00 in Beijing: GB 3095-2012 and HJ 633-2012 are in force.
inline const EventTime kEight = beijing_midnight(2015, 12, 8) + kHour * 8;

inline std::vector<Concentration> same(std::size_t n, Concentration value) {
  return std::vector<Concentration>(n, value);
}

// Minutes of one factor from `start` on.
inline ReadingBatch minutes(std::string_view site, Factor factor, EventTime start,
                            const std::vector<Concentration>& values) {
  ReadingBatch batch = packet(site, Source::Minute, start, kMinute);
  add_column(batch, factor, values);
  return batch;
}

inline ReadingBatch hour_data(std::string_view site, Factor factor, EventTime hour, Concentration value) {
  ReadingBatch batch = packet(site, Source::Hour, hour, kHour);
  add_column(batch, factor, {value});
  return batch;
}

inline Amend amendment(Amend::Action action, Factor factor, EventTime hour, Concentration value = {}) {
  Amend a;
  a.id = "A1";
  a.site = "S1";
  a.factor = factor;
  a.interval = {hour, hour + kHour};
  a.action = action;
  a.value = value;
  a.reason = "zero drift";
  a.who = "li";
  return a;
}

inline std::shared_ptr<RuleSet> changed_rules() {
  auto rules = std::make_shared<RuleSet>(*test_rules());
  rules->hash = "00000000000000b2";
  return rules;
}

// Without the rule over single readings, so that hours are judged alone.
inline std::shared_ptr<RuleSet> hourly_rules() {
  auto rules = changed_rules();
  rules->hash = "00000000000000c3";
  std::erase_if(rules->signals, [](const SignalRule& r) { return r.kind == SignalKind::ReadingOverLimit; });
  return rules;
}

// The first tick has been read, so that hours from 08:00 on close in front of us.
class ReadingStageTest : public ::testing::Test {
 protected:
  ReadingStageTest() { d.tick(kEight); }
  Driver d{test_rules()};
};

}  // namespace qc::core
