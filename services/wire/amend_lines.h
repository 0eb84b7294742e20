// Corrections in the words that people write: one from the options of `qingchuan amend`, many from a CSV file, which is
// how a day's 审核 comes (docs/amend.md). Here is judged all that can be judged without a log.
//
// All or nothing: whoever finds a problem in AmendFile uses none of its corrections. Functions; any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/result.h"
#include "core/reading.h"
#include "wire/byte_source.h"

namespace qc::wire {

struct AmendWords {
  std::string_view site;
  std::string_view factor;
  std::string_view action;  // invalidate, replace, restore
  std::string_view value;   // replace only
  std::string_view unit;    // replace only
  std::string_view reason;
};

// Who says so, and whether a person with that right has confirmed it (审核).
struct AmendBy {
  std::string who;
  bool audited = false;
};

// The error says what is wrong and what was expected. The id follows from all the rest: the same words are the same
// correction, and made twice they change nothing.
tl::expected<core::Amend, std::string> make_amend(const AmendWords& words, core::Interval hours, const AmendBy& by);

// One correction of a file, and where it stands: "audit.csv:12".
struct AmendLine {
  core::Amend amend;
  std::string where;
};

struct AmendFile {
  std::vector<AmendLine> lines;
  std::vector<std::string> problems;  // "audit.csv:12: what is wrong", in the order of the lines
};

struct AmendFileLimits {
  std::size_t line_bytes_max = 65'536;
  std::size_t lines_max = 20'000;  // a day of 800 series
  std::size_t problems_max = 50;   // then one last one says that there are more
};

// time,site,factor,action,value,unit,reason; each line one hour, `time` its start. file_unreadable: the device or the
// compression failed.
Result<AmendFile> read_amends(const std::string& name, std::unique_ptr<ByteSource> source, const AmendBy& by,
                              const AmendFileLimits& limits = {});

}  // namespace qc::wire
