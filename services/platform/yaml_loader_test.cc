// Every kind of mistake, with the exact line that a person reads.
#include "platform/yaml_loader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

#include "platform/test_dir.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::platform {
namespace {

namespace schema = ::qingchuan::v1;

std::string problems_of(const YamlLoader& loader) {
  std::string text;
  for (const Problem& problem : loader.problems()) text += problem.str() + "\n";
  return text;
}

template <class Message>
std::string problems_in(std::string_view yaml, YamlLimits limits = {}) {
  Message message;
  YamlLoader loader(message, limits);
  loader.load_text(yaml, "a.yaml");
  loader.finish();
  return problems_of(loader);
}

std::string rules_problems(std::string_view yaml) {
  return problems_in<schema::RuleSet>(yaml);
}

// A region and one site; `line` replaces what `field` says of the site.
std::string site_with(const std::string& field, const std::string& line) {
  std::string text = "regions:\n  - {id: lvliang, name: 吕梁市}\nsites:\n  - ";
  bool first = true;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"id", "id: LL0101"},
                                                                                    {"name", "name: 离石"},
                                                                                    {"region", "region: lvliang"},
                                                                                    {"kind", "kind: evaluation"},
                                                                                    {"area_class", "area_class: 2"},
                                                                                    {"factors", "factors: [PM2.5, O3]"},
                                                                                    {"lon", "lon: 111.1"}}) {
    const std::string& written = name == field ? line : value;
    if (written.empty()) continue;
    text += (first ? "" : "    ") + written + "\n";
    first = false;
  }
  return text;
}

std::string site_problems(const std::string& field, const std::string& line) {
  return rules_problems(site_with(field, line));
}

TEST(YamlLoader, EveryTypeAndFormatOfTheSchemaIsRead) {
  schema::RuleSet rules;
  YamlLoader loader(rules);
  EXPECT_TRUE(loader.load_text(R"(
standards:
  - {id: GB3095-2026, source: "the text itself", confidence: primary}
limits:
  - standard: GB3095-2026
    clause: table 1
    factor: PM2.5
    window: 24h
    class_1: 35
    class_2: "0.0025"
    unit: ug/m3
    from: 2026-03-01
horizons:
  close_after: 10min
  slots_kept: 6h
  valid_minutes: 45
regions:
  - {id: lvliang, name: 吕梁市}
sites:
  - {id: LL0101, name: 离石, region: lvliang, kind: evaluation, area_class: 2, factors: [PM2.5, O3], lon: 111.1404}
aqi_editions:
  - {standard: GB3095-2026, clause: "4", iaqi: [0, 50], round_input: true, items: [
      {factor: PM2.5, window: 24h, unit: ug/m3, concentrations: [0, 35.5], above: cap}]}
)",
                               "a.yaml"));
  EXPECT_TRUE(loader.finish()) << problems_of(loader);
  const schema::Limit& limit = rules.limits(0);
  EXPECT_EQ(limit.factor(), schema::PM2_5);
  EXPECT_EQ(limit.window(), schema::H24);
  EXPECT_EQ(limit.class_1(), 35'000'000);
  EXPECT_EQ(limit.class_2(), 2500);
  EXPECT_EQ(limit.from(), 1'772'294'400'000);
  EXPECT_EQ(rules.horizons().close_after(), 600'000);
  EXPECT_EQ(rules.sites(0).name(), "离石");
  EXPECT_EQ(rules.sites(0).factors(1), schema::O3);
  EXPECT_EQ(rules.sites(0).area_class(), schema::CLASS_2);
  EXPECT_DOUBLE_EQ(rules.sites(0).lon(), 111.1404);
  EXPECT_TRUE(rules.aqi_editions(0).round_input());
  EXPECT_EQ(rules.aqi_editions(0).items(0).concentrations(1), 35'500'000);
  EXPECT_TRUE(loader.given("horizons.close_after"));
  EXPECT_FALSE(loader.given("horizons.hours_kept"));
  EXPECT_EQ(loader.place("limits[0].window").str(), "a.yaml:8:5");
  EXPECT_EQ(loader.place("limits[0].until").str(), "a.yaml:5:5");  // not written: the limit's own
}

TEST(YamlLoader, ACorrectSiteHasNoProblem) {
  EXPECT_EQ(site_problems("", ""), "");
}

TEST(YamlLoader, AnUnknownKeyNamesTheNearest) {
  EXPECT_EQ(site_problems("lon", "lonn: 111.1"), "a.yaml:10:5: unknown key `lonn` in Site; did you mean `lon`?\n");
}

TEST(YamlLoader, AnUnknownKeyWithNothingNearListsWhatIsExpected) {
  EXPECT_EQ(rules_problems("horizons:\n  grace: 5min\n"),
            "a.yaml:2:3: unknown key `grace` in Horizons; expected one of `close_after`, `slots_kept`, `hours_kept`, "
            "`running_every`, `ahead_max`, `valid_minutes`, `site_hours_max`\n");
}

TEST(YamlLoader, AKeyWrittenTwiceNamesTheFirst) {
  EXPECT_EQ(site_problems("lon", "lon: 111.1\n    name: 方山"),
            "a.yaml:11:5: key `name` is written twice; the first is in line 5\n");
}

TEST(YamlLoader, WrongShapesSayWhatWasExpected) {
  EXPECT_EQ(rules_problems("- a\n- b\n"), "a.yaml:1:1: the file must be a mapping (key: value), not a list\n");
  EXPECT_EQ(rules_problems("regions: lvliang\n"), "a.yaml:1:10: `regions` must be a list, not `lvliang`\n");
  EXPECT_EQ(rules_problems("regions:\n  - lvliang\n"),
            "a.yaml:2:5: `regions[0]` must be a mapping (key: value), not `lvliang`\n"
            "a.yaml:2:5: `id` is missing in Region\n"
            "a.yaml:2:5: `name` is missing in Region\n");
  EXPECT_EQ(site_problems("name", "name: [a, b]"), "a.yaml:5:11: `name` must be a single value, not a list\n");
  EXPECT_EQ(site_problems("name", "name:"), "a.yaml:5:5: `name` has no value\n");
  EXPECT_EQ(rules_problems("{a: 1}: 2\n"), "a.yaml:1:1: a key must be plain text, not a mapping\n");
}

TEST(YamlLoader, WrongValuesSayWhatWasExpected) {
  EXPECT_EQ(site_problems("lon", "lon: east"), "a.yaml:10:10: `lon` is `east`; expected a number\n");
  EXPECT_EQ(site_problems("lon", "lon: .nan"), "a.yaml:10:10: `lon` is `.nan`; expected a number\n");
  EXPECT_EQ(site_problems("lon", "lon: nan"), "a.yaml:10:10: `lon` is `nan`; expected a number\n");
  EXPECT_EQ(site_problems("lon", "from: 1.3.2026"),
            "a.yaml:10:11: `from` is `1.3.2026`; expected a date such as 2026-03-01\n");
  EXPECT_EQ(rules_problems("horizons: {close_after: 10 minutes}\n"),
            "a.yaml:1:25: `close_after` is `10 minutes`; expected a duration such as 500ms, 90s, 10min, 6h or 4d\n");
  EXPECT_EQ(rules_problems("horizons: {valid_minutes: 45.5}\n"),
            "a.yaml:1:27: `valid_minutes` is `45.5`; expected a whole number\n");
  EXPECT_EQ(problems_in<schema::AqiEdition>("standard: x\nround_input: yes\nminimum: 1\n"),
            "a.yaml:2:14: `round_input` is `yes`; expected true or false\n"
            "a.yaml: `clause` is missing in AqiEdition\n"
            "a.yaml: `iaqi` is missing in AqiEdition\n"
            "a.yaml: `items` is missing in AqiEdition\n"
            "a.yaml:1:1: `standard` names the standard `x`, which nothing defines\n");
}

TEST(YamlLoader, DecimalsFinerThanMillionthsAreRefusedNotRounded) {
  EXPECT_EQ(
      problems_in<schema::SignalRule>("{id: a, kind: aqi_level, no_data: 1h, stale_max: 1d, on: [150, 0.0000001]}"),
      "a.yaml:1:64: `on` is `0.0000001`; expected at most 6 decimals\n");
  EXPECT_EQ(problems_in<schema::SignalRule>("{id: a, kind: aqi_level, no_data: 1h, stale_max: 1d, on: [1e2]}"),
            "a.yaml:1:59: `on` is `1e2`; expected a number such as 0.0025\n");
}

TEST(YamlLoader, RangesAreToldAsAPersonWritesThem) {
  EXPECT_EQ(rules_problems("horizons: {valid_minutes: 61}\n"),
            "a.yaml:1:27: `valid_minutes` is `61`; expected 1 to 60\n");
  EXPECT_EQ(rules_problems("horizons: {slots_kept: 25h}\n"), "a.yaml:1:24: `slots_kept` is `25h`; expected 1h to 1d\n");
  EXPECT_EQ(site_problems("lon", "lon: 72.9"), "a.yaml:10:10: `lon` is `72.9`; expected 73 to 136\n");
  EXPECT_EQ(problems_in<schema::Topic>("{name: a, partitions: 1, cleanup: delete, retention: 59s}"),
            "a.yaml:1:54: `retention` is `59s`; expected at least 1min\n");
  EXPECT_EQ(problems_in<schema::SignalRule>("{id: a, kind: aqi_level, no_data: 1h, stale_max: 1d, on: [10000.000001]}"),
            "a.yaml:1:59: `on` is `10000.000001`; expected 0 to 10000\n");
}

TEST(YamlLoader, BoundsThemselvesAreInside) {
  EXPECT_EQ(rules_problems("horizons: {valid_minutes: 60, slots_kept: 1d, close_after: 0s, running_every: 0}\n"), "");
}

TEST(YamlLoader, NumbersBeyondTheirTypeAreRefused) {
  EXPECT_EQ(problems_in<schema::AqiItem>("{factor: CO, window: 1h, unit: mg/m3, above: cap, concentrations: [1], "
                                         "decimals: 99999999999999999999}"),
            "a.yaml:1:82: `decimals` is `99999999999999999999`; expected a whole number\n");
}

TEST(YamlLoader, ABadLabelNamesTheNearestOrAll) {
  EXPECT_EQ(site_problems("factors", "factors: [PM25, O3]"),
            "a.yaml:9:15: `factors` is `PM25`; did you mean `PM2.5`?\n");
  EXPECT_EQ(site_problems("kind", "kind: satellite"),
            "a.yaml:7:11: `kind` is `satellite`; expected one of `evaluation`, `micro`, `roadside`, `park`, "
            "`background`\n");
}

TEST(YamlLoader, TheUnspecifiedEnumValueCannotBeWritten) {
  EXPECT_EQ(site_problems("area_class", "area_class: AREA_CLASS_UNSPECIFIED"),
            "a.yaml:8:17: `area_class` is `AREA_CLASS_UNSPECIFIED`; expected one of `1`, `2`\n");
}

TEST(YamlLoader, AMissingFieldIsToldAtTheThingThatLacksIt) {
  EXPECT_EQ(site_problems("area_class", ""), "a.yaml:4:5: `area_class` is missing in Site\n");
  EXPECT_EQ(site_problems("name", "name: ''"), "a.yaml:5:11: `name` must not be empty\n");
  EXPECT_EQ(site_problems("factors", "factors: []"), "a.yaml:9:14: `factors` must have at least one item\n");
  EXPECT_EQ(problems_in<schema::System>(""),
            "a.yaml: `rules` is missing in System\na.yaml: `topics` is missing in System\n");
}

TEST(YamlLoader, TooManyItemsAreRefused) {
  EXPECT_EQ(problems_in<schema::SignalRule>("{id: a, kind: aqi_level, no_data: 1h, stale_max: 1d, on: [1, 2, 3, 4]}"),
            "a.yaml:1:58: `on` has 4 items; expected at most 3\n");
}

TEST(YamlLoader, ADanglingReferenceNamesTheNearest) {
  EXPECT_EQ(site_problems("region", "region: lvlaing"),
            "a.yaml:6:5: `region` names the region `lvlaing`, which nothing defines; did you mean `lvliang`?\n");
}

TEST(YamlLoader, AnIdDefinedTwiceNamesTheFirstEvenInAnotherFile) {
  schema::RuleSet rules;
  YamlLoader loader(rules);
  EXPECT_TRUE(loader.load_text("regions:\n  - {id: lvliang, name: a}\n", "a.yaml"));
  EXPECT_TRUE(loader.load_text("\nregions:\n  - {id: lvliang, name: b}\n", "b.yaml"));
  EXPECT_FALSE(loader.finish());
  EXPECT_EQ(problems_of(loader), "b.yaml:3:6: region `lvliang` is defined twice; the first is at a.yaml:2:6\n");
}

TEST(YamlLoader, FragmentsAppendToListsAndReferToOneAnother) {
  schema::RuleSet rules;
  YamlLoader loader(rules);
  // The site stands in an earlier file than its region: references are resolved at the end.
  EXPECT_TRUE(loader.load_text(site_with("region", "region: lishi"), "a.yaml"));
  EXPECT_TRUE(loader.load_text("regions:\n  - {id: lishi, name: 离石区, parent: lvliang}\n", "b.yaml"));
  EXPECT_TRUE(loader.load_text("horizons: {close_after: 5min}\n", "c.yaml"));
  EXPECT_TRUE(loader.load_text("horizons: {valid_minutes: 45}\n", "d.yaml"));
  EXPECT_TRUE(loader.finish()) << problems_of(loader);
  EXPECT_EQ(rules.regions_size(), 2);
  EXPECT_EQ(rules.regions(1).parent(), "lvliang");
  EXPECT_EQ(rules.horizons().close_after(), 300'000);
  EXPECT_EQ(rules.horizons().valid_minutes(), 45);
  EXPECT_EQ(loader.place("regions[1].parent").str(), "b.yaml:2:34");
}

TEST(YamlLoader, ASingleValueGivenInTwoFilesIsRefused) {
  schema::RuleSet rules;
  YamlLoader loader(rules);
  EXPECT_TRUE(loader.load_text("horizons: {close_after: 5min}\n", "a.yaml"));
  EXPECT_FALSE(loader.load_text("horizons: {close_after: 6min}\n", "b.yaml"));
  EXPECT_EQ(problems_of(loader), "b.yaml:1:12: `close_after` is already given at a.yaml:1:12\n");
  EXPECT_EQ(rules.horizons().close_after(), 300'000);
}

TEST(YamlLoader, AllProblemsOfAFileAreToldAtOnce) {
  EXPECT_EQ(rules_problems("horizons: {valid_minutes: 0, grace: 1}\nregoins: []\nsignals: 7\n"),
            "a.yaml:1:27: `valid_minutes` is `0`; expected 1 to 60\n"
            "a.yaml:1:30: unknown key `grace` in Horizons; expected one of `close_after`, `slots_kept`, `hours_kept`, "
            "`running_every`, `ahead_max`, `valid_minutes`, `site_hours_max`\n"
            "a.yaml:2:1: unknown key `regoins` in RuleSet; did you mean `regions`?\n"
            "a.yaml:3:10: `signals` must be a list, not `7`\n");
}

TEST(YamlLoader, ProblemsAreCountedToALimit) {
  std::string yaml;
  for (int i = 0; i < 10; ++i) yaml += "x" + std::to_string(i) + "yz: 1\n";
  YamlLimits limits;
  limits.problems_max = 2;
  EXPECT_EQ(problems_in<schema::RuleSet>(yaml, limits),
            "a.yaml:1:1: unknown key `x0yz` in RuleSet; expected one of `standards`, `limits`, `aqi_editions`, "
            "`signals`, `horizons`, `regions`, `sites`, `validities`, `percentiles`, `composites`, `checks`, "
            "`neighbourhood`, `emergency`, `emergency_duties`, `warnings`, `alerts`\n"
            "a.yaml:2:1: unknown key `x1yz` in RuleSet; expected one of `standards`, `limits`, `aqi_editions`, "
            "`signals`, `horizons`, `regions`, `sites`, `validities`, `percentiles`, `composites`, `checks`, "
            "`neighbourhood`, `emergency`, `emergency_duties`, `warnings`, `alerts`\n"
            "a.yaml:3:1: there are more problems from here on; mend the first ones\n");
}

TEST(YamlLoader, WhatIsNotYamlIsToldWithItsPlace) {
  EXPECT_EQ(rules_problems("regions: [a, b\nsites: 1\n"), "a.yaml:2:6: not YAML: end of sequence flow not found\n");
  EXPECT_EQ(rules_problems("a: 'open\n"), "a.yaml:1:9: not YAML: illegal EOF in scalar\n");
  // The parser's own words quote the byte.
  EXPECT_EQ(rules_problems("a: \"b\\\x01\"\n"), "a.yaml:1:8: not YAML: unknown escape character: \\x01\n");
  EXPECT_EQ(rules_problems("a: *nobody\n"), "a.yaml:1:4: not YAML: the referenced anchor is not defined\n");
  EXPECT_EQ(rules_problems("horizons: {}\n---\nhorizons: {}\n"),
            "a.yaml:2:1: a second document begins; expected one in a file\n");
  EXPECT_EQ(rules_problems("horizons: !!map {}\n"), "a.yaml:1:11: a tag (!...) is written here; expected none\n");
}

TEST(YamlLoader, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(site_problems("name", "name: \"\\0\""), "a.yaml:5:11: `name` is `\\x00`; expected text in UTF-8\n");
  EXPECT_NE(site_problems("name", "name: \xFF\xC0"), "");
}

TEST(YamlLoader, AnchorsAndAliasesAreValuesLikeOthers) {
  EXPECT_EQ(rules_problems("regions:\n"
                           "  - {id: &root lvliang, name: &n 吕梁}\n"
                           "  - {id: lishi, name: *n, parent: *root}\n"),
            "");
}

TEST(YamlLoader, AnAliasInsideItselfIsRefused) {
  EXPECT_EQ(rules_problems("regions: &a [*a]\n"),
            "a.yaml:1:14: an alias stands inside what it names; expected a finished value\n");
}

TEST(YamlLoader, BillionLaughsStopAtTheNodeLimit) {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    std::string items = below;
    for (int j = 1; j < 10; ++j) items += ", " + below;
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + items + "]\n";
  }
  EXPECT_EQ(rules_problems(yaml), "a.yaml:6:30: more than 500000 values in one file (aliases count at every use)\n");
}

TEST(YamlLoader, AliasesOfLongTextStopAtTheTextLimit) {
  YamlLimits limits;
  limits.text_bytes_max = 1000;
  EXPECT_EQ(problems_in<schema::RuleSet>("a: &a " + std::string(400, 'x') + "\nb: [*a, *a]\n", limits),
            "a.yaml:2:4: more than 1000 bytes of text in one file (aliases count at every use)\n");
}

TEST(YamlLoader, DeepNestingStopsAtTheDepthLimit) {
  EXPECT_EQ(rules_problems("a: " + std::string(40, '[') + std::string(40, ']')),
            "a.yaml:1:35: nested more than 32 deep; expected a flatter file\n");
  // Nothing closed, and far more than any stack would hold: refused by whoever sees it first.
  std::string braces;
  for (int i = 0; i < 100'000; ++i) braces += "{a: ";
  EXPECT_NE(rules_problems(braces), "");
  EXPECT_NE(rules_problems(std::string(100'000, '[')), "");
  // Aliases nest as deep as what they name.
  EXPECT_EQ(rules_problems("a: &a " + std::string(20, '[') + std::string(20, ']') + "\nb: " + std::string(20, '[') +
                           "*a" + std::string(20, ']') + "\n"),
            "a.yaml:2:24: nested more than 32 deep; expected a flatter file\n");
}

TEST(YamlLoader, ALargeFileIsRefusedUnread) {
  YamlLimits limits;
  limits.file_bytes_max = 10;
  const TestDir dir;
  const std::string path = dir.write("big.yaml", "horizons: {}\n");
  schema::RuleSet rules;
  YamlLoader loader(rules, limits);
  EXPECT_FALSE(loader.load_file(path, "big.yaml"));
  EXPECT_EQ(problems_of(loader), "big.yaml: the file is larger than 10 bytes\n");
}

TEST(YamlLoader, AMissingFileOrADirectoryIsAProblemNotACrash) {
  const TestDir dir;
  schema::RuleSet rules;
  YamlLoader loader(rules);
  EXPECT_FALSE(loader.load_file(dir.path("none.yaml"), "none.yaml"));
  EXPECT_FALSE(loader.load_file(dir.path(""), "dir"));
  EXPECT_EQ(problems_of(loader),
            "none.yaml: cannot be read; expected a YAML file\ndir: cannot be read; expected a YAML file\n");
}

TEST(YamlLoader, LoadYamlGivesTheMessageOrOneErrorWithEveryProblem) {
  const TestDir dir;
  schema::RuleSet rules;
  EXPECT_TRUE(load_yaml(dir.write("good.yaml", "horizons: {valid_minutes: 45}\n"), rules));
  EXPECT_EQ(rules.horizons().valid_minutes(), 45);
  const std::string bad = dir.write("bad.yaml", "horizons: {valid_minutes: 0}\nsignals: 7\n");
  const auto loaded = load_yaml(bad, rules);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::config_invalid);
  EXPECT_EQ(loaded.error().text, bad + ":1:27: `valid_minutes` is `0`; expected 1 to 60\n" + bad +
                                     ":2:10: `signals` must be a list, not `7`");
}

// Whatever the bytes, the loader returns, and a message without problems can be written and read back. A small cousin
// of the fuzz target, for every run of the tests.
TEST(YamlLoader, MutatedFilesNeverCrashIt) {
  const std::string seed_text = site_with("", "") + "horizons: {close_after: &t 10min, running_every: *t}\n";
  const std::string alphabet = "{}[]&*!|>'\"%@`,:-? \n\t#0aZ\xFF\xE5";
  std::mt19937 random(20261123);  // NOLINT: the same mutations in every run
  int clean = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = seed_text;
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0 && !text.empty(); --changes) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        default:
          text.erase(at, 1 + random() % 5);
      }
    }
    schema::RuleSet rules;
    YamlLoader loader(rules);
    loader.load_text(text, "a.yaml");
    if (!loader.finish()) continue;
    ++clean;
    schema::RuleSet back;
    ASSERT_TRUE(back.ParseFromString(rules.SerializeAsString()));
  }
  EXPECT_GT(clean, 0);
  EXPECT_LT(clean, 3000);
}

}  // namespace
}  // namespace qc::platform
