// The region stage's state that is of warnings. Keys: "L" times and places; "W<region>" its warning; "F<region>" how
// good its forecasts were; "J<region>" the warning of several together; "O<id>" an order; "V<offset in `events`>" what
// waits for its time.
#include <charconv>
#include <limits>
#include <utility>

#include "core/bytes.h"
#include "core/region_stage_impl.h"

namespace qc::core {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr char kTimesKey = 'L';
constexpr char kWarnedKey = 'W';
constexpr char kScoreKey = 'F';
constexpr char kJointKey = 'J';
constexpr char kOrderKey = 'O';
constexpr char kEventKey = 'V';
constexpr Offset kOffsetMax = std::numeric_limits<Offset>::max();
// As many hours as an event may bring; what lies farther ahead than a machine looks is left out when it is taken.
constexpr std::size_t kEventHoursMax = 4 * static_cast<std::size_t>(kWarningHoursMax);

void write_order(ByteWriter& out, const AreaOrder& order) {
  out.u8(static_cast<std::uint8_t>(order.level));
  out.time(order.interval.start);
  out.time_or(EventTime::max(), order.interval.end);
}
AreaOrder read_order(ByteReader& in) {
  AreaOrder order;
  order.level = static_cast<int>(in.u64_to(kWarningLevels));
  order.interval.start = in.time();
  order.interval.end = in.time_or(EventTime::max());
  return order;
}

void write_event(ByteWriter& out, const Event& e) {
  out.text(e.id);
  out.text(e.region);
  out.text(e.root);
  out.text(e.source);
  out.time(e.received);
  const auto* issue = std::get_if<ForecastIssue>(&e.what);
  out.u8(issue == nullptr ? 1 : 0);
  if (issue == nullptr) return write_order(out, std::get<AreaOrder>(e.what));
  out.time(issue->issued);
  out.u64(issue->hours.size());
  for (const auto& [at, hour] : issue->hours) {
    out.time(at);
    write_index_hour(out, hour);
  }
}
Event read_event(ByteReader& in) {
  Event e;
  e.id = in.text();
  e.region = in.text();
  e.root = in.text();
  e.source = in.text();
  e.received = in.time();
  if (in.flag()) {
    e.what = read_order(in);
    return e;
  }
  ForecastIssue issue;
  issue.issued = in.time();
  for (std::size_t n = in.u64_to(kEventHoursMax); n > 0 && in.ok(); --n) {
    const EventTime at = in.time();
    issue.hours[at] = read_index_hour(in);
  }
  e.what = std::move(issue);
  return e;
}

}  // namespace

void RegionStage::Impl::save_warning_times(const Put& put) const {
  std::string bytes;
  ByteWriter w(bytes);
  w.u8(kVersion);
  w.time_or(EventTime::min(), joint_at);
  w.i64(last_tick);
  w.i64(events_next);
  put(std::string_view(&kTimesKey, 1), bytes);
}

void RegionStage::Impl::save_warnings(const Put& put) {
  std::string bytes;
  ByteWriter w(bytes);
  const auto save = [&](char letter, const std::string& rest) {
    put(letter + rest, bytes);
    bytes.clear();
  };
  for (auto& [region, warning] : warned) {
    if (std::exchange(warning.dirty, false)) {
      w.u8(kVersion);
      w.time_or(EventTime::min(), warning.issued);
      warning.track.write(w);
      save(kWarnedKey, region);
    }
    if (std::exchange(warning.scorer_dirty, false)) {
      w.u8(kVersion);
      warning.scorer.write(w);
      save(kScoreKey, region);
    }
  }
  for (auto& [region, joint] : joints) {
    if (!joint.dirty) continue;
    joint.dirty = false;
    w.u8(kVersion);
    joint.warning.write(w);
    save(kJointKey, region);
  }
  for (const std::string& id : erased_orders) put(kOrderKey + id, {});
  erased_orders.clear();
  for (auto& [id, order] : orders) {
    if (!order.dirty) continue;
    order.dirty = false;
    order.saved = true;
    w.u8(kVersion);
    w.text(order.region);
    w.text(order.root);
    w.text(order.authority);
    write_order(w, order.order);
    save(kOrderKey, id);
  }
  for (const Offset offset : erased_events) put(kEventKey + std::to_string(offset), {});
  erased_events.clear();
  for (auto& [key, held] : held_events) {
    if (held.saved) continue;
    held.saved = true;
    w.u8(kVersion);
    write_event(w, held.event);
    save(kEventKey, std::to_string(key.second));
  }
}

std::optional<bool> RegionStage::Impl::load_warnings(std::string_view key, std::string_view bytes) {
  const std::string_view rest = key.substr(1);
  ByteReader in(bytes);
  const auto version = [&in] { return in.u8() == kVersion; };
  switch (key[0]) {
    case kTimesKey:
      if (!rest.empty() || !version()) return false;
      joint_at = in.time_or(EventTime::min());
      last_tick = in.i64_in(-1, kOffsetMax);
      events_next = in.i64_in(0, kOffsetMax);
      return in.done();
    case kWarnedKey: {
      if (rest.empty() || !version()) return false;
      Warned& w = warned[std::string(rest)];
      w.issued = in.time_or(EventTime::min());
      return w.track.read(in) && in.done();
    }
    case kScoreKey:
      if (rest.empty() || !version()) return false;
      return warned[std::string(rest)].scorer.read(in) && in.done();
    case kJointKey:
      if (rest.empty() || !version()) return false;
      return joints[std::string(rest)].warning.read(in) && in.done();
    case kOrderKey: {
      if (rest.empty() || !version()) return false;
      Ordered& o = orders[std::string(rest)];
      o.region = in.text();
      o.root = in.text();
      o.authority = in.text();
      o.order = read_order(in);
      o.saved = true;
      return in.done();
    }
    case kEventKey: {
      Offset offset = -1;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), offset);
      if (error != std::errc() || end != rest.data() + rest.size() || offset < 0 || !version()) return false;
      Event event = read_event(in);
      if (!in.done()) return false;
      const EventTime received = event.received;
      return held_events.emplace(std::pair(received, offset), HeldEvent{std::move(event), true}).second;
    }
    default:
      return std::nullopt;
  }
}

void RegionStage::renumber_events(const std::function<Offset(Offset)>& after) {
  Impl& s = *impl_;
  s.events_next = after(s.events_next);
  s.dirty = true;
  std::map<std::pair<EventTime, Offset>, Impl::HeldEvent> held;
  for (auto& [key, event] : s.held_events) {
    if (event.saved) s.erased_events.push_back(key.second);
    event.saved = false;
    held.emplace(std::pair(key.first, after(key.second)), std::move(event));
  }
  s.held_events = std::move(held);
}

}  // namespace qc::core
