// What a log says before a replay folds it: how far a service has come, and what stands in its output topics. Asked in
// that order, what stands before a position is published before those ends.
//
// Functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "qingchuan/replay_pass.h"
#include "stream/log.h"
#include "stream/state_position.h"

namespace qc::commands {

// Up to where, in each of its inputs, the state that a service keeps in the log is folded; nullopt: there is none.
Result<std::optional<stream::Positions>> saved_positions(stream::Log& log, const char* service, int partition,
                                                         std::stop_token stop);

// Every partition of these topics as it stands now. `now_ms`: the machine's time, by which compaction goes.
// topic_unknown.
Result<std::vector<ReplayOutput>> outputs_as_they_stand(stream::Log& log, std::span<const char* const> topics,
                                                        std::int64_t now_ms);

}  // namespace qc::commands
