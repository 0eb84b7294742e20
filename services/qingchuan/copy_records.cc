#include "qingchuan/copy_records.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "alerts/records.h"
#include "core/reading_stage.h"
#include "core/region_stage.h"
#include "processor/readings_stage.h"
#include "processor/regions_stage.h"
#include "processor/rules_store.h"
#include "qingchuan/v1/alert.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "stream/state_position.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;
using stream::Offset;
using stream::TopicPartition;

constexpr std::string_view kStateSuffix = "-state";

bool is_worker_key(std::string_view key) {
  return !key.empty() && key.front() == '@';
}

// true: something changed.
bool change(v1::Origin& origin, const OffsetMap& map) {
  const Offset offset = origin.offset();
  const Offset first = origin.first_offset();
  if (offset < 0) return false;
  origin.set_offset(map.at_or_before(offset).value_or(-1));
  if (first >= 0) {
    const Offset now = map.at_or_after(first);
    origin.set_first_offset(now <= origin.offset() ? now : -1);  // else all that it was made from is gone
  }
  return origin.offset() != offset || origin.first_offset() != first;
}

// Saves what a stage of the core holds over what it was loaded from: only entries that it had before.
template <class Stage>
StateEntries saved(Stage& stage, StateEntries entries) {
  stage.save_changed([&entries](std::string_view key, std::string_view bytes) {
    if (bytes.empty()) {
      entries.erase(std::string(key));
    } else {
      entries.insert_or_assign(std::string(key), std::string(bytes));
    }
  });
  return entries;
}

template <class Stage>
Result<void> load(Stage& stage, const StateEntries& entries) {
  for (const auto& [key, value] : entries) {
    if (is_worker_key(key) || stage.load(key, value)) continue;
    return fail(Errc::state_version, "an entry of the state is not of a version that this binary knows");
  }
  return {};
}

}  // namespace

std::vector<CopyGroup> copy_groups() {
  return {{processor::kService, {processor::kReadings}},
          {processor::kRegionsService, {processor::kMeans, processor::kEvents}},
          {alerts::kService, {alerts::kCommands, alerts::kSignals}}};
}

Renumber::Renumber(const std::map<TopicPartition, OffsetMap>& maps, std::vector<CopyGroup> groups)
    : maps_(maps), groups_(std::move(groups)) {
  needed_ = std::any_of(maps_.begin(), maps_.end(), [](const auto& m) { return !m.second.keeps_all(); });
}

const OffsetMap* Renumber::changed(const std::string& topic, int partition) const {
  const auto at = maps_.find({topic, partition});
  return at == maps_.end() || at->second.keeps_all() ? nullptr : &at->second;
}

const CopyGroup* Renumber::group_of(const std::string& state_topic) const {
  const auto at = std::find_if(groups_.begin(), groups_.end(),
                               [&](const CopyGroup& g) { return g.name + std::string(kStateSuffix) == state_topic; });
  return at == groups_.end() ? nullptr : &*at;
}

bool Renumber::needs_state(const TopicPartition& state) const {
  const CopyGroup* group = group_of(state.topic);
  return group != nullptr && std::any_of(group->topics.begin(), group->topics.end(), [&](const std::string& topic) {
           return changed(topic, state.partition) != nullptr;
         });
}

bool Renumber::knows(const std::string& topic) {
  // Inputs and rules name nothing; the others are handled here.
  static const std::array<std::string_view, 16> known = {"readings",
                                                         "tracks",
                                                         processor::kEvents,
                                                         "users",
                                                         processor::kRulesTopic,
                                                         processor::kMeans,
                                                         processor::kRegionMeans,
                                                         processor::kSignals,
                                                         processor::kDeadLetters,
                                                         "processor-state",
                                                         "regions-state",
                                                         alerts::kCommands,
                                                         alerts::kAlerts,
                                                         alerts::kOutcomes,
                                                         alerts::kLedger,
                                                         "alerts-state"};
  return std::find(known.begin(), known.end(), topic) != known.end();
}

std::optional<std::string> Renumber::value(const stream::Record& record) const {
  if (!needed_ || record.tombstone) return std::nullopt;
  const std::string& topic = record.from->topic;
  const auto size = static_cast<int>(record.value.size());
  // What cannot be read was never ours, and names nothing of ours.
  if (topic == processor::kMeans || topic == processor::kRegionMeans) {
    v1::MeanRecord message;
    if (!message.ParseFromArray(record.value.data(), size) || !message.mean().has_origin()) return std::nullopt;
    v1::Origin& origin = *message.mutable_mean()->mutable_origin();
    const bool of_regions = topic == processor::kRegionMeans;
    const OffsetMap* map = changed(of_regions ? processor::kMeans : processor::kReadings, origin.partition());
    if (map == nullptr || !change(origin, *map)) return std::nullopt;
    return message.SerializeAsString();
  }
  if (topic == processor::kSignals) {
    v1::SignalRecord message;
    if (!message.ParseFromArray(record.value.data(), size)) return std::nullopt;
    if (message.has_taken()) return taken(message);
    if (!message.signal().has_origin()) return std::nullopt;
    v1::Origin& origin = *message.mutable_signal()->mutable_origin();
    const bool of_regions = stream::find_header(record.headers.bytes(), "ce_source") == processor::kRegionsSource;
    const OffsetMap* map = changed(of_regions ? processor::kMeans : processor::kReadings, origin.partition());
    if (map == nullptr || !change(origin, *map)) return std::nullopt;
    return message.SerializeAsString();
  }
  if (topic == processor::kDeadLetters) {
    v1::DeadLetter message;
    if (!message.ParseFromArray(record.value.data(), size)) return std::nullopt;
    const OffsetMap* map = changed(message.source_topic(), message.source_partition());
    if (map == nullptr) return std::nullopt;
    message.set_source_offset(map->exact(message.source_offset()).value_or(-1));
    return message.SerializeAsString();
  }
  return of_alerts(record);
}

std::optional<std::string> Renumber::of_alerts(const stream::Record& record) const {
  const std::string& topic = record.from->topic;
  const auto size = static_cast<int>(record.value.size());
  const auto with = [&](auto message, const auto& change_it) -> std::optional<std::string> {
    if (!message.ParseFromArray(record.value.data(), size) || !change_it(message)) return std::nullopt;
    return message.SerializeAsString();
  };
  if (topic == alerts::kOutcomes) {
    return with(v1::CommandOutcome(), [&](v1::CommandOutcome& m) {
      const bool current = m.has_current() && change_alert(*m.mutable_current());
      return change_alert_origin(*m.mutable_origin()) || current;
    });
  }
  if (topic == alerts::kLedger) {
    // Of accounts and tokens an entry says no origin, and must not get one: `replay` would look for its maker.
    return with(v1::LedgerEntry(),
                [&](v1::LedgerEntry& m) { return m.has_origin() && change_alert_origin(*m.mutable_origin()); });
  }
  if (topic != alerts::kAlerts) return std::nullopt;
  return with(v1::AlertRecord(), [&](v1::AlertRecord& m) {
    if (m.has_alert()) return change_alert(*m.mutable_alert());
    if (m.has_row()) return change_alert_origin(*m.mutable_row()->mutable_origin());
    return m.has_maintenance() && change_alert_origin(*m.mutable_maintenance()->mutable_origin());
  });
}

bool Renumber::change_alert_origin(v1::AlertOrigin& origin) const {
  bool changes = false;
  if (const OffsetMap* map = changed(alerts::kSignals, origin.partition())) {
    origin.set_signals(map->at_or_after(origin.signals()));
    changes = true;
  }
  if (const OffsetMap* map = changed(alerts::kCommands, origin.partition())) {
    origin.set_commands(map->at_or_after(origin.commands()));
    changes = true;
  }
  return changes;
}

bool Renumber::change_alert(v1::Alert& alert) const {
  const bool changes = alert.has_origin() && change_alert_origin(*alert.mutable_origin());
  // An alert does not say which stage its signal is of; only the region stage has rules of these names.
  constexpr std::array<std::string_view, 4> kOfRegions = {core::kWarningRule, core::kJointWarningRule, "hour_high",
                                                          "spike"};
  const bool of_regions = std::find(kOfRegions.begin(), kOfRegions.end(), alert.rule()) != kOfRegions.end();
  v1::Origin& origin = *alert.mutable_signal()->mutable_origin();
  const OffsetMap* map = changed(of_regions ? processor::kMeans : processor::kReadings, origin.partition());
  return (map != nullptr && change(origin, *map)) || changes;
}

std::optional<std::string> Renumber::taken(v1::SignalRecord& message) const {
  v1::Taken& taken = *message.mutable_taken();
  const OffsetMap* events = changed(processor::kEvents, taken.partition());
  const OffsetMap* means = changed(processor::kMeans, taken.partition());
  if (events == nullptr && means == nullptr) return std::nullopt;
  if (events != nullptr) taken.set_offset(events->exact(taken.offset()).value_or(-1));
  if (means != nullptr && taken.after_tick() >= 0) taken.set_after_tick(means->at_or_after(taken.after_tick() + 1) - 1);
  return message.SerializeAsString();
}

Result<StateEntries> Renumber::state(const TopicPartition& state, const StateEntries& entries) const {
  const CopyGroup* group = group_of(state.topic);
  if (group == nullptr) return entries;
  const auto named = [&state](const Error& e) { return fail(e.code, to_string(state) + ": " + e.text); };
  StateEntries now = entries;
  for (const std::string& topic : group->topics) {
    const OffsetMap* map = changed(topic, state.partition);
    if (map == nullptr) continue;
    Result<StateEntries> done = fail(Errc::copy_refused, "it is not known which records of " + topic + " it names");
    if (topic == processor::kReadings) done = readings_state(*map, now);
    if (topic == processor::kMeans || topic == processor::kEvents) done = regions_state(topic, *map, now);
    if (!done) return named(done.error());
    now = std::move(*done);
  }
  const auto position = now.find(std::string(stream::kPositionKey));
  if (position == now.end()) return now;
  auto positions = stream::decode_positions(position->second);
  if (!positions) return named(positions.error());
  for (auto& [topic, offset] : *positions) {
    if (const OffsetMap* map = changed(topic, state.partition)) offset = map->at_or_after(offset);
  }
  position->second = stream::encode_positions(*positions);
  return now;
}

Result<StateEntries> Renumber::readings_state(const OffsetMap& map, const StateEntries& entries) const {
  core::ReadingStage stage([](std::string_view) { return true; });
  if (auto loaded = load(stage, entries); !loaded) return tl::make_unexpected(loaded.error());
  stage.renumber([&map](Offset first) {
    const Offset now = map.at_or_after(first);
    return now < map.records() ? now : -1;
  });
  // A site that was never saved itself gets no entry.
  StateEntries now = saved(stage, entries);
  std::erase_if(now, [&entries](const auto& e) { return !entries.contains(e.first); });
  return now;
}

Result<StateEntries> Renumber::regions_state(const std::string& topic, const OffsetMap& map,
                                             const StateEntries& entries) const {
  const auto upstreams =
      std::count_if(maps_.begin(), maps_.end(), [](const auto& m) { return m.first.topic == processor::kReadings; });
  core::RegionStage stage(static_cast<int>(upstreams));
  if (auto loaded = load(stage, entries); !loaded) return tl::make_unexpected(loaded.error());
  const auto after = [&map](Offset o) { return map.at_or_after(o); };
  if (topic == processor::kEvents) {
    stage.renumber_events(after);
  } else if (!stage.renumber(after, [&map](Offset o) { return map.exact(o); })) {
    return fail(
        Errc::copy_refused,
        "a mean that waits for its turn in the region stage is no longer in the log, so its place is not known");
  }
  StateEntries now = saved(stage, entries);
  std::erase_if(now, [&entries](const auto& e) {
    return std::string_view("QV").find(e.first.front()) == std::string_view::npos && !entries.contains(e.first);
  });
  return now;
}

}  // namespace qc::commands
