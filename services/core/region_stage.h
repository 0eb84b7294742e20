// The region stage of one partition of `means` (architecture section 6): compares the closed hours of the sites of a
// root region with one another and says what stands out: 小时高值 (`hour_high`) and lone spikes (`spike`); makes the
// means and indices of regions from those of their stations; and warns of heavy pollution (`warning`, `joint_warning`)
// by those, and by forecasts and orders from `events`. It never changes a mean of a site. A pure machine: the same
// inputs at the same offsets give the same outputs.
//
// Time. `means` holds what several partitions of `readings` gave, each a run of means that ends with a tick, and how
// those runs lie between one another is chance. The stage holds them until every partition has ticked that far and
// takes them in the order of their ticks (of equal ones: of partitions), so what it publishes depends on the runs
// alone. Its `now` is the least of the ticks taken; an hour is judged when now >= its end + close_after: by then every
// member's hour has closed, with data or by silence.
//
// Rules. A mean names the rules that made it. The stage judges by those to which a partition of `readings` has switched
// last; so an hour is judged by the rules that the means which close it name, and what was judged before a switch
// stays.
//
// Lifecycle: construct; load() saved entries, in any order; know() the rule sets that needed() names; then apply, each
// mean only after its rules are known. Threads: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/forecast_score.h"
#include "core/output.h"
#include "core/reading.h"
#include "core/rules.h"

namespace qc::core {

// More events that were received later than now, and more orders that hold or will, are refused.
inline constexpr std::size_t kEventsHeldMax = 10'000;
inline constexpr std::size_t kOrdersMax = 1000;

// Where a mean came from, beside what it says itself.
struct MeanSource {
  int partition = 0;       // of `readings`
  std::string_view rules;  // hash
};

class RegionStage {
 public:
  // `upstreams`: how many partitions `readings` has: as many ticks must have come before time begins.
  explicit RegionStage(int upstreams);
  ~RegionStage();
  RegionStage(const RegionStage&) = delete;
  RegionStage& operator=(const RegionStage&) = delete;

  bool knows(std::string_view rules_hash) const;
  void know(std::shared_ptr<const RuleSet> rules);
  // The hashes that the loaded state names and that are not known yet.
  std::vector<std::string> needed() const;

  // Whether a mean is of any interest here: a closed or amended hour of a concentration.
  static bool takes(Factor factor, Window window, Status status);
  static bool takes(const Mean& mean) { return takes(mean.factor, mean.window, mean.status); }
  // Each appends signals to `out` (it does not clear it). One tick may let several runs go: `out.drain`, where set, is
  // called after each, and before a switch of rules, so that what a run gave is said with the rules and the time of its
  // own, however many came together. REQUIRES: from.partition, partition: 0 <= it < upstreams;
  // knows(from.rules) where it takes the mean.
  void apply(const Mean& mean, const MeanSource& from, Offset offset, Outputs& out);
  void apply(const Tick& tick, int partition, Offset offset, Outputs& out);

  // What is said from outside; `event_offset` in `events`. It is taken when `now` has come to when it was received, at
  // once where it is late, so where it is read among the means makes a difference only then; last_tick() says where
  // that was. Something: refused, because there is no such region, or because too much waits.
  std::optional<Rejected> apply(const Event& event, Offset event_offset, Outputs& out);
  void skip_event(Offset event_offset);  // what cannot be read is read, too

  Offset last_tick() const;               // in `means`, of the last tick read; -1 before
  Offset events_next() const;             // in `events`, after the last one read
  EventTime now() const;                  // the least tick; EventTime::min() before all have ticked
  const std::string& rules_hash() const;  // of the rules in use; empty before the first mean
  std::size_t sites() const;
  std::size_t held() const;                // means that wait for a slower partition
  ForecastScores forecast_scores() const;  // of all regions

  // State as keyed bytes, each with a version byte. `put(key, bytes)`; empty bytes erase the key.
  using Put = std::function<void(std::string_view key, std::string_view bytes)>;
  void save_changed(const Put& put);
  // false: bytes of a version or shape that this binary doesn't know.
  bool load(std::string_view key, std::string_view bytes);

  // Names the means by other offsets, in a log that was copied: all of the state is to be saved again. `after`: the
  // offset at which what stood at or behind the given one begins; `exact`: of the very record. false: a mean that waits
  // for its turn is no longer in the log, so its place among the others cannot be told.
  bool renumber(const std::function<Offset(Offset)>& after, const std::function<std::optional<Offset>(Offset)>& exact);
  // The same of `events`.
  void renumber_events(const std::function<Offset(Offset)>& after);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::core
