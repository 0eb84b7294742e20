// The byte form of record headers and the printable name of a partition.
#include "stream/log.h"

namespace qc::stream {
namespace {

void put_varint(std::string& out, std::size_t n) {
  while (n >= 0x80) {
    out.push_back(static_cast<char>((n & 0x7F) | 0x80));
    n >>= 7;
  }
  out.push_back(static_cast<char>(n));
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out.append(bytes);
}

// Takes one length and that many bytes off the front; nullopt where they are not all there.
std::optional<std::string_view> take_bytes(std::string_view& in) {
  std::uint64_t length = 0;
  for (unsigned shift = 0; shift < 63; shift += 7) {
    if (in.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    length |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      if (length > in.size()) return std::nullopt;
      const std::string_view bytes = in.substr(0, length);
      in.remove_prefix(length);
      return bytes;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string to_string(const TopicPartition& tp) {
  return tp.topic + "-" + std::to_string(tp.partition);
}

std::string encode_headers(std::span<const Header> headers) {
  std::size_t bytes = 0;
  for (const Header& header : headers) bytes += header.key.size() + header.value.size() + 4;
  std::string out;
  out.reserve(bytes);
  for (const Header& header : headers) {
    put_bytes(out, header.key);
    put_bytes(out, header.value);
  }
  return out;
}

void each_header(std::string_view headers,
                 const std::function<void(std::string_view key, std::string_view value)>& use) {
  while (!headers.empty()) {
    const auto key = take_bytes(headers);
    if (!key) return;
    const auto value = take_bytes(headers);
    if (!value) return;
    use(*key, *value);
  }
}

std::optional<std::string_view> find_header(std::string_view headers, std::string_view key) {
  while (!headers.empty()) {
    const auto name = take_bytes(headers);
    if (!name) return std::nullopt;
    const auto value = take_bytes(headers);
    if (!value) return std::nullopt;
    if (*name == key) return value;
  }
  return std::nullopt;
}

}  // namespace qc::stream
