// Where in a partition of means to begin reading for an hour: the log has no index of event time, so it is found by
// bisection over offsets, looking at the ends of the means that stand there. Functions; any thread.
#pragma once

#include <optional>

#include "base/result.h"
#include "core/time.h"
#include "stream/log.h"

namespace qc::console {

// An offset from which on everything that was first published about `from` or later is found (revisions of it come
// later still). What was published then of much older hours (amendments) does not mislead it: it looks at the latest
// end among several records.
Result<stream::Offset> offset_of_means(stream::Log& log, const stream::TopicPartition& tp, core::EventTime from);

// The latest end of an hour, or time, that stands near the end of the partition; nullopt: none does.
Result<std::optional<core::EventTime>> last_of_means(stream::Log& log, const stream::TopicPartition& tp);

}  // namespace qc::console
