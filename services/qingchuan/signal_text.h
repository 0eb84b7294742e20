// How the values of signals and alerts are written for people. Functions; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "core/factor.h"

namespace qc::commands {

// "123.4 ug/m3". In the signal's own unit; older ones name none (None) and mean their factor's. As many digits as a
// person reads, all of them where fewer would put it on the other side of the limit, or at it.
std::string signal_value_text(std::int64_t pg, std::int64_t limit, core::Factor factor, core::Unit unit);

}  // namespace qc::commands
