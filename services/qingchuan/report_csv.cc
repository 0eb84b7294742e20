// The report for scripts: a line for each place and item, exact values.
#include "core/history.h"
#include "qingchuan/report.h"
#include "wire/csv_output.h"

namespace qc::commands {
namespace {

constexpr std::string_view kHeader =
    "period,start,end,kind,id,name,parent,evaluation,status,item,window,value,unit,count,expected,coverage,valid,limit,"
    "exceeds,multiple,days_over,percentile,percentile_value,marks,level,primary,days,good_days,rank,sites_valid,sites,"
    "clause,audited,group,group_rank";

std::string joined(const std::vector<core::Factor>& factors) {
  std::string text;
  for (const core::Factor f : factors) text += (text.empty() ? "" : "+") + std::string(core::name(f));
  return text;
}

std::string hundredths(int n) {
  return core::format({n * (core::kMillion / 100)}, core::Unit::Point);
}

std::string share(int n, int of) {
  return of <= 0 ? "0" : core::format_mean(n * core::kMillion, of, core::Unit::Point);
}

// The fields of one line; those that don't fit an item stay empty.
struct Line {
  std::string item, window, value, unit, count, expected, coverage, valid, limit, exceeds, multiple, days_over,
      percentile, percentile_value, marks, level, primary, days, good_days, rank, group_rank, clause, audited;
};

class Writer {
 public:
  explicit Writer(const Report& report) : report_(report) { out_ = std::string(kHeader) + "\n"; }

  void row(const ReportRow& row) {
    for (std::size_t i = 0; i < kSix; ++i) {
      if (row.items[i].known) write(row, item(row.items[i], core::kSixPollutants[i]));
    }
    write(row, index(row));
    if (row.composite) write(row, composite(row));
  }
  std::string take() { return std::move(out_); }

 private:
  bool month() const { return report_.spec.month; }

  Line item(const ReportItem& item, core::Factor factor) const {
    const core::Unit unit = core::publishing_unit(factor);
    Line line;
    line.item = core::name(factor);
    line.window = month() ? "month" : core::name(factor == core::Factor::O3 ? core::Window::Mda8 : core::Window::Day);
    if (item.valid && item.count > 0) line.value = core::format(item.value, unit);
    line.unit = core::name(unit);
    line.count = std::to_string(item.count);
    line.expected = std::to_string(item.expected);
    line.coverage = share(item.count, item.expected);
    line.valid = item.valid ? "true" : "false";
    line.audited = std::to_string(item.audited);
    if (item.limit) line.limit = core::format(*item.limit, unit);
    if (month()) {
      line.days_over = std::to_string(item.days_over);
      line.multiple = hundredths(item.multiple);
    } else if (item.limit) {
      line.exceeds = item.exceeds ? "true" : "false";
      line.multiple = hundredths(item.multiple);
    }
    if (item.percent > 0) {
      line.percentile = std::to_string(item.percent);
      if (item.count > 0) line.percentile_value = core::format(item.percentile, unit);
    }
    for (std::size_t m = 1; m < core::kMarks; ++m) {
      const auto mark = static_cast<core::Mark>(m);
      if (item.marks.has(mark)) line.marks += (line.marks.empty() ? "" : "+") + std::string(core::name(mark));
    }
    return line;
  }

  Line index(const ReportRow& row) const {
    Line line;
    line.item = "AQI";
    line.window = month() ? "month" : "day";
    line.unit = core::name(core::Unit::Point);
    line.clause = report_.edition;
    if (month()) {
      line.days = std::to_string(row.index_days);
      line.good_days = std::to_string(row.good_days);
      line.coverage =
          share(row.index_days, static_cast<int>((report_.spec.period.end - report_.spec.period.start) / core::kDay));
      return line;
    }
    line.valid = row.aqi ? "true" : "false";
    if (!row.aqi) return line;
    line.value = std::to_string(*row.aqi);
    line.level = std::to_string(aqi_class(*row.aqi) + 1);
    line.primary = joined(row.primary);
    return line;
  }

  Line composite(const ReportRow& row) const {
    Line line;
    line.item = "composite";
    line.window = month() ? "month" : "day";
    line.value = core::format(*row.composite, core::Unit::Point);
    line.unit = core::name(core::Unit::Point);
    if (month()) line.primary = joined(row.primary);
    if (row.rank > 0) line.rank = std::to_string(row.rank);
    if (row.group_rank > 0) line.group_rank = std::to_string(row.group_rank);
    line.clause = report_.composite;
    return line;
  }

  void write(const ReportRow& row, const Line& line) {
    const core::Interval& period = report_.spec.period;
    bool first = true;
    for (const std::string& field : {core::to_iso(period.start).substr(0, month() ? 7 : 10),
                                     core::to_iso(period.start),
                                     core::to_iso(period.end),
                                     std::string(row.is_region ? "region" : "site"),
                                     row.id,
                                     row.name,
                                     row.parent,
                                     std::string(row.evaluation ? "true" : "false"),
                                     std::string(row.running ? "running" : "closed"),
                                     line.item,
                                     line.window,
                                     line.value,
                                     line.unit,
                                     line.count,
                                     line.expected,
                                     line.coverage,
                                     line.valid,
                                     line.limit,
                                     line.exceeds,
                                     line.multiple,
                                     line.days_over,
                                     line.percentile,
                                     line.percentile_value,
                                     line.marks,
                                     line.level,
                                     line.primary,
                                     line.days,
                                     line.good_days,
                                     line.rank,
                                     std::to_string(row.sites_valid),
                                     std::to_string(row.sites),
                                     line.clause,
                                     line.audited,
                                     row.group,
                                     line.group_rank}) {
      if (!first) out_ += ',';
      first = false;
      wire::append_csv_field(field, out_);
    }
    out_ += '\n';
  }

  const Report& report_;
  std::string out_;
};

}  // namespace

std::string to_csv(const Report& report) {
  Writer writer(report);
  for (const ReportRow& row : report.regions) writer.row(row);
  for (const ReportRow& row : report.sites) writer.row(row);
  return writer.take();
}

}  // namespace qc::commands
