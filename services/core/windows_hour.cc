// The hour itself and its index, `AQI` `1h`.
#include <algorithm>
#include <utility>

#include "core/windows.h"

namespace qc::core {
namespace {

std::uint8_t column_of(const Site& site, Factor f) {
  return site.column[index(f)];
}

// An hour's value above its item's last break point, where another window speaks then.
bool by_other_window(const AqiEdition& edition, Factor f, Concentration c) {
  return std::any_of(edition.items.begin(), edition.items.end(), [&](const AqiItem& item) {
    return item.above == Above::OtherWindow && item.hourly && item.factor == f && c > item.concentrations.back();
  });
}

}  // namespace

Windows::Place Windows::hour_place(const HourEntry& e, Factor factor, Status status, std::int32_t revision) {
  const Interval interval{e.start, e.start + kHour};
  return {factor, Window::H1, interval, status, revision, e.data->reason, e.data->slots.first_offset()};
}

void Windows::add_hour(const Site& site, const HourEntry& e, std::size_t column, Status status) {
  const auto& [v, revision] = e.data->results[column];
  Mean& m = add(site, hour_place(e, site.series[column].factor, status, revision));
  m.value = v.mean();
  m.valid = v.valid;
  m.sum_pg = v.sums.sum_pg;
  m.count = v.sums.count;
  m.expected = v.expected;
  m.min = {v.sums.min_pg};
  m.max = {v.sums.max_pg};
  m.source = v.source;
  m.audited = v.audited;
  m.suspect = static_cast<std::int32_t>(v.sums.suspect);
  judge_limit(rules_, site, m);
}

bool Windows::publish_hour_index(Site& site, HourEntry& e, Status status) {
  HourData& data = *e.data;
  const AqiEdition* edition = rules_.edition(last_instant({e.start, e.start + kHour}));
  if (edition == nullptr) return false;
  AqiInputs inputs;
  bool any = false;  // one of the six has a result: there is something to say, if only "NA"
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    const std::uint8_t column = site.column[index(kSixPollutants[i])];
    if (column == kNoColumn || column >= data.results.size() || data.results[column].revision == 0) continue;
    any = true;
    const HourValue& v = data.results[column].value;
    if (v.valid) inputs.h1[i] = v.mean();
  }
  if (!any) return false;
  add_instead(site, e.start, *edition, inputs);
  AqiResult result = aqi(*edition, AqiReport::Hour, inputs, site.info.exempt);
  IndexOutcome outcome{result.aqi.value_or(-1), std::move(result.primary), std::move(result.sub_indices)};
  if (status == Status::Running && outcome.value < 0) return false;
  const bool closes = status != Status::Running && !e.closed;
  if (!closes && data.index_revision > 0 && outcome == data.index) return false;
  data.index = std::move(outcome);
  ++data.index_revision;
  add_index(site, hour_place(e, Factor::AQI, status, data.index_revision), *edition, data.index);
  return true;
}

void Windows::publish_dependent_indices(Site& site, std::vector<Judge::AmendedHour>& amended) {
  const EventTime from = amended.front().hour;
  const EventTime until = amended.back().hour + kDay;
  const Judge::AmendedHour first = amended.front();
  for (HourEntry& e : site.hours) {
    if (!e.closed || e.start <= from || e.start >= until) continue;
    const bool known = std::any_of(amended.begin(), amended.end(), [&](const auto& a) { return a.hour == e.start; });
    const AqiEdition* edition = rules_.edition(last_instant({e.start, e.start + kHour}));
    if (known || edition == nullptr || !counts_by_trailing(site, e.start, *edition)) continue;
    e.thaw().reason = first.reason;
    if (publish_hour_index(site, e, Status::Amended)) amended.push_back({e.start, first.reason});
    e.data->reason.clear();
    e.dirty = true;
    e.freeze();
  }
  std::sort(amended.begin(), amended.end(), [](const auto& a, const auto& b) { return a.hour < b.hour; });
}

void Windows::add_instead(const Site& site, EventTime hour, const AqiEdition& edition, AqiInputs& inputs) const {
  for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
    if (!inputs.h1[i]) continue;
    if (!by_other_window(edition, kSixPollutants[i], *inputs.h1[i])) continue;
    const EventTime end = hour + kHour;
    const Total t = site.history.trailing(column_of(site, kSixPollutants[i]), end, kDayHours);
    if (enough(kSixPollutants[i], Window::H24, end, t.count)) inputs.h24[i] = t.mean();
  }
}

bool Windows::counts_by_trailing(const Site& site, EventTime hour, const AqiEdition& edition) {
  return std::any_of(kSixPollutants.begin(), kSixPollutants.end(), [&](Factor f) {
    const std::uint8_t c = column_of(site, f);
    const auto mean = c == kNoColumn ? std::nullopt : site.history.mean(c, hour);
    return mean && by_other_window(edition, f, Concentration{*mean});
  });
}

}  // namespace qc::core
