// A small built-in source of live readings, until the simulator brings the real one. Its readings are INVENTED: smooth
// daily curves with some noise, worse in the plain's four counties, with a few exceedances and faults, so that `up` has
// something to show. Every value is a pure function of (seed, site, factor, minute): the same minute sent again is a
// duplicate, never a conflict.
//
// It sends the last three whole hours at once when it starts (late minutes, which the processor still takes), then each
// minute a few seconds after its end. It writes readings only, never time.
//
// Lifecycle: starts with its construction, ends with its destruction. Threads: one of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/reading.h"
#include "core/rules.h"
#include "stream/log.h"

namespace qc::commands {

// One invented minute of one series.
struct Invented {
  core::Decimal value;
  core::Unit unit = core::Unit::UgM3;
  core::Flag flag = core::Flag::Normal;  // Missing: the station sends nothing
};
Invented invent(std::uint64_t seed, const core::SiteInfo& site, core::Factor factor, core::EventTime minute);

class LiveSource {
 public:
  struct Options {
    std::uint64_t seed = 1;
    core::Duration backfill = std::chrono::hours(3);
    core::Duration delay = std::chrono::seconds(3);  // after a minute's end
    std::function<std::int64_t()> wall_ms;
  };
  // log and rules outlive it.
  LiveSource(stream::Log& log, std::shared_ptr<const core::RuleSet> rules, int partitions, Options options);

 private:
  void run(std::stop_token stop);
  std::vector<stream::NewRecord> minute(core::EventTime at) const;

  stream::Log& log_;
  std::shared_ptr<const core::RuleSet> rules_;
  const int partitions_;
  const Options options_;
  std::jthread thread_;
};

}  // namespace qc::commands
