// What was measured in given hours, made again from the packets of `readings`: what an hour behind the horizon is
// restored to, and whether a single reading was over a level in it. It takes what the reading stage took, so that late
// packets stay late.
//
// Lifecycle: construct, want, take the records of one partition from its start, ask. Threads: one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "core/hour.h"
#include "core/output.h"
#include "core/rules.h"
#include "wire/codec.h"

namespace qc::commands {

class Measured {
 public:
  explicit Measured(const core::RuleSet& rules) : rules_(rules) {}

  void want(const std::string& site, core::Factor factor, core::EventTime hour);
  // The partition's very first record is still there.
  void begins_whole() { whole_ = true; }
  // false: nothing that follows can matter.
  bool take(std::string_view record);
  // The greatest reading of a wanted hour, among all that came, 0 where none did. nullopt: as below.
  std::optional<core::Concentration> greatest(const std::string& site, core::Factor factor, core::EventTime hour) const;
  // Of a wanted hour: its H1 without names. nullopt: the partition begins too late to tell.
  std::optional<core::Mean> hour(const std::string& site, core::Factor factor, core::EventTime hour) const;

 private:
  using Key = std::tuple<std::string, core::Factor, core::EventTime>;
  struct Hour {
    core::HourSlots slots;
    core::Concentration greatest;
  };
  void store(const core::ReadingBatch& batch);
  const Hour* known(const Key& key) const;

  const core::RuleSet& rules_;
  wire::InputDecoder decoder_;
  std::map<Key, Hour> hours_;
  std::map<std::pair<std::string, core::Factor>, int> steps_s_;  // the grid that a series last came on
  core::EventTime last_wanted_ = core::EventTime::min();
  core::EventTime now_ = core::EventTime::min();
  std::optional<core::EventTime> first_tick_;
  bool whole_ = false;
};

}  // namespace qc::commands
