// The reading stage of one partition: readings become slots, slots hours, hours an index, and those signals
// (architecture section 6). A pure machine: the same inputs at the same offsets give the same outputs, whatever happens
// around it. All its state can be saved as keyed bytes and loaded again.
//
// Lifecycle: construct; load() saved entries, in any order; then apply. Threads: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/ledger.h"
#include "core/output.h"
#include "core/past_amend.h"
#include "core/reading.h"
#include "core/rules.h"

namespace qc::core {

class ReadingStage {
 public:
  // `mine`: whether a site's readings come in this partition. The stage makes the configured ones known, so that those
  // which never send close their hours, too.
  explicit ReadingStage(std::function<bool(std::string_view site)> mine);
  ~ReadingStage();
  ReadingStage(const ReadingStage&) = delete;
  ReadingStage& operator=(const ReadingStage&) = delete;

  // The rules must be given before anything else and after every RulesSwitch; before the first, all readings are
  // unknown.
  void use(std::shared_ptr<const RuleSet> rules, Timeline timeline);

  // Each appends to `out` (it does not clear it) and counts every reading once.
  void apply(const ReadingBatch& batch, Offset offset, Outputs& out);
  void apply(const Register& site, Offset offset, Outputs& out);
  void apply(const Tick& tick, Offset offset, Outputs& out);
  void apply(const Amend& amend, Offset offset, Outputs& out);
  // Published at once, not with the next tick: nothing of it is kept.
  void apply(const PastAmend& past, Offset offset, Outputs& out);
  // A record that is no message of ours: counted as one malformed reading.
  void reject(const Rejected& rejected, Offset offset, Outputs& out);

  EventTime now() const;  // the greatest tick; EventTime::min() before the first
  Timeline timeline() const;
  const std::string& rules_hash() const;  // of the rules in use; empty before the first. Saved with the state
  const Ledger& ledger() const;

  // State as keyed bytes, each with a version byte. `put(key, bytes)`; empty bytes erase the key.
  using Put = std::function<void(std::string_view key, std::string_view bytes)>;
  void save_changed(const Put& put);
  // false: bytes of a version or shape that this binary doesn't know.
  bool load(std::string_view key, std::string_view bytes);

  // Names the inputs by other offsets, in a log that was copied: all of the state is to be saved again. `first`: of an
  // offset (>= 0) that a window begins with; -1: there is none any more.
  void renumber(const std::function<Offset(Offset)>& first);

  // For /metrics/stations and for measuring: what a person may want to see of the state.
  struct LastHour {
    std::string_view site;
    std::string_view region;
    Factor factor;
    Concentration value;
    bool valid;
    EventTime end;
  };
  void for_each_last_hour(const std::function<void(const LastHour&)>& visit) const;
  std::size_t sites() const;
  std::size_t series() const;
  std::size_t bytes() const;  // an estimate of the memory held

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::core
