#include "stream/partition.h"

#include "base/assert.h"

namespace qc::stream {

std::uint32_t murmur2(std::string_view bytes) {
  constexpr std::uint32_t kSeed = 0x9747b28c;  // Kafka's own seed
  constexpr std::uint32_t kMix = 0x5bd1e995;
  constexpr int kShift = 24;
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };

  const std::size_t length = bytes.size();
  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(length);
  const std::size_t words = length / 4;
  for (std::size_t word = 0; word < words; ++word) {
    const std::size_t i = word * 4;
    std::uint32_t k = at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24);
    k *= kMix;
    k ^= k >> kShift;
    k *= kMix;
    hash *= kMix;
    hash ^= k;
  }
  const std::size_t rest = words * 4;
  switch (length - rest) {
    case 3:
      hash ^= at(rest + 2) << 16;
      [[fallthrough]];
    case 2:
      hash ^= at(rest + 1) << 8;
      [[fallthrough]];
    case 1:
      hash ^= at(rest);
      hash *= kMix;
      break;
    default:
      break;
  }
  hash ^= hash >> 13;
  hash *= kMix;
  hash ^= hash >> 15;
  return hash;
}

int partition_of(std::string_view key, int partitions) {
  QC_ASSERT(partitions > 0);
  return static_cast<int>((murmur2(key) & 0x7FFFFFFFU) % static_cast<std::uint32_t>(partitions));
}

}  // namespace qc::stream
