// From the messages of config.proto to the rule set that stages judge by, and to the bytes and the hash under which the
// topic `rules` stores it. Functions; any thread. The loader (platform) has already checked what stands in one field;
// what concerns several (a parent that is its own ancestor, break points that don't rise) is checked here too, because
// a rule set may also come from a log.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/rules.h"

namespace qingchuan::v1 {
class RuleSet;
}

namespace qc::wire {

// Units are converted to pg/m3, each site gets the root of its region, absent dates become the ends of time, absent
// horizons their defaults (core::Horizons). `hash` is that of canonical_bytes(rules). config_invalid names what is
// wrong, and `where`, if it is given, the entry that is: "limits[3]", as the loader writes paths.
Result<core::RuleSet> build_rules(const ::qingchuan::v1::RuleSet& rules, std::string* where = nullptr);

// The value of a record of the topic `rules`. Deterministic.
std::string canonical_bytes(const ::qingchuan::v1::RuleSet& rules);

// The first 16 hex digits (lower case) of the SHA-256 of canonical bytes.
std::string rules_hash(std::string_view bytes);

// A record of the topic `rules` back to a rule set; the hash is taken from the bytes as they are. log_corrupt: not a
// rule set.
Result<core::RuleSet> parse_rules(std::string_view bytes);

}  // namespace qc::wire
