// Prints records of any topic for people and scripts: JSON lines by protobuf's own mapping, or CSV for means and
// signals. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stream/log.h"

namespace qc::commands {

enum class TailFormat { Json, Csv };

// Of what thing the record is a revision, without printing it.
struct Identity {
  std::string id;
  std::int64_t revision = 0;
};
Identity identity_of(std::string_view topic, const stream::Record& record);

// The first line of the output; "" where there is none.
std::string tail_header(std::string_view topic, TailFormat format);

// A line with its end; empty where there is nothing to print (a tick among means, a tombstone in CSV). Never fails:
// bytes that are no message of the topic are printed in hex.
std::string print_record(std::string_view topic, const stream::Record& record, TailFormat format);

}  // namespace qc::commands
