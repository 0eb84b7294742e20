#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "qingchuan/v1/input.pb.h"
#include "wire/codec.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Flag;
using core::Reason;

constexpr std::int64_t kStart = 1'449'532'800'000;  // 2015-12-08T08:00+08:00

v1::Input good() {
  v1::Input input;
  auto& batch = *input.mutable_batch();
  batch.set_site("S1");
  batch.set_received_ms(kStart + 61'000);
  batch.set_stamp_ms(kStart + 60'000);
  batch.set_source(v1::MINUTE);
  batch.set_start_ms(kStart);
  batch.set_step_s(60);
  auto& pm = *batch.add_columns();
  pm.set_factor(v1::PM2_5);
  pm.set_unit(v1::UG_M3);
  pm.set_decimals(1);
  for (const int v : {355, 360, 0}) pm.add_values(v);
  auto& co = *batch.add_columns();
  co.set_factor(v1::CO);
  co.set_unit(v1::MG_M3);
  co.set_decimals(2);
  for (const int v : {80, 90}) co.add_values(v);
  co.set_flags("ND");
  return input;
}

const core::ReadingBatch& batch_of(const Decoded& decoded) {
  const auto* batch = std::get_if<const core::ReadingBatch*>(&decoded);
  if (batch == nullptr) {
    const auto* rejected = std::get_if<core::Rejected>(&decoded);
    ADD_FAILURE() << "no batch: " << (rejected != nullptr ? rejected->detail : "another kind");
    static const core::ReadingBatch kEmpty;
    return kEmpty;
  }
  return **batch;
}

TEST(InputDecoder, GivesTheValuesOfAPacketInPicogramsWithTheirFlags) {
  InputDecoder decoder;
  const std::string bytes = good().SerializeAsString();
  const Decoded decoded = decoder.decode(bytes);
  const auto& batch = batch_of(decoded);
  EXPECT_EQ(batch.site, "S1");
  EXPECT_EQ(batch.source, core::Source::Minute);
  EXPECT_EQ(core::ms(batch.start), kStart);
  EXPECT_EQ(core::ms(batch.received), kStart + 61'000);
  EXPECT_EQ(batch.stamp_ms, kStart + 60'000);
  EXPECT_EQ(batch.step, std::chrono::minutes(1));
  ASSERT_EQ(batch.columns.size(), 2u);
  EXPECT_EQ(batch.columns[0].factor, core::Factor::PM25);
  EXPECT_EQ(batch.columns[0].count, 3u);
  EXPECT_EQ(batch.columns[1].first, 3u);
  EXPECT_EQ(batch.columns[1].count, 2u);  // shorter: its tail is missing
  EXPECT_EQ(batch.values[0].pg, 35'500'000);
  EXPECT_EQ(batch.values[2].pg, 0);
  EXPECT_EQ(batch.values[3].pg, 800'000'000);
  EXPECT_EQ(batch.flags[3], Flag::Normal);
  EXPECT_EQ(batch.flags[4], core::parse_flag('D'));
  EXPECT_TRUE(batch.rejected.empty());
}

TEST(InputDecoder, ForgetsThePacketBefore) {
  InputDecoder decoder;
  v1::Input bad = good();
  bad.mutable_batch()->mutable_columns(0)->set_values(0, -1);
  EXPECT_EQ(batch_of(decoder.decode(bad.SerializeAsString())).rejected.size(), 1u);
  const auto& batch = batch_of(decoder.decode(good().SerializeAsString()));
  EXPECT_TRUE(batch.rejected.empty());
  EXPECT_EQ(batch.columns.size(), 2u);
  EXPECT_EQ(batch.values.size(), 5u);
  EXPECT_EQ(batch.flags.size(), 5u);
}

struct WholeCase {
  const char* name;
  Reason reason;
  std::int32_t readings;
  std::function<void(v1::ReadingBatch&)> spoil;
};

// A packet that cannot be used as a whole, by what is wrong with it.
TEST(InputDecoder, RefusesAWholePacketWithItsReasonAndItsReadings) {
  const std::vector<WholeCase> cases = {
      {"no site", Reason::BadShape, 5, [](auto& b) { b.clear_site(); }},
      {"site too long", Reason::BadShape, 5, [](auto& b) { b.set_site(std::string(65, 'x')); }},
      {"control character in the site", Reason::BadShape, 5, [](auto& b) { b.set_site("a\nb"); }},
      {"source unspecified", Reason::BadShape, 5, [](auto& b) { b.clear_source(); }},
      {"source amended", Reason::BadShape, 5, [](auto& b) { b.set_source(v1::AMENDED); }},
      {"source of a later version", Reason::BadShape, 5, [](auto& b) { b.set_source(static_cast<v1::Source>(77)); }},
      {"no step", Reason::BadShape, 5, [](auto& b) { b.clear_step_s(); }},
      {"a step that is no grid", Reason::BadShape, 5, [](auto& b) { b.set_step_s(61); }},
      {"a negative step", Reason::BadShape, 5, [](auto& b) { b.set_step_s(-60); }},
      {"hour data by the minute", Reason::BadShape, 5, [](auto& b) { b.set_source(v1::HOUR); }},
      {"minute data by the hour", Reason::BadShape, 5, [](auto& b) { b.set_step_s(3600); }},
      {"off the minute", Reason::BadShape, 5, [](auto& b) { b.set_start_ms(kStart + 1); }},
      {"before 1990", Reason::BadShape, 5, [](auto& b) { b.set_start_ms(0); }},
      {"after 2200", Reason::BadShape, 5, [](auto& b) { b.set_start_ms(7'258'118'400'000); }},
      {"least time", Reason::BadShape, 5, [](auto& b) { b.set_start_ms(std::numeric_limits<std::int64_t>::min()); }},
      {"received at no time", Reason::BadShape, 5, [](auto& b) { b.clear_received_ms(); }},
      {"stamp of the year 1970", Reason::BadShape, 5, [](auto& b) { b.set_stamp_ms(1); }},
      {"missing rows are no readings", Reason::BadShape, 4,
       [](auto& b) {
         b.clear_site();
         b.mutable_columns(1)->set_flags("N-");
       }},
  };
  InputDecoder decoder;
  for (const auto& c : cases) {
    v1::Input input = good();
    c.spoil(*input.mutable_batch());
    const Decoded decoded = decoder.decode(input.SerializeAsString());
    const auto* rejected = std::get_if<core::Rejected>(&decoded);
    ASSERT_NE(rejected, nullptr) << c.name;
    EXPECT_EQ(rejected->reason, c.reason) << c.name;
    EXPECT_EQ(rejected->readings, c.readings) << c.name;
    EXPECT_FALSE(rejected->detail.empty()) << c.name;
  }
}

struct PartCase {
  const char* name;
  Reason reason;
  std::int32_t readings;
  const char* detail;  // a part of it
  std::function<void(v1::Column&)> spoil;
};

// The first column (PM2.5: 3 readings) is spoilt, the second must come through unharmed.
TEST(InputDecoder, RefusesABadColumnOrRowAndKeepsTheRestOfThePacket) {
  const std::vector<PartCase> cases = {
      {"flags don't fit", Reason::BadShape, 3, "3 values, 2 flags", [](auto& c) { c.set_flags("NN"); }},
      {"unknown flag", Reason::BadShape, 1, "row 1: unknown flag 90", [](auto& c) { c.set_flags("NZN"); }},
      {"decimals too many", Reason::BadShape, 3, "10 decimals", [](auto& c) { c.set_decimals(10); }},
      {"decimals negative", Reason::BadShape, 3, "-1 decimals", [](auto& c) { c.set_decimals(-1); }},
      {"factor unspecified", Reason::UnknownFactor, 3, "code \"a99054\"",
       [](auto& c) {
         c.clear_factor();
         c.set_code("a99054");
       }},
      {"factor of a later version", Reason::UnknownFactor, 3, "factor 99",
       [](auto& c) { c.set_factor(static_cast<v1::Factor>(99)); }},
      {"factor below all", Reason::UnknownFactor, 3, "factor -1",
       [](auto& c) { c.set_factor(static_cast<v1::Factor>(-1)); }},
      {"an index", Reason::UnknownFactor, 3, "an index is no reading", [](auto& c) { c.set_factor(v1::AQI); }},
      {"an unknown factor's missing rows", Reason::UnknownFactor, 2, "factor 0",
       [](auto& c) {
         c.clear_factor();
         c.set_flags("N-D");
       }},
      {"no unit", Reason::WrongUnit, 3, "unit 0", [](auto& c) { c.clear_unit(); }},
      {"points", Reason::WrongUnit, 3, "point", [](auto& c) { c.set_unit(v1::POINT); }},
      {"unit of a later version", Reason::WrongUnit, 3, "unit 50",
       [](auto& c) { c.set_unit(static_cast<v1::Unit>(50)); }},
      {"negative", Reason::Negative, 2, "column 0 (PM2.5), row 0: -1e-1 ug/m3",
       [](auto& c) {
         c.set_values(0, -1);
         c.set_values(2, -2);
       }},
      {"just above what air can hold", Reason::OutOfRange, 1, "row 1", [](auto& c) { c.set_values(1, 10'000'001); }},
      {"overflow", Reason::OutOfRange, 1, "row 1",
       [](auto& c) { c.set_values(1, std::numeric_limits<std::int64_t>::max()); }},
      {"overflow, finer than a picogram", Reason::OutOfRange, 1, "row 1",
       [](auto& c) {
         c.set_decimals(9);
         c.set_values(1, std::numeric_limits<std::int64_t>::max());
       }},
      {"least value", Reason::Negative, 1, "row 1",
       [](auto& c) { c.set_values(1, std::numeric_limits<std::int64_t>::min()); }},
  };
  InputDecoder decoder;
  for (const auto& c : cases) {
    v1::Input input = good();
    c.spoil(*input.mutable_batch()->mutable_columns(0));
    const Decoded decoded = decoder.decode(input.SerializeAsString());
    const auto& batch = batch_of(decoded);
    ASSERT_EQ(batch.rejected.size(), 1u) << c.name;
    EXPECT_EQ(batch.rejected[0].reason, c.reason) << c.name;
    EXPECT_EQ(batch.rejected[0].readings, c.readings) << c.name;
    EXPECT_NE(batch.rejected[0].detail.find(c.detail), std::string::npos) << c.name << ": " << batch.rejected[0].detail;
    ASSERT_FALSE(batch.columns.empty()) << c.name;
    const auto& co = batch.columns.back();
    EXPECT_EQ(co.factor, core::Factor::CO) << c.name;
    EXPECT_EQ(batch.values[co.first].pg, 800'000'000) << c.name;
    // Every reading that was sent is either there or refused.
    std::int32_t there = 0;
    for (const Flag f : batch.flags) there += f != Flag::Missing ? 1 : 0;
    std::int32_t sent = 0;
    for (const auto& column : input.batch().columns()) {
      for (int i = 0; i < column.values_size(); ++i) {
        const bool missing =
            static_cast<std::size_t>(i) < column.flags().size() && column.flags()[static_cast<std::size_t>(i)] == '-';
        sent += missing ? 0 : 1;
      }
    }
    EXPECT_EQ(there + batch.rejected[0].readings, sent) << c.name;
  }
}

TEST(InputDecoder, GroupsRefusalsByReason) {
  v1::Input input = good();
  input.mutable_batch()->mutable_columns(0)->set_values(0, -1);
  input.mutable_batch()->mutable_columns(0)->set_values(1, 99'000'000);
  input.mutable_batch()->mutable_columns(1)->set_values(0, -7);
  InputDecoder decoder;
  const Decoded decoded = decoder.decode(input.SerializeAsString());
  const auto& batch = batch_of(decoded);
  ASSERT_EQ(batch.rejected.size(), 2u);
  EXPECT_EQ(batch.rejected[0].reason, Reason::Negative);
  EXPECT_EQ(batch.rejected[0].readings, 2);
  EXPECT_EQ(batch.rejected[1].reason, Reason::OutOfRange);
  EXPECT_EQ(batch.rejected[1].readings, 1);
}

TEST(InputDecoder, KeepsTheGreatestPossibleValue) {
  v1::Input input = good();
  input.mutable_batch()->mutable_columns(0)->set_values(0, 10'000'000);  // 1 g/m3
  InputDecoder decoder;
  const Decoded decoded = decoder.decode(input.SerializeAsString());
  EXPECT_EQ(batch_of(decoded).values[0].pg, core::kConcentrationMax);
  EXPECT_TRUE(batch_of(decoded).rejected.empty());
}

TEST(InputDecoder, TakesAFlagWithoutItsNonsenseValue) {
  v1::Input input = good();
  auto& column = *input.mutable_batch()->mutable_columns(0);
  column.set_values(0, -9999);
  column.set_values(1, std::numeric_limits<std::int64_t>::max());
  column.set_flags("DTN");
  InputDecoder decoder;
  const Decoded decoded = decoder.decode(input.SerializeAsString());
  const auto& batch = batch_of(decoded);
  EXPECT_TRUE(batch.rejected.empty());
  EXPECT_EQ(batch.values[0].pg, 0);
  EXPECT_EQ(batch.values[1].pg, 0);
  EXPECT_EQ(batch.flags[0], core::parse_flag('D'));
  EXPECT_EQ(batch.flags[1], core::parse_flag('T'));
}

TEST(InputDecoder, AMissingRowIsNoReadingWhateverItsValue) {
  v1::Input input = good();
  auto& column = *input.mutable_batch()->mutable_columns(0);
  column.set_values(1, -5);
  column.set_flags("N-N");
  InputDecoder decoder;
  const Decoded decoded = decoder.decode(input.SerializeAsString());
  EXPECT_TRUE(batch_of(decoded).rejected.empty());
  EXPECT_EQ(batch_of(decoded).flags[1], Flag::Missing);
}

TEST(InputDecoder, RealTimeMayStartAtAnyInstant) {
  v1::Input input = good();
  input.mutable_batch()->set_source(v1::REALTIME);
  input.mutable_batch()->set_step_s(5);
  input.mutable_batch()->set_start_ms(kStart + 1234);
  InputDecoder decoder;
  const Decoded decoded = decoder.decode(input.SerializeAsString());
  EXPECT_EQ(core::ms(batch_of(decoded).start), kStart + 1234);
}

TEST(InputDecoder, RefusesWhatIsOversizedByBytesOrReadings) {
  v1::Input input = good();
  const std::string bytes = input.SerializeAsString();
  InputDecoder by_readings({1 << 20, 4});
  const Decoded many = by_readings.decode(bytes);
  ASSERT_TRUE(std::holds_alternative<core::Rejected>(many));
  EXPECT_EQ(std::get<core::Rejected>(many).reason, Reason::Oversized);
  EXPECT_EQ(std::get<core::Rejected>(many).readings, 5);
  InputDecoder by_bytes({bytes.size() - 1, 100});
  const Decoded big = by_bytes.decode(bytes);
  ASSERT_TRUE(std::holds_alternative<core::Rejected>(big));
  EXPECT_EQ(std::get<core::Rejected>(big).reason, Reason::Oversized);
  InputDecoder just({bytes.size(), 5});
  EXPECT_TRUE(std::holds_alternative<const core::ReadingBatch*>(just.decode(bytes)));
}

TEST(InputDecoder, TellsATruncatedRecordFromGarbage) {
  const std::string bytes = good().SerializeAsString();
  InputDecoder decoder;
  for (std::size_t n = 1; n < bytes.size(); ++n) {
    const Decoded decoded = decoder.decode(std::string_view(bytes).substr(0, n));
    ASSERT_TRUE(std::holds_alternative<core::Rejected>(decoded)) << n;
    EXPECT_EQ(std::get<core::Rejected>(decoded).reason, Reason::Truncated) << n;
    EXPECT_EQ(std::get<core::Rejected>(decoded).readings, 1) << n;
  }
  std::string not_utf8 = bytes;
  not_utf8[not_utf8.find("S1")] = '\xff';
  for (const std::string& garbage :
       {std::string(), std::string("{\"site\":\"S1\"}"), std::string("##0136ST=32;CN=2011"), std::string(20, '\0'),
        std::string(20, '\xff'), not_utf8}) {
    const Decoded decoded = decoder.decode(garbage);
    ASSERT_TRUE(std::holds_alternative<core::Rejected>(decoded)) << garbage;
    EXPECT_EQ(std::get<core::Rejected>(decoded).reason, Reason::Garbage) << garbage;
  }
}

TEST(InputDecoder, AKindOfRecordOfALaterVersionIsNotSupported) {
  InputDecoder decoder;
  const Decoded decoded = decoder.decode(std::string("\x7a\x02hi", 4));  // field 15, length-delimited
  ASSERT_TRUE(std::holds_alternative<core::Rejected>(decoded));
  EXPECT_EQ(std::get<core::Rejected>(decoded).reason, Reason::NotSupported);
}

// A later version may add fields: they are ignored, the packet is not lost.
TEST(InputDecoder, ReadsAPacketBesideFieldsItDoesNotKnow) {
  InputDecoder decoder;
  const Decoded decoded = decoder.decode(good().SerializeAsString() + std::string("\x7a\x02hi", 4));
  EXPECT_EQ(batch_of(decoded).columns.size(), 2u);
}

TEST(InputDecoder, ReadsBackWhatWasEncoded) {
  InputDecoder decoder;
  const core::Register site{"站 1", "东四", core::SiteKind::Evaluation, core::AreaClass::Class2, "C", "P"};
  const auto registered = std::get<core::Register>(decoder.decode(encode_register(site)));
  EXPECT_EQ(registered.site, site.site);
  EXPECT_EQ(registered.name, site.name);
  EXPECT_EQ(registered.kind, site.kind);
  EXPECT_EQ(registered.area_class, site.area_class);
  EXPECT_EQ(registered.region, "C");
  EXPECT_EQ(registered.root, "P");

  EXPECT_EQ(core::ms(std::get<core::Tick>(decoder.decode(encode_tick(core::event_time(kStart)))).now), kStart);

  const auto rules =
      std::get<core::RulesSwitch>(decoder.decode(encode_rules_switch({"0123456789abcdef", core::Timeline::Fed})));
  EXPECT_EQ(rules.hash, "0123456789abcdef");
  EXPECT_EQ(rules.timeline, core::Timeline::Fed);

  const core::Amend amend{"a1",
                          "S1",
                          core::Factor::PM10,
                          {core::event_time(kStart), core::event_time(kStart + 3'600'000)},
                          core::Amend::Action::Replace,
                          core::ug(42),
                          "calibration",
                          "li",
                          true};
  const auto read = std::get<core::Amend>(decoder.decode(encode_amend(amend)));
  EXPECT_EQ(read.id, "a1");
  EXPECT_EQ(read.site, "S1");
  EXPECT_EQ(read.factor, core::Factor::PM10);
  EXPECT_EQ(read.interval, amend.interval);
  EXPECT_EQ(read.action, core::Amend::Action::Replace);
  EXPECT_EQ(read.value.pg, 42'000'000);
  EXPECT_EQ(read.reason, "calibration");
  EXPECT_EQ(read.who, "li");
  EXPECT_TRUE(read.audited);
}

struct OtherCase {
  const char* name;
  Reason reason;
  std::function<void(v1::Input&)> make;
};

v1::Amend& amend_of(v1::Input& input) {
  auto& a = *input.mutable_amend();
  a.set_id("a1");
  a.set_site("S1");
  a.set_factor(v1::PM10);
  a.set_start_ms(kStart);
  a.set_end_ms(kStart + 3'600'000);
  a.set_action(v1::Amend::REPLACE);
  a.set_value(1);
  a.set_reason("why");
  a.set_who("li");
  return a;
}

TEST(InputDecoder, RefusesOtherRecordsThatCannotBeActedUpon) {
  const auto site = [](v1::Input& i) -> v1::Register& {
    auto& r = *i.mutable_register_();
    r.set_site("S1");
    r.set_kind(v1::MICRO);
    r.set_area_class(v1::CLASS_1);
    r.set_region("C");
    r.set_root("P");
    return r;
  };
  const std::vector<OtherCase> cases = {
      {"register without a site", Reason::BadShape, [&](auto& i) { site(i).clear_site(); }},
      {"register without a kind", Reason::BadShape, [&](auto& i) { site(i).clear_kind(); }},
      {"register without a class", Reason::BadShape, [&](auto& i) { site(i).clear_area_class(); }},
      {"register without a region", Reason::BadShape, [&](auto& i) { site(i).clear_region(); }},
      {"register without a root", Reason::BadShape, [&](auto& i) { site(i).clear_root(); }},
      {"register with an endless name", Reason::BadShape, [&](auto& i) { site(i).set_name(std::string(257, 'n')); }},
      {"tick of no time", Reason::BadShape, [](auto& i) { i.mutable_tick(); }},
      {"tick in the far future", Reason::BadShape, [](auto& i) { i.mutable_tick()->set_now_ms(1LL << 62); }},
      {"rules without a hash", Reason::BadShape, [](auto& i) { i.mutable_rules(); }},
      {"rules with a path for a hash", Reason::BadShape,
       [](auto& i) { i.mutable_rules()->set_hash("../../etc/passwd"); }},
      {"amend without an id", Reason::BadShape, [](auto& i) { amend_of(i).clear_id(); }},
      {"amend without a site", Reason::BadShape, [](auto& i) { amend_of(i).clear_site(); }},
      {"amend of no factor", Reason::UnknownFactor, [](auto& i) { amend_of(i).clear_factor(); }},
      {"amend of an index", Reason::UnknownFactor, [](auto& i) { amend_of(i).set_factor(v1::AQI); }},
      {"amend of half an hour", Reason::BadShape, [](auto& i) { amend_of(i).set_end_ms(kStart + 1'800'000); }},
      {"amend backwards", Reason::BadShape, [](auto& i) { amend_of(i).set_end_ms(kStart - 3'600'000); }},
      {"amend of ten years", Reason::BadShape,
       [](auto& i) { amend_of(i).set_end_ms(kStart + 3'600'000LL * 24 * 3650); }},
      {"amend that does nothing", Reason::BadShape, [](auto& i) { amend_of(i).clear_action(); }},
      {"amend without a reason", Reason::BadShape, [](auto& i) { amend_of(i).clear_reason(); }},
      {"amend by nobody", Reason::BadShape, [](auto& i) { amend_of(i).clear_who(); }},
      {"amend to a negative value", Reason::Negative, [](auto& i) { amend_of(i).set_value(-1); }},
      {"amend to an impossible value", Reason::OutOfRange,
       [](auto& i) { amend_of(i).set_value(core::kConcentrationMax + 1); }},
  };
  InputDecoder decoder;
  for (const auto& c : cases) {
    v1::Input input;
    c.make(input);
    const Decoded decoded = decoder.decode(input.SerializeAsString());
    const auto* rejected = std::get_if<core::Rejected>(&decoded);
    ASSERT_NE(rejected, nullptr) << c.name;
    EXPECT_EQ(rejected->reason, c.reason) << c.name;
    EXPECT_EQ(rejected->readings, 1) << c.name;
  }
}

}  // namespace
}  // namespace qc::wire
