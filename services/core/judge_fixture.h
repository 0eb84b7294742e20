// What the tests of the judge share: one site with all windows, the rules that a test names, and the signals as lines.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/history.h"
#include "core/reading_stage_fixture.h"
#include "core/reading_stage_windows_fixture.h"

namespace qc::core {

// As in config: S1 alone, measuring `factors`, judged by the rules `ids` alone.
inline std::shared_ptr<RuleSet> judged_by(std::vector<std::string_view> ids, std::vector<Factor> factors) {
  auto rules = windows_rules(std::move(factors));
  const auto all = test_rules_with_windows();
  for (const SignalRule& r : all->signals) {
    if (std::find(ids.begin(), ids.end(), r.id) != ids.end()) rules->signals.push_back(r);
  }
  return rules;
}

// "day_limit/S1/PM2.5/1@2 day 1 withdrawn: reason", in the order in which they were said.
inline std::vector<std::string> said(const Driver& d) {
  std::vector<std::string> lines;
  for (const Signal& s : d.signals) {
    lines.push_back(s.id + "@" + std::to_string(s.revision) + " " + std::string(name(s.window)) + " " +
                    std::to_string(s.level) + " " + std::string(name(s.state)) + ": " + s.reason);
  }
  return lines;
}

inline const Signal* last_of(const Driver& d, std::string_view rule) {
  for (auto s = d.signals.rbegin(); s != d.signals.rend(); ++s) {
    if (s->rule == rule) return &*s;
  }
  return nullptr;
}

inline std::int64_t count_of(const Driver& d, std::string_view rule) {
  return std::count_if(d.signals.begin(), d.signals.end(), [&](const Signal& s) { return s.rule == rule; });
}

using Lines = std::vector<std::string>;

}  // namespace qc::core
