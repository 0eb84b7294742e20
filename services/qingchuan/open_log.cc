#include "qingchuan/open_log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <vector>

#include "alerts/records.h"
#include "processor/records.h"
#include "stream/log.h"
#include "wire/codec.h"
#include "wire/keys.h"
#include "wire/rules.h"

namespace qc::commands {
namespace {

stream::Cleanup cleanup_of(::qingchuan::v1::Cleanup cleanup) {
  switch (cleanup) {
    case ::qingchuan::v1::COMPACT:
      return stream::Cleanup::Compact;
    case ::qingchuan::v1::COMPACT_DELETE:
      return stream::Cleanup::CompactDelete;
    default:
      return stream::Cleanup::Delete;
  }
}

Result<platform::Loaded> load(const Place& place, bool need, bool& configured) {
  auto path = platform::find_config(place.config);
  configured = path.has_value();
  if (!path) {
    if (need || !place.config.empty()) return tl::make_unexpected(path.error());
    platform::Loaded none;
    platform::apply_system_defaults(none.system);
    return none;
  }
  return platform::load_valid_config(*path);
}

// The state topics that a worker makes for itself, each co-partitioned with an input.
struct StateTopic {
  const char* name;
  const char* input;
};
constexpr std::array<StateTopic, 3> kStateTopics = {
    {{"processor-state", "readings"}, {"regions-state", "means"}, {"alerts-state", "signals"}}};

// Where the configuration says nothing of it; as long as readings are.
constexpr std::chrono::hours kEventsKept{400 * 24};

Result<void> open_embedded(OpenLog& opened, const std::string& directory, bool create) {
  const ::qingchuan::v1::System& system = opened.config.system;
  stream::EmbeddedOptions options;
  options.create = create;
  options.commit_linger = stream::Milliseconds(system.embedded().group_commit());
  options.append_queue_max_records = static_cast<std::size_t>(system.limits().append_queue_max());
  auto log = stream::open_embedded(directory, std::move(options));
  if (!log) return tl::make_unexpected(log.error());
  opened.embedded = log->get();
  opened.log = std::move(*log);
  opened.where = directory;
  return {};
}

Result<void> open_on_kafka(OpenLog& opened, const std::string& brokers, const Use& use) {
  auto options = kafka_options(opened.config, brokers, use.joins);
  if (!options) return tl::make_unexpected(options.error());
  if (use.metrics != nullptr) {
    opened.kafka_metrics = std::make_unique<stream::KafkaMetrics>(*use.metrics);
    options->statistics = [metrics = opened.kafka_metrics.get()](std::string_view json) { metrics->take(json); };
  }
  opened.where = "Kafka " + brokers + (options->prefix.empty() ? "" : ", prefix " + options->prefix);
  auto log = stream::open_kafka(std::move(*options));
  if (!log) return tl::make_unexpected(log.error());
  opened.log = std::move(*log);
  return {};
}

Result<OpenLog> open(const Place& place, const Use& use, bool create) {
  OpenLog opened;
  auto config = load(place, use.need_config, opened.configured);
  if (!config) return tl::make_unexpected(config.error());
  opened.config = std::move(*config);
  const auto address = address_of(place, opened.config.system);
  if (!address) return tl::make_unexpected(address.error());
  const auto done = address->brokers.empty() ? open_embedded(opened, address->directory, create)
                                             : open_on_kafka(opened, address->brokers, use);
  if (!done) return tl::make_unexpected(done.error());
  opened.rules = std::make_unique<processor::RulesStore>(*opened.log);
  return opened;
}

// Every partition begins with the rules and the log's kind of time.
Result<void> begin_partitions(stream::Log& log, const core::RulesSwitch& first) {
  auto appender = log.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  for (const char* topic : {"readings", "tracks"}) {
    const auto n = partitions_of(log, topic);
    if (!n) return tl::make_unexpected(n.error());
    for (int p = 0; p < *n; ++p) {
      const stream::TopicPartition tp{topic, p};
      const auto range = log.range(tp);
      if (!range) return tl::make_unexpected(range.error());
      if (range->end > 0) continue;
      const std::array record = {
          stream::NewRecord{tp, wire::rules_key(first.hash), wire::encode_rules_switch(first), {}}};
      if (auto done = (*appender)->append(record); !done) return done;
    }
  }
  return {};
}

struct Wanted {
  core::Timeline timeline;
  bool only;           // a log of the other timeline is refused
  std::string played;  // a simulation's: then `fed` until it is handed over, `wall` afterwards
};

// Whether an existing log's time is what is wanted.
Result<void> check_timeline(OpenLog& log, const Wanted& wanted) {
  const auto is = log.rules->timeline();
  if (!is) return tl::make_unexpected(is.error());
  const auto played = log.rules->played();
  if (!played) return tl::make_unexpected(played.error());
  const bool playing = *is == core::Timeline::Fed && !played->empty();
  if (playing && wanted.played.empty()) {
    return fail(Errc::log_timeline,
                "a simulation is still being played into " + log.where + "; `qingchuan up` goes on with it");
  }
  if (!wanted.only || *is == core::Timeline::None || playing) return {};
  const core::Timeline right = wanted.played.empty() ? wanted.timeline : core::Timeline::Wall;
  if (*is == right) return {};
  return fail(Errc::log_timeline, log.where + " is a log whose time is " + std::string(core::name(*is)) + ", not " +
                                      std::string(core::name(right)));
}

Result<OpenLog> create(const Place& place, const Wanted& wanted, std::string& rules_hash, Use use) {
  use.need_config = true;
  auto opened = open(place, use, true);
  if (!opened) return opened;
  // Checked before anything is written: a log must not begin with rules that no stage can use.
  const std::string bytes = wire::canonical_bytes(opened->config.rules);
  if (auto rules = rules_of(opened->config); !rules) return tl::make_unexpected(rules.error());
  if (auto fine = check_timeline(*opened, wanted); !fine && fine.error().code != Errc::topic_unknown)
    return tl::make_unexpected(fine.error());
  if (auto made = opened->log->create_topics(topics_of(opened->config.system)); !made)
    return tl::make_unexpected(made.error());
  auto hash = opened->rules->put(bytes);
  if (!hash) return tl::make_unexpected(hash.error());
  rules_hash = *hash;
  const auto is = opened->rules->timeline();
  if (!is) return tl::make_unexpected(is.error());
  if (*is == core::Timeline::None) {
    if (auto done = opened->rules->put_timeline(wanted.timeline, wanted.played); !done)
      return tl::make_unexpected(done.error());
  }
  // Read again: another process may have been setting it up at the same time.
  const auto settled = opened->rules->timeline();
  if (!settled) return tl::make_unexpected(settled.error());
  const core::Timeline kind = *settled == core::Timeline::None ? wanted.timeline : *settled;
  if (auto fine = check_timeline(*opened, wanted); !fine) return tl::make_unexpected(fine.error());
  if (auto done = begin_partitions(*opened->log, {rules_hash, kind}); !done) return tl::make_unexpected(done.error());
  return opened;
}

}  // namespace

Result<core::RuleSet> rules_of(const platform::Loaded& config) {
  std::string where;
  auto rules = wire::build_rules(config.rules, &where);
  if (rules) return rules;
  return fail(rules.error().code, platform::place_of(config.rules_places, where).str() + ": " + rules.error().text);
}

std::vector<stream::TopicSpec> topics_of(const ::qingchuan::v1::System& system) {
  std::vector<stream::TopicSpec> specs;
  for (const auto& t : system.topics()) {
    specs.push_back({t.name(), t.partitions(), cleanup_of(t.cleanup()), stream::Milliseconds(t.retention()),
                     stream::Milliseconds(t.compaction_lag())});
  }
  const auto find = [&specs](std::string_view name) {
    return std::find_if(specs.begin(), specs.end(), [name](const stream::TopicSpec& t) { return t.name == name; });
  };
  // A configuration from before there were means of regions: they are kept as those of sites.
  if (const auto means = find(processor::kMeans);
      means != specs.end() && find(processor::kRegionMeans) == specs.end()) {
    stream::TopicSpec regions = *means;
    regions.name = processor::kRegionMeans;
    specs.push_back(std::move(regions));
  }
  // And from before there were events: one stage reads both topics, so they have the same partitions.
  if (const auto means = find(processor::kMeans); means != specs.end() && find(processor::kEvents) == specs.end()) {
    const int partitions = means->partitions;
    specs.push_back({processor::kEvents, partitions, stream::Cleanup::Delete, kEventsKept, {}});
  }
  // And from before there were alerts: commands and what answers them stand beside the signals.
  for (const char* name : {alerts::kCommands, alerts::kOutcomes, alerts::kAlerts, alerts::kLedger}) {
    const auto signals = find(processor::kSignals);
    if (signals == specs.end() || find(name) != specs.end()) continue;
    const int partitions = signals->partitions;
    const bool compact = name == std::string_view(alerts::kAlerts);
    const bool for_ever = compact || name == std::string_view(alerts::kLedger);
    specs.push_back({name,
                     partitions,
                     compact ? stream::Cleanup::Compact : stream::Cleanup::Delete,
                     for_ever ? stream::Milliseconds(0) : kEventsKept,
                     {}});
  }
  for (const StateTopic& state : kStateTopics) {
    const auto input = find(state.input);
    if (input == specs.end() || find(state.name) != specs.end()) continue;
    const int partitions = input->partitions;
    specs.push_back({state.name, partitions, stream::Cleanup::Compact, {}, {}});
  }
  return specs;
}

Result<OpenLog> open_log(const Place& place, const Use& use) {
  return open(place, use, false);
}

Result<OpenLog> open_for_topics(const Place& place, bool make) {
  return open(place, {.need_config = true}, make);
}

Result<OpenLog> create_log(const Place& place, core::Timeline timeline, std::string& rules_hash, bool only, Use use) {
  return create(place, {timeline, only, {}}, rules_hash, use);
}

Result<OpenLog> create_played_log(const Place& place, core::Timeline timeline, const std::string& played,
                                  std::string& rules_hash, Use use) {
  return create(place, {timeline, true, played}, rules_hash, use);
}

Result<void> hand_over(OpenLog& log, const std::string& rules_hash) {
  const core::RulesSwitch wall{rules_hash, core::Timeline::Wall};
  std::vector<stream::NewRecord> records;
  for (const char* topic : {"readings", "tracks"}) {
    const auto n = partitions_of(*log.log, topic);
    if (!n) return tl::make_unexpected(n.error());
    for (int p = 0; p < *n; ++p) {
      records.push_back({{topic, p}, wire::rules_key(rules_hash), wire::encode_rules_switch(wall), {}});
    }
  }
  auto appender = log.log->appender();
  if (!appender) return tl::make_unexpected(appender.error());
  if (auto done = (*appender)->append(records); !done) return done;
  return log.rules->put_timeline(core::Timeline::Wall);
}

}  // namespace qc::commands
