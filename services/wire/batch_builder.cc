// BatchBuilder: rows into the columns of a ReadingBatch.
#include <algorithm>
#include <array>
#include <limits>

#include "base/assert.h"
#include "qingchuan/v1/input.pb.h"
#include "wire/codec.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

constexpr int kDecimalsMax = 9;  // of a column
constexpr std::size_t kRowsMax = 100'000;
constexpr std::array<std::int64_t, kDecimalsMax + 1> kPow10 = {
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

// Decimals of a picogram in the unit.
int picogram_decimals(core::Unit unit) {
  switch (unit) {
    case core::Unit::MgM3:
      return 9;
    case core::Unit::NgM3:
      return 3;
    default:
      return 6;
  }
}

// The same number with no trailing zero and at most nine decimals. What is finer than a picogram is rounded here, once,
// exactly as core::scaled would round it after decoding.
core::Decimal shortest(core::Decimal value, core::Unit unit) {
  while (value.decimals > 0 && value.mantissa % 10 == 0) {
    value.mantissa /= 10;
    --value.decimals;
  }
  if (value.decimals <= kDecimalsMax) return value;
  if (const auto pg = core::scaled(value.mantissa, value.decimals, unit)) {
    return shortest({pg->pg, picogram_decimals(unit)}, unit);
  }
  // No unit to round by: such a column is refused at decoding, whatever its digits are.
  while (value.decimals > kDecimalsMax) {
    value.mantissa /= 10;
    --value.decimals;
  }
  return value;
}

bool widen(core::Decimal value, int decimals, std::int64_t& out) {
  return !__builtin_mul_overflow(value.mantissa, kPow10[static_cast<std::size_t>(decimals - value.decimals)], &out);
}

struct Entry {
  std::size_t row;
  core::Factor factor;
  core::Unit unit;
  core::Decimal value;
  core::Flag flag;
  bool done = false;
};

}  // namespace

struct BatchBuilder::Impl {
  v1::Input message;
  std::vector<Entry> entries;

  // One column of entries[first]'s factor and unit: all its entries that fit, each in a row of its own and exact in the
  // column's decimals. The others wait for a column of their own.
  void take_column(std::size_t first, v1::Column& column) {
    const core::Factor factor = entries[first].factor;
    const core::Unit unit = entries[first].unit;
    const auto wanted = [&](const Entry& e) { return !e.done && e.factor == factor && e.unit == unit; };
    int decimals = 0;
    std::size_t rows = 0;
    for (const Entry& e : entries) {
      if (!wanted(e)) continue;
      decimals = std::max(decimals, e.value.decimals);
      rows = std::max(rows, e.row + 1);
    }
    std::vector<std::int64_t> values(rows, 0);
    std::string flags(rows, core::letter(core::Flag::Missing));
    std::size_t last = 0;
    for (Entry& e : entries) {
      std::int64_t mantissa = 0;
      if (!wanted(e) || flags[e.row] != core::letter(core::Flag::Missing) || !widen(e.value, decimals, mantissa))
        continue;
      values[e.row] = mantissa;
      flags[e.row] = core::letter(e.flag);
      last = std::max(last, e.row + 1);
      e.done = true;
    }
    values.resize(last);
    flags.resize(last);
    column.set_factor(static_cast<v1::Factor>(factor));
    column.set_unit(static_cast<v1::Unit>(unit));
    column.set_decimals(decimals);
    column.mutable_values()->Add(values.begin(), values.end());
    if (flags.find_first_not_of(core::letter(core::Flag::Normal)) != std::string::npos) column.set_flags(flags);
  }
};

BatchBuilder::BatchBuilder() : impl_(std::make_unique<Impl>()) {}
BatchBuilder::~BatchBuilder() = default;

void BatchBuilder::begin(std::string_view site, core::ReceiveTime received, std::int64_t stamp_ms, core::Source source,
                         core::EventTime start, core::Duration step) {
  impl_->entries.clear();
  impl_->message.Clear();
  v1::ReadingBatch& batch = *impl_->message.mutable_batch();
  batch.set_site(site.data(), site.size());
  batch.set_received_ms(core::ms(received));
  batch.set_stamp_ms(stamp_ms);
  batch.set_source(static_cast<v1::Source>(source));
  batch.set_start_ms(core::ms(start));
  batch.set_step_s(static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::seconds>(step).count()));
}

void BatchBuilder::add(std::size_t row, core::Factor factor, core::Unit unit, core::Decimal value, core::Flag flag) {
  QC_ASSERT(row < kRowsMax);
  QC_ASSERT(value.decimals >= 0 && value.decimals <= 18);
  if (flag == core::Flag::Missing) return;
  impl_->entries.push_back({row, factor, unit, shortest(value, unit), flag});
}

std::size_t BatchBuilder::readings() const {
  return impl_->entries.size();
}

std::string BatchBuilder::finish() {
  QC_ASSERT(impl_->message.has_batch());  // begin() comes first
  v1::ReadingBatch& batch = *impl_->message.mutable_batch();
  batch.clear_columns();
  for (std::size_t i = 0; i < impl_->entries.size(); ++i) {
    // The entry with the most decimals always fits, so each column takes at least one.
    while (!impl_->entries[i].done) impl_->take_column(i, *batch.add_columns());
  }
  return impl_->message.SerializeAsString();
}

}  // namespace qc::wire
