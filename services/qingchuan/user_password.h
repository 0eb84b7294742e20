// A password from a person: typed twice at the terminal, where it is not shown, or one line of standard input. Threads:
// one; it waits for the person.
#pragma once

#include <string>

#include "base/result.h"
#include "qingchuan/words.h"

namespace qc::commands {

// usage: standard input is no terminal, it ended, the two were not the same, or a line is longer than 512 bytes.
Result<std::string> typed_password(Language language);
Result<std::string> password_line();

}  // namespace qc::commands
