// What the CSV formats share: lines, the header, torn rows, the account of every field, and the packets waiting to be
// given. A format adds what its columns mean. Lifecycle and threads: as FileReader.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/csv_lines.h"
#include "wire/file_reader.h"

namespace qc::wire {

class CsvFile : public FileReader {
 public:
  CsvFile(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options);

  Result<std::optional<Packet>> next() final;
  const Counts& counts() const final { return counts_; }
  const std::vector<std::string>& messages() const final { return messages_; }
  std::uint64_t bytes_read() const final { return lines_.source().bytes_read(); }
  std::uint64_t bytes_total() const final { return lines_.source().bytes_total(); }
  const std::string& path() const final { return path_; }

 protected:
  // Finds the format's columns. An error ends the file.
  virtual Result<void> header(const Fields& fields) = 0;
  // Counts every field of the row once (as many as the header has) and emits what became complete.
  virtual void row(const Fields& fields) = 0;
  // Emits what is still held at the end of the file.
  virtual void finish() = 0;

  void count(Fate fate, std::int64_t n = 1) { counts_.fates[static_cast<std::size_t>(fate)] += n; }
  // Counts a field that something is wrong with, and says what, while there is room for messages.
  void bad(Fate fate, std::string_view what, std::int64_t n = 1);
  // The values of a row that gives no readings, in those columns: missing ones are missing, the others share the fate.
  void skip(const Fields& fields, std::span<const std::size_t> columns, Fate fate, std::string_view why);
  void emit(Packet packet);

  // Reads a value; counts it unless it is a reading (then the caller does, when it knows that it will be one).
  std::optional<core::Decimal> value(std::string_view text, std::string_view column);
  static bool is_missing(std::string_view text) { return text.empty() || text == "NA"; }

  // The index of a column; an error that names what was expected where it isn't there or stands twice.
  Result<std::size_t> column(const Fields& header, std::string_view name) const;
  tl::unexpected<Error> malformed(std::string_view what) const;

  const FileOptions& options() const { return options_; }

 private:
  Result<void> read_line();

  std::string path_;
  FileOptions options_;
  CsvLines lines_;
  Fields fields_;
  std::size_t width_ = 0;  // fields of the header; 0 before it
  bool ended_ = false;
  std::optional<Error> error_;
  Counts counts_;
  std::vector<std::string> messages_;
  std::deque<Packet> ready_;
};

// The instant that a date and an hour (0 to 23) of Beijing name; nullopt where there is none.
std::optional<core::EventTime> hour_label(int year, unsigned month, unsigned day, unsigned hour);
// A whole non-negative number of at most nine digits, nothing else.
std::optional<unsigned> whole_number(std::string_view text);
// The hour whose label is its end.
core::Interval hour_ending(core::EventTime end);

std::unique_ptr<CsvFile> make_prsa(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options);
std::unique_ptr<CsvFile> make_beijing(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options);
std::unique_ptr<CsvFile> make_cnemc(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options);
std::unique_ptr<CsvFile> make_plain(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options);

}  // namespace qc::wire
