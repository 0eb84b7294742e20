// Who asks, and what they may: roles by region. A grant holds for its region and all below it; of a group ("plain") for
// its members, too. Roles do not include one another, but that every one of them lets its holder see.
//
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/rules.h"
#include "core/time.h"

namespace qc::console {

// The numbers of identity.proto.
enum class Role : std::uint8_t { None = 0, Viewer, Operator, Approver, Dispatcher, Admin };
inline constexpr int kRoles = 5;
std::string_view name(Role role);  // "viewer"
std::optional<Role> role_named(std::string_view text);

inline constexpr std::string_view kEverywhere = "*";

struct Grant {
  Role role = Role::None;
  std::string region;  // id; kEverywhere
  auto operator<=>(const Grant&) const = default;
};

enum class SignedInBy : std::uint8_t { Session = 1, Token };

struct Principal {
  std::string account;
  std::string full_name;  // who the ledger names: "zhang (张三)"
  std::vector<Grant> grants;
  std::vector<std::string> offices;
  SignedInBy by = SignedInBy::Session;
  std::string id;    // of the session or the token; public
  std::string csrf;  // of a session: what X-CSRF-Token must say
  bool change_password = false;
  core::EventTime expires{};
};

// The regions that a set of grants reaches, by the rules in force.
struct Sight {
  bool everything = false;
  std::set<std::string, std::less<>> regions;
  bool sees(std::string_view region) const { return everything || regions.find(region) != regions.end(); }
  bool operator==(const Sight&) const = default;
};

// `role` None: any role (to see). A region whose place in the tree the rules do not know is seen by kEverywhere alone.
Sight sight_of(const std::vector<Grant>& grants, const core::RuleSet* rules, Role role = Role::None);
bool may(const Principal& who, Role role, std::string_view region, const core::RuleSet* rules);
// Holds the role anywhere at all.
bool has_role(const Principal& who, Role role);

}  // namespace qc::console
