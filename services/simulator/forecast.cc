#include "simulator/forecast.h"

#include <algorithm>
#include <cmath>

#include "core/aqi.h"

namespace qc::simulator {
namespace {

using core::Factor;
using core::kHour;

constexpr int kDayHours = 24;
constexpr int kOzoneHours = 8;
// The first 8 h mean of ozone that ends within the 24 h begins so long before their end.
constexpr int kBack = kDayHours + kOzoneHours - 1;
// The air's model steps by ten minutes; a centre's would not be finer.
constexpr core::Duration kSample = std::chrono::minutes(10);
// Of the logarithm of an hour's concentration; the index of 24 h is less far off.
constexpr double kErrorInFourDays = 0.5;
constexpr double kFourDays = 96;
// How long an error keeps its sign: a front that comes half a day too early or too late.
constexpr core::Duration kErrorKnot = std::chrono::hours(18);
// Dust weather, where the index is one that anybody would warn of.
constexpr int kDustIndex = 100;

std::size_t place_of(Factor f) {
  return static_cast<std::size_t>(std::find(core::kSixPollutants.begin(), core::kSixPollutants.end(), f) -
                                  core::kSixPollutants.begin());
}

core::Concentration concentration(double ug) {
  return {std::llround(ug * 1e6)};
}

}  // namespace

Forecaster::Forecaster(const v1::Played& played, std::shared_ptr<const core::RuleSet> rules, const Script& script,
                       core::EventTime from)
    : world_(played.world()),
      rules_(std::move(rules)),
      plans_(core::region_plans(*rules_)),
      first_(core::hour_of(from) - kHour * kBack),
      error_(world_.forecasts().has_error() ? world_.forecasts().error() : 1.0),
      chance_(Chance(played.seed()).of("forecast")),
      air_(world_, script, played.seed(), from) {
  for (const core::RegionPlan& plan : plans_) {
    for (const core::SiteInfo* site : plan.stations) {
      Air::Place place = air_.place(*site);
      if (place.county >= 0) stations_.try_emplace(site->id, Station{site, std::move(place)});
    }
  }
}

bool Forecaster::issues_at(core::EventTime t) const {
  if (core::hour_of(t) != t) return false;
  const auto& issued = world_.forecasts().issued();
  const auto hour = (t.time_since_epoch() + core::kBeijing) / kHour % kDayHours;
  return std::find(issued.begin(), issued.end(), hour) != issued.end();
}

Forecaster::Mean Forecaster::station_hour(const Station& station, core::EventTime start) {
  Mean out;
  int n = 0;
  for (core::EventTime t = start; t < start + kHour; t += kSample, ++n) {
    const Concentrations air = air_.at(station.place, t);
    for (std::size_t i = 0; i < core::kSixPollutants.size(); ++i)
      out.of[i] += air[core::index(core::kSixPollutants[i])];
  }
  for (double& ug : out.of) ug /= n;
  out.dust_ug = air_.sky(station.site->region, start + kHour / 2).dust_ug;
  return out;
}

const Forecaster::Hour& Forecaster::hour(core::EventTime start) {
  const auto [at, is_new] = hours_.try_emplace(start);
  if (!is_new) return at->second;
  std::map<std::string_view, Mean> stations;
  for (const auto& [id, station] : stations_) {
    if (station.site->dated.holds(start + kHour - core::Duration(1))) stations[id] = station_hour(station, start);
  }
  Hour& out = at->second;
  for (const core::RegionPlan& plan : plans_) {
    std::vector<const Mean*> parts;
    for (const std::size_t member : plan.members) {
      if (out[member]) parts.push_back(&*out[member]);
    }
    for (const core::SiteInfo* site : plan.stations) {
      const auto station = stations.find(site->id);
      if (plan.members.empty() && station != stations.end()) parts.push_back(&station->second);
    }
    Mean mean;
    for (const Mean* part : parts) {
      for (std::size_t i = 0; i < mean.of.size(); ++i) mean.of[i] += part->of[i] / static_cast<double>(parts.size());
      mean.dust_ug += part->dust_ug / static_cast<double>(parts.size());
    }
    out.push_back(parts.empty() ? std::nullopt : std::optional(mean));
  }
  return out;
}

Forecaster::Mean Forecaster::spoiled(const Mean& mean, const std::string& region, core::EventTime start,
                                     core::EventTime issued) const {
  if (start < issued) return mean;
  const double ahead = static_cast<double>((start + kHour - issued) / kHour);
  const double deviation = error_ * kErrorInFourDays * std::sqrt(ahead / kFourDays);
  const Chance drawn = chance_.of(core::ms(issued));
  const double common = drawn.of("all").smooth(start, kErrorKnot);
  Mean out = mean;
  for (std::size_t i = 0; i < out.of.size(); ++i) {
    const double own = drawn.of(region).of(static_cast<std::int64_t>(i)).smooth(start, kErrorKnot);
    out.of[i] *= std::exp(deviation * (0.8 * common + 0.6 * own));
  }
  return out;
}

// `hours`: the kBack that end at `end`, the last 24 of them the index's own.
std::optional<core::IndexHour> Forecaster::index(const std::vector<Mean>& hours, core::EventTime end) const {
  const core::AqiEdition* edition = rules_->edition(end - core::Duration(1));
  if (edition == nullptr) return std::nullopt;
  const std::size_t o3 = place_of(Factor::O3);
  const auto mean = [&](std::size_t pollutant, std::size_t first, std::size_t n) {
    double sum = 0;
    for (std::size_t i = first; i < first + n; ++i) sum += hours[i].of[pollutant];
    return sum / static_cast<double>(n);
  };
  core::AqiInputs inputs;
  for (std::size_t p = 0; p < core::kSixPollutants.size(); ++p)
    inputs.h24[p] = concentration(mean(p, kOzoneHours - 1, kDayHours));
  double ozone_1h = 0;
  double ozone_8h = 0;
  double dust = 0;
  for (std::size_t i = 0; i < kDayHours; ++i) {
    ozone_8h = std::max(ozone_8h, mean(o3, i, kOzoneHours));
    ozone_1h = std::max(ozone_1h, hours[i + kOzoneHours - 1].of[o3]);
    dust += hours[i + kOzoneHours - 1].dust_ug / kDayHours;
  }
  inputs.h1[o3] = concentration(ozone_1h);
  inputs.o3_8h = concentration(ozone_8h);
  const core::AqiResult result = core::aqi(*edition, core::AqiReport::Rolling, inputs, {});
  if (!result.aqi) return std::nullopt;
  const double pm10 = mean(place_of(Factor::PM10), kOzoneHours - 1, kDayHours);
  return core::IndexHour{*result.aqi, result.primary == std::vector{Factor::O3},
                         *result.aqi > kDustIndex && dust > pm10 / 2};
}

std::vector<IssuedForecast> Forecaster::issue(core::EventTime at) {
  const int ahead = world_.forecasts().hours();
  const core::EventTime begin = std::max(first_, at + kHour - kHour * kBack);
  const core::EventTime end = at + kHour * ahead;
  hours_.erase(hours_.begin(), hours_.lower_bound(begin));
  std::vector<const Hour*> hours;
  for (core::EventTime t = begin; t < end; t += kHour) hours.push_back(&hour(t));

  std::vector<IssuedForecast> out;
  for (std::size_t p = 0; p < plans_.size(); ++p) {
    IssuedForecast forecast{plans_[p].region->id, {at, {}}};
    std::vector<Mean> last;  // the kBack before the hour that is looked at
    core::EventTime start = begin;
    for (const Hour* h : hours) {
      if (const auto& mean = (*h)[p]) {
        last.push_back(spoiled(*mean, forecast.region, start, at));
      } else {
        last.clear();
      }
      start += kHour;
      if (last.size() > kBack) last.erase(last.begin());
      if (last.size() < kBack || start <= at) continue;
      if (const auto made = index(last, start)) forecast.issue.hours[start] = *made;
    }
    if (!forecast.issue.hours.empty()) out.push_back(std::move(forecast));
  }
  return out;
}

}  // namespace qc::simulator
