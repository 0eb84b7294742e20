#include "platform/config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "platform/test_dir.h"

namespace qc::platform {
namespace {

namespace schema = ::qingchuan::v1;

constexpr const char* kTopics = "topics:\n  - {name: readings, partitions: 4, cleanup: delete, retention: 400d}\n";

class ConfigTest : public testing::Test {
 protected:
  // The problems of a configuration with this one file of rules, its path cut off.
  std::string problems(const std::string& rules, const std::string& system = "") {
    dir_.write("qingchuan.yaml", "rules: [rules.yaml]\n" + std::string(kTopics) + system);
    dir_.write("rules.yaml", rules);
    const auto loaded = load_config(dir_.path(""));
    if (!loaded) return describe(loaded.error());
    std::string text;
    for (const Problem& problem : loaded->problems) text += problem.str() + "\n";
    const std::string prefix = dir_.path("");
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    return text;
  }

  static std::string limit(const std::string& dates, const std::string& classes = "class_1: 35, class_2: 75") {
    return "  - {standard: A, clause: t1, factor: PM2.5, window: 24h, unit: ug/m3, " + classes + dates + "}\n";
  }
  static std::string edition(const std::string& iaqi, const std::string& concentrations) {
    return std::string(kStandard) + "aqi_editions:\n  - {standard: A, clause: t1, iaqi: " + iaqi +
           ", items: [{factor: CO, window: 1h, unit: mg/m3, above: cap, concentrations: " + concentrations + "}]}\n";
  }
  static std::string signal(const std::string& fields) {
    return "signals:\n  - {id: a, no_data: 1h, stale_max: 1d, " + fields + "}\n";
  }

  static constexpr const char* kStandard = "standards:\n  - {id: A, source: s, confidence: primary}\n";
  const TestDir dir_;
};

TEST_F(ConfigTest, AbsentValuesHaveTheDocumentedDefaults) {
  dir_.write("qingchuan.yaml", "rules: [rules.yaml]\n" + std::string(kTopics));
  dir_.write("rules.yaml", "");
  const auto loaded = load_valid_config(dir_.path(""));
  ASSERT_TRUE(loaded) << describe(loaded.error());
  const schema::System& system = loaded->system;
  EXPECT_EQ(system.processor().workers(), 1);
  EXPECT_EQ(system.processor().commit_interval(), 100);
  EXPECT_EQ(system.processor().checkpoint_interval(), 30'000);
  EXPECT_EQ(system.http().listen(), "127.0.0.1:9464");
  EXPECT_EQ(system.http().connections_max(), 64);
  EXPECT_EQ(system.http().station_series_max(), 10'000);
  EXPECT_EQ(system.embedded().group_commit(), 5);
  EXPECT_EQ(system.embedded().maintenance_interval(), 60'000);
  EXPECT_EQ(system.limits().record_bytes_max(), 1'048'576);
  EXPECT_EQ(system.limits().batch_readings_max(), 100'000);
  EXPECT_EQ(system.limits().dead_letter_bytes_max(), 65'536);
  EXPECT_EQ(system.limits().poll_records_max(), 4096);
  EXPECT_EQ(system.limits().append_queue_max(), 100'000);
  const schema::Horizons& horizons = loaded->rules.horizons();
  EXPECT_EQ(horizons.close_after(), 600'000);
  EXPECT_EQ(horizons.slots_kept(), 21'600'000);
  EXPECT_EQ(horizons.hours_kept(), 345'600'000);
  EXPECT_EQ(horizons.running_every(), 300'000);
  EXPECT_EQ(horizons.ahead_max(), 300'000);
  EXPECT_EQ(horizons.valid_minutes(), 45);
}

TEST_F(ConfigTest, AWrittenZeroIsNotAbsent) {
  dir_.write("qingchuan.yaml",
             "rules: [rules.yaml]\nhttp: {station_series_max: 0}\nlimits: {dead_letter_bytes_max: 0}\n" +
                 std::string(kTopics));
  dir_.write("rules.yaml", "horizons: {running_every: 0, close_after: 0s}\n");
  const auto loaded = load_valid_config(dir_.path("qingchuan.yaml"));
  ASSERT_TRUE(loaded) << describe(loaded.error());
  EXPECT_EQ(loaded->system.http().station_series_max(), 0);
  EXPECT_EQ(loaded->system.http().connections_max(), 64);
  EXPECT_EQ(loaded->system.limits().dead_letter_bytes_max(), 0);
  EXPECT_EQ(loaded->rules.horizons().running_every(), 0);
  EXPECT_EQ(loaded->rules.horizons().close_after(), 0);
  EXPECT_EQ(loaded->rules.horizons().ahead_max(), 300'000);
}

TEST_F(ConfigTest, RulesOfSeveralFilesAreMergedInTheirOrder) {
  dir_.write("qingchuan.yaml", "rules: [rules/sites.yaml, rules/regions.yaml]\n" + std::string(kTopics));
  dir_.write("rules/sites.yaml",
             "sites:\n  - {id: a, name: A, region: r, kind: evaluation, area_class: 2, factors: [O3]}\n");
  dir_.write("rules/regions.yaml", "regions:\n  - {id: r, name: R}\n");
  const auto loaded = load_valid_config(dir_.path(""));
  ASSERT_TRUE(loaded) << describe(loaded.error());
  EXPECT_EQ(loaded->rules.sites_size(), 1);
  EXPECT_EQ(loaded->rules.regions_size(), 1);
  EXPECT_EQ(loaded->files, (std::vector<std::string>{dir_.path("qingchuan.yaml"), dir_.path("rules/sites.yaml"),
                                                     dir_.path("rules/regions.yaml")}));
}

TEST_F(ConfigTest, AListedFileThatIsNotThereOrTwiceIsToldWhereItIsListed) {
  dir_.write("qingchuan.yaml", "rules:\n  - a.yaml\n  - ./a.yaml\n  - b.yaml\n" + std::string(kTopics));
  dir_.write("a.yaml", "");
  const auto loaded = load_config(dir_.path(""));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->report(), dir_.path("qingchuan.yaml") + ":3:5: `./a.yaml` is listed twice\n" +
                                  dir_.path("qingchuan.yaml") + ":4:5: there is no file `" + dir_.path("b.yaml") +
                                  "`\n2 problems in 2 files");
  const auto valid = load_valid_config(dir_.path(""));
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().code, Errc::config_invalid);
  EXPECT_EQ(valid.error().text, loaded->report());
}

TEST_F(ConfigTest, HorizonsAreWholeHoursAndInOrder) {
  EXPECT_EQ(problems("horizons: {slots_kept: 90min, hours_kept: 150min}\n"),
            "rules.yaml:1:12: `slots_kept` is 90min; expected whole hours\n"
            "rules.yaml:1:31: `hours_kept` is 150min; expected whole hours\n");
  EXPECT_EQ(problems("horizons:\n  slots_kept: 8h\n  hours_kept: 8h\n"),
            "rules.yaml:3:3: `hours_kept` is 8h; expected more than `slots_kept`, 8h\n");
}

TEST_F(ConfigTest, ASiteMustBeAbleToHoldTheHoursThatAreKept) {
  EXPECT_EQ(problems("horizons: {hours_kept: 120h, site_hours_max: 121}\n"),
            "rules.yaml:1:30: `site_hours_max` is 121; expected at least 122 (`hours_kept` and two)\n");
  EXPECT_EQ(problems("horizons: {hours_kept: 120h, site_hours_max: 122}\n"), "");
}

TEST_F(ConfigTest, LimitsOfOneFactorAndWindowDoNotOverlapInTime) {
  const std::string head = std::string(kStandard) + "limits:\n";
  EXPECT_EQ(problems(head + limit(", until: 2026-03-01") + limit(", from: 2026-03-01, until: 2031-01-01") +
                     limit(", from: 2031-01-01")),
            "");
  EXPECT_EQ(problems(head + limit(", until: 2026-03-02") + limit(", from: 2026-03-01")),
            "rules.yaml:5:5: this limit of PM2.5 24h overlaps in time with the one at rules.yaml:4:5\n");
  EXPECT_EQ(problems(head + limit("") + limit("")),
            "rules.yaml:5:5: this limit of PM2.5 24h overlaps in time with the one at rules.yaml:4:5\n");
}

TEST_F(ConfigTest, LimitsEndAfterTheyBeginAndClassOneIsTheStricter) {
  EXPECT_EQ(problems(std::string(kStandard) + "limits:\n" + limit(", from: 2026-03-01, until: 2026-03-01")),
            "rules.yaml:4:116: `until` must be after `from`\n");
  EXPECT_EQ(problems(std::string(kStandard) + "limits:\n" + limit("", "class_1: 75.5, class_2: 35")),
            "rules.yaml:4:72: `class_1` is 75.5, above `class_2`, 35; class 1 is the stricter one\n");
}

TEST_F(ConfigTest, AqiTablesRiseAndFitTheirIndices) {
  EXPECT_EQ(problems(edition("[0, 50, 100]", "[0, 5, 10]")), "");
  EXPECT_EQ(problems(edition("[0, 50, 100]", "[0, 5]")), "");
  EXPECT_EQ(problems(edition("[0, 50, 50]", "[0, 5, 10]")),
            "rules.yaml:4:31: `iaqi` must rise from number to number\n");
  EXPECT_EQ(problems(edition("[0, 50, 100]", "[0, 5, 5]")),
            "rules.yaml:4:109: `concentrations` must rise from number to number\n");
  EXPECT_EQ(problems(edition("[0, 50]", "[0, 5, 10]")),
            "rules.yaml:4:104: `concentrations` has 3 numbers for 2 of `iaqi`; expected at most as many\n");
  EXPECT_EQ(problems(edition("[0, 50]", "[0]")), "rules.yaml:4:104: `concentrations` must have at least two numbers\n");
}

TEST_F(ConfigTest, EditionsDoNotOverlapAndHoldAnItemOnce) {
  const std::string one = edition("[0, 50]", "[0, 5]");
  const std::string again = one.substr(one.find("  - {standard: A, clause"));
  EXPECT_EQ(problems(one + again), "rules.yaml:5:5: this edition overlaps in time with the one at rules.yaml:4:5\n");
  const std::string item = "{factor: CO, window: 1h, unit: mg/m3, above: cap, concentrations: [0, 5]}";
  EXPECT_EQ(problems(std::string(kStandard) + "aqi_editions:\n  - {standard: A, clause: t1, iaqi: [0, 50], items: [" +
                     item + ",\n      " + item + "]}\n"),
            "rules.yaml:5:7: CO 1h stands twice in this edition\n");
}

TEST_F(ConfigTest, SignalLevelsBelongToKindsWithoutALimitAndRise) {
  EXPECT_EQ(problems(signal("kind: aqi_level, on: [150, 200, 300]")), "");
  EXPECT_EQ(problems(signal("kind: no_data, on: [1]")), "");
  EXPECT_EQ(problems(signal("kind: suspect, check: stuck, on: [0]")), "");
  EXPECT_EQ(problems(signal("kind: hour_high, on: [200]")), "");
  EXPECT_EQ(problems(signal("kind: spike, on: [300]")), "");
  EXPECT_EQ(problems(signal("kind: hour_limit")), "");
  EXPECT_EQ(problems(signal("kind: day_limit")), "");
  EXPECT_EQ(problems(signal("kind: aqi_level")),
            "rules.yaml:2:5: `on` is missing; a rule of the kind aqi_level needs one to three levels\n");
  EXPECT_EQ(problems(signal("kind: no_data")),
            "rules.yaml:2:5: `on` is missing; a rule of the kind no_data needs one to three levels\n");
  EXPECT_EQ(
      problems(signal("kind: day_limit, on: [1]")),
      "rules.yaml:2:58: `on` means nothing in a rule of the kind day_limit; there the limit itself is the level\n");
  EXPECT_EQ(problems(signal("kind: aqi_level, on: [200, 150]")),
            "rules.yaml:2:58: `on` must rise from level to level\n");
  EXPECT_EQ(problems(signal("kind: suspect, on: [0]")),
            "rules.yaml:2:5: `check` belongs to rules of the kind suspect, and they need one\n");
  EXPECT_EQ(problems(signal("kind: no_data, on: [1], check: stuck")),
            "rules.yaml:2:65: `check` belongs to rules of the kind suspect, and they need one\n");
  EXPECT_EQ(problems("signals:\n  - {id: a, kind: hour_limit, no_data: 1d, stale_max: 24h}\n"),
            "rules.yaml:2:44: `stale_max` is 1d; expected more than `no_data`, 1d\n");
}

TEST_F(ConfigTest, WhatIsDatedIsSaidOnceForATime) {
  const std::string head(kStandard);
  const auto validity = [](const std::string& factors, const std::string& dates) {
    return "  - {standard: A, clause: t4, window: day, factors: [" + factors + "], at_least: 20" + dates + "}\n";
  };
  EXPECT_EQ(problems(head + "validities:\n" + validity("CO, O3", ", until: 2026-03-01") +
                     validity("O3", ", from: 2026-03-01") + validity("PM10", "")),
            "");
  EXPECT_EQ(problems(head + "validities:\n" + validity("CO, O3", "") + validity("O3, PM10", "")),
            "rules.yaml:5:5: this validity of a factor and window overlaps in time with the one at rules.yaml:4:5\n");
  const auto percentile = [](const std::string& factor, const std::string& dates) {
    return "  - {standard: A, clause: t1, factor: " + factor + ", percent: 95" + dates + "}\n";
  };
  EXPECT_EQ(problems(head + "percentiles:\n" + percentile("CO", ", until: 2026-03-01") +
                     percentile("CO", ", from: 2026-03-01") + percentile("PM10", "")),
            "");
  EXPECT_EQ(problems(head + "percentiles:\n" + percentile("CO", "") + percentile("CO", ", from: 2026-03-01")),
            "rules.yaml:5:5: this percentile overlaps in time with the one at rules.yaml:4:5\n");
  const auto composite = [](const std::string& dates) {
    return "  - {standard: A, clause: c, items: [{factor: CO, limit: 4, unit: mg/m3}]" + dates + "}\n";
  };
  EXPECT_EQ(problems(head + "composites:\n" + composite(", until: 2026-03-01") + composite(", from: 2026-03-01")), "");
  EXPECT_EQ(problems(head + "composites:\n" + composite("") + composite(", from: 2026-03-01")),
            "rules.yaml:5:5: this composite index overlaps in time with the one at rules.yaml:4:5\n");
  EXPECT_EQ(problems(head + "composites:\n" + composite(", from: 2026-03-01, until: 2026-03-01")),
            "rules.yaml:4:94: `until` must be after `from`\n");
}

TEST_F(ConfigTest, AFactorHasOneQualityCheckAndItsRangeHasAnInside) {
  EXPECT_EQ(problems("checks:\n  - {factor: CO, unit: mg/m3, low: 1, high: 2}\n  - {factor: O3, unit: ug/m3}\n"), "");
  EXPECT_EQ(problems("checks:\n  - {factor: CO, unit: mg/m3, high: 0}\n  - {factor: CO, unit: mg/m3}\n"),
            "rules.yaml:2:31: `high` is 0; expected more than `low`, 0\n"
            "rules.yaml:3:5: this check of CO is the second, after the one at rules.yaml:2:5\n");
}

TEST_F(ConfigTest, ARegionIsNeverItsOwnParent) {
  EXPECT_EQ(problems("regions:\n"
                     "  - {id: root, name: R}\n"
                     "  - {id: a, name: A, parent: b}\n"
                     "  - {id: b, name: B, parent: c}\n"
                     "  - {id: c, name: C, parent: b}\n"
                     "  - {id: d, name: D, parent: root}\n"
                     "  - {id: e, name: E, parent: e}\n"),
            "rules.yaml:4:22: region `b` is, through its parents, its own parent\n"
            "rules.yaml:7:22: region `e` is, through its parents, its own parent\n");
}

TEST_F(ConfigTest, ASiteNamesAFactorOnce) {
  EXPECT_EQ(problems("regions:\n  - {id: r, name: R}\nsites:\n"
                     "  - {id: a, name: A, region: r, kind: micro, area_class: 1,\n"
                     "     factors: [O3, CO, O3]}\n"),
            "rules.yaml:5:24: O3 stands twice in `factors`\n");
}

TEST_F(ConfigTest, ASiteHasBothCoordinatesAndOneClassAtATime) {
  const auto site = [](const std::string& fields) {
    return "regions:\n  - {id: r, name: R}\nsites:\n"
           "  - {id: a, name: A, region: r, kind: micro, area_class: 1, factors: [O3],\n     " +
           fields + "}\n";
  };
  EXPECT_EQ(problems(site("lon: 111.1, lat: 37.5, classes: [{area_class: 2, until: 2026-03-01},\n"
                          "     {area_class: 1, from: 2026-03-01}]")),
            "");
  EXPECT_EQ(problems(site("lon: 111.1")), "rules.yaml:4:5: `lon` and `lat` go together; here is only one of them\n");
  EXPECT_EQ(problems(site("classes: [{area_class: 2, until: 2026-03-02},\n     {area_class: 1, from: 2026-03-01}]")),
            "rules.yaml:6:6: this class overlaps in time with the one at rules.yaml:5:16\n");
}

TEST_F(ConfigTest, WhatFollowsFromAReportedMistakeIsNotReported) {
  // With `slots_kept` unread its default would not fit either.
  EXPECT_EQ(problems("horizons: {slots_kept: 2 hours, hours_kept: 3h}\n"),
            "rules.yaml:1:24: `slots_kept` is `2 hours`; expected a duration such as 500ms, 90s, 10min, 6h or 4d\n");
}

TEST_F(ConfigTest, ANamedConfigurationThatIsNotThereIsAnError) {
  const auto found = find_config(dir_.path("none"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::file_unreadable);
  EXPECT_EQ(found.error().text, "--config: there is no configuration at `" + dir_.path("none") +
                                    "` (a file, or a directory with qingchuan.yaml)");
  ASSERT_FALSE(load_config(dir_.path("none")));
  ASSERT_FALSE(find_config(dir_.path("")));  // a directory without the file
}

TEST_F(ConfigTest, TheOptionComesBeforeTheEnvironment) {
  const std::string option = dir_.write("option/qingchuan.yaml", "");
  const std::string environment = dir_.write("environment/qingchuan.yaml", "");
  ASSERT_EQ(::setenv("QINGCHUAN_CONFIG", dir_.path("environment").c_str(), 1), 0);
  EXPECT_EQ(find_config(dir_.path("option")).value(), option);
  EXPECT_EQ(find_config("").value(), environment);
  ASSERT_EQ(::setenv("QINGCHUAN_CONFIG", dir_.path("none").c_str(), 1), 0);
  const auto missing = find_config("");
  EXPECT_FALSE(missing);
  EXPECT_TRUE(missing.error().text.starts_with("QINGCHUAN_CONFIG: there is no configuration at `"));
  ASSERT_EQ(::unsetenv("QINGCHUAN_CONFIG"), 0);
}

}  // namespace
}  // namespace qc::platform
