// The alerts of a log as they stand now: a fold of the topic `alerts`, and how people read them: a table, one alert
// with its history, JSON (docs/alerts.md).
//
// Lifecycle: read, then look. Memory: an alert a key. Threads: one.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/alert_stage.h"
#include "core/rules.h"
#include "processor/rules_store.h"
#include "qingchuan/words.h"
#include "stream/log.h"
#include "wire/alert_codec.h"

namespace qc::commands {

struct BookedAlert {
  core::Alert alert;
  std::string bytes;  // of its record
};

struct AlertBook {
  std::map<std::string, BookedAlert> alerts;             // by key as text; the latest revision of each
  std::map<std::string, core::FoldRow> rows;             // of the flood that goes on
  std::map<std::string, core::Maintenance> maintenance;  // planned and running, by subject
  std::shared_ptr<const core::RuleSet> rules;            // that the latest alert names: names of places; null: unknown

  // What is listed, as operators read it: the highest level first, what wants attention before what has had it, the
  // oldest first.
  std::vector<const core::Alert*> listed() const;
  // By its key, or by any part of it that only one (listed, else any) alert's key has. usage: none, or several.
  Result<const core::Alert*> find(std::string_view written) const;
};

// topic_unknown where the log has no alerts yet.
Result<AlertBook> read_alerts(stream::Log& log, processor::RulesStore& rules);

// All that the ledger has of a subject, in its order.
Result<std::vector<core::LedgerEntry>> read_history(stream::Log& log, const std::string& subject);

std::string to_text(const AlertBook& book, Language language);
// Of its history the latest entries, or all.
std::string to_text(const AlertBook& book, const core::Alert& alert, const std::vector<core::LedgerEntry>& history,
                    Language language, bool all = false);
// An object a line: what stands on the topic, by protobuf's JSON mapping.
std::string to_json(const AlertBook& book, const std::vector<const core::Alert*>& alerts);

std::string_view refusal_word(core::Refusal refusal, Language language);

}  // namespace qc::commands
