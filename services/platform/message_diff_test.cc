#include "platform/message_diff.h"

#include <gtest/gtest.h>

#include "platform/yaml_loader.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::platform {
namespace {

namespace schema = ::qingchuan::v1;
using Lines = std::vector<std::string>;

template <class Message>
Message read(std::string_view yaml) {
  Message message;
  YamlLoader loader(message);
  loader.load_text(yaml, "t.yaml");
  EXPECT_TRUE(loader.problems().empty());
  return message;
}

Lines between(std::string_view before, std::string_view after) {
  return differences(read<schema::RuleSet>(before), read<schema::RuleSet>(after));
}

constexpr const char* kLimits = R"(
limits:
  - {standard: GB, clause: t1, factor: SO2, window: 1h, class_1: 150, class_2: 500, unit: ug/m3, from: 2026-03-01}
  - {standard: GB, clause: t1, factor: SO2, window: day, class_1: 50, class_2: 150, unit: ug/m3, from: 2026-03-01}
)";

TEST(MessageDiff, NothingChanged) {
  EXPECT_EQ(between(kLimits, kLimits), Lines{});
}

TEST(MessageDiff, NamesWhatChangedFromWhatToWhat) {
  EXPECT_EQ(between(kLimits, R"(
limits:
  - {standard: GB, clause: t1, factor: SO2, window: 1h, class_1: 150, class_2: 300.5, unit: ug/m3, from: 2026-03-01,
     until: 2031-01-01}
  - {standard: GB, clause: t1, factor: SO2, window: day, class_1: 50, class_2: 150, unit: ug/m3, from: 2026-03-01}
)"),
            (Lines{"Limit GB SO2 1h 2026-03-01: class_2: 500 -> 300.5",
                   "Limit GB SO2 1h 2026-03-01: until: absent -> 2031-01-01"}));
}

TEST(MessageDiff, AMovedEntryIsNoChangeAndAnAddedOneIsOne) {
  EXPECT_EQ(between(kLimits, R"(
limits:
  - {standard: GB, clause: t1, factor: SO2, window: day, class_1: 50, class_2: 150, unit: ug/m3, from: 2026-03-01}
  - {standard: GB, clause: t1, factor: NO2, window: 1h, class_1: 200, class_2: 200, unit: ug/m3}
)"),
            (Lines{"Limit GB SO2 1h 2026-03-01: removed", "Limit GB NO2 1h: added"}));
}

TEST(MessageDiff, GoesIntoEntriesWithinEntries) {
  const auto edition = [](const char* numbers) {
    return std::string(
               "aqi_editions:\n  - {standard: HJ, clause: c, iaqi: [0, 50], items: [{factor: SO2, window: 1h, "
               "unit: ug/m3, above: cap, concentrations: ") +
           numbers + "}]}\n";
  };
  EXPECT_EQ(between(edition("[0, 150]"), edition("[0, 140]")),
            Lines{"AqiEdition HJ: AqiItem SO2 1h: concentrations: [0, 150] -> [0, 140]"});
}

TEST(MessageDiff, WritesValuesAsPeopleWriteThem) {
  EXPECT_EQ(between("horizons: {slots_kept: 6h}\nneighbourhood: {radius_m: 5}",
                    "horizons: {slots_kept: 90min, close_after: 10min}\nneighbourhood: {radius_m: 7}"),
            (Lines{"horizons.close_after: absent -> 10min", "horizons.slots_kept: 6h -> 90min",
                   "neighbourhood.radius_m: 5 -> 7"}));
  EXPECT_EQ(between("sites: [{id: S1, name: 一, kind: micro, factors: [SO2]}]",
                    "sites: [{id: S1, name: 二, kind: park, factors: [SO2, CO]}]"),
            (Lines{"Site S1: name: 一 -> 二", "Site S1: kind: micro -> park", "Site S1: factors: [SO2] -> [SO2, CO]"}));
}

TEST(MessageDiff, AliasesAreNoPartOfASitesTitle) {
  EXPECT_EQ(between("sites: [{id: S1, aliases: [one]}]", "sites: [{id: S1, aliases: [one, two]}]"),
            Lines{"Site S1: aliases: [one] -> [one, two]"});
}

TEST(MessageDiff, EntriesThatNothingTellsApartAreNumbered) {
  EXPECT_EQ(between("checks: [{factor: SO2, stuck_hours: 1}, {factor: SO2, stuck_hours: 2}]",
                    "checks: [{factor: SO2, stuck_hours: 1}, {factor: SO2, stuck_hours: 3}]"),
            Lines{"QualityCheck SO2 #2: stuck_hours: 2 -> 3"});
}

TEST(MessageDiff, NeverRepeatsTheValuesOfAMap) {
  EXPECT_EQ(differences(read<schema::System>("kafka: {settings: {a: one, b: two}}"),
                        read<schema::System>("kafka: {settings: {a: secret, c: three}}")),
            (Lines{"kafka.settings[a]: has another value", "kafka.settings[b]: removed", "kafka.settings[c]: added"}));
}

}  // namespace
}  // namespace qc::platform
