// A line for the log from who has levels of its own: an enum of Info, Warning and Error. A function; any thread.
#pragma once

#include <string>

#include "platform/log.h"

namespace qc::platform {

template <class Level>
void log_line(Level level, const std::string& line) {
  switch (level) {
    case Level::Info:
      return log_info(line);
    case Level::Warning:
      return log_warn(line);
    case Level::Error:
      return log_error(line);
  }
}

}  // namespace qc::platform
