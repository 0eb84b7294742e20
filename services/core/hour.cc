#include "core/hour.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

namespace qc::core {
namespace {

constexpr int kColumnsMax = 64;
constexpr std::size_t kLanesMax = 16;  // four kinds on four grids

constexpr std::array<std::int64_t, 7> kPowers = {1, 10, 100, 1000, 10'000, 100'000, 1'000'000};

}  // namespace

const Slot* HourSlots::Lane::slot(int row, int column) const {
  if (slots.empty() || column >= stride) return nullptr;
  return &slots[static_cast<std::size_t>(row * stride + column)];
}

void HourSlots::Lane::sums_into(std::span<Sums> by_column) const {
  const std::size_t columns = std::min(by_column.size(), static_cast<std::size_t>(stride));
  if (!replaced) {
    std::copy_n(sums.begin(), columns, by_column.begin());
    return;
  }
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t i = c; i < slots.size(); i += static_cast<std::size_t>(stride)) {
      if (slots[i].valid()) by_column[c].add(slots[i]);
    }
  }
}

HourSlots::Lane& HourSlots::lane(Source source, int step_s, int columns) {
  Lane* found = nullptr;
  for (Lane& l : lanes_) {
    if (l.source == source && l.step_s == step_s) found = &l;
  }
  if (found == nullptr) {
    lanes_.push_back({source, step_s, 0, false, {}, {}});
    found = &lanes_.back();
  }
  if (columns > found->stride) {
    // A factor appeared: lay the rows out again, a little wider than asked so that a packet's columns cost one move.
    const int wide = columns <= 8 ? 8 : (columns + 3) / 4 * 4;
    std::vector<Slot> slots(static_cast<std::size_t>(found->rows() * wide));
    for (int row = 0; row < found->rows() && found->stride > 0; ++row) {
      std::copy_n(found->slots.begin() + row * found->stride, found->stride, slots.begin() + row * wide);
    }
    found->slots = std::move(slots);
    found->sums.resize(static_cast<std::size_t>(wide));
    found->stride = wide;
  }
  return *found;
}

OpenLane HourSlots::open(Source source, int step_s, int columns) {
  if (sealed_ && step_s != 3600) return {};
  Lane& l = lane(source, step_s, columns);
  return {l.slots.data(), l.sums.data(), &l.replaced, l.stride};
}

std::optional<Stored> HourSlots::store(Source source, int step_s, int row, int column, Slot slot) {
  const OpenLane lane = open(source, step_s, column + 1);
  if (lane.slots == nullptr) return std::nullopt;
  return lane.put(row, column, slot);
}

void HourSlots::amend(int column, Slot slot) {
  Lane& l = lane(Source::Amended, 3600, column + 1);
  l.slots[static_cast<std::size_t>(column)] = slot;
}

void HourSlots::restore(int column) {
  Lane& l = lane(Source::Amended, 3600, column + 1);
  l.slots[static_cast<std::size_t>(column)] = Slot{};
}

HourValue HourSlots::value(int column, int valid_s, int step_s) const {
  std::array<int, kColumnsMax> steps_s;
  steps_s.fill(step_s);
  std::array<HourValue, kColumnsMax> all;
  const auto n = static_cast<std::size_t>(column) + 1;
  values(valid_s, std::span(steps_s).first(n), std::span(all).first(n));
  return all[n - 1];
}

void HourSlots::values(int valid_s, std::span<const int> steps_s, std::span<HourValue> values) const {
  // Valid first; among valid ones the higher kind; among invalid ones the one that covers more. Then the finer grid, so
  // that the answer is one whatever order the lanes were made in.
  const auto rank = [](const HourValue& v, std::int64_t covered) {
    return v.valid ? std::tuple(1, static_cast<std::int64_t>(v.source), covered, v.expected)
                   : std::tuple(0, covered, static_cast<std::int64_t>(v.source), v.expected);
  };
  const std::size_t columns = steps_s.size();
  for (std::size_t c = 0; c < columns; ++c) values[c] = {{}, 3600 / steps_s[c], Source::None, false, false};
  for (const Lane& l : lanes_) {
    if (l.source == Source::Amended) continue;
    std::array<Sums, kColumnsMax> sums{};
    l.sums_into(std::span(sums).first(columns));
    for (std::size_t c = 0; c < columns; ++c) {
      const std::int64_t covered = std::int64_t{sums[c].count} * l.step_s;
      if (covered == 0) continue;
      const HourValue candidate{sums[c], l.rows(), l.source, covered >= valid_s, false};
      const HourValue& best = values[c];
      // Slots of a full hour cover 3600 s, so what a value covers follows from its count.
      const std::int64_t best_covered = std::int64_t{best.sums.count} * 3600 / best.expected;
      if (best.source == Source::None || rank(candidate, covered) > rank(best, best_covered)) values[c] = candidate;
    }
  }
  for (const Lane& l : lanes_) {
    if (l.source != Source::Amended) continue;
    for (std::size_t c = 0; c < columns; ++c) {
      const Slot* slot = l.slot(0, static_cast<int>(c));
      if (slot == nullptr || !slot->present()) continue;
      values[c] = {{}, 1, Source::Amended, slot->valid(), slot->audited()};
      if (slot->valid()) values[c].sums.add(*slot);
    }
  }
}

void HourSlots::seal() {
  for (Lane& l : lanes_) {
    if (l.step_s == 3600 || l.slots.empty()) continue;
    std::vector<Sums> sums(static_cast<std::size_t>(l.stride));
    l.sums_into(sums);
    l.sums = std::move(sums);
    l.replaced = false;
    std::vector<Slot>().swap(l.slots);
  }
  sealed_ = true;
}

std::size_t HourSlots::bytes() const {
  std::size_t n = sizeof(*this) + lanes_.capacity() * sizeof(Lane);
  for (const Lane& l : lanes_) n += l.slots.capacity() * sizeof(Slot) + l.sums.capacity() * sizeof(Sums);
  return n;
}

namespace {
constexpr std::uint64_t kWithMarks = 1024;
}  // namespace

void write_sums(ByteWriter& out, const Sums& s) {
  const bool marked = s.suspect > 0;
  out.u64(static_cast<std::uint64_t>(s.count) | (marked ? kWithMarks : 0));
  if (s.count == 0) return;
  if (marked) {
    out.u64(s.suspect);
    out.u64(s.range);
    out.u64(s.clipped);
  }
  out.i64(s.sum_pg);
  out.i64(s.min_pg);
  out.i64(s.max_pg);
}

Sums read_sums(ByteReader& in, int rows) {
  Sums s;
  const std::uint64_t head = in.u64_to(2 * kWithMarks - 1);
  const std::uint64_t count = head & (kWithMarks - 1);
  if (count > static_cast<std::uint64_t>(rows) || head == kWithMarks) in.bad();
  if (!in.ok() || count == 0) return s;
  s.count = static_cast<std::int32_t>(count);
  if (head >= kWithMarks) {
    s.suspect = static_cast<std::uint32_t>(in.u64_to(count)) & 0x3ffU;
    s.range = static_cast<std::uint32_t>(in.u64_to(s.suspect)) & 0x3ffU;
    s.clipped = static_cast<std::uint32_t>(in.u64_to(s.suspect)) & 0x3ffU;
    if (s.suspect == 0 || s.range + s.clipped < s.suspect) in.bad();
  }
  s.sum_pg = in.i64_in(0, kConcentrationMax * s.count);
  s.min_pg = in.i64_in(0, kConcentrationMax);
  s.max_pg = in.i64_in(0, kConcentrationMax);
  return s;
}

Offset HourSlots::first_offset(ByteReader& in) {
  return static_cast<Offset>(in.u64_to(std::numeric_limits<Offset>::max())) - 1;
}

// Format 2 (1: no marks, which were zero): first offset + 1, sealed, lanes; of each lane its kind, grid, columns and,
// column by column, the sums or the present slots as (rows left out and whether a flag or mark follows, change of the
// stamp's step, flag and marks, change of the value), values in the greatest power of ten that divides them all. A
// regular minute takes three or four bytes.
void HourSlots::write(ByteWriter& out) const {
  out.u64(static_cast<std::uint64_t>(first_offset_ + 1));
  out.u8(sealed_ ? 1 : 0);
  out.u64(lanes_.size());
  for (const Lane& l : lanes_) {
    out.u8(static_cast<std::uint8_t>(l.source));
    out.u64(static_cast<std::uint64_t>(l.step_s));
    out.u64(static_cast<std::uint64_t>(l.stride));
    out.u8(l.slots.empty() ? 1 : 0);
    for (int c = 0; c < l.stride; ++c) {
      if (l.slots.empty()) {
        write_sums(out, l.sums[static_cast<std::size_t>(c)]);
        continue;
      }
      std::uint64_t present = 0;
      std::size_t power = kPowers.size() - 1;
      for (int row = 0; row < l.rows(); ++row) {
        const Slot& s = *l.slot(row, c);
        if (!s.present()) continue;
        ++present;
        while (s.pg % kPowers[power] != 0) --power;
      }
      out.u64(present);
      if (present == 0) continue;
      out.u8(static_cast<std::uint8_t>(power));
      int last_row = -1;
      std::int64_t last_stamp = 0;
      std::int64_t last_step = 0;
      std::int64_t last_value = 0;
      for (int row = 0; row < l.rows(); ++row) {
        const Slot& s = *l.slot(row, c);
        if (!s.present()) continue;
        const std::uint64_t low = s.key & 0xffff;
        const std::int64_t step = static_cast<std::int64_t>(s.stamp()) - last_stamp;
        const std::int64_t value = s.pg / kPowers[power];
        out.u64(static_cast<std::uint64_t>(row - last_row - 1) << 1 | (low != 0 ? 1 : 0));
        out.i64(step - last_step);
        if (low != 0) out.u64(low);
        out.i64(value - last_value);
        last_row = row;
        last_stamp += step;
        last_step = step;
        last_value = value;
      }
    }
  }
}

bool HourSlots::Lane::read_sums(ByteReader& in) {
  sums.resize(static_cast<std::size_t>(stride));
  for (Sums& s : sums) s = core::read_sums(in, rows());
  return in.ok();
}

bool HourSlots::Lane::read_slots(ByteReader& in) {
  slots.resize(static_cast<std::size_t>(rows() * stride));
  sums.resize(static_cast<std::size_t>(stride));
  for (std::size_t c = 0; c < static_cast<std::size_t>(stride); ++c) {
    const std::uint64_t present = in.u64_to(static_cast<std::uint64_t>(rows()));
    if (present == 0) continue;
    const std::int64_t unit = kPowers[in.u64_to(kPowers.size() - 1)];
    std::size_t row = 0;
    // Differences wrap around as the writer's do; what they add up to is checked.
    std::uint64_t stamp = 0;
    std::uint64_t step = 0;
    std::uint64_t value = 0;
    for (std::uint64_t n = 0; n < present && in.ok(); ++n, ++row) {
      const std::uint64_t head = in.u64_to(2 * static_cast<std::uint64_t>(rows()));
      row += head >> 1;
      step += static_cast<std::uint64_t>(in.i64());
      stamp += step;
      const std::uint64_t low = (head & 1) != 0 ? in.u64_to(0xffff) : 0;
      value += static_cast<std::uint64_t>(in.i64());
      if (row >= static_cast<std::size_t>(rows()) || stamp > Slot::kStampMax ||
          value > static_cast<std::uint64_t>(kConcentrationMax / unit)) {
        in.bad();
        break;
      }
      const Slot slot{Slot::kPresent | stamp << 16 | low, static_cast<std::int64_t>(value) * unit};
      slots[row * static_cast<std::size_t>(stride) + c] = slot;
      if (slot.valid()) sums[c].add(slot);
    }
  }
  return in.ok();
}

bool HourSlots::read(ByteReader& in) {
  lanes_.clear();
  first_offset_ = first_offset(in);
  sealed_ = in.flag();
  const std::uint64_t lanes = in.u64_to(kLanesMax);
  for (std::uint64_t i = 0; i < lanes && in.ok(); ++i) {
    Lane l;
    l.source = static_cast<Source>(in.u64_to(static_cast<std::uint64_t>(Source::Amended)));
    l.step_s = static_cast<int>(in.u64_to(3600));
    l.stride = static_cast<int>(in.u64_to(kColumnsMax));
    const bool sums = in.flag();
    const bool grid = l.step_s == 5 || l.step_s == 60 || l.step_s == 300 || l.step_s == 3600;
    // Minutes are sums exactly where the hour is sealed; whole hours never are.
    if (!grid || l.stride == 0 || l.source == Source::None || sums != (sealed_ && l.step_s != 3600)) {
      in.bad();
    } else if (sums ? l.read_sums(in) : l.read_slots(in)) {
      lanes_.push_back(std::move(l));
    }
  }
  return in.ok();
}

}  // namespace qc::core
