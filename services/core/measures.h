// What a heavy-pollution level demands of a region: the measures of the emergency-cut list that are due, what they cut
// of each pollutant, and whether that is what the regulation demands of the region as a whole. A pure function of the
// rule set; exact integers, nothing is rounded before it is compared. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/emergency.h"
#include "core/rules.h"
#include "core/time.h"

namespace qc::core {

// Kilograms times percent: a hundredth of a kilogram a day.
using Hundredths = std::array<std::int64_t, kEmitted>;
inline constexpr std::int64_t kHundredthsInKg = 100;

struct MeasureDue {
  const Enterprise* enterprise = nullptr;
  const ProductionLine* line = nullptr;
  const Measure* measure = nullptr;
  Hundredths cut{};
};

// One pollutant of the region.
struct Cut {
  std::optional<std::int64_t> base_kg;  // all that the region emits; unknown where the inventory does not say
  std::int64_t listed_kg = 0;           // of it the lines of the list
  std::int64_t cut = 0;                 // hundredths of a kilogram
  std::optional<int> at_least;          // percent of the base; none where no duty is in force
  std::int64_t missing = 0;             // hundredths of a kilogram short of it; 0 where it is met or cannot be judged

  bool judged() const { return base_kg && at_least; }
  // The cut as a share of the base in hundredths of a percent, rounded down: what falls short never reads as enough.
  std::optional<std::int64_t> share() const;
};

struct MeasuresDue {
  const Region* region = nullptr;
  EmergencyLevel level = EmergencyLevel::None;
  const EmergencyDuty* duty = nullptr;         // nullptr: none in force
  std::vector<MeasureDue> due;                 // by region, then in the list's order
  std::vector<const Enterprise*> nothing_due;  // of the list, but at this level nothing is demanded of them
  std::vector<const Inventory*> inventories;   // that the base is made of
  std::array<Cut, kEmitted> cuts;
};

// Whether `region` is `ancestor` or lies below it.
bool is_within(const RuleSet& rules, std::string_view region, std::string_view ancestor);

// Of the region and all below it, by the duty in force at `at`. nullopt: the rules know no such region, or `level` is
// None. Points into `rules`. REQUIRES: no region is its own ancestor.
std::optional<MeasuresDue> measures_due(const RuleSet& rules, std::string_view region, EmergencyLevel level,
                                        EventTime at);

}  // namespace qc::core
