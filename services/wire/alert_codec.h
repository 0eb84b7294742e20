// Records of `alerts`, `commands`, `outcomes` and `ledger` (alert.proto) to core values and back. Commands come from
// people: their decoder judges all that can be judged without state, and what it refuses is a value for the dead
// letters. Functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/alert.h"
#include "core/alert_stage.h"
#include "core/measures.h"
#include "wire/codec.h"

namespace qc::wire {

// What an output of the stage was made from.
struct AlertOrigin {
  std::int32_t partition = 0;
  core::Offset signals = 0;   // after the last record read
  core::Offset commands = 0;  // after the last one answered
  std::string rules;          // hash of the rules in use
};

// An AlertRecord, as the next one. `measures`: what is due while a formal warning is in force.
std::string encode_alert(const core::ToldAlert& told, const AlertOrigin& origin,
                         const std::vector<core::MeasuresDue>& measures = {});
std::string encode_row(const core::FoldRow& row, const AlertOrigin& origin);
std::string encode_maintenance(const core::Maintenance& maintenance, const AlertOrigin& origin);
std::string encode_outcome(const core::CommandOutcome& outcome, const AlertOrigin& origin);
std::string encode_ledger_entry(const core::LedgerEntry& entry, std::string_view id, const AlertOrigin& origin);
// `root`: of the alert; `sent`: the sender's clock.
std::string encode_command(const core::AlertCommand& command, std::string_view root, core::EventTime sent);

struct DecodedAlert {
  core::ToldAlert told;
  AlertOrigin origin;
};
using DecodedAlertRecord = std::variant<DecodedAlert, core::FoldRow, core::Maintenance, core::Rejected>;
DecodedAlertRecord decode_alert_record(std::string_view bytes, const DecodeLimits& limits = {});

struct DecodedCommand {
  core::AlertCommand command;
  std::string root;
};
// Garbage, Truncated, Oversized, BadShape, NotSupported (a command that this version doesn't know).
std::variant<DecodedCommand, core::Rejected> decode_command(std::string_view bytes, const DecodeLimits& limits = {});

struct DecodedOutcome {
  std::string command;
  std::string alert;
  core::Refusal refusal = core::Refusal::None;
  std::int64_t revision = 0;
  std::optional<core::Alert> current;
  AlertOrigin origin;
};
// nullopt: none of ours.
std::optional<DecodedOutcome> decode_outcome(std::string_view bytes);

}  // namespace qc::wire
