#include "console/follower.h"

#include <algorithm>
#include <condition_variable>
#include <utility>

#include "console/means_from.h"
#include "platform/log.h"
#include "stream/passing.h"
#include "stream/read_range.h"

namespace qc::console {
namespace {

constexpr stream::Milliseconds kFollowWait(200);  // also the longest that a stop waits for a poll
constexpr stream::Milliseconds kFollowRetryMin(100);
constexpr stream::Milliseconds kFollowRetryMax(5'000);

}  // namespace

Result<Slots> slots_of(stream::Log& log) {
  Slots slots;
  for (const char* topic : {kAlerts, kMeans, kRegionMeans}) {
    const auto partitions = stream::partitions_of(log, topic);
    if (!partitions) return tl::make_unexpected(partitions.error());
    for (int p = 0; p < *partitions; ++p) slots.push_back({topic, p});
  }
  return slots;
}

Follower::Follower(stream::Log& log, Parts parts, FollowerOptions options)
    : log_(log), parts_(parts), options_(options) {}

Result<std::unique_ptr<Follower>> Follower::create(stream::Log& log, Parts parts, FollowerOptions options) {
  std::unique_ptr<Follower> made(new Follower(log, parts, options));
  if (auto found = made->find_start(); !found) return tl::make_unexpected(found.error());
  return made;
}

Result<void> Follower::find_start() {
  for (const char* topic : {kAlerts, kMeans, kRegionMeans, kLedger, kOutcomes, kUsers}) {
    const std::string_view name = topic;
    const auto partitions = stream::partitions_of(log_, topic);
    if (!partitions) return tl::make_unexpected(partitions.error());
    for (int p = 0; p < *partitions; ++p) {
      const stream::TopicPartition tp{topic, p};
      const auto range = log_.range(tp);
      if (!range) return tl::make_unexpected(range.error());
      stream::Offset from = range->start;
      if (name == kOutcomes) from = range->end;
      if (name == kLedger) from = std::max(from, range->end - options_.ledger_max);
      if (name == kMeans || name == kRegionMeans) {
        // Of a log that ended long ago, its last days: they are found by looking back from its own last hour.
        auto last = last_of_means(log_, tp);
        if (!last) return tl::make_unexpected(last.error());
        const auto found = offset_of_means(log_, tp, last->value_or(options_.now) - options_.series_kept);
        if (!found) return tl::make_unexpected(found.error());
        from = *found;
      }
      begin_[tp] = next_[tp] = from;
      target_[tp] = range->end;
    }
  }
  return {};
}

void Follower::set_status(std::string status) {
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

std::vector<std::string> Follower::unready() const {
  const std::lock_guard lock(mutex_);
  if (status_.empty()) return {};
  return {status_};
}

std::string Follower::progress() const {
  stream::Offset all = 0;
  stream::Offset read = 0;
  for (const auto& [tp, target] : target_) {
    all += std::max<stream::Offset>(0, target - begin_.at(tp));
    read += std::clamp<stream::Offset>(next_.at(tp) - begin_.at(tp), 0,
                                       std::max<stream::Offset>(0, target - begin_.at(tp)));
  }
  return "the console reads the log: " + std::to_string(read) + " of " + std::to_string(all) + " records";
}

Result<void> Follower::run(const std::stop_token& stop) {
  stream::Milliseconds wait = kFollowRetryMin;
  while (!stop.stop_requested()) {
    const auto done = step(stop);
    if (done) {
      wait = kFollowRetryMin;
      continue;
    }
    if (!stream::is_passing(done.error().code)) return done;
    reader_.reset();
    set_status("the console cannot read the log: " + describe(done.error()));
    platform::log_limited("console-log", 1, platform::Level::warn, "the log cannot be read", {{"error", done.error()}});
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, wait, [] { return false; });
    wait = std::min(wait * 2, kFollowRetryMax);
  }
  return {};
}

Result<void> Follower::step(const std::stop_token& stop) {
  if (reader_ == nullptr) {
    const std::vector<std::pair<stream::TopicPartition, stream::Offset>> from(next_.begin(), next_.end());
    auto opened = log_.reader(from);
    if (!opened) return tl::make_unexpected(opened.error());
    reader_ = std::move(*opened);
    set_status(progress());
    live_ = false;
  }
  while (!stop.stop_requested()) {
    if (auto polled = reader_->poll(batch_, options_.poll_records_max, kFollowWait); !polled) return polled;
    for (const stream::Record& record : batch_.records) take(record);
    if (!live_ && !caught_up(batch_.records.empty())) {
      set_status(progress());
      continue;
    }
    if (auto settled = parts_.model.settle(); !settled) return settled;
    if (!live_) {
      live_ = true;
      set_status({});
    }
    parts_.model.feed().wake();
  }
  return {};
}

void Follower::take(const stream::Record& record) {
  records_.fetch_add(1, std::memory_order_relaxed);
  next_[*record.from] = record.offset + 1;
  const std::string& topic = record.from->topic;
  if (topic == kUsers) {
    parts_.identity.apply(record);
  } else if (topic == kOutcomes) {
    parts_.commands.outcome(record);
  } else {
    parts_.model.apply(record);
  }
}

// All that was there at the start is read. What is no longer there (compacted, aborted) moves no offset: then the
// reader's own place tells, or, where it has none, that nothing came.
bool Follower::caught_up(bool nothing_came) {
  return std::all_of(target_.begin(), target_.end(), [&](const auto& entry) {
    const auto& [tp, target] = entry;
    if (next_.at(tp) >= target) return true;
    const auto position = reader_->position(tp);
    return position ? *position >= target : nothing_came;
  });
}

}  // namespace qc::console
