// Places, values, the ledger, rules, maps and reports.
#include <gmock/gmock.h>

#include "console/api_testing.h"

namespace qc::console {
namespace {

using fixture::As;
using fixture::Heard;
using ::testing::ElementsAre;
namespace json = boost::json;
using std::chrono::hours;

class ApiPlacesTest : public fixture::ApiTest {
 protected:
  static std::vector<std::string> ids(const json::value& list, const char* member = "id") {
    std::vector<std::string> out;
    for (const auto& item : list.at("items").as_array()) out.emplace_back(item.at(member).as_string());
    return out;
  }
};

TEST_F(ApiPlacesTest, RegionsAndStationsAreThoseThatOneSees) {
  const As all = sign_in("all", {{Role::Viewer, "*"}});
  const As of_c = sign_in("of_c", {{Role::Viewer, "C"}});
  EXPECT_THAT(ids(get("/regions", all).json()), ElementsAre("C", "D", "P"));
  EXPECT_THAT(ids(get("/regions", of_c).json()), ElementsAre("C"));
  EXPECT_THAT(ids(get("/stations", all).json()), ElementsAre("S1", "S2", "S3", "T1"));
  EXPECT_THAT(ids(get("/stations?region=D", all).json()), ElementsAre("T1"));
  EXPECT_THAT(ids(get("/stations", of_c).json()), ElementsAre("S1", "S2", "S3"));
  const json::value page = get("/stations?limit=3", all).json();
  EXPECT_EQ(page.at("total").as_int64(), 4);
  const std::string next(page.at("next").as_string());
  EXPECT_THAT(ids(get("/stations?limit=3&cursor=" + next, all).json()), ElementsAre("T1"));
  const json::value region = get("/regions/P", all).json();
  EXPECT_EQ(region.at("stations").as_int64(), 4);
  EXPECT_EQ(region.at("children").as_array().size(), 2U);
  EXPECT_EQ(region.at("name_en").as_string(), "Prefecture");
}

TEST_F(ApiPlacesTest, AStationHasItsLatestValues) {
  const As li = sign_in("li", {{Role::Viewer, "C"}});
  mean("S1", core::hour_of(now_), 35);
  mean("S1", core::hour_of(now_) - core::kHour, 99);
  const json::value station = get("/stations/S1", li).json();
  ASSERT_EQ(station.at("latest").as_array().size(), 1U);
  EXPECT_EQ(station.at("latest").at(0).at("value").to_number<double>(), 35.0);
  EXPECT_EQ(station.at("lon").as_double(), 111.78);
  EXPECT_TRUE(get("/stations/S2", li).json().at("lon").is_null());
}

TEST_F(ApiPlacesTest, LatestValuesAreFilteredAndPaged) {
  const As all = sign_in("all", {{Role::Viewer, "*"}});
  const As of_c = sign_in("of_c", {{Role::Viewer, "C"}});
  for (const char* s : {"S1", "S2", "T1"}) mean(s, core::hour_of(now_), 35);
  mean("C", core::hour_of(now_), 40, true);
  const auto subjects = [&](const std::string& query, const As& as) {
    std::vector<std::string> out;
    const json::value list = get("/latest" + query, as).json();
    for (const auto& item : list.at("items").as_array()) out.emplace_back(item.at("subject").at("id").as_string());
    return out;
  };
  EXPECT_THAT(subjects("", all), ElementsAre("C", "S1", "S2", "T1"));
  EXPECT_THAT(subjects("?of=stations", of_c), ElementsAre("S1", "S2"));
  EXPECT_THAT(subjects("?of=regions", of_c), ElementsAre("C"));
  EXPECT_THAT(subjects("?region=D&window=1h&factor=PM2.5", all), ElementsAre("T1"));
  EXPECT_TRUE(subjects("?window=24h", all).empty());
  const json::value page = get("/latest?limit=2", all).json();
  EXPECT_EQ(page.at("total").as_int64(), 4);
  EXPECT_THAT(subjects("?limit=2&cursor=" + std::string(page.at("next").as_string()), all), ElementsAre("S2", "T1"));
  EXPECT_EQ(get("/latest?window=2h", all).wrong(), "window");
}

TEST_F(ApiPlacesTest, ASeriesIsReadFromTheModelAndFurtherBackFromTheLog) {
  const As li = sign_in("li", {{Role::Viewer, "C"}});
  for (int h = 0; h < 100; ++h) mean("S1", core::hour_of(now_) - hours(99 - h), 100 + h);
  const json::value day = get("/series?subject=S1&factor=PM2.5&window=1h", li).json();
  EXPECT_EQ(day.at("points").as_array().size(), 24U);
  EXPECT_EQ(day.at("source").as_string(), "model");
  EXPECT_EQ(day.at("unit").as_string(), "ug/m3");
  const std::string from = core::to_iso(now_ - hours(90));
  std::string escaped;
  for (const char c : from) escaped += c == '+' ? "%2B" : std::string(1, c);
  const json::value back = get("/series?subject=S1&factor=PM2.5&from=" + escaped, li).json();
  EXPECT_EQ(back.at("source").as_string(), "log");
  EXPECT_EQ(back.at("points").as_array().size(), 90U);
  EXPECT_EQ(back.at("points").as_array().back().at("value").to_number<double>(), 199.0);
  EXPECT_EQ(get("/series?subject=S1&factor=PM2.5&from=2026-01-01T00:00Z", li).status, 422) << "more than 31 days";
  EXPECT_EQ(get("/series?factor=PM2.5", li).wrong(), "subject");
  EXPECT_EQ(get("/series?subject=S1&factor=PM2.5&from=now", li).wrong(), "from");
  EXPECT_EQ(get("/series?subject=S1&factor=O3&until=2026-09-21T00:00Z&from=2026-09-21T00:00Z", li).wrong(), "until");
  EXPECT_EQ(get("/series?subject=S9&factor=PM2.5", li).status, 404);
}

TEST_F(ApiPlacesTest, FactorsSayTheLimitsInForce) {
  const As li = sign_in("li", {{Role::Viewer, "C"}});
  const json::value list = get("/factors", li).json();
  EXPECT_EQ(list.at("total").as_int64(), 12);
  for (const auto& factor : list.at("items").as_array()) {
    if (factor.at("factor").as_string() != "CO") continue;
    EXPECT_EQ(factor.at("unit").as_string(), "mg/m3");
    EXPECT_EQ(factor.at("limits").at(0).at("class_2").to_number<double>(), 10.0);
    EXPECT_EQ(factor.at("limits").at(0).at("clause").as_string(), "GB 3095-2026 table 1");
  }
}

TEST_F(ApiPlacesTest, TheLedgerShowsWhatOneSeesAndAccountsToAdminsOnly) {
  const As of_c = sign_in("of_c", {{Role::Operator, "C"}});
  const As all = sign_in("all", {{Role::Viewer, "*"}});
  const As admin = sign_in("admin", {});
  signal("S1", 1);
  signal("T1", 1, "D");
  // What Identity wrote is read as the alerts' entries are.
  tick(now_ + std::chrono::seconds(1));
  const auto subjects = [&](const std::string& query, const As& as) {
    std::set<std::string> out;
    const json::value list = get("/ledger" + query, as).json();
    for (const auto& item : list.at("items").as_array()) out.emplace(item.at("subject").as_string());
    return out;
  };
  EXPECT_THAT(subjects("", of_c), ElementsAre("aqi_level/S1/AQI"));
  EXPECT_THAT(subjects("", all), ElementsAre("aqi_level/S1/AQI", "aqi_level/T1/AQI"));
  EXPECT_TRUE(subjects("", admin).contains("account/of_c"));
  EXPECT_TRUE(subjects("?subject=aqi_level%2FT1%2FAQI", of_c).empty());
  EXPECT_TRUE(subjects("?subject=account%2Fof_c", all).empty());
  EXPECT_EQ(get("/ledger?limit=1", all).json().at("total").as_int64(), 1);
}

TEST_F(ApiPlacesTest, TheRulesInForceAreShownWhole) {
  const As li = sign_in("li", {{Role::Viewer, "C"}});
  const json::value rules = get("/rules", li).json();
  EXPECT_EQ(rules.at("hash").as_string(), rules_->hash);
  EXPECT_EQ(rules.at("limits").as_array().size(), rules_->limits.size());
  EXPECT_EQ(rules.at("editions").as_array().size(), 2U);
  EXPECT_EQ(rules.at("signals").as_array().size(), 3U);
  EXPECT_EQ(rules.at("alerts").at("formal").at("approvers").at(0).as_string(), "office");
}

TEST_F(ApiPlacesTest, MapsAreGeoJson) {
  const As li = sign_in("li", {{Role::Viewer, "C"}});
  signal("S1", 2);
  signal("T1", 2, "D");
  core::Signal s =
      core::fixture::alert_signal({"aqi_level", "C", core::Factor::AQI}, 1, 1, core::SignalState::Active, 1, now_);
  s.window = core::Window::H1;
  signal(std::move(s));
  const Heard stations = get("/geo/stations", li);
  EXPECT_EQ(stations.type, "application/geo+json");
  const json::value map = stations.json();
  EXPECT_EQ(map.at("features").as_array().size(), 3U);
  EXPECT_EQ(json::serialize(map.at("features").at(0).at("geometry").at("coordinates")), "[1.1178E2,3.725E1]");
  const json::value regions = get("/geo/regions", li).json();
  const json::value& ring = regions.at("features").at(0).at("geometry").at("coordinates").at(0);
  ASSERT_EQ(ring.as_array().size(), 4U) << "closed";
  EXPECT_EQ(ring.at(0), ring.at(3));
  EXPECT_EQ(regions.at("features").at(0).at("geometry").at("type").as_string(), "Polygon");
  // Counter-clockwise: the sum over its sides is positive.
  double area = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    area += ring.at(i).at(0).to_number<double>() * ring.at(i + 1).at(1).to_number<double>() -
            ring.at(i + 1).at(0).to_number<double>() * ring.at(i).at(1).to_number<double>();
  }
  EXPECT_GT(area, 0);
  const json::value alerts = get("/geo/alerts", li).json();
  ASSERT_EQ(alerts.at("features").as_array().size(), 2U);
  const json::value& middle = alerts.at("features").at(0).at("geometry").at("coordinates");
  EXPECT_NEAR(middle.at(0).to_number<double>(), 111.0667, 1e-3);
  EXPECT_NEAR(middle.at(1).to_number<double>(), 37.0333, 1e-3);
}

TEST_F(ApiPlacesTest, ReportsAreOfPeriodsThatThereAreAndRegionsThatOneSees) {
  const As all = sign_in("all", {{Role::Viewer, "*"}});
  const As of_c = sign_in("of_c", {{Role::Viewer, "C"}});
  EXPECT_EQ(get("/reports/day/2026-11-27", all).body, "{\"period\":\"2026-11-27\"}");
  EXPECT_EQ(get("/reports/day/2026-11-27", of_c).status, 403);
  const Heard csv = get("/reports/month/2026-11?region=C&format=csv", of_c);
  EXPECT_EQ(csv.body, "region\nC\n");
  EXPECT_EQ(csv.type, "text/csv; charset=utf-8");
  EXPECT_EQ(get("/reports/month/2026-11?region=D", of_c).status, 404);
  for (const char* bad : {"2026-02-30", "2026-13-01", "2026-1-1", "1815-06-18", "2026-11", "yesterday"}) {
    EXPECT_EQ(get(std::string("/reports/day/") + bad, all).status, 404) << bad;
  }
  EXPECT_EQ(get("/reports/month/2026-11-27", all).status, 404);
  EXPECT_EQ(get("/reports/day/2026-11-27?format=pdf", all).wrong(), "format");
}

}  // namespace
}  // namespace qc::console
