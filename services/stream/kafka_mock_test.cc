// What brokers answer when something is wrong, injected by librdkafka's mock cluster: each answer becomes the right
// code, and "committed" is never said of records that are not there. The mock's transactions are cosmetic (aborted
// records stay visible, offsets are discarded, nobody is fenced by it): what needs the real ones stands in
// kafka_fault_test.cc.
#include "stream/kafka_mock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "stream/kafka_member.h"

namespace qc::stream {
namespace {

using namespace contract;
using std::chrono::steady_clock;

// ---- one commit, one answer that is wrong -------------------------------------------------------------------------

constexpr Errc kCommitted{};  // it gets through, all by itself

struct Answer {
  const char* name;
  Api api;
  std::vector<rd_kafka_resp_err_t> errors;
  Errc becomes;
};

// Its answers mostly get through after librdkafka's own waits, which must not meet our timeout on a slow machine.
class KafkaMockCommit : public KafkaMock, public testing::WithParamInterface<Answer> {
 protected:
  KafkaMockCommit() : KafkaMock(kRequestTimeout * 3) {}
};

TEST_P(KafkaMockCommit, BecomesTheRightCodeAndTheNextOneGetsThrough) {
  const Answer& answer = GetParam();
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  mock_.answer(answer.api, answer.errors);
  const Transaction transaction = next();
  const auto begun = steady_clock::now();
  const auto committed = commit(*producer, transaction);
  EXPECT_LT(steady_clock::now() - begun, kNotForEver);
  EXPECT_EQ(code_of(committed), answer.becomes) << (committed ? "committed" : describe(committed.error()));
  if (committed) {
    EXPECT_TRUE(stands(transaction));
  } else {
    EXPECT_FALSE(committed.error().text.empty());
    EXPECT_EQ(committed.error().text.find('\n'), std::string::npos);
  }
  mock_.quiet(answer.api);
  if (answer.becomes == Errc::log_fenced) {
    EXPECT_EQ(code_of(commit(*producer, transaction)), Errc::log_fenced);  // of no further use, and says so
    producer = this->producer();
  }
  const Transaction again = committed ? next() : transaction;
  ASSERT_OK(commit_again(*producer, again));
  EXPECT_TRUE(stands(again));
}

template <std::size_t n>
std::vector<rd_kafka_resp_err_t> times(rd_kafka_resp_err_t error) {
  return std::vector<rd_kafka_resp_err_t>(n, error);
}

INSTANTIATE_TEST_SUITE_P(
    WhatPasses, KafkaMockCommit,
    testing::Values(
        Answer{"ProduceNotLeader", kProduce, times<3>(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION), kCommitted},
        Answer{"ProduceTimedOut", kProduce, times<3>(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT), kCommitted},
        Answer{"ProduceFewReplicas", kProduce, times<3>(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS), kCommitted},
        Answer{"ProduceFewReplicasAfter", kProduce, times<2>(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND),
               kCommitted},
        Answer{"ProduceDiskBroken", kProduce, times<3>(RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR), kCommitted},
        Answer{"ProduceCutOff", kProduce, times<2>(RD_KAFKA_RESP_ERR__TRANSPORT), kCommitted},
        Answer{"PartitionsConcurrent", kAddPartitionsToTxn, times<5>(RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS),
               kCommitted},
        Answer{"PartitionsNotCoordinator", kAddPartitionsToTxn, times<3>(RD_KAFKA_RESP_ERR_NOT_COORDINATOR),
               kCommitted},
        Answer{"PartitionsCoordinatorLoads", kAddPartitionsToTxn,
               times<5>(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS), kCommitted},
        Answer{"PartitionsCutOff", kAddPartitionsToTxn, times<2>(RD_KAFKA_RESP_ERR__TRANSPORT), kCommitted},
        Answer{"OffsetsNotCoordinator", kAddOffsetsToTxn, times<3>(RD_KAFKA_RESP_ERR_NOT_COORDINATOR), kCommitted},
        Answer{"OffsetCommitCoordinatorLoads", kTxnOffsetCommit,
               times<3>(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS), kCommitted},
        Answer{"OffsetCommitNotCoordinator", kTxnOffsetCommit, times<2>(RD_KAFKA_RESP_ERR_NOT_COORDINATOR), kCommitted},
        Answer{"OffsetCommitCutOff", kTxnOffsetCommit, times<2>(RD_KAFKA_RESP_ERR__TRANSPORT), kCommitted},
        Answer{"EndNotCoordinator", kEndTxn, times<3>(RD_KAFKA_RESP_ERR_NOT_COORDINATOR), kCommitted},
        Answer{"EndConcurrent", kEndTxn, times<3>(RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS), kCommitted},
        Answer{"EndCutOff", kEndTxn, times<2>(RD_KAFKA_RESP_ERR__TRANSPORT), kCommitted}),
    [](const auto& named) { return named.param.name; });

INSTANTIATE_TEST_SUITE_P(
    WhatIsSaid, KafkaMockCommit,
    testing::Values(
        Answer{"ProduceTooLarge", kProduce, times<1>(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), Errc::record_too_large},
        Answer{"ProduceRefused", kProduce, times<1>(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), Errc::log_refused},
        Answer{"ProduceUnknownProducer", kProduce, times<1>(RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID),
               Errc::log_unavailable},
        Answer{"PartitionsRefused", kAddPartitionsToTxn, times<1>(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED),
               Errc::log_refused},
        Answer{"OffsetsGroupRefused", kAddOffsetsToTxn, times<1>(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED),
               Errc::log_refused},
        Answer{"OffsetCommitGroupRefused", kTxnOffsetCommit, times<1>(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED),
               Errc::log_refused},
        Answer{"EndFails", kEndTxn, times<1>(RD_KAFKA_RESP_ERR_UNKNOWN), Errc::log_unavailable}),
    [](const auto& named) { return named.param.name; });

INSTANTIATE_TEST_SUITE_P(
    WhatPutsOut, KafkaMockCommit,
    testing::Values(
        Answer{"ProduceFenced", kProduce, times<1>(RD_KAFKA_RESP_ERR_PRODUCER_FENCED), Errc::log_fenced},
        Answer{"ProduceOldEpoch", kProduce, times<1>(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH), Errc::log_fenced},
        Answer{"ProduceOutOfOrder", kProduce, times<1>(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER),
               Errc::log_fenced},
        Answer{"PartitionsFenced", kAddPartitionsToTxn, times<1>(RD_KAFKA_RESP_ERR_PRODUCER_FENCED), Errc::log_fenced},
        Answer{"PartitionsUnknownProducer", kAddPartitionsToTxn,
               times<1>(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING), Errc::log_fenced},
        Answer{"PartitionsIdRefused", kAddPartitionsToTxn,
               times<1>(RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED), Errc::log_fenced},
        Answer{"OffsetsFenced", kAddOffsetsToTxn, times<1>(RD_KAFKA_RESP_ERR_PRODUCER_FENCED), Errc::log_fenced},
        Answer{"OffsetCommitOldGeneration", kTxnOffsetCommit, times<1>(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION),
               Errc::log_fenced},
        Answer{"OffsetCommitUnknownMember", kTxnOffsetCommit, times<1>(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID),
               Errc::log_fenced},
        Answer{"OffsetCommitFencedInstance", kTxnOffsetCommit, times<1>(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID),
               Errc::log_fenced},
        Answer{"EndFenced", kEndTxn, times<1>(RD_KAFKA_RESP_ERR_PRODUCER_FENCED), Errc::log_fenced},
        Answer{"EndOldEpoch", kEndTxn, times<1>(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH), Errc::log_fenced},
        Answer{"EndTransactionExpired", kEndTxn, times<1>(RD_KAFKA_RESP_ERR_INVALID_TXN_STATE), Errc::log_fenced}),
    [](const auto& named) { return named.param.name; });

// ---- what is more than one answer ---------------------------------------------------------------------------------

TEST_F(KafkaMock, ATransactionThatCannotBeAbortedEitherIsFenced) {
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  mock_.answer(kProduce, times<1>(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
  mock_.answer(kEndTxn, times<1>(RD_KAFKA_RESP_ERR_PRODUCER_FENCED));
  const Transaction transaction = next();
  EXPECT_EQ(code_of(commit(*producer, transaction)), Errc::log_fenced);
  EXPECT_EQ(code_of(commit(*producer, transaction)), Errc::log_fenced);
}

TEST_F(KafkaMock, ACommitWhoseAnswerNeverComesIsNeverCalledAborted) {
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  mock_.answer(kEndTxn, times<1000>(RD_KAFKA_RESP_ERR__TRANSPORT));
  const auto begun = steady_clock::now();
  const auto committed = commit(*producer, next());
  EXPECT_EQ(code_of(committed), Errc::log_fenced) << (committed ? "committed" : describe(committed.error()));
  EXPECT_LT(steady_clock::now() - begun, kNotForEver);
}

TEST_F(KafkaMock, ACoordinatorThatMovesInTheMiddleIsFollowed) {
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  rd_kafka_mock_coordinator_set(mock_.get(), "transaction", kId, 3);
  rd_kafka_mock_coordinator_set(mock_.get(), "group", "steps", 1);
  rd_kafka_mock_partition_set_leader(mock_.get(), "out", 0, 2);
  const Transaction transaction = next();
  ASSERT_OK(commit(*producer, transaction));
  EXPECT_TRUE(stands(transaction));
}

TEST_F(KafkaMock, WithoutAnyBrokerACommitEndsInTimeAndOneAfterTheirReturnGetsThrough) {
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  mock_.down(true);
  const Transaction transaction = next();
  const auto begun = steady_clock::now();
  const auto committed = commit(*producer, transaction);
  ASSERT_FALSE(committed.has_value());
  EXPECT_LT(steady_clock::now() - begun, kNotForEver);
  EXPECT_TRUE(committed.error().code == Errc::log_unavailable || committed.error().code == Errc::log_fenced)
      << describe(committed.error());
  mock_.down(false);
  if (committed.error().code == Errc::log_fenced) producer = this->producer();
  ASSERT_OK(commit(*producer, transaction));
  EXPECT_TRUE(stands(transaction));
}

TEST_F(KafkaMock, BrokersSlowerThanTheTimeoutAreNeverBelievedToHaveCommitted) {
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  mock_.slow(kRequestTimeout * 3);
  const auto begun = steady_clock::now();
  const auto committed = commit(*producer, next());
  ASSERT_FALSE(committed.has_value());
  EXPECT_LT(steady_clock::now() - begun, kNotForEver);
  EXPECT_TRUE(committed.error().code == Errc::log_unavailable || committed.error().code == Errc::log_fenced)
      << describe(committed.error());
}

TEST_F(KafkaMock, SlowBrokersWithinTheTimeoutOnlyTakeLonger) {
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  mock_.slow(Milliseconds(200));
  const Transaction transaction = next();
  ASSERT_OK(commit(*producer, transaction));
  mock_.slow(kNow);
  EXPECT_TRUE(stands(transaction));
}

// ---- a producer begins --------------------------------------------------------------------------------------------

TEST_F(KafkaMock, AProducerWaitsForACoordinatorThatIsStillLoading) {
  mock_.answer(kFindCoordinator, times<3>(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE));
  mock_.answer(kInitProducerId, times<3>(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS));
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
}

TEST_F(KafkaMock, AProducerThatIsRefusedSaysSo) {
  const auto opened = [&](Api api, rd_kafka_resp_err_t error) {
    mock_.answer(api, times<1>(error));
    auto result = kafka::TransactionalProducer(*cluster_).open(kId);
    mock_.quiet(api);
    return code_of(result);
  };
  EXPECT_EQ(opened(kFindCoordinator, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED), Errc::log_refused);
  EXPECT_EQ(opened(kInitProducerId, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED), Errc::log_refused);
  EXPECT_EQ(opened(kInitProducerId, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED), Errc::log_refused);
  // transaction_timeout above the broker's transaction.max.timeout.ms: no waiting will mend it.
  EXPECT_EQ(opened(kInitProducerId, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT), Errc::log_refused);
}

// ---- appends ------------------------------------------------------------------------------------------------------

TEST_F(KafkaMock, AnAppendGetsThroughWhatPassesAndSaysWhatDoesNot) {
  auto appender = kafka::KafkaAppender::open(*cluster_);
  ASSERT_OK(appender);
  const auto append = [&](std::vector<rd_kafka_resp_err_t> errors) {
    const Transaction transaction = next();
    mock_.answer(kProduce, std::move(errors));
    const auto done = (*appender)->append(transaction.records);
    mock_.quiet(kProduce);
    if (done) {
      EXPECT_TRUE(stands(transaction));
    }
    return code_of(done);
  };
  EXPECT_EQ(append({}), kCommitted);
  EXPECT_EQ(append(times<2>(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION)), kCommitted);
  EXPECT_EQ(append(times<2>(RD_KAFKA_RESP_ERR__TRANSPORT)), kCommitted);
  EXPECT_EQ(append(times<1>(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)), Errc::record_too_large);
  EXPECT_EQ(append({}), kCommitted);
  EXPECT_EQ(append(times<1>(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)), Errc::log_refused);
  EXPECT_EQ(append({}), kCommitted);
  // An idempotent producer that lost its place is replaced by a new one, without a word to the caller but "again".
  EXPECT_EQ(append(times<1>(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)), Errc::log_unavailable);
  EXPECT_EQ(append({}), kCommitted);
}

TEST_F(KafkaMock, AnAppendThatNobodyAnswersFailsInTimeAndItsLateAnswerIsNotTakenForAnothers) {
  auto appender = kafka::KafkaAppender::open(*cluster_);
  ASSERT_OK(appender);
  ASSERT_OK((*appender)->append(next().records));
  mock_.down(true);
  for (int i = 0; i < 2; ++i) {
    const auto begun = steady_clock::now();
    EXPECT_EQ(code_of((*appender)->append(next().records)), Errc::log_unavailable);
    EXPECT_LT(steady_clock::now() - begun, kNotForEver);
  }
  mock_.down(false);
  const auto deadline = steady_clock::now() + kRequestTimeout;
  Transaction transaction = next();
  auto done = (*appender)->append(transaction.records);
  while (!done && steady_clock::now() < deadline) done = (*appender)->append(transaction.records);
  ASSERT_OK(done);
  EXPECT_TRUE(stands(transaction));
}

// ---- readers ------------------------------------------------------------------------------------------------------

TEST_F(KafkaMock, AReaderReadsOnThroughFetchesThatFail) {
  auto producer = this->producer();
  const Transaction transaction = next();
  ASSERT_OK(commit(*producer, transaction));
  mock_.answer(kFetch, {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT,
                        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR});
  EXPECT_TRUE(stands(transaction));
}

// true: the brokers are gone; the second kind takes connections and answers nothing in time, which librdkafka does not
// report to one who waits for nothing.
class KafkaMockAway : public KafkaMock, public testing::WithParamInterface<bool> {
 protected:
  void away(bool are) {
    if (GetParam()) {
      mock_.down(are);
    } else {
      mock_.slow(are ? kRequestTimeout * 2 : kNow);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Kafka, KafkaMockAway, testing::Bool(),
                         [](const auto& which) { return which.param ? "Gone" : "Mute"; });

TEST_P(KafkaMockAway, AnIdleReaderSaysSoAndReadsOnWhenTheyAreBack) {
  auto producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  const std::pair<TopicPartition, Offset> from[] = {{{"out", 0}, 0}};
  auto reader = kafka::KafkaReader::open(*cluster_, from);
  ASSERT_OK(reader);
  std::size_t read = 0;
  Batch batch;
  const auto poll_until = [&](auto enough) {
    const auto deadline = steady_clock::now() + kSoon * 8;
    Result<void> polled;
    do {
      polled = (*reader)->poll(batch, 10, Milliseconds(50));
      read += batch.records.size();
    } while (!enough(polled) && steady_clock::now() < deadline);
    return polled;
  };
  ASSERT_OK(poll_until([&](const auto&) { return read >= 3; }));
  away(true);
  const auto polled = poll_until([](const auto& p) { return !p.has_value(); });
  ASSERT_FALSE(polled.has_value());
  EXPECT_EQ(polled.error().code, Errc::log_unavailable);
  away(false);
  ASSERT_OK(poll_until([](const auto& p) { return p.has_value(); }));
  producer = this->producer();
  ASSERT_OK(commit(*producer, next()));
  poll_until([&](const auto&) { return read >= 6; });
  EXPECT_GE(read, 6U);  // the mock may keep a repeat
}

TEST_F(KafkaMock, ARefusedPartitionIsSaidWhereItsEndIsAskedFor) {
  mock_.answer(kListOffsets, times<20>(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
  const auto refused = cluster_->range({"out", 0});
  mock_.quiet(kListOffsets);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::log_refused);
  ASSERT_OK(cluster_->range({"out", 0}));
}

// ---- members ------------------------------------------------------------------------------------------------------

TEST_F(KafkaMock, AnAssignmentIsTakenUpOnlyWhenItsOffsetsAreKnown) {
  auto member = kafka::KafkaMember::join(*cluster_, {"steps", {"in"}, "a"});
  ASSERT_OK(member);
  mock_.answer(kOffsetFetch, times<2>(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED));
  Batch batch;
  Assignment change;
  int refused = 0;
  bool gained = false;
  const auto deadline = steady_clock::now() + kSoon * 2;
  while (!gained && steady_clock::now() < deadline) {
    const auto polled = (*member)->poll(batch, change, 10, Milliseconds(20));
    gained = !change.gained.empty();
    if (!polled) {
      EXPECT_EQ(polled.error().code, Errc::log_refused) << describe(polled.error());
      EXPECT_FALSE(gained);
      ++refused;
    }
  }
  EXPECT_TRUE(gained);
  EXPECT_GE(refused, 1);
  EXPECT_EQ((*member)->position({"in", 0}), 0);  // a group that nobody knows begins at the beginning
}

TEST_F(KafkaMock, AMemberThatIsPutOutLosesItsPartitionsBeforeItMayCommitAgain) {
  auto member = kafka::KafkaMember::join(*cluster_, {"steps", {"in"}, "a"});
  ASSERT_OK(member);
  ASSERT_EQ(poll_until(**member, owns(1)).owned.size(), 1U);
  const Transaction transaction = next();
  mock_.answer(kHeartbeat, times<1>(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID));
  Batch batch;
  Assignment change;
  const auto deadline = steady_clock::now() + kSoon;
  while (change.lost.empty() && steady_clock::now() < deadline) {
    const auto polled = (*member)->poll(batch, change, 10, Milliseconds(20));
    if (!polled) {
      ASSERT_EQ(polled.error().code, Errc::log_unavailable) << describe(polled.error());
    }
  }
  EXPECT_EQ(change.lost.size(), 1U);
  ASSERT_TRUE(change.gained.empty());
  EXPECT_EQ(code_of((*member)->commit(transaction)), Errc::log_fenced);
}

TEST_F(KafkaMock, BothClientsOfAMemberTellTheirStatisticsThoughItCommitsNothing) {
  auto options = mock_.options(kRequestTimeout);
  std::mutex mutex;
  std::set<std::string> told;
  options.statistics_interval = Milliseconds(100);
  options.statistics = [&](std::string_view json) {
    const std::lock_guard lock(mutex);
    for (const char* client : {"qingchuan-consumer", "qingchuan-producer"}) {
      if (json.find(client) != std::string_view::npos) told.insert(client);
    }
  };
  auto cluster = kafka::Cluster::open(options);
  ASSERT_OK(cluster);
  auto member = kafka::KafkaMember::join(**cluster, {"steps", {"in"}, "a"});
  ASSERT_OK(member);
  ASSERT_EQ(poll_until(**member, owns(1)).owned.size(), 1U);
  {
    const std::lock_guard lock(mutex);
    told.clear();  // what joining served
  }
  Batch batch;
  Assignment change;
  const auto all = [&] {
    const std::lock_guard lock(mutex);
    return told.size() == 2;
  };
  const auto deadline = steady_clock::now() + kSoon;
  while (!all() && steady_clock::now() < deadline) ASSERT_OK((*member)->poll(batch, change, 10, Milliseconds(20)));
  EXPECT_TRUE(all()) << testing::PrintToString(told);
}

TEST_F(KafkaMock, AGroupThatIsRefusedSaysSo) {
  mock_.answer(kJoinGroup, times<1>(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED));
  auto member = kafka::KafkaMember::join(*cluster_, {"steps", {"in"}, "a"});
  ASSERT_OK(member);
  Batch batch;
  Assignment change;
  Result<void> polled;
  const auto deadline = steady_clock::now() + kSoon;
  // Beside it a broker may be slow to answer.
  while (code_of(polled) != Errc::log_refused && steady_clock::now() < deadline) {
    polled = (*member)->poll(batch, change, 10, Milliseconds(20));
  }
  ASSERT_FALSE(polled.has_value());
  EXPECT_EQ(polled.error().code, Errc::log_refused) << describe(polled.error());
  // And it joins once it is let.
  bool gained = false;
  const auto later = steady_clock::now() + kSoon * 4;
  while (!gained && steady_clock::now() < later) {
    polled = (*member)->poll(batch, change, 10, Milliseconds(20));
    gained = !change.gained.empty();
  }
  EXPECT_TRUE(gained);
}

}  // namespace
}  // namespace qc::stream
