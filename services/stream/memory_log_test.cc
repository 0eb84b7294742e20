// The memory log's hooks for simulators; its contract is tested in memory_contract_test.cc.
#include "stream/memory_log.h"

#include <gtest/gtest.h>

namespace qc::stream {
namespace {

const TopicPartition kIn{"in", 0};
const TopicPartition kOut{"out", 0};

class MemoryLogHooks : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<TopicSpec> specs{{"in", 2}, {"out", 2}};
    ASSERT_TRUE(log_.create_topics(specs));
    for (int i = 0; i < 4; ++i) append(kIn, std::to_string(i));
  }

  void append(const TopicPartition& to, const std::string& value) {
    const NewRecord record{to, "k", value, {}};
    ASSERT_TRUE(log_.appender().value()->append({&record, 1}));
  }

  std::unique_ptr<Member> join(const std::string& name) { return log_.join({"g", {"in"}, name}).value(); }

  // What one poll says: partition numbers gained and lost, as "+0 -1".
  std::string poll(Member& member) {
    Batch batch;
    Assignment change;
    const auto polled = member.poll(batch, change, 100, Milliseconds(0));
    if (!polled) return describe(polled.error()).substr(0, 4);
    std::string said;
    for (const auto& tp : change.lost) said += "-" + std::to_string(tp.partition);
    for (const auto& tp : change.gained) said += "+" + std::to_string(tp.partition);
    return said;
  }

  Errc commit(Member& member, const std::string& value, Offset next) {
    Transaction transaction;
    transaction.records.push_back(NewRecord{kOut, "k", value, {}});
    transaction.next.emplace_back(kIn, next);
    const auto committed = member.commit(transaction);
    return committed ? Errc{} : committed.error().code;
  }

  Offset end(const TopicPartition& tp) { return log_.range(tp).value().end; }

  MemoryLog log_;
};

TEST_F(MemoryLogHooks, AKilledMemberKeepsItsPartitionsUntilItExpires) {
  auto a = join("a");
  EXPECT_EQ(poll(*a), "+0+1");
  log_.kill("g", "a");
  auto zombie = std::move(a);
  auto b = join("b");
  EXPECT_EQ(poll(*b), "+1");
  EXPECT_EQ(commit(*zombie, "still its own", 1), Errc{});
  log_.expire("g", "a");
  EXPECT_EQ(poll(*b), "+0");
  EXPECT_EQ(commit(*zombie, "too late", 2), Errc::log_fenced);
  EXPECT_EQ(poll(*zombie), "E202");
  EXPECT_EQ(end(kOut), 1);
}

TEST_F(MemoryLogHooks, DestroyingAKilledMemberGivesNothingUp) {
  auto a = join("a");
  log_.kill("g", "a");
  a.reset();
  auto b = join("b");
  EXPECT_EQ(poll(*b), "+1");
}

TEST_F(MemoryLogHooks, ExpireTouchesOnlyKilledMembers) {
  auto a = join("a");
  EXPECT_EQ(poll(*a), "+0+1");
  log_.expire("g", "a");
  EXPECT_EQ(poll(*a), "");
}

TEST_F(MemoryLogHooks, AMemberOfTheSameNameFencesTheFirst) {
  auto first = join("a");
  EXPECT_EQ(poll(*first), "+0+1");
  auto second = join("a");
  EXPECT_EQ(commit(*first, "late", 1), Errc::log_fenced);
  EXPECT_EQ(poll(*second), "+0+1");
  first.reset();  // gives up nothing of the second's
  EXPECT_EQ(commit(*second, "good", 1), Errc{});
}

TEST_F(MemoryLogHooks, APartitionThatWentAwayAndCameBackUnseenIsToldAsLostAndGained) {
  auto a = join("a");
  EXPECT_EQ(poll(*a), "+0+1");
  auto b = join("B");  // before "a": takes partition 0
  EXPECT_EQ(poll(*b), "+0");
  EXPECT_EQ(commit(*b, "b's", 3), Errc{});
  b.reset();
  EXPECT_EQ(commit(*a, "of before", 2), Errc::log_fenced);
  EXPECT_EQ(poll(*a), "-0+0");
  EXPECT_EQ(log_.committed("g", kIn), 3);
  EXPECT_EQ(commit(*a, "after", 4), Errc{});
}

TEST_F(MemoryLogHooks, EachCommitFaultDoesWhatItsNameSays) {
  using Fault = MemoryLog::CommitFault;
  auto a = join("a");
  poll(*a);
  log_.fail_commits(Fault::Abortable);
  EXPECT_EQ(commit(*a, "1", 1), Errc::log_abortable);
  log_.fail_commits(Fault::Full, 2);
  EXPECT_EQ(commit(*a, "1", 1), Errc::log_full);
  EXPECT_EQ(commit(*a, "1", 1), Errc::log_full);
  log_.fail_commits(Fault::Unavailable, 1, "somebody else");
  EXPECT_EQ(end(kOut), 0);
  EXPECT_EQ(commit(*a, "1", 1), Errc{});
  EXPECT_EQ(end(kOut), 2) << "the aborted record left a gap";
  log_.fail_commits(Fault::Unknown);
  EXPECT_EQ(commit(*a, "2", 2), Errc::log_fenced);
  EXPECT_EQ(end(kOut), 3);
  EXPECT_EQ(log_.committed("g", kIn), 2);
  EXPECT_EQ(log_.members("g"), 0u);
}

TEST_F(MemoryLogHooks, GapsAndDeletedRecordsAreReadOver) {
  log_.leave_gap(kIn, 10);
  EXPECT_EQ(end(kIn), 4) << "the end is after the last record, not after the gap";
  append(kIn, "after the gap");
  EXPECT_EQ(end(kIn), 15);
  log_.delete_before(kIn, 2);
  EXPECT_EQ(log_.range(kIn).value().start, 2);
  const std::pair<TopicPartition, Offset> from{kIn, 0};
  auto reader = log_.reader({&from, 1}).value();
  Batch batch;
  ASSERT_TRUE(reader->poll(batch, 100, Milliseconds(0)));
  std::vector<Offset> offsets;
  for (const Record& record : batch.records) offsets.push_back(record.offset);
  EXPECT_EQ(offsets, (std::vector<Offset>{2, 3, 14}));
  EXPECT_EQ(reader->position(kIn), 15);
}

TEST_F(MemoryLogHooks, AFullDiskFailsAppendsAndWritesNothing) {
  log_.fail_appends(1);
  const NewRecord record{kIn, "k", "v", {}};
  auto appender = log_.appender().value();
  EXPECT_EQ(appender->append({&record, 1}).error().code, Errc::log_full);
  EXPECT_EQ(end(kIn), 4);
  EXPECT_TRUE(appender->append({&record, 1}));
}

TEST_F(MemoryLogHooks, WhileItIsAwayEverythingIsUnavailable) {
  auto a = join("a");
  log_.unavailable(true);
  EXPECT_EQ(poll(*a), "E200");
  EXPECT_EQ(commit(*a, "1", 1), Errc::log_unavailable);
  EXPECT_EQ(log_.join({"g", {"in"}, "b"}).error().code, Errc::log_unavailable);
  log_.unavailable(false);
  EXPECT_EQ(poll(*a), "+0+1");
}

}  // namespace
}  // namespace qc::stream
