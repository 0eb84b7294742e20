#include "alerts/alerts.h"

#include "alerts/alerts_probe.h"
#include "platform/log_line.h"
#include "stream/run_workers.h"
#include "stream/worker_probe.h"

namespace qc::alerts {
namespace {

// Tells the probe when it goes: its figures are another's then.
class OwnedStage : public AlertsStage {
 public:
  OwnedStage(int partition, const StageOptions& options, RulesOf rules, AlertsProbe& probe)
      : AlertsStage(partition, options, std::move(rules)), partition_(partition), probe_(probe) {}
  ~OwnedStage() override { probe_.forget(partition_); }

 private:
  int partition_;
  AlertsProbe& probe_;
};

}  // namespace

struct Alerts::Impl {
  Impl(AlertsOptions o, RulesOf r, prometheus::Registry& registry)
      : options(std::move(o)), rules(std::move(r)), probe(registry) {}

  AlertsOptions options;
  RulesOf rules;
  AlertsProbe probe;
  std::vector<std::unique_ptr<stream::WorkerProbe>> worker_probes;
  std::vector<std::unique_ptr<stream::Worker>> workers;  // last: their stages report to the probes
};

Alerts::Alerts(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Alerts::~Alerts() = default;

Result<std::unique_ptr<Alerts>> Alerts::create(stream::Log& log, RulesOf rules, AlertsOptions options,
                                               prometheus::Registry& registry) {
  if (auto learnt = learn_partitions(log, options.stage); !learnt) return tl::make_unexpected(learnt.error());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(rules), registry);
  Impl* self = impl.get();
  for (int i = 0; i < self->options.workers; ++i) {
    stream::WorkerOptions worker;
    worker.service = kService;
    worker.name = std::string(kService) + "-" + std::to_string(i);
    worker.members = self->options.workers;
    worker.topics = {kCommands, kSignals};
    worker.commit_interval = self->options.commit_interval;
    worker.poll_records_max = self->options.poll_records_max;
    worker.until_end = self->options.until_end;
    self->worker_probes.push_back(std::make_unique<stream::WorkerProbe>(registry, kService));
    stream::WorkerParts parts;
    parts.stages = [self](int partition) -> std::unique_ptr<stream::Stage> {
      return std::make_unique<OwnedStage>(partition, self->options.stage, self->rules, self->probe);
    };
    parts.line = &platform::log_line<stream::LineLevel>;
    parts.observer = [self](int partition, stream::Stage& s) {
      self->probe.report(partition, static_cast<AlertsStage&>(s).core());
    };
    parts.probe = self->worker_probes.back().get();
    auto made = stream::Worker::create(log, std::move(worker), std::move(parts));
    if (!made) return tl::make_unexpected(made.error());
    self->workers.push_back(std::move(*made));
  }
  return std::unique_ptr<Alerts>(new Alerts(std::move(impl)));
}

Result<void> Alerts::run(std::stop_token stop) {
  std::vector<stream::Worker*> workers;
  for (const auto& worker : impl_->workers) workers.push_back(worker.get());
  return stream::run_workers(workers, stop);
}

std::vector<std::string> Alerts::unready() const {
  std::vector<std::string> reasons;
  for (const auto& worker : impl_->workers) {
    if (!worker->ready()) reasons.push_back(worker->status());
  }
  return reasons;
}

}  // namespace qc::alerts
