// The service `alerts`: workers that fold `signals` and `commands` into `alerts`, `outcomes` and `ledger`, and their
// metrics. The one writer of those topics.
//
// Lifecycle: create, run (blocks), destroy. What it is given outlives it. Threads: run() makes one per worker;
// unready() from any.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "alerts/alerts_stage.h"
#include "base/result.h"
#include "stream/worker.h"

namespace qc::alerts {

struct AlertsOptions {
  int workers = 1;
  stream::Milliseconds commit_interval{200};  // what is urgent, nearly everything, does not wait for it
  std::size_t poll_records_max = 4096;
  bool until_end = false;
  StageOptions stage;  // the partition counts are filled in from the log
};

class Alerts {
 public:
  // Errors: topic_unknown where the log lacks a topic, and those of the log.
  static Result<std::unique_ptr<Alerts>> create(stream::Log& log, RulesOf rules, AlertsOptions options,
                                                prometheus::Registry& registry);
  ~Alerts();

  // Until a stop is asked for, until_end is reached or a worker fails for good.
  Result<void> run(std::stop_token stop);

  std::vector<std::string> unready() const;  // reasons, one line each; empty: ready

 private:
  struct Impl;
  explicit Alerts(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::alerts
