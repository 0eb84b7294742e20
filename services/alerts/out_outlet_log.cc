// The outlet's side towards the log: membership, what a poll brings, commits. out_outlet.cc has the receiver's.
#include <algorithm>
#include <condition_variable>
#include <utility>

#include "alerts/out_outlet.h"
#include "alerts/records.h"
#include "platform/log.h"
#include "stream/passing.h"
#include "stream/read_range.h"
#include "wire/alert_codec.h"

namespace qc::alerts {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPollWait(200);  // also the longest that a stop waits for a poll
constexpr milliseconds kLogRetryMin(100);
constexpr milliseconds kLogRetryMax(10'000);

OutItem item_of(const stream::Record& record) {
  OutItem item{
      *record.from, record.offset, record.written_ms, std::string(record.key), std::string(record.value), {}, {}};
  if (record.tombstone) return item;
  auto decoded = wire::decode_alert_record(record.value);
  if (auto* alert = std::get_if<wire::DecodedAlert>(&decoded)) {
    item.said = wire::AlertItem(std::move(alert->told));
    item.rules = std::move(alert->origin.rules);
  } else if (auto* row = std::get_if<core::FoldRow>(&decoded)) {
    item.said = wire::AlertItem(std::move(*row));
  } else {
    item.said = std::get<core::Rejected>(std::move(decoded));
  }
  return item;
}

}  // namespace

Result<void> Outlet::join() {
  auto joined = log_.join({out_group(options_.name), {kAlerts}, out_group(options_.name) + "-0", 1});
  if (!joined) return tl::make_unexpected(joined.error());
  member_ = std::move(*joined);
  set_trouble(std::nullopt);
  return {};
}

// Passing ones are waited out; where another has fenced us everything begins again.
Result<void> Outlet::log_failed(const Error& error, const std::stop_token& stop) {
  if (error.code != Errc::log_fenced && !stream::is_passing(error.code)) return tl::make_unexpected(error);
  if (error.code == Errc::log_fenced) {
    member_.reset();
    for (const auto& tp : owned_) channel_->forget(tp);
    owned_.clear();
    items_.clear();
    letters_.clear();
    done_ = alone_ = 0;
    paused_ = false;
  }
  set_trouble("way out `" + options_.name + "`: " + describe(error));
  platform::log_limited("out-log-" + options_.name, 1, platform::Level::warn, "alerts cannot be taken from the log",
                        {{"outlet", options_.name}, {"error", error}});
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, backoff(kLogRetryMin, kLogRetryMax, ++log_failures_), [] { return false; });
  return {};
}

Result<void> Outlet::take(const std::stop_token& stop) {
  stream::Assignment change;
  const auto wait =
      channel_->keeps_alerts() && !owned_.empty()
          ? std::clamp(std::chrono::duration_cast<milliseconds>(next_again_ - Clock::now()), milliseconds(0), kPollWait)
          : kPollWait;
  if (auto polled = member_->poll(batch_, change, options_.batch_max, wait); !polled) {
    return log_failed(polled.error(), stop);
  }
  if (log_failures_ > 0) set_trouble(std::nullopt);
  log_failures_ = 0;
  if (auto heeded = heed(change, stop); !heeded) return log_failed(heeded.error(), stop);
  for (const stream::Record& record : batch_.records) {
    // Polled before begin() moved us.
    if (const auto from = begun_.find(*record.from); from != begun_.end() && record.offset < from->second) continue;
    items_.push_back(item_of(record));
  }
  return {};
}

// Where it has never been before: at the end. Committed at once, so that a kill does not move it.
Result<void> Outlet::begin(const stream::TopicPartition& tp) {
  const auto next = member_->committed(tp);
  if (!next) return tl::make_unexpected(next.error());
  if (*next) return {};
  const auto range = log_.range(tp);
  if (!range) return tl::make_unexpected(range.error());
  stream::Transaction here;
  here.next.emplace_back(tp, range->end);
  if (auto committed = member_->commit(here); !committed) return committed;
  begun_[tp] = range->end;
  return member_->seek(tp, range->end);
}

// What stands already, up to where we are; what comes behind it will be sent.
Result<void> Outlet::fold(const stream::TopicPartition& tp, const std::stop_token& stop) {
  channel_->forget(tp);
  const auto next = member_->committed(tp);
  if (!next) return tl::make_unexpected(next.error());
  const auto range = log_.range(tp);
  if (!range) return tl::make_unexpected(range.error());
  next_again_ = Clock::now();
  const stream::Stretch before{tp, range->start, std::min(next->value_or(0), range->end)};
  return stream::read_range(
      log_, {&before, 1},
      [this](const stream::Record& record) {
        const OutItem item = item_of(record);
        if (item.alert() != nullptr) channel_->fold(item);
        return true;
      },
      stop);
}

// What a poll told of partitions.
Result<void> Outlet::heed(const stream::Assignment& change, const std::stop_token& stop) {
  Result<void> done;
  if (!change.lost.empty()) done = lose(change.lost);
  for (const auto& tp : change.gained) {
    if (!done) break;
    owned_.insert(tp);
    if (paused_) member_->pause(tp);
    if (is_robot(options_.shape)) done = begin(tp);
    if (done && channel_->keeps_alerts()) done = fold(tp, stop);
  }
  // Half of it is none: all again, with a new membership.
  if (!done && stream::is_passing(done.error().code)) return fail(Errc::log_fenced, done.error().text);
  return done;
}

Result<void> Outlet::lose(const std::vector<stream::TopicPartition>& lost) {
  for (const auto& tp : lost) {
    owned_.erase(tp);
    channel_->forget(tp);
  }
  // Of those that stay, what was not committed comes once more: seldom, and simpler than taking a batch apart.
  items_.clear();
  letters_.clear();
  done_ = alone_ = 0;
  for (const auto& tp : owned_) {
    const auto next = member_->committed(tp);
    if (!next) return tl::make_unexpected(next.error());
    if (auto sought = member_->seek(tp, next->value_or(0)); !sought) return sought;
  }
  return {};
}

// Waits, as a member that still answers for its partitions but reads nothing.
Result<void> Outlet::stay(const std::stop_token& stop, Clock::time_point until) {
  if (!paused_) {
    for (const auto& tp : owned_) member_->pause(tp);
    paused_ = true;
  }
  std::mutex mutex;
  std::condition_variable_any wake;
  {
    std::unique_lock lock(mutex);
    wake.wait_until(lock, stop, std::min(until, Clock::now() + kPollWait), [] { return false; });
  }
  stream::Batch none;
  stream::Assignment change;
  if (auto polled = member_->poll(none, change, 1, milliseconds(0)); !polled) return log_failed(polled.error(), stop);
  if (auto heeded = heed(change, stop); !heeded) return log_failed(heeded.error(), stop);
  // Of a partition that came with this very poll: read later.
  std::set<stream::TopicPartition> back;
  for (const stream::Record& record : none.records) {
    if (!back.insert(*record.from).second) continue;
    if (auto sought = member_->seek(*record.from, record.offset); !sought) return log_failed(sought.error(), stop);
  }
  return {};
}

// Commits what is delivered; REQUIRES: all of the batch, unless a stop is asked for.
Result<void> Outlet::settle(const std::stop_token& stop) {
  std::map<stream::TopicPartition, stream::Offset> next;
  for (std::size_t i = 0; i < done_; ++i) next[items_[i].at] = items_[i].offset + 1;
  stream::Transaction transaction;
  transaction.records = letters_;
  transaction.next.assign(next.begin(), next.end());
  if (auto committed = member_->commit(transaction); !committed) return log_failed(committed.error(), stop);
  log_failures_ = 0;
  set_trouble(std::nullopt);
  items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(done_));
  letters_.clear();
  done_ = 0;
  if (paused_ && items_.empty()) {
    for (const auto& tp : owned_) member_->resume(tp);
    paused_ = false;
  }
  return {};
}

}  // namespace qc::alerts
