// Data files as packets: a FileReader goes through one CSV file (plain or zstd, decided by its first bytes; "-" is
// standard input) in file order, with bounded memory, and gives one packet of readings at a time. Every field of the
// file is accounted for in Counts, so that "fed" can be compared with "read" to the last cell. A bad cell or row is
// counted and named ("file:line: reason") and loses nothing else.
//
// Formats: `prsa` (UCI 501), `beijing` (the city's publication), `cnemc` (the national network) and `csv`, our own
// (docs/csv.md). Hour labels of the first three are the END of the hour in Beijing's time.
//
// Lifecycle: open_file, next() until nullopt, counts(). Threads: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/concentration.h"
#include "core/factor.h"
#include "core/time.h"

namespace qc::wire {

enum class Format : std::uint8_t { Prsa, Beijing, Cnemc, Csv };
std::optional<Format> parse_format(std::string_view text);  // "prsa", "beijing", "cnemc", "csv"
std::string_view name(Format f);

// Whether a time in the file is the start or the end of its interval.
enum class Label : std::uint8_t { Start, End };

struct FileOptions {
  Format format = Format::Csv;
  // Of `csv` only; the other formats say it themselves. interval: 5 s, 1 min, 5 min or 1 h, which also decides the
  // source: real-time, minute, minute, hour.
  core::Duration interval = std::chrono::minutes(1);
  Label label = Label::Start;
  std::size_t line_bytes_max = 65'536;      // a longer line is skipped, counted and named
  std::size_t packet_readings_max = 1'000;  // a longer run of rows of one time and site becomes several packets
  std::size_t messages_max = 20;            // messages kept; all are counted
};

struct Row {
  core::Factor factor = core::Factor::None;
  core::Decimal value;
  core::Unit unit = core::Unit::None;
  core::Flag flag = core::Flag::Normal;
};

// The readings of one site for one interval.
struct Packet {
  std::string site;  // the file's own name of it
  std::string name;  // for people; equals `site` where the file has no other
  core::Source source = core::Source::None;
  core::Interval interval;  // [start, end); real-time: the instant is the start
  std::vector<Row> rows;    // never empty
  // What the file publishes about the same hour (cnemc only): for tests to compare with, never an input.
  std::string published_aqi;
  std::string published_primary;
};

// What became of a field. Every field of every line is exactly one of these.
enum class Fate : std::uint8_t {
  Reading,        // in a packet
  Missing,        // empty, NA, or flagged '-'
  Published,      // a published result (_24h, o3_8h, AQI ...): skipped
  Other,          // time, site, weather, the header: not a value of ours
  NotANumber,     // NaN, text
  UnknownFactor,  // not a factor that has readings
  WrongUnit,
  BadFlag,
  BadTime,   // not a time, or not on the interval's grid
  BadSite,   // empty or too long
  TornRow,   // a row with the wrong number of fields or a broken quotation
  LongLine,  // a line above line_bytes_max: counted as one field
};
inline constexpr std::size_t kFates = 12;
std::string_view name(Fate f);
// Something was wrong with the field.
constexpr bool is_bad(Fate f) {
  return f >= Fate::NotANumber;
}

struct Counts {
  std::int64_t lines = 0;   // with the header, without blank lines
  std::int64_t fields = 0;  // as the splitter saw them
  std::int64_t packets = 0;
  std::array<std::int64_t, kFates> fates{};
  std::int64_t of(Fate f) const { return fates[static_cast<std::size_t>(f)]; }
  std::int64_t readings() const { return of(Fate::Reading); }
  std::int64_t bad() const;
  bool balanced() const;  // fields == the sum of the fates; holds once the file is read to its end
  Counts& operator+=(const Counts& other);
};

class FileReader {
 public:
  virtual ~FileReader() = default;
  // The next packet; nullopt at the end of the file. file_unreadable: the device or the compression failed midway.
  // file_malformed: the header is not the format's (told at the first call).
  virtual Result<std::optional<Packet>> next() = 0;
  virtual const Counts& counts() const = 0;
  // "file:line: reason", the first FileOptions::messages_max of them.
  virtual const std::vector<std::string>& messages() const = 0;
  // For a progress bar: bytes of the file taken so far, of how many (0: not known).
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_total() const = 0;
  virtual const std::string& path() const = 0;
};

// usage: an interval that is no grid. file_unreadable: cannot be opened.
Result<std::unique_ptr<FileReader>> open_file(const std::string& path, const FileOptions& options);

// The same over text (or zstd bytes) in memory; `name` stands for the path in messages. For tests and fuzzing.
Result<std::unique_ptr<FileReader>> open_text(std::string name, std::string text, const FileOptions& options);

}  // namespace qc::wire
