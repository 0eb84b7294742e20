// A CSV file of named columns that people write and a command reads whole or not at all (corrections, forecasts): the
// columns stand in any order, and every problem is told with its place, "FILE:LINE: what is wrong", up to a limit.
//
// `while (*rows.next()) ... rows.field(K)`; then problems(). Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/byte_source.h"
#include "wire/csv_lines.h"

namespace qc::wire {

// A text in a message, cut short.
std::string quoted(std::string_view text);

struct CsvColumns {
  std::span<const std::string_view> names;
  std::size_t needed = 0;     // the first so many must be there
  std::string_view expected;  // how a header is asked for
};

class CsvRows {
 public:
  // `problems_max`: then one last one says that there are more.
  CsvRows(std::string file, std::unique_ptr<ByteSource> source, CsvColumns columns, std::size_t line_bytes_max,
          std::size_t problems_max);

  // Goes to the next row that has a field for each column of the header. false: there is none; a file without a right
  // header has no rows. file_unreadable: the device or the compression failed.
  Result<bool> next();
  // Of the row; empty where the file has no such column. `column`: its place in CsvColumns::names.
  std::string_view field(std::size_t column) const;
  std::int64_t line() const { return lines_.number(); }
  std::string place() const;  // "FILE:LINE"

  // Something is wrong with the row.
  void problem(const std::string& what);
  std::vector<std::string> take_problems() { return std::move(problems_); }

 private:
  // Where each column stands; the error names what is wrong with the header.
  tl::expected<void, std::string> learn();

  const std::string file_;
  CsvLines lines_;
  const CsvColumns columns_;
  const std::size_t line_bytes_max_;
  const std::size_t problems_max_;
  Fields fields_;
  std::vector<std::optional<std::size_t>> at_;  // by column; none before the header
  std::size_t width_ = 0;                       // columns of the header
  std::size_t found_ = 0;
  std::vector<std::string> problems_;
};

}  // namespace qc::wire
