#include "stream/run_workers.h"

#include <mutex>
#include <thread>
#include <utility>

namespace qc::stream {

Result<void> run_workers(const std::vector<Worker*>& workers, const std::stop_token& stop) {
  std::stop_source all;
  const std::stop_callback forward(stop, [&all] { all.request_stop(); });
  std::mutex mutex;
  Result<void> result;
  std::vector<std::jthread> threads;
  for (Worker* worker : workers) {
    threads.emplace_back([&, worker] {
      auto done = worker->run(all.get_token());
      if (done) return;
      const std::lock_guard lock(mutex);
      if (result) result = std::move(done);
      all.request_stop();
    });
  }
  threads.clear();
  return result;
}

}  // namespace qc::stream
