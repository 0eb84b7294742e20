// The centre of the simulation: without an error it says what will be; with one it is as far off as the time until then
// lets it, and the same every time it is asked.
#include "simulator/forecast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/aqi.h"
#include "simulator/load.h"
#include "simulator/simulation.h"
#include "wire/event_codec.h"
#include "wire/rules.h"

namespace qc::simulator {
namespace {

using core::Factor;
using core::kHour;

const core::EventTime kJanuary = core::beijing_midnight(2026, 1, 12);
const core::EventTime kEvening = kJanuary + kHour * 20;

const platform::Loaded& config() {
  static const platform::Loaded loaded = platform::load_valid_config(QC_SOURCE_DIR "/config").value();
  return loaded;
}

std::shared_ptr<const core::RuleSet> rules() {
  static const auto built = std::make_shared<const core::RuleSet>(wire::build_rules(config().rules).value());
  return built;
}

v1::Played played(core::EventTime from, double error, v1::EpisodeKind kind = v1::INVERSION) {
  v1::Played out;
  *out.mutable_world() = load_plays(config()).world;
  out.mutable_world()->mutable_forecasts()->set_error(error);
  v1::Episode& e = *out.mutable_scenario()->add_episodes();
  e.set_kind(kind);
  e.set_at(core::Duration(kHour * 24).count());
  e.set_lasts(core::Duration(kHour * 60).count());
  out.set_seed(7);
  out.set_from_ms(core::ms(from));
  return out;
}

using Issued = std::map<std::string, core::Forecast>;
Issued issue(Simulation& simulation, core::EventTime at) {
  Issued out;
  for (const IssuedForecast& f : simulation.forecasts(at)) {
    EXPECT_EQ(f.issue.issued, at);
    out[f.region] = f.issue.hours;
  }
  return out;
}
Issued issue(const v1::Played& played, core::EventTime at) {
  Simulation simulation(played, rules());
  return issue(simulation, at);
}

// Of the air as it will be, minute by tenth minute, apart from the forecaster's own way.
int naive_index(Simulation& simulation, const std::vector<std::string>& counties, core::EventTime end) {
  constexpr int kHours = 31;
  std::array<std::array<double, kHours>, core::kSixPollutants.size()> means{};
  double stations = 0;
  for (Station& s : simulation.stations()) {
    const core::SiteInfo& site = s.site();
    if (site.kind != core::SiteKind::Evaluation) continue;
    if (std::find(counties.begin(), counties.end(), site.region) == counties.end()) continue;
    ++stations;
    for (int h = 0; h < kHours; ++h) {
      for (int m = 0; m < 60; m += 10) {
        const auto air = s.air(end - kHour * (kHours - h) + kMinute * m);
        for (std::size_t p = 0; p < means.size(); ++p)
          means[p][static_cast<std::size_t>(h)] += air[core::index(core::kSixPollutants[p])] / 6;
      }
    }
  }
  core::AqiInputs inputs;
  for (std::size_t p = 0; p < means.size(); ++p) {
    double day = 0;
    double highest = 0;
    double ozone = 0;
    for (std::size_t h = 7; h < kHours; ++h) {
      day += means[p][h] / stations / 24;
      highest = std::max(highest, means[p][h] / stations);
      double eight = 0;
      for (std::size_t i = h - 7; i <= h; ++i) eight += means[p][i] / stations / 8;
      ozone = std::max(ozone, eight);
    }
    inputs.h24[p] = core::Concentration{std::llround(day * 1e6)};
    if (core::kSixPollutants[p] != Factor::O3) continue;
    inputs.h1[p] = core::Concentration{std::llround(highest * 1e6)};
    inputs.o3_8h = core::Concentration{std::llround(ozone * 1e6)};
  }
  return core::aqi(*rules()->edition(end - core::Duration(1)), core::AqiReport::Rolling, inputs, {}).aqi.value();
}

TEST(Forecaster, WithoutAnErrorItSaysWhatWillBe) {
  const v1::Played play = played(kJanuary, 0);
  const Issued said = issue(play, kEvening);
  EXPECT_EQ(said.size(), 15U) << "thirteen counties, the plain, the prefecture";
  Simulation simulation(play, rules());
  for (const int h : {1, 30, 61, 96}) {
    const core::EventTime end = kEvening + kHour * h;
    // To the rounding of sums that were made in another order.
    EXPECT_NEAR(said.at("xiaoyi").at(end).index, naive_index(simulation, {"xiaoyi"}, end), 1) << h;
    EXPECT_NEAR(said.at("plain").at(end).index,
                naive_index(simulation, {"fenyang", "xiaoyi", "jiaocheng", "wenshui"}, end), 1)
        << h;
  }
}

TEST(Forecaster, ItSpeaksOfEveryHourToComeAndOnlyOfThose) {
  for (const auto& [region, hours] : issue(played(kJanuary, 1), kEvening)) {
    ASSERT_EQ(hours.size(), 96U) << region;
    EXPECT_EQ(hours.begin()->first, kEvening + kHour) << region;
    EXPECT_EQ(hours.rbegin()->first, kEvening + kHour * 96) << region;
    for (const auto& [end, hour] : hours) {
      EXPECT_TRUE(hour.index > 0 && hour.index <= core::kIndexMax) << region;
      EXPECT_FALSE(hour.dust) << region;
    }
    const core::Event event{"id", region, "lvliang", "centre", kEvening, core::ForecastIssue{kEvening, hours}};
    EXPECT_EQ(wire::event_error(event), "");
  }
}

TEST(Forecaster, ItIssuesAtItsHoursOnly) {
  Simulation simulation(played(kJanuary, 1), rules());
  int issued = 0;
  for (core::EventTime t = kJanuary; t < kJanuary + kHour * 24; t += 10 * kMinute)
    issued += simulation.forecasts(t).empty() ? 0 : 1;
  EXPECT_EQ(issued, 2);
  v1::Played none = played(kJanuary, 1);
  none.mutable_world()->clear_forecasts();
  EXPECT_TRUE(issue(none, kEvening).empty());
}

TEST(Forecaster, TheSameIsSaidWheneverItIsAsked) {
  const v1::Played play = played(kJanuary, 1);
  Simulation rising(play, rules());
  Issued second;
  issue(rising, kEvening);
  second = issue(rising, kEvening + kHour * 12);
  EXPECT_EQ(second, issue(play, kEvening + kHour * 12)) << "without the one before, as after an interruption";
  EXPECT_EQ(issue(rising, kEvening), issue(play, kEvening)) << "asked again afterwards";
  v1::Played other = play;
  other.set_seed(8);
  EXPECT_NE(second, issue(other, kEvening + kHour * 12));
}

TEST(Forecaster, TheErrorGrowsWithTheTimeUntilThen) {
  // Over many issues of one long month, so that no single draw decides.
  const v1::Played exact = played(kJanuary, 0);
  const v1::Played usual = played(kJanuary, 1);
  Simulation truth(exact, rules());
  Simulation centre(usual, rules());
  std::map<int, double> squares;
  int n = 0;
  for (core::EventTime at = kEvening; at < kEvening + kHour * 24 * 20; at += kHour * 12) {
    const Issued will = issue(truth, at);
    for (const auto& [region, hours] : issue(centre, at)) {
      ++n;
      for (const int h : {1, 24, 96}) {
        const core::EventTime end = at + kHour * h;
        const double off = std::log(hours.at(end).index / static_cast<double>(will.at(region).at(end).index));
        squares[h] += off * off;
      }
    }
  }
  const auto off = [&](int h) { return std::sqrt(squares[h] / n); };
  EXPECT_EQ(n, 40 * 15);
  EXPECT_LT(off(1), 0.02) << "of 24 hours 23 have passed";
  EXPECT_GT(off(24), 2 * off(1));
  EXPECT_GT(off(96), 1.3 * off(24));
  EXPECT_LT(off(96), 0.5);
}

TEST(Forecaster, DustIsToldApart) {
  const core::EventTime april = core::beijing_midnight(2026, 4, 6);
  int dusty = 0;
  for (const auto& [region, hours] : issue(played(april, 0, v1::DUST), april + kHour * 32)) {
    for (const auto& [end, hour] : hours) {
      dusty += hour.dust ? 1 : 0;
      EXPECT_TRUE(!hour.dust || hour.index > 100) << region;
    }
  }
  EXPECT_GT(dusty, 15 * 10);
}

TEST(Forecaster, OzoneAloneIsToldApart) {
  const core::EventTime july = core::beijing_midnight(2026, 7, 13);
  int ozone = 0;
  int all = 0;
  for (const auto& [region, hours] : issue(played(july, 0, v1::HEAT), july + kHour * 32)) {
    for (const auto& [end, hour] : hours) {
      ozone += hour.ozone ? 1 : 0;
      ++all;
    }
  }
  EXPECT_GT(ozone, all / 4);
  int winter = 0;
  for (const auto& [region, hours] : issue(played(kJanuary, 0), kEvening)) {
    for (const auto& [end, hour] : hours) winter += hour.ozone ? 1 : 0;
  }
  EXPECT_EQ(winter, 0);
}

}  // namespace
}  // namespace qc::simulator
