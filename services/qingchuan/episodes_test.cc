#include "qingchuan/episodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "platform/config.h"
#include "qingchuan/open_log.h"
#include "stream/memory_log.h"
#include "wire/rules.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

using core::EventTime;
using core::WarningAlternative;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const EventTime kStart = core::beijing_midnight(2023, 12, 1);

const platform::Loaded& shipped() {
  static const platform::Loaded loaded = platform::load_valid_config(QC_SOURCE_DIR "/config").value();
  return loaded;
}

// A log as it stands once region means are published, with the shipped rules and two of their regions.
class EpisodesTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<stream::TopicSpec> specs{{"rules", 1}, {"region-means", 1}, {"signals", 1}};
    ASSERT_TRUE(log_.create_topics(specs));
    const auto hash = store_.put(wire::canonical_bytes(shipped().rules));
    ASSERT_TRUE(hash);
    hash_ = *hash;
    const auto rules = store_.get(hash_);
    ASSERT_TRUE(rules);
    auto region = (*rules)->regions.begin();
    a_ = region->first;
    b_ = (++region)->first;
  }

  // The index of the 24 h that end with the hour; -1: not valid.
  void index(const std::string& of, int hour, int index, std::int32_t revision = 1, bool ozone = false) {
    v1::MeanRecord record;
    v1::Mean& m = *record.mutable_mean();
    m.set_site(of);
    m.set_factor(v1::AQI);
    m.set_window(v1::H24);
    m.set_end_ms(core::ms(kStart + core::kHour * hour));
    m.set_start_ms(core::ms(kStart + core::kHour * (hour - 24)));
    m.set_valid(index >= 0);
    m.set_value(index * core::kMillion);
    m.set_status(revision == 1 ? v1::CLOSED : v1::AMENDED_AGAIN);
    m.set_revision(revision);
    m.add_primary(ozone ? v1::O3 : v1::PM2_5);
    m.add_sub_indices()->set_factor(v1::PM2_5);
    m.mutable_origin()->set_rules(hash_);
    append(record);
  }
  void hours(const std::string& of, int from, int n, int value, bool ozone = false) {
    for (int h = from; h < from + n; ++h) index(of, h, value, 1, ozone);
  }
  void append(const v1::MeanRecord& record) {
    const stream::NewRecord r{{"region-means", 0}, "k", record.SerializeAsString(), {}};
    ASSERT_TRUE(log_.appender().value()->append({&r, 1}));
  }
  // Two days over 200, one of them over 300, and good air after it.
  void two_bad_days(const std::string& of) {
    hours(of, 1, 24, 100);
    hours(of, 25, 24, 210);
    hours(of, 49, 24, 320);
    hours(of, 73, 60, 90);
  }
  Episodes made(const EpisodesSpec& spec = {}) {
    auto episodes = make_episodes(log_, store_, spec);
    EXPECT_TRUE(episodes) << episodes.error().text;
    return episodes ? *std::move(episodes) : Episodes{};
  }
  Error refused(const EpisodesSpec& spec) {
    const auto episodes = make_episodes(log_, store_, spec);
    EXPECT_FALSE(episodes);
    return episodes ? Error{} : episodes.error();
  }

  stream::MemoryLog log_;
  processor::RulesStore store_{log_};
  std::string hash_;
  std::string a_;
  std::string b_;
};

TEST(ShippedCriteria, AreThoseOfTheTwoDocuments) {
  const auto rules = rules_of(shipped());
  ASSERT_TRUE(rules);
  ASSERT_EQ(rules->warnings.size(), 2U);
  const core::WarningCriteria& old = rules->warnings[0];
  EXPECT_EQ(old.id, "2018");
  EXPECT_THAT(old.levels[0], ElementsAre(WarningAlternative{{200, false, 48}}));
  EXPECT_THAT(old.levels[1], ElementsAre(WarningAlternative{{200, false, 72}}));
  EXPECT_THAT(old.levels[2],
              ElementsAre(WarningAlternative{{200, false, 96}, {300, false, 48}}, WarningAlternative{{500, true, 24}}));
  EXPECT_EQ(old.downgrade, core::Downgrade::OwnLevel);
  const core::WarningCriteria& now = rules->warnings[1];
  EXPECT_EQ(now.id, "2024");
  EXPECT_THAT(now.levels[0], ElementsAre(WarningAlternative{{200, false, 24}}, WarningAlternative{{150, false, 48}}));
  EXPECT_THAT(now.levels[1], ElementsAre(WarningAlternative{{200, false, 48}}, WarningAlternative{{150, false, 72}}));
  EXPECT_THAT(now.levels[2], ElementsAre(WarningAlternative{{200, false, 72}, {300, false, 24}}));
  EXPECT_EQ(now.downgrade, core::Downgrade::BelowYellow);
  for (const core::WarningCriteria& c : rules->warnings) {
    EXPECT_EQ(c.lasting, core::Lasting::Blocks);
    EXPECT_EQ(c.lift_hours, 36);
    EXPECT_TRUE(c.without_ozone && c.without_dust);
  }
}

TEST_F(EpisodesTest, JudgesEachRegionByTheCriteriaOfItsTime) {
  two_bad_days(a_);
  hours(b_, 1, 100, 60);
  const Episodes all = made();
  ASSERT_EQ(all.regions.size(), 2U);
  EXPECT_TRUE(all.regions[1].episodes.empty());
  ASSERT_EQ(all.regions[0].episodes.size(), 1U);
  const core::WarningEpisode& e = all.regions[0].episodes[0];
  EXPECT_EQ(e.criteria, "2018");
  EXPECT_EQ(e.level_max, 1);
  EXPECT_EQ(e.changes[0].at, kStart + core::kHour * 49);
  EXPECT_EQ(e.began, kStart + core::kHour);
  EXPECT_EQ(e.end(), kStart + core::kHour * 73);
  EXPECT_EQ(e.peak, 320);
  EXPECT_EQ(e.hours_over[0], 48);
}

TEST_F(EpisodesTest, JudgesAllOfItByTheCriteriaThatWereAskedFor) {
  two_bad_days(a_);
  const Episodes by_2024 = made({.criteria = "2024"});
  ASSERT_EQ(by_2024.regions.at(0).episodes.size(), 1U);
  EXPECT_EQ(by_2024.regions[0].episodes[0].level_max, 2) << "yellow with the first hour over 200, orange a day later";
  EXPECT_THAT(refused({.criteria = "2017"}).text, HasSubstr("they have 2018, 2024"));
}

TEST_F(EpisodesTest, TheLatestRevisionCountsWhateverComesFirst) {
  two_bad_days(a_);
  for (int h = 25; h < 49; ++h) index(a_, h, 150, 3);
  for (int h = 25; h < 49; ++h) index(a_, h, 400, 2);
  EXPECT_TRUE(made().regions.at(0).episodes.empty());
}

TEST_F(EpisodesTest, LeavesOutOzoneAndTheDustThatItIsTold) {
  hours(a_, 1, 30, 210, true);
  hours(b_, 1, 30, 210);
  hours(a_, 31, 40, 90);
  EXPECT_TRUE(made().regions.at(0).episodes.empty());
  EXPECT_EQ(made().regions.at(1).episodes.size(), 1U);
  EXPECT_TRUE(made({.dust = {{kStart, kStart + core::kHour * 6}}}).regions.at(1).episodes.empty());
  EXPECT_EQ(made({.dust = {{kStart + core::kHour * 6, kStart + core::kHour * 24}}}).regions.at(1).episodes.size(), 1U);
}

TEST_F(EpisodesTest, AsPublishedEachIsWhatWasToldLast) {
  hours(a_, 1, 60, 100);
  const auto told = [&](const char* id, int revision, v1::SignalState state, int level, int decided) {
    v1::SignalRecord record;
    v1::Signal& s = *record.mutable_signal();
    s.set_id(id);
    s.set_revision(revision);
    s.set_rule("warning");
    s.set_subject(a_);
    s.set_state(state);
    s.set_began_ms(core::ms(kStart));
    s.mutable_warning()->set_criteria("2024");
    s.mutable_warning()->set_level_max(2);
    s.mutable_warning()->set_peak(-1);
    v1::LevelChange& up = *s.mutable_warning()->add_changes();
    up.set_level(level == 0 ? 2 : level);
    up.set_decided_ms(core::ms(kStart + core::kHour * (level == 0 ? 2 : decided)));
    up.set_at_ms(core::ms(kStart + core::kHour * 50));
    up.add_conditions()->set_index(200);
    if (level == 0) {
      v1::LevelChange& down = *s.mutable_warning()->add_changes();
      down.set_decided_ms(core::ms(kStart + core::kHour * decided));
      down.set_at_ms(core::ms(kStart + core::kHour * decided));
    }
    const stream::NewRecord r{{"signals", 0}, "k", record.SerializeAsString(), {}};
    ASSERT_TRUE(log_.appender().value()->append({&r, 1}));
  };
  told("warning/a/AQI/1", 2, v1::CLEARED, 0, 9);
  told("warning/a/AQI/1", 1, v1::ACTIVE, 2, 2);
  told("warning/a/AQI/2", 1, v1::ACTIVE, 1, 20);
  told("warning/a/AQI/3", 1, v1::ACTIVE, 1, 30);
  told("warning/a/AQI/3", 2, v1::WITHDRAWN, 1, 30);
  const auto episodes = made({.observed = false}).regions.at(0).episodes;
  ASSERT_EQ(episodes.size(), 2U);
  EXPECT_EQ(episodes[0].state, core::SignalState::Cleared);
  EXPECT_EQ(spans_of(episodes[0]).at(0).from, kStart + core::kHour * 2) << "from when it was known, not forecast for";
  EXPECT_EQ(spans_of(episodes[0]).at(0).until, kStart + core::kHour * 9);
  EXPECT_TRUE(episodes[1].open());
  EXPECT_TRUE(made().regions.at(0).episodes.empty()) << "observed, the air was good";
}

TEST_F(EpisodesTest, WhatIsNoIndexOfARegionIsNotLookedAt) {
  two_bad_days("a station");
  EXPECT_THAT(refused({}).text, HasSubstr("of its sites, or of none"));
  two_bad_days(a_);
  v1::MeanRecord running;
  running.mutable_mean()->set_site(a_);
  running.mutable_mean()->set_factor(v1::AQI);
  running.mutable_mean()->set_window(v1::H24);
  running.mutable_mean()->set_end_ms(core::ms(kStart + core::kHour * 30));
  running.mutable_mean()->set_revision(9);
  running.mutable_mean()->set_status(v1::RUNNING);
  append(running);
  index(a_, 40, -1);
  const Episodes all = made();
  ASSERT_EQ(all.regions.size(), 1U);
  ASSERT_EQ(all.regions[0].episodes.size(), 1U);
  EXPECT_THAT(refused({.regions = {"nowhere"}}).text, HasSubstr("there is no region `nowhere`"));
  EXPECT_THAT(refused({.regions = {b_}}).text, HasSubstr("no index of 24 h of region"));
}

TEST_F(EpisodesTest, AnIntervalShowsTheWholeEpisodeThatLastsIntoIt) {
  two_bad_days(a_);
  const core::Interval later{kStart + core::kHour * 60, kStart + core::kHour * 80};
  const Episodes some = made({.interval = later});
  ASSERT_EQ(some.regions.at(0).episodes.size(), 1U);
  EXPECT_EQ(some.regions[0].episodes[0].began, kStart + core::kHour);
  EXPECT_TRUE(some.regions[0].episodes[0].open()) << "the 36 h are not over yet";
  EXPECT_EQ(some.regions[0].hours.size(), 20U);
  EXPECT_TRUE(made({.interval = {kStart + core::kHour * 100, EventTime::max()}}).regions.at(0).episodes.empty());
}

TEST_F(EpisodesTest, TellsPeopleAndScriptsWhatDecided) {
  two_bad_days(a_);
  const Episodes all = made({.criteria = "2024"});
  const std::string zh = to_text(all, Language::Chinese);
  EXPECT_THAT(zh, HasSubstr("1. 橙色  2023-12-01 01:00 .. 2023-12-04 01:00 解除  峰值 320"));
  EXPECT_THAT(zh, HasSubstr("AQI > 200 48 小时: 2023-12-02 01:00 .. 2023-12-03 01:00, 每 24 小时, 最低 210"));
  const std::string en = to_text(all, Language::English);
  EXPECT_THAT(en,
              HasSubstr("orange  2023-12-03 01:00 .. 2023-12-04 01:00  since 2023-12-01 01:00  observed  lead 0 h"));
  EXPECT_THAT(en, HasSubstr("to red: 0 points, 24 h"));
  const std::string csv = to_csv(all);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3) << csv;
  EXPECT_THAT(csv, HasSubstr(",cleared,"));
  EXPECT_THAT(csv, HasSubstr("orange,2023-12-03T01:00:00+08:00,2023-12-04T01:00:00+08:00,2023-12-01T01:00:00+08:00,"
                             "2023-12-03T01:00:00+08:00,observed,0,"
                             "\"AQI > 200 48 h: 2023-12-02T01:00:00+08:00/2023-12-03T01:00:00+08:00 every 24 h, lowest "
                             "210\",red,0,24\n"));
}

TEST_F(EpisodesTest, DrawsTheCurveWithItsLevels) {
  two_bad_days(a_);
  hours(b_, 1, 100, 60);
  const auto directory = std::filesystem::temp_directory_path() / ("it's episodes " + std::to_string(getpid()));
  std::filesystem::create_directories(directory);
  const std::string file = directory / "e.svg";
  const auto drawn = draw(made({.criteria = "2024"}), file, Language::Chinese);
  ASSERT_TRUE(drawn) << drawn.error().text;
  std::ifstream in(file);
  const std::string svg((std::istreambuf_iterator<char>(in)), {});
  std::filesystem::remove_all(directory);
  EXPECT_THAT(svg, HasSubstr("<svg"));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
  EXPECT_THAT(svg, HasSubstr(a_));
  EXPECT_THAT(svg, HasSubstr(b_));
  EXPECT_THAT(svg, HasSubstr("2024 黄色 > 150"));
  // gnuplot writes colours as numbers: the two levels' areas.
  EXPECT_THAT(svg, HasSubstr("<polygon fill = 'rgb(255, 232,   0)'"));
  EXPECT_THAT(svg, HasSubstr("<polygon fill = 'rgb(255, 126,   0)'"));
}

TEST_F(EpisodesTest, APictureThatCannotBeDrawnSaysWhy) {
  two_bad_days(a_);
  const auto drawn = draw(made(), "/nowhere/at all/e.svg", Language::English);
  ASSERT_FALSE(drawn);
  EXPECT_THAT(drawn.error().text, HasSubstr("cannot write `/nowhere/at all/e.svg`"));
  Episodes many = made();
  many.regions.resize(kPicturesMax + 1, many.regions[0]);
  EXPECT_THAT(draw(many, "e.svg", Language::English).error().text, HasSubstr("name some with --region"));
}

TEST_F(EpisodesTest, NamesInAPicturesScriptAreNothingButNames) {
  two_bad_days(a_);
  Episodes all = made();
  all.regions[0].region.name = "x'\nset output 'y";
  const std::string script = to_gnuplot(all, Language::Chinese);
  EXPECT_THAT(script, HasSubstr("set title 'x'' set output ''y "));
  EXPECT_THAT(script, Not(HasSubstr("\nset output 'y")));
}

}  // namespace
}  // namespace qc::commands
