// Text in columns for a terminal, where a Chinese character is two columns wide (East Asian width) and three bytes
// long. Functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qc::commands {

// How many columns UTF-8 text takes. Malformed bytes count as one each.
std::size_t display_width(std::string_view text);

// Filled with blanks up to `width`; text that is as wide or wider gets one blank, so that columns never touch.
std::string pad_right(std::string_view text, std::size_t width);

// A table whose columns are as wide as their widest cell: the first `left` columns stand left, the others right. Rows
// may have different lengths. The first row is the head, a rule is drawn under it.
std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t left);

}  // namespace qc::commands
