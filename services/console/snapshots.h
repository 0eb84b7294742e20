// Snapshots that are being sent: one is shared by all who ask for the same within a moment, because thousands come at
// once after a restart and each copy of ten thousand alerts is 12 MB. What is being sent at a time is bounded.
//
// Threads: any; one makes a snapshot while others wait for it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "console/feed_window.h"
#include "console/model.h"

namespace qc::console {

using SnapshotOf = std::function<Snapshot(const Subjects& subjects, const Sight& sight)>;

class Snapshots {
 public:
  using Time = std::chrono::steady_clock::time_point;
  Snapshots(const Feed& feed, SnapshotOf make, std::size_t at_once_max, std::chrono::milliseconds shared_for);

  // null: as many as may be are being sent. What comes after it is in the feed (but for one that a burst pushes out).
  std::shared_ptr<const Snapshot> get(const View& view, Time now);
  void drop_old(Time now);

 private:
  struct Kept {
    std::shared_ptr<const Snapshot> snapshot;
    Time made;
  };
  void drop_old_locked(Time now);

  const Feed& feed_;
  const SnapshotOf make_;
  const std::size_t at_once_max_;
  const std::chrono::milliseconds shared_for_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;
  std::vector<std::weak_ptr<const Snapshot>> alive_;
};

}  // namespace qc::console
