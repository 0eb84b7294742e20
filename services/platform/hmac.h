// Signatures of what we send: HMAC with SHA-256 (RFC 2104, FIPS 180-4), as bytes, and how bytes are written as text.
// Functions of their arguments; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace qc::platform {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 hmac_sha256(std::string_view key, std::string_view text);

std::string hex(std::span<const std::uint8_t> bytes);     // "0aff"
std::string base64(std::span<const std::uint8_t> bytes);  // with padding

}  // namespace qc::platform
