#include "qingchuan/report.h"

#include <algorithm>
#include <chrono>

#include "core/concentration.h"
#include "core/history.h"
#include "qingchuan/report_rows.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

std::optional<std::size_t> place_of(core::Factor factor) {
  const auto at = std::find(core::kSixPollutants.begin(), core::kSixPollutants.end(), factor);
  if (at == core::kSixPollutants.end()) return std::nullopt;
  return static_cast<std::size_t>(at - core::kSixPollutants.begin());
}

// Takes the record over where it is the latest revision so far.
void take(const v1::Mean& mean, ReportBuilder::Cell& cell) {
  if (mean.revision() < cell.revision) return;
  cell = {};
  cell.revision = std::max(1, mean.revision());
  cell.valid = mean.valid();
  cell.running = mean.status() == v1::RUNNING;
  cell.pg = mean.value();
  cell.max_pg = mean.max();
  cell.count = mean.count();
  cell.expected = mean.expected();
  if (mean.has_limit()) cell.limit_pg = mean.limit();
  cell.exceeds = mean.exceeds();
  cell.multiple = mean.multiple();
  cell.percent = mean.percentile();
  cell.percentile_pg = mean.percentile_value();
  for (const int m : mean.marks()) {
    if (m > 0 && m < static_cast<int>(core::kMarks)) cell.marks.add(static_cast<core::Mark>(m));
  }
  for (const int f : mean.primary()) cell.primary.push_back(static_cast<core::Factor>(f));
}

Result<core::EventTime> midnight(std::string_view text, const char* wanted) {
  const auto at = core::parse_iso(std::string(text) + "T00:00:00");
  if (!at) return fail(Errc::usage, "`" + std::string(text) + "` is no " + wanted);
  return *at;
}

}  // namespace

Result<core::Interval> parse_day(std::string_view text) {
  const auto at = midnight(text, "date: --date 2015-12-08");
  if (!at) return tl::make_unexpected(at.error());
  return core::Interval{*at, *at + core::kDay};
}

Result<core::Interval> parse_month(std::string_view text) {
  const auto at = midnight(std::string(text) + "-01", "month: --month 2015-12");
  if (!at) return fail(Errc::usage, "`" + std::string(text) + "` is no month: --month 2015-12");
  return core::month_of(*at);
}

ReportBuilder::ReportBuilder(ReportSpec spec) : spec_(std::move(spec)) {}

void ReportBuilder::add(const v1::Mean& mean) {
  const bool is_day = mean.window() == v1::DAY || mean.window() == v1::MDA8;
  const bool is_month = spec_.month && mean.window() == v1::MONTH;
  const bool is_hour = mean.window() == v1::H1;
  if (!is_day && !is_month && !is_hour) return;
  if (mean.start_ms() < core::ms(spec_.period.start) || mean.end_ms() > core::ms(spec_.period.end)) return;
  const auto factor = static_cast<core::Factor>(mean.factor());
  const auto place = place_of(factor);
  const bool is_index = factor == core::Factor::AQI;
  if (!place && !is_index) return;

  if (is_hour) return take_hour(mean, place);
  rules_hash_ = mean.origin().rules();
  SiteCells& site = sites_[mean.site()];
  site.region = mean.region();
  site.root = mean.root();
  if (is_month) {
    if (place) take(mean, site.month[*place]);
    return;
  }
  const auto since = core::event_time(mean.start_ms()) - spec_.period.start;
  DayCells& day = site.days[static_cast<int>(since / core::kDay)];
  if (is_index) return take(mean, day.index);
  const bool hours_of_o3 = factor == core::Factor::O3 && mean.window() == v1::DAY;
  take(mean, hours_of_o3 ? day.o3_hours : day.items[*place]);
}

// Of an hour only whether its latest revision is confirmed. Few are, and only those are held.
void ReportBuilder::take_hour(const v1::Mean& mean, std::optional<std::size_t> place) {
  if (!place) return;
  const auto hour = core::event_time(mean.start_ms());
  const auto known = sites_.find(mean.site());
  if (mean.audited()) {
    SiteCells& site = sites_[mean.site()];
    site.region = mean.region();
    site.root = mean.root();
    site.audited[*place].insert(hour);
  } else if (known != sites_.end()) {
    known->second.audited[*place].erase(hour);
  }
}

Report ReportBuilder::build(const core::RuleSet& rules) const {
  Report report;
  report.spec = spec_;
  report.rules_hash = rules_hash_;
  const core::EventTime last = core::last_instant(spec_.period);
  if (const auto* edition = rules.edition(last)) report.edition = edition->clause;
  if (const auto* composite = rules.composite(last)) report.composite = composite->clause;
  ReportRows rows(spec_, rules, sites_);
  report.sites = rows.sites();
  report.regions = rows.regions();
  return report;
}

Result<Report> make_report(stream::Log& log, processor::RulesStore& rules, const ReportSpec& spec) {
  const auto whole = stream::whole_topic(log, "means");
  if (!whole) return tl::make_unexpected(whole.error());
  ReportBuilder builder(spec);
  v1::MeanRecord record;
  auto read = stream::read_range(log, *whole, [&](const stream::Record& r) {
    const bool parsed = !r.tombstone && record.ParseFromArray(r.value.data(), static_cast<int>(r.value.size()));
    if (parsed && record.has_mean()) builder.add(record.mean());
    return true;
  });
  if (!read) return tl::make_unexpected(read.error());
  const std::string from = core::to_iso(spec.period.start).substr(0, spec.month ? 7 : 10);
  if (builder.rules_hash().empty()) return fail(Errc::usage, "the log holds no day of " + from);
  const auto found = rules.get(builder.rules_hash());
  if (!found) return tl::make_unexpected(found.error());
  Report report = builder.build(**found);
  if (report.regions.empty())
    return fail(Errc::usage, "the log holds nothing of region `" + spec.region + "` in " + from);
  return report;
}

}  // namespace qc::commands
