#include "qingchuan/service_host.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <condition_variable>
#include <mutex>

#include "platform/log.h"

namespace qc::commands {
namespace {

prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

void grow(prometheus::Counter& c, double now, double before) {
  if (now > before) c.Increment(now - before);
}

}  // namespace

LogUpkeep::LogUpkeep(stream::EmbeddedLog& log, prometheus::Registry& registry, stream::Milliseconds interval)
    : records_(counter(registry, "qingchuan_log_appended_records_total",
                       "Records written to the embedded log by this process.")),
      bytes_(counter(registry, "qingchuan_log_appended_bytes_total", "Bytes of keys, values and headers written.")),
      commits_(counter(registry, "qingchuan_log_commits_total", "Appends and transactions that succeeded.")),
      failed_(counter(registry, "qingchuan_log_commits_failed_total",
                      "Appends and transactions that failed; each is tried again.")),
      commit_seconds_(
          counter(registry, "qingchuan_log_commit_seconds_total", "Time spent in commits, fsync included.")),
      retained_(
          counter(registry, "qingchuan_log_retention_deleted_records_total", "Records deleted because of their age.")),
      compacted_(counter(registry, "qingchuan_log_compaction_deleted_records_total",
                         "Records deleted because a later one has their key.")),
      queued_(gauge(registry, "qingchuan_log_queued_records", "Records that wait for the writer.")),
      wal_(gauge(registry, "qingchuan_log_wal_bytes", "Size of the write-ahead log.")),
      thread_([this, &log, interval](std::stop_token stop) { run(std::move(stop), log, interval); }) {}

void LogUpkeep::run(std::stop_token stop, stream::EmbeddedLog& log, stream::Milliseconds interval) {
  std::mutex mutex;
  std::condition_variable_any wake;
  auto next = std::chrono::steady_clock::now() + interval;
  while (!stop.stop_requested()) {
    report(log.stats());
    if (std::chrono::steady_clock::now() >= next) {
      if (const auto done = log.maintain(); !done) {
        platform::log_limited("maintain", 1, platform::Level::warn, "upkeep of the log failed",
                              {{"error", done.error()}});
      }
      next = std::chrono::steady_clock::now() + interval;
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
  }
}

void LogUpkeep::report(const stream::EmbeddedStats& now) {
  const auto d = [](auto v) { return static_cast<double>(v); };
  grow(records_, d(now.appended_records), d(last_.appended_records));
  grow(bytes_, d(now.appended_bytes), d(last_.appended_bytes));
  grow(commits_, d(now.commits), d(last_.commits));
  grow(failed_, d(now.failed_commits), d(last_.failed_commits));
  grow(commit_seconds_, now.commit_seconds, last_.commit_seconds);
  grow(retained_, d(now.deleted_by_retention), d(last_.deleted_by_retention));
  grow(compacted_, d(now.deleted_by_compaction), d(last_.deleted_by_compaction));
  queued_.Set(d(now.queued_records));
  wal_.Set(d(now.wal_bytes));
  last_ = now;
}

Result<std::unique_ptr<platform::WebServer>> serve(const ::qingchuan::v1::System& system, const std::string& listen,
                                                   const platform::Metrics& metrics, platform::Endpoints endpoints) {
  platform::WebOptions options;
  options.workers = 1;
  options.listen = listen.empty() ? system.http().listen() : listen;
  options.connections_max = options.connections_per_peer_max =
      static_cast<std::size_t>(system.http().connections_max());
  return platform::WebServer::start(std::move(options), platform::make_endpoints(metrics, std::move(endpoints)));
}

}  // namespace qc::commands
