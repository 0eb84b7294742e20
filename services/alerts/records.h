// What the alert stage writes, as records: alerts with their CloudEvents headers, rows of floods, outcomes of commands,
// the ledger, dead letters. Functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/alert_stage.h"
#include "stream/stage.h"
#include "wire/alert_codec.h"

namespace qc::alerts {

inline constexpr const char* kService = "alerts";
inline constexpr const char* kSignals = "signals";
inline constexpr const char* kCommands = "commands";
inline constexpr const char* kAlerts = "alerts";
inline constexpr const char* kOutcomes = "outcomes";
inline constexpr const char* kLedger = "ledger";
inline constexpr const char* kDeadLetters = "dead-letters";

// Whose ticks tell the time, and from how many partitions: `now` is the least of them.
struct Upstream {
  std::string name;
  int partitions = 1;
};

// Partition counts, limits and the version, as all stages of a log have them.
struct StageOptions {
  wire::DecodeLimits decode;
  std::size_t dead_letter_bytes_max = 64 << 10;
  std::vector<Upstream> upstreams;
  int signals_partitions = 1;  // as many as `commands` has
  int alerts_partitions = 1;
  int outcomes_partitions = 1;
  int ledger_partitions = 1;
  int dead_letters_partitions = 1;
  std::string version;  // of the binary; said in a header, left out of every comparison
};

// Fills in the partition counts as the log has them. topic_unknown where it lacks one.
Result<void> learn_partitions(stream::Log& log, StageOptions& options);

// Everything that one call of the core gave, in the order alerts, rows, maintenance, outcomes, ledger. `from`: the
// record that made it: entries of the ledger are named after it. `rules`: those of `origin`, which say what measures
// are due; nullptr: none are known yet.
void add_records(const core::AlertOutputs& ready, const stream::Record& from, const wire::AlertOrigin& origin,
                 const core::RuleSet* rules, const StageOptions& options, stream::StageOutputs& out);

// The record that could not be taken, for a person.
stream::NewRecord dead_letter(const stream::Record& record, const core::Rejected& why, const StageOptions& options);

// A person's command, to the partition of the alert's root region. `sent`: the sender's clock.
stream::NewRecord command_record(const core::AlertCommand& command, const std::string& root, core::EventTime sent,
                                 int commands_partitions, const std::string& version);

}  // namespace qc::alerts
