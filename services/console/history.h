// What lies further back than the model keeps: series and the ledger, read from the log when somebody asks, within
// limits. One request reads at a time; the others wait their turn or are refused.
//
// Lifecycle: made over the log. Threads: any.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "console/model.h"
#include "console/series.h"
#include "stream/log.h"

namespace qc::console {

struct HistoryLimits {
  std::size_t records_max = 5'000'000;  // read for one request
  std::chrono::seconds time_max{10};
  core::Duration span_max = std::chrono::hours(24 * 31);  // of a series
  std::size_t waiting_max = 4;
};

class History {
 public:
  History(stream::Log& log, HistoryLimits limits);
  ~History();

  // The latest revisions of the points that end in (from, until]. Errors: queue_full (busy, or beyond a limit: the text
  // says which), those of the log, stopped.
  Result<std::vector<SeriesPoint>> series(const SeriesKey& key, bool of_region, core::Interval of);
  // Entries of one subject, or of all where it is empty, the latest `limit` of them, in their order.
  Result<std::vector<LedgerItem>> ledger(const std::string& subject, std::size_t limit);
  void stop();  // whoever reads gives up

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::console
