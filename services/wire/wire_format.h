// Protobuf's bytes by hand, where building a message is most of the cost: which kind of record it is, a field of one
// without the others, the means, which are most of what is written; and, where protobuf refused a record, whether it
// was cut short. Values and functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qc::wire {

struct OnlyField {
  std::uint32_t number = 0;
  std::string_view content;
};
// The record's one length-delimited field, if that is all it holds (as every encoder of a oneof writes it).
std::optional<OnlyField> only_field(std::string_view bytes);

// The bytes are fields up to a point where a tag, a length or a field's content goes beyond the end.
bool ends_mid_field(std::string_view bytes);

// The fields of a message, one after the other. Groups, which nothing of ours has, cannot be read.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message) : rest_(message) {}
  // false: at the end, or it cannot be read.
  bool next();
  bool at_end() const { return ok_ && rest_.empty(); }

  std::uint32_t number() const { return number_; }
  bool is_number() const { return type_ == 0; }
  bool is_content() const { return type_ == 2; }
  std::int64_t value() const { return static_cast<std::int64_t>(value_); }  // of a varint
  std::string_view content() const { return content_; }                     // of what has a length

 private:
  bool varint(std::uint64_t& value) {
    if (rest_.empty() || static_cast<unsigned char>(rest_.front()) >= 0x80U) return long_varint(value);
    value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }
  bool long_varint(std::uint64_t& value);

  std::string_view rest_;
  bool ok_ = true;
  std::uint32_t number_ = 0;
  std::uint32_t type_ = 0;
  std::uint64_t value_ = 0;
  std::string_view content_;
};

// Appends fields as protobuf writes them: what is 0 or empty is left out. REQUIRES: in the order of their numbers.
class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}
  void number(std::uint32_t field, std::int64_t value) {
    if (value != 0) always(field, static_cast<std::uint64_t>(value));
  }
  // sint64
  void zigzag(std::uint32_t field, std::int64_t value) {
    if (value != 0) always_zigzag(field, value);
  }
  void always_zigzag(std::uint32_t field, std::int64_t value) {
    always(field, (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void text(std::uint32_t field, std::string_view text);
  // What is written until end() is the field's content. `length_bytes`: what its length will most likely take.
  std::size_t begin(std::uint32_t field, std::size_t length_bytes = 1);
  void end(std::size_t begun, std::size_t length_bytes = 1);
  void varint(std::uint64_t value) {
    if (value < 0x80U) {
      out_.push_back(static_cast<char>(value));
    } else {
      long_varint(value);
    }
  }

 private:
  void long_varint(std::uint64_t value);
  void always(std::uint32_t field, std::uint64_t value) {
    varint(std::uint64_t{field} << 3U);
    varint(value);
  }
  std::string& out_;
};

}  // namespace qc::wire
