#include "console/api_limits.h"

#include <algorithm>
#include <cmath>

namespace qc::console {

void RateLimiter::refill(Bucket& bucket, core::EventTime now) const {
  // A clock that goes back gives nothing and takes nothing.
  const double passed_ms = static_cast<double>(std::max<std::int64_t>(0, (now - bucket.at).count()));
  bucket.left = std::min(per_minute_, bucket.left + passed_ms * per_minute_ / 60'000);
  bucket.at = now;
}

void RateLimiter::drop_full(core::EventTime now) {
  // At most once a second: a crowd of newcomers must not make each request walk through all buckets.
  if (now - swept_ < std::chrono::seconds(1) && now >= swept_) return;
  swept_ = now;
  for (auto it = buckets_.begin(); it != buckets_.end();) {
    refill(it->second, now);
    it = it->second.left >= per_minute_ ? buckets_.erase(it) : std::next(it);
  }
}

std::chrono::seconds RateLimiter::take(const std::string& who, core::EventTime now) {
  const std::lock_guard lock(mutex_);
  auto it = buckets_.find(who);
  if (it == buckets_.end()) {
    if (buckets_.size() >= kept_max_) drop_full(now);
    const bool room = buckets_.size() < kept_max_;
    it = buckets_.try_emplace(room ? who : std::string(), Bucket{per_minute_, now}).first;
  }
  Bucket& bucket = it->second;
  refill(bucket, now);
  if (bucket.left >= 1) {
    bucket.left -= 1;
    return std::chrono::seconds(0);
  }
  const double seconds = (1 - bucket.left) * 60 / std::max(per_minute_, 1.0);
  return std::chrono::seconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(seconds))));
}

std::size_t RateLimiter::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace qc::console
