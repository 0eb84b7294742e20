// Which partition a key goes to: Kafka's default (murmur2, as the Java client computes it), said explicitly so that any
// producer agrees.
#pragma once

#include <cstdint>
#include <string_view>

namespace qc::stream {

// Kafka's org.apache.kafka.common.utils.Utils.murmur2.
std::uint32_t murmur2(std::string_view bytes);
// toPositive(murmur2(key)) % partitions; partitions > 0.
int partition_of(std::string_view key, int partitions);

}  // namespace qc::stream
