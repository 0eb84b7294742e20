// The worker's metrics, beside the worker: plain counters and gauges of prometheus-cpp, references kept, so that
// counting costs nanoseconds. Several workers of a service in one process may each have a probe: they count into the
// same series. Labels: service, partition, topic, outcome; never an id.
//
// Lifecycle: outlives its worker; the registry outlives it. Threads: the series may be read from any thread.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <string>

#include "base/result.h"

namespace qc::stream {

class WorkerProbe {
 public:
  WorkerProbe(prometheus::Registry& registry, const std::string& service);

  void read(std::size_t records, std::size_t bytes);
  void published(const std::string& topic, std::size_t records);
  void committed(double seconds);
  void commit_failed(Errc code);
  void checkpointed(std::size_t entries, std::size_t bytes, double seconds);
  void restored(std::size_t entries, std::size_t folded, double seconds);
  void retried();
  void rejoined();
  void ready(bool value);
  void lag(int partition, double records);
  void limit_reached();
  void cpu();  // what the calling thread, its worker's, has used so far

 private:
  std::string service_;
  prometheus::Family<prometheus::Counter>& published_;
  prometheus::Family<prometheus::Counter>& commits_;
  prometheus::Family<prometheus::Gauge>& lag_;
  prometheus::Counter& records_;
  prometheus::Counter& bytes_;
  prometheus::Counter& checkpoints_;
  prometheus::Counter& checkpoint_entries_;
  prometheus::Counter& checkpoint_bytes_;
  prometheus::Counter& checkpoint_seconds_;
  prometheus::Counter& restores_;
  prometheus::Counter& restore_seconds_;
  prometheus::Counter& restore_records_;
  prometheus::Gauge& restored_entries_;
  prometheus::Counter& retries_;
  prometheus::Counter& rejoins_;
  prometheus::Counter& limits_;
  prometheus::Counter& cpu_;
  double cpu_counted_ = 0;
  prometheus::Gauge& ready_;
  prometheus::Histogram& commit_seconds_;
  bool is_ready_ = false;
  std::map<std::string, prometheus::Counter*> by_topic_;
  std::map<std::string, prometheus::Counter*> by_outcome_;
  std::map<int, prometheus::Gauge*> by_partition_;
};

}  // namespace qc::stream
