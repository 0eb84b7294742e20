#include "qingchuan/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "core/testing.h"
#include "stream/memory_log.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Factor;
using core::ug;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kPm25 = 0;
constexpr std::size_t kCo = 4;
constexpr std::size_t kO3 = 5;

// A county C of the prefecture P with the evaluation stations S1, S2, S3, a second county D with S4, and a micro
// station.
std::shared_ptr<const core::RuleSet> rules_of_two_counties() {
  auto rules = std::make_shared<core::RuleSet>(*core::test_rules_with_windows());
  rules->regions["D"] = {.id = "D", .name = "邻县", .name_en = "Next County", .parent = "P"};
  core::SiteInfo site = rules->sites.at("S1");
  site.id = site.name = "S4";
  site.region = "D";
  rules->sites["S4"] = site;
  site.id = site.name = "M1";
  site.region = "C";
  site.kind = core::SiteKind::Micro;
  rules->sites["M1"] = site;
  rules->prepare();
  return rules;
}

ReportSpec day_of(std::string_view text) {
  return {false, *parse_day(text), {}};
}
ReportSpec month_of(std::string_view text) {
  return {true, *parse_month(text), {}};
}

// A published mean of a day (O3: the MDA8) that ends with `number` days of the period; value in ug/m3 or points.
v1::Mean mean(const ReportSpec& spec, const std::string& site, Factor factor, double value, int number = 0) {
  v1::Mean m;
  m.set_site(site);
  m.set_region("C");
  m.set_root("P");
  m.set_factor(static_cast<v1::Factor>(factor));
  m.set_window(factor == Factor::O3 ? v1::MDA8 : v1::DAY);
  const core::EventTime start = spec.period.start + std::chrono::hours(24) * number;
  m.set_start_ms(core::ms(start));
  m.set_end_ms(core::ms(start + std::chrono::hours(24)));
  m.set_value(static_cast<std::int64_t>(value * 1e6));
  m.set_valid(true);
  m.set_count(factor == Factor::O3 ? 17 : 24);
  m.set_expected(m.count());
  m.set_status(v1::CLOSED);
  m.set_revision(1);
  m.mutable_origin()->set_rules("00000000000000a4");
  return m;
}

v1::Mean invalid(v1::Mean m) {
  m.set_valid(false);
  m.set_count(19);
  m.set_expected(24);
  return m;
}

void six(ReportBuilder& builder, const ReportSpec& spec, const std::string& site, double pm25, double others,
         int number = 0) {
  for (const Factor f : core::kSixPollutants)
    builder.add(mean(spec, site, f, f == Factor::PM25 ? pm25 : others, number));
}

const ReportRow& row(const std::vector<ReportRow>& rows, std::string_view id) {
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const ReportRow& r) { return r.id == id; });
  if (at == rows.end()) throw std::out_of_range(std::string(id));
  return *at;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

TEST(ReportPeriod, IsANaturalDayOrAMonthInBeijing) {
  EXPECT_EQ(core::to_iso(parse_day("2015-12-08")->start), "2015-12-08T00:00:00+08:00");
  EXPECT_EQ(core::to_iso(parse_day("2015-12-08")->end), "2015-12-09T00:00:00+08:00");
  EXPECT_EQ(core::to_iso(parse_month("2016-02")->end), "2016-03-01T00:00:00+08:00");
  for (const char* bad : {"2015-13-01", "2015-02-29", "yesterday", "2015-12", ""}) EXPECT_FALSE(parse_day(bad)) << bad;
  for (const char* bad : {"2015-13", "2015", "2015-12-08", ""}) EXPECT_FALSE(parse_month(bad)) << bad;
}

TEST(ReportDay, ARegionIsTheMeanOfConcentrationsNotOfIndices) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  six(builder, spec, "S1", 40, 10);   // IAQI 57
  six(builder, spec, "S2", 200, 10);  // IAQI 250
  const Report report = builder.build(*rules_of_two_counties());
  const ReportRow& county = row(report.regions, "C");
  EXPECT_EQ(county.items[kPm25].value, ug(120));
  EXPECT_EQ(county.aqi, 158);  // 150 + 50 * 5 / 35, up; the mean of the indices would be 154
  EXPECT_THAT(county.primary, ElementsAre(Factor::PM25));
  EXPECT_TRUE(county.items[kPm25].exceeds);
  EXPECT_EQ(county.items[kPm25].multiple, 60);  // (120 - 75) / 75
  EXPECT_EQ(county.sites, 3);
  EXPECT_EQ(county.sites_valid, 2);  // S3 is silent, and is seen to be
  EXPECT_EQ(county.items[kPm25].count, 2);
  EXPECT_FALSE(row(report.sites, "S3").items[kPm25].known);
}

TEST(ReportDay, OnlyValidValuesOfEvaluationSitesMakeARegion) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  builder.add(mean(spec, "S1", Factor::PM25, 30));
  builder.add(invalid(mean(spec, "S2", Factor::PM25, 500)));
  builder.add(mean(spec, "M1", Factor::PM25, 900));
  const Report report = builder.build(*rules_of_two_counties());
  EXPECT_EQ(row(report.regions, "C").items[kPm25].value, ug(30));
  EXPECT_EQ(row(report.regions, "C").sites, 3);
  EXPECT_FALSE(row(report.sites, "M1").evaluation);
  EXPECT_EQ(row(report.sites, "M1").rank, 0);
  EXPECT_FALSE(row(report.sites, "S2").items[kPm25].valid);
  EXPECT_THAT(to_text(report, Language::English), HasSubstr("(19/24)"));
}

TEST(ReportDay, APrefectureIsMadeOfAllItsStationsNotOfItsCounties) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  for (const char* site : {"S1", "S2", "S3"}) six(builder, spec, site, 30, 10);
  six(builder, spec, "S4", 90, 10);
  const Report report = builder.build(*rules_of_two_counties());
  EXPECT_EQ(row(report.regions, "P").items[kPm25].value, ug(45));  // of four; of the counties it would be 60
  EXPECT_EQ(row(report.regions, "P").sites, 4);
  EXPECT_EQ(report.regions.front().id, "P");
  EXPECT_EQ(row(report.regions, "D").parent, "P");
}

TEST(ReportDay, StationsThatNobodyConfiguredMakeTheRegionTheyWereFedInto) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  for (const auto& [site, value] : {std::pair{"Dongsi", 100}, std::pair{"Tiantan", 200}}) {
    v1::Mean m = mean(spec, site, Factor::PM25, value);
    m.set_region("fed");
    m.set_root("fed");
    builder.add(m);
  }
  const Report report = builder.build(*rules_of_two_counties());
  ASSERT_EQ(report.regions.size(), 1U);  // none of the configured counties, which have no data
  EXPECT_EQ(report.regions[0].id, "fed");
  EXPECT_EQ(report.regions[0].items[kPm25].value, ug(150));
  EXPECT_EQ(report.sites.size(), 2U);
}

TEST(ReportDay, TheLatestRevisionCountsWhateverTheOrder) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  v1::Mean amended = mean(spec, "S1", Factor::PM25, 60);
  amended.set_revision(3);
  v1::Mean running = mean(spec, "S1", Factor::PM25, 10);
  running.set_status(v1::RUNNING);
  builder.add(running);
  builder.add(amended);
  builder.add(mean(spec, "S1", Factor::PM25, 50));
  const Report report = builder.build(*rules_of_two_counties());
  EXPECT_EQ(row(report.sites, "S1").items[kPm25].value, ug(60));
  EXPECT_FALSE(row(report.sites, "S1").running);
}

TEST(ReportDay, ARunningDayIsMarkedAndExceedsNothingYet) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  v1::Mean running = mean(spec, "S1", Factor::PM25, 300);
  running.set_status(v1::RUNNING);
  builder.add(running);
  const Report report = builder.build(*rules_of_two_counties());
  EXPECT_TRUE(row(report.regions, "C").running);
  EXPECT_FALSE(row(report.regions, "C").items[kPm25].exceeds);
  EXPECT_THAT(to_csv(report), HasSubstr(",running,PM2.5,"));
}

TEST(ReportDay, TheEditionOfTheDayDecides) {
  for (const auto& [date, aqi, exceeds] : {std::tuple{"2026-02-28", 94, false}, std::tuple{"2026-03-01", 110, true}}) {
    const ReportSpec spec = day_of(date);
    ReportBuilder builder(spec);
    six(builder, spec, "S1", 70, 10);
    const Report report = builder.build(*rules_of_two_counties());
    EXPECT_EQ(row(report.regions, "C").aqi, aqi) << date;
    EXPECT_EQ(row(report.regions, "C").items[kPm25].exceeds, exceeds) << date;
  }
}

TEST(ReportDay, AnIncompleteRegionHasNoIndexBelow100Since2026) {
  for (const auto& [date, aqi] :
       {std::pair{"2026-02-28", std::optional(43)}, std::pair{"2026-03-01", std::optional<int>()}}) {
    const ReportSpec spec = day_of(date);
    ReportBuilder builder(spec);
    builder.add(mean(spec, "S1", Factor::PM25, 30));
    EXPECT_EQ(row(builder.build(*rules_of_two_counties()).regions, "C").aqi, aqi) << date;
  }
}

TEST(ReportDay, ASitesIndexIsThePublishedOne) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  v1::Mean index = mean(spec, "S1", Factor::AQI, 321);
  index.add_primary(v1::PM2_5);
  index.add_primary(v1::PM10);
  builder.add(index);
  builder.add(mean(spec, "S1", Factor::PM25, 30));
  const Report report = builder.build(*rules_of_two_counties());
  EXPECT_EQ(row(report.sites, "S1").aqi, 321);
  EXPECT_THAT(row(report.sites, "S1").primary, ElementsAre(Factor::PM25, Factor::PM10));
  EXPECT_THAT(to_text(report, Language::Chinese), HasSubstr("严重污染"));
  EXPECT_THAT(to_csv(report), HasSubstr(",AQI,day,321,point,"));
}

TEST(ReportDay, CountiesAreRankedByTheCompositeIndexAndTiesShareAPlace) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  six(builder, spec, "S1", 70, 0);
  six(builder, spec, "S2", 70, 0);
  six(builder, spec, "S3", 35, 0);
  six(builder, spec, "S4", 35, 0);
  const Report report = builder.build(*rules_of_two_counties());
  EXPECT_EQ(row(report.sites, "S3").rank, 1);
  EXPECT_EQ(row(report.sites, "S4").rank, 1);
  EXPECT_EQ(row(report.sites, "S1").rank, 3);
  EXPECT_EQ(row(report.sites, "S3").composite, ug(1));
  EXPECT_EQ(row(report.regions, "D").rank, 1);
  EXPECT_EQ(row(report.regions, "C").rank, 2);
  EXPECT_EQ(row(report.regions, "P").rank, 1);  // alone: it has no siblings
}

TEST(ReportDay, CountiesOfAGroupAndThoseOutsideAreRankedApartToo) {
  auto rules = std::make_shared<core::RuleSet>(*rules_of_two_counties());
  for (const char* id : {"E", "F"}) {
    rules->regions[id] = {.id = id, .name = id, .name_en = id, .parent = "P"};
    core::SiteInfo site = rules->sites.at("S4");
    site.id = site.name = std::string("S") + id;
    site.region = id;
    rules->sites[site.id] = site;
  }
  rules->regions["G"] = {.id = "G", .name = "平川", .name_en = "Plain", .parent = "P", .members = {"D", "E"}};
  rules->prepare();
  ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  for (const char* id : {"S1", "S2", "S3"}) six(builder, spec, id, 35, 0);
  six(builder, spec, "S4", 70, 0);
  six(builder, spec, "SE", 50, 0);
  six(builder, spec, "SF", 60, 0);
  const Report report = builder.build(*rules);
  const auto places = [&](const char* id) {
    const ReportRow& r = row(report.regions, id);
    return std::tuple(r.rank, r.group, r.group_rank);
  };
  EXPECT_EQ(places("C"), std::tuple(1, "", 1));
  EXPECT_EQ(places("E"), std::tuple(2, "G", 1));
  EXPECT_EQ(places("F"), std::tuple(3, "", 2));
  EXPECT_EQ(places("D"), std::tuple(4, "G", 2));
  EXPECT_EQ(places("G"), std::tuple(0, "", 0)) << "a group stands among nobody";
  EXPECT_EQ(row(report.regions, "G").items[kPm25].value, ug(60));
  EXPECT_THAT(to_text(report, Language::Chinese), HasSubstr("4 (平川 2)"));
  EXPECT_THAT(to_text(report, Language::English), HasSubstr("3 (others 2)"));
  EXPECT_THAT(to_csv(report), HasSubstr(",G,2\n"));

  spec.region = "G";
  ReportBuilder of_group(spec);
  six(of_group, spec, "S1", 35, 0);
  six(of_group, spec, "S4", 70, 0);
  const Report asked = of_group.build(*rules);
  ASSERT_EQ(asked.regions.size(), 2U);
  EXPECT_EQ(asked.regions[0].id, "D");
  EXPECT_EQ(asked.regions[1].id, "G");
  EXPECT_EQ(row(asked.sites, "S4").parent, "D");
}

TEST(ReportDay, WithAPollutantMissingThereIsNoCompositeIndexAndNoRank) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  builder.add(mean(spec, "S1", Factor::PM25, 30));
  const Report report = builder.build(*rules_of_two_counties());
  EXPECT_FALSE(row(report.sites, "S1").composite);
  EXPECT_EQ(row(report.sites, "S1").rank, 0);
}

TEST(ReportDay, OnlyTheRegionThatWasAskedForAndWhatIsBelow) {
  ReportSpec spec = day_of("2015-12-08");
  spec.region = "D";
  ReportBuilder builder(spec);
  six(builder, spec, "S1", 30, 10);
  six(builder, spec, "S4", 90, 10);
  const Report report = builder.build(*rules_of_two_counties());
  ASSERT_EQ(report.regions.size(), 1U);
  EXPECT_EQ(report.regions[0].id, "D");
  ASSERT_EQ(report.sites.size(), 1U);
  EXPECT_EQ(report.sites[0].id, "S4");
}

class ReportMonthTest : public testing::Test {
 protected:
  // Day n of the month: PM2.5 of S1 is 10 n, of S2 20 n; CO n mg/m3; O3 n.
  void fill(int days) {
    for (int d = 0; d < days; ++d) {
      for (const auto& [site, times] : {std::pair{"S1", 10}, std::pair{"S2", 20}}) {
        for (const Factor f : core::kSixPollutants) {
          const int n = d + 1;
          v1::Mean m = mean(spec_, site, f, f == Factor::PM25 ? times * n : f == Factor::CO ? 1000 * n : n, d);
          if (f == Factor::PM25 && times * n > 75) {
            m.set_exceeds(true);
            m.set_multiple((times * n - 75) * 100 / 75);
          }
          builder_.add(m);
        }
        v1::Mean index = mean(spec_, site, Factor::AQI, d < 10 ? 100 : 101, d);
        builder_.add(index);
      }
    }
  }
  v1::Mean of_month(const std::string& site, Factor factor, int value, int percent, int percentile) {
    v1::Mean m = mean(spec_, site, factor, value);
    m.set_window(v1::MONTH);
    m.set_end_ms(core::ms(spec_.period.end));
    m.set_count(30);
    m.set_expected(30);
    m.set_percentile(percent);
    m.set_percentile_value(percentile * core::kMillion);
    return m;
  }
  ReportSpec spec_ = month_of("2015-11");
  ReportBuilder builder_{spec_};
};

TEST_F(ReportMonthTest, ARegionsMonthIsMadeOfItsOwnDays) {
  fill(30);
  const Report report = builder_.build(*rules_of_two_counties());
  const ReportRow& county = row(report.regions, "C");
  // Its day n: PM2.5 15 n.
  EXPECT_EQ(county.items[kPm25].value.pg, 232'500'000);  // 15 * 15.5
  EXPECT_TRUE(county.items[kPm25].valid);
  EXPECT_EQ(county.items[kPm25].count, 30);
  EXPECT_EQ(county.items[kPm25].days_over, 25);  // 15 n > 75 from the 6th
  EXPECT_EQ(county.items[kPm25].multiple, 500);  // (450 - 75) / 75
  EXPECT_EQ(county.items[kCo].percent, 95);
  EXPECT_EQ(county.items[kCo].percentile.pg, 28'550'000'000);  // k = 1 + 29 * 0.95 = 28.55
  EXPECT_EQ(county.items[kO3].percent, 90);
  EXPECT_EQ(county.items[kO3].percentile.pg, 27'100'000);  // k = 27.1
  EXPECT_EQ(county.index_days, 30);
  // CO decides: n mg/m3, 100 at 4; PM2.5 15 n is 100 at the 5th day.
  EXPECT_EQ(county.good_days, 4);
}

TEST_F(ReportMonthTest, ASitesMonthIsThePublishedOneWithItsGoodDays) {
  fill(30);
  for (const Factor f : core::kSixPollutants) builder_.add(of_month("S1", f, 35, 95, 70));
  const Report report = builder_.build(*rules_of_two_counties());
  const ReportRow& site = row(report.sites, "S1");
  EXPECT_EQ(site.items[kPm25].value, ug(35));
  EXPECT_EQ(site.items[kPm25].days_over, 23);  // 10 n > 75
  EXPECT_EQ(site.good_days, 10);
  EXPECT_EQ(site.index_days, 30);
  // 35/60 + 35/40 + 35/70 + 35/35 + 0.07/4 + 70/160
  EXPECT_EQ(site.composite, core::Concentration{3'413'333});
  EXPECT_THAT(site.primary, ElementsAre(Factor::PM25));
  EXPECT_EQ(site.rank, 1);
  EXPECT_EQ(row(report.sites, "S2").rank, 0);  // it has no month
  EXPECT_THAT(to_text(report, Language::Chinese), HasSubstr("3.41"));
  EXPECT_THAT(to_text(report, Language::Chinese), HasSubstr("33.3%"));
}

TEST_F(ReportMonthTest, WithTooFewDaysAMonthIsNotValid) {
  fill(26);
  const Report report = builder_.build(*rules_of_two_counties());
  const ReportRow& county = row(report.regions, "C");
  EXPECT_FALSE(county.items[kPm25].valid);
  EXPECT_FALSE(county.composite);
  EXPECT_EQ(county.rank, 0);
  EXPECT_THAT(to_text(report, Language::Chinese), HasSubstr("(26/30)"));
}

TEST_F(ReportMonthTest, AMonthThatRunsIsMeasuredByTheDaysThatAreOver) {
  fill(10);
  v1::Mean m = of_month("S1", Factor::PM25, 50, 95, 90);
  m.set_count(10);
  m.set_status(v1::RUNNING);
  builder_.add(m);
  const Report report = builder_.build(*rules_of_two_counties());
  const ReportRow& county = row(report.regions, "C");
  EXPECT_TRUE(county.running);
  EXPECT_TRUE(county.items[kPm25].valid);
  EXPECT_EQ(county.items[kPm25].value.pg, 82'500'000);
}

TEST(ReportCsv, EveryLineHasEveryColumnAndExactValues) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  six(builder, spec, "S1", 33.333333, 10);
  six(builder, spec, "S2", 33.333334, 10);
  builder.add([&] {
    v1::Mean m = mean(spec, "S3", Factor::PM25, 33);
    m.add_marks(v1::STUCK);
    m.add_marks(v1::CLIPPED);
    return m;
  }());
  const Report report = builder.build(*rules_of_two_counties());
  const auto csv = lines(to_csv(report));
  const auto columns = std::count(csv[0].begin(), csv[0].end(), ',');
  for (const std::string& line : csv) EXPECT_EQ(std::count(line.begin(), line.end(), ','), columns) << line;
  EXPECT_THAT(to_csv(report), HasSubstr(",S1,S1,C,true,closed,PM2.5,day,33.333333,ug/m3,24,24,1,true,,,,"));
  // (33.333333 + 33.333334 + 33) / 3
  EXPECT_THAT(to_csv(report), HasSubstr("region,C,县,P,true,closed,PM2.5,day,33.222222,ug/m3,3,3,1,true,75,false,0,"));
  EXPECT_THAT(to_csv(report), HasSubstr("clipped+stuck"));
}

TEST(ReportText, CellsAreRoundedHalfToEvenAndColumnsStandUnderEachOther) {
  const ReportSpec spec = day_of("2015-12-08");
  ReportBuilder builder(spec);
  six(builder, spec, "S1", 62.5, 10);
  const std::string text = to_text(builder.build(*rules_of_two_counties()), Language::Chinese);
  EXPECT_THAT(text, HasSubstr(" 62 "));
  EXPECT_THAT(text, HasSubstr("2015-12-08"));
  EXPECT_THAT(text, HasSubstr("HJ 633-2012"));
}

TEST(ReportLog, ReadsTheTopicAndTakesTheRulesThatTheLogNames) {
  stream::MemoryLog log;
  const std::vector<stream::TopicSpec> specs{{"rules", 1}, {"means", 2}};
  ASSERT_TRUE(log.create_topics(specs));
  processor::RulesStore rules(log);
  const ReportSpec spec = day_of("2015-12-08");
  const auto nothing = make_report(log, rules, spec);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Errc::usage);
  EXPECT_THAT(nothing.error().text, HasSubstr("2015-12-08"));

  v1::MeanRecord record;
  *record.mutable_mean() = mean(spec, "S1", Factor::PM25, 30);
  const std::vector<stream::NewRecord> records{{{"means", 1}, "k", record.SerializeAsString(), {}},
                                               {{"means", 0}, "gone", std::nullopt, {}},
                                               {{"means", 0}, "bad", "no message", {}}};
  ASSERT_TRUE(log.appender().value()->append(records));
  const auto unknown_rules = make_report(log, rules, spec);
  ASSERT_FALSE(unknown_rules);
  EXPECT_EQ(unknown_rules.error().code, Errc::rules_missing);
}

}  // namespace
}  // namespace qc::commands
