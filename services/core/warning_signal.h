// A warning episode as a signal, and an index of 24 h as an hour of the warning machine. Functions; any thread.
#pragma once

#include <string>

#include "core/output.h"
#include "core/warning.h"

namespace qc::core {

// Not valid, or made without any particulate matter (HJ 633-2012 makes an index of the other pollutants then, which
// says nothing about the haze that is warned of): an hour without an index.
IndexHour index_hour(const Mean& index);

// Rule `warning`, of the AQI of 24 h; `value` and `limit` are the lowest of the indices that decided and what they were
// asked for, `interval` what they cover, `count` of `expected` observed, not forecast. Without root.
Signal signal_of(const WarningEpisode& episode, const std::string& region, Offset offset);

}  // namespace qc::core
