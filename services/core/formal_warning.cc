#include "core/formal_warning.h"

#include <array>

namespace qc::core {

std::string_view name(FormalStep s) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "candidate", "approved", "issued", "lifted"};
  return kNames.at(static_cast<std::size_t>(s));
}

std::string_view name(FormalType t) {
  constexpr std::array<std::string_view, 3> kNames = {"Alert", "Update", "Cancel"};
  return kNames.at(static_cast<std::size_t>(t));
}

std::string_view name(FormalStatus s) {
  constexpr std::array<std::string_view, 3> kNames = {"Draft", "Actual", "Exercise"};
  return kNames.at(static_cast<std::size_t>(s));
}

FormalStep FormalWarning::step() const {
  if (!lifted.by.empty()) return FormalStep::Lifted;
  if (issued.level > 0) return FormalStep::Issued;
  if (approved.level > 0) return FormalStep::Approved;
  return proposed.level > 0 ? FormalStep::Candidate : FormalStep::None;
}

std::string summary(const FormalWarning& w) {
  std::string s;
  const auto add = [&s](const std::string& what) { s += (s.empty() ? "" : ", ") + what; };
  if (w.step() == FormalStep::Lifted) add("lifted");
  if (w.step() == FormalStep::Issued) {
    add((w.issued.exercise ? "exercise " : "issued ") + std::to_string(w.issued.level));
  }
  if (w.is_candidate()) {
    add("candidate " + std::to_string(w.proposed.level) + (w.approved.level > 0 ? " approved" : ""));
  } else if (w.undecided()) {
    add("to be lifted");
  }
  if (w.proposed.escalated) add("overdue");
  return s.empty() ? "none" : s;
}

}  // namespace qc::core
