// Which errors of the log a repeat may mend: what was asked for changed nothing and may be asked for again, later.
// A function; any thread.
#pragma once

#include "base/result.h"

namespace qc::stream {

inline bool is_passing(Errc code) {
  return code == Errc::log_abortable || code == Errc::log_unavailable || code == Errc::log_full ||
         code == Errc::log_refused || code == Errc::queue_full;
}

}  // namespace qc::stream
