// How many requests one session, token or peer may send: a token bucket each, that holds a minute's worth. Bounded:
// of more than `kept_max` the ones that are full again go; were all still in use, newcomers share one.
//
// Lifecycle: made once. Threads: any.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/time.h"

namespace qc::console {

class RateLimiter {
 public:
  explicit RateLimiter(std::size_t per_minute, std::size_t kept_max = 100'000)
      : per_minute_(static_cast<double>(per_minute)), kept_max_(kept_max) {}

  // 0: go on. Otherwise so many seconds later it may try again.
  std::chrono::seconds take(const std::string& who, core::EventTime now);
  std::size_t size() const;

 private:
  struct Bucket {
    double left = 0;
    core::EventTime at{};
  };
  void refill(Bucket& bucket, core::EventTime now) const;
  void drop_full(core::EventTime now);

  const double per_minute_;
  const std::size_t kept_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  core::EventTime swept_{};
};

}  // namespace qc::console
