// An older log lacks topics of services that came later: whoever runs one makes what it needs. Function; any thread.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "qingchuan/open_log.h"

namespace qc::commands {

// Makes those of `needed` that are configured and that the log lacks.
Result<void> make_missing_topics(OpenLog& opened, std::span<const std::string_view> needed);

}  // namespace qc::commands
