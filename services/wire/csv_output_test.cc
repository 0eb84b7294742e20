#include "wire/csv_output.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "qingchuan/v1/event.pb.h"
#include "qingchuan/v1/output.pb.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

constexpr std::int64_t kStart = 1'449'532'800'000;  // 2015-12-08T08:00+08:00

v1::Mean mean() {
  v1::Mean m;
  m.set_site("Dongsi");
  m.set_factor(v1::PM2_5);
  m.set_window(v1::H1);
  m.set_start_ms(kStart);
  m.set_end_ms(kStart + 3'600'000);
  m.set_value(12'333'333);
  m.set_valid(true);
  m.set_sum(37'000'000);
  m.set_count(3);
  m.set_expected(4);
  m.set_min(10'500'000);
  m.set_max(15'000'000);
  m.set_status(v1::CLOSED);
  m.set_source(v1::MINUTE);
  m.set_region("C");
  m.set_clause("GB 3095-2012 table 4");
  m.mutable_origin()->set_rules("0123456789abcdef");
  m.mutable_origin()->set_partition(2);
  m.mutable_origin()->set_offset(77);
  return m;
}

std::string line(const v1::Mean& m) {
  std::string out;
  append_csv(m, out);
  return out;
}

TEST(MeanCsv, HasTheColumnsOfTheContractInTheirOrder) {
  EXPECT_TRUE(
      mean_csv_header().starts_with("site,factor,window,start,end,value,unit,count,coverage,status,revision,primary,"));
  EXPECT_EQ(line(mean()),
            "Dongsi,PM2.5,1h,2015-12-08T08:00:00+08:00,2015-12-08T09:00:00+08:00,12.333333,ug/m3,3,0.75,closed,0,,"
            "true,,minute,C,10.5,15,GB 3095-2012 table 4,0123456789abcdef,2,77,,,,,,,0,false,\n");
  const std::string text = line(mean());
  EXPECT_EQ(std::count(text.begin(), text.end(), ','),
            std::count(mean_csv_header().begin(), mean_csv_header().end(), ','));
}

TEST(MeanCsv, GivesCarbonMonoxideInMilligrams) {
  v1::Mean m = mean();
  m.set_factor(v1::CO);
  m.set_sum(800'000'000);
  m.set_count(1);
  m.set_expected(1);
  EXPECT_NE(line(m).find(",0.8,mg/m3,1,1,closed,"), std::string::npos) << line(m);
}

TEST(MeanCsv, GivesAnIndexAsAWholeNumberWithItsPrimaryPollutants) {
  v1::Mean m = mean();
  m.set_factor(v1::AQI);
  m.set_value(187'000'000);
  m.add_primary(v1::PM2_5);
  m.add_primary(v1::PM10);
  EXPECT_NE(line(m).find(",187,point,3,0.75,closed,0,PM2.5+PM10,"), std::string::npos) << line(m);
}

TEST(MeanCsv, HasNoValueWhereThereIsNoneToSpeakOf) {
  v1::Mean m = mean();
  m.set_valid(false);
  EXPECT_NE(line(m).find("+08:00,,ug/m3,3,0.75,closed,"), std::string::npos) << line(m);
  m.set_status(v1::AMENDED_AGAIN);
  EXPECT_NE(line(m).find("+08:00,,ug/m3,3,0.75,amended,"), std::string::npos) << line(m);
  m.set_status(v1::RUNNING);  // an open window shows what there is so far
  EXPECT_NE(line(m).find("+08:00,12.333333,ug/m3,3,0.75,running,"), std::string::npos) << line(m);
  m.set_count(0);
  m.set_sum(0);
  EXPECT_NE(line(m).find("+08:00,,ug/m3,0,0,running,0,,false,,minute,C,,,"), std::string::npos) << line(m);
}

// The end of the line, from the limit on.
std::string judged(const v1::Mean& m) {
  const std::string text = line(m);
  const std::string before = ",0123456789abcdef,2,77,";
  const std::size_t at = text.find(before);
  return at == std::string::npos ? text : text.substr(at + before.size());
}

TEST(MeanCsv, EndsWithTheLimitThePercentileAndTheMarks) {
  EXPECT_TRUE(mean_csv_header().ends_with(
      ",rules,partition,offset,limit,exceeds,multiple,percentile,percentile_value,marks,suspect,audited,remaining"));
  v1::Mean m = mean();
  m.set_window(v1::YEAR);
  m.set_limit(35'000'000);
  EXPECT_EQ(judged(m), "35,false,,,,,0,false,\n");
  m.set_exceeds(true);
  EXPECT_EQ(judged(m), "35,true,0,,,,0,false,\n");  // by less than half a hundredth
  m.set_multiple(127);
  m.set_percentile(95);
  m.set_percentile_value(81'250'000);
  m.add_marks(v1::CLIPPED);
  m.add_marks(v1::INVERTED);
  m.set_suspect(3);
  EXPECT_EQ(judged(m), "35,true,1.27,95,81.25,clipped+inverted,3,false,\n");
  m.set_audited(true);
  m.set_valid(false);
  m.set_exceeds(false);
  EXPECT_EQ(judged(m), "35,false,,95,,clipped+inverted,3,true,\n");  // too little data for a percentile, too
  m.set_limit(0);
  EXPECT_TRUE(judged(m).starts_with("0,false,"));
  m.set_remaining(48'500'000);
  EXPECT_TRUE(judged(m).ends_with(",true,48.5\n"));
  m.set_remaining(-1);
  EXPECT_TRUE(judged(m).ends_with(",true,lost\n"));
}

TEST(MeanCsv, GivesLimitsInTheUnitOfTheValue) {
  v1::Mean m = mean();
  m.set_factor(v1::CO);
  m.set_limit(4'000'000'000);
  EXPECT_EQ(judged(m), "4,false,,,,,0,false,\n");
}

// Its count is that of the day's 8 h means, its sum that of the best one's hours.
TEST(MeanCsv, AnMda8IsItsValueNotAMeanOfItsCount) {
  v1::Mean m = mean();
  m.set_factor(v1::O3);
  m.set_window(v1::MDA8);
  m.set_value(160'125'000);
  m.set_sum(1'281'000'000);
  m.set_count(17);
  m.set_expected(17);
  EXPECT_NE(line(m).find(",160.125,ug/m3,17,1,closed,"), std::string::npos) << line(m);
}

TEST(MeanCsv, QuotesWhatWouldBreakALine) {
  v1::Mean m = mean();
  m.set_site("a,\"b\"\nc");
  EXPECT_TRUE(line(m).starts_with("\"a,\"\"b\"\"\nc\",PM2.5,")) << line(m);
}

TEST(SignalCsv, HasTheColumnsOfTheContractInTheirOrder) {
  v1::Signal s;
  s.set_id("reading_over_limit|Dongsi|CO|1449532800000");
  s.set_revision(2);
  s.set_rule("reading_over_limit");
  s.set_subject("Dongsi");
  s.set_factor(v1::CO);
  s.set_window(v1::READING);
  s.set_level(1);
  s.set_state(v1::ACTIVE);
  s.set_at_ms(kStart + 1500);
  s.set_began_ms(kStart);
  s.set_value(10'100'000'000);
  s.set_limit(10'000'000'000);
  s.set_clause("GB 3095-2012 table 1");
  s.set_region("C");
  s.mutable_origin()->set_rules("0123456789abcdef");
  s.mutable_origin()->set_offset(5);
  std::string out;
  append_csv(s, out);
  EXPECT_TRUE(signal_csv_header().starts_with(
      "id,revision,rule,subject,factor,window,level,state,at,value,limit,clause,reason,"));
  EXPECT_EQ(out,
            "reading_over_limit|Dongsi|CO|1449532800000,2,reading_over_limit,Dongsi,CO,reading,1,active,"
            "2015-12-08T08:00:01.500+08:00,10.1,10,GB 3095-2012 table "
            "1,,mg/m3,2015-12-08T08:00:00+08:00,C,,,0123456789abcdef,0,5,,,0,0\n");
  EXPECT_EQ(std::count(out.begin(), out.end(), ','),
            std::count(signal_csv_header().begin(), signal_csv_header().end(), ','));
}

TEST(SignalCsv, GivesValueAndLimitInTheUnitThatTheSignalNames) {
  v1::Signal s;
  s.set_factor(v1::CO);
  s.set_window(v1::H1);
  s.set_state(v1::ACTIVE);
  s.set_value(212'500'000);
  s.set_limit(200'000'000);
  const auto text = [&] {
    std::string out;
    append_csv(s, out);
    return out;
  };
  EXPECT_NE(text().find(",0.2125,0.2,,,mg/m3,"), std::string::npos) << text();  // of an earlier version: the factor's
  s.set_unit(v1::PERCENT);
  EXPECT_NE(text().find(",212.5,200,,,%,"), std::string::npos) << text();
  s.set_unit(v1::HOURS);
  EXPECT_NE(text().find(",212.5,200,,,h,"), std::string::npos) << text();
  s.set_unit(v1::COUNT);
  EXPECT_NE(text().find(",212.5,200,,,1,"), std::string::npos) << text();
  s.set_unit(v1::UG_M3);
  EXPECT_NE(text().find(",212.5,200,,,ug/m3,"), std::string::npos) << text();
  s.set_unit(v1::MG_M3);
  EXPECT_NE(text().find(",0.2125,0.2,,,mg/m3,"), std::string::npos) << text();
  s.set_unit(static_cast<v1::Unit>(99));
  EXPECT_NE(text().find(",212.5,200,,,99,"), std::string::npos) << text();
}

TEST(SignalCsv, EndsWithItsMarksWhatItWasComparedWithItsCoverageAndFirstInput) {
  EXPECT_TRUE(signal_csv_header().ends_with(",rules,partition,offset,marks,evidence,coverage,first_offset"));
  v1::Signal s;
  s.set_factor(v1::CO);
  s.set_unit(v1::PERCENT);
  s.add_marks(v1::RANGE);
  s.add_marks(v1::SPIKE);
  auto& first = *s.add_evidence();
  first.set_subject("S2");
  first.set_value(1'500'000'000);  // of the factor: CO in mg/m3
  auto& second = *s.add_evidence();
  second.set_subject("a,b");
  second.set_value(800'000'000);
  s.set_count(18);
  s.set_expected(24);
  s.mutable_origin()->set_first_offset(363);
  std::string out;
  append_csv(s, out);
  EXPECT_TRUE(out.ends_with(",range+spike,\"S2=1.5;a,b=0.8\",0.75,363\n")) << out;
  s.mutable_origin()->set_first_offset(-1);
  out.clear();
  append_csv(s, out);
  EXPECT_TRUE(out.ends_with(",0.75,\n")) << "it has no input: " << out;
}

// Numbers of a later version must not stop `tail`.
TEST(SignalCsv, AValueOfALaterVersionIsItsNumber) {
  v1::Signal s;
  s.set_factor(static_cast<v1::Factor>(99));
  s.set_state(static_cast<v1::SignalState>(42));
  std::string out;
  append_csv(s, out);
  EXPECT_NE(out.find(",99,"), std::string::npos) << out;
  EXPECT_NE(out.find(",42,"), std::string::npos) << out;
}

TEST(EventCsv, AForecastIsALineAnHour) {
  v1::Event e;
  e.set_id("f1");
  e.set_region("lishi");
  e.set_root("lvliang");
  e.set_source("centre, of the province");
  e.set_at_ms(kStart);
  e.set_received_ms(kStart + 60'000);
  const std::string head = "f1,\"centre, of the province\",2015-12-08T08:00:00+08:00,2015-12-08T08:01:00+08:00,";
  std::string out;
  e.mutable_forecast();
  append_csv(e, out);
  EXPECT_EQ(out, "lishi,forecast," + head + ",,,,,,lvliang\n") << "withdrawn";
  for (int i = 1; i <= 2; ++i) {
    v1::ForecastHour& hour = *e.mutable_forecast()->add_hours();
    hour.set_end_ms(kStart + i * 3'600'000);
    hour.set_index(200 + i);
    hour.set_ozone(i == 2);
  }
  out.clear();
  append_csv(e, out);
  EXPECT_EQ(out, "lishi,forecast," + head + "2015-12-08T09:00:00+08:00,201,false,false,,,lvliang\n" +
                     "lishi,forecast," + head + "2015-12-08T10:00:00+08:00,202,true,false,,,lvliang\n");
  e.mutable_order()->set_level(2);
  e.mutable_order()->set_start_ms(kStart);
  out.clear();
  append_csv(e, out);
  EXPECT_EQ(out, "lishi,order," + head + "2015-12-08T08:00:00+08:00,,,,2,,lvliang\n");
  e.mutable_order()->set_end_ms(kStart + 3'600'000);
  out.clear();
  append_csv(e, out);
  EXPECT_EQ(out, "lishi,order," + head + "2015-12-08T08:00:00+08:00,,,,2,2015-12-08T09:00:00+08:00,lvliang\n");
  const std::string_view header = event_csv_header();
  EXPECT_EQ(std::count(header.begin(), header.end(), ','), 12);
  e.clear_what();
  out.clear();
  append_csv(e, out);
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace qc::wire
