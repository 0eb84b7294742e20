// What the reading stage publishes, as values; `wire` turns them into protobuf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/concentration.h"
#include "core/factor.h"
#include "core/reading.h"
#include "core/time.h"

namespace qc::core {

// Enough to recompute the output: which records of the input partition it came from.
struct Origin {
  Offset first_offset = -1;  // the first input that the window holds; -1 where it holds none
  Offset offset = -1;        // the record that made this output
};

struct SubIndex {
  Factor factor = Factor::None;
  int iaqi = 0;
};

// See the message of the same name (proto/qingchuan/v1/output.proto) for the meaning of each field.
struct Mean {
  std::string site;
  std::string region;
  std::string root;
  Factor factor = Factor::None;
  Window window = Window::None;
  Interval interval{};
  Concentration value;
  bool valid = false;
  std::int64_t sum_pg = 0;
  std::int32_t count = 0;
  std::int32_t expected = 0;
  Concentration min;
  Concentration max;
  Status status = Status::None;
  std::int32_t revision = 0;
  std::string reason;
  Source source = Source::None;
  bool audited = false;
  std::vector<Factor> primary;
  std::vector<SubIndex> sub_indices;
  std::string clause;
  Origin origin;
};

enum class SignalState : std::uint8_t { None = 0, Active, Stale, Cleared, EndedNoData, Withdrawn };
std::string_view name(SignalState s);

struct Signal {
  std::string id;
  std::int32_t revision = 0;
  std::string rule;
  std::string subject;
  std::string region;
  std::string root;
  Factor factor = Factor::None;
  Window window = Window::None;
  std::int32_t level = 0;
  SignalState state = SignalState::None;
  EventTime at{};
  EventTime began{};
  Concentration value;
  Concentration limit;
  std::string clause;
  std::string reason;
  Interval interval{};
  std::int32_t count = 0;
  std::int32_t expected = 0;
  Origin origin;
};

// Gathered by one `apply`. The vectors are reused: clear() keeps their memory.
//
// A tick may publish a mean of every series at once. `drain`, where set, is called in the middle of an `apply` whenever
// drain_at means have gathered: it takes what is there and clears it, so that memory is bounded and what was just
// written is still in the cache. The sequence of means, and that of signals, is the same either way.
struct Outputs {
  std::function<void(Outputs&)> drain;
  std::size_t drain_at = 1024;
  std::vector<Mean> means;
  std::vector<Signal> signals;
  std::vector<Rejected> rejected;
  bool tick = false;  // forward the stage's new time downstream
  bool urgent = false;
  void clear() {
    means.clear();
    signals.clear();
    rejected.clear();
    tick = false;
    urgent = false;
  }
};

}  // namespace qc::core
