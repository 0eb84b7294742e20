// Bytes <-> core values. Decoding validates everything that can be judged without state (sizes, shapes, ranges, units,
// factors): what it lets through, core may rely upon; what it refuses is a value, core::Rejected, for the dead letters
// and the ledger. Encoding is deterministic: the same value gives the same bytes in every run of the same binary.
//
// Lifecycle: one InputDecoder a partition or worker, reused for every record, so that the hot path allocates nothing
// once its pools have grown. Threads: one at a time for a decoder or builder; the functions from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/output.h"
#include "core/past_amend.h"
#include "core/reading.h"
#include "wire/limits.h"

namespace qc::wire {

// ---- decode: `readings` --------------------------------------------------------------------------------------------

// From Limits (config.proto): record_bytes_max, batch_readings_max.
struct DecodeLimits {
  std::size_t record_bytes_max = std::size_t{1} << 20;
  std::size_t batch_readings_max = 100'000;
};

// Longest free text (reason, who) of an Amend.
inline constexpr std::size_t kTextBytesMax = 1024;
// One PastAmend holds no more hours and signals than these.
inline constexpr std::int64_t kPastHoursMax = 10'000;
inline constexpr std::size_t kPastSignalsMax = 100;

using Decoded = std::variant<const core::ReadingBatch*, core::Register, core::Tick, core::Amend, core::PastAmend,
                             core::RulesSwitch, core::Rejected>;

class InputDecoder {
 public:
  explicit InputDecoder(DecodeLimits limits = {});
  ~InputDecoder();
  InputDecoder(const InputDecoder&) = delete;
  InputDecoder& operator=(const InputDecoder&) = delete;

  // One record of `readings`. The batch, and the views in it, are valid until the next call.
  //
  // A bad column or row doesn't lose its packet: it stands in batch->rejected, grouped by reason, with the number of
  // readings and, in the detail, the first one. A row flagged '-' is no reading and is counted nowhere. A negative or
  // too great value whose flag says that it is no measurement comes through as that flag with the value 0.
  // The same factor may stand in several columns.
  //
  // A refused record is a Rejected whose `readings` is what it held (at least 1, so that it never vanishes from the
  // ledger): Garbage, Truncated, Oversized, BadShape, NotSupported (a kind of record this version doesn't know).
  Decoded decode(std::string_view bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- encode: `readings` and `rules` (doors, feed, amend) -----------------------------------------------------------

// Packs rows into columns, each with the fewest decimals that hold its values exactly (anything finer than a picogram
// is rounded half to even, as core::scaled does). Reusable: begin, add ..., finish, begin ...
class BatchBuilder {
 public:
  BatchBuilder();
  ~BatchBuilder();
  BatchBuilder(const BatchBuilder&) = delete;
  BatchBuilder& operator=(const BatchBuilder&) = delete;

  // `start`: Realtime: the instant of row 0; otherwise the START of its interval. step: 5 s, 1 min, 5 min or 1 h.
  void begin(std::string_view site, core::ReceiveTime received, std::int64_t stamp_ms, core::Source source,
             core::EventTime start, core::Duration step);
  // The value of a factor in row `row` (start + row * step). Rows may come in any order; rows left out are missing.
  // A second value for the same row is kept too (core decides which one counts). decimals: 0..18. row < 100,000.
  void add(std::size_t row, core::Factor factor, core::Unit unit, core::Decimal value,
           core::Flag flag = core::Flag::Normal);
  std::size_t readings() const;  // added since begin
  // The serialised Input.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Serialised Input records.
std::string encode_register(const core::Register& site);
std::string encode_tick(core::EventTime now);
std::string encode_amend(const core::Amend& amend);
std::string encode_past_amend(const core::PastAmend& past);
std::string encode_rules_switch(const core::RulesSwitch& rules);

// ---- encode: what stages publish -----------------------------------------------------------------------------------

// What the caller knows about where an output came from, beside core::Origin.
struct Provenance {
  std::string_view rules;      // hash of the rules in use
  std::int32_t partition = 0;  // of the input topic
};

std::string encode_mean(const core::Mean& mean, const Provenance& from);        // a MeanRecord
std::string encode_signal(const core::Signal& signal, const Provenance& from);  // a SignalRecord
// Time, forwarded downstream: a MeanRecord or a SignalRecord with a Tick.
std::string encode_mean_tick(core::EventTime now, std::string_view upstream, int partition);
std::string encode_signal_tick(core::EventTime now, std::string_view upstream, int partition);
// That the stage of that partition has read that record of `events`: a SignalRecord with a Taken.
struct Taken {
  std::string_view upstream;
  int partition = 0;
  core::Offset offset = -1;
  core::Offset after_tick = -1;
  std::string_view refused;
};
std::string encode_taken(const Taken& taken);

// A record that could not be processed, with all that is needed to look at it and to send it again.
struct DeadLetter {
  std::string_view source_topic;
  std::int32_t source_partition = 0;
  core::Offset source_offset = 0;
  core::Reason reason = core::Reason::None;
  std::string_view detail;
  std::int32_t readings = 0;
  std::string_view key;
  std::string_view value;  // the original bytes
  std::string_view stage;
};
// `value` is cut at value_bytes_max (dead_letter_bytes_max).
std::string encode_dead_letter(const DeadLetter& letter, std::size_t value_bytes_max);

}  // namespace qc::wire
