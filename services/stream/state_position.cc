#include "stream/state_position.h"

#include <cstdint>

namespace qc::stream {

namespace {

constexpr char kVersion = 1;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

bool take_varint(std::string_view& in, std::uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 63 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    *value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

std::string encode_positions(const Positions& positions) {
  std::string out(1, kVersion);
  put_varint(out, positions.size());
  for (const auto& [topic, offset] : positions) {
    put_varint(out, topic.size());
    out += topic;
    put_varint(out, static_cast<std::uint64_t>(offset));
  }
  return out;
}

Result<Positions> decode_positions(std::string_view bytes) {
  if (bytes.empty()) return fail(Errc::state_corrupt, "the position in the state is empty");
  if (bytes.front() != kVersion) {
    return fail(Errc::state_version, "the position in the state has version " +
                                         std::to_string(static_cast<unsigned char>(bytes.front())) +
                                         ", this binary reads 1");
  }
  bytes.remove_prefix(1);
  std::uint64_t count = 0;
  bool whole = take_varint(bytes, &count);
  Positions positions;
  for (; whole && count > 0; --count) {
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
    whole = take_varint(bytes, &size) && size <= bytes.size();
    if (!whole) break;
    std::string topic(bytes.substr(0, size));
    bytes.remove_prefix(size);
    whole = take_varint(bytes, &offset) && positions.emplace(std::move(topic), static_cast<Offset>(offset)).second;
  }
  if (!whole || !bytes.empty()) return fail(Errc::state_corrupt, "the position in the state is damaged");
  return positions;
}

}  // namespace qc::stream
