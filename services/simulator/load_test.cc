#include "simulator/load.h"

#include <gtest/gtest.h>

#include "platform/test_dir.h"

namespace qc::simulator {
namespace {

TEST(Load, TheDemosFilesAreFine) {
  const auto config = platform::load_valid_config(QC_SOURCE_DIR "/config");
  ASSERT_TRUE(config);
  const Plays plays = load_plays(*config);
  for (const platform::Problem& p : plays.problems) ADD_FAILURE() << p.str();
  EXPECT_EQ(plays.world.counties_size(), 13);
  EXPECT_GE(plays.scenarios.size(), 7U);
  EXPECT_EQ(config->rules.sites_size(), 60);
  for (const auto& [name, scenario] : plays.scenarios) {
    EXPECT_NE(scenario.from(), 0) << name;
    EXPECT_FALSE(scenario.name_en().empty()) << name;
  }
}

TEST(Load, EveryMistakeHasItsPlace) {
  auto config = platform::load_valid_config(QC_SOURCE_DIR "/config");
  ASSERT_TRUE(config);
  const platform::TestDir dir;
  const auto problems = [&](const std::string& episode) {
    const std::string path = dir.write("wrong.yaml", "name: x\nepisodes:\n  - " + episode + "\n");
    const auto play = load_play(*config, path);
    return play ? std::string() : play.error().text;
  };
  for (const auto& [episode, expected] : {
           std::pair{"{kind: inversoin, at: 1h, lasts: 2h}", "wrong.yaml:3:12: "},
           std::pair{"{kind: inversion, at: 1h}", "`lasts` is missing"},
           std::pair{"{kind: inversion, lasts: 2h, regions: [xiaoyy]}", "did you mean `xiaoyi`?"},
           std::pair{"{kind: stick, lasts: 2h, sites: [LL9999]}", "there is no site `LL9999`"},
           std::pair{"{kind: stick, lasts: 2h}", "`stick` needs `sites`"},
           std::pair{"{kind: leak, lasts: 2h}", "`leak` needs an `emitter`"},
           std::pair{"{kind: leak, lasts: 2h, emitter: coke}", "there is no emitter `coke`"},
           std::pair{"{kind: flags, lasts: 2h, sites: [LL0101], flag: N}", "one of S M F D C T B"},
           std::pair{"{kind: gain, lasts: 2h, sites: [LL0101]}", "`gain` needs a `strength`"},
           std::pair{"{kind: dust, lasts: 2h, factors: [PM10]}", "`factors` means nothing to `dust`"},
           std::pair{"{kind: dust, lasts: 2h, every: 1h}", "`every` is shorter than `lasts`"},
       }) {
    EXPECT_NE(problems(episode).find(expected), std::string::npos) << episode << "\n" << problems(episode);
  }
  EXPECT_EQ(problems("{kind: outage, lasts: 2h, regions: [lishi]}"), "");
  EXPECT_EQ(load_play(*config, "nothing").error().code, Errc::usage);
  config->system.clear_simulator();
  EXPECT_EQ(load_play(*config, "lvliang").error().code, Errc::usage);
  EXPECT_TRUE(load_plays(*config).files.empty());
}

TEST(Load, MistakesInForecastsHaveTheirPlace) {
  auto config = platform::load_valid_config(QC_SOURCE_DIR "/config");
  ASSERT_TRUE(config);
  const platform::TestDir dir;
  const auto problems = [&](const std::string& forecasts) {
    config->system.mutable_simulator()->set_world(dir.write(
        "wrong.yaml",
        "counties: [{region: lishi, terrain: plain, lon: 111, lat: 37, traffic: 1, heating: 1, industry: 1}]\n"
        "forecasts: {" +
            forecasts + "}\n"));
    const auto play = load_play(*config, "inversion");
    return play ? std::string() : play.error().text;
  };
  EXPECT_EQ(problems("centre: c, issued: [8, 20], hours: 96, error: 0"), "");
  for (const auto& [forecasts, expected] : {
           std::pair{"issued: [8], hours: 96", "`centre` is missing"},
           std::pair{"centre: c, hours: 96", "`issued` is missing"},
           std::pair{"centre: c, issued: [24], hours: 96", "wrong.yaml:2:"},
           std::pair{"centre: c, issued: [8], hours: 241", "expected 1 to 240"},
           std::pair{"centre: c, issued: [8], hours: 96, error: -1", "wrong.yaml:2:"},
           std::pair{"centre: \"a\\tb\", issued: [8], hours: 96",
                     "`centre`: 1 to 256 bytes of printable text expected"},
       }) {
    EXPECT_NE(problems(forecasts).find(expected), std::string::npos) << forecasts << "\n" << problems(forecasts);
  }
}

}  // namespace
}  // namespace qc::simulator
