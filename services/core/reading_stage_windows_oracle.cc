#include "core/reading_stage_windows_oracle.h"

#include <algorithm>

namespace qc::core::fixture {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

EventTime time_of(std::int64_t hour) {
  return event_time(hour * kHourMs);
}
std::int64_t first_hour(std::int64_t day) {
  return day * 24 - 8;
}
std::int64_t day_number(std::int64_t hour) {
  return (hour + 8) / 24;
}

bool leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
int length(int year, int month) {
  switch (month) {
    case 2:
      return leap(year) ? 29 : 28;
    case 4:
    case 6:
    case 9:
    case 11:
      return 30;
    default:
      return 31;
  }
}

// Day 0 is 1 January 1970.
NaiveDate date_of_day(std::int64_t day) {
  NaiveDate date{1970, 1, 1};
  while (day >= (leap(date.year) ? 366 : 365)) {
    day -= leap(date.year) ? 366 : 365;
    ++date.year;
  }
  while (day >= length(date.year, date.month)) day -= length(date.year, date.month++);
  date.day = static_cast<int>(day) + 1;
  return date;
}

bool is_pollutant(Factor f) {
  return std::find(kSixPollutants.begin(), kSixPollutants.end(), f) != kSixPollutants.end();
}

// HJ 663 annex A: k = 1 + (n - 1) p.
std::int64_t naive_percentile(std::vector<std::int64_t> values, int percent) {
  std::sort(values.begin(), values.end());
  const std::size_t hundredths = (values.size() - 1) * static_cast<std::size_t>(percent);
  const std::size_t below = hundredths / 100;
  const Wide share = static_cast<Wide>(hundredths % 100);
  if (share == 0) return values[below];
  return round_to_even(values[below] * (100 - share) + values[below + 1] * share, 100);
}

}  // namespace

NaiveDate date_of(EventTime t) {
  return date_of_day(day_number(ms(t) / kHourMs));
}

void judge_naively(const Oracle& oracle, const std::string& site, Factor factor, Window window, EventTime end,
                   NaiveWindow& w) {
  const Limit* limit =
      in_force(oracle.rules().limits, end, [&](const Limit& l) { return l.factor == factor && l.window == window; });
  if (limit == nullptr) return;
  w.limit = oracle.area(site, end) == AreaClass::Class1 ? limit->class_1.pg : limit->class_2.pg;
  w.exceeds = w.valid && w.value > *w.limit;
  if (w.exceeds) w.multiple = static_cast<int>(round_to_even(static_cast<Wide>(w.value - *w.limit) * 100, *w.limit));
}

std::optional<std::int64_t> WindowsOracle::Series::at(std::int64_t hour) const {
  const auto found = mean.find(hour);
  return found == mean.end() ? std::nullopt : std::optional(found->second);
}

WindowsOracle::WindowsOracle(const Oracle& oracle, const std::set<Oracle::Key>& published)
    : oracle_(oracle), rules_(oracle.rules()), frontier_(ms(oracle.frontier()) / kHourMs) {
  std::map<std::string, Site> sites;
  for (const auto& [key, hour] : oracle.hours()) {
    const auto& [site, factor, start] = key;
    if (hour.valid && start < oracle.frontier()) sites[site][factor].mean[ms(start) / kHourMs] = hour.value;
  }
  for (const auto& [site, factor, start] : published) {
    if (!is_index(factor)) sites[site][factor].published.insert(ms(start) / kHourMs);
  }
  for (auto& [site, all] : sites) {
    for (auto& [factor, series] : all) {
      trailing(site, factor, series);
      days(site, factor, series);
      periods(site, factor, series);
    }
    indices(site, all);
  }
}

const AqiEdition& WindowsOracle::edition(std::int64_t end) const {
  return *in_force(rules_.editions, time_of(end), [](const AqiEdition&) { return true; });
}

const Validity* WindowsOracle::validity(Factor factor, Window window, std::int64_t end) const {
  return naive_validity(rules_, factor, window, time_of(end));
}

NaiveWindow WindowsOracle::mean_of(const std::vector<std::int64_t>& values) {
  NaiveWindow w;
  Wide sum = 0;
  for (const std::int64_t v : values) sum += v;
  w.count = static_cast<int>(values.size());
  if (values.empty()) return w;
  w.sum = static_cast<std::int64_t>(sum);
  w.value = round_to_even(sum, w.count);
  w.min = *std::min_element(values.begin(), values.end());
  w.max = *std::max_element(values.begin(), values.end());
  return w;
}

NaiveWindow WindowsOracle::hours_of(const Series& series, std::int64_t from, std::int64_t until) {
  std::vector<std::int64_t> values;
  for (std::int64_t h = from; h < until; ++h) {
    if (const auto v = series.at(h)) values.push_back(*v);
  }
  NaiveWindow w = mean_of(values);
  w.expected = static_cast<int>(until - from);
  return w;
}

WindowsOracle::Greatest WindowsOracle::greatest_8h(const Series& series, std::int64_t first_end,
                                                   std::int64_t last_end) const {
  Greatest greatest;
  for (std::int64_t end = first_end; end <= last_end; ++end) {
    const Validity* rule = validity(Factor::O3, Window::H8, end);
    const NaiveWindow w = hours_of(series, end - 8, end);
    if (rule == nullptr || w.count == 0 || w.count < rule->at_least) continue;
    ++greatest.valid;
    greatest.value = std::max(greatest.value, w.value);
  }
  return greatest;
}

std::optional<std::int64_t> WindowsOracle::greatest_1h(const Series& series, std::int64_t from, std::int64_t until) {
  const NaiveWindow w = hours_of(series, from, until);
  return w.count == 0 ? std::nullopt : std::optional(w.max);
}

void WindowsOracle::add(const std::string& site, Factor factor, Window window, std::int64_t start, std::int64_t end,
                        NaiveWindow w) {
  if (end > frontier_) {
    open_.insert({site, factor, window, time_of(end)});
    return;
  }
  w.start = time_of(start);
  judge_naively(oracle_, site, factor, window, time_of(end), w);
  over_.insert_or_assign({site, factor, window, time_of(end)}, std::move(w));
}

void WindowsOracle::add_index(const std::string& site, Factor factor, Window window, std::int64_t start,
                              std::int64_t end, NaiveIndex index) {
  if (end > frontier_) {
    open_.insert({site, factor, window, time_of(end)});
    return;
  }
  NaiveWindow w;
  w.start = time_of(start);
  w.valid = index.value >= 0;
  w.value = std::max(index.value, 0) * kMillion;
  w.index = std::move(index);
  over_.insert_or_assign({site, factor, window, time_of(end)}, std::move(w));
}

// ---- 8 h and 24 h, that end with a published hour -------------------------------------------------------------------

void WindowsOracle::trailing(const std::string& site, Factor factor, const Series& series) {
  for (const std::int64_t hour : series.published) {
    for (const auto& [window, hours] : {std::pair{Window::H8, 8}, std::pair{Window::H24, 24}}) {
      const Validity* rule = validity(factor, window, hour + 1);
      if (rule == nullptr) continue;
      NaiveWindow w = hours_of(series, hour + 1 - hours, hour + 1);
      w.valid = w.count > 0 && w.count >= rule->at_least;
      add(site, factor, window, hour + 1 - hours, hour + 1, w);
    }
  }
}

// ---- natural days ---------------------------------------------------------------------------------------------------

void WindowsOracle::days(const std::string& site, Factor factor, Series& series) {
  for (const std::int64_t hour : series.published) series.days.insert(day_number(hour));
  for (const std::int64_t day : series.days) {
    const std::int64_t start = first_hour(day);
    const std::int64_t end = start + 24;
    if (const Validity* rule = validity(factor, Window::Day, end)) {
      NaiveWindow w = hours_of(series, start, end);
      w.valid = w.count > 0 && w.count >= rule->at_least;
      if (w.valid && factor != Factor::O3) series.daily[day] = w.value;
      add(site, factor, Window::Day, start, end, w);
    }
    if (const Validity* rule = validity(factor, Window::Mda8, end)) {
      const Greatest greatest = greatest_8h(series, start + 8, end);
      NaiveWindow w;
      w.value = greatest.value;
      w.count = greatest.valid;
      w.expected = 17;  // those that end 08:00 .. 24:00
      w.valid = true;
      judge_naively(oracle_, site, factor, Window::Mda8, time_of(end), w);
      w.valid = w.count > 0 && (w.count >= rule->at_least || (rule->or_over_limit && w.exceeds));
      w.exceeds = false;
      w.multiple = 0;
      if (w.valid && factor == Factor::O3) series.daily[day] = w.value;
      add(site, factor, Window::Mda8, start, end, w);
    }
  }
}

// ---- months, quarters, years ----------------------------------------------------------------------------------------

void WindowsOracle::periods(const std::string& site, Factor factor, const Series& series) {
  std::set<std::pair<Window, std::int64_t>> done;
  for (const std::int64_t day : series.days) {
    const NaiveDate date = date_of_day(day);
    const auto from_to = [&](int first_month, int last_month) {
      std::int64_t first = day - (date.day - 1);
      for (int m = date.month - 1; m >= first_month; --m) first -= length(date.year, m);
      std::int64_t last = first - 1;
      for (int m = first_month; m <= last_month; ++m) last += length(date.year, m);
      return std::pair(first, last);
    };
    const int quarter = (date.month - 1) / 3 * 3 + 1;
    for (const auto& [window, span] :
         {std::pair{Window::Month, from_to(date.month, date.month)},
          std::pair{Window::Quarter, from_to(quarter, quarter + 2)}, std::pair{Window::Year, from_to(1, 12)}}) {
      if (done.insert({window, span.first}).second) period(site, factor, series, window, span.first, span.second);
    }
  }
}

void WindowsOracle::period(const std::string& site, Factor factor, const Series& series, Window window,
                           std::int64_t first, std::int64_t last) {
  const std::int64_t end = first_hour(last + 1);
  const Validity* rule = validity(factor, window, end);
  if (rule == nullptr) return;
  std::vector<std::int64_t> values;
  std::map<int, int> of_month;
  for (std::int64_t day = first; day <= last; ++day) {
    int& valid_days = of_month[date_of_day(day).month];
    const auto value = series.daily.find(day);
    if (value == series.daily.end()) continue;
    values.push_back(value->second);
    ++valid_days;
  }
  NaiveWindow w = mean_of(values);
  w.expected = static_cast<int>(last - first + 1);
  // A February without a number of its own is as other months.
  const auto days_of = [&](int month, int others) {
    return month == 2 && rule->february_at_least > 0 ? rule->february_at_least : others;
  };
  if (window == Window::Month) {
    w.valid = w.count > 0 && w.count >= days_of(of_month.begin()->first, rule->at_least);
  } else {
    w.valid = w.count > 0 && w.count >= rule->at_least;
    for (const auto& [month, valid_days] : of_month) {
      if (valid_days < days_of(month, rule->month_at_least)) w.valid = false;
    }
  }
  const Percentile* percentile =
      in_force(rules_.percentiles, time_of(end), [&](const Percentile& p) { return p.factor == factor; });
  if (percentile != nullptr && !values.empty()) {
    w.percentile = percentile->percent;
    w.percentile_value = naive_percentile(values, percentile->percent);
  }
  add(site, factor, window, first_hour(first), end, w);
}

// ---- indices --------------------------------------------------------------------------------------------------------

void WindowsOracle::indices(const std::string& site, const Site& all) {
  std::set<std::int64_t> hours;
  for (const auto& [factor, series] : all) {
    if (is_pollutant(factor)) hours.insert(series.published.begin(), series.published.end());
  }
  std::set<std::int64_t> days;
  for (const std::int64_t hour : hours) {
    indices_of_hour(site, all, hour);
    days.insert(day_number(hour));
  }
  for (const std::int64_t day : days) index_of_day(site, all, day);
}

std::optional<std::int64_t> WindowsOracle::valid_trailing(const Site& all, Factor factor, std::int64_t end) const {
  const auto series = all.find(factor);
  const Validity* rule = validity(factor, Window::H24, end);
  if (series == all.end() || rule == nullptr) return std::nullopt;
  const NaiveWindow w = hours_of(series->second, end - 24, end);
  return w.count > 0 && w.count >= rule->at_least ? std::optional(w.value) : std::nullopt;
}

void WindowsOracle::indices_of_hour(const std::string& site, const Site& all, std::int64_t hour) {
  const std::int64_t end = hour + 1;
  const AqiEdition& edition = this->edition(end);
  NaiveItems pm24;
  NaiveItems rolling;
  NaiveItems others_of_pm24;
  NaiveItems others_of_rolling;
  bool any_rule = false;
  for (const Factor f : kSixPollutants) {
    any_rule = any_rule || validity(f, Window::H24, end) != nullptr;
    const auto series = all.find(f);
    if (series == all.end()) continue;
    const auto h24 = valid_trailing(all, f, end);
    if (hourly_column(edition, f) == Window::H24) {
      if (h24) pm24[{f, Window::H24}] = *h24;
    } else if (const auto h1 = series->second.at(hour)) {
      pm24[{f, Window::H1}] = *h1;
      if (h24) others_of_pm24[{f, Window::H24}] = *h24;
    }
    if (f != Factor::O3) {
      if (h24) rolling[{f, Window::H24}] = *h24;
      continue;
    }
    // Of the 24 that end within the 24 hours.
    const Validity* mda8 = validity(f, Window::Mda8, end);
    const Greatest greatest = greatest_8h(series->second, end - 23, end);
    if (mda8 != nullptr && greatest.valid > 0 && greatest.valid >= mda8->at_least) {
      rolling[{f, Window::H8}] = greatest.value;
    }
    if (const auto h1 = greatest_1h(series->second, end - 24, end)) others_of_rolling[{f, Window::H1}] = *h1;
  }
  if (!any_rule) return;
  const auto exempt = oracle_.exempt(site);
  const bool particles = pm24.contains({Factor::PM25, Window::H24}) || pm24.contains({Factor::PM10, Window::H24});
  NaiveIndex with_particles = naive_index(edition, pm24, others_of_pm24, exempt);
  if (!particles) {
    with_particles.value = -1;
    with_particles.primary.clear();
  }
  add_index(site, Factor::AQI_PM24, Window::H1, hour, end, std::move(with_particles));
  add_index(site, Factor::AQI, Window::H24, end - 24, end, naive_index(edition, rolling, others_of_rolling, exempt));
}

void WindowsOracle::index_of_day(const std::string& site, const Site& all, std::int64_t day) {
  const std::int64_t start = first_hour(day);
  const std::int64_t end = start + 24;
  const AqiEdition& edition = this->edition(end);
  NaiveItems items;
  NaiveItems others;
  bool any_rule = false;
  for (const Factor f : kSixPollutants) {
    any_rule = any_rule || validity(f, Window::Day, end) != nullptr;
    const auto series = all.find(f);
    if (series == all.end()) continue;
    const auto daily = series->second.daily.find(day);
    const bool has = daily != series->second.daily.end();
    if (f != Factor::O3) {
      if (has) items[{f, Window::H24}] = daily->second;
      continue;
    }
    if (has) items[{f, Window::H8}] = daily->second;
    // The greatest 1 h mean of a day counts where the day of ozone has hours enough.
    const Validity* rule = validity(f, Window::Day, end);
    const NaiveWindow hours = hours_of(series->second, start, end);
    if (rule == nullptr || hours.count == 0 || hours.count < rule->at_least) continue;
    others[{f, Window::H1}] = hours.max;
    if (edition.day_o3_1h) items[{f, Window::H1}] = hours.max;
  }
  if (any_rule)
    add_index(site, Factor::AQI, Window::Day, start, end, naive_index(edition, items, others, oracle_.exempt(site)));
}

}  // namespace qc::core::fixture
