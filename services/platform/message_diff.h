// What changed from one configuration to another, in words, by walking the messages' descriptors: entries of lists are
// known by what names them (schema.proto: `defines`, `names`), so that a moved line is no change and an added one does
// not shift all that follow.
//
//   Limit GB 3095-2026 SO2 1h 2026-03-01: class_2: 500 -> 400
//   Site LL0701: added
//   horizons.close_after: 10min -> 5min
//
// Values are written as people write them in YAML; those of a map may be secret and are never repeated. Pure functions
// of their arguments.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace qc::platform {

// One line a change, in the order of the schema and of the lists. REQUIRES: both are of one type. Empty: nothing that a
// person would call a change; the order of entries may still be another.
std::vector<std::string> differences(const google::protobuf::Message& before, const google::protobuf::Message& after);

}  // namespace qc::platform
