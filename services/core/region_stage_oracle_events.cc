#include "core/region_stage_oracle_events.h"

#include <algorithm>
#include <array>

namespace qc::core::fixture {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Random = std::mt19937_64;

int upto(Random& r, int n) {
  return static_cast<int>(r() % static_cast<std::uint64_t>(n));
}
bool one_in(Random& r, int n) {
  return upto(r, n) == 0;
}

}  // namespace

void warn(RuleSet& rules) {
  rules.regions["G"].joint_members = 1;
  rules.regions["P"].joint_members = 2;
  WarningCriteria& criteria = rules.warnings.emplace_back();
  criteria.id = criteria.clause = "short";
  criteria.levels = {{{{{90}}}, {{{110}}, {{90, false, 48}}}, {{{120, false, 24}, {100, false, 48}}}}};
  criteria.lift_hours = 6;
}

std::vector<Event> make_events(EventTime end, Random& r) {
  const EventTime start = beijing_midnight(2026, 3, 1);
  const int long_hours = static_cast<int>((end - start) / kHour) + 10;
  std::vector<EventTime> times(static_cast<std::size_t>(upto(r, 40)));
  for (EventTime& t : times) t = start + minutes(upto(r, long_hours * 60));
  std::sort(times.begin(), times.end());
  constexpr std::array kRegions = {"P", "P0", "P1", "Q", "G", "nowhere"};
  std::vector<Event> events;
  for (const EventTime t : times) {
    Event& e = events.emplace_back();
    e.id = "order" + std::to_string(upto(r, 6));
    e.region = kRegions.at(static_cast<std::size_t>(upto(r, 6)));
    e.root = e.region.substr(0, 1);
    e.source = "centre";
    e.received = t;
    if (one_in(r, 3)) {
      const EventTime from = t + minutes(upto(r, 300) - 100);
      e.what = AreaOrder{upto(r, 4), {from, one_in(r, 3) ? EventTime::max() : from + minutes(1 + upto(r, 900))}};
      continue;
    }
    ForecastIssue issue;
    issue.issued = t - hours(upto(r, 12));
    int index = 60 + upto(r, 100);
    for (int h = 1, n = upto(r, 100); h <= n; ++h) {
      if (one_in(r, 8)) index = 60 + upto(r, 100);
      issue.hours[hour_of(t) + hours(h)].index = index;
    }
    e.what = issue;
  }
  return events;
}

}  // namespace qc::core::fixture
