#include "core/reading.h"

#include <array>

namespace qc::core {

std::string_view name(Reason r) {
  static constexpr std::array<std::string_view, kReasons> kNames = {"",
                                                                    "garbage",
                                                                    "truncated",
                                                                    "oversized",
                                                                    "bad_shape",
                                                                    "unknown_factor",
                                                                    "wrong_unit",
                                                                    "not_a_number",
                                                                    "negative",
                                                                    "out_of_range",
                                                                    "future",
                                                                    "unknown_site",
                                                                    "too_many_hours",
                                                                    "wrong_partition",
                                                                    "not_supported"};
  const auto i = static_cast<std::size_t>(r);
  return i < kNames.size() ? kNames[i] : std::string_view();
}

std::string reason_of(const Amend& amend) {
  return "amended by " + amend.who + ": " + amend.reason;
}

}  // namespace qc::core
