// The embedded log's speed on this machine's disk: appends of 150-byte records in batches of 1, 100 and 10,000, the
// latency of a commit of one record, one process's transaction (read a batch, commit as many outputs), and reading.
// Every append is durable (fsync) when it is counted. QC_BENCH_DIR chooses the disk; else the temporary directory's.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "stream/embedded_log.h"

namespace qc::stream {
namespace {

constexpr std::size_t kRecordBytes = 150;  // key 14, value 136

class Fresh {
 public:
  Fresh() {
    const char* chosen = std::getenv("QC_BENCH_DIR");
    const std::filesystem::path root = chosen != nullptr ? chosen : std::filesystem::temp_directory_path();
    std::string name = (root / "qc-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    directory_ = name;
    EmbeddedOptions options;
    options.create = true;
    auto log = open_embedded(directory_, options);
    if (!log) die(log.error());
    log_ = std::move(*log);
    const TopicSpec topics[] = {{"readings", 4}, {"means", 4}};
    if (auto made = log_->create_topics(topics); !made) die(made.error());
  }
  ~Fresh() {
    log_.reset();
    std::filesystem::remove_all(directory_);
  }
  Fresh(const Fresh&) = delete;
  Fresh& operator=(const Fresh&) = delete;

  [[noreturn]] static void die(const Error& error) {
    std::fprintf(stderr, "%s\n", describe(error).c_str());
    std::abort();
  }
  EmbeddedLog& log() { return *log_; }

 private:
  std::string directory_;
  std::unique_ptr<EmbeddedLog> log_;
};

// As a poll's outputs come: runs of one partition.
std::vector<NewRecord> records_for(const std::string& topic, std::size_t count) {
  std::vector<NewRecord> records(count);
  for (std::size_t i = 0; i < count; ++i) {
    records[i].to = {topic, static_cast<int>(i * 4 / count)};
    records[i].key = "site-" + std::to_string(100'000'000 + i);
    records[i].value = std::string(kRecordBytes - records[i].key.size(), 'v');
  }
  return records;
}

void Append(benchmark::State& state) {
  Fresh fresh;
  const auto records = records_for("readings", static_cast<std::size_t>(state.range(0)));
  auto appender = *fresh.log().appender();
  std::vector<double> seconds;
  for (auto _ : state) {
    const auto started = std::chrono::steady_clock::now();
    if (auto done = appender->append(records); !done) Fresh::die(done.error());
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  }
  std::sort(seconds.begin(), seconds.end());
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["p50_ms"] = seconds[seconds.size() / 2] * 1e3;
  state.counters["p99_ms"] = seconds[seconds.size() * 99 / 100] * 1e3;
  state.counters["checkpoints"] = static_cast<double>(fresh.log().stats().checkpoints);
}
BENCHMARK(Append)->Arg(1)->Arg(100)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);

// Many doors at once: what sharing a commit gains.
void AppendFromThreads(benchmark::State& state) {
  Fresh fresh;
  constexpr int kAppends = 50;
  for (auto _ : state) {
    std::vector<std::thread> doors;
    for (int door = 0; door < state.range(0); ++door) {
      doors.emplace_back([&] {
        auto appender = *fresh.log().appender();
        const auto record = records_for("readings", 1);
        for (int i = 0; i < kAppends; ++i) {
          if (auto done = appender->append(record); !done) Fresh::die(done.error());
        }
      });
    }
    for (std::thread& door : doors) door.join();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * kAppends);
  const EmbeddedStats stats = fresh.log().stats();
  state.counters["per_fsync"] = static_cast<double>(stats.commits) / static_cast<double>(stats.commit_groups);
}
BENCHMARK(AppendFromThreads)->Arg(1)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);

void Read(benchmark::State& state) {
  Fresh fresh;
  constexpr std::int64_t kRecords = 1'000'000;
  auto appender = *fresh.log().appender();
  const auto records = records_for("readings", 10'000);
  for (std::int64_t i = 0; i < kRecords; i += 10'000) {
    if (auto done = appender->append(records); !done) Fresh::die(done.error());
  }
  const std::pair<TopicPartition, Offset> from[] = {
      {{"readings", 0}, 0}, {{"readings", 1}, 0}, {{"readings", 2}, 0}, {{"readings", 3}, 0}};
  Batch batch;
  for (auto _ : state) {
    auto reader = *fresh.log().reader(from);
    std::int64_t read = 0;
    while (read < kRecords) {
      if (auto done = reader->poll(batch, static_cast<std::size_t>(state.range(0)), Milliseconds(0)); !done) {
        Fresh::die(done.error());
      }
      read += static_cast<std::int64_t>(batch.records.size());
    }
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(Read)->Arg(500)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);

// A worker's step: poll, then outputs and offsets in one transaction.
void PollAndCommit(benchmark::State& state) {
  Fresh fresh;
  const auto count = static_cast<std::size_t>(state.range(0));
  auto appender = *fresh.log().appender();
  const auto inputs = records_for("readings", count);
  auto member = *fresh.log().join({"processor", {"readings"}, "processor-0"});
  Transaction transaction;
  transaction.records = records_for("means", count);
  Batch batch;
  Assignment change;
  for (auto _ : state) {
    state.PauseTiming();
    if (auto done = appender->append(inputs); !done) Fresh::die(done.error());
    state.ResumeTiming();
    transaction.next.clear();
    for (std::size_t got = 0; got < count; got += batch.records.size()) {
      if (auto done = member->poll(batch, change, count, Milliseconds(100)); !done) Fresh::die(done.error());
      for (const Record& record : batch.records) {
        if (transaction.next.empty() || transaction.next.back().first != *record.from) {
          transaction.next.emplace_back(*record.from, 0);
        }
        transaction.next.back().second = record.offset + 1;
      }
    }
    if (auto done = member->commit(transaction); !done) Fresh::die(done.error());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(PollAndCommit)->Arg(1)->Arg(1000)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace qc::stream

BENCHMARK_MAIN();
