// One hour of one site: slots, and what they make (architecture section 6, "slots, not panes").
//
// A lane holds the slots of one kind of data on one grid, minute-major (row by row, a column a series), so that a
// packet of eight factors touches neighbouring memory. A slot keeps the greatest of (sender's stamp, value), so
// duplicates, resends and conflicts need no order. Kinds are never mixed: each has a lane of its own, and an hour is
// made from one.
//
// Lifecycle: an open hour has its slots; behind `slots_kept` it is sealed: lanes of minutes keep only their sums, lanes
// of whole hours keep their slot, so that an hour value can still replace it. Values; threads: none of its business.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/concentration.h"
#include "core/factor.h"
#include "core/reading.h"
#include "core/time.h"

namespace qc::core {

// 16 bytes. key: present (1 bit), stamp (47 bits), flag (8 bits), marks (8 bits), so that comparing keys compares
// stamps.
struct Slot {
  std::uint64_t key = 0;
  std::int64_t pg = 0;

  static constexpr std::uint64_t kPresent = 1ULL << 63;
  // The marks' byte: a person with that right has confirmed it; the reading was implausible as it came (quality.h).
  static constexpr std::uint64_t kAudited = 1;
  static constexpr std::uint64_t kRange = 2;
  static constexpr std::uint64_t kClipped = 4;
  static constexpr std::uint64_t kStampMax = (1ULL << 47) - 1;
  static Slot of(std::int64_t stamp_ms, Concentration value, Flag flag) {
    const std::uint64_t stamp = stamp_ms <= 0 ? 0 : std::min(static_cast<std::uint64_t>(stamp_ms), kStampMax);
    return {kPresent | stamp << 16 | static_cast<std::uint64_t>(flag) << 8, value.pg};
  }
  bool present() const { return (key & kPresent) != 0; }
  std::uint64_t stamp() const { return (key & ~kPresent) >> 16; }
  Flag flag() const { return static_cast<Flag>((key >> 8) & 0xff); }
  bool audited() const { return (key & kAudited) != 0; }
  bool suspect() const { return (key & (kRange | kClipped)) != 0; }
  bool valid() const { return present() && flag() == Flag::Normal; }
  // (stamp, value), then the flag, so that no order of arrival matters.
  bool beats(const Slot& other) const {
    const std::uint64_t a = key >> 16;
    const std::uint64_t b = other.key >> 16;
    if (a != b) return a > b;
    if (pg != other.pg) return pg > other.pg;
    return key > other.key;
  }
};

// Exact sums of the valid slots of one series in one lane.
struct Sums {
  std::int64_t sum_pg = 0;
  std::int64_t min_pg = 0;
  std::int64_t max_pg = 0;
  std::int32_t count = 0;
  // How many of the `count` came with a mark, and with which; one may have both. Ten bits hold every slot of an hour.
  std::uint32_t suspect : 10 = 0;
  std::uint32_t range : 10 = 0;
  std::uint32_t clipped : 10 = 0;
  void add(const Slot& slot) {
    min_pg = count == 0 ? slot.pg : std::min(min_pg, slot.pg);
    max_pg = count == 0 ? slot.pg : std::max(max_pg, slot.pg);
    sum_pg += slot.pg;
    ++count;
    if (!slot.suspect()) return;
    ++suspect;
    if ((slot.key & Slot::kRange) != 0) ++range;
    if ((slot.key & Slot::kClipped) != 0) ++clipped;
  }
  bool operator==(const Sums&) const = default;
};

// What an hour of one series is, by the one lane it was made from.
struct HourValue {
  Sums sums;
  std::int32_t expected = 0;  // slots of a full hour on that grid
  Source source = Source::None;
  bool valid = false;
  bool audited = false;
  bool operator==(const HourValue& o) const {
    return sums == o.sums && expected == o.expected && source == o.source && valid == o.valid && audited == o.audited;
  }
  // Every reading of it said the same.
  bool flat() const { return sums.count > 0 && sums.min_pg == sums.max_pg; }
  Concentration mean() const { return {sums.count == 0 ? 0 : divide_half_even(sums.sum_pg, sums.count)}; }
};

enum class Stored : std::uint8_t { First, Replaced, Kept };

// The slots of one kind of data on one grid, open for storing: row by row, `stride` columns in a row.
struct OpenLane {
  Slot* slots = nullptr;
  Sums* sums = nullptr;  // by column, while nothing was replaced
  bool* replaced = nullptr;
  int stride = 0;

  Stored put(int row, int column, const Slot& slot) const {
    Slot& into = slots[row * stride + column];
    if (!into.present()) {
      into = slot;
      if (slot.valid()) sums[column].add(slot);
      return Stored::First;
    }
    if (!slot.beats(into)) return Stored::Kept;
    into = slot;
    *replaced = true;
    return Stored::Replaced;
  }
};

// Sums as bytes; the slots of a full hour are `rows`. A count with marks is written greater by more than any count, so
// that sums without them are the bytes they always were.
void write_sums(ByteWriter& out, const Sums& sums);
Sums read_sums(ByteReader& in, int rows);

class HourSlots {
 public:
  // The lane with room for `columns` (at most 64); without slots: a sealed hour takes no minutes. Valid until the next
  // call of open, amend, restore, seal or read.
  OpenLane open(Source source, int step_s, int columns);
  // Puts a value into its slot. `row` < 3600 / step; `column` < 64. A sealed hour takes no minutes: nullopt.
  std::optional<Stored> store(Source source, int step_s, int row, int column, Slot slot);
  // A person's correction of the whole hour; an invalidated hour has no value whatever the other lanes hold.
  void amend(int column, Slot slot);
  void restore(int column);

  // valid_s: how many seconds must be covered (GB 3095 table 4: 45 minutes). The highest valid kind; where none is
  // valid, the one that covers most. A series with nothing: expected of `step_s`, count 0.
  HourValue value(int column, int valid_s, int step_s) const;
  // The same of columns 0 .. steps_s.size() at once.
  void values(int valid_s, std::span<const int> steps_s, std::span<HourValue> values) const;

  void seal();
  bool sealed() const { return sealed_; }
  bool empty() const { return lanes_.empty(); }
  std::size_t bytes() const;

  void note_offset(Offset offset) {
    if (first_offset_ < 0) first_offset_ = offset;
  }
  Offset first_offset() const { return first_offset_; }
  void set_first_offset(Offset offset) { first_offset_ = offset; }

  void write(ByteWriter& out) const;
  bool read(ByteReader& in);
  // Of written bytes, without reading them all.
  static Offset first_offset(ByteReader& in);

 private:
  struct Lane {
    Source source = Source::None;
    int step_s = 0;
    int stride = 0;           // columns
    bool replaced = false;    // a slot changed: the sums are no longer what the slots say
    std::vector<Slot> slots;  // row-major; empty when sealed
    std::vector<Sums> sums;   // by column
    int rows() const { return 3600 / step_s; }
    void sums_into(std::span<Sums> by_column) const;
    const Slot* slot(int row, int column) const;
    bool read_sums(ByteReader& in);
    bool read_slots(ByteReader& in);
  };
  Lane& lane(Source source, int step_s, int columns);

  std::vector<Lane> lanes_;
  Offset first_offset_ = -1;
  bool sealed_ = false;
};

}  // namespace qc::core
