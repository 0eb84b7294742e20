// What the offsets of one partition become in a copy of it, where the records that are there stand one behind the other
// from 0 on: retention and compaction leave gaps, a copy has none. Kept as the runs of records without a gap between
// them, 16 bytes each: a log that nothing was taken from is one run.
//
// Values; threads: none of its business.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "stream/log.h"

namespace qc::commands {

class OffsetMap {
 public:
  // The next record that is there. REQUIRES: offsets rise.
  void add(stream::Offset offset);
  // Behind the last record; at or behind every offset that anybody names.
  void end(stream::Offset offset) { end_ = offset; }

  stream::Offset records() const { return records_; }
  std::size_t runs() const { return runs_.size(); }
  // Every offset stays what it is.
  bool keeps_all() const { return end_ == records_; }
  // The record's own; nullopt: it is no longer there.
  std::optional<stream::Offset> exact(stream::Offset offset) const;
  // Of the first record at or behind it; records() where there is none. For "the next to read" and "from here on".
  stream::Offset at_or_after(stream::Offset offset) const;
  // Of the last record at or before it. For "read up to and with this one".
  std::optional<stream::Offset> at_or_before(stream::Offset offset) const;

 private:
  struct Run {
    stream::Offset from = 0;
    stream::Offset to = 0;
  };
  // The last run that begins at or before it; nullptr: none does.
  const Run* find(stream::Offset offset) const;
  stream::Offset length(const Run& run) const;

  std::vector<Run> runs_;
  stream::Offset records_ = 0;
  stream::Offset last_ = -1;
  stream::Offset end_ = 0;
};

}  // namespace qc::commands
