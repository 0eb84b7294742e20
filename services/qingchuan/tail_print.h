// Prints records of any topic for people and scripts: JSON lines by protobuf's own mapping, or CSV for means and
// signals. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stream/log.h"

namespace qc::commands {

enum class TailFormat { Json, Csv };

// One printed record; `id` and `revision` say which thing it is a revision of. Empty text: not printed (a tick among
// means, a tombstone in CSV).
struct Printed {
  std::string text;  // with its line's end
  std::string id;
  std::int64_t revision = 0;
};

// The first line of the output; "" where there is none.
std::string tail_header(std::string_view topic, TailFormat format);

// Never fails: bytes that are no message of the topic are printed as base64 under "bytes".
Printed print_record(std::string_view topic, const stream::Record& record, TailFormat format);

}  // namespace qc::commands
