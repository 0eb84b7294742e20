#include "console/history.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <stop_token>

#include "console/means_from.h"
#include "qingchuan/v1/alert.pb.h"
#include "stream/read_range.h"
#include "wire/keys.h"
#include "wire/mean_decoder.h"

namespace qc::console {

struct History::Impl {
  Impl(stream::Log& l, HistoryLimits h) : log(l), limits(h) {}

  // One turn: holds the door while it lives.
  struct Turn {
    explicit Turn(Impl& of) : impl(of), lock(impl.reading) { began = std::chrono::steady_clock::now(); }
    ~Turn() { --impl.inside; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    // Whether another record may be read.
    bool more() {
      if (++records > impl.limits.records_max) return over("more than records_max records would have to be read");
      if (records % 1024 == 0 && std::chrono::steady_clock::now() - began > impl.limits.time_max) {
        return over("it takes longer than time_max");
      }
      return true;
    }
    bool over(const char* what) {
      why = what;
      return false;
    }
    Impl& impl;
    std::unique_lock<std::mutex> lock;
    std::chrono::steady_clock::time_point began;
    std::size_t records = 0;
    const char* why = nullptr;
  };
  bool enter() {
    if (++inside <= limits.waiting_max) return true;
    --inside;
    return false;
  }

  stream::Log& log;
  const HistoryLimits limits;
  std::mutex reading;
  std::atomic<std::size_t> inside = 0;
  std::stop_source stopping;
};

History::History(stream::Log& log, HistoryLimits limits) : impl_(std::make_unique<Impl>(log, limits)) {}
History::~History() {
  stop();
}
void History::stop() {
  impl_->stopping.request_stop();
}

Result<std::vector<SeriesPoint>> History::series(const SeriesKey& key, bool of_region, core::Interval of) {
  if (of.end - of.start > impl_->limits.span_max) return fail(Errc::queue_full, "a longer span than is read at a time");
  if (!impl_->enter()) return fail(Errc::queue_full, "others read the past already; try again");
  Impl::Turn turn(*impl_);
  const auto partitions = stream::partitions_of(impl_->log, of_region ? kRegionMeans : kMeans);
  if (!partitions) return tl::make_unexpected(partitions.error());
  std::vector<stream::Stretch> stretches;
  for (int p = 0; p < *partitions; ++p) {
    const stream::TopicPartition tp{of_region ? kRegionMeans : kMeans, p};
    const auto from = offset_of_means(impl_->log, tp, of.start);
    if (!from) return tl::make_unexpected(from.error());
    const auto range = impl_->log.range(tp);
    if (!range) return tl::make_unexpected(range.error());
    stretches.push_back({tp, *from, range->end});
  }
  // "site|factor|window|": all of the series, and nothing of another.
  std::string prefix = wire::mean_key(key.subject, key.factor, key.window, core::event_time(0));
  prefix.resize(prefix.rfind('|') + 1);
  std::deque<SeriesPoint> points;
  wire::MeanDecoder decoder;
  const auto done = stream::read_range(
      impl_->log, stretches,
      [&](const stream::Record& r) {
        if (r.tombstone || !r.key.starts_with(prefix)) return turn.more();
        const auto decoded = decoder.decode(r.value);
        const auto* mean = std::get_if<const wire::DecodedMean*>(&decoded);
        if (mean == nullptr) return turn.more();
        const core::EventTime end = (*mean)->mean.interval.end;
        if (end > of.start && end <= of.end) take_point(points, (*mean)->mean);
        return turn.more();
      },
      impl_->stopping.get_token());
  if (!done) return tl::make_unexpected(done.error());
  if (turn.why != nullptr) return fail(Errc::queue_full, turn.why);
  if (impl_->stopping.stop_requested()) return fail(Errc::stopped, "the console stops");
  return std::vector<SeriesPoint>(points.begin(), points.end());
}

Result<std::vector<LedgerItem>> History::ledger(const std::string& subject, std::size_t limit) {
  if (!impl_->enter()) return fail(Errc::queue_full, "others read the past already; try again");
  Impl::Turn turn(*impl_);
  const auto whole = stream::whole_topic(impl_->log, kLedger);
  if (!whole) return tl::make_unexpected(whole.error());
  std::deque<LedgerItem> items;
  const auto done = stream::read_range(
      impl_->log, *whole,
      [&](const stream::Record& r) {
        if (r.tombstone || (!subject.empty() && r.key != subject)) return turn.more();
        ::qingchuan::v1::LedgerEntry entry;
        if (entry.ParseFromArray(r.value.data(), static_cast<int>(r.value.size()))) {
          items.push_back(ledger_item(entry, nullptr));
          if (items.size() > limit) items.pop_front();
        }
        return turn.more();
      },
      impl_->stopping.get_token());
  if (!done) return tl::make_unexpected(done.error());
  if (turn.why != nullptr) return fail(Errc::queue_full, turn.why);
  if (impl_->stopping.stop_requested()) return fail(Errc::stopped, "the console stops");
  return std::vector<LedgerItem>(items.begin(), items.end());
}

}  // namespace qc::console
