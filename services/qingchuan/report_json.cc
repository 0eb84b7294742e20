// A report as JSON, as the console's API answers it (docs/api.md): exact values as numbers in the publishing unit.
#include <boost/json.hpp>

#include "qingchuan/report.h"

namespace qc::commands {
namespace {

namespace json = boost::json;

double number_of(core::Concentration c, core::Unit unit) {
  return static_cast<double>(c.pg) / (unit == core::Unit::MgM3 ? 1e9 : 1e6);
}

json::object item_object(const ReportItem& item, core::Factor factor) {
  const core::Unit unit = core::publishing_unit(factor);
  json::object out;
  out["factor"] = json::string(core::name(factor));
  out["unit"] = json::string(core::name(unit));
  out["value"] = item.count > 0 ? json::value(number_of(item.value, unit)) : json::value(nullptr);
  out["valid"] = item.valid;
  out["count"] = item.count;
  out["expected"] = item.expected;
  out["limit"] = item.limit ? json::value(number_of(*item.limit, unit)) : json::value(nullptr);
  out["exceeds"] = item.exceeds;
  out["days_over"] = item.days_over;
  out["multiple"] = static_cast<double>(item.multiple) / 100;
  out["percentile"] = nullptr;
  if (item.percent > 0 && item.count > 0) {
    out["percentile"] = json::object{{"percent", item.percent}, {"value", number_of(item.percentile, unit)}};
  }
  return out;
}

json::object row_object(const ReportRow& row) {
  json::object out;
  out["id"] = row.id;
  out["name"] = row.name;
  out["name_en"] = row.name_en.empty() ? row.name : row.name_en;
  out["parent"] = row.parent;
  out["evaluation"] = row.evaluation;
  out["running"] = row.running;
  out["sites"] = row.sites;
  out["sites_valid"] = row.sites_valid;
  json::array items;
  for (std::size_t i = 0; i < kSix; ++i) {
    if (row.items.at(i).known) items.emplace_back(item_object(row.items.at(i), core::kSixPollutants.at(i)));
  }
  out["items"] = std::move(items);
  out["aqi"] = row.aqi ? json::value(*row.aqi) : json::value(nullptr);
  json::array primary;
  for (const core::Factor f : row.primary) primary.emplace_back(json::string(core::name(f)));
  out["primary"] = std::move(primary);
  out["index_days"] = row.index_days;
  out["good_days"] = row.good_days;
  out["composite"] = row.composite ? json::value(number_of(*row.composite, core::Unit::Point)) : json::value(nullptr);
  out["rank"] = row.rank > 0 ? json::value(row.rank) : json::value(nullptr);
  out["group"] = row.group;
  out["group_rank"] = row.group_rank > 0 ? json::value(row.group_rank) : json::value(nullptr);
  return out;
}

}  // namespace

std::string to_json(const Report& report) {
  json::object out;
  out["period"] = report.spec.month ? "month" : "day";
  out["start"] = core::to_iso(report.spec.period.start);
  out["end"] = core::to_iso(report.spec.period.end);
  out["rules"] = report.rules_hash;
  out["edition"] = report.edition;
  out["composite"] = report.composite;
  json::array regions;
  for (const ReportRow& row : report.regions) regions.emplace_back(row_object(row));
  json::array stations;
  for (const ReportRow& row : report.sites) stations.emplace_back(row_object(row));
  out["regions"] = std::move(regions);
  out["stations"] = std::move(stations);
  return json::serialize(out);
}

}  // namespace qc::commands
