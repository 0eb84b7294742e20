// Several files as one stream, by the end of each packet's interval; packets of the same end come in the order in which
// the files were given. Holds one packet a file.
//
// A file that is not in time order itself is passed on in place: a packet that lies before one already given from the
// same file comes at once, and is counted. Nothing is dropped, nothing is sorted in memory.
//
// Lifecycle: construct with opened files, next() until nullopt. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
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
  };
  // The first error of any file ends it.
  Result<std::optional<Item>> next();

  std::size_t files() const { return sources_.size(); }
  const FileReader& file(std::size_t index) const { return *sources_[index].reader; }
  // Packets of that file that lay before an earlier one of it.
  std::int64_t out_of_order(std::size_t index) const { return sources_[index].out_of_order; }
  Counts counts() const;  // of all files

 private:
  struct Source {
    std::unique_ptr<FileReader> reader;
    std::optional<Packet> head;
    core::EventTime greatest_end = core::EventTime::min();
    std::int64_t out_of_order = 0;
  };
  struct Turn {
    core::EventTime at;
    std::size_t file;
    bool operator>(const Turn& other) const { return at != other.at ? at > other.at : file > other.file; }
  };
  Result<void> fill(std::size_t index);

  std::vector<Source> sources_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  bool started_ = false;
};

}  // namespace qc::wire
