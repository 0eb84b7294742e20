// Properties of the warning machine over random regions: it equals the oracle, and with corrections, in any order, and
// saved and loaded anywhere, it comes to the same.
#include <gtest/gtest.h>

#include <random>

#include "core/warning_oracle.h"
#include "core/warning_track.h"

namespace qc::core {
namespace {

using fixture::PlainEpisode;
using fixture::WarningWorld;
using Mode = WarningMachine::Mode;

constexpr std::size_t kHours = 900;

struct Case {
  const char* name;
  Mode mode;
  int criteria;  // 2018, 2024, 0: both, one after the other, or 1: others
  Lasting lasting;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

// What none of the plans has: conditions that look far back past a short gap, and a level that begins below the others.
WarningCriteria others() {
  WarningCriteria c = fixture::criteria_2018();
  c.id = "others";
  c.levels[0] = {{{100, false, 120}, {150, false, 48}}, {{250, true, 24}}};
  c.levels[1] = {{{199, false, 48}, {150, false, 96}}};
  c.lift_hours = 10;
  c.stale_hours = 11;
  c.without_ozone = false;
  return c;
}

RuleSet rules_for(const Case& c) {
  if (c.criteria == 1) {
    WarningCriteria w = others();
    w.dated = {};
    w.lasting = c.lasting;
    return fixture::rules_of({w});
  }
  std::vector<WarningCriteria> all;
  if (c.criteria != 2024) all.push_back(fixture::criteria_2018());
  if (c.criteria != 2018) all.push_back(fixture::criteria_2024());
  for (WarningCriteria& w : all) {
    w.lasting = c.lasting;
    if (c.criteria != 0) w.dated = {};
  }
  return fixture::rules_of(all);
}

std::vector<PlainEpisode> fold(const RuleSet& rules, Mode mode, const WarningWorld& world) {
  WarningMachine machine(mode);
  Forecast forecast;
  for (std::size_t i = 0; i < world.hours.size(); ++i) {
    machine.step(rules, world.at(i), world.hours[i], forecast);
    const auto issued = world.issued.find(i);
    if (issued == world.issued.end()) continue;
    forecast = issued->second;
    machine.judge(rules, forecast);
  }
  std::vector<PlainEpisode> all;
  for (const WarningEpisode& e : machine.episodes()) all.push_back(fixture::plain(e));
  return all;
}

// What people know in the end: the last word on each episode that was not withdrawn, in the order of their beginnings.
class Told {
 public:
  std::vector<WarningEpisode> news;
  void take() {
    for (WarningEpisode& e : news) {
      const auto before = last_.find(e.number);
      EXPECT_EQ(e.revision, before == last_.end() ? 1 : before->second.revision + 1);
      if (before != last_.end()) {
        EXPECT_FALSE(e.same_outcome(before->second)) << "nothing new";
      }
      last_[e.number] = std::move(e);
    }
    news.clear();
  }
  std::vector<PlainEpisode> outcomes() const {
    std::vector<PlainEpisode> all;
    for (const auto& [number, e] : last_) {
      if (e.state != SignalState::Withdrawn) all.push_back(fixture::plain(e).outcome());
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.changes.front().decided < b.changes.front().decided;
    });
    return all;
  }

 private:
  std::map<std::int64_t, WarningEpisode> last_;
};

std::vector<PlainEpisode> outcomes(std::vector<PlainEpisode> all) {
  for (PlainEpisode& e : all) e = e.outcome();
  return all;
}

class Warning : public testing::TestWithParam<Case> {};

TEST_P(Warning, EqualsTheOracle) {
  const RuleSet rules = rules_for(GetParam());
  std::size_t episodes = 0;
  int red = 0;
  for (std::uint64_t seed = 1; seed <= (GetParam().mode == Mode::Live ? 8U : 14U); ++seed) {
    const WarningWorld world = fixture::make_warning_world(seed, kHours);
    const auto expected = fixture::warning_oracle(rules, GetParam().mode, world);
    ASSERT_EQ(fold(rules, GetParam().mode, world), expected) << "seed " << seed;
    episodes += expected.size();
    for (const PlainEpisode& e : expected) {
      for (const auto& c : e.changes) red += c.level == kWarningLevels ? 1 : 0;
    }
  }
  EXPECT_GT(episodes, 20U) << "the regions are too calm to say anything";
  EXPECT_GT(red, 3);
}

// Hours come wrong and are corrected later, up to four days later, in any order; the process stops anywhere.
TEST_P(Warning, CorrectionsInAnyOrderAndRestartsAnywhereComeToTheSame) {
  const RuleSet rules = rules_for(GetParam());
  for (std::uint64_t seed = 100; seed < 106; ++seed) {
    const WarningWorld world = fixture::make_warning_world(seed, 400);
    std::mt19937_64 random(seed);
    std::multimap<std::size_t, std::size_t> corrections;  // when: which
    WarningTrack track(GetParam().mode);
    Told told;
    const auto restart = [&] {
      if (random() % 10 != 0) return;
      std::string bytes;
      ByteWriter out(bytes);
      track.write(out);
      WarningTrack loaded;
      ByteReader in(bytes);
      ASSERT_TRUE(loaded.read(in) && in.done());
      track = std::move(loaded);
      std::string again;
      ByteWriter out_again(again);
      track.write(out_again);
      ASSERT_EQ(again, bytes);
    };
    const auto correct = [&](std::size_t when) {
      std::vector<std::size_t> due;
      for (auto [from, until] = corrections.equal_range(when); from != until; ++from) due.push_back(from->second);
      std::shuffle(due.begin(), due.end(), random);
      for (const std::size_t i : due) {
        ASSERT_TRUE(track.hour(rules, world.at(i), world.hours[i], "amended", told.news));
        told.take();
        restart();
      }
    };
    for (std::size_t i = 0; i < world.hours.size(); ++i) {
      IndexHour hour = world.hours[i];
      if (random() % 5 == 0 && i + 1 < world.hours.size()) {
        hour.index = hour.index == kNoIndex ? 350 : random() % 2 == 0 ? kNoIndex : hour.index / 2;
        corrections.emplace(std::min(world.hours.size() - 1, i + 1 + random() % 96), i);
      }
      ASSERT_TRUE(track.hour(rules, world.at(i), hour, {}, told.news));
      told.take();
      const auto issued = world.issued.find(i);
      if (issued != world.issued.end()) track.forecast(rules, issued->second, told.news);
      told.take();
      restart();
      correct(i);
    }
    ASSERT_EQ(told.outcomes(), outcomes(fixture::warning_oracle(rules, GetParam().mode, world))) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Criteria, Warning,
                         testing::Values(Case{"Observed2018Blocks", Mode::Observed, 2018, Lasting::Blocks},
                                         Case{"Observed2018EveryHour", Mode::Observed, 2018, Lasting::EveryHour},
                                         Case{"Observed2024Blocks", Mode::Observed, 2024, Lasting::Blocks},
                                         Case{"Observed2024EveryHour", Mode::Observed, 2024, Lasting::EveryHour},
                                         Case{"ObservedDated", Mode::Observed, 0, Lasting::Blocks},
                                         Case{"ObservedOthers", Mode::Observed, 1, Lasting::EveryHour},
                                         Case{"LiveOthersBlocks", Mode::Live, 1, Lasting::Blocks},
                                         Case{"LiveOthersEveryHour", Mode::Live, 1, Lasting::EveryHour},
                                         Case{"Live2018Blocks", Mode::Live, 2018, Lasting::Blocks},
                                         Case{"Live2018EveryHour", Mode::Live, 2018, Lasting::EveryHour},
                                         Case{"Live2024Blocks", Mode::Live, 2024, Lasting::Blocks},
                                         Case{"Live2024EveryHour", Mode::Live, 2024, Lasting::EveryHour},
                                         Case{"LiveDated", Mode::Live, 0, Lasting::Blocks}),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace qc::core
