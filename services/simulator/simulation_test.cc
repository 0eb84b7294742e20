// The model's properties, over the demo's own world: what must hold of any weather and any luck.
#include "simulator/simulation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "simulator/load.h"
#include "wire/rules.h"

namespace qc::simulator {
namespace {

using core::Factor;
using std::chrono::hours;
using std::chrono::minutes;

const core::EventTime kJanuary = core::beijing_midnight(2026, 1, 12);
const core::EventTime kJuly = core::beijing_midnight(2026, 7, 13);

const platform::Loaded& config() {
  static const platform::Loaded loaded = platform::load_valid_config(QC_SOURCE_DIR "/config").value();
  return loaded;
}
std::shared_ptr<const core::RuleSet> rules() {
  static const auto built = std::make_shared<const core::RuleSet>(wire::build_rules(config().rules).value());
  return built;
}

v1::Played played(core::EventTime from, const std::vector<v1::Episode>& episodes, double luck = 0) {
  v1::Played out;
  *out.mutable_world() = load_plays(config()).world;
  out.mutable_scenario()->set_luck(luck);
  for (const v1::Episode& e : episodes) *out.mutable_scenario()->add_episodes() = e;
  out.set_seed(7);
  out.set_from_ms(core::ms(from));
  return out;
}

v1::Episode episode(v1::EpisodeKind kind, core::Duration at, core::Duration lasts, double strength = 1) {
  v1::Episode e;
  e.set_kind(kind);
  e.set_at(at.count());
  e.set_lasts(lasts.count());
  e.set_strength(strength);
  return e;
}

Station& station(Simulation& simulation, const std::string& id) {
  for (Station& s : simulation.stations()) {
    if (s.site().id == id) return s;
  }
  throw std::runtime_error("no station " + id);
}

double mean(Simulation& simulation, const std::string& id, Factor f, core::EventTime from, core::Duration length) {
  double sum = 0;
  int n = 0;
  for (core::EventTime t = from; t < from + length; t += 10 * kMinute, ++n) {
    sum += station(simulation, id).air(t)[core::index(f)];
  }
  return sum / n;
}

std::string bytes(Simulation& simulation, core::EventTime from, core::Duration length) {
  std::string out;
  wire::BatchBuilder builder;
  std::vector<Packet> sent;
  for (core::EventTime t = from; t < from + length; t += kMinute) {
    sent.clear();
    simulation.send(t, sent);
    for (const Packet& p : sent) out += encode(p, core::receive_time(core::ms(t + kMinute)), builder);
  }
  return out;
}

TEST(Simulation, TheSameSeedGivesTheSameBytesAndAnotherOneDoesNot) {
  const std::vector<v1::Episode> episodes;
  v1::Played p = played(kJanuary, episodes, 5);
  Simulation one(p, rules());
  Simulation again(p, rules());
  const std::string first = bytes(one, kJanuary, hours(14));
  EXPECT_EQ(first, bytes(again, kJanuary, hours(14)));
  // A simulation that begins in the middle, and one that is asked for the past again.
  Simulation late(p, rules());
  EXPECT_EQ(bytes(late, kJanuary + hours(13), hours(1)), bytes(one, kJanuary + hours(13), hours(1)));
  EXPECT_EQ(bytes(one, kJanuary, hours(1)), first.substr(0, bytes(again, kJanuary, hours(1)).size()));
  p.set_seed(8);
  Simulation other(p, rules());
  EXPECT_NE(first, bytes(other, kJanuary, hours(14)));
}

TEST(Simulation, AnInversionNightIsWorseThanAWindyAfternoon) {
  Simulation s(
      played(kJanuary, {episode(v1::INVERSION, hours(12), hours(24)), episode(v1::FRONT, hours(58), hours(12))}),
      rules());
  for (const char* site : {"LL0201", "LL0301", "LL0401", "LL0501", "LL0102", "LL0801"}) {
    for (const Factor f : {Factor::PM25, Factor::PM10, Factor::CO, Factor::NO2, Factor::SO2}) {
      const double night = mean(s, site, f, kJanuary + hours(24), hours(6));
      const double afternoon = mean(s, site, f, kJanuary + hours(61), hours(4));
      EXPECT_GT(night, (f == Factor::SO2 || f == Factor::NO2 ? 1.2 : 2) * afternoon) << site << " " << core::name(f);
    }
  }
}

TEST(Simulation, WinterValuesArePlausible) {
  Simulation s(played(kJanuary, {}), rules());
  std::map<Factor, std::pair<double, int>> sums;
  for (core::EventTime t = kJanuary; t < kJanuary + hours(120); t += 20 * kMinute) {
    for (Station& st : s.stations()) {
      if (st.site().kind != core::SiteKind::Evaluation) continue;
      const Concentrations now = st.air(t);
      for (const Factor f : core::kSixPollutants) {
        sums[f].first += now[core::index(f)];
        ++sums[f].second;
      }
      EXPECT_LE(now[core::index(Factor::PM25)], now[core::index(Factor::PM10)]);
      EXPECT_LT(now[core::index(Factor::PM25)], 500);
      EXPECT_LT(now[core::index(Factor::CO)], 8000);
    }
  }
  const auto average = [&](Factor f) { return sums[f].first / sums[f].second; };
  for (const auto& [f, low, high] :
       {std::tuple{Factor::PM25, 25., 120.}, std::tuple{Factor::PM10, 50., 220.}, std::tuple{Factor::SO2, 10., 80.},
        std::tuple{Factor::NO2, 15., 80.}, std::tuple{Factor::CO, 500., 2500.}, std::tuple{Factor::O3, 5., 60.}}) {
    EXPECT_GT(average(f), low) << core::name(f);
    EXPECT_LT(average(f), high) << core::name(f);
  }
}

TEST(Simulation, OzoneIsOfTheSunAndDustOfTheDesert) {
  Simulation s(played(kJuly, {episode(v1::HEAT, hours(24), hours(48)), episode(v1::DUST, hours(72), hours(12), 1.5)}),
               rules());
  const auto at = [&](Factor f, int hour) { return mean(s, "LL0102", f, kJuly + hours(hour), hours(2)); };
  EXPECT_GT(at(Factor::O3, 14), 1.5 * at(Factor::O3, 2));
  EXPECT_GT(at(Factor::O3, 24 + 14), 1.2 * at(Factor::O3, 14));
  EXPECT_GT(at(Factor::O3, 24 + 14), 160);
  EXPECT_LT(at(Factor::O3, 24 + 14), 400);
  EXPECT_GT(at(Factor::PM10, 72 + 3), 1000);
  EXPECT_LT(at(Factor::PM25, 72 + 3), 0.4 * at(Factor::PM10, 72 + 3));
  Simulation winter(played(kJanuary, {}), rules());
  EXPECT_LT(mean(winter, "LL0102", Factor::O3, kJanuary + hours(14), hours(2)), 0.6 * at(Factor::O3, 14));
}

// The same air with and without one emitter: what it adds goes where the wind goes.
TEST(Simulation, AnEmitterRaisesThoseDownwindOfIt) {
  v1::Episode leak = episode(v1::LEAK, hours(0), hours(240), 20);
  leak.set_emitter("coke-wutong");
  v1::Episode halt = episode(v1::HALT, hours(0), hours(240));
  halt.set_emitter("coke-wutong");
  Simulation with(played(kJanuary, {leak}), rules());
  Simulation without(played(kJanuary, {halt}), rules());
  double downwind = 0;
  double upwind = 0;
  int down = 0;
  int up = 0;
  for (core::EventTime t = kJanuary + hours(24); t < kJanuary + hours(200); t += 10 * kMinute) {
    const Sky sky = with.air().sky("xiaoyi", t);
    for (const char* id : {"LL0203", "LL0271", "LL0202", "LL0272", "LL0201"}) {
      const Station& site = station(with, id);
      const double east = site.site().lon_e6 * 1e-6 - 111.700;
      const double north = (site.site().lat_e6 * 1e-6 - 37.126) * 1.25;
      const double along = (east * sky.east + north * sky.north) / (std::hypot(east, north) * sky.speed());
      const double added =
          station(with, id).air(t)[core::index(Factor::SO2)] - station(without, id).air(t)[core::index(Factor::SO2)];
      EXPECT_GE(added, -1e-9);
      if (along > 0.95) downwind += added, ++down;
      if (along < -0.3) upwind += added, ++up;
    }
  }
  ASSERT_GT(down, 20);
  ASSERT_GT(up, 20);
  EXPECT_GT(downwind / down, 3 * upwind / up);
  EXPECT_GT(downwind / down, 100);
}

// Every minute of every instrument comes exactly once, whatever breaks; what is ordered twice comes twice.
TEST(Simulation, WhatALineHeldBackComesAfterwardsOnce) {
  v1::Episode outage = episode(v1::OUTAGE, minutes(70), minutes(270));
  outage.add_regions("lishi");
  v1::Episode again = episode(v1::RESEND, minutes(60), minutes(30));
  again.add_sites("LL0201");
  Simulation s(played(kJanuary, {outage, again}), rules());
  std::map<std::pair<std::string, core::EventTime>, int> came;
  int late = 0;
  for (core::EventTime t = kJanuary; t < kJanuary + hours(8); t += kMinute) {
    std::vector<Packet> sent;
    s.send(t, sent);
    for (const Packet& p : sent) {
      late += p.fault == Fault::Late ? static_cast<int>(p.minutes) : 0;
      EXPECT_LE(p.start, t);
      for (const Row& r : p.rows) {
        if (r.factor == Factor::PM25) ++came[{p.site->id, p.start + kMinute * static_cast<int>(r.row)}];
      }
    }
  }
  EXPECT_EQ(came.size(), s.stations().size() * 480);
  int twice = 0;
  for (const auto& [key, n] : came) {
    twice += n - 1;
    EXPECT_LE(n, key.first == "LL0201" ? 2 : 1) << key.first;
  }
  EXPECT_EQ(twice, 30);
  int lishi = 0;
  for (const auto& [id, site] : rules()->sites) lishi += site.region == "lishi" ? 1 : 0;
  EXPECT_EQ(late, lishi * 270);
}

TEST(Simulation, InstrumentsDoWhatIsOrdered) {
  const auto of = [](v1::EpisodeKind kind, double strength) {
    v1::Episode e = episode(kind, hours(1), hours(2), strength);
    e.add_sites("LL0102");
    e.add_factors(v1::PM10);
    if (kind == v1::FLAGS) e.set_flag("M");
    return e;
  };
  const auto shown = [](Simulation& s, core::EventTime t) {
    std::vector<Packet> sent;
    s.send(t, sent);
    for (const Packet& p : sent) {
      for (const Row& r : p.rows) {
        if (p.site->id == "LL0102" && r.factor == Factor::PM10) return r.shown;
      }
    }
    return Shown{};
  };
  const core::EventTime in = kJanuary + hours(2);
  Simulation plain(played(kJanuary, {}), rules());
  const auto truth = static_cast<double>(shown(plain, in).value.mantissa);
  Simulation gain(played(kJanuary, {of(v1::GAIN, 3)}), rules());
  EXPECT_NEAR(static_cast<double>(shown(gain, in).value.mantissa), 3 * truth, 3);
  Simulation reads(played(kJanuary, {of(v1::READS, 999)}), rules());
  EXPECT_EQ(shown(reads, in).value.mantissa, 9990);
  Simulation stick(played(kJanuary, {of(v1::STICK, 1)}), rules());
  EXPECT_EQ(shown(stick, in).value.mantissa, shown(stick, in + minutes(37)).value.mantissa);
  EXPECT_EQ(shown(stick, in).value.mantissa, shown(plain, kJanuary + hours(1)).value.mantissa);
  Simulation flags(played(kJanuary, {of(v1::FLAGS, 1)}), rules());
  EXPECT_EQ(shown(flags, in).flag, core::Flag::Maintenance);
  Simulation gap(played(kJanuary, {of(v1::GAP, 1)}), rules());
  EXPECT_EQ(shown(gap, in).flag, core::Flag::Missing);
  EXPECT_EQ(shown(gap, in + hours(2)).flag, core::Flag::Normal);
}

}  // namespace
}  // namespace qc::simulator
