// Lines of a CSV file and the fields of a line (RFC 4180 quoting; LF or CRLF; a byte order mark and blank lines are
// skipped). One departure from the RFC, on purpose: a field cannot hold a line break, so that one torn quotation
// loses one line and not the rest of the file.
//
// Lifecycle: next() until End. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/byte_source.h"

namespace qc::wire {

class CsvLines {
 public:
  enum class Kind { Line, TooLong, End };
  CsvLines(std::unique_ptr<ByteSource> source, std::size_t line_bytes_max);

  // Line: `line` is valid until the next call. TooLong: its bytes were skipped.
  Result<Kind> next(std::string_view& line);
  std::int64_t number() const { return number_; }  // of the line last given, from 1
  const ByteSource& source() const { return *source_; }

 private:
  Result<bool> refill();

  std::unique_ptr<ByteSource> source_;
  std::size_t line_bytes_max_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what is not yet given
  std::size_t end_ = 0;
  bool ended_ = false;
  std::int64_t number_ = 0;
};

// The fields of one line. Reused: its memory is kept.
class Fields {
 public:
  // false: a quotation is broken; size() still says how many fields the commas make.
  bool split(std::string_view line);
  std::size_t size() const { return fields_.size(); }
  // Without the blanks around it.
  std::string_view operator[](std::size_t i) const { return fields_[i]; }

 private:
  std::string line_;  // quotations are undone in place
  std::vector<std::string_view> fields_;
};

}  // namespace qc::wire
