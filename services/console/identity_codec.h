// Records of `users` (identity.proto) to values and back. What decoding lets through has names, texts, numbers and
// times within their limits and stands under its own key; what it refuses is a core::Rejected that says where and why.
//
// Values and functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "console/principal.h"
#include "core/reading.h"

namespace qc::console {

inline constexpr std::size_t kGrantsMax = 64;  // of an account or a token
inline constexpr std::size_t kOfficesMax = 32;
inline constexpr std::size_t kFullNameBytesMax = 120;
inline constexpr std::size_t kUserTextBytesMax = 200;  // a note, who changed something
inline constexpr std::size_t kUserIdBytes = 16;        // hexadecimal digits
inline constexpr std::size_t kUserRecordBytesMax = 64 << 10;

// scrypt (RFC 7914). Its table takes 128 * r * 2^log2_n bytes.
struct PasswordHash {
  int log2_n = 0;
  int r = 8;
  int p = 1;
  std::string salt;
  std::string hash;
  bool operator==(const PasswordHash&) const = default;
};
inline constexpr int kScryptLog2NMin = 10;
inline constexpr int kScryptLog2NMax = 16;  // with r 8: 64 MB
inline constexpr int kScryptRMax = 8;
inline constexpr int kScryptPMax = 4;
inline constexpr std::size_t kHashBytes = 32;

struct StoredAccount {
  std::string name;
  std::int32_t revision = 1;
  std::string full_name;
  std::vector<Grant> grants;
  std::vector<std::string> offices;
  std::optional<PasswordHash> password;
  bool change_password = false;
  bool disabled = false;
  core::EventTime changed{};
  std::string changed_by;
  core::EventTime sessions_from{};
  bool operator==(const StoredAccount&) const = default;
};

struct StoredSession {
  std::string id;
  std::string account;
  std::string secret_sha256;
  core::EventTime began{};
  core::EventTime expires{};
  std::string peer;
  core::EventTime confirmed{};
  bool operator==(const StoredSession&) const = default;
};

struct StoredToken {
  std::string id;
  std::string account;
  std::string secret_sha256;
  std::string note;
  std::vector<Grant> scope;
  core::EventTime made{};
  core::EventTime expires{};
  bool operator==(const StoredToken&) const = default;
};

// 2..32 of a-z 0-9 . _ -
bool is_account_name(std::string_view text);
// 16 of 0-9 a-f
bool is_user_id(std::string_view text);
// "*", or 1..64 bytes as a region's id may be.
bool is_grant_region(std::string_view text);

enum class UserKind : std::uint8_t { Account, Session, Token };
struct UserKey {
  UserKind kind = UserKind::Account;
  std::string_view id;  // of an account its name
};
std::optional<UserKey> parse_user_key(std::string_view key);
std::string user_key(UserKind kind, std::string_view id);  // "session|0123456789abcdef"

std::string encode(const StoredAccount& account);
std::string encode(const StoredSession& session);
std::string encode(const StoredToken& token);

using DecodedUser = std::variant<StoredAccount, StoredSession, StoredToken, core::Rejected>;
DecodedUser decode_user(std::string_view key, std::string_view value);

}  // namespace qc::console
