#include "processor/log_time.h"

#include <algorithm>
#include <array>
#include <variant>
#include <vector>

#include "platform/log.h"
#include "stream/read_range.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::processor {
namespace {

// Records of the first step backwards, and how much longer each further one is: ticks stand close together.
constexpr stream::Offset kLookBack = 256;
constexpr stream::Offset kLookBackGrowth = 8;

}  // namespace

Result<std::vector<std::optional<core::EventTime>>> last_ticks(stream::Log& log,
                                                               std::span<const stream::TopicPartition> of) {
  struct Place {
    stream::Offset start;
    stream::Offset end;  // of what has not been looked through
  };
  std::vector<std::optional<core::EventTime>> found(of.size());
  std::vector<Place> places;
  std::vector<stream::Stretch> whole;
  for (const stream::TopicPartition& tp : of) {
    const auto range = log.range(tp);
    if (!range) return tl::make_unexpected(range.error());
    places.push_back({range->start, range->end});
    whole.push_back({tp, std::max(range->start, range->end - kLookBack), range->end});
  }
  std::unique_ptr<stream::Reader> reader;
  wire::InputDecoder decoder;
  for (stream::Offset step = kLookBack;; step *= kLookBackGrowth) {
    std::vector<stream::Stretch> parts;
    for (std::size_t i = 0; i < of.size(); ++i) {
      if (found[i] || places[i].end <= places[i].start) continue;
      parts.push_back({of[i], std::max(places[i].start, places[i].end - step), places[i].end});
      places[i].end = parts.back().from;
    }
    if (parts.empty()) return found;
    if (reader == nullptr) {
      auto made = stream::reader_of(log, whole);
      if (!made) return tl::make_unexpected(made.error());
      reader = std::move(*made);
    }
    auto read = stream::read_range(*reader, parts, [&](const stream::Record& r) {
      if (r.key != wire::tick_key("", r.from->partition)) return true;
      const wire::Decoded input = decoder.decode(r.value);
      const auto* tick = std::get_if<core::Tick>(&input);
      if (tick == nullptr) return true;
      const auto at = std::find(of.begin(), of.end(), *r.from);
      found[static_cast<std::size_t>(at - of.begin())] = tick->now;
      return true;
    });
    if (!read) return tl::make_unexpected(read.error());
  }
}

TickWriter::TickWriter(stream::Log& log, Options options, std::function<InForce(int)> in_force,
                       const platform::Clock& clock)
    : log_(log),
      options_(std::move(options)),
      in_force_(std::move(in_force)),
      watch_(clock),
      rules_hash_(options_.rules_hash) {}

void TickWriter::use_rules(std::string hash) {
  const std::lock_guard lock(mutex_);
  rules_hash_ = std::move(hash);
}

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

Result<void> TickWriter::settle_rules(const stream::TopicPartition& input, Duty& duty, stream::Offset read_to) {
  std::string wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = rules_hash_;
  }
  if (wanted.empty() || wanted == duty.rules_settled || read_to < duty.first_end) return {};
  // Once settled, a switch of ours may still be unread: then what is in force says nothing about what will be.
  const bool first = duty.rules_settled.empty();
  if (!first || in_force_(input.partition).rules != wanted) {
    const core::RulesSwitch to{wanted, in_force_(input.partition).timeline};
    if (auto done = append(input, wire::rules_key(to.hash), wire::encode_rules_switch(to)); !done) return done;
    platform::log_info("rules switched", {{"partition", input.partition}, {"hash", wanted}});
  }
  duty.rules_settled = std::move(wanted);
  return {};
}

void TickWriter::tend(const stream::TopicPartition& input, stream::Offset read_to, stream::Offset end) {
  auto [it, is_new] = duties_.try_emplace(input.partition);
  Duty& duty = it->second;
  if (is_new) duty.first_end = end;

  if (auto done = settle_rules(input, duty, read_to); !done) return complain(done.error());
  if (in_force_(input.partition).timeline != core::Timeline::Wall) return;

  const auto now = watch_.now_ms();
  if (!now) return complain(now.error());
  if (*now < duty.ticked_ms + options_.interval.count()) return;
  // At most one unread. Asked of the stage and not of the log's end, which on Kafka is a request of its own.
  if (duty.ticked_ms != 0 && core::ms(in_force_(input.partition).now) < duty.ticked_ms) return;
  if (!duty.checked_clock) {
    const auto last = last_ticks(log_, {&input, 1});
    if (!last) return complain(last.error());
    if (const auto& tick = last->front()) {
      if (auto fine = watch_.check_start(core::ms(*tick), options_.accept_clock); !fine) return complain(fine.error());
    }
    duty.checked_clock = true;
  }
  if (auto done = append(input, wire::tick_key("", input.partition), wire::encode_tick(core::event_time(*now)));
      !done) {
    return complain(done.error());
  }
  duty.ticked_ms = *now;
  const std::lock_guard lock(mutex_);
  if (!unready_.empty()) platform::log_info("time is written again");
  unready_.clear();
}

void TickWriter::lost(const stream::TopicPartition& input) {
  duties_.erase(input.partition);
}

}  // namespace qc::processor
