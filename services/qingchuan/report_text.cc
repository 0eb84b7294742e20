// The report for people: values by HJ 663's decimals.
#include "core/composite.h"
#include "core/history.h"
#include "qingchuan/columns.h"
#include "qingchuan/report.h"

namespace qc::commands {
namespace {

std::string fixed(std::int64_t millionths, int decimals) {
  std::int64_t step = core::kMillion;
  for (int i = 0; i < decimals; ++i) step /= 10;
  std::string digits = std::to_string(core::divide_half_even(millionths, step));
  if (decimals == 0) return digits;
  const auto places = static_cast<std::size_t>(decimals);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  return digits.insert(digits.size() - places, ".");
}

std::string percent(int n, int of) {
  return of == 0 ? "-" : fixed(core::divide_half_even(n * 100 * core::kMillion, of), 1) + "%";
}

// ug/m3 whole, CO in mg/m3 with one decimal (HJ 663).
std::string concentration(core::Concentration c, core::Factor factor) {
  const bool is_co = factor == core::Factor::CO;
  return fixed(is_co ? core::divide_half_even(c.pg, 1000) : c.pg, is_co ? 1 : 0);
}

class Printer {
 public:
  Printer(const Report& report, Language language)
      : report_(report), zh_(language == Language::Chinese), language_(language) {}

  std::string print() const {
    const core::Interval& period = report_.spec.period;
    const bool month = report_.spec.month;
    std::string out = (month ? word("空气质量月报 ", "Air quality of the month ")
                             : word("空气质量日报 ", "Air quality of the day ")) +
                      core::to_iso(period.start).substr(0, month ? 7 : 10);
    out += word("  (规则 ", "  (rules ") + report_.rules_hash + ")\n";
    if (!report_.regions.empty()) out += "\n" + word("区域", "Regions") + "\n" + rows(report_.regions);
    if (!report_.sites.empty()) out += "\n" + word("站点", "Sites") + "\n" + rows(report_.sites);
    return out + "\n" + notes();
  }

 private:
  std::string word(const char* zh, const char* en) const { return zh_ ? zh : en; }

  std::vector<std::string> head(bool regions) const {
    std::vector<std::string> cells{word("名称", "name"), regions ? word("上级", "in") : word("区域", "region")};
    for (const core::Factor f : core::kSixPollutants) {
      std::string name(core::name(f));
      if (f == core::Factor::O3) name += "-8h";
      if (report_.spec.month) {
        const int percentile = evaluated(f);
        if (percentile > 0) name += "-" + std::to_string(percentile) + "per";
      }
      cells.push_back(std::move(name));
    }
    if (report_.spec.month) {
      for (std::string& c : std::vector{word("优良天数", "good days"), word("优良率", "good")}) cells.push_back(c);
    } else {
      for (std::string& c : std::vector{std::string("AQI"), word("级别", "level")}) cells.push_back(c);
    }
    cells.push_back(word("首要污染物", "primary"));
    cells.push_back(word("综合指数", "composite"));
    cells.push_back(word("排名", "rank"));
    if (regions) cells.push_back(word("有效站点", "valid sites"));
    return cells;
  }

  // Evaluated by its percentile alone (HJ 663: CO and O3 have no mean of a period).
  int evaluated(core::Factor f) const {
    if (f != core::Factor::CO && f != core::Factor::O3) return 0;
    const auto at = static_cast<std::size_t>(f == core::Factor::CO ? 4 : 5);
    for (const auto* rows : {&report_.regions, &report_.sites}) {
      for (const ReportRow& row : *rows) {
        if (row.items[at].percent > 0) return row.items[at].percent;
      }
    }
    return 0;
  }

  std::string cell(const ReportItem& item, core::Factor factor, bool sites) const {
    if (!item.known || item.count == 0) return "-";
    const bool by_percentile = report_.spec.month && evaluated(factor) > 0;
    if (!item.valid) return "(" + std::to_string(item.count) + "/" + std::to_string(item.expected) + ")";
    std::string text = concentration(by_percentile ? item.percentile : item.value, factor);
    if (item.days_over > 0) text += "!" + std::to_string(item.days_over);
    if (item.exceeds) text += "!" + fixed(item.multiple * (core::kMillion / 100), 2);
    if (item.marks.any()) text += "?";
    if (item.audited > 0) text += word("审", "v") + std::to_string(item.audited);
    if (item.count < item.expected)
      text += (sites ? " " + percent(item.count, item.expected)
                     : " " + std::to_string(item.count) + "/" + std::to_string(item.expected));
    return text;
  }

  std::string primary(const ReportRow& row) const {
    std::string text;
    for (const core::Factor f : row.primary) text += (text.empty() ? "" : "+") + std::string(core::name(f));
    return text.empty() ? "-" : text;
  }

  // "5 (平川四县市 2)"
  std::string rank(const ReportRow& row) const {
    if (row.rank == 0) return "-";
    std::string text = std::to_string(row.rank);
    if (row.group_rank == 0) return text;
    std::string group = word("其余", "others");
    for (const ReportRow& r : report_.regions) {
      if (r.id == row.group) group = title(r);
    }
    return text + " (" + group + " " + std::to_string(row.group_rank) + ")";
  }

  std::string title(const ReportRow& row) const {
    const std::string& text = zh_ || row.name_en.empty() ? row.name : row.name_en;
    return text.empty() ? row.id : text;
  }

  std::string name(const ReportRow& row) const {
    std::string text = title(row);
    if (!row.evaluation) text += word("(非评价)", " (not evaluated)");
    return row.running ? text + " *" : text;
  }

  std::string parent(const ReportRow& row) const {
    for (const ReportRow& r : report_.regions) {
      if (r.id == row.parent) return title(r);
    }
    return row.parent.empty() ? "-" : row.parent;
  }

  std::string rows(const std::vector<ReportRow>& all) const {
    const bool regions = all.front().is_region;
    std::vector<std::vector<std::string>> cells{head(regions)};
    for (const ReportRow& row : all) {
      std::vector<std::string> line{name(row), parent(row)};
      for (std::size_t i = 0; i < kSix; ++i) line.push_back(cell(row.items[i], core::kSixPollutants[i], !regions));
      if (report_.spec.month) {
        line.push_back(std::to_string(row.good_days) + "/" + std::to_string(row.index_days));
        line.push_back(percent(row.good_days, row.index_days));
      } else {
        line.push_back(row.aqi ? std::to_string(*row.aqi) : "-");
        line.push_back(row.aqi ? std::string(aqi_class_name(aqi_class(*row.aqi), language_)) : "-");
      }
      line.push_back(primary(row));
      line.push_back(row.composite ? core::format_composite(*row.composite) : "-");
      line.push_back(rank(row));
      if (regions) line.push_back(std::to_string(row.sites_valid) + "/" + std::to_string(row.sites));
      cells.push_back(std::move(line));
    }
    return table(cells, 2);
  }

  std::string notes() const {
    std::string out = word("单位 ug/m3, CO mg/m3. ", "ug/m3, CO mg/m3. ");
    if (report_.spec.month) {
      out += word(
          "!n: 超标 n 天; n/m: 有效天数; (n/m): 天数不足, 无效; 首要污染物: 综合指数中最大的一项.\n",
          "!n: n days over the limit; n/m: valid days; (n/m): too few, not valid; primary: the greatest part of the "
          "composite index.\n");
    } else {
      out += word(
          "!x: 超标 x 倍; %: 覆盖率不足 100%; n/m: 有效站点; (n/m): 数据不足, 无效.\n",
          "!x: over the limit by x times; %: coverage where it is less than 100%; n/m: valid sites; (n/m): too few, "
          "not valid.\n");
    }
    out += word("?: 数据可疑; 审n: n 个小时经人工审核; *: 时段未结束. 区域浓度为评价站点浓度的平均.\n",
                "?: suspect data; vn: n hours confirmed by a person; *: the period is not over. A region's "
                "concentration is the "
                "mean of its evaluation sites'.\n");
    if (!report_.edition.empty()) out += "AQI: " + report_.edition + "\n";
    if (!report_.composite.empty()) out += word("综合指数: ", "composite index: ") + report_.composite + "\n";
    return out;
  }

  const Report& report_;
  bool zh_;
  Language language_;
};

}  // namespace

std::string to_text(const Report& report, Language language) {
  return Printer(report, language).print();
}

}  // namespace qc::commands
