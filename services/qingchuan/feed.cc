#include "qingchuan/feed.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "processor/log_time.h"
#include "qingchuan/open_log.h"
#include "stream/partition.h"
#include "wire/keys.h"

namespace qc::commands {

Feed::Feed(stream::Log& log, wire::Merge& files, const core::RuleSet& rules, FeedOptions options)
    : log_(log), files_(files), rules_(rules), options_(std::move(options)) {}

Result<void> Feed::prepare() {
  const auto readings = partitions_of(log_, "readings");
  if (!readings) return tl::make_unexpected(readings.error());
  const auto tracks = partitions_of(log_, "tracks");
  if (!tracks) return tl::make_unexpected(tracks.error());
  readings_partitions_ = *readings;
  tracks_partitions_ = *tracks;
  auto appender = log_.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  appender_ = std::move(*appender);
  if (options_.timeline == core::Timeline::Wall) return {};
  std::vector<stream::TopicPartition> partitions;
  for (int p = 0; p < readings_partitions_; ++p) partitions.push_back({"readings", p});
  const auto ticks = processor::last_ticks(log_, partitions);
  if (!ticks) return tl::make_unexpected(ticks.error());
  bool all = true;
  for (const auto& last : *ticks) {
    if (!last) {
      all = false;
      continue;
    }
    last_tick_ = last_tick_ ? std::max(*last_tick_, *last) : *last;
    resume_from_ = resume_from_ ? std::min(*resume_from_, *last) : *last;
  }
  if (!all) resume_from_.reset();
  return {};
}

Result<FeedReport> Feed::run(std::stop_token stop) {
  if (auto ready = prepare(); !ready) return tl::make_unexpected(ready.error());
  const bool fed = options_.timeline == core::Timeline::Fed;
  std::optional<core::EventTime> instant;
  core::EventTime at = core::EventTime::min();  // the turn
  while (true) {
    auto item = files_.next();
    if (!item) return tl::make_unexpected(item.error());
    if (!*item) break;
    const wire::Packet& packet = (*item)->packet;
    // A packet from the past arrives in the turn of the one before it (wire::Merge): what --resume skips, and when a
    // packet was received, go by that turn.
    at = std::max(at, (*item)->turn);
    if (options_.resume && resume_from_ && at < *resume_from_) {
      ++report_.skipped_packets;
      continue;
    }
    if (!instant && fed && !options_.resume && last_tick_ && at < *last_tick_) {
      return fail(Errc::log_timeline, files_.file((*item)->file).path() + " begins at " + core::to_iso(at) +
                                          ", before the log's last tick " + core::to_iso(*last_tick_) +
                                          " (--resume goes on from there)");
    }
    if (!instant || at > *instant) {
      if (stop.stop_requested()) {
        report_.stopped = true;
        break;
      }
      if (auto begun = begin_instant(at, stop); !begun) return tl::make_unexpected(begun.error());
      instant = at;
      if (!report_.first) report_.first = at;
      report_.last = at;
    }
    add(packet);
  }
  if (fed && instant && !report_.stopped) {
    const core::EventTime hour_end = core::hour_of(at - core::Duration(1)) + core::kHour;
    tick(hour_end + options_.close_after);
  }
  if (auto done = flush(); !done) return tl::make_unexpected(done.error());
  report_.sites = sites_.size();
  return report_;
}

Result<void> Feed::begin_instant(core::EventTime at, std::stop_token stop) {
  if (options_.speed > 0 || gathered_.size() >= options_.append_records_max) {
    if (auto done = flush(); !done) return done;
  }
  if (options_.speed > 0) pace(at, std::move(stop));
  if (options_.timeline == core::Timeline::Fed) tick(at);
  if (options_.progress) options_.progress(at);
  return {};
}

void Feed::pace(core::EventTime at, std::stop_token stop) {
  const auto now = std::chrono::steady_clock::now();
  if (!started_) started_ = now;
  const core::EventTime first = report_.first.value_or(at);
  const auto due =
      *started_ +
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(
          std::chrono::duration<double, std::milli>(static_cast<double>((at - first).count()) / options_.speed));
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, std::move(stop), due, [] { return false; });
}

void Feed::tick(core::EventTime now) {
  const std::string value = wire::encode_tick(now);
  for (int p = 0; p < readings_partitions_; ++p)
    gathered_.push_back({{"readings", p}, wire::tick_key("", p), value, {}});
  for (int p = 0; p < tracks_partitions_; ++p) gathered_.push_back({{"tracks", p}, wire::tick_key("", p), value, {}});
  ++report_.ticks;
}

void Feed::add(const wire::Packet& packet) {
  const stream::TopicPartition to{"readings",
                                  stream::partition_of(wire::reading_key(packet.site), readings_partitions_)};
  if (sites_.insert(packet.site).second && !rules_.sites.contains(packet.site)) {
    core::Register site;
    site.site = packet.site;
    site.name = packet.name;
    site.kind = core::SiteKind::Evaluation;
    site.area_class = core::AreaClass::Class2;
    site.region = options_.region;
    site.root = options_.region;
    gathered_.push_back({to, wire::reading_key(packet.site), wire::encode_register(site), {}});
  }
  const core::ReceiveTime received = options_.timeline == core::Timeline::Fed
                                         ? core::receive_time(core::ms(report_.last.value_or(packet.interval.end)))
                                         : core::receive_time(options_.wall_ms());
  const core::Duration step = packet.interval.end - packet.interval.start;
  builder_.begin(packet.site, received, 0, packet.source, packet.interval.start, step);
  for (const wire::Row& row : packet.rows) builder_.add(0, row.factor, row.unit, row.value, row.flag);
  report_.readings += static_cast<std::int64_t>(packet.rows.size());
  ++report_.packets;
  gathered_.push_back({to, wire::reading_key(packet.site), builder_.finish(), {}});
}

Result<void> Feed::flush() {
  if (gathered_.empty()) return {};
  if (auto done = appender_->append(gathered_); !done) return done;
  gathered_.clear();
  return {};
}

}  // namespace qc::commands
