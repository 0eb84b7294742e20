#include "core/measures.h"

#include <algorithm>

namespace qc::core {
namespace {

const Inventory* inventory_of(const RuleSet& rules, std::string_view region) {
  for (const Inventory& i : rules.emergency.inventories) {
    if (i.region == region) return &i;
  }
  return nullptr;
}

// The region's own inventory, or those of all parts. False: somewhere there is none.
bool gather_base(const RuleSet& rules, std::string_view region, std::vector<const Inventory*>& out) {
  if (const Inventory* own = inventory_of(rules, region)) {
    out.push_back(own);
    return true;
  }
  bool any = false;
  const auto found = rules.regions.find(region);
  if (found == rules.regions.end()) return false;
  for (const Region* part : rules.parts(found->second)) {
    if (!gather_base(rules, part->id, out)) return false;
    any = true;
  }
  return any;
}

void add(const Enterprise& enterprise, MeasuresDue& to) {
  bool any = false;
  for (const ProductionLine& line : enterprise.lines) {
    for (std::size_t p = 0; p < kEmitted; ++p) to.cuts[p].listed_kg += line.base[p];
    const Measure* measure = line.at(to.level);
    if (measure == nullptr) continue;
    any = true;
    MeasureDue due{&enterprise, &line, measure};
    for (std::size_t p = 0; p < kEmitted; ++p) {
      due.cut[p] = line.base[p] * measure->cut[p];
      to.cuts[p].cut += due.cut[p];
    }
    to.due.push_back(due);
  }
  if (!any) to.nothing_due.push_back(&enterprise);
}

}  // namespace

std::optional<std::int64_t> Cut::share() const {
  if (!base_kg || *base_kg == 0) return std::nullopt;
  return cut * 100 / *base_kg;
}

bool is_within(const RuleSet& rules, std::string_view region, std::string_view ancestor) {
  const auto above = rules.regions.find(ancestor);
  if (above != rules.regions.end() && !above->second.members.empty()) {
    const auto& members = above->second.members;
    return std::any_of(members.begin(), members.end(),
                       [&](const std::string& member) { return is_within(rules, region, member); });
  }
  while (!region.empty()) {
    if (region == ancestor) return true;
    const auto found = rules.regions.find(region);
    if (found == rules.regions.end()) return false;
    region = found->second.parent;
  }
  return false;
}

std::optional<MeasuresDue> measures_due(const RuleSet& rules, std::string_view region, EmergencyLevel level,
                                        EventTime at) {
  const auto found = rules.regions.find(region);
  if (found == rules.regions.end() || level == EmergencyLevel::None) return std::nullopt;
  MeasuresDue made;
  made.region = &found->second;
  made.level = level;
  made.duty = rules.emergency_duty(level, at);

  std::vector<const Enterprise*> listed;
  for (const Enterprise& e : rules.emergency.enterprises) {
    if (is_within(rules, e.region, region)) listed.push_back(&e);
  }
  std::stable_sort(listed.begin(), listed.end(),
                   [](const Enterprise* a, const Enterprise* b) { return a->region < b->region; });
  for (const Enterprise* e : listed) add(*e, made);

  const bool known = gather_base(rules, region, made.inventories);
  if (!known) made.inventories.clear();
  for (std::size_t p = 0; p < kEmitted; ++p) {
    Cut& cut = made.cuts[p];
    if (made.duty != nullptr) cut.at_least = made.duty->at_least[p];
    if (!known) continue;
    std::int64_t base = 0;
    for (const Inventory* i : made.inventories) base += i->base[p];
    cut.base_kg = base;
    // So many percent of so many kilograms are as many hundredths of a kilogram.
    if (cut.at_least) cut.missing = std::max<std::int64_t>(0, base * *cut.at_least - cut.cut);
  }
  return made;
}

}  // namespace qc::core
