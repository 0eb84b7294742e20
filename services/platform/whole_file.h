// Files that others read while we write: they see the old one or the new one, whole, also after a power cut.
// Functions of their arguments; any thread, but one at a time for one file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qc::platform {

// Writes PATH.new, which replaces PATH when all of it is on the disk. What a kill leaves of PATH.new the next write
// takes away. Errors: file_unreadable.
Result<void> write_whole_file(const std::string& path, std::string_view bytes);

}  // namespace qc::platform
