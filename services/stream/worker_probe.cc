#include "stream/worker_probe.h"

#include <ctime>

namespace qc::stream {

namespace {

using Labels = std::map<std::string, std::string>;

prometheus::Family<prometheus::Counter>& counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& gauges(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

const char* outcome(Errc code) {
  switch (code) {
    case Errc::log_abortable:
      return "aborted";
    case Errc::log_full:
      return "full";
    case Errc::log_fenced:
      return "fenced";
    case Errc::log_unavailable:
    case Errc::queue_full:
      return "unavailable";
    case Errc::log_refused:
      return "refused";
    default:
      return "fatal";
  }
}

}  // namespace

WorkerProbe::WorkerProbe(prometheus::Registry& registry, const std::string& service)
    : service_(service),
      published_(counters(registry, "qingchuan_worker_published_records_total", "Records committed, by output topic.")),
      commits_(counters(registry, "qingchuan_worker_commits_total", "Commits tried, by outcome.")),
      lag_(gauges(registry, "qingchuan_worker_lag_records", "Offsets of the inputs that are not yet applied.")),
      records_(counters(registry, "qingchuan_worker_read_records_total", "Input records applied.")
                   .Add({{"service", service}})),
      bytes_(counters(registry, "qingchuan_worker_read_bytes_total", "Bytes of keys and values of applied records.")
                 .Add({{"service", service}})),
      checkpoints_(counters(registry, "qingchuan_worker_checkpoints_total", "Commits that held state.")
                       .Add({{"service", service}})),
      checkpoint_entries_(counters(registry, "qingchuan_worker_checkpoint_entries_total", "State entries written.")
                              .Add({{"service", service}})),
      checkpoint_bytes_(counters(registry, "qingchuan_worker_checkpoint_bytes_total", "Bytes of state written.")
                            .Add({{"service", service}})),
      checkpoint_seconds_(
          counters(registry, "qingchuan_worker_checkpoint_seconds_total", "Time spent on gathering the changed state.")
              .Add({{"service", service}})),
      restores_(
          counters(registry, "qingchuan_worker_restores_total", "Partitions restored.").Add({{"service", service}})),
      restore_seconds_(counters(registry, "qingchuan_worker_restore_seconds_total", "Time spent on restores.")
                           .Add({{"service", service}})),
      restore_records_(counters(registry, "qingchuan_worker_restore_folded_records_total",
                                "Input records folded again, with outputs muted.")
                           .Add({{"service", service}})),
      restored_entries_(gauges(registry, "qingchuan_worker_restored_state_entries",
                               "State entries that the latest restore of a partition loaded.")
                            .Add({{"service", service}})),
      retries_(counters(registry, "qingchuan_worker_retries_total", "Failed steps that were tried again.")
                   .Add({{"service", service}})),
      rejoins_(counters(registry, "qingchuan_worker_rejoins_total", "Times that it was fenced and joined again.")
                   .Add({{"service", service}})),
      limits_(counters(registry, "qingchuan_worker_gathered_limit_total",
                       "Commits forced because the gathered outputs reached a limit.")
                  .Add({{"service", service}})),
      cpu_(counters(registry, "qingchuan_worker_cpu_seconds_total",
                    "CPU time of the service's workers; the log's own threads are not in it.")
               .Add({{"service", service}})),
      ready_(gauges(registry, "qingchuan_worker_ready", "Workers of this process that are ready.")
                 .Add({{"service", service}})),
      commit_seconds_(
          prometheus::BuildHistogram()
              .Name("qingchuan_worker_commit_duration_seconds")
              .Help("Time of one successful commit.")
              .Register(registry)
              .Add({{"service", service}}, prometheus::Histogram::BucketBoundaries{
                                               0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10})) {}

void WorkerProbe::read(std::size_t records, std::size_t bytes) {
  records_.Increment(static_cast<double>(records));
  bytes_.Increment(static_cast<double>(bytes));
}

void WorkerProbe::published(const std::string& topic, std::size_t records) {
  auto*& counter = by_topic_[topic];
  if (counter == nullptr) counter = &published_.Add(Labels{{"service", service_}, {"topic", topic}});
  counter->Increment(static_cast<double>(records));
}

void WorkerProbe::committed(double seconds) {
  auto*& counter = by_outcome_["committed"];
  if (counter == nullptr) counter = &commits_.Add(Labels{{"service", service_}, {"outcome", "committed"}});
  counter->Increment();
  commit_seconds_.Observe(seconds);
}

void WorkerProbe::commit_failed(Errc code) {
  auto*& counter = by_outcome_[outcome(code)];
  if (counter == nullptr) counter = &commits_.Add(Labels{{"service", service_}, {"outcome", outcome(code)}});
  counter->Increment();
}

void WorkerProbe::checkpointed(std::size_t entries, std::size_t bytes, double seconds) {
  checkpoints_.Increment();
  checkpoint_entries_.Increment(static_cast<double>(entries));
  checkpoint_bytes_.Increment(static_cast<double>(bytes));
  checkpoint_seconds_.Increment(seconds);
}

void WorkerProbe::restored(std::size_t entries, std::size_t folded, double seconds) {
  restores_.Increment();
  restored_entries_.Set(static_cast<double>(entries));
  restore_records_.Increment(static_cast<double>(folded));
  restore_seconds_.Increment(seconds);
}

void WorkerProbe::retried() {
  retries_.Increment();
}
void WorkerProbe::rejoined() {
  rejoins_.Increment();
}
void WorkerProbe::limit_reached() {
  limits_.Increment();
}

void WorkerProbe::cpu() {
  timespec t{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0) return;
  const double now = static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  if (now > cpu_counted_) cpu_.Increment(now - cpu_counted_);
  cpu_counted_ = now;
}

void WorkerProbe::ready(bool value) {
  if (value == is_ready_) return;
  is_ready_ = value;
  if (value) {
    ready_.Increment();
  } else {
    ready_.Decrement();
  }
}

void WorkerProbe::lag(int partition, double records) {
  auto*& gauge = by_partition_[partition];
  if (gauge == nullptr) gauge = &lag_.Add(Labels{{"service", service_}, {"partition", std::to_string(partition)}});
  gauge->Set(records);
}

}  // namespace qc::stream
