// Values of the configuration that may stand elsewhere: `file:PATH` and `env:NAME`, the only ways to give a secret. No
// error repeats one.
//
// Threads: none; functions of their arguments, of files and of the environment.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qc::platform {

// Written as `file:PATH` or `env:NAME`.
bool stands_elsewhere(std::string_view written);

// What is meant: `file:PATH` is that file's content (a relative path: from `directory`) and `env:NAME` that variable's,
// without line ends behind it; anything else is itself. `what` names it in an error. Errors: config_invalid, its text
// names the file or variable.
Result<std::string> meant_value(std::string_view what, const std::string& written, const std::string& directory);

}  // namespace qc::platform
