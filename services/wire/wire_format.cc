#include "wire/wire_format.h"

#include <array>

namespace qc::wire {
namespace {

enum class Step { Done, Cut, Bad };

constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kLengthDelimited = 2;

Step take_varint(std::string_view& bytes, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) return Step::Cut;
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fu) << shift;
    if ((byte & 0x80u) == 0) return Step::Done;
  }
  return Step::Bad;
}

// Records hold only numbers and length-delimited fields at the top: anything else is no record of ours. Of a number
// `field.number` is 0.
Step take_field(std::string_view& bytes, OnlyField& field) {
  std::uint64_t tag = 0;
  if (const Step s = take_varint(bytes, tag); s != Step::Done) return s;
  const std::uint64_t number = tag >> 3;
  if (number == 0 || number > 0x1fffffff) return Step::Bad;
  std::uint64_t length = 0;
  if ((tag & 7u) == kVarint) {
    field = {};
    return take_varint(bytes, length);
  }
  if ((tag & 7u) != kLengthDelimited) return Step::Bad;
  if (const Step s = take_varint(bytes, length); s != Step::Done) return s;
  if (length > bytes.size()) return Step::Cut;
  field.number = static_cast<std::uint32_t>(number);
  field.content = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return Step::Done;
}

}  // namespace

std::optional<OnlyField> only_field(std::string_view bytes) {
  OnlyField field;
  if (take_field(bytes, field) != Step::Done || !bytes.empty() || field.number == 0) return std::nullopt;
  return field;
}

bool ends_mid_field(std::string_view bytes) {
  OnlyField field;
  while (!bytes.empty()) {
    const Step s = take_field(bytes, field);
    if (s != Step::Done) return s == Step::Cut;
  }
  return false;
}

bool FieldReader::long_varint(std::uint64_t& value) {
  return take_varint(rest_, value) == Step::Done;
}

bool FieldReader::next() {
  if (!ok_ || rest_.empty()) return false;
  std::uint64_t tag = 0;
  ok_ = varint(tag) && tag >> 3U != 0 && tag <= 0xffff'ffffU;
  if (!ok_) return false;
  number_ = static_cast<std::uint32_t>(tag >> 3U);
  type_ = tag & 7U;
  content_ = {};
  constexpr std::uint32_t kFixed64 = 1;
  constexpr std::uint32_t kFixed32 = 5;
  std::uint64_t length = 0;
  switch (type_) {
    case 0:
      return ok_ = varint(value_);
    case kLengthDelimited:
      ok_ = varint(length);
      break;
    case kFixed64:
      length = 8;
      break;
    case kFixed32:
      length = 4;
      break;
    default:
      ok_ = false;
  }
  ok_ = ok_ && length <= rest_.size();
  if (!ok_) return false;
  content_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

void FieldWriter::long_varint(std::uint64_t value) {
  std::array<char, 10> bytes{};
  std::size_t n = 0;
  for (; value >= 0x80U; value >>= 7U) bytes[n++] = static_cast<char>(value | 0x80U);
  bytes[n++] = static_cast<char>(value);
  out_.append(bytes.data(), n);
}

void FieldWriter::text(std::uint32_t field, std::string_view text) {
  if (text.empty()) return;
  varint(std::uint64_t{field} << 3U | kLengthDelimited);
  varint(text.size());
  out_.append(text);
}

std::size_t FieldWriter::begin(std::uint32_t field, std::size_t length_bytes) {
  varint(std::uint64_t{field} << 3U | kLengthDelimited);
  out_.append(length_bytes, '\0');
  return out_.size();
}

void FieldWriter::end(std::size_t begun, std::size_t length_bytes) {
  std::string length;
  FieldWriter(length).varint(out_.size() - begun);
  out_.replace(begun - length_bytes, length_bytes, length);
}

}  // namespace qc::wire
