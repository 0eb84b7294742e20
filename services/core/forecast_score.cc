#include "core/forecast_score.h"

#include <cstdlib>

#include "core/aqi.h"

namespace qc::core {
namespace {

constexpr std::int64_t kTotalMax = std::int64_t{1} << 53;  // what a metric can show; a lie in bytes ends there

// HJ 633: above the fourth of its six levels.
bool heavy(int index) {
  return index > kAqiLevels[3].last;
}

void add(ForecastErrors& errors, int said, int came) {
  errors.absolute += std::abs(said - came);
  errors.hits += heavy(said) && heavy(came) ? 1 : 0;
  errors.misses += !heavy(said) && heavy(came) ? 1 : 0;
  errors.alarms += heavy(said) && !heavy(came) ? 1 : 0;
}

void add(ForecastErrors& to, const ForecastErrors& more) {
  to.absolute += more.absolute;
  to.hits += more.hits;
  to.misses += more.misses;
  to.alarms += more.alarms;
}

void write_errors(ByteWriter& out, const ForecastErrors& errors) {
  for (const std::int64_t n : {errors.absolute, errors.hits, errors.misses, errors.alarms}) out.i64(n);
}
void read_errors(ByteReader& in, ForecastErrors& errors) {
  for (std::int64_t* n : {&errors.absolute, &errors.hits, &errors.misses, &errors.alarms}) *n = in.i64_in(0, kTotalMax);
}

}  // namespace

ForecastScores& operator+=(ForecastScores& to, const ForecastScores& more) {
  for (std::size_t day = 0; day < kScoredDays; ++day) {
    to[day].hours += more[day].hours;
    add(to[day].forecast, more[day].forecast);
    add(to[day].persistence, more[day].persistence);
  }
  return to;
}

bool ForecastScorer::issue(EventTime at, int index, const Forecast& hours) {
  if (index == kNoIndex) return false;
  bool noted = false;
  for (auto hour = hours.upper_bound(at); hour != hours.end(); ++hour) {
    const auto day = static_cast<std::size_t>((hour->first - at - Duration(1)) / (24 * kHour));
    if (day >= kScoredDays) break;
    if (hour->second.index == kNoIndex) continue;
    said_[hour->first][day] = {hour->second.index, index};
    noted = true;
  }
  return noted;
}

bool ForecastScorer::observed(EventTime end, int index) {
  if (said_.empty() || said_.begin()->first > end) return false;
  const auto hour = said_.find(end);
  if (hour != said_.end() && index != kNoIndex) {
    for (std::size_t day = 0; day < kScoredDays; ++day) {
      const Said& said = hour->second[day];
      if (said.forecast == kNoIndex) continue;
      ++scores_[day].hours;
      add(scores_[day].forecast, said.forecast, index);
      add(scores_[day].persistence, said.persistence, index);
    }
  }
  said_.erase(said_.begin(), said_.upper_bound(end));
  return true;
}

void ForecastScorer::write(ByteWriter& out) const {
  for (const ForecastScore& score : scores_) {
    out.i64(score.hours);
    write_errors(out, score.forecast);
    write_errors(out, score.persistence);
  }
  out.u64(said_.size());
  for (const auto& [end, days] : said_) {
    out.time(end);
    for (const Said& said : days) {
      out.i64(said.forecast);
      if (said.forecast != kNoIndex) out.i64(said.persistence);
    }
  }
}

bool ForecastScorer::read(ByteReader& in) {
  for (ForecastScore& score : scores_) {
    score.hours = in.i64_in(0, kTotalMax);
    read_errors(in, score.forecast);
    read_errors(in, score.persistence);
  }
  for (std::uint64_t n = in.u64_to(kScoredDays * 24 * 60); n > 0 && in.ok(); --n) {
    const EventTime end = in.time();
    for (Said& said : said_[end]) {
      said.forecast = static_cast<int>(in.i64_in(kNoIndex, kIndexMax));
      if (said.forecast != kNoIndex) said.persistence = static_cast<int>(in.i64_in(0, kIndexMax));
    }
  }
  return in.ok();
}

}  // namespace qc::core
