// The rules in force as the console needs them: names and places of regions and sites, who lies below whom. Built once
// a rule set; a value, shared by pointer; any thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/rules.h"

namespace qc::console {

class Places {
 public:
  explicit Places(std::shared_ptr<const core::RuleSet> rules);

  const core::RuleSet& rules() const { return *rules_; }
  const std::shared_ptr<const core::RuleSet>& shared_rules() const { return rules_; }
  const core::Region* region(std::string_view id) const;  // nullptr: unknown
  const core::SiteInfo* site(std::string_view id) const;
  // Of a site or region: its name; the id where it has none.
  std::string_view name(std::string_view id) const;
  std::string_view name_en(std::string_view id) const;  // the Chinese name where it has none
  // The region and all below it; of a group its members and theirs.
  const std::set<std::string, std::less<>>& below(std::string_view region) const;
  // The region that a site lies in, or the id itself where it is a region; empty: unknown.
  std::string_view region_of(std::string_view id) const;

 private:
  std::shared_ptr<const core::RuleSet> rules_;
  std::map<std::string_view, const core::Region*, std::less<>> regions_;
  std::map<std::string_view, const core::SiteInfo*, std::less<>> sites_;
  std::map<std::string_view, std::set<std::string, std::less<>>, std::less<>> below_;
};

}  // namespace qc::console
