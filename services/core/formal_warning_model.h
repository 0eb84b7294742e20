// For tests of formal warnings only: what architecture section 7 says of them, written apart from the machine. It keeps
// what was said and done as a list of facts, and the messages as a list; what a warning is, is asked of them anew at
// every step.
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "core/alert.h"
#include "core/formal_warning.h"

namespace qc::core::fixture {

struct Propose {
  int level = 0;
  Basis basis = Basis::None;
  std::string criteria;
};
struct FormalRecord {
  EventTime at{};
  std::string who;                                                   // of commands
  std::variant<Propose, Approve, Issue, Lift, std::monostate> what;  // the last one: time passes
};

class FormalModel {
 public:
  struct Seen {
    Refusal refusal = Refusal::None;
    bool attention = false;
    bool changed = false;
    bool published = false;
    FormalStep step = FormalStep::None;
    FormalWarning warning;
    bool operator==(const Seen&) const = default;
  };
  Seen step(const FormalRules& rules, const FormalRecord& record);
  const std::vector<FormalMessage>& messages() const { return messages_; }

 private:
  enum class Kind { Said, Approved, Issued, Lifted, Overdue };
  struct Fact {
    Kind kind = Kind::Said;
    EventTime at{};
    int level = 0;
    Basis basis = Basis::None;
    std::string criteria;
    std::string by;
    std::string role;
    std::string words;
    bool by_machine = false;  // Said: as the rules were
  };
  using Place = std::optional<std::size_t>;

  // All of them ask the first `n` facts.
  Place last(std::size_t n, Kind kind) const;
  int said(std::size_t n) const;
  Place said_since(std::size_t n) const;
  Place real(std::size_t n) const;
  int real_level(std::size_t n) const;
  bool wanted(std::size_t n) const;
  bool drill(std::size_t n) const;
  Place consent(std::size_t n) const;

  FormalApproval approval(std::size_t fact) const;
  FormalIssue issue(std::size_t fact) const;
  const FormalMessage* sent(FormalStatus status) const;
  void send(FormalType type, FormalStatus status, EventTime at, int level, Basis basis, const std::string& role);
  void hear(const FormalRules& rules, const FormalRecord& record, const Propose& p);
  Refusal obey(const FormalRules& rules, const FormalRecord& record);
  bool pass(const FormalRules& rules, EventTime to);
  FormalWarning warning() const;
  FormalStep step() const;

  std::vector<Fact> facts_;
  std::vector<FormalMessage> messages_;
};

std::string text(const FormalRecord& record);
std::string text(const FormalMessage& m);

std::ostream& operator<<(std::ostream& out, const FormalModel::Seen& seen);

}  // namespace qc::core::fixture
