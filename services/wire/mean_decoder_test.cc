#include "wire/mean_decoder.h"

#include <gtest/gtest.h>

#include <functional>

#include "qingchuan/v1/output.pb.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Reason;

constexpr std::int64_t kStart = 1'449'532'800'000;  // 2015-12-08T08:00+08:00
constexpr Provenance kFrom{"0123456789abcdef", 3};

core::Mean good() {
  core::Mean m;
  m.site = "LL0101";
  m.region = "lishi";
  m.root = "lvliang";
  m.factor = core::Factor::PM25;
  m.window = core::Window::H1;
  m.interval = {core::event_time(kStart), core::event_time(kStart) + core::kHour};
  m.value = core::ug(412);
  m.valid = true;
  m.sum_pg = core::ug(412).pg * 58;
  m.count = 58;
  m.expected = 60;
  m.min = core::ug(400);
  m.max = core::ug(420);
  m.status = core::Status::Amended;
  m.revision = 2;
  m.reason = "calibration";
  m.source = core::Source::Minute;
  m.audited = true;
  m.primary = {core::Factor::PM25, core::Factor::PM10};
  m.sub_indices = {{core::Factor::PM25, 441}};
  m.clause = "GB 3095-2012 table 1";
  m.limit = core::ug(75);
  m.exceeds = true;
  m.multiple = 449;
  m.percentile = 95;
  m.percentile_value = core::ug(300);
  m.marks.add(core::Mark::Clipped).add(core::Mark::Stuck);
  m.suspect = 7;
  m.remaining_pg = core::ug(48).pg;
  m.origin = {11, 94};
  return m;
}

v1::MeanRecord message() {
  v1::MeanRecord record;
  EXPECT_TRUE(record.ParseFromString(encode_mean(good(), kFrom)));
  return record;
}

Reason refused(std::string_view bytes, DecodeLimits limits = {}) {
  MeanDecoder decoder(limits);
  const auto decoded = decoder.decode(bytes);
  const auto* rejected = std::get_if<core::Rejected>(&decoded);
  if (rejected == nullptr) return Reason::None;
  EXPECT_EQ(rejected->readings, 1);
  EXPECT_FALSE(rejected->detail.empty());
  return rejected->reason;
}

TEST(MeanDecoder, GivesBackEveryFieldOfWhatWasEncoded) {
  MeanDecoder decoder;
  // Reused: what the mean before had must be gone.
  static_cast<void>(decoder.decode(encode_mean(good(), kFrom)));
  for (const bool full : {true, false}) {
    core::Mean m = good();
    if (!full) {
      m.primary.clear();
      m.sub_indices.clear();
      m.limit.reset();
      m.marks = {};
      m.reason.clear();
      m.clause = {};
      m.origin.first_offset = -1;
    }
    const std::string bytes = encode_mean(m, kFrom);
    const auto decoded = decoder.decode(bytes);
    ASSERT_TRUE(std::holds_alternative<const DecodedMean*>(decoded));
    const DecodedMean& got = *std::get<const DecodedMean*>(decoded);
    EXPECT_EQ(got.partition, 3);
    EXPECT_EQ(got.rules, "0123456789abcdef");
    EXPECT_EQ(got.mean.marks, m.marks);
    EXPECT_EQ(got.mean.limit.has_value(), full);
    EXPECT_EQ(encode_mean(got.mean, {got.rules, got.partition}), bytes) << "the same bytes, so the same fields";
  }
}

TEST(MeanDecoder, PeekingTellsWhatDecodingWould) {
  for (const core::Status status : {core::Status::Running, core::Status::Closed, core::Status::Amended}) {
    for (const core::Window window : {core::Window::H1, core::Window::Day, core::Window::Year}) {
      for (const core::Factor factor : {core::Factor::PM25, core::Factor::AQI_PM24}) {
        core::Mean m = good();
        m.status = status;
        m.window = window;
        m.factor = factor;
        const auto kind = peek_mean(encode_mean(m, kFrom));
        ASSERT_TRUE(kind.has_value());
        EXPECT_EQ(*kind, (MeanKind{factor, window, status}));
      }
    }
  }
  core::Mean least;  // fields that are zero are not written
  least.site = "S";
  least.factor = core::Factor::SO2;
  least.window = core::Window::H1;
  least.status = core::Status::Closed;
  EXPECT_EQ(peek_mean(encode_mean(least, kFrom)),
            std::optional(MeanKind{core::Factor::SO2, core::Window::H1, core::Status::Closed}));
}

TEST(MeanDecoder, PeekingTellsNothingOfWhatIsNoMean) {
  const std::string bytes = encode_mean(good(), kFrom);
  EXPECT_FALSE(peek_mean("").has_value());
  EXPECT_FALSE(peek_mean(encode_mean_tick(core::event_time(kStart), "processor", 2)).has_value());
  EXPECT_FALSE(peek_mean(std::string_view(bytes).substr(0, 30)).has_value());
  v1::MeanRecord later = message();
  later.mutable_mean()->set_window(static_cast<v1::Window>(44));
  EXPECT_FALSE(peek_mean(later.SerializeAsString()).has_value());
}

TEST(MeanDecoder, GivesTheTimeThatAStageForwarded) {
  MeanDecoder decoder;
  const auto decoded = decoder.decode(encode_mean_tick(core::event_time(kStart), "processor", 2));
  const auto& tick = std::get<UpstreamTick>(decoded);
  EXPECT_EQ(tick.tick.now, core::event_time(kStart));
  EXPECT_EQ(tick.upstream, "processor");
  EXPECT_EQ(tick.partition, 2);
}

TEST(MeanDecoder, AMeanOfBeforeTheRootWasSaidHasNone) {
  v1::MeanRecord record = message();
  record.mutable_mean()->clear_root();
  MeanDecoder decoder;
  const std::string bytes = record.SerializeAsString();
  const auto decoded = decoder.decode(bytes);
  EXPECT_EQ(std::get<const DecodedMean*>(decoded)->mean.root, "");
}

TEST(MeanDecoder, LeavesOutMarksAndFactorsOfALaterVersion) {
  v1::MeanRecord record = message();
  record.mutable_mean()->add_marks(static_cast<v1::Mark>(77));
  record.mutable_mean()->add_primary(static_cast<v1::Factor>(77));
  MeanDecoder decoder;
  const std::string bytes = record.SerializeAsString();
  const auto decoded = decoder.decode(bytes);
  const core::Mean& m = std::get<const DecodedMean*>(decoded)->mean;
  EXPECT_EQ(m.marks, good().marks);
  EXPECT_EQ(m.primary.size(), 2U);
}

TEST(MeanDecoder, RefusesWhatIsNoRecordOfOurs) {
  const std::string bytes = encode_mean(good(), kFrom);
  EXPECT_EQ(refused(""), Reason::Garbage);
  EXPECT_EQ(refused("\x0b\xff\xff nothing of ours"), Reason::Garbage);
  EXPECT_EQ(refused(std::string_view(bytes).substr(0, bytes.size() - 3)), Reason::Truncated);
  EXPECT_EQ(refused(bytes, {.record_bytes_max = 20}), Reason::Oversized);
  EXPECT_EQ(refused(std::string("\x1a\x02\x08\x01", 4)), Reason::NotSupported) << "field 3";
}

TEST(MeanDecoder, RefusesFieldsThatCannotBeTrue) {
  struct Case {
    const char* what;
    Reason reason;
    std::function<void(v1::Mean&)> break_it;
  };
  const Case cases[] = {
      {"no site", Reason::BadShape, [](v1::Mean& m) { m.clear_site(); }},
      {"a long site", Reason::BadShape, [](v1::Mean& m) { m.set_site(std::string(65, 'x')); }},
      {"a site with a zero byte", Reason::BadShape, [](v1::Mean& m) { m.set_site(std::string("a\0b", 3)); }},
      {"no region", Reason::BadShape, [](v1::Mean& m) { m.clear_region(); }},
      {"a root of control characters", Reason::BadShape, [](v1::Mean& m) { m.set_root("\n"); }},
      {"no factor", Reason::UnknownFactor, [](v1::Mean& m) { m.clear_factor(); }},
      {"a later factor", Reason::UnknownFactor, [](v1::Mean& m) { m.set_factor(static_cast<v1::Factor>(99)); }},
      {"a reading", Reason::BadShape, [](v1::Mean& m) { m.set_window(v1::READING); }},
      {"an hour of two", Reason::BadShape, [](v1::Mean& m) { m.set_end_ms(kStart + 7'200'000); }},
      {"an hour off the hour", Reason::BadShape, [](v1::Mean& m) { m.set_start_ms(kStart + 1); }},
      {"a year of nonsense", Reason::BadShape, [](v1::Mean& m) { m.set_start_ms(0); }},
      {"backwards", Reason::BadShape, [](v1::Mean& m) { m.set_end_ms(kStart); }},
      {"no status", Reason::BadShape, [](v1::Mean& m) { m.clear_status(); }},
      {"no revision", Reason::BadShape, [](v1::Mean& m) { m.clear_revision(); }},
      {"a negative count", Reason::BadShape, [](v1::Mean& m) { m.set_count(-1); }},
      {"a negative value", Reason::OutOfRange, [](v1::Mean& m) { m.set_value(-1); }},
      {"a great value", Reason::OutOfRange, [](v1::Mean& m) { m.set_value(core::kConcentrationMax + 1); }},
      {"a negative limit", Reason::OutOfRange, [](v1::Mean& m) { m.set_limit(-1); }},
      {"no rules", Reason::BadShape, [](v1::Mean& m) { m.mutable_origin()->clear_rules(); }},
      {"a negative partition", Reason::BadShape, [](v1::Mean& m) { m.mutable_origin()->set_partition(-1); }},
      {"a negative offset", Reason::BadShape, [](v1::Mean& m) { m.mutable_origin()->set_offset(-1); }},
      {"a percentile of 101", Reason::BadShape, [](v1::Mean& m) { m.set_percentile(101); }},
  };
  for (const Case& c : cases) {
    v1::MeanRecord record = message();
    c.break_it(*record.mutable_mean());
    EXPECT_EQ(refused(record.SerializeAsString()), c.reason) << c.what;
  }
  EXPECT_EQ(refused(message().SerializeAsString()), Reason::None);
}

TEST(MeanDecoder, RefusesATickOfNobodyOrOfNoTime) {
  EXPECT_EQ(refused(encode_mean_tick(core::event_time(5), "processor", 0)), Reason::BadShape);
  EXPECT_EQ(refused(encode_mean_tick(core::event_time(kStart), "", 0)), Reason::BadShape);
  EXPECT_EQ(refused(encode_mean_tick(core::event_time(kStart), "processor", -1)), Reason::BadShape);
}

}  // namespace
}  // namespace qc::wire
