#include "stream/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "stream/state_position.h"
#include "stream/worker_probe.h"
#include "stream/worker_toy.h"

namespace qc::stream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using toy::World;
using Fault = MemoryLog::CommitFault;

const TopicPartition kIn{"in", 0};

// Three of a key make one output of the toy.
void append_numbers(World& world, int from, int to, const TopicPartition& tp = kIn) {
  for (int i = from; i < to; ++i) world.append(tp, "k" + std::to_string(i % 5), std::to_string(i));
}

WorkerOptions until_end(const World& world, const std::string& name = "w") {
  auto options = world.options(name);
  options.until_end = true;
  return options;
}

void steps(World& world, Worker& worker, int n) {
  for (; n > 0; --n) {
    const auto step = worker.step();
    ASSERT_TRUE(step) << step.error().text;
    world.now_ms += std::max<std::int64_t>(1, step->wait.count());
  }
}

// Steps until the group has committed up to `offset`.
void until_committed(World& world, Worker& worker, Offset offset, const TopicPartition& tp = kIn) {
  for (int i = 0; i < 10000 && world.log.committed("toy", tp).value_or(0) < offset; ++i) steps(world, worker, 1);
  ASSERT_EQ(world.log.committed("toy", tp).value_or(0), offset) << worker.status();
}

std::size_t records_in(World& world, const std::string& topic) {
  std::size_t n = 0;
  for (const auto& [source, values] : world.published(topic)) n += values.size();
  return n;
}

std::optional<Positions> position_in_state(World& world) {
  const std::pair<TopicPartition, Offset> from{{"toy-state", 0}, 0};
  auto reader = world.log.reader({&from, 1}).value();
  Batch batch;
  std::optional<Positions> last;
  while (reader->poll(batch, 100, Milliseconds(0)) && !batch.records.empty()) {
    for (const Record& record : batch.records) {
      if (record.key == kPositionKey) last = decode_positions(record.value).value();
    }
  }
  return last;
}

TEST(Worker, UntilEndCommitsAllThatWasThereAtTheStartAndLeaves) {
  World world(3);
  for (int i = 0; i < 3; ++i) append_numbers(world, 0, 40, {"in", i});
  auto worker = world.worker(until_end(world));
  world.append(kIn, "late", "1");  // after the start: may be read, need not
  ASSERT_TRUE(world.until_done(*worker)) << world.error.text;
  for (int i = 0; i < 3; ++i) EXPECT_GE(world.log.committed("toy", {"in", i}), 40);
  EXPECT_EQ(records_in(world, "out"), 3u * 5 * (8 / 3));
  EXPECT_EQ(world.log.members("toy"), 0u);
  EXPECT_FALSE(worker->ready());
}

TEST(Worker, UntilEndEndsAlsoWhereTheEndOfAnInputIsAGap) {
  World world(2);
  append_numbers(world, 0, 10, {"in", 0});
  append_numbers(world, 0, 10, {"in", 1});
  world.log.delete_before({"in", 1}, 10);  // nothing is left of what is before the end
  auto worker = world.worker(until_end(world));
  ASSERT_TRUE(world.until_done(*worker, 1000)) << worker->status();
  EXPECT_EQ(world.log.committed("toy", {"in", 0}), 10);
}

TEST(Worker, UntilEndWaitsForPartitionsThatAnotherMemberHolds) {
  World world(2);
  append_numbers(world, 0, 10, {"in", 0});
  append_numbers(world, 0, 10, {"in", 1});
  auto other = world.worker(world.options("a"));
  steps(world, *other, 1);  // joined: it gets in-0
  auto worker = world.worker(until_end(world, "b"));
  EXPECT_FALSE(world.until_done(*worker, 200));
  world.log.kill("toy", "a");
  other.reset();
  world.log.expire("toy", "a");
  ASSERT_TRUE(world.until_done(*worker, 1000)) << worker->status();
  EXPECT_EQ(world.log.committed("toy", {"in", 0}), 10);
  EXPECT_EQ(world.log.committed("toy", {"in", 1}), 10);
}

TEST(Worker, WhenTheDiskIsFullNothingMoreIsPolledAndNothingIsLost) {
  World world(1);
  append_numbers(world, 0, 30);
  auto options = world.options("w");
  options.poll_records_max = 10;
  options.commit_interval = Milliseconds(0);
  auto worker = world.worker(options);
  world.log.fail_commits(Fault::Full, 20);
  steps(world, *worker, 15);
  EXPECT_EQ(world.knobs.applied, 10u);  // back-pressure: one poll, and not a record more
  EXPECT_FALSE(worker->ready());
  EXPECT_THAT(worker->status(), HasSubstr("no space left"));
  EXPECT_EQ(records_in(world, "out"), 0u);
  EXPECT_LE(world.times_said(LineLevel::Error, "no space left"), 4) << "one line in each line_interval";
  until_committed(world, *worker, 30);
  EXPECT_TRUE(worker->ready());
  EXPECT_TRUE(world.said(LineLevel::Info, "works again"));
  EXPECT_EQ(records_in(world, "out"), 10u);
  EXPECT_EQ(world.knobs.applied, 30u) << "the same buffer was committed: nothing is applied twice";
}

TEST(Worker, AnAbortedCommitIsGivenAgainAtOnceAndThenWithBackOff) {
  World world(1);
  append_numbers(world, 0, 30);
  auto options = world.options("w");
  options.commit_interval = Milliseconds(0);
  options.abort_retries_max = 2;
  auto worker = world.worker(options);
  steps(world, *worker, 1);
  world.log.fail_commits(Fault::Abortable, 3);
  std::vector<std::int64_t> waits;
  while (!world.log.committed("toy", kIn)) {
    const auto step = worker->step();
    ASSERT_TRUE(step);
    waits.push_back(step->wait.count());
    world.now_ms += step->wait.count();
    ASSERT_LT(waits.size(), 100u);
  }
  EXPECT_EQ(std::count_if(waits.begin(), waits.end(), [](auto w) { return w > 0; }), 1);
  EXPECT_EQ(world.knobs.applied, 30u);
  EXPECT_EQ(records_in(world, "out"), 10u);
}

TEST(Worker, AFencedZombiePublishesNothingOfWhatItHadApplied) {
  World world(1);
  for (int i = 0; i < 6; ++i) world.append(kIn, "k", "1");  // not yet urgent
  auto options = world.options("a");
  options.commit_interval = Milliseconds(1'000'000);
  auto zombie = world.worker(options);
  steps(world, *zombie, 10);
  ASSERT_EQ(world.knobs.applied, 6u);
  ASSERT_EQ(world.log.committed("toy", kIn), std::nullopt);
  world.log.kill("toy", "a");  // it stalls, and the group gives it up
  world.log.expire("toy", "a");
  auto successor = world.worker(until_end(world, "b"));
  ASSERT_TRUE(world.until_done(*successor)) << world.error.text;
  EXPECT_EQ(records_in(world, "out"), 2u);
  zombie->stop();  // it wakes up and wants to commit what it has
  ASSERT_TRUE(world.until_done(*zombie)) << world.error.text;
  EXPECT_TRUE(world.said(LineLevel::Warning, "put out of the group"));
  EXPECT_EQ(records_in(world, "out"), 2u);
  EXPECT_EQ(world.log.committed("toy", kIn), 6);
}

TEST(Worker, AGracefulStopCommitsAndWritesACheckpointSoThatTheNextStartFoldsNothing) {
  World world(1);
  append_numbers(world, 0, 50);
  auto options = world.options("w");
  options.checkpoint_interval = std::chrono::hours(1);
  options.commit_interval = Milliseconds(1'000'000);
  options.poll_records_max = 7;
  auto worker = world.worker(options);
  steps(world, *worker, 8);
  const std::size_t applied = world.knobs.applied;
  ASSERT_GT(applied, 20u);
  ASSERT_LT(applied, 50u);
  worker->stop();
  ASSERT_TRUE(world.until_done(*worker));
  EXPECT_EQ(world.knobs.applied, applied);
  EXPECT_EQ(world.log.committed("toy", kIn), static_cast<Offset>(applied));
  EXPECT_EQ(position_in_state(world).value().at("in"), static_cast<Offset>(applied));
  EXPECT_EQ(world.log.members("toy"), 0u);
  auto next = world.worker(options);
  while (!next->ready() || world.seen.empty()) steps(world, *next, 1);
  EXPECT_TRUE(world.said(LineLevel::Info, "0 records folded again"));
}

TEST(Worker, AStopThatCannotCommitLeavesInTheEndAndTheNextOneLosesNothing) {
  World world(1);
  append_numbers(world, 0, 30);
  auto worker = world.worker(world.options("w"));
  world.log.fail_commits(Fault::Unavailable, 1'000'000, "w");
  steps(world, *worker, 5);
  worker->stop();
  ASSERT_TRUE(world.until_done(*worker, 1000));
  EXPECT_TRUE(world.said(LineLevel::Warning, "stopped without a last commit"));
  auto next = world.worker(until_end(world, "next"));
  ASSERT_TRUE(world.until_done(*next)) << world.error.text;
  EXPECT_EQ(records_in(world, "out"), 10u);
}

TEST(Worker, ARefoldPublishesNothing) {
  World world(1);
  append_numbers(world, 0, 60);
  auto options = world.options("w");
  options.checkpoint_interval = std::chrono::hours(1);
  options.poll_records_max = 10;
  options.commit_interval = Milliseconds(0);
  auto worker = world.worker(options);
  until_committed(world, *worker, 60);
  worker.reset();  // a crash: the first commit's checkpoint is all there is
  const Offset position = position_in_state(world).value().at("in");
  ASSERT_EQ(position, 10);
  ASSERT_EQ(records_in(world, "out"), 20u);
  world.knobs.applied = 0;
  world.seen.clear();
  auto next = world.worker(options);
  while (!next->ready() || world.seen.empty()) steps(world, *next, 1);
  EXPECT_EQ(world.knobs.applied, 50u);
  steps(world, *next, 1000);
  EXPECT_EQ(records_in(world, "out"), 20u);
  for (const auto& [key, sum] : world.seen[0]) EXPECT_EQ(sum.count, 12) << key;
}

TEST(Worker, StateOlderThanWhatTheLogKeepsStopsTheStartWithAClearLine) {
  World world(1);
  append_numbers(world, 0, 60);
  auto options = world.options("w");
  options.checkpoint_interval = std::chrono::hours(1);
  options.poll_records_max = 10;
  options.commit_interval = Milliseconds(0);
  auto worker = world.worker(options);
  until_committed(world, *worker, 60);
  worker.reset();
  world.log.delete_before(kIn, 30);
  auto next = world.worker(options);
  EXPECT_FALSE(world.until_done(*next, 100));
  EXPECT_EQ(world.error.code, Errc::state_corrupt);
  EXPECT_TRUE(world.said(LineLevel::Error, "too old for what the log keeps"));
}

TEST(Worker, InputThatRetentionTookBeforeItWasReadIsSaidAndTheRestIsRead) {
  World world(1);
  append_numbers(world, 0, 20);
  auto first = world.worker(until_end(world));
  ASSERT_TRUE(world.until_done(*first));
  append_numbers(world, 20, 40);
  world.log.delete_before(kIn, 30);
  auto second = world.worker(until_end(world));
  ASSERT_TRUE(world.until_done(*second)) << world.error.text;
  EXPECT_TRUE(world.said(LineLevel::Error, "retention took offsets 20 to 29"));
  EXPECT_EQ(world.knobs.applied, 30u);
}

TEST(Worker, StateAheadOfTheGroupsOffsetIsRefused) {
  World world(1);
  append_numbers(world, 0, 20);
  auto first = world.worker(until_end(world));
  ASSERT_TRUE(world.until_done(*first));
  world.append({"toy-state", 0}, std::string(kPositionKey), encode_positions({{"in", 21}}));
  auto second = world.worker(until_end(world));
  EXPECT_FALSE(world.until_done(*second, 100));
  EXPECT_EQ(world.error.code, Errc::state_corrupt);
  EXPECT_THAT(world.error.text, HasSubstr("ahead of the truth"));
}

TEST(Worker, StateThatGoesWithEveryCommitMustStandAtTheGroupsOffset) {
  World world(1);
  append_numbers(world, 0, 20);
  auto first = world.worker(until_end(world));
  ASSERT_TRUE(world.until_done(*first));
  world.append({"toy-state", 0}, std::string(kPositionKey), encode_positions({{"in", 19}}));
  auto second = world.worker(until_end(world));
  EXPECT_FALSE(world.until_done(*second, 100));
  EXPECT_EQ(world.error.code, Errc::state_corrupt);
}

TEST(Worker, StateThatTheStageCannotReadStopsTheStart) {
  World world(1);
  world.append(kIn, "k", "1");
  auto first = world.worker(until_end(world));
  ASSERT_TRUE(world.until_done(*first));
  world.append({"toy-state", 0}, "in/k", "garbage");
  auto second = world.worker(until_end(world));
  EXPECT_FALSE(world.until_done(*second, 100));
  EXPECT_EQ(world.error.code, Errc::state_corrupt);
}

TEST(Worker, ACommitIsForcedWhenTheGatheredOutputsReachTheirLimit) {
  for (const bool by_bytes : {false, true}) {
    World world(1);
    for (int i = 0; i < 60; ++i) world.append(kIn, "dead letter", "x");
    prometheus::Registry registry;
    WorkerProbe probe(registry, "toy");
    auto options = world.options("w");
    options.commit_interval = std::chrono::hours(1);
    (by_bytes ? options.gathered_bytes_max : options.gathered_records_max) = by_bytes ? 200 : 8;
    auto parts = world.parts();
    parts.probe = &probe;
    auto worker = Worker::create(world.log, options, parts).value();
    for (int i = 0; i < 20; ++i) steps(world, *worker, 1);
    const Offset committed = world.log.committed("toy", kIn).value_or(0);
    EXPECT_GT(committed, 50) << "by bytes: " << by_bytes;
    EXPECT_LT(committed, 60) << "what is below the limit waits for the interval";
    EXPECT_EQ(records_in(world, "dead"), static_cast<std::size_t>(committed));
  }
}

TEST(Worker, AnUrgentOutputIsCommittedBeforeTheInterval) {
  World world(1);
  auto options = world.options("w");
  options.commit_interval = std::chrono::hours(1);
  auto worker = world.worker(options);
  for (int i = 0; i < 6; ++i) world.append(kIn, "k", "1");
  steps(world, *worker, 20);
  EXPECT_EQ(world.log.committed("toy", kIn), std::nullopt);
  world.append(kIn, "k", "1");  // the seventh of its key
  steps(world, *worker, 1);
  EXPECT_EQ(world.log.committed("toy", kIn), 7);
}

TEST(Worker, ARecordThatTheStageCannotApplyIsTriedAgainAndAppliedOnce) {
  World world(1);
  append_numbers(world, 0, 30);
  world.knobs.apply_failures = 4;
  auto worker = world.worker(until_end(world));
  ASSERT_TRUE(world.until_done(*worker)) << world.error.text;
  EXPECT_TRUE(world.said(LineLevel::Error, "in-0 offset 0: the rules cannot be read"));
  EXPECT_EQ(world.knobs.applied, 30u);
  EXPECT_EQ(records_in(world, "out"), 10u) << "what a failed apply put out is dropped";
}

TEST(Worker, PartitionsMoveBetweenTwoWorkersAndEachOutputIsPublishedOnce) {
  World world(4);
  for (int i = 0; i < 4; ++i) append_numbers(world, 0, 30, {"in", i});
  auto a = world.worker(world.options("a"));
  steps(world, *a, 3);
  auto b = world.worker(world.options("b"));
  for (int i = 0; i < 50; ++i) {
    steps(world, *a, 1);
    steps(world, *b, 1);
  }
  EXPECT_THAT(a->status(), HasSubstr("2 partitions"));
  EXPECT_THAT(b->status(), HasSubstr("2 partitions"));
  a.reset();
  for (int i = 0; i < 4; ++i) append_numbers(world, 30, 60, {"in", i});
  for (int i = 0; i < 4; ++i) until_committed(world, *b, 60, {"in", i});
  EXPECT_EQ(records_in(world, "out"), 4u * 20);
}

class Tending final : public Custodian {
 public:
  explicit Tending(World& world) : world_(world) {}
  void tend(const TopicPartition& input, Offset read_to, Offset end) override {
    ++calls;
    if (read_to == end) world_.append(input, "tick", std::to_string(++ticks));  // at most one unread
  }
  void lost(const TopicPartition& input) override { lost_.push_back(to_string(input)); }
  int calls = 0;
  int ticks = 0;
  std::vector<std::string> lost_;

 private:
  World& world_;
};

TEST(Worker, TheCustodianIsCalledAtItsIntervalAndToldWhatIsLost) {
  World world(1);
  Tending tending(world);
  auto options = world.options("w");
  options.tend_interval = Milliseconds(10);
  auto parts = world.parts();
  parts.custodian = &tending;
  auto worker = Worker::create(world.log, options, parts).value();
  steps(world, *worker, 205);  // a millisecond each
  EXPECT_GE(tending.calls, 15);
  EXPECT_LE(tending.calls, 21);
  EXPECT_GE(tending.ticks, 10);
  worker->stop();
  ASSERT_TRUE(world.until_done(*worker));
  EXPECT_THAT(tending.lost_, ElementsAre("in-0"));
}

TEST(Worker, OptionsThatCannotWorkAreRefused) {
  World world(1);
  auto two = world.options("w");
  two.topics = {"in", "in2"};
  two.checkpoint_interval = Milliseconds(10);
  EXPECT_EQ(Worker::create(world.log, two, world.parts()).error().code, Errc::usage);
  auto unknown = world.options("w");
  unknown.topics = {"nowhere"};
  EXPECT_EQ(Worker::create(world.log, unknown, world.parts()).error().code, Errc::topic_unknown);
  const TopicSpec wide{"wide", 3};
  ASSERT_TRUE(world.log.create_topics({&wide, 1}));
  auto unequal = world.options("w");
  unequal.topics = {"in", "wide"};
  EXPECT_EQ(Worker::create(world.log, unequal, world.parts()).error().code, Errc::partitions_changed);
}

TEST(Worker, RunsOnItsOwnThreadUntilItIsToldToStop) {
  MemoryLog log;
  for (const char* name : {"in", "out", "ticks", "dead"}) {
    const TopicSpec spec{name, 2};
    ASSERT_TRUE(log.create_topics({&spec, 1}));
  }
  toy::Knobs knobs;
  WorkerParts parts;
  parts.stages = [&](int number) { return std::make_unique<toy::ToyStage>(number, 2, &knobs); };
  WorkerOptions options;
  options.service = "toy";
  options.name = "w";
  options.topics = {"in"};
  options.commit_interval = Milliseconds(1);
  auto worker = Worker::create(log, options, parts).value();
  Result<void> ended = fail(Errc::stopped, "never ran");
  std::jthread thread([&](const std::stop_token& stop) { ended = worker->run(stop); });
  auto appender = log.appender().value();
  for (int i = 0; i < 100; ++i) {
    const NewRecord record{{"in", i % 2}, "k", "1", {}};
    ASSERT_TRUE(appender->append({&record, 1}));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (log.committed("toy", {"in", 0}).value_or(0) + log.committed("toy", {"in", 1}).value_or(0) < 100) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << worker->status();
    std::this_thread::yield();
  }
  EXPECT_TRUE(worker->ready());
  thread.request_stop();
  thread.join();
  EXPECT_TRUE(ended);
  EXPECT_EQ(log.members("toy"), 0u);
}

}  // namespace
}  // namespace qc::stream
