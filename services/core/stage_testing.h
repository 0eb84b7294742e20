// For tests of the reading stage only: packets in a line, and a driver that numbers records and keeps what was
// published.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/reading_stage.h"

namespace qc::core::fixture {

inline constexpr Duration kSecond = std::chrono::seconds(1);
inline constexpr Duration kMinute = std::chrono::minutes(1);

inline ReadingBatch packet(std::string_view site, Source source, EventTime start, Duration step) {
  ReadingBatch batch;
  batch.site = site;
  batch.source = source;
  batch.start = start;
  batch.step = step;
  batch.received = ReceiveTime(start.time_since_epoch()) + kHour * 24;  // never too early by itself
  return batch;
}

inline void add_column(ReadingBatch& batch, Factor factor, const std::vector<Concentration>& values,
                       const std::vector<Flag>& flags = {}) {
  batch.columns.push_back(
      {factor, static_cast<std::uint32_t>(batch.values.size()), static_cast<std::uint32_t>(values.size())});
  batch.values.insert(batch.values.end(), values.begin(), values.end());
  for (std::size_t i = 0; i < values.size(); ++i) batch.flags.push_back(i < flags.size() ? flags[i] : Flag::Normal);
}

// Every field of an output, so that two sequences can be compared.
inline std::string text(const Mean& m) {
  std::ostringstream out;
  out << "mean " << m.site << '|' << m.region << '|' << m.root << '|' << name(m.factor) << '|' << name(m.window) << '|'
      << to_iso(m.interval.start) << '|' << to_iso(m.interval.end) << '|' << m.value.pg << '|' << m.valid << '|'
      << m.sum_pg << '|' << m.count << '/' << m.expected << '|' << m.min.pg << '|' << m.max.pg << '|' << name(m.status)
      << '|' << m.revision << '|' << m.reason << '|' << name(m.source) << '|' << m.audited << '|' << m.clause << '|'
      << m.origin.first_offset << '|' << m.origin.offset << '|' << (m.limit ? m.limit->pg : -1) << '|' << m.exceeds
      << '|' << m.multiple << '|' << m.percentile << '|' << m.percentile_value.pg << '|' << int{m.marks.bits()} << '|'
      << m.suspect << '|' << m.remaining_pg.value_or(-2);
  for (const Factor f : m.primary) out << '+' << name(f);
  for (const SubIndex& s : m.sub_indices) out << '&' << name(s.factor) << '=' << s.iaqi;
  return out.str();
}

inline std::string text(const Signal& s) {
  std::ostringstream out;
  out << "signal " << s.id << '|' << s.revision << '|' << s.rule << '|' << s.subject << '|' << s.region << '|' << s.root
      << '|' << name(s.factor) << '|' << name(s.window) << '|' << s.level << '|' << name(s.state) << '|' << to_iso(s.at)
      << '|' << to_iso(s.began) << '|' << s.value.pg << '|' << s.limit.pg << '|' << s.clause << '|' << s.reason << '|'
      << to_iso(s.interval.start) << '|' << to_iso(s.interval.end) << '|' << s.count << '/' << s.expected << '|'
      << s.origin.offset;
  return out.str();
}

inline std::string text(const Outputs& out) {
  std::string all;
  for (const Mean& m : out.means) all += text(m) + '\n';
  for (const Signal& s : out.signals) all += text(s) + '\n';
  for (const Rejected& r : out.rejected) {
    all += "rejected " + std::string(name(r.reason)) + '|' + std::to_string(r.readings) + '|' + r.detail + '\n';
  }
  if (out.tick) all += "tick\n";
  if (out.urgent) all += "urgent\n";
  return all;
}

using SavedState = std::map<std::string, std::string, std::less<>>;

inline void save_into(ReadingStage& stage, SavedState& state) {
  stage.save_changed([&state](std::string_view key, std::string_view bytes) {
    if (bytes.empty()) {
      state.erase(std::string(key));
    } else {
      state[std::string(key)] = std::string(bytes);
    }
  });
}

class Driver {
 public:
  explicit Driver(std::shared_ptr<const RuleSet> rules, Timeline timeline = Timeline::Wall)
      : stage(std::make_unique<ReadingStage>([](std::string_view) { return true; })), rules_(std::move(rules)) {
    stage->use(rules_, timeline);
  }

  // Applies the next record and keeps its outputs.
  template <class Record>
  const Outputs& apply(const Record& record) {
    out.clear();
    stage->apply(record, next_offset++, out);
    means.insert(means.end(), out.means.begin(), out.means.end());
    signals.insert(signals.end(), out.signals.begin(), out.signals.end());
    return out;
  }
  const Outputs& tick(EventTime now) { return apply(Tick{now}); }
  void use(std::shared_ptr<const RuleSet> rules) {
    rules_ = std::move(rules);
    stage->use(rules_, Timeline::None);
  }
  // The state goes into bytes and comes back in another stage.
  void restart() {
    save_into(*stage, state);
    stage = std::make_unique<ReadingStage>([](std::string_view) { return true; });
    for (const auto& [key, bytes] : state) {
      if (!stage->load(key, bytes)) std::abort();
    }
    stage->use(rules_, Timeline::None);
  }

  // The last that was published of a window; nullptr: nothing.
  const Mean* last(std::string_view site, Factor factor, EventTime start) const {
    for (auto m = means.rbegin(); m != means.rend(); ++m) {
      if (m->site == site && m->factor == factor && m->interval.start == start) return &*m;
    }
    return nullptr;
  }
  std::int64_t count(Account account) const { return stage->ledger().of(account); }

  std::unique_ptr<ReadingStage> stage;
  Offset next_offset = 100;
  Outputs out;  // of the last record
  std::vector<Mean> means;
  std::vector<Signal> signals;
  SavedState state;

 private:
  std::shared_ptr<const RuleSet> rules_;
};

}  // namespace qc::core::fixture
