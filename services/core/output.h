// What the reading stage publishes, as values; `wire` turns them into protobuf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
  std::string_view clause;  // of the edition or limit that judged it; the rule set's own bytes
  // The limit for this item and window in the area's class, where the standard sets one (GB 3095), and what follows.
  std::optional<Concentration> limit;
  bool exceeds = false;       // valid, closed and above the limit: a legal exceedance
  std::int32_t multiple = 0;  // 超标倍数 (C - S) / S in hundredths, half to even; where it exceeds
  // Month, Quarter, Year: the percentile of the daily values that HJ 663 evaluates beside the mean. 0: none.
  std::int32_t percentile = 0;
  Concentration percentile_value;
  // Quality: marks say why, and never hide a value.
  Marks marks;
  std::int32_t suspect = 0;                  // H1: how many of the `count` readings came with a mark
  std::optional<std::int64_t> remaining_pg;  // 保良 (good_day.h), of a region's running day; -1: lost
  Origin origin;
};

enum class SignalState : std::uint8_t { None = 0, Active, Stale, Cleared, EndedNoData, Withdrawn };
std::string_view name(SignalState s);

inline constexpr int kLevels = 3;  // of a signal

struct WarningEpisode;  // warning.h

// The signals of the warning machine and of several regions together; no rule of the configuration has these names.
inline constexpr const char* kWarningRule = "warning";
inline constexpr const char* kJointWarningRule = "joint_warning";

// What a signal was judged against, beside its own value: a neighbour's mean.
struct Evidence {
  std::string subject;
  Concentration value;
};

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
  Unit unit = Unit::None;  // of value and limit, which are millionths of it for what is no concentration
  Concentration value;
  Concentration limit;
  std::string clause;
  std::string reason;
  Interval interval{};
  std::int32_t count = 0;
  std::int32_t expected = 0;
  Marks marks;  // of the value that was judged
  std::vector<Evidence> evidence;
  std::shared_ptr<const WarningEpisode> warning;  // of a warning: all of it
  std::vector<std::string> covers;                // of a joint warning: the regions whose own it stands for
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
