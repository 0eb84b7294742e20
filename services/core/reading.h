// What goes into the reading stage, as values. `wire` fills these from protobuf and reuses one ReadingBatch for all
// packets, so the hot path allocates nothing; string_views live as long as the record that they came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/concentration.h"
#include "core/factor.h"
#include "core/time.h"

namespace qc::core {

// Why a reading, a column or a whole record could not be used. One list; the words are those of metrics, dead letters
// and the ledger.
enum class Reason : std::uint8_t {
  None = 0,
  Garbage,    // not a message of ours
  Truncated,  // ends in the middle
  Oversized,  // more bytes or readings than the limit
  BadShape,   // columns and rows that don't fit, a grid that isn't one, a time that isn't on it
  UnknownFactor,
  WrongUnit,   // not a unit of that factor
  NotANumber,  // NaN, infinity, text
  Negative,
  OutOfRange,  // above what can be in air at all
  Future,      // more than ahead_max ahead of its receive time
  UnknownSite,
  TooManyHours,    // the site already holds site_hours_max hours
  WrongPartition,  // the key's hash says another partition
  NotSupported,    // a message this version does not act upon
};
inline constexpr std::size_t kReasons = 15;
std::string_view name(Reason r);

// Bad input, as a value: it goes to the dead letters and is counted; nothing else is lost with it.
struct Rejected {
  Reason reason = Reason::None;
  std::int32_t readings = 0;  // how many readings it was
  std::string detail;         // for a person: position and what was expected
};

// A column of one packet: `count` values starting at `first` of the batch's pools.
struct Column {
  Factor factor = Factor::None;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

// One packet of one site. Row i of every column is the interval (or, real-time, the instant) start + i * step.
struct ReadingBatch {
  std::string_view site;
  ReceiveTime received{};
  std::int64_t stamp_ms = 0;  // the sender's own; 0 where it has none
  Source source = Source::None;
  EventTime start{};
  Duration step{};
  std::vector<Column> columns;
  std::vector<Concentration> values;  // pools
  std::vector<Flag> flags;
  std::vector<Rejected> rejected;  // columns and rows `wire` refused; each is counted as malformed
  // Values that are there: a row flagged Missing is no reading. What `rejected` holds is not among them.
  std::int32_t readings() const {
    std::int32_t n = 0;
    for (const Column& c : columns) {
      for (std::uint32_t i = 0; i < c.count; ++i) n += flags[c.first + i] == Flag::Missing ? 0 : 1;
    }
    return n;
  }
  void clear() {
    columns.clear();
    values.clear();
    flags.clear();
    rejected.clear();
  }
};

struct Amend {
  enum class Action : std::uint8_t { None, Invalidate, Replace, Restore };
  std::string id;
  std::string site;
  Factor factor = Factor::None;
  Interval interval;
  Action action = Action::None;
  Concentration value;
  std::string reason;
  std::string who;
  bool audited = false;
};

// What stands with everything that changes by it.
std::string reason_of(const Amend& amend);

struct Register {
  std::string site;
  std::string name;
  SiteKind kind = SiteKind::None;
  AreaClass area_class = AreaClass::None;
  std::string region;
  std::string root;
};

struct Tick {
  EventTime now;
};

// The rule set's content is looked up by whoever drives the stage; see ReadingStage::apply.
struct RulesSwitch {
  std::string hash;
  Timeline timeline = Timeline::None;
};

// Where a record stands in its partition.
using Offset = std::int64_t;

}  // namespace qc::core
