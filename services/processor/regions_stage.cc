#include "processor/regions_stage.h"

#include <array>
#include <utility>
#include <variant>

#include "processor/readings_stage.h"
#include "stream/partition.h"
#include "wire/event_codec.h"
#include "wire/keys.h"

namespace qc::processor {

RegionsStage::RegionsStage(int partition, const StageOptions& options, RulesStore& rules)
    : partition_(partition),
      options_(options),
      rules_(rules),
      decoder_(options.decode),
      core_(options.readings_partitions) {
  outputs_.drain = [this](core::Outputs& ready) {
    emit(ready, *gathered_);
    ready.clear();
  };
}

Result<void> RegionsStage::load(std::string_view key, std::string_view value) {
  if (core_.load(key, value)) return {};
  return fail(Errc::state_version, "state entry of partition " + std::to_string(partition_) + " of " + kRegionsService +
                                       " (" + std::to_string(value.size()) +
                                       " bytes) is not of a version that this binary knows");
}

Result<void> RegionsStage::learn(const std::string& hash) {
  auto rules = rules_.get(hash);
  if (!rules) return tl::make_unexpected(rules.error());
  core_.know(*rules);
  return {};
}

Result<void> RegionsStage::loaded() {
  for (const std::string& hash : core_.needed()) {
    if (auto done = learn(hash); !done) return done;
  }
  return {};
}

Result<void> RegionsStage::apply(const stream::Record& record, stream::StageOutputs& out) {
  if (record.tombstone) return {};
  if (record.from->topic == kEvents) {
    apply_event(record, out);
    return {};
  }
  const auto kind = wire::peek_mean(record.value);
  if (kind && !core::RegionStage::takes(kind->factor, kind->window, kind->status)) return {};
  const wire::DecodedMeanRecord input = decoder_.decode(record.value);
  outputs_.clear();
  gathered_ = &out;
  if (const auto* mean = std::get_if<const wire::DecodedMean*>(&input)) {
    if (auto done = apply(**mean, record, out); !done) return done;
  } else if (const auto* tick = std::get_if<wire::UpstreamTick>(&input)) {
    apply(*tick, record, out);
  } else {
    out.records.push_back(dead_letter(record, std::get<core::Rejected>(input), kRegionsService, options_));
  }
  emit(outputs_, out);
  return {};
}

Result<void> RegionsStage::apply(const wire::DecodedMean& in, const stream::Record& record, stream::StageOutputs& out) {
  if (!core::RegionStage::takes(in.mean)) return {};
  if (in.partition >= options_.readings_partitions) {
    reject(record, core::Reason::WrongPartition, "from a partition of readings that there is not", out);
    return {};
  }
  const core::MeanSource from{in.partition, in.rules};
  const auto take = [&](const core::Mean& mean) -> Result<void> {
    // Regions in the wrong partition would miss their neighbours: refused, not mixed in.
    if (mean.root.empty() || stream::partition_of(mean.root, options_.means_partitions) != partition_) {
      reject(record, core::Reason::WrongPartition,
             "root region \"" + mean.root + "\" does not belong to partition " + std::to_string(partition_), out);
      return {};
    }
    if (!core_.knows(from.rules)) {
      if (auto done = learn(in.rules); !done) return done;
    }
    core_.apply(mean, from, record.offset, outputs_);
    return {};
  };
  if (!in.mean.root.empty()) return take(in.mean);
  // Means of version 1 say their root in the header alone.
  core::Mean with_root = in.mean;
  with_root.root = stream::find_header(record.headers.bytes(), "region").value_or(std::string_view());
  return take(with_root);
}

void RegionsStage::apply(const wire::UpstreamTick& tick, const stream::Record& record, stream::StageOutputs& out) {
  if (tick.upstream != kService || tick.partition >= options_.readings_partitions) {
    return reject(record, core::Reason::NotSupported,
                  "the time of " + tick.upstream + "-" + std::to_string(tick.partition) + ", which nothing waits for",
                  out);
  }
  core_.apply(tick.tick, tick.partition, record.offset, outputs_);
}

void RegionsStage::apply_event(const stream::Record& record, stream::StageOutputs& out) {
  outputs_.clear();
  gathered_ = &out;
  const wire::DecodedEvent input = wire::decode_event(record.value, options_.decode);
  std::optional<core::Rejected> refused;
  const core::Offset after = core_.last_tick();
  if (const auto* event = std::get_if<core::Event>(&input)) {
    if (stream::partition_of(event->root, options_.means_partitions) == partition_) {
      refused = core_.apply(*event, record.offset, outputs_);
    } else {
      refused = {core::Reason::WrongPartition, 1,
                 "root region \"" + event->root + "\" does not belong to partition " + std::to_string(partition_)};
    }
  } else {
    refused = std::get<core::Rejected>(input);
  }
  core_.skip_event(record.offset);
  if (refused) out.records.push_back(dead_letter(record, *refused, kRegionsService, options_));
  out.records.push_back(
      {{kSignals, partition_ % options_.signals_partitions},
       wire::taken_key(kRegionsService, partition_),
       wire::encode_taken({kRegionsService, partition_, record.offset, after, refused ? refused->detail : ""}),
       {}});
  emit(outputs_, out);
}

void RegionsStage::reject(const stream::Record& record, core::Reason reason, std::string detail,
                          stream::StageOutputs& out) const {
  out.records.push_back(dead_letter(record, {reason, 1, std::move(detail)}, kRegionsService, options_));
}

void RegionsStage::emit(core::Outputs& ready, stream::StageOutputs& out) const {
  const wire::Provenance from{core_.rules_hash(), partition_};
  for (const core::Mean& m : ready.means) {
    const std::array headers = {stream::Header{"region", m.root}, stream::Header{"version", options_.version}};
    out.records.push_back({{kRegionMeans, stream::partition_of(m.root, options_.region_means_partitions)},
                           wire::mean_key(m.site, m.factor, m.window, m.interval.end),
                           wire::encode_mean(m, from),
                           stream::encode_headers(headers)});
  }
  for (const core::Signal& s : ready.signals) {
    out.records.push_back(signal_record(s, from, kRegionsSource, options_));
  }
  if (ready.tick) add_signal_ticks(core_.now(), kRegionsService, partition_, options_, out);
  out.urgent = out.urgent || ready.urgent;
}

void RegionsStage::save(stream::StateSink& sink) {
  core_.save_changed(put_into(sink));
}

}  // namespace qc::processor
