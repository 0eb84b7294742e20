// What rules.cc builds a rule set with: one function for each part, which reads its messages and adds to `out` or says
// what is wrong. Parts that refer to others come after them (kParts in rules.cc). Used once, by one thread; only by the
// files rules*.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/rules.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::wire {

class RulesBuilder {
 public:
  explicit RulesBuilder(const ::qingchuan::v1::RuleSet& in) : in_(in) {}

  // config_invalid: the first thing that is wrong.
  Result<core::RuleSet> build();
  // The entry that was being read: "limits[3]".
  const std::string& at() const { return at_; }

 private:
  // rules_standards.cc
  Result<void> standards();
  Result<void> limits();
  Result<void> validities();
  Result<void> percentiles();
  Result<void> composites();
  // rules_indices.cc
  Result<void> editions();
  // rules_signals.cc
  Result<void> horizons();
  Result<void> checks();
  Result<void> neighbourhood();
  Result<void> signals();
  // rules_alerts.cc
  Result<void> alerts();
  // rules_warnings.cc
  Result<void> warnings();
  // rules_places.cc
  Result<void> regions();
  Result<void> sites();
  // rules_emergency.cc
  Result<void> inventories();
  Result<void> enterprises();
  Result<void> emergency_duties();

  Result<core::Validity> validity(const ::qingchuan::v1::Validity& v, const std::string& what) const;
  Result<core::CompositeItem> composite_item(const ::qingchuan::v1::CompositeItem& i, const core::Composite& composite,
                                             const std::string& what) const;
  Result<core::AqiEdition> edition(const ::qingchuan::v1::AqiEdition& e, const std::string& what) const;
  static Result<core::AqiItem> item(const ::qingchuan::v1::AqiItem& i, std::size_t points, const std::string& edition);
  static Result<void> speaks_instead(const core::AqiEdition& edition, const core::AqiItem& item,
                                     const std::string& what);
  Result<core::SignalRule> signal(const ::qingchuan::v1::SignalRule& s, const std::string& what) const;
  Result<void> levels(const core::SignalRule& rule, const std::string& what) const;
  Result<core::WarningCriteria> criteria(const ::qingchuan::v1::WarningCriteria& w, const std::string& what) const;
  static Result<core::WarningAlternative> alternative(const ::qingchuan::v1::WarningAlternative& a,
                                                      const std::string& what);
  Result<std::string> root(const std::string& region) const;
  Result<void> members(const core::Region& region) const;
  Result<core::SiteInfo> site(const ::qingchuan::v1::Site& s, const std::string& what) const;
  Result<void> aliases(const ::qingchuan::v1::Site& s);
  static Result<void> place(const ::qingchuan::v1::Site& s, const std::string& what, core::SiteInfo& site);
  static Result<core::Ring> polygon(const ::qingchuan::v1::Region& r, const std::string& what);
  Result<core::Enterprise> enterprise(const ::qingchuan::v1::Enterprise& e, const std::string& what) const;
  static Result<core::ProductionLine> line(const ::qingchuan::v1::ProductionLine& l, const std::string& what);
  static Result<void> measure(const ::qingchuan::v1::Measure& m, const std::string& what, core::ProductionLine& line);
  Result<void> listed_within_inventories();

  // ---- what every part needs
  // -----------------------------------------------------------------------------------------

  // Calls `read` with each entry of a list until one is wrong, and notes which it is.
  template <class List, class Read>
  Result<void> each(const char* name, const List& list, Read read) {
    int n = 0;
    for (const auto& entry : list) {
      at_ = std::string(name) + '[' + std::to_string(n++) + ']';
      if (Result<void> done = read(entry); !done) return done;
    }
    return {};
  }

  static tl::unexpected<Error> invalid(std::string text) { return fail(Errc::config_invalid, std::move(text)); }
  static Result<core::Dated> dated(std::int64_t from, std::int64_t until, const std::string& what);
  static bool overlap(const core::Dated& a, const core::Dated& b) { return a.from < b.until && b.from < a.until; }
  Result<std::string> clause(const std::string& standard, const std::string& text) const;
  // A pollutant; an index is refused.
  static Result<core::Factor> pollutant(int factor, const std::string& what);
  static Result<core::Window> window(::qingchuan::v1::Window w, const std::string& what);
  static Result<core::Concentration> concentration(std::int64_t millionths, ::qingchuan::v1::Unit unit,
                                                   const std::string& what);

  template <class... T>
  static const Error* first_error(const Result<T>&... results) {
    const Error* found = nullptr;
    ((found = found == nullptr && !results ? &results.error() : found), ...);
    return found;
  }
  template <class T>
  static bool rising(const std::vector<T>& values) {
    return std::adjacent_find(values.begin(), values.end(), [](const T& a, const T& b) { return !(a < b); }) ==
           values.end();
  }

  const ::qingchuan::v1::RuleSet& in_;
  core::RuleSet out_;
  std::set<std::string> standards_;
  std::string at_;
};

}  // namespace qc::wire
