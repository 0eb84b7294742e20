#include "alerts/records.h"

#include <array>
#include <utility>

#include "stream/partition.h"
#include "stream/read_range.h"
#include "wire/keys.h"

namespace qc::alerts {
namespace {

// CloudEvents 1.0 in Kafka's binary mode, so that other systems subscribe without our code (docs/output.md).
std::string alert_headers(const core::Alert& a, const StageOptions& options) {
  const std::array headers = {stream::Header{"region", a.condition.root},
                              stream::Header{"version", options.version},
                              stream::Header{"ce_specversion", "1.0"},
                              stream::Header{"ce_id", text(a.key) + "@" + std::to_string(a.revision)},
                              stream::Header{"ce_type", "qingchuan.alert"},
                              stream::Header{"ce_source", "/qingchuan/alerts"},
                              stream::Header{"ce_time", core::to_iso(a.change.at)},
                              stream::Header{"ce_subject", a.key.subject},
                              stream::Header{"content-type", "application/protobuf"}};
  return stream::encode_headers(headers);
}

// A region that is warned together with others stands for them.
std::vector<core::MeasuresDue> measures_of(const core::Alert& a, const core::RuleSet* rules) {
  std::vector<core::MeasuresDue> all;
  const int level = a.formal.measures_level();
  if (level == 0 || rules == nullptr) return all;
  const auto region = rules->regions.find(a.key.subject);
  if (region == rules->regions.end()) return all;
  const std::vector<std::string>& members = region->second.members;
  for (const std::string& id : members.empty() ? std::vector{region->first} : members) {
    auto due = core::measures_due(*rules, id, static_cast<core::EmergencyLevel>(level), a.formal.issued.at);
    if (due) all.push_back(std::move(*due));
  }
  return all;
}

}  // namespace

Result<void> learn_partitions(stream::Log& log, StageOptions& options) {
  for (auto [name, count] :
       {std::pair{kSignals, &options.signals_partitions}, std::pair{kAlerts, &options.alerts_partitions},
        std::pair{kOutcomes, &options.outcomes_partitions}, std::pair{kLedger, &options.ledger_partitions},
        std::pair{kDeadLetters, &options.dead_letters_partitions}}) {
    const auto n = stream::partitions_of(log, name);
    if (!n) return tl::make_unexpected(n.error());
    *count = *n;
  }
  return {};
}

void add_records(const core::AlertOutputs& ready, const stream::Record& from, const wire::AlertOrigin& origin,
                 const core::RuleSet* rules, const StageOptions& options, stream::StageOutputs& out) {
  const std::array plain = {stream::Header{"version", options.version}};
  const std::string headers = stream::encode_headers(plain);
  const stream::TopicPartition alerts{kAlerts, origin.partition % options.alerts_partitions};
  for (const core::ToldAlert& told : ready.alerts) {
    out.records.push_back({alerts, wire::alert_key(told.alert.key),
                           wire::encode_alert(told, origin, measures_of(told.alert, rules)),
                           alert_headers(told.alert, options)});
  }
  for (const core::FoldRow& row : ready.rows) {
    const std::string key = wire::row_key(row.id);
    out.records.push_back({alerts, key, wire::encode_row(row, origin), headers});
    // Its id never comes again: nothing of it is to be kept for ever.
    if (!row.open) out.records.push_back({alerts, key, std::nullopt, headers});
  }
  for (const core::Maintenance& m : ready.maintenance) {
    // Kept when it is over: the next one names its revision.
    out.records.push_back({alerts, wire::maintenance_key(m.subject), wire::encode_maintenance(m, origin), headers});
  }
  for (const core::CommandOutcome& outcome : ready.outcomes) {
    out.records.push_back({{kOutcomes, origin.partition % options.outcomes_partitions},
                           outcome.command,
                           wire::encode_outcome(outcome, origin),
                           headers});
  }
  const std::string id = stream::to_string(*from.from) + "/" + std::to_string(from.offset) + "/";
  int n = 0;
  for (const core::LedgerEntry& entry : ready.ledger) {
    out.records.push_back({{kLedger, origin.partition % options.ledger_partitions},
                           entry.subject,
                           wire::encode_ledger_entry(entry, id + std::to_string(++n), origin),
                           headers});
  }
  out.urgent = out.urgent || ready.urgent;
}

stream::NewRecord dead_letter(const stream::Record& record, const core::Rejected& why, const StageOptions& options) {
  wire::DeadLetter letter;
  letter.source_topic = record.from->topic;
  letter.source_partition = record.from->partition;
  letter.source_offset = record.offset;
  letter.reason = why.reason;
  letter.detail = why.detail;
  letter.readings = why.readings;
  letter.key = record.key;
  letter.value = record.value;
  letter.stage = kService;
  std::string key = wire::dead_letter_key(record.from->topic, record.from->partition);
  const int partition = stream::partition_of(key, options.dead_letters_partitions);
  const std::array headers = {stream::Header{"version", options.version}};
  return {{kDeadLetters, partition},
          std::move(key),
          wire::encode_dead_letter(letter, options.dead_letter_bytes_max),
          stream::encode_headers(headers)};
}

stream::NewRecord command_record(const core::AlertCommand& command, const std::string& root, core::EventTime sent,
                                 int commands_partitions, const std::string& version) {
  const std::array headers = {stream::Header{"region", root}, stream::Header{"version", version}};
  return {{kCommands, stream::partition_of(root, commands_partitions)},
          command.key.subject,
          wire::encode_command(command, root, sent),
          stream::encode_headers(headers)};
}

}  // namespace qc::alerts
