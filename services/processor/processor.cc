#include "processor/processor.h"

#include <algorithm>
#include <map>

#include "platform/log_line.h"
#include "processor/log_time.h"
#include "processor/processor_probe.h"
#include "processor/regions_probe.h"
#include "processor/regions_stage.h"
#include "stream/run_workers.h"
#include "stream/worker_probe.h"

namespace qc::processor {

struct Processor::Impl {
  // One worker with what is its alone. The stages are the worker's; `stages` knows them by partition, on its thread.
  struct Slot {
    std::map<int, ReadingsStage*> stages;
    std::unique_ptr<TickWriter> ticks;
    std::unique_ptr<stream::WorkerProbe> probe;
    std::unique_ptr<stream::Worker> worker;
  };

  Impl(ProcessorOptions o, RulesStore& r, prometheus::Registry& registry)
      : options(std::move(o)), rules(r), probe(registry, options.station_series_max), forecasts(registry) {}

  // Over what the readings' workers publish: one worker, because it has next to nothing to do.
  Result<void> make_regions(stream::Log& log);

  ProcessorOptions options;
  RulesStore& rules;
  ProcessorProbe probe;
  RegionsProbe forecasts;
  std::vector<std::unique_ptr<Slot>> slots;
  stream::Log* log = nullptr;
  std::unique_ptr<stream::WorkerProbe> regions_probe;
  std::unique_ptr<stream::Worker> regions;  // until_end: made when the readings have ended
};

Result<void> Processor::Impl::make_regions(stream::Log& from) {
  stream::WorkerOptions worker;
  worker.service = kRegionsService;
  worker.name = "regions-0";
  worker.topics = {kEvents, kMeans};
  worker.commit_interval = options.commit_interval;
  worker.poll_records_max = options.poll_records_max;
  worker.until_end = options.until_end;
  stream::WorkerParts parts;
  parts.stages = [this](int partition) -> std::unique_ptr<stream::Stage> {
    return std::make_unique<RegionsStage>(partition, options.stage, rules);
  };
  parts.line = &platform::log_line<stream::LineLevel>;
  parts.observer = [this](int partition, stream::Stage& s) {
    forecasts.report(partition, static_cast<RegionsStage&>(s).core());
  };
  parts.probe = regions_probe.get();
  auto made = stream::Worker::create(from, std::move(worker), std::move(parts));
  if (!made) return tl::make_unexpected(made.error());
  regions = std::move(*made);
  return {};
}

namespace {

// Tells its slot when it comes and goes.
class OwnedStage : public ReadingsStage {
 public:
  OwnedStage(int partition, const StageOptions& options, RulesStore& rules, std::map<int, ReadingsStage*>& stages,
             ProcessorProbe& probe)
      : ReadingsStage(partition, options, rules), partition_(partition), stages_(stages), probe_(probe) {
    stages_[partition] = this;
  }
  ~OwnedStage() override {
    // Its successor may have been made already.
    const auto it = stages_.find(partition_);
    if (it == stages_.end() || it->second != this) return;
    stages_.erase(it);
    probe_.forget(partition_);
  }

 private:
  int partition_;
  std::map<int, ReadingsStage*>& stages_;
  ProcessorProbe& probe_;
};

// In a log from before the region stage had them: means of regions are kept as those of sites, events as readings, in
// as many partitions as the means beside which they are read.
Result<void> make_missing_topics(stream::Log& log) {
  const auto topics = log.topics();
  if (!topics) return tl::make_unexpected(topics.error());
  const auto find = [&](std::string_view name) {
    return std::find_if(topics->begin(), topics->end(), [name](const auto& t) { return t.name == name; });
  };
  const auto means = find(kMeans);
  if (means == topics->end()) return {};
  for (const auto& [name, as] : {std::pair{kRegionMeans, kMeans}, std::pair{kEvents, kReadings}}) {
    if (find(name) != topics->end() || find(as) == topics->end()) continue;
    stream::TopicSpec spec = *find(as);
    spec.name = name;
    spec.partitions = means->partitions;
    if (auto made = log.create_topics({&spec, 1}); !made) return made;
  }
  return {};
}

}  // namespace

Processor::Processor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Processor::~Processor() {
  impl_->regions.reset();
  for (auto& slot : impl_->slots) slot->worker.reset();  // before the maps that its stages are in
}

Result<std::unique_ptr<Processor>> Processor::create(stream::Log& log, RulesStore& rules, ProcessorOptions options,
                                                     prometheus::Registry& registry, const platform::Clock& clock) {
  if (auto learnt = learn_partitions(log, options.stage); !learnt) return tl::make_unexpected(learnt.error());
  if (auto made = make_missing_topics(log); !made) return tl::make_unexpected(made.error());
  const auto timeline = rules.timeline();
  if (!timeline) return tl::make_unexpected(timeline.error());
  if (*timeline == core::Timeline::None) return fail(Errc::topic_unknown, "the log has not been set up to its end yet");

  auto impl = std::make_unique<Impl>(std::move(options), rules, registry);
  Impl* self = impl.get();
  for (int i = 0; i < self->options.workers; ++i) {
    auto slot = std::make_unique<Impl::Slot>();
    Impl::Slot* mine = slot.get();
    TickWriter::Options ticks;
    ticks.accept_clock = self->options.accept_clock;
    ticks.rules_hash = self->options.rules_hash;
    slot->ticks = std::make_unique<TickWriter>(
        log, std::move(ticks),
        [mine](int partition) -> TickWriter::InForce {
          const auto it = mine->stages.find(partition);
          if (it == mine->stages.end()) return {};
          const core::ReadingStage& core = it->second->core();
          return {core.rules_hash(), core.timeline(), core.now()};
        },
        clock);
    slot->probe = std::make_unique<stream::WorkerProbe>(registry, kService);

    stream::WorkerOptions worker;
    worker.service = kService;
    worker.name = "processor-" + std::to_string(i);
    worker.members = self->options.workers;
    worker.topics = {kReadings};
    worker.commit_interval = self->options.commit_interval;
    worker.checkpoint_interval = self->options.checkpoint_interval;
    worker.poll_records_max = self->options.poll_records_max;
    worker.until_end = self->options.until_end;
    stream::WorkerParts parts;
    parts.stages = [self, mine](int partition) -> std::unique_ptr<stream::Stage> {
      return std::make_unique<OwnedStage>(partition, self->options.stage, self->rules, mine->stages, self->probe);
    };
    parts.line = &platform::log_line<stream::LineLevel>;
    parts.custodian = slot->ticks.get();
    parts.observer = [self](int partition, stream::Stage& s) {
      self->probe.report(partition, static_cast<ReadingsStage&>(s).core());
    };
    parts.probe = slot->probe.get();
    auto made = stream::Worker::create(log, std::move(worker), std::move(parts));
    if (!made) return tl::make_unexpected(made.error());
    slot->worker = std::move(*made);
    self->slots.push_back(std::move(slot));
  }
  self->log = &log;
  self->regions_probe = std::make_unique<stream::WorkerProbe>(registry, kRegionsService);
  if (!self->options.until_end) {
    if (auto made = self->make_regions(log); !made) return tl::make_unexpected(made.error());
  }
  return std::unique_ptr<Processor>(new Processor(std::move(impl)));
}

Result<void> Processor::run(std::stop_token stop) {
  std::vector<stream::Worker*> workers;
  for (auto& slot : impl_->slots) workers.push_back(slot->worker.get());
  if (!impl_->options.until_end) {
    workers.push_back(impl_->regions.get());
    return stream::run_workers(workers, stop);
  }
  // The end of `means` is known only when nothing more comes into it: first the readings to their end, then the regions
  // to that of what they gave.
  if (auto done = stream::run_workers(workers, stop); !done || stop.stop_requested()) return done;
  if (auto made = impl_->make_regions(*impl_->log); !made) return made;
  return stream::run_workers({impl_->regions.get()}, stop);
}

void Processor::use_rules(const std::string& hash) {
  for (auto& slot : impl_->slots) slot->ticks->use_rules(hash);
}

std::vector<std::string> Processor::unready() const {
  std::vector<std::string> reasons;
  for (const auto& slot : impl_->slots) {
    if (!slot->worker->ready()) reasons.push_back(slot->worker->status());
    if (auto clock = slot->ticks->unready()) reasons.push_back(std::move(*clock));
  }
  // Asked from other threads: a worker that is made only later is not looked at.
  const bool has_regions = !impl_->options.until_end;
  if (has_regions && !impl_->regions->ready()) reasons.push_back(impl_->regions->status());
  return reasons;
}

std::string Processor::stations() const {
  return impl_->probe.stations();
}

}  // namespace qc::processor
