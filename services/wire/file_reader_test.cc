#include "wire/file_reader.h"

#include <gtest/gtest.h>
#include <zstd.h>

namespace qc::wire {
namespace {

using core::Factor;

struct ReadAll {
  std::vector<Packet> packets;
  Counts counts;
  std::vector<std::string> messages;
  std::optional<Error> error;
  std::int64_t of(Fate f) const { return counts.of(f); }
};

ReadAll read_all(const std::string& text, FileOptions options) {
  ReadAll all;
  auto file = open_text("f.csv", text, options);
  if (!file) {
    all.error = file.error();
    return all;
  }
  while (true) {
    auto packet = (*file)->next();
    if (!packet) {
      all.error = packet.error();
      break;
    }
    if (!*packet) break;
    all.packets.push_back(std::move(**packet));
  }
  all.counts = (*file)->counts();
  all.messages = (*file)->messages();
  if (!all.error) {
    EXPECT_TRUE(all.counts.balanced());
    std::int64_t rows = 0;
    for (const auto& p : all.packets) rows += static_cast<std::int64_t>(p.rows.size());
    EXPECT_EQ(rows, all.counts.readings());
  }
  return all;
}

FileOptions of(Format format) {
  FileOptions options;
  options.format = format;
  return options;
}

std::string iso(core::EventTime t) {
  return core::to_iso(t);
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

const std::string kPrsaHeader =
    R"("No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3","TEMP","PRES","DEWP","RAIN","wd","WSPM","station")"
    "\n";

TEST(PrsaFile, GivesTheHourThatItsLabelEnds) {
  const auto all = read_all(
      kPrsaHeader + "1,2013,3,1,0,9,NA,3,17,300,89.5,-0.5,1024.5,-21.4,0,\"NNW\",5.7,\"Dongsi\"\n", of(Format::Prsa));
  ASSERT_FALSE(all.error);
  ASSERT_EQ(all.packets.size(), 1u);
  const Packet& p = all.packets[0];
  EXPECT_EQ(p.site, "Dongsi");
  EXPECT_EQ(p.source, core::Source::Hour);
  EXPECT_EQ(iso(p.interval.start), "2013-02-28T23:00:00+08:00");
  EXPECT_EQ(iso(p.interval.end), "2013-03-01T00:00:00+08:00");
  ASSERT_EQ(p.rows.size(), 5u);
  EXPECT_EQ(p.rows[3].factor, Factor::CO);
  EXPECT_EQ(p.rows[3].unit, core::Unit::UgM3);
  EXPECT_EQ(p.rows[3].value.mantissa, 300);
  EXPECT_EQ(p.rows[4].value.mantissa, 895);
  EXPECT_EQ(p.rows[4].value.decimals, 1);
  EXPECT_EQ(all.of(Fate::Missing), 1);
  EXPECT_EQ(all.counts.lines, 2);
  EXPECT_EQ(all.counts.fields, 36);
}

TEST(PrsaFile, ABadRowOrCellIsNamedAndLosesNothingElse) {
  const auto all = read_all(kPrsaHeader +
                                "1,2013,3,1,1,9,9,3,17,300,89,0,0,0,0,N,5,Dongsi\n"
                                "2,2013,3,1,2,9,9,3\n"                                    // torn
                                "3,2013,2,30,3,9,NA,3,17,300,89,0,0,0,0,N,5,Dongsi\n"     // no such day
                                "4,2013,3,1,24,9,9,3,17,300,89,0,0,0,0,N,5,Dongsi\n"      // no such hour
                                "5,2013,3,1,5,NaN,x,1e3,inf,300,-3,0,0,0,0,N,5,Dongsi\n"  // four are no numbers
                                "6,2013,3,1,6,9,9,3,17,300,89,0,0,0,0,N,5,\n"             // no station
                                "7,2013,3,1,7,9,9,3,17,300,89,0,0,0,0,\"N,5,Dongsi\n"     // a torn quotation
                                "8,2013,3,1,8,9,9,3,17,300,89,0,0,0,0,N,5,Dongsi\n",
                            of(Format::Prsa));
  ASSERT_FALSE(all.error);
  ASSERT_EQ(all.packets.size(), 3u);
  EXPECT_EQ(iso(all.packets[2].interval.end), "2013-03-01T08:00:00+08:00");
  EXPECT_EQ(all.of(Fate::TornRow), 8 + 18);
  EXPECT_EQ(all.of(Fate::BadTime), 5 + 6);
  EXPECT_EQ(all.of(Fate::NotANumber), 4);
  EXPECT_EQ(all.of(Fate::BadSite), 6);
  EXPECT_EQ(all.of(Fate::Missing), 1);
  EXPECT_EQ(all.counts.readings(), 6 + 2 + 6);
  // Negative values are passed on: the stage judges and counts them.
  EXPECT_EQ(all.packets[1].rows[1].value.mantissa, -3);
  ASSERT_EQ(all.messages.size(), 9u);
  EXPECT_EQ(all.messages[0], "f.csv:3: 8 fields, 18 expected");
  EXPECT_EQ(all.messages[1], "f.csv:4: year, month, day, hour: not an hour");
  EXPECT_EQ(all.messages[3], "f.csv:6: PM2.5: \"NaN\" is not a number");
  EXPECT_EQ(all.messages[8], "f.csv:8: a quotation that doesn't end");
}

TEST(PrsaFile, AnotherFormatIsRefusedAtItsHeader) {
  for (const std::string& header : {std::string("date,hour,type,A\n"), std::string("\n\n"), std::string(),
                                    std::string("year,month,day,hour,station,PM2.5,PM2.5,PM10,SO2,NO2,CO,O3\n")}) {
    const auto all = read_all(header, of(Format::Prsa));
    ASSERT_TRUE(all.error) << header;
    EXPECT_EQ(all.error->code, Errc::file_malformed);
    EXPECT_TRUE(all.error->text.starts_with("f.csv:")) << all.error->text;
  }
}

TEST(BeijingFile, GroupsTheRowsOfAnHourIntoOnePacketAStation) {
  const auto all = read_all(
      "date,hour,type,东四,天坛,官园\r\n"
      "20140101,0,PM2.5,35,,NA\r\n"
      "20140101,0,PM2.5_24h,53,50,\r\n"
      "20140101,0,PM10,114,110,\r\n"
      "20140101,0,AQI,91,87,99\r\n"
      "20140101,1,CO,0.4,x,\r\n"
      "20140101,1,PM1,4,5,\r\n"
      "20141301,1,CO,0.4,0.5,\r\n"
      "\r\n",
      of(Format::Beijing));
  ASSERT_FALSE(all.error);
  ASSERT_EQ(all.packets.size(), 3u);
  EXPECT_EQ(all.packets[0].site, "东四");
  ASSERT_EQ(all.packets[0].rows.size(), 2u);
  EXPECT_EQ(all.packets[0].rows[1].factor, Factor::PM10);
  EXPECT_EQ(iso(all.packets[0].interval.start), "2013-12-31T23:00:00+08:00");
  EXPECT_EQ(all.packets[1].site, "天坛");
  ASSERT_EQ(all.packets[1].rows.size(), 1u);
  EXPECT_EQ(all.packets[2].rows[0].unit, core::Unit::MgM3);
  EXPECT_EQ(iso(all.packets[2].interval.end), "2014-01-01T01:00:00+08:00");
  EXPECT_EQ(all.of(Fate::Published), 5);
  EXPECT_EQ(all.of(Fate::UnknownFactor), 2);
  EXPECT_EQ(all.of(Fate::BadTime), 2);
  EXPECT_EQ(all.of(Fate::NotANumber), 1);
  EXPECT_EQ(all.of(Fate::Missing), 2 + 1 + 1 + 1 + 1 + 1);
}

const std::string kCnemcHeader =
    "source,timepoint,stationcode,area,position,lon,lat,aqi,quality,primary,pm2_5,pm10,so2,no2,co,o3,pm2_5_24h,o3_8h\n";

TEST(CnemcFile, KeepsThePublishedResultApart) {
  const auto all = read_all(
      kCnemcHeader +
          "x,2018-01-01T00:00:00,1001A,北京市,\"万寿西宫, \"\"A\"\"\",116,39,55,良,PM2.5+PM10,34,,1,13,0.8,164,32,\n",
      of(Format::Cnemc));
  ASSERT_FALSE(all.error);
  ASSERT_EQ(all.packets.size(), 1u);
  const Packet& p = all.packets[0];
  EXPECT_EQ(p.site, "1001A");
  EXPECT_EQ(p.name, "万寿西宫, \"A\"");
  EXPECT_EQ(iso(p.interval.start), "2017-12-31T23:00:00+08:00");
  EXPECT_EQ(p.published_aqi, "55");
  EXPECT_EQ(p.published_primary, "PM2.5+PM10");
  ASSERT_EQ(p.rows.size(), 5u);
  EXPECT_EQ(p.rows[3].unit, core::Unit::MgM3);
  EXPECT_EQ(all.of(Fate::Published), 4);
  EXPECT_EQ(all.of(Fate::Missing), 2);
}

TEST(CnemcFile, ATimeOffTheHourIsBad) {
  const auto all =
      read_all(kCnemcHeader + "x,2018-01-01T00:30:00,1001A,b,p,1,2,55,良,,34,,1,13,0.8,164,32,\n", of(Format::Cnemc));
  EXPECT_EQ(all.of(Fate::BadTime), 5);
  EXPECT_TRUE(all.packets.empty());
}

TEST(PlainFile, GroupsConsecutiveRowsOfOneTimeAndSite) {
  const auto all = read_all(
      "\xef\xbb\xbfvalue,unit,site,time,factor,flag\n"
      "35.50,ug/m3,S1,2016-01-02T03:04:00+08:00,PM2.5,N\n"
      "0.8,mg/m3,S1,2016-01-01T19:04:00Z,CO,\n"
      ",ug/m3,S1,2016-01-02 03:04,O3,D\n"
      "-1,ug/m3,S2,2016-01-02 03:04,O3,\n"
      "5,ug/m3,S1,2016-01-02 03:04,SO2,-\n"
      "5,ug/m3,S1,2016-01-02 03:04,SO2,N\n",
      of(Format::Csv));
  ASSERT_FALSE(all.error);
  ASSERT_EQ(all.packets.size(), 3u);
  EXPECT_EQ(all.packets[0].site, "S1");
  EXPECT_EQ(all.packets[0].source, core::Source::Minute);
  ASSERT_EQ(all.packets[0].rows.size(), 3u);
  EXPECT_EQ(all.packets[0].rows[2].flag, core::parse_flag('D'));
  EXPECT_EQ(all.packets[0].rows[2].value.mantissa, 0);
  EXPECT_EQ(iso(all.packets[0].interval.start), "2016-01-02T03:04:00+08:00");
  EXPECT_EQ(iso(all.packets[0].interval.end), "2016-01-02T03:05:00+08:00");
  EXPECT_EQ(all.packets[1].site, "S2");
  EXPECT_EQ(all.packets[2].rows.size(), 1u);
  EXPECT_EQ(all.of(Fate::Missing), 1);
}

TEST(PlainFile, NamesEveryKindOfBadCell) {
  const auto all = read_all(
      "time,site,factor,value,unit,flag\n"
      "2016-01-02T03:04:30,S1,O3,5,ug/m3,\n"
      "yesterday,S1,O3,5,ug/m3,\n"
      "1066-01-02T03:04:00,S1,O3,5,ug/m3,\n"
      "2016-01-02T03:04:00,,O3,5,ug/m3,\n"
      "2016-01-02T03:04:00,S1,PM1.0,5,ug/m3,\n"
      "2016-01-02T03:04:00,S1,O3,5,,\n"
      "2016-01-02T03:04:00,S1,O3,5,ppb,\n"
      "2016-01-02T03:04:00,S1,O3,5,point,\n"
      "2016-01-02T03:04:00,S1,O3,five,ug/m3,\n"
      "2016-01-02T03:04:00,S1,O3,5,ug/m3,Z\n"
      "2016-01-02T03:04:00,S1,O3,5,ug/m3,NN\n"
      "2016-01-02T03:04:00,S1,AQI,5,point,\n"
      "2016-01-02T03:04:00,S1,O3,,ug/m3,\n",
      of(Format::Csv));
  ASSERT_FALSE(all.error);
  EXPECT_TRUE(all.packets.empty());
  EXPECT_EQ(all.of(Fate::BadTime), 3);
  EXPECT_EQ(all.of(Fate::BadSite), 1);
  EXPECT_EQ(all.of(Fate::UnknownFactor), 1);
  EXPECT_EQ(all.of(Fate::WrongUnit), 3);
  EXPECT_EQ(all.of(Fate::NotANumber), 1);
  EXPECT_EQ(all.of(Fate::BadFlag), 2);
  EXPECT_EQ(all.of(Fate::Published), 1);
  EXPECT_EQ(all.of(Fate::Missing), 1);
  EXPECT_EQ(all.counts.bad(), 11);
  EXPECT_EQ(all.messages.size(), 11u);
  EXPECT_EQ(all.messages[0], "f.csv:2: time \"2016-01-02T03:04:30\" is not on the interval's grid");
}

TEST(PlainFile, TheIntervalDecidesTheSourceAndTheLabelTheInterval) {
  FileOptions options = of(Format::Csv);
  options.interval = std::chrono::hours(1);
  options.label = Label::End;
  const std::string header = "time,site,factor,value,unit\n";
  auto all = read_all(header + "2016-01-02T03:00:00,S1,O3,5,ug/m3\n", options);
  ASSERT_EQ(all.packets.size(), 1u);
  EXPECT_EQ(all.packets[0].source, core::Source::Hour);
  EXPECT_EQ(iso(all.packets[0].interval.start), "2016-01-02T02:00:00+08:00");
  options.interval = std::chrono::seconds(5);
  options.label = Label::Start;
  all = read_all(header + "2016-01-02T03:00:01.250,S1,O3,5,ug/m3\n", options);
  ASSERT_EQ(all.packets.size(), 1u);
  EXPECT_EQ(all.packets[0].source, core::Source::Realtime);
  options.interval = std::chrono::seconds(7);
  all = read_all(header, options);
  ASSERT_TRUE(all.error);
  EXPECT_EQ(all.error->code, Errc::usage);
}

TEST(PlainFile, AMisspeltColumnIsRefused) {
  for (const char* header :
       {"time,site,factor,value,unit,flagg\n", "time,site,factor,value\n", "time,time,site,factor,value,unit\n"}) {
    const auto all = read_all(header, of(Format::Csv));
    ASSERT_TRUE(all.error) << header;
    EXPECT_EQ(all.error->code, Errc::file_malformed);
  }
}

TEST(PlainFile, ALongRunOfRowsBecomesSeveralPackets) {
  FileOptions options = of(Format::Csv);
  options.packet_readings_max = 2;
  std::string text = "time,site,factor,value,unit\n";
  for (int i = 0; i < 5; ++i) text += "2016-01-02T03:00:00,S1,O3,5,ug/m3\n";
  const auto all = read_all(text, options);
  ASSERT_EQ(all.packets.size(), 3u);
  EXPECT_EQ(all.packets[2].rows.size(), 1u);
}

TEST(PlainFile, ALineAboveTheLimitIsSkippedAlone) {
  FileOptions options = of(Format::Csv);
  options.line_bytes_max = 100;
  const std::string good = "2016-01-02T03:00:00,S1,O3,5,ug/m3\n";
  // Longer than the limit by one byte, and longer than any buffer.
  for (const std::size_t length : {std::size_t{101}, std::size_t{1'000'000}}) {
    const auto all = read_all("time,site,factor,value,unit\n" + good + std::string(length, ',') + "\n" + good, options);
    ASSERT_FALSE(all.error);
    EXPECT_EQ(all.counts.readings(), 2) << length;
    EXPECT_EQ(all.of(Fate::LongLine), 1) << length;
    ASSERT_EQ(all.messages.size(), 1u);
    EXPECT_EQ(all.messages[0], "f.csv:3: a line longer than line_bytes_max, 100 bytes");
  }
  // One at the limit is torn, not long; the last line needs no line end.
  const auto all = read_all("time,site,factor,value,unit\n" + good + std::string(100, ','), options);
  EXPECT_EQ(all.of(Fate::LongLine), 0);
  EXPECT_EQ(all.of(Fate::TornRow), 101);
}

TEST(PlainFile, KeepsTheFirstMessagesAndCountsAll) {
  FileOptions options = of(Format::Csv);
  options.messages_max = 3;
  std::string text = "time,site,factor,value,unit\n";
  for (int i = 0; i < 10; ++i) text += "never,S1,O3,5,ug/m3\n";
  const auto all = read_all(text, options);
  EXPECT_EQ(all.messages.size(), 3u);
  EXPECT_EQ(all.of(Fate::BadTime), 10);
}

TEST(CompressedFile, IsKnownByItsFirstBytesAndMayHaveSeveralFrames) {
  const std::string text = "time,site,factor,value,unit\n2016-01-02T03:00:00,S1,O3,5,ug/m3\n";
  EXPECT_EQ(read_all(zstd(text), of(Format::Csv)).counts.readings(), 1);
  std::string more;
  for (int i = 0; i < 20'000; ++i)
    more += "2016-01-02T03:00:00,S" + std::to_string(i % 7) + ",O3," + std::to_string(i) + ",ug/m3\n";
  EXPECT_EQ(read_all(zstd(text) + zstd(more), of(Format::Csv)).counts.readings(), 20'001);
}

TEST(CompressedFile, CutOrDamagedIsAnErrorAfterWhatWasWhole) {
  std::string text = "time,site,factor,value,unit\n";
  for (int i = 0; i < 20'000; ++i) text += "2016-01-02T03:00:00,S" + std::to_string(i) + ",O3,5,ug/m3\n";
  const std::string whole = zstd(text);
  const auto cut = read_all(whole.substr(0, whole.size() - 20), of(Format::Csv));
  ASSERT_TRUE(cut.error);
  EXPECT_EQ(cut.error->code, Errc::file_unreadable);
  EXPECT_NE(cut.error->text.find("end in the middle"), std::string::npos) << cut.error->text;
  const auto damaged = read_all(whole.substr(0, 4) + std::string(100, '\x7e'), of(Format::Csv));
  ASSERT_TRUE(damaged.error);
  EXPECT_EQ(damaged.error->code, Errc::file_unreadable);
}

TEST(OpenFile, SaysWhatCannotBeOpened) {
  for (const char* path : {"no/such/file.csv", "services"}) {
    const auto file = open_file(path, of(Format::Csv));
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().code, Errc::file_unreadable);
    EXPECT_NE(file.error().text.find(path), std::string::npos);
  }
}

TEST(Formats, AreReadByName) {
  for (const Format f : {Format::Prsa, Format::Beijing, Format::Cnemc, Format::Csv})
    EXPECT_EQ(parse_format(name(f)), f);
  EXPECT_EQ(parse_format("xls"), std::nullopt);
}

}  // namespace
}  // namespace qc::wire
