// The conservation ledger (architecture section 6): every reading that comes in is counted once, as it arrives, and
//   in = stored + suspect + replaced + duplicate + flagged + late + unknown + malformed
// holds after every record. The counts are part of the state, so a crash neither loses nor doubles one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/reading.h"

namespace qc::core {

enum class Account : std::uint8_t {
  Stored,     // into an empty slot
  Suspect,    // stored with a mark
  Replaced,   // took the place of a lesser one
  Duplicate,  // the slot already holds it, or a greater one
  Flagged,    // the device says it is no measurement
  Late,       // behind its horizon
  Unknown,    // of a site nobody knows
  Malformed,  // see the reasons
};
inline constexpr std::size_t kAccounts = 8;
std::string_view name(Account a);

struct Ledger {
  std::int64_t in = 0;
  std::array<std::int64_t, kAccounts> accounts{};
  std::array<std::int64_t, kReasons> malformed{};  // by reason; their sum is accounts[Malformed]

  void count(Account a, std::int64_t n = 1) {
    in += n;
    accounts[static_cast<std::size_t>(a)] += n;
  }
  void count_malformed(Reason r, std::int64_t n) {
    count(Account::Malformed, n);
    malformed[static_cast<std::size_t>(r)] += n;
  }
  std::int64_t of(Account a) const { return accounts[static_cast<std::size_t>(a)]; }
  bool balanced() const;
  auto operator<=>(const Ledger&) const = default;
};

}  // namespace qc::core
