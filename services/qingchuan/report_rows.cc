#include "qingchuan/report_rows.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/aqi.h"
#include "core/composite.h"
#include "core/history.h"

namespace qc::commands {
namespace {

// 超标倍数 (C - S) / S in hundredths, half to even.
int multiple_of(core::Concentration value, core::Concentration limit) {
  if (value <= limit || limit.pg <= 0) return 0;
  return static_cast<int>(core::divide_half_even((value.pg - limit.pg) * 100, limit.pg));
}

core::Window daily_window(core::Factor factor) {
  return factor == core::Factor::O3 ? core::Window::Mda8 : core::Window::Day;
}

ReportItem item_of(const ReportBuilder::Cell& cell) {
  ReportItem item;
  if (cell.revision == 0) return item;
  item.known = true;
  item.valid = cell.valid;
  item.value = {cell.pg};
  item.count = cell.count;
  item.expected = cell.expected;
  if (cell.limit_pg) item.limit = core::Concentration{*cell.limit_pg};
  item.exceeds = cell.exceeds;
  item.multiple = cell.multiple;
  item.percent = cell.percent;
  item.percentile = {cell.percentile_pg};
  item.marks = cell.marks;
  return item;
}

void count_index(ReportRow& row, int aqi) {
  ++row.index_days;
  row.good_days += core::good_day(aqi) ? 1 : 0;
  ++row.levels[static_cast<std::size_t>(aqi_class(aqi))];
}

void count_over(ReportItem& item, bool exceeds, int multiple) {
  if (!exceeds) return;
  ++item.days_over;
  item.multiple = std::max(item.multiple, multiple);
}

}  // namespace

ReportRows::ReportRows(const ReportSpec& spec, const core::RuleSet& rules, const Sites& sites)
    : spec_(spec), rules_(rules), last_(core::last_instant(spec.period)) {
  for (const auto& [id, cells] : sites) {
    const auto known = rules.sites.find(id);
    const bool configured = known != rules.sites.end();
    auto line = configured ? lineage(known->second.region, known->second.root) : lineage(cells.region, cells.root);
    if (!wanted(line)) continue;
    sites_[id] = {configured ? &known->second : nullptr, &cells};
    for (auto from = line.begin(); from != line.end(); ++from) regions_.try_emplace(*from, from, line.end());
  }
  // A silent station of a region that has data is missing from it, and is seen to be.
  for (const auto& [id, info] : rules.sites) {
    const bool evaluates = info.kind == core::SiteKind::Evaluation && info.dated.holds(last_);
    if (evaluates && regions_.contains(info.region) && wanted(lineage(info.region, info.root)))
      sites_.try_emplace(id, Member{&info, nullptr});
  }
  for (const auto& [id, site] : sites_) {
    const std::string& region = site.info != nullptr ? site.info->region : site.cells->region;
    for (const std::string& r : regions_.at(region)) below_[r].push_back(id);
  }
  add_groups();
}

bool ReportRows::is_group(const std::string& region) const {
  const auto known = rules_.regions.find(region);
  return known != rules_.regions.end() && !known->second.members.empty();
}

void ReportRows::add_groups() {
  for (const auto& [id, region] : rules_.regions) {
    std::set<std::string> sites;
    for (const std::string& member : region.members) {
      const auto below = below_.find(member);
      if (below != below_.end()) sites.insert(below->second.begin(), below->second.end());
    }
    if (sites.empty()) continue;
    regions_.try_emplace(id, lineage(id, {}));
    below_[id].assign(sites.begin(), sites.end());
  }
}

int ReportRows::days() const {
  return static_cast<int>((spec_.period.end - spec_.period.start) / core::kDay);
}

std::vector<std::string> ReportRows::lineage(const std::string& region, const std::string& root) const {
  std::vector<std::string> line{region};
  for (auto at = rules_.regions.find(region); at != rules_.regions.end() && !at->second.parent.empty();
       at = rules_.regions.find(at->second.parent)) {
    line.push_back(at->second.parent);
  }
  if (!root.empty() && std::find(line.begin(), line.end(), root) == line.end()) line.push_back(root);
  return line;
}

bool ReportRows::wanted(const std::vector<std::string>& line) const {
  const auto in_line = [&line](const std::string& id) { return std::find(line.begin(), line.end(), id) != line.end(); };
  if (spec_.region.empty() || in_line(spec_.region)) return true;
  const auto asked = rules_.regions.find(spec_.region);
  return asked != rules_.regions.end() &&
         std::any_of(asked->second.members.begin(), asked->second.members.end(), in_line);
}

std::vector<const ReportRows::Member*> ReportRows::members(const std::string& region) const {
  std::vector<const Member*> configured;
  std::vector<const Member*> others;
  const auto ids = below_.find(region);
  if (ids == below_.end()) return configured;
  for (const std::string& id : ids->second) {
    const Member& m = sites_.at(id);
    if (m.info == nullptr) {
      others.push_back(&m);
    } else if (m.info->kind == core::SiteKind::Evaluation && m.info->dated.holds(last_)) {
      configured.push_back(&m);
    }
  }
  return configured.empty() ? others : configured;
}

// ---- sites -------------------------------------------------------------------------------------------------------

ReportRow ReportRows::site_row(const std::string& id, const Member& site) const {
  ReportRow row;
  row.id = id;
  row.name = site.info != nullptr ? site.info->name : id;
  row.name_en = row.name;  // the rules have no other
  row.parent = site.info != nullptr ? site.info->region : site.cells->region;
  row.evaluation = site.info == nullptr || site.info->kind == core::SiteKind::Evaluation;
  row.sites_valid = 0;
  if (site.cells == nullptr) return row;
  const auto& cells = *site.cells;
  static const ReportBuilder::DayCells kNothing;
  const auto first = cells.days.find(0);
  const auto& one_day = first == cells.days.end() ? kNothing : first->second;
  for (std::size_t i = 0; i < kSix; ++i) {
    const ReportBuilder::Cell& cell = spec_.month ? cells.month[i] : one_day.items[i];
    row.items[i] = item_of(cell);
    row.items[i].audited = static_cast<int>(cells.audited[i].size());
    row.running = row.running || cell.running;
    if (row.items[i].valid) row.sites_valid = 1;
  }
  if (!spec_.month) {
    if (one_day.index.revision > 0 && one_day.index.valid)
      row.aqi = static_cast<int>(one_day.index.pg / core::kMillion);
    row.primary = one_day.index.primary;
    return row;
  }
  for (std::size_t i = 0; i < kSix; ++i) {
    const auto* limit = rules_.limit(core::kSixPollutants[i], daily_window(core::kSixPollutants[i]), last_);
    const auto area = site.info != nullptr ? site.info->class_at(last_) : core::AreaClass::Class2;
    if (limit != nullptr) row.items[i].limit = limit->for_class(area);
  }
  for (const auto& [day, of_day] : cells.days) {
    for (std::size_t i = 0; i < kSix; ++i) {
      const ReportBuilder::Cell& cell = of_day.items[i];
      count_over(row.items[i], cell.exceeds, cell.multiple);
    }
    // The day that runs is not one of the month's yet.
    if (of_day.index.revision > 0 && of_day.index.valid && !of_day.index.running)
      count_index(row, static_cast<int>(of_day.index.pg / core::kMillion));
  }
  return row;
}

// ---- regions -----------------------------------------------------------------------------------------------------

ReportRows::RegionDay ReportRows::region_day(const std::vector<const Member*>& members, int day) const {
  RegionDay made;
  const core::EventTime end = spec_.period.start + core::kDay * (day + 1);
  const core::EventTime last = end - core::Duration(1);
  core::Total o3_hours;
  std::array<core::Total, kSix> totals;
  bool running = false;
  for (const Member* m : members) {
    if (m->cells == nullptr) continue;
    const auto of_day = m->cells->days.find(day);
    if (of_day == m->cells->days.end()) continue;
    for (std::size_t i = 0; i < kSix; ++i) {
      const ReportBuilder::Cell& cell = of_day->second.items[i];
      if (cell.revision == 0 || !cell.valid || cell.count == 0) continue;
      running = running || cell.running;
      totals[i].add(cell.pg);
    }
    const ReportBuilder::Cell& hours = of_day->second.o3_hours;
    if (hours.revision > 0 && hours.valid) o3_hours.add(hours.max_pg);
  }

  core::AqiInputs inputs;
  for (std::size_t i = 0; i < kSix; ++i) {
    const core::Factor factor = core::kSixPollutants[i];
    const core::Total& total = totals[i];
    ReportItem& item = made.items[i];
    item.expected = static_cast<int>(members.size());
    if (const auto* limit = rules_.limit(factor, daily_window(factor), last)) item.limit = limit->class_2;
    if (total.count == 0) continue;
    item.known = item.valid = true;
    item.count = total.count;
    item.value = total.mean();
    if (item.limit && !running) {
      item.exceeds = item.value > *item.limit;
      item.multiple = multiple_of(item.value, *item.limit);
    }
    if (factor == core::Factor::O3) {
      inputs.o3_8h = item.value;
      if (o3_hours.count > 0) inputs.h1[i] = o3_hours.mean();
    } else {
      inputs.h24[i] = item.value;
    }
  }
  // What none of the region's stations measures does not block the index (HJ 633-2026 5.3.2).
  std::vector<core::Factor> exempt;
  for (const core::Factor f : core::kSixPollutants) {
    const bool all = !members.empty() && std::all_of(members.begin(), members.end(), [f](const Member* m) {
      return m->info != nullptr &&
             std::find(m->info->exempt.begin(), m->info->exempt.end(), f) != m->info->exempt.end();
    });
    if (all) exempt.push_back(f);
  }
  if (const core::AqiEdition* edition = rules_.edition(last)) {
    core::AqiResult result = core::aqi(*edition, core::AqiReport::Day, inputs, exempt);
    made.aqi = result.aqi;
    made.primary = std::move(result.primary);
  }
  return made;
}

void ReportRows::fill_region_month(const std::vector<const Member*>& members, ReportRow& row) const {
  std::array<core::Total, kSix> totals;
  std::array<std::vector<std::int64_t>, kSix> values;
  // As long as the month runs, its days count that are over for some member.
  int over = 0;
  for (const Member* m : members) {
    if (m->cells == nullptr) continue;
    for (const auto& [day, cells] : m->cells->days) {
      const auto closed = [](const ReportBuilder::Cell& c) { return c.revision > 0 && !c.running; };
      if (std::any_of(cells.items.begin(), cells.items.end(), closed)) over = std::max(over, day + 1);
    }
  }
  if (!row.running) over = days();
  for (int day = 0; day < over; ++day) {
    const RegionDay made = region_day(members, day);
    for (std::size_t i = 0; i < kSix; ++i) {
      const ReportItem& item = made.items[i];
      if (!item.valid) continue;
      totals[i].add(item.value.pg);
      values[i].push_back(item.value.pg);
      count_over(row.items[i], item.exceeds, item.multiple);
    }
    if (made.aqi) count_index(row, *made.aqi);
  }
  for (std::size_t i = 0; i < kSix; ++i) {
    const core::Factor factor = core::kSixPollutants[i];
    ReportItem& item = row.items[i];
    item.expected = days();
    item.count = totals[i].count;
    if (const auto* limit = rules_.limit(factor, daily_window(factor), last_)) item.limit = limit->class_2;
    if (item.count == 0) continue;
    item.known = true;
    item.value = totals[i].mean();
    if (const auto* enough = rules_.validity(factor, core::Window::Month, last_)) {
      const bool february = days() < 30 && enough->february_at_least > 0;
      const int needed = february ? enough->february_at_least : enough->at_least;
      item.valid = item.count * days() >= needed * over;
    }
    item.percent = rules_.percentile(factor, last_);
    if (item.percent > 0) item.percentile = core::percentile(values[i], item.percent);
  }
}

ReportRow ReportRows::region_row(const std::string& id, const std::string& parent) const {
  ReportRow row;
  row.is_region = true;
  row.id = row.name = row.name_en = id;
  row.parent = parent;
  if (const auto known = rules_.regions.find(id); known != rules_.regions.end()) {
    row.name = known->second.name;
    row.name_en = known->second.name_en;
  }
  const auto sites = members(id);
  row.sites = static_cast<int>(sites.size());
  row.sites_valid = 0;
  for (const Member* m : sites) {
    const ReportRow site = site_row({}, *m);
    row.sites_valid += site.sites_valid;
    row.running = row.running || site.running;
  }
  if (spec_.month) {
    fill_region_month(sites, row);
    return row;
  }
  RegionDay day = region_day(sites, 0);
  row.items = day.items;
  row.aqi = day.aqi;
  row.primary = std::move(day.primary);
  return row;
}

// ---- composite index ---------------------------------------------------------------------------------------------

void ReportRows::add_composite(ReportRow& row) const {
  const core::Composite* composite = rules_.composite(last_);
  if (composite == nullptr) return;
  core::CompositeInputs inputs;
  for (std::size_t i = 0; i < kSix; ++i) {
    const ReportItem& item = row.items[i];
    if (!item.valid || item.count == 0) continue;
    inputs.mean[i] = item.value;
    // Of a single day, the day's own value stands for the percentile of its days.
    if (!spec_.month) inputs.percentile[i] = item.value;
    if (spec_.month && item.percent > 0) inputs.percentile[i] = item.percentile;
  }
  core::CompositeResult result = core::composite_index(*composite, inputs);
  row.composite = result.index;
  if (spec_.month) row.primary = std::move(result.primary);
}

void ReportRows::rank(const std::vector<ReportRow*>& rows, int ReportRow::*place) {
  std::vector<core::Ranked> places;
  for (const ReportRow* row : rows) places.push_back({row->id, row->composite});
  core::rank(places);
  for (ReportRow* row : rows) {
    row->*place = std::find_if(places.begin(), places.end(), [&](const auto& p) { return p.id == row->id; })->rank;
  }
}

void ReportRows::rank_siblings(const std::vector<ReportRow*>& siblings) const {
  std::vector<ReportRow*> ranked;
  std::map<std::string, std::vector<ReportRow*>> groups;  // by their id; empty: of none
  for (ReportRow* row : siblings) {
    if (is_group(row->id)) continue;
    ranked.push_back(row);
    const auto in = std::find_if(rules_.regions.begin(), rules_.regions.end(), [row](const auto& r) {
      const auto& members = r.second.members;
      return std::find(members.begin(), members.end(), row->id) != members.end();
    });
    if (in != rules_.regions.end()) row->group = in->first;
    groups[row->group].push_back(row);
  }
  rank(ranked, &ReportRow::rank);
  if (groups.size() == 1 && groups.begin()->first.empty()) return;
  for (const auto& [group, rows] : groups) rank(rows, &ReportRow::group_rank);
}

// ---- all of them -------------------------------------------------------------------------------------------------

std::vector<ReportRow> ReportRows::sites() const {
  std::vector<ReportRow> rows;
  for (const auto& [id, site] : sites_) {
    rows.push_back(site_row(id, site));
    add_composite(rows.back());
  }
  std::vector<ReportRow*> ranked;
  for (ReportRow& row : rows) {
    if (row.evaluation) ranked.push_back(&row);
  }
  rank(ranked, &ReportRow::rank);
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.parent < b.parent; });
  return rows;
}

std::vector<ReportRow> ReportRows::regions() const {
  std::vector<ReportRow> rows;
  for (const auto& [id, line] : regions_) {
    if (!wanted(line)) continue;  // above the one that was asked for
    rows.push_back(region_row(id, line.size() > 1 ? line[1] : std::string()));
    add_composite(rows.back());
  }
  std::map<std::string, std::vector<ReportRow*>> siblings;
  for (ReportRow& row : rows) siblings[row.parent].push_back(&row);
  for (auto& [parent, of_one] : siblings) rank_siblings(of_one);
  const auto order = [this](const ReportRow& row) {
    return std::tuple(regions_.at(row.id).size(), row.parent, is_group(row.id), row.rank == 0, row.rank, row.id);
  };
  std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  return rows;
}

}  // namespace qc::commands
