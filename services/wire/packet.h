// A packet of readings as nearly all of them are: well formed, nothing in it refused. Such a one is read straight into
// a core::ReadingBatch, without a message between, in a third of the time. Everything else is InputDecoder's, which
// alone knows what to say of it; the two agree on every packet that this one takes (input_decoder_test.cc, the fuzzer).
// Inside of wire/codec.h. Functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/reading.h"
#include "wire/codec.h"

namespace qc::wire {

// What stands in a ReadingBatch beside its columns, as it came.
struct PacketHead {
  std::string_view site;
  std::int64_t received_ms = 0;
  std::int64_t stamp_ms = 0;
  std::int64_t source = 0;
  std::int64_t start_ms = 0;
  std::int64_t step_s = 0;
};

// Why a packet with such a head cannot be used; empty: it can.
std::string shape_error(const PacketHead& head);

// mantissa -> pg by one multiplication where the unit is at least as fine as the decimals; otherwise through core.
class Scale {
 public:
  Scale(core::Unit unit, int decimals);
  // A value in [0, kConcentrationMax], or why it isn't one.
  core::Reason apply(std::int64_t mantissa, core::Concentration& out) const {
    if (mantissa < 0) return core::Reason::Negative;
    if (factor_ == 0) return apply_finer(mantissa, out);
    if (mantissa > most_) return core::Reason::OutOfRange;
    out.pg = mantissa * factor_;
    return core::Reason::None;
  }

 private:
  core::Reason apply_finer(std::int64_t mantissa, core::Concentration& out) const;
  core::Unit unit_;
  int decimals_;
  std::int64_t factor_ = 0;  // 0: not a whole number of picograms
  std::int64_t most_ = 0;
};

// The number of an enum that core shares with the messages; nullopt where core has no such value.
template <class E>
std::optional<E> known(std::int64_t number, E last) {
  if (number <= 0 || number > static_cast<std::int64_t>(last)) return std::nullopt;
  return static_cast<E>(number);
}

inline constexpr int kDecimalsMax = 9;

// `bytes` are those of a v1.ReadingBatch. False: not one of these, and `out` holds nothing of use. `out.site` is a view
// into `bytes`.
bool read_plain_packet(std::string_view bytes, const DecodeLimits& limits, core::ReadingBatch& out);

}  // namespace qc::wire
