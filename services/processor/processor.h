// The processor: workers that fold `readings` into `means` and `signals`, the writer of time for the partitions they
// own, a worker that compares the sites of a region (`means` into `signals`; its own group, `regions`), and their
// metrics. The one writer of `means` and `signals`.
//
// Lifecycle: create, run (blocks), destroy. What it is given outlives it. Threads: run() makes one per worker;
// unready() and stations() from any.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/factor.h"
#include "platform/clock.h"
#include "processor/readings_stage.h"
#include "processor/rules_store.h"
#include "stream/worker.h"

namespace qc::processor {

struct ProcessorOptions {
  int workers = 1;
  stream::Milliseconds commit_interval{100};
  stream::Milliseconds checkpoint_interval{30'000};
  std::size_t poll_records_max = 4096;
  std::size_t station_series_max = 10'000;
  bool until_end = false;
  bool accept_clock = false;
  std::string rules_hash;  // the configured rules, already in the store; empty: whatever the log has
  StageOptions stage;      // the partition counts are filled in from the log
};

class Processor {
 public:
  // Errors: topic_unknown where the log has not been set up, and those of the log.
  static Result<std::unique_ptr<Processor>> create(stream::Log& log, RulesStore& rules, ProcessorOptions options,
                                                   prometheus::Registry& registry, const platform::Clock& clock);
  ~Processor();

  // Until a stop is asked for, until_end is reached or a worker fails for good.
  Result<void> run(std::stop_token stop);

  // From now on these are the configured rules, already in the store: each partition that this process owns, or comes
  // to own, is switched where it has others. Any thread.
  void use_rules(const std::string& hash);

  std::vector<std::string> unready() const;  // reasons, one line each; empty: ready
  std::string stations() const;              // body of /metrics/stations

 private:
  struct Impl;
  explicit Processor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::processor
