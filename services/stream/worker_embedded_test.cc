// The worker over the embedded log: the same engine over a file, killed in the middle and gone on with.
#include <gtest/gtest.h>

#include <algorithm>

#include "stream/embedded_log.h"
#include "stream/embedded_test_directory.h"
#include "stream/worker_toy.h"

namespace qc::stream {
namespace {

std::vector<std::string> values(Log& log, const std::string& topic) {
  std::vector<std::string> all;
  for (int i = 0; i < 2; ++i) {
    const std::pair<TopicPartition, Offset> from{{topic, i}, 0};
    auto reader = log.reader({&from, 1}).value();
    Batch batch;
    while (reader->poll(batch, 1000, Milliseconds(0)) && !batch.records.empty()) {
      for (const Record& record : batch.records)
        all.push_back(std::string(record.key) + "=" + std::string(record.value));
    }
  }
  return all;
}

// Runs a toy over `count` numbers in each of two partitions, `crashes` times dropped in mid-flight; what it published.
std::vector<std::string> run(int crashes, Milliseconds checkpoint_interval) {
  TestDirectory directory;
  EmbeddedOptions embedded;
  embedded.create = true;
  auto log = open_embedded(directory.path(), embedded).value();
  std::vector<TopicSpec> specs;
  for (const char* name : {"in", "out", "ticks", "dead"}) specs.push_back(TopicSpec{name, 2});
  EXPECT_TRUE(log->create_topics(specs));
  std::vector<NewRecord> input;
  for (int i = 0; i < 600; ++i) {
    input.push_back(
        NewRecord{{"in", i % 2}, i % 50 > 47 ? "tick" : "k" + std::to_string(i % 7), std::to_string(i), {}});
  }
  EXPECT_TRUE(log->appender().value()->append(input));

  toy::Knobs knobs;
  WorkerParts parts;
  parts.stages = [&](int number) { return std::make_unique<toy::ToyStage>(number, 2, &knobs); };
  WorkerOptions options;
  options.service = "toy";
  options.name = "w";
  options.topics = {"in"};
  options.checkpoint_interval = checkpoint_interval;
  options.commit_interval = Milliseconds(0);
  options.poll_wait = Milliseconds(5);
  options.poll_records_max = 20;
  options.until_end = true;
  for (int i = 0; i < crashes; ++i) {
    auto worker = Worker::create(*log, options, parts).value();
    const std::size_t until = knobs.applied + 45;
    for (int steps = 0; steps < 10000 && knobs.applied < until; ++steps) EXPECT_TRUE(worker->step());
  }
  auto worker = Worker::create(*log, options, parts).value();
  const auto ended = worker->run({});
  EXPECT_TRUE(ended) << (ended ? "" : describe(ended.error()));
  auto all = values(*log, "out");
  for (const std::string& value : values(*log, "ticks")) all.push_back(value);
  EXPECT_TRUE(log->check_integrity());
  return all;
}

// Over two partitions only the order within each is given, so what is compared is sorted: the values hold the offsets.
std::vector<std::string> sorted(std::vector<std::string> all) {
  std::sort(all.begin(), all.end());
  return all;
}

TEST(WorkerOverEmbedded, CommitsTheSameWithAndWithoutCrashes) {
  const auto expected = sorted(run(0, Milliseconds(0)));
  ASSERT_GT(expected.size(), 100u);
  EXPECT_EQ(sorted(run(5, Milliseconds(0))), expected);
  EXPECT_EQ(sorted(run(5, std::chrono::hours(1))), expected);
}

}  // namespace
}  // namespace qc::stream
