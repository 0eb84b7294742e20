// The embedded log among processes: killed in the middle of commits, and several writing at once. Children are forked
// before this process opens the log, as embedded_log.h demands.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "stream/embedded_test_directory.h"

namespace qc::stream {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kInputs = 20'000;
const GroupSpec kGroup{"steps", {"in"}, "steps-0"};

EmbeddedOptions options() {
  EmbeddedOptions options;
  options.create = true;
  options.standby_interval = Milliseconds(5);
  options.compaction_dirty_ratio = 0;
  options.maintenance_rows = 5;
  options.wal_bytes_target = 128UL << 10;  // so that some deaths fall into checkpoints
  return options;
}

// A forked process that runs `body` and tells of its progress, a byte a time.
class Child {
 public:
  explicit Child(const std::function<int(const std::function<void()>& progress)>& body) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[0]);
      // A child that outlives a failing parent ends at its next word: the pipe is broken then.
      _exit(body([&] {
        if (write(ends[1], ".", 1) != 1) _exit(9);
      }));
    }
    close(ends[1]);
    progress_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) kill_now();
    close(progress_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // false: it ended before, or a deadline passed.
  bool await(int steps) {
    for (int i = 0; i < steps; ++i) {
      pollfd readable{progress_, POLLIN, 0};
      char byte;
      if (::poll(&readable, 1, 20'000) != 1 || read(progress_, &byte, 1) != 1) return false;
    }
    return true;
  }
  void kill_now() {
    ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = -1;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  int progress_ = -1;
};

NewRecord record(const std::string& topic, int partition, std::string key, std::string value) {
  return NewRecord{{topic, partition}, std::move(key), std::move(value), ""};
}

// Copies each input to two topics and keeps the count as compacted state, one transaction for a few; beside it, a door
// appends pairs, and maintenance runs.
int copy_until_killed(const std::string& directory, unsigned seed, const std::function<void()>& progress) {
  std::mt19937 random(seed);
  auto log = open_embedded(directory, options());
  if (!log) return 2;
  std::thread door([&] {
    auto appender = (*log)->appender();
    for (int i = 0;; ++i) {
      const std::vector<NewRecord> pair = {record("pairs", 0, "p", std::to_string(i)),
                                           record("pairs", 1, "p", std::to_string(i))};
      if (!(*appender)->append(pair)) _exit(3);
      if (i % 8 == 7 && !(*log)->maintain()) _exit(4);
    }
  });
  auto member = (*log)->join(kGroup);
  if (!member) _exit(5);
  Batch batch;
  Assignment change;
  for (;;) {
    if (!(*member)->poll(batch, change, 1 + random() % 20, Milliseconds(50))) _exit(6);
    if (batch.records.empty()) continue;
    Transaction step;
    for (const Record& r : batch.records) {
      step.records.push_back(record("a", 0, "k", std::string(r.value)));
      step.records.push_back(record("b", 0, "k", std::string(r.value)));
      step.next = {{*r.from, r.offset + 1}};
    }
    step.records.push_back(record("state", 0, "count", std::to_string(step.next[0].second)));
    if (!(*member)->commit(step)) _exit(7);
    progress();
  }
}

std::vector<std::string> values_of(Log& log, const TopicPartition& tp) {
  std::vector<std::string> values;
  const std::pair<TopicPartition, Offset> from[] = {{tp, 0}};
  auto reader = log.reader(from);
  Batch batch;
  do {
    const auto polled = (*reader)->poll(batch, 5000, Milliseconds(0));
    EXPECT_TRUE(polled.has_value());
    for (const Record& r : batch.records) values.emplace_back(r.value);
  } while (!batch.records.empty());
  return values;
}

void fill(const std::string& directory) {
  auto log = open_embedded(directory, options());
  ASSERT_TRUE(log.has_value()) << describe(log.error());
  const std::vector<TopicSpec> topics = {{"in", 1}, {"a", 1}, {"b", 1}, {"pairs", 2}, {"state", 1, Cleanup::Compact}};
  ASSERT_TRUE((*log)->create_topics(topics).has_value());
  std::vector<NewRecord> input;
  for (int i = 0; i < kInputs; ++i) input.push_back(record("in", 0, "k", std::to_string(i)));
  ASSERT_TRUE((*(*log)->appender())->append(input).has_value());
}

// One look at the log after a death. Returns how many inputs have been committed.
std::size_t expect_consistent(EmbeddedLog& log) {
  const auto sound = log.check_integrity();
  EXPECT_TRUE(sound.has_value()) << describe(sound.error());
  const auto a = values_of(log, {"a", 0});
  EXPECT_EQ(a, values_of(log, {"b", 0}));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == std::to_string(i)) continue;
    ADD_FAILURE() << "output " << i << " is " << a[i];
    break;
  }
  EXPECT_EQ(values_of(log, {"pairs", 0}), values_of(log, {"pairs", 1}));
  const auto state = values_of(log, {"state", 0});
  EXPECT_EQ(a.size(), state.empty() ? 0U : std::stoul(state.back()));
  auto member = log.join(kGroup);
  EXPECT_TRUE(member.has_value());
  const auto committed = (*member)->committed({"in", 0});
  EXPECT_EQ(a.size(), static_cast<std::size_t>(committed->value_or(0)));
  return a.size();
}

TEST(EmbeddedCrash, SigkillAtAnyMomentLeavesWholeTransactionsAndFreeLeases) {
  TestDirectory directory;
  fill(directory.path());
  const char* more = std::getenv("QC_CRASH_ROUNDS");  // the nightly run asks for more
  const unsigned rounds = more != nullptr ? static_cast<unsigned>(std::stoul(more)) : 25U;
  std::size_t committed = 0;
  for (unsigned round = 1; round <= rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::mt19937 random(round);
    Child child([&](const auto& progress) { return copy_until_killed(directory.path(), round, progress); });
    ASSERT_TRUE(child.await(1 + static_cast<int>(random() % 12)));
    // Not always right after a commit: some way into the next one.
    const auto moment = Clock::now() + std::chrono::microseconds(random() % 9000);
    while (Clock::now() < moment) {
    }
    child.kill_now();
    auto log = open_embedded(directory.path(), options());
    ASSERT_TRUE(log.has_value()) << describe(log.error());
    const std::size_t now = expect_consistent(**log);
    EXPECT_GT(now, committed);
    committed = now;
    auto member = (*log)->join(kGroup);
    Batch batch;
    Assignment change;
    ASSERT_TRUE((*member)->poll(batch, change, 1, Milliseconds(0)).has_value());
    EXPECT_EQ(change.gained.size(), 1U);  // at the first try: the system has dropped the dead one's lock
    if (HasFailure()) return;
  }
}

TEST(EmbeddedCrash, AMemberStandsByWhileAnotherProcessOwnsAndTakesOverWhenItIsKilled) {
  TestDirectory directory;
  fill(directory.path());
  Child child([&](const auto& progress) { return copy_until_killed(directory.path(), 1, progress); });
  ASSERT_TRUE(child.await(2));
  auto log = open_embedded(directory.path(), options());
  ASSERT_TRUE(log.has_value()) << describe(log.error());
  auto member = (*log)->join({"steps", {"in"}, "steps-1"});
  ASSERT_TRUE(member.has_value());
  Batch batch;
  Assignment change;
  ASSERT_TRUE((*member)->poll(batch, change, 10, Milliseconds(50)).has_value());
  EXPECT_TRUE(change.empty());
  EXPECT_TRUE(batch.records.empty());
  auto holders = (*log)->holders("steps");
  ASSERT_TRUE(holders.has_value());
  ASSERT_EQ(holders->size(), 1U);
  EXPECT_TRUE(holders->front().held);
  EXPECT_EQ(holders->front().pid, child.pid());
  EXPECT_EQ(holders->front().member, "steps-0");
  const std::int64_t epoch = holders->front().epoch;

  child.kill_now();
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (change.gained.empty() && Clock::now() < deadline) {
    ASSERT_TRUE((*member)->poll(batch, change, 10, Milliseconds(20)).has_value());
  }
  ASSERT_EQ(change.gained, (std::vector<TopicPartition>{{"in", 0}}));
  holders = (*log)->holders("steps");
  ASSERT_TRUE(holders.has_value());
  EXPECT_EQ(holders->front().pid, getpid());
  EXPECT_EQ(holders->front().member, "steps-1");
  EXPECT_EQ(holders->front().epoch, epoch + 1);
  const auto committed = (*member)->committed({"in", 0});
  ASSERT_TRUE((*member)->poll(batch, change, 1, Milliseconds(100)).has_value());
  ASSERT_EQ(batch.records.size(), 1U);
  EXPECT_EQ(batch.records[0].offset, committed->value_or(-1));
}

TEST(EmbeddedProcesses, WritersOfSeveralProcessesInterleaveAndAReaderSeesItAll) {
  TestDirectory directory;
  constexpr int kProcesses = 3;
  constexpr int kAppends = 60;
  const auto append = [&](int process, const std::function<void()>& progress) {
    auto log = open_embedded(directory.path(), options());  // all of them may be the one that creates it
    if (!log || !(*log)->create_topics(std::vector<TopicSpec>{{"pairs", 2}})) return 2;
    auto appender = (*log)->appender();
    progress();
    for (int i = 0; i < kAppends; ++i) {
      const std::string key = std::to_string(process);
      const std::vector<NewRecord> pair = {record("pairs", 0, key, std::to_string(i)),
                                           record("pairs", 1, key, std::to_string(i))};
      if (!(*appender)->append(pair)) return 3;
    }
    return 0;
  };
  std::vector<std::unique_ptr<Child>> children;
  for (int process = 0; process < kProcesses; ++process) {
    children.push_back(
        std::make_unique<Child>([&, process](const auto& progress) { return append(process, progress); }));
  }
  for (const auto& child : children) ASSERT_TRUE(child->await(1));
  auto log = open_embedded(directory.path(), options());
  ASSERT_TRUE(log.has_value()) << describe(log.error());
  const std::pair<TopicPartition, Offset> from[] = {{{"pairs", 0}, 0}, {{"pairs", 1}, 0}};
  auto reader = (*log)->reader(from);
  ASSERT_TRUE(reader.has_value());
  std::thread here([&] { EXPECT_EQ(append(kProcesses, [] {}), 0); });  // and this process writes, too
  std::map<int, std::vector<std::string>> seen;
  Batch batch;
  constexpr std::size_t kAll = (kProcesses + 1) * kAppends;
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  while ((seen[0].size() < kAll || seen[1].size() < kAll) && Clock::now() < deadline) {
    ASSERT_TRUE((*reader)->poll(batch, 1000, Milliseconds(1000)).has_value());
    for (const Record& r : batch.records) {
      seen[r.from->partition].push_back(std::string(r.key) + " " + std::string(r.value));
    }
    // Half a commit is never seen.
    EXPECT_EQ(seen[0].size(), seen[1].size());
  }
  here.join();
  for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0].size(), kAll);
  std::map<std::string, int> next;
  for (const std::string& line : seen[0]) {
    const auto space = line.find(' ');
    EXPECT_EQ(std::stoi(line.substr(space + 1)), next[line.substr(0, space)]++);
  }
  const auto sound = (*log)->check_integrity();
  EXPECT_TRUE(sound.has_value()) << describe(sound.error());
}

}  // namespace
}  // namespace qc::stream
