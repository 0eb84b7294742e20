// Records of `events`, as the doors write them: `event` and the simulator (docs/events.md). Functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/event.h"
#include "core/rules.h"
#include "qingchuan/words.h"
#include "stream/log.h"

namespace qc::commands {

// The root of the region's tree: whose partition its events are in. REQUIRES: the region is in the rules.
std::string root_of(const core::RuleSet& rules, std::string_view region);

// Follows from all that the event says and not from when it was received: the same forecast written twice is one.
std::string event_id(std::string_view prefix, const core::Event& event);

// `partitions`: of `events`. `version`: of the binary, for the header.
stream::NewRecord event_record(const core::Event& event, int partitions, std::string_view version);

// For the person who wrote it, in one line.
std::string to_text(const core::RuleSet& rules, const core::Event& event, Language language);

}  // namespace qc::commands
