#include "console/positions.h"

#include <charconv>

namespace qc::console {
namespace {

constexpr std::string_view kPositionsFormat = "1";

}  // namespace

std::string text(const Positions& positions) {
  std::string out(kPositionsFormat);
  for (const stream::Offset offset : positions.next) {
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), offset).ptr;
    out += '.';
    out.append(digits, end);
  }
  return out;
}

std::optional<Positions> parse_positions(std::string_view text, std::size_t slots) {
  if (text.size() > kPositionsBytesMax || !text.starts_with(kPositionsFormat)) return std::nullopt;
  text.remove_prefix(kPositionsFormat.size());
  Positions found;
  while (!text.empty()) {
    if (found.next.size() == slots || text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
    // One way to write each: what is taken is the same text again.
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    stream::Offset offset = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || (text.front() == '0' && length > 1)) return std::nullopt;
    text.remove_prefix(length);
    found.next.push_back(offset);
  }
  if (found.next.size() != slots) return std::nullopt;
  return found;
}

}  // namespace qc::console
