#include "alerts/alerts_stage.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/bytes.h"
#include "stream/partition.h"

namespace qc::alerts {
namespace {

constexpr std::string_view kReadKey = "T";  // of the state: what was read; no key of the core's begins with it
constexpr std::uint8_t kReadVersion = 1;

std::size_t ticks_of(const StageOptions& options) {
  std::size_t n = 0;
  for (const Upstream& u : options.upstreams) n += static_cast<std::size_t>(u.partitions);
  return n;
}

}  // namespace

AlertsStage::AlertsStage(int partition, const StageOptions& options, RulesOf rules)
    : partition_(partition),
      options_(options),
      rules_(std::move(rules)),
      core_(core::AlertRules()),
      ticks_(ticks_of(options), core::EventTime::min()) {}

Result<void> AlertsStage::load(std::string_view key, std::string_view value) {
  if (key != kReadKey) {
    if (core_.load(key, value)) return {};
  } else {
    core::ByteReader in(value);
    if (in.u8() == kReadVersion && in.size() == ticks_.size()) {
      for (core::EventTime& t : ticks_) t = in.time_or(core::EventTime::min());
      signals_next_ = in.i64();
      commands_next_ = in.i64();
      if (in.done()) return {};
    }
  }
  return fail(Errc::state_version, "state entry of partition " + std::to_string(partition_) + " of " + kService + " (" +
                                       std::to_string(value.size()) +
                                       " bytes) is not of a version that this binary knows");
}

std::string AlertsStage::state_bytes() const {
  std::string bytes;
  core::ByteWriter w(bytes);
  w.u8(kReadVersion);
  w.u64(ticks_.size());
  for (const core::EventTime t : ticks_) w.time_or(core::EventTime::min(), t);
  w.i64(signals_next_);
  w.i64(commands_next_);
  return bytes;
}

void AlertsStage::save(stream::StateSink& sink) {
  sink.put(kReadKey, state_bytes());
  core_.save_changed([&sink](std::string_view key, std::string_view bytes) {
    if (bytes.empty()) {
      sink.erase(key);
    } else {
      sink.put(key, bytes);
    }
  });
}

Result<void> AlertsStage::use_rules(const std::string& hash) {
  auto rules = rules_(hash);
  if (!rules) return tl::make_unexpected(rules.error());
  in_use_ = std::move(*rules);
  core_.use_rules(hash, in_use_->alerts);
  return {};
}

Result<void> AlertsStage::loaded() {
  return core_.rules_hash().empty() ? Result<void>() : use_rules(core_.rules_hash());
}

bool AlertsStage::is_ours(const std::string& root) const {
  return !root.empty() && stream::partition_of(root, options_.signals_partitions) == partition_;
}

Result<void> AlertsStage::apply(const stream::Record& record, stream::StageOutputs& out) {
  const bool command = record.from->topic == kCommands;
  outputs_.clear();
  if (!command) signals_next_ = record.offset + 1;
  if (!record.tombstone && !command) {
    const wire::SignalInput input = wire::decode_signal_record(record.value, options_.decode);
    if (const auto* signal = std::get_if<wire::DecodedSignal>(&input)) {
      if (auto done = apply_signal(*signal, record, out); !done) return done;
    } else if (const auto* tick = std::get_if<wire::UpstreamTick>(&input)) {
      apply_tick(*tick, record, out);
    } else if (const auto* refused = std::get_if<core::Rejected>(&input)) {
      out.records.push_back(dead_letter(record, *refused, options_));
    }
  } else if (!record.tombstone) {
    apply_command(record, out);
  }
  emit(record, out);
  return {};
}

Result<void> AlertsStage::apply_signal(const wire::DecodedSignal& in, const stream::Record& record,
                                       stream::StageOutputs& out) {
  if (!is_ours(in.signal.root)) {
    // What it covers, and who is warned together, would be in another partition.
    const std::string detail =
        "root region \"" + in.signal.root + "\" does not belong to partition " + std::to_string(partition_);
    out.records.push_back(dead_letter(record, {core::Reason::WrongPartition, 1, detail}, options_));
    return {};
  }
  if (in.rules != core_.rules_hash()) {
    if (auto done = use_rules(in.rules); !done) return done;
  }
  if (in.partition < 0 || !core_.apply(in.signal, outputs_, {in.rules, in.partition})) {
    out.records.push_back(dead_letter(record, {core::Reason::BadShape, 1, "signal: of no condition"}, options_));
  }
  return {};
}

void AlertsStage::apply_tick(const wire::UpstreamTick& tick, const stream::Record& record, stream::StageOutputs& out) {
  std::size_t place = 0;
  for (const Upstream& u : options_.upstreams) {
    if (u.name == tick.upstream && tick.partition < u.partitions) {
      core::EventTime& t = ticks_[place + static_cast<std::size_t>(tick.partition)];
      t = std::max(t, tick.tick.now);
      const core::EventTime least = *std::min_element(ticks_.begin(), ticks_.end());
      if (least != core::EventTime::min()) core_.advance(least, outputs_);
      return;
    }
    place += static_cast<std::size_t>(u.partitions);
  }
  const std::string detail =
      "the time of " + tick.upstream + "-" + std::to_string(tick.partition) + ", which nothing waits for";
  out.records.push_back(dead_letter(record, {core::Reason::NotSupported, 1, detail}, options_));
}

void AlertsStage::apply_command(const stream::Record& record, stream::StageOutputs& out) {
  const auto input = wire::decode_command(record.value, options_.decode);
  if (const auto* refused = std::get_if<core::Rejected>(&input)) {
    out.records.push_back(dead_letter(record, *refused, options_));
    return;
  }
  const auto& in = std::get<wire::DecodedCommand>(input);
  if (!is_ours(in.root)) {
    const std::string detail =
        "root region \"" + in.root + "\" does not belong to partition " + std::to_string(partition_);
    out.records.push_back(dead_letter(record, {core::Reason::WrongPartition, 1, detail}, options_));
    return;
  }
  // Where among the signals it was read stands in its outcome: with that all of this can be made again. What is refused
  // above has none, and leaves no trace.
  commands_next_ = record.offset + 1;
  core_.apply(in.command, outputs_);
}

void AlertsStage::emit(const stream::Record& record, stream::StageOutputs& out) {
  add_records(outputs_, record, {partition_, signals_next_, commands_next_, core_.rules_hash()}, in_use_.get(),
              options_, out);
}

}  // namespace qc::alerts
