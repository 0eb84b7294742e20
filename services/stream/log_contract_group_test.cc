// The contract of log.h: groups, transactions, ownership.
#include <algorithm>

#include "stream/log_contract_test.h"

namespace qc::stream {
namespace {

using namespace contract;
using std::chrono::steady_clock;

TEST_P(LogContract, AMemberOwnsTheSameNumbersInAllItsTopics) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"signals", 2}, {"commands", 2}, {"narrow", 1}}));
  const GroupSpec spec{"alerts", {"signals", "commands"}, "alerts-0"};
  auto member = log().join(spec);
  ASSERT_OK(member);
  const Watched watched = poll_until(**member, owns(4));
  std::vector<TopicPartition> sorted = watched.owned;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, (std::vector<TopicPartition>{{"commands", 0}, {"commands", 1}, {"signals", 0}, {"signals", 1}}));
  const auto uneven = log().join({"other", {"signals", "narrow"}, "other-0"});
  ASSERT_FALSE(uneven.has_value());
  EXPECT_EQ(uneven.error().code, Errc::partitions_changed);
  const auto unknown = log().join({"other", {"nowhere"}, "other-0"});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Errc::topic_unknown);
}

// Input of 10 records, and a group over it.
class Stepper {
 public:
  explicit Stepper(Log& log) : log_(log) {
    const std::vector<TopicSpec> specs = {{"in", 1}, {"out", 1}, {"state", 1, Cleanup::Compact}};
    EXPECT_TRUE(log.create_topics(specs).has_value());
    std::vector<NewRecord> input;
    for (int i = 0; i < 10; ++i) input.push_back(record("in", 0, "k", std::to_string(i)));
    EXPECT_TRUE((*log.appender())->append(input).has_value());
  }
  GroupSpec spec(const std::string& name) const { return {"steps", {"in"}, name}; }
  std::unique_ptr<Member> join(const std::string& name) {
    auto member = log_.join(spec(name));
    EXPECT_TRUE(member.has_value());
    return std::move(*member);
  }
  // Reads until `count` records came, and makes the transaction that goes with them.
  Transaction step(Member& member, std::size_t count) {
    Transaction transaction;
    const auto deadline = steady_clock::now() + kSoon;
    Batch batch;
    Assignment change;
    while (transaction.records.size() < count && steady_clock::now() < deadline) {
      const auto polled = member.poll(batch, change, count - transaction.records.size(), Milliseconds(20));
      EXPECT_TRUE(polled.has_value());
      for (const Record& r : batch.records) {
        transaction.records.push_back(record("out", 0, "o", "out of " + std::string(r.value)));
        transaction.next = {{*r.from, r.offset + 1}};
      }
    }
    EXPECT_EQ(transaction.records.size(), count);
    if (!transaction.records.empty()) {
      transaction.records.push_back(record("state", 0, "sum", std::to_string(transaction.next[0].second)));
    }
    return transaction;
  }
  std::vector<std::string> outputs() { return values_of(log_, {"out", 0}); }
  static std::vector<std::string> expected(int count) {
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) lines.push_back("o=out of " + std::to_string(i));
    return lines;
  }

 private:
  Log& log_;
};

TEST_P(LogContract, ATransactionShowsRecordsStateAndOffsetsTogether) {
  Stepper steps(log());
  auto member = steps.join("a");
  const auto none = member->committed({"in", 0});
  ASSERT_OK(none);
  EXPECT_EQ(*none, std::nullopt);
  const Transaction transaction = steps.step(*member, 4);
  EXPECT_TRUE(steps.outputs().empty());  // nothing before the commit
  ASSERT_OK(member->commit(transaction));
  EXPECT_EQ(steps.outputs(), Stepper::expected(4));
  EXPECT_EQ(values_of(log(), {"state", 0}).size(), 1U);
  const auto committed = member->committed({"in", 0});
  ASSERT_OK(committed);
  EXPECT_EQ(*committed, transaction.next[0].second);
}

TEST_P(LogContract, ARefusedTransactionChangesNothing) {
  Stepper steps(log());
  auto member = steps.join("a");
  Transaction transaction = steps.step(*member, 4);
  const Transaction good = transaction;
  transaction.records.push_back(record("nowhere", 0, "a", "1"));
  EXPECT_EQ(code_of(member->commit(transaction)), Errc::topic_unknown);
  transaction.records.back() = record("out", 0, "a", std::string(LogHarness::kRecordBytesMax, 'x'));
  EXPECT_EQ(code_of(member->commit(transaction)), Errc::record_too_large);
  EXPECT_TRUE(steps.outputs().empty());
  EXPECT_TRUE(values_of(log(), {"state", 0}).empty());
  EXPECT_EQ(*member->committed({"in", 0}), std::nullopt);
  ASSERT_OK(member->commit(good));
  EXPECT_EQ(steps.outputs(), Stepper::expected(4));
}

TEST_P(LogContract, AfterADeathTheNextOwnerGoesOnAtTheCommittedOffset) {
  Stepper steps(log());
  auto first = steps.join("a");
  ASSERT_OK(first->commit(steps.step(*first, 3)));
  steps.step(*first, 5);  // read, applied, not committed
  harness().die(std::move(first), steps.spec("a"));
  auto second = steps.join("b");
  ASSERT_OK(second->commit(steps.step(*second, 7)));
  EXPECT_EQ(steps.outputs(), Stepper::expected(10));
}

TEST_P(LogContract, EachPartitionHasOneOwnerAndMovesWhenItsOwnerLeaves) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"in", 4}}));
  const GroupSpec a{"group", {"in"}, "a"}, b{"group", {"in"}, "b"};
  auto first = log().join(a);
  ASSERT_OK(first);
  Watched of_first = poll_until(**first, owns(4));
  EXPECT_EQ(of_first.owned.size(), 4U);
  auto second = log().join(b);
  ASSERT_OK(second);
  // Whatever the log's way of sharing them out: never two owners, and all of them owned in the end.
  Watched of_second;
  Batch batch;
  Assignment change;
  const auto deadline = steady_clock::now() + kSoon;
  for (int round = 0; round < 10 || of_first.owned.size() + of_second.owned.size() < 4; ++round) {
    ASSERT_LT(steady_clock::now(), deadline);
    ASSERT_OK((*first)->poll(batch, change, 10, Milliseconds(1)));
    for (const auto& tp : change.lost) std::erase(of_first.owned, tp);
    for (const auto& tp : change.gained) of_first.owned.push_back(tp);
    ASSERT_OK((*second)->poll(batch, change, 10, Milliseconds(1)));
    for (const auto& tp : change.lost) std::erase(of_second.owned, tp);
    for (const auto& tp : change.gained) of_second.owned.push_back(tp);
    for (const auto& tp : of_second.owned) {
      EXPECT_EQ(std::count(of_first.owned.begin(), of_first.owned.end(), tp), 0) << to_string(tp);
    }
  }
  EXPECT_EQ(of_first.owned.size() + of_second.owned.size(), 4U);
  first->reset();
  of_second = poll_until(**second, owns(4), of_second);
  EXPECT_EQ(of_second.owned.size(), 4U);
  // Another group has owners of its own.
  auto other = log().join({"others", {"in"}, "a"});
  ASSERT_OK(other);
  EXPECT_EQ(poll_until(**other, owns(4)).owned.size(), 4U);
}

TEST_P(LogContract, AFormerOwnersCommitIsFencedAndChangesNothing) {
  Stepper steps(log());
  auto former = steps.join("a");
  ASSERT_OK(former->commit(steps.step(*former, 2)));
  const Transaction late = steps.step(*former, 3);
  harness().fence(steps.spec("a"));
  EXPECT_EQ(code_of(former->commit(late)), Errc::log_fenced);
  EXPECT_EQ(code_of(former->commit(late)), Errc::log_fenced);  // and stays so
  EXPECT_EQ(steps.outputs(), Stepper::expected(2));
  auto owner = steps.join("b");
  ASSERT_OK(owner->commit(steps.step(*owner, 8)));
  EXPECT_EQ(code_of(former->commit(late)), Errc::log_fenced);
  EXPECT_EQ(steps.outputs(), Stepper::expected(10));
  EXPECT_EQ(values_of(log(), {"state", 0}).size(), 2U);
}

TEST_P(LogContract, ACommitOfAPartitionThatIsNotOwnedIsFenced) {
  Stepper steps(log());
  auto owner = steps.join("a");
  ASSERT_OK(owner->commit(steps.step(*owner, 1)));
  auto idle = log().join({"idle", {"in"}, "c"});  // has never polled
  ASSERT_OK(idle);
  Transaction transaction;
  transaction.next = {{{"in", 0}, 1}};
  EXPECT_EQ(code_of((*idle)->commit(transaction)), Errc::log_fenced);
}

TEST_P(LogContract, PausedPartitionsAreKeptButNotRead) {
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"in", 2}}));
  ASSERT_OK((*log().appender())->append(std::vector{record("in", 0, "k", "zero"), record("in", 1, "k", "one")}));
  auto member = log().join({"group", {"in"}, "a"});
  ASSERT_OK(member);
  Watched watched;
  Batch batch;
  Assignment change;
  const auto deadline = steady_clock::now() + kSoon;
  while (watched.owned.size() < 2 && steady_clock::now() < deadline) {
    ASSERT_OK((*member)->poll(batch, change, 10, Milliseconds(20)));
    for (const auto& tp : change.gained) {
      watched.owned.push_back(tp);
      (*member)->pause({"in", 0});
    }
    if (!change.gained.empty()) ASSERT_OK((*member)->seek({"in", 1}, 0));
  }
  watched = poll_until(**member, has_read(1), watched);
  EXPECT_EQ(watched.values, (std::vector<std::string>{"one"}));
  ASSERT_OK((*member)->poll(batch, change, 10, Milliseconds(30)));
  EXPECT_TRUE(batch.records.empty());
  EXPECT_TRUE(change.empty());
  (*member)->resume({"in", 0});
  ASSERT_OK((*member)->seek({"in", 0}, 0));
  watched.values.clear();
  EXPECT_EQ(poll_until(**member, has_read(1), watched).values, (std::vector<std::string>{"zero"}));
}

TEST_P(LogContract, AMemberSeeksBackToReadAgain) {
  Stepper steps(log());
  auto member = steps.join("a");
  steps.step(*member, 6);
  ASSERT_OK(member->seek({"in", 0}, 0));
  ASSERT_OK(member->commit(steps.step(*member, 10)));
  EXPECT_EQ(steps.outputs(), Stepper::expected(10));
}

}  // namespace

}  // namespace qc::stream
