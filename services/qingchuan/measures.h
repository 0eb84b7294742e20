// What a heavy-pollution level demands of a region (core/measures.h), written down: a table for the person who passes
// the orders on, CSV and JSON for others (docs/measures.md). Functions of their arguments; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/measures.h"
#include "qingchuan/words.h"

namespace qc::commands {

// By id, by its Chinese or English name, or by the beginning of one Chinese name (孝义). usage: none is called so; the
// text has the nearest name.
Result<std::string> find_region(const core::RuleSet& rules, std::string_view written);
// yellow, orange, red; 黄色, 橙色, 红色. usage likewise.
Result<core::EmergencyLevel> find_level(std::string_view written);

// Names by `language` in all three; the words of the table too. `rules` is what `due` points into.
std::string to_text(const core::RuleSet& rules, const core::MeasuresDue& due, Language language);
std::string to_csv(const core::RuleSet& rules, const core::MeasuresDue& due, Language language);
std::string to_json(const core::RuleSet& rules, const core::MeasuresDue& due, Language language);

}  // namespace qc::commands
