// Several files as one stream, by the end of each packet's interval; packets of the same end come in the order in which
// the files were given. Holds a few packets a file (kLookAhead).
//
// A file that is not in time order itself is passed on in place: a packet that lies before one already given from the
// same file comes at once, and is counted. Nothing is dropped, nothing is sorted in memory.
//
// One bad clock in a file must not make all that follows late: a packet that stands more than kAhead past most of those
// after it takes their time as its turn, and is counted as ahead.
//
// Lifecycle: construct with opened files, next() until nullopt. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "base/result.h"
#include "core/time.h"
#include "wire/file_reader.h"

namespace qc::wire {

class Merge {
 public:
  explicit Merge(std::vector<std::unique_ptr<FileReader>> files);

  struct Item {
    Packet packet;
    std::size_t file = 0;  // index of the file it came from
    core::EventTime turn;  // when it comes: its interval's end, or that of those around it; never goes back
  };
  static constexpr std::size_t kLookAhead = 16;
  static constexpr core::Duration kAhead = std::chrono::hours(7 * 24);  // beyond any horizon of the rules
  // The first error of any file ends it.
  Result<std::optional<Item>> next();

  std::size_t files() const { return sources_.size(); }
  const FileReader& file(std::size_t index) const { return *sources_[index].reader; }
  // Packets of that file that lay before an earlier one of it.
  std::int64_t out_of_order(std::size_t index) const { return sources_[index].out_of_order; }
  // Packets of that file whose time was not believed.
  std::int64_t ahead(std::size_t index) const { return sources_[index].ahead; }
  Counts counts() const;  // of all files

 private:
  struct Source {
    std::unique_ptr<FileReader> reader;
    std::deque<Packet> next;  // in file order
    core::EventTime turn = core::EventTime::min();
    std::int64_t out_of_order = 0;
    std::int64_t ahead = 0;
    bool ended = false;
    std::optional<Error> failure;
  };
  struct Turn {
    core::EventTime at;
    std::size_t file;
    bool operator>(const Turn& other) const { return at != other.at ? at > other.at : file > other.file; }
  };
  void fill(std::size_t index);
  static std::optional<core::EventTime> believed_instead(const Source& source);

  std::vector<Source> sources_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  bool started_ = false;
  std::optional<Error> failure_;
};

}  // namespace qc::wire
