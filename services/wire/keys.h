// The keys of records, one function each. A key decides the partition and, in a compacted topic, what replaces what, so
// nobody builds one by hand. Values; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/alert.h"
#include "core/factor.h"
#include "core/time.h"

namespace qc::wire {

// means: "site|factor|window|end_ms", for example "Dongsi|PM2.5|1h|1449532800000". '|' and '%' in a site are written
// "%7C" and "%25", so that no two series share a key.
std::string mean_key(std::string_view site, core::Factor factor, core::Window window, core::EventTime end);

// signals, and everything about one subject (architecture section 5): the subject itself.
std::string signal_key(std::string_view subject);

// events: the region. Their partition is that of the root (architecture section 5).
std::string event_key(std::string_view region);

// readings: the site (MN), also of Register and Amend.
std::string reading_key(std::string_view site);

// Ticks: "@tick|upstream|partition", so that in a compacted topic a stage keeps one tick a partition. In `readings`
// (upstream empty) the same key.
std::string tick_key(std::string_view upstream, int partition);

// What a stage has read of `events`: "@taken|upstream|partition".
std::string taken_key(std::string_view upstream, int partition);

// alerts: "rule/subject/factor", the alert's own; of a row of a flood "@row|id".
std::string alert_key(const core::AlertKey& key);
std::string row_key(std::string_view id);
std::string maintenance_key(std::string_view subject);  // "@maintenance|subject"

// The switch of rules within `readings`, and a rule set in the topic `rules`: the hash.
std::string rules_key(std::string_view hash);

// dead-letters: where the record stood, "readings-3".
std::string dead_letter_key(std::string_view topic, int partition);

}  // namespace qc::wire
