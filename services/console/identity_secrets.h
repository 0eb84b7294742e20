// Secrets: how they are made, what of them is kept, and which passwords are refused. Nothing here writes one anywhere.
//
// Functions; any thread. A password hash takes 128 * 8 * 2^log2_n bytes and, with 2^15, some 60 ms: HashSlots bounds
// how many are made at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "console/identity_codec.h"

namespace qc::console {

inline constexpr std::size_t kPasswordCharactersMin = 12;
inline constexpr std::size_t kPasswordBytesMax = 256;

std::string random_user_id();     // 16 hexadecimal digits; public
std::string random_secret();      // 64 hexadecimal digits: 256 bits
std::string one_time_password();  // "k7pd-xm2q-9fhr-t4wb": 79 bits in letters that are not mistaken for one another
std::string sha256_of(std::string_view text);
// In the time of their length, whatever is in them.
bool same_secret(std::string_view a, std::string_view b);
// Overwrites it, and empties it.
void wipe(std::string& secret);

// With a new salt. nullopt: there is no memory for it.
std::optional<PasswordHash> hash_password(std::string_view password, int log2_n);
// nullopt: there is no memory for it.
std::optional<bool> is_password(std::string_view password, const PasswordHash& hash);

// At most `slots` holders at a time.
class HashSlots {
 public:
  explicit HashSlots(int slots) : free_(slots) {}
  class Held {
   public:
    explicit Held(HashSlots* of) : of_(of) {}
    Held(Held&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    HashSlots* of_;
  };
  // nullopt: none was free in that time.
  std::optional<Held> take(std::chrono::milliseconds wait);

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  int free_;
};

// Why a password is refused, one sentence; nullopt: it is fine.
std::optional<std::string> weak_password(std::string_view account, std::string_view password);

// What a cookie or a token says: whose, and the proof. Views of it.
struct Presented {
  std::string_view id;
  std::string_view secret;
};
std::string session_text(std::string_view id, std::string_view secret);  // "ID_SECRET"
std::string token_text(std::string_view id, std::string_view secret);    // "qct_ID_SECRET"
std::optional<Presented> parse_session_text(std::string_view text);
std::optional<Presented> parse_token_text(std::string_view text);

}  // namespace qc::console
