#include "console/identity_secrets.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/assert.h"
#include "platform/hmac.h"

namespace qc::console {
namespace {

constexpr std::size_t kIdBytes = kUserIdBytes / 2;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSaltBytes = 16;
// The table of the greatest hash that a record may ask for, and what scrypt takes beside it.
constexpr std::uint64_t kScryptBytesMax = (64ULL << 20) + (1ULL << 20);
constexpr std::string_view kTokenPrefix = "qct_";
constexpr std::size_t kShortPart = 6;

// What people choose when twelve characters are asked for, in small letters.
constexpr std::array<std::string_view, 52> kMostUsed = {
    "password1234",  "password12345", "password123456",   "passwordpassword", "password2024",  "password2025",
    "password2026",  "passw0rd1234",  "p@ssw0rd1234",     "p@ssword1234",     "administrator", "administrator1",
    "admin1234567",  "admin12345678", "admin123456789",   "adminadmin123",    "admin@123456",  "admin@12345678",
    "qwertyuiop12",  "qwertyuiop123", "qwertyuiop[]",     "qwertyuiopasdf",   "qwerty123456",  "qwerty1234567",
    "1q2w3e4r5t6y",  "1qaz2wsx3edc",  "1qaz2wsx3edc4rfv", "!qaz2wsx3edc",     "q1w2e3r4t5y6",  "zaq12wsxcde3",
    "asdfghjkl123",  "asdfghjkl;'",   "abcdefghijkl",     "abcdefgh1234",     "abcd12345678",  "abc123456789",
    "a123456789012", "aa1234567890",  "iloveyou1234",     "iloveyou1314",     "woaini1314520", "woaini5201314",
    "woaini520520",  "wozuinide1314", "woaizuguo123",     "zhongguo12345",    "huanbaoju123",  "huanbaoju12345",
    "mima12345678",  "mima123456789", "changeme1234",     "letmein12345"};

std::string random_secret_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  QC_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) == 1);
  return bytes;
}

std::string hex_of_secret(std::string_view bytes) {
  return platform::hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string random_secret_hex(std::size_t count) {
  std::string bytes = random_secret_bytes(count);
  std::string text = hex_of_secret(bytes);
  wipe(bytes);
  return text;
}

bool scrypt(std::string_view password, const PasswordHash& how, std::string& out) {
  out.assign(kHashBytes, '\0');
  return EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(how.salt.data()),
                        how.salt.size(), 1ULL << how.log2_n, static_cast<std::uint64_t>(how.r),
                        static_cast<std::uint64_t>(how.p), kScryptBytesMax,
                        reinterpret_cast<unsigned char*>(out.data()), out.size()) == 1;
}

std::string small_letters_of(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

// Of UTF-8; of other bytes something between 1 and their number.
std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

// "woainiwoaini"
bool repeats_a_short_part(std::string_view text) {
  for (std::size_t part = 1; part <= kShortPart; ++part) {
    if (text.substr(part) == text.substr(0, text.size() - part)) return true;
  }
  return false;
}

std::optional<Presented> parse_presented(std::string_view text) {
  if (text.size() != kUserIdBytes + 1 + 2 * kSecretBytes || text[kUserIdBytes] != '_') return std::nullopt;
  const Presented parts{text.substr(0, kUserIdBytes), text.substr(kUserIdBytes + 1)};
  if (!is_user_id(parts.id) || parts.secret.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return std::nullopt;
  return parts;
}

}  // namespace

std::string random_user_id() {
  return random_secret_hex(kIdBytes);
}

std::string random_secret() {
  return random_secret_hex(kSecretBytes);
}

std::string one_time_password() {
  constexpr std::string_view kLetters = "23456789abcdefghjkmnpqrstuvwxyz";  // no 0 o 1 l i
  constexpr unsigned kFair = 256 / kLetters.size() * kLetters.size();       // above: thrown again
  std::string password;
  while (password.size() < 4 * 5 - 1) {
    if (password.size() % 5 == 4) {
      password += '-';
      continue;
    }
    std::string byte = random_secret_bytes(1);
    const auto thrown = static_cast<unsigned char>(byte[0]);
    wipe(byte);
    if (thrown < kFair) password += kLetters[thrown % kLetters.size()];
  }
  return password;
}

std::string sha256_of(std::string_view text) {
  std::string out(kHashBytes, '\0');
  unsigned int length = 0;
  QC_ASSERT(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &length, EVP_sha256(),
                       nullptr) == 1 &&
            length == kHashBytes);
  return out;
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

std::optional<PasswordHash> hash_password(std::string_view password, int log2_n) {
  PasswordHash made;
  made.log2_n = log2_n;
  made.salt = random_secret_bytes(kSaltBytes);
  if (!scrypt(password, made, made.hash)) return std::nullopt;
  return made;
}

std::optional<bool> is_password(std::string_view password, const PasswordHash& hash) {
  std::string made;
  if (!scrypt(password, hash, made)) return std::nullopt;
  return same_secret(made, hash.hash);
}

HashSlots::Held::~Held() {
  if (of_ == nullptr) return;
  const std::lock_guard lock(of_->mutex_);
  ++of_->free_;
  of_->freed_.notify_one();
}

std::optional<HashSlots::Held> HashSlots::take(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  if (!freed_.wait_for(lock, wait, [this] { return free_ > 0; })) return std::nullopt;
  --free_;
  return Held(this);
}

std::optional<std::string> weak_password(std::string_view account, std::string_view password) {
  if (characters_in(password) < kPasswordCharactersMin) return "a password has at least 12 characters";
  if (password.size() > kPasswordBytesMax) return "a password has at most 256 bytes";
  std::string small = small_letters_of(password);
  std::string why;
  // A name of two letters is in half of all words.
  if (account.size() > 2 && small.find(account) != std::string::npos) {
    why = "the account's name is in it";
  } else if (small.find_first_not_of("0123456789") == std::string::npos && small.size() < 16) {
    why = "a password of digits alone has at least 16";
  } else if (std::set<char>(small.begin(), small.end()).size() < 5) {
    why = "it has fewer than 5 different characters";
  } else if (repeats_a_short_part(small)) {
    why = "it repeats a few characters";
  } else if (std::find(kMostUsed.begin(), kMostUsed.end(), small) != kMostUsed.end() ||
             std::string_view("12345678901234567890123456789012").starts_with(small)) {
    why = "it is one of the most used passwords";
  }
  wipe(small);
  return why.empty() ? std::nullopt : std::optional(std::move(why));
}

std::string session_text(std::string_view id, std::string_view secret) {
  return std::string(id) + "_" + std::string(secret);
}

std::string token_text(std::string_view id, std::string_view secret) {
  return std::string(kTokenPrefix) + session_text(id, secret);
}

std::optional<Presented> parse_session_text(std::string_view text) {
  return parse_presented(text);
}

std::optional<Presented> parse_token_text(std::string_view text) {
  if (!text.starts_with(kTokenPrefix)) return std::nullopt;
  return parse_presented(text.substr(kTokenPrefix.size()));
}

}  // namespace qc::console
