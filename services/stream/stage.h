// A stage: a pure machine over keyed state (architecture section 3). What it does depends on its state, the record and
// the record's offset, and on nothing else: no clock, no batch, no commit, no thread. The worker drives it, commits its
// outputs and keeps its state.
//
// Lifecycle: made when a partition is gained, then load() for every state entry, then apply() for ever; destroyed when
// the partition is lost. Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/log.h"

namespace qc::stream {

struct StageOutputs {
  std::vector<NewRecord> records;
  bool urgent = false;  // commit now: a signal, an alert or a task changed
};

// Takes the state entries that changed since the last save.
class StateSink {
 public:
  virtual ~StateSink() = default;
  virtual void put(std::string_view key, std::string_view value) = 0;
  virtual void erase(std::string_view key) = 0;
};

class Stage {
 public:
  virtual ~Stage() = default;
  // One state entry, at restore, in any order. state_version or state_corrupt stop the start: state is never guessed.
  virtual Result<void> load(std::string_view key, std::string_view value) = 0;
  // After the last load, before the first apply.
  virtual Result<void> loaded() { return {}; }
  // Appends to `out`. Bad input is an output (a dead letter), never an error; an error here is the machine's (the rules
  // topic cannot be read): the worker tries the same record again.
  virtual Result<void> apply(const Record& record, StageOutputs& out) = 0;
  // Gives every entry that changed since the last call, and forgets that it changed. Keys starting with '@' are the
  // worker's.
  virtual void save(StateSink& sink) = 0;
};

// Makes the stage of one partition number.
using StageFactory = std::function<std::unique_ptr<Stage>(int partition)>;

}  // namespace qc::stream
