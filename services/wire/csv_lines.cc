#include "wire/csv_lines.h"

#include <algorithm>
#include <cstring>

namespace qc::wire {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

CsvLines::CsvLines(std::unique_ptr<ByteSource> source, std::size_t line_bytes_max)
    : source_(std::move(source)), line_bytes_max_(line_bytes_max), buffer_(line_bytes_max + kReadBytes) {}

// Moves what is left to the front and reads behind it; false at the end of the file.
Result<bool> CsvLines::refill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  auto n = source_->read(std::span<char>(buffer_).subspan(end_));
  if (!n) return tl::make_unexpected(n.error());
  end_ += *n;
  ended_ = *n == 0;
  return !ended_;
}

Result<CsvLines::Kind> CsvLines::next(std::string_view& line) {
  bool too_long = false;
  std::size_t searched = 0;  // bytes from begin_ that hold no line end
  while (true) {
    const char* from = buffer_.data() + begin_;
    const std::size_t available = end_ - begin_;
    const void* found = available > searched ? std::memchr(from + searched, '\n', available - searched) : nullptr;
    if (found == nullptr && !ended_) {
      searched = available;
      if (available > line_bytes_max_) {  // forget what cannot become a line any more
        too_long = true;
        begin_ = end_;
        searched = 0;
      }
      auto more = refill();
      if (!more) return tl::make_unexpected(more.error());
      continue;
    }
    if (found == nullptr && available == 0 && !too_long) return Kind::End;
    const std::size_t length =
        found == nullptr ? available : static_cast<std::size_t>(static_cast<const char*>(found) - from);
    line = std::string_view(from, length);
    begin_ += length + (found == nullptr ? 0 : 1);
    ++number_;
    if (too_long || length > line_bytes_max_) return Kind::TooLong;
    if (number_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!trimmed(line).empty()) return Kind::Line;
    searched = 0;
  }
}

bool Fields::split(std::string_view line) {
  line_.assign(line);
  fields_.clear();
  std::size_t at = 0;
  while (true) {
    const std::size_t start = line_.find_first_not_of(" \t", at);
    if (start != std::string::npos && line_[start] == '"') {
      std::size_t write = start;
      std::size_t read = start + 1;
      bool closed = false;
      while (read < line_.size() && !closed) {
        if (line_[read] != '"') {
          line_[write++] = line_[read++];
        } else if (read + 1 < line_.size() && line_[read + 1] == '"') {
          line_[write++] = '"';
          read += 2;
        } else {
          closed = true;
          ++read;
        }
      }
      const std::size_t after = std::min(line_.find_first_not_of(" \t", read), line_.size());
      if (!closed || (after < line_.size() && line_[after] != ',')) {
        const auto commas = static_cast<std::size_t>(std::count(line.begin(), line.end(), ','));
        fields_.assign(commas + 1, {});
        return false;
      }
      fields_.push_back(std::string_view(line_).substr(start, write - start));
      at = after;
    } else {
      const std::size_t comma = std::min(line_.find(',', at), line_.size());
      fields_.push_back(trimmed(std::string_view(line_).substr(at, comma - at)));
      at = comma;
    }
    if (at >= line_.size()) return true;
    ++at;  // the comma
  }
}

}  // namespace qc::wire
