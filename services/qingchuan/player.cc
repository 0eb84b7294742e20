#include "qingchuan/player.h"

#include "qingchuan/event.h"

namespace qc::commands {

using simulator::kMinute;

Player::Player(LogWriter& writer, simulator::Simulation& simulation, Options options)
    : writer_(writer),
      simulation_(simulation),
      options_(std::move(options)),
      pace_(options_.speed),
      next_(simulation.from()) {}

void Player::gather(core::EventTime minute, core::ReceiveTime received) {
  sent_.clear();
  simulation_.send(minute, sent_);
  for (const simulator::Packet& p : sent_) {
    std::string record = simulator::encode(p, received, builder_);
    if (record.empty()) continue;
    for (const simulator::Row& r : p.rows) counts_.readings += r.shown.flag == core::Flag::Missing ? 0 : 1;
    ++counts_.packets;
    writer_.add(p.site->id, std::move(record));
  }
  gather_forecasts(minute + kMinute, core::as_event(received));
}

void Player::gather_forecasts(core::EventTime issued, core::EventTime received) {
  if (options_.events_partitions == 0) return;
  for (simulator::IssuedForecast& forecast : simulation_.forecasts(issued)) {
    core::Event event;
    event.region = forecast.region;
    event.root = root_of(simulation_.rules(), forecast.region);
    event.source = simulation_.centre();
    event.received = received;
    event.what = std::move(forecast.issue);
    event.id = event_id("forecast", event);
    writer_.add(event_record(event, options_.events_partitions, options_.version));
    ++counts_.forecasts;
  }
}

Result<core::EventTime> Player::play(core::EventTime until, std::optional<core::EventTime> written,
                                     const std::stop_token& stop) {
  const core::EventTime first_tick = core::hour_of(simulation_.from()) + options_.close_after;
  while (next_ + kMinute <= until) {
    const core::EventTime minute = next_;
    const core::EventTime end = minute + kMinute;
    const bool known = written && end <= *written;
    if (!known) {
      if (pace_.waits() || writer_.gathered() >= options_.append_records_max) {
        if (auto done = writer_.flush(); !done) return tl::make_unexpected(done.error());
      }
      if (stop.stop_requested()) break;
      pace_.wait(end, stop);
      gather(minute, core::receive_time(core::ms(end)));
      if (end >= first_tick) {
        writer_.tick(end);
        ++counts_.ticks;
      }
    } else if (options_.each) {
      sent_.clear();
      simulation_.send(minute, sent_);
    }
    next_ = end;
    if (options_.each) options_.each(minute, sent_);
  }
  if (auto done = writer_.flush(); !done) return tl::make_unexpected(done.error());
  return next_;
}

Result<void> Player::close(core::EventTime until) {
  writer_.tick(core::hour_of(until - core::Duration(1)) + core::kHour + options_.close_after);
  ++counts_.ticks;
  return writer_.flush();
}

}  // namespace qc::commands
