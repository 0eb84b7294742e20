// All ways out of `alerts` that the configuration names, each on a thread of its own (out_outlet.h): one that fails or
// hangs holds up none of the others, nor the stage that makes alerts.
//
// Lifecycle: create, run (blocks), destroy. What it is given outlives it. Threads: run() makes one an outlet; unready()
// from any. `words` are used by all of them.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "alerts/out_options.h"
#include "base/result.h"
#include "stream/log.h"
#include "wire/alert_text.h"

namespace qc::alerts {

class Outlet;

class Outlets {
 public:
  // Errors: usage, file_unreadable (an address, certificates); topic_unknown where the log has not been set up.
  static Result<std::unique_ptr<Outlets>> create(stream::Log& log, std::vector<OutletOptions> options,
                                                 wire::AlertWords words, prometheus::Registry& registry);
  ~Outlets();
  Outlets(const Outlets&) = delete;
  Outlets& operator=(const Outlets&) = delete;

  // Until a stop is asked for, or the log fails one of them for good. Without any outlet it waits for the stop.
  Result<void> run(std::stop_token stop);

  // Reasons, one line each: troubles with the log. That a receiver is away is no reason.
  std::vector<std::string> unready() const;

 private:
  explicit Outlets(wire::AlertWords words);
  const wire::AlertWords words_;
  std::vector<std::unique_ptr<Outlet>> outlets_;
};

}  // namespace qc::alerts
