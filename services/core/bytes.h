// How core state becomes bytes: varints, zigzag and length-prefixed strings, written by hand because core includes the
// standard library only and because state must stay small. A Reader never reads past its end: after the first
// malformed byte ok() is false and everything reads as zero.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.h"

namespace qc::core {

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  void u64(std::uint64_t v) {
    if (v < 0x80) {  // most of what is written
      out_.push_back(static_cast<char>(v));
      return;
    }
    char bytes[10];
    std::size_t n = 0;
    for (; v >= 0x80; v >>= 7) bytes[n++] = static_cast<char>(v | 0x80);
    bytes[n++] = static_cast<char>(v);
    out_.append(bytes, n);
  }
  void i64(std::int64_t v) { u64((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63)); }
  void time(EventTime t) { i64(ms(t)); }
  // A time or its `sentinel` (EventTime::min() or max()), which takes one byte.
  void time_or(EventTime sentinel, EventTime t) {
    u64(t == sentinel ? 0 : 1);
    if (t != sentinel) time(t);
  }
  void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void text(std::string_view s) {
    u64(s.size());
    out_.append(s);
  }

 private:
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  std::uint64_t u64() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == in_.size()) break;
      const auto byte = static_cast<std::uint8_t>(in_[at_++]);
      v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return v;
    }
    return bad();
  }
  std::int64_t i64() {
    const std::uint64_t v = u64();
    return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
  }
  // A number in [least, most]; anything else is malformed.
  std::int64_t i64_in(std::int64_t least, std::int64_t most) {
    const std::int64_t v = i64();
    return least <= v && v <= most ? v : static_cast<std::int64_t>(bad());
  }
  std::uint64_t u64_to(std::uint64_t most) {
    const std::uint64_t v = u64();
    return v <= most ? v : bad();
  }
  // Within three centuries of 1970, so that no sum of a time and a horizon overflows.
  EventTime time() { return event_time(i64_in(-kTimeMax, kTimeMax)); }
  EventTime time_or(EventTime sentinel) { return u64_to(1) == 0 ? sentinel : time(); }
  bool flag() { return u64_to(1) != 0; }
  std::uint8_t u8() {
    return at_ < in_.size() ? static_cast<std::uint8_t>(in_[at_++]) : static_cast<std::uint8_t>(bad());
  }
  std::string_view text() {
    const std::uint64_t n = u64();
    if (n > in_.size() - at_) {
      bad();
      return {};
    }
    const std::string_view s = in_.substr(at_, n);
    at_ += n;
    return s;
  }
  // A count of things that take at least one byte each: more than there are bytes is malformed.
  std::size_t size() {
    const std::uint64_t n = u64();
    return n <= in_.size() - at_ ? static_cast<std::size_t>(n) : static_cast<std::size_t>(bad());
  }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && at_ == in_.size(); }
  // The value does not fit what it is for: everything after reads as zero.
  std::uint64_t bad() {
    ok_ = false;
    at_ = in_.size();
    return 0;
  }

 private:
  static constexpr std::int64_t kTimeMax = 10'000'000'000'000;  // ms
  std::string_view in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace qc::core
