// The ways out that the configuration names, with their secrets read.
//
// Threads: none; a function of its arguments, of files and of the environment.
#pragma once

#include <string>
#include <vector>

#include "alerts/out_options.h"
#include "base/result.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::alerts {

// `directory`: of the configuration file, where relative paths begin. Errors: config_invalid; its text names the way
// out and the file or variable, never a secret.
Result<std::vector<OutletOptions>> outlet_options(const ::qingchuan::v1::System& system, const std::string& directory);

}  // namespace qc::alerts
