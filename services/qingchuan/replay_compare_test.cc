// The merge of what is made again with what was published, record by record; whole logs are in tests/integration and
// tests/sim.
#include "qingchuan/replay_compare.h"

#include <gtest/gtest.h>

#include "qingchuan/v1/output.pb.h"
#include "stream/memory_log.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

constexpr Maker kMaker{ReplayStage::Readings, 1};
constexpr std::int64_t kNowMs = 1'700'000'000'000;

// A mean of a series at hour `end`, made at input record `at`.
stream::NewRecord mean(const std::string& series, int end, int revision, stream::Offset at, int value = 7) {
  v1::MeanRecord record;
  v1::Mean& m = *record.mutable_mean();
  m.set_site(series);
  m.set_factor(v1::PM10);
  m.set_window(v1::H1);
  m.set_end_ms(end * 3'600'000);
  m.set_value(value);
  m.set_revision(revision);
  m.set_root("P");
  m.mutable_origin()->set_partition(kMaker.partition);
  m.mutable_origin()->set_offset(at);
  const std::vector<stream::Header> headers = {{"region", "P"}, {"version", "1.0"}};
  return {
      {"means", 0}, series + "|" + std::to_string(end), record.SerializeAsString(), stream::encode_headers(headers)};
}

class ReplayComparison : public ::testing::Test {
 protected:
  ReplayComparison() {
    stream::MemoryLogOptions options;
    options.now_ms = [] { return kNowMs; };
    log_ = std::make_unique<stream::MemoryLog>(options);
    const stream::TopicSpec means{"means", 1, stream::Cleanup::CompactDelete, {}, {}};
    EXPECT_TRUE(log_->create_topics({&means, 1}).has_value());
  }

  void publish(const std::vector<stream::NewRecord>& records) {
    auto appender = log_->appender();
    ASSERT_TRUE(appender.has_value());
    ASSERT_TRUE((*appender)->append(records).has_value());
  }

  // Makes them again, each at the record that it names.
  void compare(const std::vector<std::pair<stream::NewRecord, stream::Offset>>& made,
               std::int64_t compacted_before_ms = Comparison::kNeverCompacted, bool trimmed = false) {
    const auto range = log_->range({"means", 0});
    ASSERT_TRUE(range.has_value());
    auto published = PublishedPartition::open(*log_, {{"means", 0}, range->start, range->end}, nullptr);
    ASSERT_TRUE(published.has_value());
    PublishedStream& stream = (*published)->add(kMaker, {});
    Comparison comparison({kMaker, "means", trimmed, compacted_before_ms}, stream, tally_);
    for (const auto& [record, at] : made) {
      ASSERT_TRUE(comparison.take(record, {at, kNowMs - 1000, core::EventTime::min()}).has_value());
    }
    while (true) {
      const auto left = stream.ahead();
      ASSERT_TRUE(left.has_value());
      if (*left == nullptr) break;
      comparison.unexpected();
    }
    comparison.end();
  }

  std::vector<DifferenceKind> kinds() const {
    std::vector<DifferenceKind> all;
    for (const Difference& d : tally_.first_differences()) all.push_back(d.kind);
    return all;
  }
  std::int64_t unseen(NotRecomputed why) const {
    std::int64_t sum = 0;
    for (const auto& [of, n] : tally_.unseen()) sum += of.why == why ? n.records : 0;
    return sum;
  }

  std::unique_ptr<stream::MemoryLog> log_;
  ReplayTally tally_{ReplayFilter{}};
};

TEST_F(ReplayComparison, IsEqualButForTheBinarysVersion) {
  publish({mean("a", 1, 1, 5), mean("b", 1, 1, 5)});
  stream::NewRecord other = mean("b", 1, 1, 5);
  const std::vector<stream::Header> headers = {{"region", "P"}, {"version", "2.0"}};
  other.headers = stream::encode_headers(headers);
  compare({{mean("a", 1, 1, 5), 5}, {other, 5}});
  EXPECT_EQ(tally_.differences(), 0);
  EXPECT_EQ(tally_.equals(), 2);
}

TEST_F(ReplayComparison, ALogOfABinaryThatWroteFewerHeadersIsEqual) {
  publish({mean("a", 1, 1, 5)});
  stream::NewRecord other = mean("a", 1, 1, 5);
  const std::vector<stream::Header> headers = {
      {"region", "P"}, {"version", "2.0"}, {"ce_subject", "a"}, {"content-type", "application/protobuf"}};
  other.headers = stream::encode_headers(headers);
  compare({{other, 5}});
  EXPECT_EQ(tally_.differences(), 0);
}

TEST_F(ReplayComparison, ReportsOtherHeadersOrBytesInTheSamePlace) {
  publish({mean("a", 1, 1, 5), mean("b", 1, 1, 5), mean("c", 1, 1, 6)});
  stream::NewRecord other = mean("b", 1, 1, 5);
  const std::vector<stream::Header> headers = {{"region", "Q"}, {"version", "1.0"}};
  other.headers = stream::encode_headers(headers);
  compare({{mean("a", 1, 1, 5, 8), 5}, {other, 5}, {mean("c", 1, 1, 6), 6}});
  EXPECT_EQ(kinds(), (std::vector{DifferenceKind::Differs, DifferenceKind::Differs}));
  EXPECT_EQ(tally_.first_differences()[0].fields, "modified: mean.value: 7 -> 8");
  EXPECT_EQ(tally_.first_differences()[1].fields, "the headers");
  EXPECT_EQ(tally_.equals(), 1);
}

TEST_F(ReplayComparison, NamesWhatIsMissingAndWhatWasNotMadeAgain) {
  publish({mean("a", 1, 1, 5), mean("x", 1, 1, 5), mean("c", 1, 1, 6)});
  compare({{mean("a", 1, 1, 5), 5}, {mean("b", 1, 1, 5), 5}, {mean("c", 1, 1, 6), 6}});
  EXPECT_EQ(kinds(), (std::vector{DifferenceKind::Missing, DifferenceKind::Unexpected}));
  EXPECT_EQ(tally_.equals(), 2);
}

TEST_F(ReplayComparison, AnotherOrderIsADifference) {
  publish({mean("b", 1, 1, 5), mean("a", 1, 1, 5)});
  compare({{mean("a", 1, 1, 5), 5}, {mean("b", 1, 1, 5), 5}});
  EXPECT_GT(tally_.differences(), 0);
}

TEST_F(ReplayComparison, ExcusesAnEarlierRevisionOnlyWhereALaterOneStandsAndItMayHaveBeenCompacted) {
  publish({mean("a", 1, 2, 6)});
  compare({{mean("a", 1, 1, 5), 5}, {mean("a", 1, 2, 6), 6}}, kNowMs);
  EXPECT_EQ(tally_.differences(), 0);
  EXPECT_EQ(unseen(NotRecomputed::Compacted), 1);
  EXPECT_EQ(tally_.equals(), 1);
}

TEST_F(ReplayComparison, WhatIsTooYoungToBeCompactedIsMissing) {
  publish({mean("a", 1, 2, 6)});
  compare({{mean("a", 1, 1, 5), 5}, {mean("a", 1, 2, 6), 6}}, kNowMs - 1000);
  EXPECT_EQ(kinds(), (std::vector{DifferenceKind::Missing}));
}

TEST_F(ReplayComparison, TheLastOfAKeyIsNeverExcused) {
  publish({mean("a", 1, 1, 5)});
  compare({{mean("a", 1, 1, 5), 5}, {mean("a", 1, 2, 6), 6}}, kNowMs + 1);
  EXPECT_EQ(kinds(), (std::vector{DifferenceKind::Missing}));
}

// Of a flood: what stood of the row goes with the record that erases it, sooner or later that one, too.
TEST_F(ReplayComparison, ARecordThatErasesItsKeyIsCompared) {
  const stream::NewRecord erased{{"means", 0}, "a|1", std::nullopt, mean("a", 1, 1, 5).headers};
  const std::vector<std::pair<stream::NewRecord, stream::Offset>> made = {
      {mean("a", 1, 1, 5), 5}, {erased, 5}, {mean("b", 1, 1, 6), 6}};
  publish({mean("b", 1, 1, 6)});
  compare(made, kNowMs);
  EXPECT_EQ(tally_.differences(), 0);
  EXPECT_EQ(unseen(NotRecomputed::Compacted), 2);
  EXPECT_EQ(tally_.equals(), 1);
  compare(made, kNowMs - 2000);  // too young to be gone
  EXPECT_EQ(kinds(), (std::vector{DifferenceKind::Missing, DifferenceKind::Missing}));
}

TEST_F(ReplayComparison, WhereRetentionTookTheBeginningOnlyTheBeginningIsExcused) {
  publish({mean("gone", 1, 1, 1), mean("b", 1, 1, 5), mean("d", 1, 1, 7)});
  log_->delete_before({"means", 0}, 1);
  compare({{mean("gone", 1, 1, 1), 1}, {mean("b", 1, 1, 5), 5}, {mean("c", 1, 1, 6), 6}, {mean("d", 1, 1, 7), 7}},
          Comparison::kNeverCompacted, true);
  EXPECT_EQ(unseen(NotRecomputed::PublishedTrimmed), 1);
  EXPECT_EQ(kinds(), (std::vector{DifferenceKind::Missing}));
  EXPECT_EQ(tally_.equals(), 2);
}

TEST_F(ReplayComparison, PassesOverWhatOthersMade) {
  stream::NewRecord others = mean("a", 1, 1, 5);
  v1::MeanRecord record;
  ASSERT_TRUE(record.ParseFromString(*others.value));
  record.mutable_mean()->mutable_origin()->set_partition(0);
  others.value = record.SerializeAsString();
  publish({others, mean("b", 1, 1, 5)});
  compare({{mean("b", 1, 1, 5), 5}});
  EXPECT_EQ(tally_.differences(), 0);
  EXPECT_EQ(tally_.equals(), 1);
}

TEST(ReplayFilter, GoesBySiteRegionAndTheWindowsEnd) {
  About a;
  a.site = "S";
  a.region = "C";
  a.root = "P";
  a.end = core::event_time(100);
  EXPECT_TRUE(ReplayFilter().holds(a));
  EXPECT_TRUE((ReplayFilter{{"T", "S"}, "P", core::event_time(99), core::event_time(100)}.holds(a)));
  EXPECT_FALSE((ReplayFilter{{"T"}, "", core::EventTime::min(), core::EventTime::max()}.holds(a)));
  EXPECT_FALSE((ReplayFilter{{}, "Q", core::EventTime::min(), core::EventTime::max()}.holds(a)));
  EXPECT_FALSE((ReplayFilter{{}, "", core::event_time(100), core::EventTime::max()}.holds(a)));
  EXPECT_FALSE((ReplayFilter{{}, "", core::EventTime::min(), core::event_time(99)}.holds(a)));
}

}  // namespace
}  // namespace qc::commands
