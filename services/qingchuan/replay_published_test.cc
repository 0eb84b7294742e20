#include "qingchuan/replay_published.h"

#include <gtest/gtest.h>

#include "qingchuan/v1/output.pb.h"
#include "stream/memory_log.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

stream::NewRecord mean(int partition, stream::Offset at) {
  v1::MeanRecord record;
  record.mutable_mean()->mutable_origin()->set_partition(partition);
  record.mutable_mean()->mutable_origin()->set_offset(at);
  return {{"means", 0}, "key", record.SerializeAsString(), {}};
}

class ReplayPublished : public ::testing::Test {
 protected:
  ReplayPublished() {
    const stream::TopicSpec means{"means", 1, stream::Cleanup::Delete, {}, {}};
    EXPECT_TRUE(log_.create_topics({&means, 1}).has_value());
  }

  // What partitions 0 and 1 made: the first and the last of all are 1's.
  void publish(int records) {
    std::vector<stream::NewRecord> all = {mean(1, 0)};
    for (int i = 1; i < records - 1; ++i) all.push_back(mean(0, i));
    all.push_back(mean(1, records - 1));
    auto appender = log_.appender();
    ASSERT_TRUE(appender.has_value());
    ASSERT_TRUE((*appender)->append(all).has_value());
  }
  std::unique_ptr<PublishedPartition> open(std::size_t waiting_max, PublishedPartition::Other other = nullptr) {
    const auto range = log_.range({"means", 0});
    auto opened =
        PublishedPartition::open(log_, {{"means", 0}, range->start, range->end}, std::move(other), {}, waiting_max);
    EXPECT_TRUE(opened.has_value());
    return std::move(*opened);
  }
  static std::vector<stream::Offset> rest(PublishedStream& stream) {
    std::vector<stream::Offset> all;
    while (true) {
      const auto head = stream.ahead();
      EXPECT_TRUE(head.has_value());
      if (!head || *head == nullptr) return all;
      all.push_back((*head)->made.at);
      EXPECT_EQ((*head)->record.offset, (*head)->made.at);
      stream.take();
    }
  }

  stream::MemoryLog log_;
};

TEST_F(ReplayPublished, GivesEachWhatItMadeInItsOrderHoweverFarApartTheyAre) {
  constexpr int kRecords = 20'000;
  publish(kRecords);
  for (const std::size_t waiting_max : {std::size_t{100}, PublishedPartition::kWaitingMax}) {
    const auto partition = open(waiting_max);
    PublishedStream& zero = partition->add({ReplayStage::Readings, 0}, {});
    PublishedStream& one = partition->add({ReplayStage::Readings, 1}, {});
    EXPECT_EQ(partition->first().value(), &one);
    EXPECT_EQ(rest(zero).size(), kRecords - 2U);
    EXPECT_EQ(partition->first().value(), &one);
    EXPECT_EQ(rest(one), (std::vector<stream::Offset>{0, kRecords - 1}));
    EXPECT_EQ(partition->first().value(), nullptr);
  }
}

TEST_F(ReplayPublished, TheFirstIsWhatWasWrittenFirstAlsoOfThoseThatReadAlone) {
  constexpr int kRecords = 20'000;
  publish(kRecords);
  const auto partition = open(100);
  PublishedStream& zero = partition->add({ReplayStage::Readings, 0}, {});
  PublishedStream& one = partition->add({ReplayStage::Readings, 1}, {});
  ASSERT_TRUE(zero.ahead(kRecords / 2).has_value());
  int taken = 0;
  stream::Offset last = -1;
  while (PublishedStream* first = partition->first().value()) {
    EXPECT_GT(first->waiting()->record.offset, last);
    last = first->waiting()->record.offset;
    first->take();
    ++taken;
  }
  EXPECT_EQ(taken, kRecords);
  EXPECT_EQ(one.waiting(), nullptr);
}

TEST_F(ReplayPublished, PassesOverWhatWasMadeBeforeAndTellsOfWhatNobodyMade) {
  publish(10);
  std::vector<stream::Offset> others;
  const auto partition =
      open(100, [&](const stream::Record& r, const std::optional<Made>&) { others.push_back(r.offset); });
  PublishedStream& zero = partition->add({ReplayStage::Readings, 0}, {5, core::EventTime::min()});
  EXPECT_EQ(rest(zero), (std::vector<stream::Offset>{5, 6, 7, 8}));
  EXPECT_EQ(zero.passed_over(), 4);
  EXPECT_EQ(others, (std::vector<stream::Offset>{0, 9}));
}

}  // namespace
}  // namespace qc::commands
