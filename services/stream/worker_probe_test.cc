#include "stream/worker_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "stream/worker_toy.h"

namespace qc::stream {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(WorkerProbe, CountsWhatAWorkerDoes) {
  toy::World world(1);
  for (int i = 0; i < 30; ++i) world.append({"in", 0}, "k" + std::to_string(i % 5), "1");
  prometheus::Registry registry;
  WorkerProbe probe(registry, "toy");
  auto options = world.options("w");
  options.poll_records_max = 10;
  auto parts = world.parts();
  parts.probe = &probe;
  auto worker = Worker::create(world.log, options, parts).value();
  world.log.fail_commits(MemoryLog::CommitFault::Full, 1);
  for (int i = 0; i < 1000 && world.log.committed("toy", {"in", 0}) != 30; ++i) {
    const auto step = worker->step();
    ASSERT_TRUE(step);
    world.now_ms += std::max<std::int64_t>(10, step->wait.count());
  }
  const std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
  for (const char* line : {
           "qingchuan_worker_read_records_total{service=\"toy\"} 30\n",
           "qingchuan_worker_read_bytes_total{service=\"toy\"} 90\n",
           "qingchuan_worker_published_records_total{service=\"toy\",topic=\"out\"} 10\n",
           "qingchuan_worker_commits_total{outcome=\"full\",service=\"toy\"} 1\n",
           "qingchuan_worker_restores_total{service=\"toy\"} 1\n",
           "qingchuan_worker_retries_total{service=\"toy\"} 1\n",
           "qingchuan_worker_lag_records{partition=\"0\",service=\"toy\"} 0\n",
           "qingchuan_worker_ready{service=\"toy\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("qingchuan_worker_cpu_seconds_total{service=\"toy\"} 0\n")));
  worker.reset();
  EXPECT_THAT(prometheus::TextSerializer().Serialize(registry.Collect()),
              HasSubstr("qingchuan_worker_ready{service=\"toy\"} 0\n"));
}

TEST(WorkerProbe, TwoWorkersOfAServiceCountIntoTheSameSeries) {
  prometheus::Registry registry;
  WorkerProbe a(registry, "toy");
  WorkerProbe b(registry, "toy");
  a.read(1, 10);
  b.read(2, 20);
  a.ready(true);
  b.ready(true);
  b.ready(true);
  const std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
  EXPECT_THAT(text, HasSubstr("qingchuan_worker_read_records_total{service=\"toy\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("qingchuan_worker_ready{service=\"toy\"} 2\n"));
}

}  // namespace
}  // namespace qc::stream
