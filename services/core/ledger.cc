#include "core/ledger.h"

#include <numeric>

namespace qc::core {

std::string_view name(Account a) {
  static constexpr std::array<std::string_view, kAccounts> kNames = {"stored",  "suspect", "replaced", "duplicate",
                                                                     "flagged", "late",    "unknown",  "malformed"};
  const auto i = static_cast<std::size_t>(a);
  return i < kNames.size() ? kNames[i] : std::string_view();
}

bool Ledger::balanced() const {
  const auto total = [](const auto& counts) { return std::accumulate(counts.begin(), counts.end(), std::int64_t{0}); };
  return in == total(accounts) && of(Account::Malformed) == total(malformed);
}

}  // namespace qc::core
