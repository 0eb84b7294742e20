#include "stream/worker.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "stream/worker_engine.h"

namespace qc::stream {

namespace {

Result<void> check(const WorkerOptions& options, const WorkerParts& parts) {
  const auto bad = [&](const std::string& what) {
    return fail(Errc::usage, "worker " + options.service + "/" + options.name + ": " + what);
  };
  if (options.service.empty() || options.name.empty()) return bad("needs a service and a name");
  if (options.topics.empty()) return bad("needs an input topic");
  if (options.checkpoint_interval.count() > 0 && options.topics.size() != 1) {
    // Only in one topic is the order in which it was read the log's own, so that it can be folded again.
    return bad("a checkpoint interval goes with one input topic only");
  }
  if (options.poll_records_max == 0 || options.gathered_records_max == 0 || options.gathered_bytes_max == 0) {
    return bad("limits must be greater than 0");
  }
  if (options.retry_wait_min.count() <= 0 || options.retry_wait_max < options.retry_wait_min) {
    return bad("retry_wait_min must be greater than 0 and at most retry_wait_max");
  }
  if (!parts.stages || !parts.clock) return bad("needs stages and a clock");
  return {};
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::create(Log& log, WorkerOptions options, WorkerParts parts) {
  if (auto checked = check(options, parts); !checked) return tl::make_unexpected(checked.error());
  const auto topics = log.topics();
  if (!topics) return tl::make_unexpected(topics.error());
  int partitions = 0;
  for (const std::string& name : options.topics) {
    const auto spec = std::find_if(topics->begin(), topics->end(), [&](const auto& t) { return t.name == name; });
    if (spec == topics->end()) return fail(Errc::topic_unknown, "there is no topic " + name);
    if (partitions != 0 && partitions != spec->partitions) {
      return fail(Errc::partitions_changed, options.service + " reads " + options.topics.front() + " with " +
                                                std::to_string(partitions) + " partitions and " + name + " with " +
                                                std::to_string(spec->partitions) + ": they must be equal");
    }
    partitions = spec->partitions;
  }
  TopicSpec state;
  state.name = options.service + "-state";
  state.partitions = partitions;
  state.cleanup = Cleanup::Compact;
  if (auto made = log.create_topics({&state, 1}); !made) return tl::make_unexpected(made.error());
  WorkerEngine::Ends ends;
  if (options.until_end) {
    for (const std::string& name : options.topics) {
      for (int i = 0; i < partitions; ++i) {
        const auto range = log.range({name, i});
        if (!range) return tl::make_unexpected(range.error());
        ends[{name, i}] = range->end;
      }
    }
  }
  return std::unique_ptr<Worker>(
      new Worker(std::make_unique<WorkerEngine>(log, std::move(options), std::move(parts), std::move(ends))));
}

Worker::Worker(std::unique_ptr<WorkerEngine> engine) : engine_(std::move(engine)) {}
Worker::~Worker() = default;

Result<WorkerStep> Worker::step() {
  return engine_->step();
}
void Worker::stop() {
  engine_->stop();
}
bool Worker::ready() const {
  return engine_->ready();
}
std::string Worker::status() const {
  return engine_->status();
}

Result<void> Worker::run(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any asked;
  bool told = false;
  while (true) {
    if (stop.stop_requested() && !told) {
      told = true;
      engine_->stop();
    }
    const auto step = engine_->step();
    if (!step) return tl::make_unexpected(step.error());
    if (step->done) return {};
    if (step->wait.count() == 0) continue;
    std::unique_lock lock(mutex);
    // A stop wakes it from a back-off once; after that the back-offs of the last commit are waited out.
    if (told) {
      asked.wait_for(lock, step->wait, [] { return false; });
    } else {
      asked.wait_for(lock, stop, step->wait, [] { return false; });
    }
  }
}

}  // namespace qc::stream
