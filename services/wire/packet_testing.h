// For tests and fuzzers: a packet that only protobuf reads, and whether two batches are the same.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "core/reading.h"

namespace qc::wire {

inline void append_varint(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7f));
  out += static_cast<char>(value);
}

// The record of a ReadingBatch of these bytes and a field that nobody knows.
inline std::string with_unknown_field(std::string_view batch) {
  const std::string content = std::string(batch) + "\xa0\x06\x01";  // number 100, a varint
  std::string record = "\x0a";
  append_varint(record, content.size());
  return record + content;
}

inline bool same(const core::ReadingBatch& a, const core::ReadingBatch& b) {
  const auto same_column = [](const core::Column& x, const core::Column& y) {
    return x.factor == y.factor && x.first == y.first && x.count == y.count;
  };
  const auto same_value = [](core::Concentration x, core::Concentration y) { return x.pg == y.pg; };
  return a.site == b.site && a.received == b.received && a.stamp_ms == b.stamp_ms && a.source == b.source &&
         a.start == b.start && a.step == b.step && a.flags == b.flags &&
         std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(), same_column) &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(), same_value) &&
         a.rejected.empty() && b.rejected.empty();
}

}  // namespace qc::wire
