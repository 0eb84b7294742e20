// What the tests of the longer windows share: one site, days of hour data in a line, and finding a window among what
// was published.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/stage_testing.h"
#include "core/testing.h"

namespace qc::core {

// Every window, no signals; S1 alone, measuring `factors`.
inline std::shared_ptr<RuleSet> windows_rules(std::vector<Factor> factors) {
  auto rules = std::make_shared<RuleSet>(*test_rules_with_windows());
  rules->hash = "00000000000000d5";
  rules->signals.clear();
  rules->sites.erase("S2");
  rules->sites.erase("S3");
  rules->sites["S1"].factors = std::move(factors);
  rules->prepare();
  return rules;
}

inline constexpr Duration kDayLong = std::chrono::hours(24);

class WindowsRun {
 public:
  // Hours from `start` on close in front of us.
  WindowsRun(std::shared_ptr<const RuleSet> rules, EventTime start) : d(std::move(rules)) { close(start); }

  // Consecutive hours of hour data; a negative value is an hour that is missing.
  void send(Factor factor, EventTime from, const std::vector<Concentration>& hours) {
    ReadingBatch batch = fixture::packet("S1", Source::Hour, from, kHour);
    batch.received = ReceiveTime(from.time_since_epoch()) + kHour * static_cast<std::int64_t>(hours.size());
    std::vector<Concentration> values = hours;
    std::vector<Flag> flags(hours.size(), Flag::Normal);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].pg >= 0) continue;
      values[i] = {};
      flags[i] = Flag::Missing;
    }
    fixture::add_column(batch, factor, values, flags);
    d.apply(batch);
  }
  void send(Factor factor, EventTime from, std::size_t hours, Concentration value) {
    send(factor, from, std::vector<Concentration>(hours, value));
  }
  // All hours that end by then are closed.
  void close(EventTime upto) { d.tick(upto + fixture::kMinute * 10); }
  // A day of 24 equal hours, closed with one tick; `none`: a day without a reading.
  void day(Factor factor, EventTime midnight, Concentration value) {
    send(factor, midnight, 24, value);
    close(midnight + kDayLong);
  }

  const Mean* last(Factor factor, Window window, EventTime end) const {
    for (auto m = d.means.rbegin(); m != d.means.rend(); ++m) {
      if (m->factor == factor && m->window == window && m->interval.end == end) return &*m;
    }
    return nullptr;
  }
  // How many rows there are of a window, from the n-th output on.
  std::vector<const Mean*> rows(Factor factor, Window window, std::size_t from = 0) const {
    std::vector<const Mean*> found;
    for (std::size_t i = from; i < d.means.size(); ++i) {
      if (d.means[i].factor == factor && d.means[i].window == window) found.push_back(&d.means[i]);
    }
    return found;
  }

  fixture::Driver d;
};

inline constexpr Concentration kMissing{-1};

// Declares a pointer to what was last published of a window that there must be.
#define ASSERT_WINDOW(pointer, run, factor, window, end)       \
  const Mean* const pointer = (run).last(factor, window, end); \
  ASSERT_NE(pointer, nullptr) << name(factor) << ' ' << name(window) << " until " << to_iso(end)

}  // namespace qc::core
