#include "qingchuan/columns.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace qc::commands {
namespace {

// Where characters are wide or fullwidth (Unicode 15 UAX 11, in blocks): CJK, kana, Hangul, fullwidth forms. `×`, `³`,
// `µ` and the like are ambiguous there, and narrow on any terminal that isn't set otherwise.
constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 9> kWide = {{{0x1100, 0x115f},
                                                                           {0x2e80, 0x303e},
                                                                           {0x3041, 0xa4cf},
                                                                           {0xac00, 0xd7a3},
                                                                           {0xf900, 0xfaff},
                                                                           {0xfe30, 0xfe6f},
                                                                           {0xff00, 0xff60},
                                                                           {0xffe0, 0xffe6},
                                                                           {0x20000, 0x3fffd}}};

// The character at `i` and where the next one begins.
std::pair<std::uint32_t, std::size_t> decode(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(i);
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  if (length == 1 || i + length > text.size()) return {first, i + 1};
  std::uint32_t code = first & (0x7fU >> length);
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xc0U) != 0x80) return {first, i + 1};
    code = code << 6 | (byte(i + k) & 0x3fU);
  }
  return {code, i + length};
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto [code, next] = decode(text, i);
    i = next;
    const bool wide =
        std::any_of(kWide.begin(), kWide.end(), [c = code](const auto& r) { return r.first <= c && c <= r.second; });
    width += wide ? 2 : 1;
  }
  return width;
}

std::string pad_right(std::string_view text, std::size_t width) {
  const std::size_t columns = display_width(text);
  return std::string(text) + std::string(columns < width ? width - columns : 1, ' ');
}

std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t left) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    if (widths.size() < row.size()) widths.resize(row.size());
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const std::string blanks(widths[c] - display_width(rows[r][c]), ' ');
      line += "  ";
      line += c < left ? rows[r][c] + blanks : blanks + rows[r][c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    if (r > 0) continue;
    std::size_t total = 0;
    for (const std::size_t w : widths) total += w + 2;
    out += "  " + std::string(total < 2 ? 0 : total - 2, '-') + "\n";
  }
  return out;
}

}  // namespace qc::commands
