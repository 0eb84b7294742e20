#include "processor/log_time.h"

#include <algorithm>
#include <array>
#include <variant>

#include "platform/log.h"
#include "stream/read_range.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::processor {
namespace {

constexpr stream::Offset kLookBack = 4096;  // records of one step backwards

}  // namespace

Result<std::optional<core::EventTime>> last_tick(stream::Log& log, const stream::TopicPartition& tp) {
  const auto range = log.range(tp);
  if (!range) return tl::make_unexpected(range.error());
  const std::string key = wire::tick_key("", tp.partition);
  wire::InputDecoder decoder;
  for (stream::Offset end = range->end; end > range->start;) {
    const stream::Offset from = std::max(range->start, end - kLookBack);
    const std::array part = {stream::Stretch{tp, from, end}};
    std::optional<core::EventTime> found;
    auto read = stream::read_range(log, part, [&](const stream::Record& r) {
      if (r.key != key) return true;
      const wire::Decoded input = decoder.decode(r.value);
      if (const auto* tick = std::get_if<core::Tick>(&input)) found = tick->now;
      return true;
    });
    if (!read) return tl::make_unexpected(read.error());
    if (found) return found;
    end = from;
  }
  return std::nullopt;
}

TickWriter::TickWriter(stream::Log& log, Options options, std::function<std::string(int)> rules_in_force,
                       const platform::Clock& clock)
    : log_(log), options_(std::move(options)), rules_in_force_(std::move(rules_in_force)), watch_(clock) {}

void TickWriter::complain(const Error& error) {
  const std::lock_guard lock(mutex_);
  // Said once: the text of the same complaint goes on with the clock.
  if (unready_.empty() || complaint_ != error.code)
    platform::log_error("no time is written", {{"reason", describe(error)}});
  complaint_ = error.code;
  unready_ = describe(error);
}

std::optional<std::string> TickWriter::unready() const {
  const std::lock_guard lock(mutex_);
  return unready_.empty() ? std::nullopt : std::optional(unready_);
}

Result<void> TickWriter::append(const stream::TopicPartition& to, std::string key, std::string value) {
  if (appender_ == nullptr) {
    auto made = log_.appender();
    if (!made) return tl::make_unexpected(made.error());
    appender_ = std::move(*made);
  }
  const std::array record = {stream::NewRecord{to, std::move(key), std::move(value), {}}};
  return appender_->append(record);
}

void TickWriter::tend(const stream::TopicPartition& input, stream::Offset read_to, stream::Offset end) {
  auto [it, is_new] = duties_.try_emplace(input.partition);
  Duty& duty = it->second;
  if (is_new) duty.first_end = end;

  if (!duty.rules_settled && !options_.rules_hash.empty() && read_to >= duty.first_end) {
    if (rules_in_force_(input.partition) != options_.rules_hash) {
      core::RulesSwitch to{options_.rules_hash, options_.wall ? core::Timeline::Wall : core::Timeline::Fed};
      if (auto done = append(input, wire::rules_key(to.hash), wire::encode_rules_switch(to)); !done)
        return complain(done.error());
      platform::log_info("rules switched", {{"partition", input.partition}, {"hash", options_.rules_hash}});
    }
    duty.rules_settled = true;
  }
  if (!options_.wall || read_to < duty.unread_until) return;

  const auto now = watch_.now_ms();
  if (!now) return complain(now.error());
  if (*now < duty.ticked_ms + options_.interval.count()) return;
  if (!duty.checked_clock) {
    const auto last = last_tick(log_, input);
    if (!last) return complain(last.error());
    if (*last) {
      if (auto fine = watch_.check_start(core::ms(**last), options_.accept_clock); !fine) return complain(fine.error());
    }
    duty.checked_clock = true;
  }
  if (auto done = append(input, wire::tick_key("", input.partition), wire::encode_tick(core::event_time(*now)));
      !done) {
    return complain(done.error());
  }
  duty.ticked_ms = *now;
  if (const auto range = log_.range(input)) duty.unread_until = range->end;
  const std::lock_guard lock(mutex_);
  if (!unready_.empty()) platform::log_info("time is written again");
  unready_.clear();
}

void TickWriter::lost(const stream::TopicPartition& input) {
  duties_.erase(input.partition);
}

}  // namespace qc::processor
