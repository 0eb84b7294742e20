#include "alerts/out.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "alerts/out_outlet.h"

namespace qc::alerts {

Outlets::Outlets(wire::AlertWords words) : words_(std::move(words)) {}
Outlets::~Outlets() = default;

Result<std::unique_ptr<Outlets>> Outlets::create(stream::Log& log, std::vector<OutletOptions> options,
                                                 wire::AlertWords words, prometheus::Registry& registry) {
  std::unique_ptr<Outlets> made(new Outlets(std::move(words)));
  for (OutletOptions& each : options) {
    auto outlet = Outlet::create(log, std::move(each), made->words_, registry);
    if (!outlet) return tl::make_unexpected(outlet.error());
    made->outlets_.push_back(std::move(*outlet));
  }
  return made;
}

Result<void> Outlets::run(std::stop_token stop) {
  std::stop_source all;
  const std::stop_callback forward(stop, [&all] { all.request_stop(); });
  std::mutex mutex;
  Result<void> result;
  std::vector<std::jthread> threads;
  for (const auto& outlet : outlets_) {
    threads.emplace_back([&, of = outlet.get()] {
      auto done = of->run(all.get_token());
      if (done) return;
      const std::lock_guard lock(mutex);
      if (result) result = std::move(done);
      all.request_stop();
    });
  }
  if (threads.empty()) {
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, stop, [] { return false; });
  }
  threads.clear();
  return result;
}

std::vector<std::string> Outlets::unready() const {
  std::vector<std::string> reasons;
  for (const auto& outlet : outlets_) {
    if (auto why = outlet->unready()) reasons.push_back(std::move(*why));
  }
  return reasons;
}

}  // namespace qc::alerts
