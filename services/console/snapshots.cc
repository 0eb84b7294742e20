#include "console/snapshots.h"

#include <utility>

namespace qc::console {

Snapshots::Snapshots(const Feed& feed, SnapshotOf make, std::size_t at_once_max, std::chrono::milliseconds shared_for)
    : feed_(feed), make_(std::move(make)), at_once_max_(at_once_max), shared_for_(shared_for) {}

std::shared_ptr<const Snapshot> Snapshots::get(const View& view, Time now) {
  const std::lock_guard lock(mutex_);
  drop_old_locked(now);
  if (const auto found = kept_.find(view.key); found != kept_.end()) {
    if (found->second.snapshot->sequence >= feed_.begin()) return found->second.snapshot;
    kept_.erase(found);
  }
  std::erase_if(alive_, [](const std::weak_ptr<const Snapshot>& snapshot) { return snapshot.expired(); });
  if (alive_.size() >= at_once_max_) return nullptr;
  auto made = std::make_shared<const Snapshot>(make_(view.subjects, view.sight));
  alive_.push_back(made);
  kept_[view.key] = {made, now};
  return made;
}

void Snapshots::drop_old(Time now) {
  const std::lock_guard lock(mutex_);
  drop_old_locked(now);
}

void Snapshots::drop_old_locked(Time now) {
  std::erase_if(kept_, [&](const auto& kept) { return now - kept.second.made >= shared_for_; });
}

}  // namespace qc::console
