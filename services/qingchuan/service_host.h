// What every long-running service needs around it: its metrics page, health, and the upkeep of the embedded log.
//
// Lifecycle: start, then the service runs, then it is destroyed: the page closes, upkeep stops. Threads: its own.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "platform/metrics.h"
#include "platform/web_server.h"
#include "qingchuan/v1/config.pb.h"
#include "stream/embedded_log.h"

namespace qc::commands {

// Retention, compaction and the log's own metrics, until it is destroyed.
class LogUpkeep {
 public:
  LogUpkeep(stream::EmbeddedLog& log, prometheus::Registry& registry, stream::Milliseconds interval);

 private:
  void run(std::stop_token stop, stream::EmbeddedLog& log, stream::Milliseconds interval);
  void report(const stream::EmbeddedStats& now);

  stream::EmbeddedStats last_{};
  prometheus::Counter& records_;
  prometheus::Counter& bytes_;
  prometheus::Counter& commits_;
  prometheus::Counter& failed_;
  prometheus::Counter& commit_seconds_;
  prometheus::Counter& retained_;
  prometheus::Counter& compacted_;
  prometheus::Gauge& queued_;
  prometheus::Gauge& wal_;
  std::jthread thread_;
};

// The page of a service. `listen` empty: the configured address.
Result<std::unique_ptr<platform::WebServer>> serve(const ::qingchuan::v1::System& system, const std::string& listen,
                                                   const platform::Metrics& metrics, platform::Endpoints endpoints);

}  // namespace qc::commands
