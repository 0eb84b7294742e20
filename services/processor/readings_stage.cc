#include "processor/readings_stage.h"

#include <array>
#include <variant>

#include "stream/partition.h"
#include "wire/keys.h"

namespace qc::processor {
namespace {

std::int32_t readings_of(const core::ReadingBatch& batch) {
  std::int32_t n = batch.readings();
  for (const core::Rejected& r : batch.rejected) n += r.readings;
  return n;
}

}  // namespace

ReadingsStage::ReadingsStage(int partition, const StageOptions& options, RulesStore& rules)
    : partition_(partition),
      options_(options),
      rules_(rules),
      decoder_(options.decode),
      core_([this](std::string_view site) {
        return stream::partition_of(wire::reading_key(site), options_.readings_partitions) == partition_;
      }) {
  // A tick that closes an hour of every series publishes by the thousand: encoded while they are warm.
  outputs_.drain = [this](core::Outputs& ready) {
    emit(*record_, *gathered_);
    ready.clear();
  };
}

Result<void> ReadingsStage::load(std::string_view key, std::string_view value) {
  if (core_.load(key, value)) return {};
  return fail(Errc::state_version, "state entry of partition " + std::to_string(partition_) + " (" +
                                       std::to_string(value.size()) +
                                       " bytes) is not of a version that this binary knows");
}

Result<void> ReadingsStage::loaded() {
  if (core_.rules_hash().empty()) return {};
  auto rules = rules_.get(core_.rules_hash());
  if (!rules) return tl::make_unexpected(rules.error());
  core_.use(*rules, core::Timeline::None);
  return {};
}

Result<void> ReadingsStage::switch_rules(const core::RulesSwitch& to) {
  auto rules = rules_.get(to.hash);
  if (!rules) return tl::make_unexpected(rules.error());
  core_.use(*rules, to.timeline);
  return {};
}

Result<void> ReadingsStage::apply(const stream::Record& record, stream::StageOutputs& out) {
  const wire::Decoded input = decoder_.decode(record.value);
  outputs_.clear();
  record_ = &record;
  gathered_ = &out;
  if (const auto* batch = std::get_if<const core::ReadingBatch*>(&input)) {
    // A site in the wrong partition would have two states: its readings are refused, not mixed in.
    if (stream::partition_of(wire::reading_key((*batch)->site), options_.readings_partitions) != partition_) {
      core_.reject(
          {core::Reason::WrongPartition, readings_of(**batch),
           "site " + std::string((*batch)->site) + " does not belong to partition " + std::to_string(partition_)},
          record.offset, outputs_);
    } else {
      core_.apply(**batch, record.offset, outputs_);
    }
  } else if (const auto* tick = std::get_if<core::Tick>(&input)) {
    core_.apply(*tick, record.offset, outputs_);
  } else if (const auto* site = std::get_if<core::Register>(&input)) {
    core_.apply(*site, record.offset, outputs_);
  } else if (const auto* amend = std::get_if<core::Amend>(&input)) {
    core_.apply(*amend, record.offset, outputs_);
  } else if (const auto* past = std::get_if<core::PastAmend>(&input)) {
    core_.apply(*past, record.offset, outputs_);
  } else if (const auto* rules = std::get_if<core::RulesSwitch>(&input)) {
    if (auto switched = switch_rules(*rules); !switched) return switched;
  } else {
    core_.reject(std::get<core::Rejected>(input), record.offset, outputs_);
  }
  emit(record, out);
  return {};
}

const ReadingsStage::Route& ReadingsStage::route(const std::string& root) {
  const auto known = routes_.find(root);
  if (known != routes_.end()) return known->second;
  Route made;
  made.means = {kMeans, stream::partition_of(root, options_.means_partitions)};
  const std::array headers = {stream::Header{"region", root}, stream::Header{"version", options_.version}};
  made.mean_headers = stream::encode_headers(headers);
  return routes_.emplace(root, std::move(made)).first->second;
}

void ReadingsStage::emit(const stream::Record& record, stream::StageOutputs& out) {
  const wire::Provenance from{core_.rules_hash(), partition_};
  for (const core::Rejected& r : outputs_.rejected) {
    out.records.push_back(dead_letter(record, r, kService, options_));
  }
  for (const core::Mean& m : outputs_.means) {
    const Route& to = route(m.root);
    out.records.push_back({to.means, wire::mean_key(m.site, m.factor, m.window, m.interval.end),
                           wire::encode_mean(m, from), to.mean_headers});
  }
  for (const core::Signal& s : outputs_.signals) {
    out.records.push_back(signal_record(s, from, kSource, options_));
  }
  if (outputs_.tick) {
    for (int p = 0; p < options_.means_partitions; ++p) {
      out.records.push_back({{kMeans, p},
                             wire::tick_key(kService, partition_),
                             wire::encode_mean_tick(core_.now(), kService, partition_),
                             {}});
    }
    add_signal_ticks(core_.now(), kService, partition_, options_, out);
  }
  out.urgent = out.urgent || outputs_.urgent;
}

void ReadingsStage::save(stream::StateSink& sink) {
  core_.save_changed(put_into(sink));
}

}  // namespace qc::processor
