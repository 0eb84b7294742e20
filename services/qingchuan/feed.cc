#include "qingchuan/feed.h"

#include <algorithm>

namespace qc::commands {

Feed::Feed(stream::Log& log, wire::Merge& files, const core::RuleSet& rules, FeedOptions options)
    : log_(log), files_(files), rules_(rules), options_(std::move(options)), pace_(options_.speed) {}

Result<void> Feed::prepare() {
  auto writer = LogWriter::open(log_);
  if (!writer) return tl::make_unexpected(writer.error());
  writer_ = std::move(*writer);
  if (options_.timeline == core::Timeline::Wall) return {};
  const auto ticks = writer_->last_ticks();
  if (!ticks) return tl::make_unexpected(ticks.error());
  last_tick_ = ticks->greatest;
  resume_from_ = ticks->least;
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
    wire::Packet& packet = (*item)->packet;
    if (!takes(packet)) continue;
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
  if (auto done = writer_->flush(); !done) return tl::make_unexpected(done.error());
  report_.sites = sites_.size();
  return report_;
}

bool Feed::takes(wire::Packet& packet) {
  if (packet.interval.start < options_.only.start || packet.interval.end > options_.only.end) {
    ++report_.outside_packets;
    return false;
  }
  if (const auto id = rules_.aliases.find(packet.site); id != rules_.aliases.end()) packet.site = id->second;
  if (options_.known_only && !rules_.sites.contains(packet.site)) {
    ++report_.unknown_packets;
    return false;
  }
  return true;
}

Result<void> Feed::begin_instant(core::EventTime at, std::stop_token stop) {
  if (pace_.waits() || writer_->gathered() >= options_.append_records_max) {
    if (auto done = writer_->flush(); !done) return done;
  }
  pace_.wait(at, stop);
  if (options_.timeline == core::Timeline::Fed) tick(at);
  if (options_.progress) options_.progress(at);
  return {};
}

void Feed::tick(core::EventTime now) {
  writer_->tick(now);
  ++report_.ticks;
}

void Feed::add(const wire::Packet& packet) {
  if (sites_.insert(packet.site).second && !rules_.sites.contains(packet.site)) {
    core::Register site;
    site.site = packet.site;
    site.name = packet.name;
    site.kind = core::SiteKind::Evaluation;
    site.area_class = core::AreaClass::Class2;
    site.region = options_.region;
    site.root = options_.region;
    writer_->add(packet.site, wire::encode_register(site));
  }
  const core::ReceiveTime received = options_.timeline == core::Timeline::Fed
                                         ? core::receive_time(core::ms(report_.last.value_or(packet.interval.end)))
                                         : core::receive_time(options_.wall_ms());
  const core::Duration step = packet.interval.end - packet.interval.start;
  builder_.begin(packet.site, received, 0, packet.source, packet.interval.start, step);
  for (const wire::Row& row : packet.rows) builder_.add(0, row.factor, row.unit, row.value, row.flag);
  report_.readings += static_cast<std::int64_t>(packet.rows.size());
  ++report_.packets;
  writer_->add(packet.site, builder_.finish());
}

}  // namespace qc::commands
