#include "wire/wire_format.h"

namespace qc::wire {
namespace {

enum class Step { Done, Cut, Bad };

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

// Records hold only length-delimited fields at the top: anything else is no record of ours.
Step take_field(std::string_view& bytes, OnlyField& field) {
  std::uint64_t tag = 0;
  if (const Step s = take_varint(bytes, tag); s != Step::Done) return s;
  const std::uint64_t number = tag >> 3;
  if ((tag & 7u) != kLengthDelimited || number == 0 || number > 0x1fffffff) return Step::Bad;
  std::uint64_t length = 0;
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
  if (take_field(bytes, field) != Step::Done || !bytes.empty()) return std::nullopt;
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

}  // namespace qc::wire
