// The property on which everything hangs: whatever happens to the workers, what is committed is what an undisturbed run
// commits. Each seed is one world: two worker slots, random sizes and intervals, and at random moments crashes (with
// and without notice, in the middle of a restore too), zombies, fences, rebalances, graceful restarts, failing commits,
// lost answers, a log that is away, a stage that cannot go on, compaction and offset gaps. A seed that fails prints
// itself; QC_SEED=n runs only that one, QC_SEEDS=n so many.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <random>

#include "stream/worker_toy.h"

namespace qc::stream {
namespace {

using toy::World;
using Published = std::map<std::string, std::map<std::string, std::vector<std::string>>>;

constexpr unsigned kSeeds = 400;

struct Input {
  TopicPartition to;
  Offset gap = 0;
  std::string key;
  std::optional<std::string> value;
};

class Simulation {
 public:
  explicit Simulation(unsigned seed) : random_(seed) {
    partitions_ = 1 + pick(4);
    log_options_.control_records = pick(2);
    two_topics_ = pick(4) == 0;
    checkpoint_ = two_topics_ ? 0 : std::array{0, 20, 300, 5000}[static_cast<std::size_t>(pick(4))];
    const int many = 50 + pick(400);
    for (int i = 0; i < many; ++i) {
      Input input{{two_topics_ && pick(2) == 0 ? "in2" : "in", pick(partitions_)}, pick(20) == 0 ? pick(5) : 0, "", {}};
      const int kind = pick(20);
      input.key = kind == 0 ? "tick" : "k" + std::to_string(pick(12));
      if (kind != 1) input.value = kind == 2 ? "not a number" : std::to_string(pick(1000) - 300);
      inputs_.push_back(std::move(input));
    }
  }

  // What one worker that nothing happens to commits; and the sums it ends with.
  Published undisturbed(std::map<int, toy::Sums>* sums) {
    World world(partitions_, log_options_);
    for (const Input& input : inputs_) append(world, input);
    auto options = world.options("only");
    options.topics = topics();
    options.until_end = true;
    auto worker = world.worker(options);
    EXPECT_TRUE(world.until_done(*worker)) << world.error.text;
    *sums = settle(world);
    return all(world);
  }

  Published disturbed(std::map<int, toy::Sums>* sums) {
    World world(partitions_, log_options_);
    std::array<Slot, 2> slots{Slot{"a", nullptr, false}, Slot{"b", nullptr, false}};
    std::map<TopicPartition, Offset> committed;
    for (std::size_t next = 0; next < inputs_.size() || pick(60) != 0;) {
      world.now_ms += pick(4) == 0 ? pick(300) : pick(5);
      if (next < inputs_.size() && !away_ && pick(3) != 0) append(world, inputs_[next++]);
      disturb(world, slots[static_cast<std::size_t>(pick(2))]);
      Slot& slot = slots[static_cast<std::size_t>(pick(2))];
      if (slot.worker) step(slot);
      never_back(world, committed);
      if (testing::Test::HasFailure()) return {};
    }
    for (Slot& slot : slots) {
      world.log.kill("toy", slot.name);
      slot.worker.reset();
      world.log.expire("toy", slot.name);
    }
    quieten(world);
    auto options = random_options(world, "last");
    options.until_end = true;
    auto worker = world.worker(options);
    EXPECT_TRUE(world.until_done(*worker)) << world.error.text << " " << worker->status();
    never_back(world, committed);
    tally(world);
    world.log.compact_now();
    *sums = settle(world);
    return all(world);
  }

  // How often the rare branches were taken, over all seeds: a simulation that never reaches them proves nothing.
  struct Tally {
    int rejoined = 0;
    int refolded = 0;
    int commits_failed = 0;
    int applies_failed = 0;
    int stopped = 0;
    int left = 0;
  };
  static Tally& tally() {
    static Tally all;
    return all;
  }

 private:
  static void tally(const World& world) {
    tally().rejoined += world.times_said(LineLevel::Warning, "put out of the group");
    tally().refolded += world.times_said(LineLevel::Info, "records folded again") -
                        world.times_said(LineLevel::Info, " 0 records folded again");
    tally().commits_failed += world.times_said(LineLevel::Error, "cannot commit");
    tally().applies_failed += world.times_said(LineLevel::Error, "a record cannot be applied");
    tally().left += world.times_said(LineLevel::Info, "gives up");
    tally().stopped += world.times_said(LineLevel::Info, ": stopped");
  }

  struct Slot {
    std::string name;
    std::unique_ptr<Worker> worker;
    bool killed = false;
  };

  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::vector<std::string> topics() const {
    return two_topics_ ? std::vector<std::string>{"in", "in2"} : std::vector<std::string>{"in"};
  }

  static void append(World& world, const Input& input) {
    world.log.leave_gap(input.to, input.gap);
    world.append(input.to, input.key, input.value);
  }

  WorkerOptions random_options(World& world, const std::string& name) {
    auto options = world.options(name);
    options.topics = topics();
    options.checkpoint_interval = Milliseconds(checkpoint_);
    options.commit_interval = Milliseconds(pick(3) == 0 ? 0 : pick(200));
    options.poll_records_max = static_cast<std::size_t>(1 + pick(30));
    options.gathered_records_max = static_cast<std::size_t>(1 + pick(40));
    options.gathered_bytes_max = static_cast<std::size_t>(50 + pick(3000));
    options.abort_retries_max = pick(3);
    options.retry_wait_min = Milliseconds(1 + pick(20));
    options.retry_wait_max = options.retry_wait_min * 4;
    options.stop_wait_max = Milliseconds(200);
    return options;
  }

  void disturb(World& world, Slot& slot) {
    using Fault = MemoryLog::CommitFault;
    switch (pick(90)) {
      case 0:  // dies; its partitions wait for the session to end
        world.log.kill("toy", slot.name);
        slot.worker.reset();
        slot.killed = true;
        break;
      case 1:  // dies, and the system gives its partitions up at once
        slot.worker.reset();
        break;
      case 2:  // stalls, comes back as a zombie
        world.log.kill("toy", slot.name);
        slot.killed = true;
        break;
      case 3:
        world.log.fence("toy", slot.name);
        break;
      case 31:
      case 32:
        world.log.revoke("toy", slot.name);
        break;
      case 4:
        if (slot.worker) slot.worker->stop();
        break;
      case 5:
        world.log.fail_commits(Fault::Unknown);
        break;
      case 6:  // crash after the commit, before its answer
        world.log.fail_commits(Fault::Unknown, 1, slot.name);
        for (int i = 0; slot.worker && i < 5; ++i) step(slot);
        slot.worker.reset();
        break;
      case 7:
      case 8:
        world.log.fail_commits(Fault::Abortable, 1 + pick(4));
        break;
      case 9:
        world.log.fail_commits(Fault::Full, 1 + pick(4));
        break;
      case 10:
        world.log.fail_commits(Fault::Unavailable, 1 + pick(4));
        break;
      case 11:
        away_ = true;
        world.log.unavailable(away_);
        break;
      case 12:
        world.knobs.apply_failures = 1 + pick(3);
        break;
      case 13:
      case 14:
      case 15:
        world.log.compact_now();
        break;
      case 16:
        for (int i = 0; i < partitions_; ++i) {
          if (world.log.range({"toy-state", i})) world.log.leave_gap({"toy-state", i}, pick(3));
        }
        break;
      case 17:
      case 18:
      case 19:
        away_ = false;
        world.log.unavailable(away_);
        break;
      case 20:
      case 21:
      case 22:
      case 23:
      case 24:
        if (slot.killed) world.log.expire("toy", slot.name);
        slot.killed = false;
        break;
      case 25:
      case 26:
      case 27:
      case 28:
      case 29:
      case 30:
        if (!slot.worker) slot.worker = world.worker(random_options(world, slot.name));
        break;
      default:
        break;
    }
  }

  static void step(Slot& slot) {
    const auto step = slot.worker->step();
    EXPECT_TRUE(step) << (step ? "" : step.error().text);
    if (!step || step->done) slot.worker.reset();
  }

  // No commit ever takes the group back.
  void never_back(World& world, std::map<TopicPartition, Offset>& before) {
    for (const std::string& topic : topics()) {
      for (int i = 0; i < partitions_; ++i) {
        const Offset now = world.log.committed("toy", {topic, i}).value_or(0);
        EXPECT_GE(now, (before[{topic, i}])) << topic << "-" << i;
        before[{topic, i}] = now;
      }
    }
  }

  static void quieten(World& world) {
    world.log.unavailable(false);
    world.knobs.apply_failures = 0;
  }

  // The sums that a newcomer restores: loaded and folded, with nothing of the runs before in memory.
  std::map<int, toy::Sums> settle(World& world) {
    world.seen.clear();
    auto worker = world.worker(newcomer_options(world));
    for (int i = 0; i < 100000 && !(worker->ready() && world.seen.size() == static_cast<std::size_t>(partitions_));
         ++i) {
      const auto step = worker->step();
      EXPECT_TRUE(step) << (step ? "" : step.error().text);
      if (!step) break;
      world.now_ms += 1 + step->wait.count();
    }
    EXPECT_EQ(world.seen.size(), static_cast<std::size_t>(partitions_)) << worker->status();
    return world.seen;
  }

  WorkerOptions newcomer_options(World& world) {
    auto options = world.options("newcomer");
    options.topics = topics();
    options.checkpoint_interval = Milliseconds(checkpoint_);
    return options;
  }

  static Published all(World& world) {
    Published everything;
    for (const char* topic : {"out", "ticks", "dead"}) everything[topic] = world.published(topic);
    return everything;
  }

  std::mt19937 random_;
  int partitions_ = 1;
  bool two_topics_ = false;
  int checkpoint_ = 0;
  MemoryLogOptions log_options_;
  std::vector<Input> inputs_;
  bool away_ = false;
};

TEST(WorkerSimulation, CommitsWhatAnUndisturbedRunCommitsWhateverHappens) {
  const char* only = std::getenv("QC_SEED");
  const unsigned first = only == nullptr ? 1 : static_cast<unsigned>(std::atoi(only));
  const char* many = std::getenv("QC_SEEDS");  // the nightly run asks for more
  const unsigned seeds = many == nullptr ? kSeeds : std::max(kSeeds, static_cast<unsigned>(std::atoi(many)));
  const unsigned last = only == nullptr ? seeds : first;
  std::size_t outputs = 0;
  for (unsigned seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("QC_SEED=" + std::to_string(seed));
    Simulation simulation(seed);
    std::map<int, toy::Sums> expected_sums;
    std::map<int, toy::Sums> sums;
    const Published expected = simulation.undisturbed(&expected_sums);
    const Published got = simulation.disturbed(&sums);
    EXPECT_EQ(got, expected);
    EXPECT_EQ(sums, expected_sums);
    for (const auto& [topic, sequences] : got) {
      for (const auto& [source, values] : sequences) outputs += values.size();
    }
    if (HasFailure()) break;
  }
  if (only != nullptr) return;
  EXPECT_GT(outputs, 10000u);
  EXPECT_GT(Simulation::tally().rejoined, 100);
  EXPECT_GT(Simulation::tally().refolded, 100);
  EXPECT_GT(Simulation::tally().commits_failed, 100);
  EXPECT_GT(Simulation::tally().applies_failed, 100);
  EXPECT_GT(Simulation::tally().stopped, 100);
  EXPECT_GT(Simulation::tally().left, 100);
}

}  // namespace
}  // namespace qc::stream
