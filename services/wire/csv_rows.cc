#include "wire/csv_rows.h"

#include <algorithm>
#include <utility>

namespace qc::wire {

std::string quoted(std::string_view text) {
  return '"' + std::string(text.substr(0, 40)) + '"';
}

CsvRows::CsvRows(std::string file, std::unique_ptr<ByteSource> source, CsvColumns columns, std::size_t line_bytes_max,
                 std::size_t problems_max)
    : file_(std::move(file)),
      lines_(std::move(source), line_bytes_max),
      columns_(columns),
      line_bytes_max_(line_bytes_max),
      problems_max_(problems_max) {}

tl::expected<void, std::string> CsvRows::learn() {
  using Wrong = tl::unexpected<std::string>;
  const std::string wanted(columns_.expected);
  at_.resize(columns_.names.size());
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const auto known = std::find(columns_.names.begin(), columns_.names.end(), fields_[i]);
    if (known == columns_.names.end()) return Wrong("unknown column " + quoted(fields_[i]) + "; " + wanted);
    auto& at = at_[static_cast<std::size_t>(known - columns_.names.begin())];
    if (at) return Wrong("the column " + std::string(fields_[i]) + " stands twice");
    at = i;
  }
  for (std::size_t k = 0; k < columns_.needed; ++k) {
    if (!at_[k]) return Wrong("no column " + std::string(columns_.names[k]) + "; " + wanted);
  }
  width_ = fields_.size();
  return {};
}

Result<bool> CsvRows::next() {
  while (true) {
    std::string_view text;
    const auto kind = lines_.next(text);
    if (!kind) return tl::make_unexpected(kind.error());
    if (*kind == CsvLines::Kind::End) {
      if (at_.empty()) problem("an empty file; " + std::string(columns_.expected));
      return false;
    }
    if (*kind == CsvLines::Kind::TooLong) {
      problem("longer than " + std::to_string(line_bytes_max_) + " bytes");
      continue;
    }
    const bool whole = fields_.split(text);
    if (at_.empty()) {
      const auto header = learn();
      if (header && whole) continue;
      problem(header ? "a broken quotation" : header.error());
      return false;
    }
    if (whole && fields_.size() == width_) return true;
    problem(whole ? std::to_string(fields_.size()) + " fields; " + std::to_string(width_) + " expected"
                  : "a broken quotation");
  }
}

std::string_view CsvRows::field(std::size_t column) const {
  return at_[column] ? fields_[*at_[column]] : std::string_view();
}

std::string CsvRows::place() const {
  return file_ + ":" + std::to_string(line());
}

void CsvRows::problem(const std::string& what) {
  if (++found_ <= problems_max_) problems_.push_back(place() + ": " + what);
  if (found_ == problems_max_ + 1) problems_.push_back(place() + ": there are more problems from here on");
}

}  // namespace qc::wire
