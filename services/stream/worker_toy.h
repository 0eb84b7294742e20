// For the worker's tests: a small domain of its own and the tools to run workers over a MemoryLog on one thread. The
// toy stage counts and sums by key, publishes every third sum of a key, everything that changed at a tick, and a dead
// letter for what is no number: it has all the ways in which a stage uses state, outputs, urgency and offsets.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "stream/memory_log.h"
#include "stream/partition.h"
#include "stream/worker.h"

namespace qc::stream::toy {

struct Sum {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  bool changed = false;  // since the last tick
  auto operator<=>(const Sum&) const = default;
};
using Sums = std::map<std::string, Sum>;  // by "<topic>/<key>"

// What a test does to its stages and learns from them.
struct Knobs {
  int apply_failures = 0;  // the next applies that fail
  std::size_t applied = 0;
  std::size_t loaded = 0;
};

class ToyStage final : public Stage {
 public:
  ToyStage(int partition, int partitions, Knobs* knobs)
      : partition_(partition), partitions_(partitions), knobs_(knobs) {}

  Result<void> load(std::string_view key, std::string_view value) override {
    ++knobs_->loaded;
    Sum sum;
    int changed = 0;
    if (std::sscanf(std::string(value).c_str(), "%ld %ld %d", &sum.count, &sum.sum, &changed) != 3) {
      return fail(Errc::state_corrupt, "not a sum: " + std::string(value));
    }
    sum.changed = changed != 0;
    sums_[std::string(key)] = sum;
    return {};
  }

  Result<void> apply(const Record& record, StageOutputs& out) override {
    if (knobs_->apply_failures > 0) {
      --knobs_->apply_failures;
      emit(out, "out", record, "half", "an output of an apply that fails");
      return fail(Errc::rules_missing, "the rules cannot be read");
    }
    ++knobs_->applied;
    const std::string prefix = record.from->topic + "/";
    const std::string key = prefix + std::string(record.key);
    if (record.key == "tick") {
      for (auto& [name, sum] : sums_) {
        if (!sum.changed || name.compare(0, prefix.size(), prefix) != 0) continue;
        sum.changed = false;
        dirty_.insert(name);
        emit(out, "out", record, name, "at tick " + std::string(record.value) + " " + text(sum));
      }
      emit(out, "ticks", record, "tick", record.value);
      return {};
    }
    if (record.tombstone) {
      if (sums_.erase(key) > 0) dirty_.insert(key);
      return {};
    }
    std::int64_t value = 0;
    const auto read = std::from_chars(record.value.data(), record.value.data() + record.value.size(), value);
    if (read.ec != std::errc() || read.ptr != record.value.data() + record.value.size()) {
      emit(out, "dead", record, key, record.value);
      return {};
    }
    Sum& sum = sums_[key];
    ++sum.count;
    sum.sum += value;
    sum.changed = true;
    dirty_.insert(key);
    if (sum.count % 3 == 0) emit(out, "out", record, key, text(sum));
    if (sum.count % 7 == 0) out.urgent = true;
    return {};
  }

  void save(StateSink& sink) override {
    for (const std::string& key : dirty_) {
      const auto at = sums_.find(key);
      if (at == sums_.end()) {
        sink.erase(key);
      } else {
        sink.put(key, text(at->second) + (at->second.changed ? " 1" : " 0"));
      }
    }
    dirty_.clear();
  }

  const Sums& sums() const { return sums_; }

 private:
  static std::string text(const Sum& sum) { return std::to_string(sum.count) + " " + std::to_string(sum.sum); }

  void emit(StageOutputs& out, const std::string& topic, const Record& record, std::string key,
            std::string_view value) const {
    const Header from{"from", to_string(*record.from)};
    const int to = topic == "ticks" ? partition_ : partition_of(key, partitions_);
    out.records.push_back(NewRecord{{topic, to},
                                    std::move(key),
                                    std::string(value) + " @" + std::to_string(record.offset),
                                    encode_headers({&from, 1})});
  }

  const int partition_;
  const int partitions_;
  Knobs* knobs_;
  Sums sums_;
  std::set<std::string> dirty_;
};

// A log with the toy's topics and a clock that only moves when told.
class World {
 public:
  explicit World(int partition_count, MemoryLogOptions log_options = {}, Milliseconds retention = Milliseconds(0))
      : partitions(partition_count), log(with_clock(std::move(log_options))) {
    std::vector<TopicSpec> specs;
    for (const char* name : {"in", "in2", "out", "ticks", "dead"}) {
      specs.push_back(TopicSpec{name, partitions, Cleanup::Delete, retention, Milliseconds(0)});
    }
    if (!log.create_topics(specs)) std::abort();
    appender = log.appender().value();
  }

  void append(const TopicPartition& to, const std::string& key, std::optional<std::string> value) {
    const NewRecord record{to, key, std::move(value), {}};
    if (!appender->append({&record, 1})) std::abort();
  }

  WorkerOptions options(const std::string& name) const {
    WorkerOptions o;
    o.service = "toy";
    o.name = name;
    o.topics = {"in"};
    o.poll_wait = Milliseconds(0);
    return o;
  }

  WorkerParts parts() {
    WorkerParts p;
    p.stages = [this](int number) { return std::make_unique<ToyStage>(number, partitions, &knobs); };
    p.line = [this](LineLevel level, const std::string& text) { lines.emplace_back(level, text); };
    p.clock = [this] { return std::chrono::steady_clock::time_point(Milliseconds(now_ms)); };
    p.observer = [this](int number, Stage& stage) { seen[number] = dynamic_cast<ToyStage&>(stage).sums(); };
    return p;
  }

  std::unique_ptr<Worker> worker(WorkerOptions options) {
    options.observe_interval = Milliseconds(0);
    auto made = Worker::create(log, std::move(options), parts());
    if (!made) std::abort();
    return std::move(*made);
  }

  // Steps until it is done (true), fails (false, with the error), or `steps` are used up (false). The clock moves by a
  // back-off where there is one.
  bool until_done(Worker& worker, int steps = 100000) {
    for (; steps > 0; --steps) {
      const auto step = worker.step();
      if (!step) {
        error = step.error();
        return false;
      }
      if (step->done) return true;
      now_ms += step->wait.count() > 0 ? step->wait.count() : 1;
    }
    return false;
  }

  // All that is committed of a topic: input partition → the sequence it gave in each output partition.
  std::map<std::string, std::vector<std::string>> published(const std::string& topic) {
    std::map<std::string, std::vector<std::string>> all;
    for (int i = 0; i < partitions; ++i) {
      const std::pair<TopicPartition, Offset> from{{topic, i}, 0};
      auto reader = log.reader({&from, 1}).value();
      Batch batch;
      while (reader->poll(batch, 1000, Milliseconds(0)) && !batch.records.empty()) {
        for (const Record& record : batch.records) {
          const std::string source(find_header(record.headers.bytes(), "from").value_or("?"));
          all[source + ">" + std::to_string(i)].push_back(std::string(record.key) + "=" + std::string(record.value));
        }
      }
    }
    return all;
  }

  bool said(LineLevel level, const std::string& part) const { return times_said(level, part) > 0; }
  int times_said(LineLevel level, const std::string& part) const {
    int times = 0;
    for (const auto& [l, text] : lines) times += l == level && text.find(part) != std::string::npos ? 1 : 0;
    return times;
  }

  const int partitions;
  std::int64_t now_ms = 1'000'000;
  MemoryLog log;
  std::unique_ptr<Appender> appender;
  Knobs knobs;
  std::map<int, Sums> seen;  // by partition number: what the observer saw last
  std::vector<std::pair<LineLevel, std::string>> lines;
  Error error{Errc::stopped, ""};

 private:
  MemoryLogOptions with_clock(MemoryLogOptions options) {
    options.now_ms = [this] { return now_ms; };
    return options;
  }
};

}  // namespace qc::stream::toy
