// What a replay found, for people and as CSV. Functions; any thread.
#pragma once

#include <string>

#include "qingchuan/replay.h"
#include "qingchuan/words.h"

namespace qc::commands {

// Exit codes of `replay`.
inline constexpr int kReplayEqual = 0;
inline constexpr int kReplayDiffers = 2;
inline constexpr int kReplayIncomplete = 3;  // nothing differs, but not everything could be made again
inline constexpr int kReplayNothing = 4;     // nothing was there to compare
int exit_code(const ReplayResult& result);

// A table of the pairs of input partition and output topic, the first differences, what could not be made again by
// window and reason, the speed and one line that says how it ended.
std::string to_text(const ReplayResult& result, double seconds, Language language);

// Columns: kind (equal, different, not_recomputed), stage_input, topic, site, factor, window_or_rule, reason, records,
// first_end, last_end.
std::string to_csv(const ReplayResult& result);

}  // namespace qc::commands
